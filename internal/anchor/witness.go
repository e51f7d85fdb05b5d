package anchor

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/exchange"
)

// Witness cosigns checkpoints that are consistent with all that it saw before
// (C2SP tlog-witness).
type Witness struct {
	key    *WitnessKey
	url    string // submission prefix
	client *http.Client
}

// NewWitness makes a witness of its key and the URL that its submission path
// starts with. It asks nothing yet.
func NewWitness(key *WitnessKey, submissionURL string) (*Witness, error) {
	u, _, err := exchange.ParseURL(submissionURL)
	if err != nil {
		return nil, err
	}
	return &Witness{key, strings.TrimRight(u.String(), "/"), exchange.NewClient()}, nil
}

// Place says where this is: the name in the witness's key.
func (w *Witness) Place() Place { return Place{KindWitness, w.key.name} }

// AheadError says that a witness cosigned a larger tree than the one it was
// shown. Either something newer was published meanwhile, or the ledger was set
// back: the caller can tell.
type AheadError struct {
	Witness Place
	Size    int64 // of the tree that the witness cosigned last
}

// Error implements error.
func (e *AheadError) Error() string {
	return fmt.Sprintf("the %s has cosigned %d entries, more than were published", e.Witness, e.Size)
}

// maxRounds bounds how often a witness is asked for one checkpoint: once with
// the size that was noted, once with the size that it said.
const maxRounds = 2

// Publish gets the witness's cosignature and returns its line, verified.
// Returns AheadError when the witness knows a larger tree, Tampered when it
// does not find this one consistent with what it saw.
func (w *Witness) Publish(ctx context.Context, s Statement) ([]byte, error) {
	old := s.Last
	for range maxRounds {
		body, err := submission(ctx, s, old)
		if err != nil {
			return nil, err
		}
		got, err := exchange.Post(ctx, w.client, w.Place().String(), w.url+"/add-checkpoint", "text/plain; charset=utf-8", body)
		if err != nil {
			return nil, err
		}
		switch got.Status {
		case http.StatusOK:
			return w.cosignature(s, got.Body)
		case http.StatusConflict:
			if old, err = w.conflict(got); err != nil {
				return nil, err
			}
			if old > s.Checkpoint.Size {
				return nil, &AheadError{w.Place(), old}
			}
		default:
			return nil, w.refused(s, got)
		}
	}
	return nil, audit.Errorf(audit.Unavailable, "the %s takes checkpoints of this log from somebody else, too: it was another one each time", w.Place())
}

// submission is the body of add-checkpoint.
func submission(ctx context.Context, s Statement, old int64) ([]byte, error) {
	body := fmt.Appendf(nil, "old %d\n", old)
	if old > 0 && old < s.Checkpoint.Size {
		proof, err := s.Consistency(ctx, old, s.Checkpoint.Size)
		if err != nil {
			return nil, err
		}
		for _, h := range proof {
			body = append(base64.StdEncoding.AppendEncode(body, h[:]), '\n')
		}
	}
	return append(append(body, '\n'), s.Note...), nil
}

// conflict reads the size that the witness cosigned last.
func (w *Witness) conflict(got exchange.Answer) (int64, error) {
	text, ended := strings.CutSuffix(string(got.Body), "\n")
	size, err := strconv.ParseInt(text, 10, 64)
	if got.Header.Get("Content-Type") != "text/x.tlog.size" || !ended || err != nil || size < 0 || size == math.MaxInt64 || strconv.FormatInt(size, 10) != text {
		return 0, audit.Errorf(audit.InvalidState, "the %s does not say which size it knows: what stands at its URL is no witness", w.Place())
	}
	return size, nil
}

// refused gives the statuses of the protocol their meaning.
func (w *Witness) refused(s Statement, got exchange.Answer) error {
	switch got.Status {
	case http.StatusNotFound:
		return audit.Errorf(audit.NotFound, "the %s does not know the log %s: ask its operator to add it", w.Place(), s.Checkpoint.Origin)
	case http.StatusForbidden:
		return audit.Errorf(audit.Forbidden, "the %s does not accept the key that signs for %s: give its operator the key in use", w.Place(), s.Checkpoint.Origin)
	case http.StatusUnprocessableEntity:
		return audit.Errorf(audit.Tampered, "the %s finds the checkpoint of %d entries inconsistent with what it saw before: the ledger's history was changed, or the witness's", w.Place(), s.Checkpoint.Size)
	}
	return exchange.Refused(w.Place().String(), got)
}

// cosignature takes this witness's line out of what came, and nothing else:
// lines of unknown keys are ignored.
func (w *Witness) cosignature(s Statement, lines []byte) ([]byte, error) {
	text, _, _ := strings.Cut(string(s.Note), "\n\n")
	n, err := note.Open([]byte(text+"\n\n"+string(lines)), note.VerifierList(w.key))
	if err != nil {
		var unverified *note.UnverifiedNoteError
		var wrong *note.InvalidSignatureError
		switch {
		case errors.As(err, &unverified):
			return nil, audit.Errorf(audit.InvalidState, "the %s answers without a cosignature of the key %s: check the key", w.Place(), w.key)
		case errors.As(err, &wrong):
			return nil, audit.Errorf(audit.InvalidState, "the cosignature of the %s does not hold", w.Place())
		}
		return nil, audit.Errorf(audit.InvalidState, "what the %s answers are not signature lines", w.Place())
	}
	return fmt.Appendf(nil, "— %s %s\n", n.Sigs[0].Name, n.Sigs[0].Base64), nil
}

// Witnesses makes the witnesses of a policy that have a URL. Names identify
// witnesses for ever, so two of one name are refused.
func Witnesses(p *Policy) ([]*Witness, error) {
	var out []*Witness
	for _, m := range p.Witnesses {
		if m.URL == "" {
			continue
		}
		w, err := NewWitness(m.Key, m.URL)
		if err != nil {
			return nil, fmt.Errorf("witness %s: %w", m.Key.Name(), err)
		}
		if slices.ContainsFunc(out, func(o *Witness) bool { return o.key.name == w.key.name }) {
			return nil, fmt.Errorf("there are two witnesses of the name %s", w.key.name)
		}
		out = append(out, w)
	}
	return out, nil
}
