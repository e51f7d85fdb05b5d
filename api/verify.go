package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// verifyRequest is the body of POST /verify: a window, or a receipt.
type verifyRequest struct {
	audit.VerificationRequest
	Receipt *receiptBody `json:"receipt"`
}

// verify answers POST /verify. The window may select a part of the entries;
// checked is every entry from the first to the last of them, because a part
// can be sound while what stood between was removed. The result is an entry of
// its own. A range that is too long for one request becomes a job, and so does
// every other for a caller who prefers that.
func (s *server) verify(r *http.Request) (reply, error) {
	req, body, err := decode[verifyRequest](r)
	if err != nil {
		return reply{}, err
	}
	key, err := requestKey(r, body)
	if err != nil {
		return reply{}, err
	}
	if req.Receipt != nil {
		return s.verifyReceipt(r, &req, key)
	}
	filter, err := req.Filter()
	if err != nil {
		return reply{}, err
	}
	p := principal(r)
	filter.Within = p.Constraints
	if preferencesOf(r).async && p.Constraints.Empty() { // a preference may be passed over
		return s.requestVerification(r, req.VerificationRequest, key)
	}
	result, long, err := s.verifyWindow(r, filter)
	if err != nil {
		return reply{}, err
	}
	if long && !p.Constraints.Empty() {
		return reply{}, s.beyond(p, audit.VerifyLedger, fmt.Sprintf("a job verifies for everyone, which a constrained credential cannot ask for; choose a window of at most %d entries", s.MaxVerifyEntries))
	}
	if long {
		return s.requestVerification(r, req.VerificationRequest, key)
	}
	about := verified(r, &result)
	about.Details["from"], about.Details["to"] = req.From, req.To
	if req.RepositoryID != "" {
		about.Details["repository_id"] = req.RepositoryID
	}
	return s.answerVerified(r, result, about, key)
}

// verified is the entry about a verification.
func verified(r *http.Request, v *ledger.Summary) audit.Event {
	e := action(r, typeVerified, nil, v.Details())
	e.Severity = v.Severity()
	return e
}

// answerVerified records a result and answers with it. A replayed request gets
// what the first one got.
func (s *server) answerVerified(r *http.Request, v ledger.Summary, about audit.Event, key *ledger.RequestKey) (reply, error) {
	registered, at, err := s.Store.NewestAnchor(r.Context())
	if err != nil {
		return reply{}, err
	}
	anchored, err := s.Log.Anchored(r.Context(), principal(r).Ledger, v.TreeSize, registered, at)
	if err != nil {
		return reply{}, err
	}
	v.Anchored = &anchored
	text, err := json.Marshal(v)
	if err != nil {
		return reply{}, fmt.Errorf("encode verification: %w", err)
	}
	if key != nil {
		key.Note = string(text)
	}
	out, err := s.record(r, about, key, nil)
	if err != nil {
		return reply{header: replayed(nil, out.Replayed)}, err
	}
	if out.Replayed {
		return s.replayVerification(r, out.Note)
	}
	return reply{header: replayed(nil, false), data: json.RawMessage(text)}, nil
}

// replayVerification answers from the note of the first request: the result, or
// the id of its job. Which of them can have changed since, with the ledger.
func (s *server) replayVerification(r *http.Request, note string) (reply, error) {
	if !verificationID.MatchString(note) {
		return reply{header: replayed(nil, true), data: json.RawMessage(note)}, nil
	}
	v, err := s.Store.Verification(r.Context(), principal(r).Ledger, audit.VerificationID(note))
	if err != nil {
		return reply{}, err
	}
	return s.verificationAccepted(r, v, true)
}

// verifyWindow verifies what the filter spans, unless that is too long.
func (s *server) verifyWindow(r *http.Request, f audit.Filter) (v ledger.Summary, long bool, err error) {
	select {
	case s.verifying <- struct{}{}:
		defer func() { <-s.verifying }()
	default:
		return v, false, &audit.Error{Code: audit.Unavailable, Message: "too many verifications are running", RetryAfter: time.Second}
	}
	org := principal(r).Ledger
	first, end, count, err := s.Log.WindowRange(r.Context(), org, f)
	if err != nil || end-first > s.MaxVerifyEntries {
		return v, true, err
	}
	// An empty window still verifies the head and the tree around nothing, for
	// the sake of a hash that says which ledger was asked.
	found, err := s.Log.Verify(r.Context(), org, max(first, 0), max(end, 0), nil)
	if err != nil {
		return v, false, err
	}
	v = found.Summary(count, MaxProblemsShown, s.Clock())
	v.Checkpoint = s.checkpoint(r, found.Checkpoint)
	return v, false, nil
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
