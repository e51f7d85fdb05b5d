package api

import (
	"net/http"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/anchor"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// anchorsBody says where the registry's checkpoints were published outside.
// What is null has not happened, and Reason says why.
type anchorsBody struct {
	Registry        *publishedBody `json:"registry"`         // the newest checkpoint
	AnchoredThrough *int64         `json:"anchored_through"` // entries of the registry that some place outside vouches for
	OperatorOnly    *int64         `json:"operator_attested_entries"`
	Reason          string         `json:"reason,omitempty"` // why nothing is anchored
	Places          []placeBody    `json:"places"`
}

type publishedBody struct {
	Origin      string `json:"origin"`
	Size        int64  `json:"size"`
	Root        string `json:"root"`
	PublishedAt string `json:"published_at"`
	Note        string `json:"note"` // with the cosignatures that it has
}

type placeBody struct {
	anchor.Place
	Configured  bool          `json:"configured"`
	Anchored    *anchoredBody `json:"anchored"`
	Reason      string        `json:"reason,omitempty"` // why nothing is anchored there
	LastAttempt *attemptBody  `json:"last_attempt"`
}

type anchoredBody struct {
	Size       int64  `json:"size"`
	AnchoredAt string `json:"anchored_at"`
	Note       string `json:"note"`     // what the evidence is about
	Evidence   []byte `json:"evidence"` // base64
}

type attemptBody struct {
	At    string  `json:"at"`
	Size  int64   `json:"size"`
	Error *string `json:"error"`
}

// showAnchors answers GET /anchors. It asks no place anything: what was
// written down is what is known.
func (s *server) showAnchors(r *http.Request) (reply, error) {
	states, err := s.Store.AnchorStates(r.Context())
	if err != nil {
		return reply{}, err
	}
	body := anchorsBody{Places: make([]placeBody, len(states))}
	configured := false
	for i, a := range states {
		body.Places[i] = placeOf(a)
		configured = configured || a.Configured
		if a.Size != nil && (body.AnchoredThrough == nil || *a.Size > *body.AnchoredThrough) {
			body.AnchoredThrough = a.Size
		}
	}
	newest, err := s.Log.Publication(r.Context())
	switch {
	case err == nil:
		if body.Registry, err = s.published(r, newest); err != nil {
			return reply{}, err
		}
		tail := newest.Size
		if body.AnchoredThrough != nil {
			tail = max(tail-*body.AnchoredThrough, 0)
		}
		body.OperatorOnly = &tail
	case audit.CodeOf(err) != audit.NotFound:
		return reply{}, err
	}
	if body.AnchoredThrough == nil {
		switch {
		case !configured:
			body.Reason = "no worker is told to publish checkpoints outside"
		case body.Registry == nil:
			body.Reason = "no checkpoint of the registry has been published yet"
		default:
			body.Reason = "no place has taken a checkpoint yet; each says why"
		}
	}
	return reply{data: body}, nil
}

func placeOf(a store.AnchorState) placeBody {
	p := placeBody{Place: anchor.Place{Kind: anchor.Kind(a.Kind), Name: a.Name}, Configured: a.Configured}
	if a.AttemptAt != nil && a.AttemptSize != nil {
		p.LastAttempt = &attemptBody{audit.FormatTime(*a.AttemptAt), *a.AttemptSize, a.AttemptError}
	}
	switch {
	case a.Size != nil && a.AnchoredAt != nil:
		note := a.Note
		if p.Kind == anchor.KindWitness {
			note = anchor.WithCosignatures(note, a.Evidence)
		}
		p.Anchored = &anchoredBody{*a.Size, audit.FormatTime(*a.AnchoredAt), string(note), a.Evidence}
	case p.LastAttempt == nil:
		p.Reason = "nothing was tried yet"
	default:
		p.Reason = "no attempt has succeeded yet"
	}
	return p
}

// published shows a checkpoint with every cosignature that is kept for it.
func (s *server) published(r *http.Request, p ledger.Publication) (*publishedBody, error) {
	kept, err := s.Store.Anchors(r.Context(), p.Size)
	if err != nil {
		return nil, err
	}
	note := p.Note
	for _, a := range kept {
		if anchor.Kind(a.Kind) == anchor.KindWitness && string(a.Note) == string(p.Note) {
			note = anchor.WithCosignatures(note, a.Evidence)
		}
	}
	c := p.Checkpoint
	return &publishedBody{c.Origin, c.Size, ledger.FormatHash(c.Root), audit.FormatTime(p.At), string(note)}, nil
}
