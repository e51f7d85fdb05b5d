package api

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// verificationBody is a verification job. Result has the shape of what a short
// verification is answered with.
type verificationBody struct {
	JobID             audit.VerificationID      `json:"job_id"`
	Status            audit.VerificationStatus  `json:"status"`
	CreatedAt         string                    `json:"created_at"`
	CompletedAt       string                    `json:"completed_at,omitempty"`
	CancelRequestedAt string                    `json:"cancel_requested_at,omitempty"`
	Error             string                    `json:"error,omitempty"`
	Request           audit.VerificationRequest `json:"request"`
	Progress          *audit.Progress           `json:"progress,omitempty"`
	Result            *json.RawMessage          `json:"result,omitempty"`
}

func verificationView(v store.Verification) *verificationBody {
	body := &verificationBody{
		JobID: v.ID, Status: v.Status, CreatedAt: audit.FormatTime(v.CreatedAt), CompletedAt: formatted(v.CompletedAt),
		CancelRequestedAt: formatted(v.CancelRequestedAt), Request: v.Request.V, Result: v.Result,
	}
	if v.Error != nil {
		body.Error = *v.Error
	}
	return body
}

// requestVerification makes the job of a long verification: 202 once job, entry
// and the order to start the workflow are written together.
func (s *server) requestVerification(r *http.Request, req audit.VerificationRequest, key *ledger.RequestKey) (reply, error) {
	p, now := principal(r), s.Clock()
	v := store.Verification{
		ID: audit.VerificationID("verify_" + newULID(now)), Ledger: p.Ledger, Status: audit.VerificationQueued, CreatedAt: now,
		Request: store.JSON[audit.VerificationRequest]{V: req}, RequestedBy: store.JSON[audit.Object]{V: p.Actor()},
	}
	if key != nil {
		key.Note = string(v.ID)
	}
	about := action(r, typeVerifyRequested, verificationResource(v.ID), audit.Object{"from": req.From, "to": req.To})
	if req.RepositoryID != "" {
		about.Details["repository_id"] = req.RepositoryID
	}
	out, err := s.record(r, about, key, store.InsertVerification(v, store.Start{
		Workflow: audit.VerificationWorkflow, WorkflowID: string(v.ID), At: now,
		Input: audit.VerificationStart{ID: v.ID, Ledger: v.Ledger, Organisation: p.Organisation, Period: req.From + " to " + req.To},
	}))
	if err != nil {
		return reply{header: replayed(nil, out.Replayed)}, err
	}
	if out.Replayed {
		return s.replayVerification(r, out.Note)
	}
	s.wake()
	return s.verificationAccepted(r, v, false)
}

// verificationAccepted answers for a job. If it completes while the caller
// prefers to wait, the answer is that of a verification without a job.
func (s *server) verificationAccepted(r *http.Request, v store.Verification, again bool) (reply, error) {
	prefer := preferencesOf(r)
	err := prefer.await(r.Context(), func(ctx context.Context) (_ bool, err error) {
		now, err := s.Store.Verification(ctx, v.Ledger, v.ID)
		if err == nil {
			v = now
		}
		return v.Status.Final(), err
	})
	if err != nil {
		return reply{}, err
	}
	header := replayed(http.Header{"Location": {callOf(r).mount + "/verify/" + string(v.ID)}}, again)
	prefer.applied(header)
	if prefer.wait > 0 && v.Result != nil {
		return reply{header: header, data: *v.Result}, nil
	}
	return reply{status: http.StatusAccepted, header: header, data: verificationView(v)}, nil
}

func verificationResource(id audit.VerificationID) audit.Object {
	return audit.Object{"type": "ledger_verification", "id": string(id)}
}

// cancelVerification answers DELETE /verify/{job_id}: 202, because the workflow
// comes to a stop first.
func (s *server) cancelVerification(r *http.Request) (reply, error) {
	v, err := s.verification(r)
	if err != nil {
		return reply{}, err
	}
	if v.Status.Final() {
		return reply{}, audit.Errorf(audit.InvalidState, "%s is %s and cannot be canceled any more", v.ID, v.Status).With("job_status", v.Status)
	}
	now := s.Clock()
	cancel := store.CancelVerification(v.Ledger, v.ID, now, store.Cancel{WorkflowID: string(v.ID), At: now})
	if _, err := s.record(r, action(r, typeVerifyCancel, verificationResource(v.ID), nil), nil, cancel); err != nil {
		return reply{}, err
	}
	s.wake()
	v.CancelRequestedAt = &now
	return reply{status: http.StatusAccepted, data: verificationView(v)}, nil
}

func (s *server) showVerification(r *http.Request) (reply, error) {
	v, err := s.verification(r)
	if err != nil {
		return reply{}, err
	}
	view := verificationView(v)
	if v.Status == audit.VerificationProcessing && s.Workflows != nil {
		ctx, cancel := context.WithTimeout(r.Context(), s.ProgressTimeout)
		defer cancel()
		if p, err := s.Workflows.VerificationProgress(ctx, v.ID); err == nil {
			view.Progress = &p
		}
	}
	return reply{data: view}, nil
}

func (s *server) listVerifications(r *http.Request) (reply, error) {
	page, err := jobPage(r)
	if err != nil {
		return reply{}, err
	}
	list, total, err := s.Store.Verifications(r.Context(), principal(r).Ledger, page.limit, page.offset())
	if err != nil {
		return reply{}, err
	}
	data := make([]*verificationBody, len(list))
	for i, v := range list {
		data[i] = verificationView(v)
	}
	return reply{data: data, pagination: page.of(total)}, nil
}

var verificationID = regexp.MustCompile(`^verify_[0-9a-z]{26}$`)

// verification returns the job that the path names.
func (s *server) verification(r *http.Request) (store.Verification, error) {
	id := variable(r, "job_id")
	if !verificationID.MatchString(id) {
		return store.Verification{}, audit.Errorf(audit.NotFound, "there is no such verification")
	}
	v, err := s.Store.Verification(r.Context(), principal(r).Ledger, audit.VerificationID(id))
	if audit.CodeOf(err) == audit.NotFound {
		err = audit.Errorf(audit.NotFound, "there is no such verification")
	}
	return v, err
}
