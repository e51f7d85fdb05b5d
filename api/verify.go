package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// verifyRequest is the body of POST /verify.
type verifyRequest struct {
	From         string `json:"from"`
	To           string `json:"to"`
	RepositoryID string `json:"repository_id"`
}

// verifyResult is the data of the answer; what document A does not have is
// ours.
type verifyResult struct {
	Verified     bool             `json:"verified"`
	Checked      int64            `json:"logs_checked"` // entries that match the window
	ChainValid   bool             `json:"chain_valid"`
	Mismatches   int64            `json:"hash_mismatches"`
	Gaps         int64            `json:"gaps_detected"`
	Digest       string           `json:"verification_hash"`
	VerifiedAt   string           `json:"verified_at"`
	FirstInvalid *invalidEntry    `json:"first_invalid,omitempty"`
	Problems     []ledger.Problem `json:"problems"`       // the first of them
	ProblemCount int64            `json:"problems_total"` // all of them
	Range        *verifiedRange   `json:"range,omitempty"`
	Checkpoint   string           `json:"checkpoint,omitempty"` // a signed note of the tree that was verified
}

type invalidEntry struct {
	Seq    int64  `json:"seq"`
	ID     string `json:"id,omitempty"`
	Reason string `json:"reason"`
}

type verifiedRange struct {
	First int64 `json:"first_seq"`
	Last  int64 `json:"last_seq"`
	Count int64 `json:"entries"`
}

// verify answers POST /verify. The window may select a part of the entries;
// checked is every entry from the first to the last of them, because a part
// can be sound while what stood between was removed. The result is an entry of
// its own.
func (s *server) verify(r *http.Request) (reply, error) {
	req, body, err := decode[verifyRequest](r)
	if err != nil {
		return reply{}, err
	}
	filter, err := req.filter()
	if err != nil {
		return reply{}, err
	}
	key, err := requestKey(r, body)
	if err != nil {
		return reply{}, err
	}
	result, err := s.verifyWindow(r, filter)
	if err != nil {
		return reply{}, err
	}
	text, err := json.Marshal(result)
	if err != nil {
		return reply{}, fmt.Errorf("encode verification: %w", err)
	}
	if key != nil {
		key.Note = string(text)
	}
	out, err := s.record(r, verified(r, req, result), key, nil)
	if err != nil {
		return reply{header: replayed(nil, out.Replayed)}, err
	}
	if out.Replayed {
		text = []byte(out.Note)
	}
	return reply{header: replayed(nil, out.Replayed), data: json.RawMessage(text)}, nil
}

func (v *verifyRequest) filter() (f audit.Filter, err error) {
	var bad []audit.FieldError
	for _, bound := range []struct{ name, value string }{{"from", v.From}, {"to", v.To}} {
		if bound.value == "" {
			bad = append(bad, audit.FieldError{Field: "/" + bound.name, Code: "required", Message: bound.name + " is required: a time or a date"})
		}
	}
	if len(v.RepositoryID) > audit.MaxIdentifier {
		bad = append(bad, audit.FieldError{Field: "/repository_id", Code: "length", Message: "repository_id has at most 256 bytes"})
	}
	if bad != nil {
		return f, invalid("the verification is not valid", bad...)
	}
	f.RepositoryID = v.RepositoryID
	f.Period, err = audit.ParsePeriod(v.From, v.To)
	return f, err
}

func (s *server) verifyWindow(r *http.Request, f audit.Filter) (v verifyResult, err error) {
	select {
	case s.verifying <- struct{}{}:
		defer func() { <-s.verifying }()
	default:
		return v, &audit.Error{Code: audit.Unavailable, Message: "too many verifications are running", RetryAfter: time.Second}
	}
	org := principal(r).Ledger
	first, end, count, err := s.Log.Range(r.Context(), org, f)
	if err != nil {
		return v, err
	}
	if n := end - first; n > s.MaxVerifyEntries {
		return v, audit.Errorf(audit.ValidationFailed,
			"the window spans %d entries; one request verifies at most %d: ask for shorter windows, or run sealbook verify", n, s.MaxVerifyEntries).
			With("entries", n).With("limit", s.MaxVerifyEntries)
	}
	// An empty window still verifies the head and the tree around nothing, for
	// the sake of a hash that says which ledger was asked.
	found, err := s.Log.Verify(r.Context(), org, max(first, 0), max(end, 0), nil)
	if err != nil {
		return v, err
	}
	v = verifyResult{
		Verified: found.OK(), Checked: count, ChainValid: found.Rows > 0,
		Mismatches: found.Counts[ledger.HashMismatch], Gaps: found.Counts[ledger.MissingEntry],
		Digest: found.Digest, VerifiedAt: audit.FormatTime(s.Clock()),
		Problems: found.Problems[:min(len(found.Problems), MaxProblemsShown)],
	}
	for kind, n := range found.Counts {
		v.ProblemCount += n
		if kind != ledger.HashMismatch && kind != ledger.WrongColumn {
			v.ChainValid = false
		}
	}
	v.FirstInvalid = firstInvalid(found.Problems)
	if found.Rows > 0 {
		v.Range = &verifiedRange{found.First, found.End - 1, found.Rows}
	}
	if v.Problems == nil {
		v.Problems = []ledger.Problem{}
	}
	v.Checkpoint = s.checkpoint(r, found.Checkpoint)
	return v, nil
}

// firstInvalid is the problem with the lowest number; one that concerns no
// single entry only when there is nothing else.
func firstInvalid(problems []ledger.Problem) *invalidEntry {
	var first *invalidEntry
	for _, p := range problems {
		if first == nil || p.Seq >= 0 && (first.Seq < 0 || p.Seq < first.Seq) {
			first = &invalidEntry{p.Seq, p.EntryID, p.Message}
		}
	}
	return first
}

// checkpoint returns the signed note of exactly the tree that was verified: it
// is in the receipt of the tree's last entry. A tree that its own last entry
// does not lead to has none.
func (s *server) checkpoint(r *http.Request, c ledger.Checkpoint) string {
	if c.Size == 0 {
		return ""
	}
	receipt, err := s.Log.Receipt(r.Context(), principal(r).Ledger, c.Size-1)
	if err != nil {
		s.Logger.WarnContext(r.Context(), "no signed checkpoint for a verification", "size", c.Size, "error", err)
		return ""
	}
	return string(receipt.Proof.Checkpoint)
}

// verified is the entry about a verification.
func verified(r *http.Request, req verifyRequest, v verifyResult) audit.Event {
	e := action(r, typeVerified, nil, audit.Object{
		"from": req.From, "to": req.To, "verified": v.Verified, "logs_checked": v.Checked, "chain_valid": v.ChainValid,
		"hash_mismatches": v.Mismatches, "gaps_detected": v.Gaps, "problems": v.ProblemCount, "verification_hash": v.Digest,
	})
	if req.RepositoryID != "" {
		e.Details["repository_id"] = req.RepositoryID
	}
	if v.Range != nil {
		e.Details["first_seq"], e.Details["last_seq"] = v.Range.First, v.Range.Last
	}
	if v.ProblemCount > 0 {
		e.Severity = audit.SeverityCritical
	}
	return e
}
