package api

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

var erasureParameters = []string{"status", "page", "limit"}

// requestErasure answers POST /subjects/{id}/erasure: 202 once job, entry and the
// order to start the workflow are written together. Nothing is destroyed before a
// second person approves. No entry ever says whom it is about.
func (s *server) requestErasure(r *http.Request) (reply, error) {
	req, body, err := decode[audit.ErasureRequest](r)
	if err != nil {
		return reply{}, err
	}
	requester, err := s.eraser(r)
	if err != nil {
		return reply{}, err
	}
	id := variable(r, "id")
	if err := req.Validate(id); err != nil {
		return reply{}, err
	}
	if err := unnamed(&req); err != nil {
		return reply{}, err
	}
	key, err := requestKey(r, body)
	if err != nil {
		return reply{}, err
	}
	p, now := principal(r), s.Clock()
	e := store.Erasure{
		ID: audit.ErasureID("erasure_" + newULID(now)), Ledger: p.Ledger, Subject: &req.Identifiers[0], Identifiers: &store.JSON[[]string]{V: req.Identifiers},
		Reason: req.Reason, Basis: req.Basis, Status: audit.ErasureRequested, RequestedBy: store.JSON[audit.Object]{V: p.Actor()}, Requester: requester, CreatedAt: now,
	}
	if key != nil { // the key is kept for a day, and must not name the subject either
		key.Route, key.Body, key.Note = "POST /subjects/{id}/erasure", append([]byte(id+"\n"), key.Body...), string(e.ID)
	}
	accounts, err := s.Store.AccountsOf(r.Context(), p.Ledger, req.Identifiers)
	if err != nil {
		return reply{}, err
	}
	if accounts > 0 {
		return reply{}, audit.Errorf(audit.InvalidState, "the subject has an account here; deactivate it first (POST %s/directory/users/{user_id}/deactivate)", callOf(r).mount)
	}
	about := action(r, typeErasureRequested, erasureResource(e.ID), audit.Object{"basis": req.Basis, "identifiers": len(req.Identifiers)})
	about.Severity, about.Metadata["reason"] = audit.SeverityHigh, req.Reason
	out, err := s.record(r, about, key, store.InsertErasure(e, store.Start{
		Workflow: audit.ErasureWorkflow, WorkflowID: string(e.ID), At: now, Input: audit.ErasureStart{ID: e.ID, Ledger: e.Ledger, Organisation: p.Organisation},
	}))
	if err != nil {
		return reply{header: replayed(nil, out.Replayed)}, err
	}
	if out.Replayed {
		e.ID = audit.ErasureID(out.Note)
	}
	s.wake()
	if e, err = s.Store.Erasure(r.Context(), p.Ledger, e.ID); err != nil {
		return reply{}, err
	}
	header := replayed(http.Header{"Location": {callOf(r).mount + "/erasures/" + string(e.ID)}}, out.Replayed)
	return reply{status: http.StatusAccepted, header: header, data: erasureView(&e)}, nil
}

// unnamed refuses texts that name the subject: they become part of the ledger,
// where nothing can take them back.
func unnamed(req *audit.ErasureRequest) error {
	subject := ledger.NewSubject(req.Identifiers)
	var bad []audit.FieldError
	for _, f := range []struct{ name, text string }{{"basis", req.Basis}, {"reason", req.Reason}} {
		if subject.In(f.text) {
			bad = append(bad, audit.FieldError{Field: "/" + f.name, Code: "names_subject", Message: f.name + " is kept for ever and must not hold one of the identifiers"})
		}
	}
	if bad != nil {
		return invalid("the request for erasure is not valid", bad...)
	}
	return nil
}

// eraser returns the person who acts. No key erases or approves, whatever it
// holds.
func (s *server) eraser(r *http.Request) (audit.PersonID, error) {
	p := principal(r)
	if !p.Person() {
		return "", s.refused(p.Refuse(audit.ExecuteErasure, "an erasure is asked for and decided by people, in person"), p)
	}
	behind, err := s.behind(r, p.Actor())
	return audit.PersonID(behind), err
}

// maker returns who gave a person their account, and so could be both: a person,
// also through a key of theirs. "" is of an operator, and of people whom a provider
// of identities vouches for.
func (s *server) maker(r *http.Request, id audit.PersonID) (audit.PersonID, error) {
	known, err := s.Store.Person(r.Context(), principal(r).Ledger, id)
	if audit.CodeOf(err) == audit.NotFound {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	kind, by, _ := strings.Cut(known.CreatedBy, " ")
	if kind == "api_key" {
		by, err = s.behind(r, audit.Object{"type": "api_key", "id": by})
	} else if kind != "user" {
		by = ""
	}
	return audit.PersonID(by), err
}

func erasureResource(id audit.ErasureID) audit.Object {
	return audit.Object{"type": "erasure", "id": string(id)}
}

type decisionRequest struct {
	Reason string `json:"reason"`
}

// approveErasure answers POST …/approval: another person than the requester lets
// the planned erasure run.
func (s *server) approveErasure(r *http.Request) (reply, error) {
	return s.decideErasure(r, typeErasureApproved, http.StatusAccepted, store.ApproveErasure, func(e *store.Erasure, decider audit.PersonID, names []string) error {
		p, subject := principal(r), ledger.NewSubject(e.Identifiers.V)
		maker, err := s.maker(r, decider)
		switch {
		case err != nil:
			return err
		case decider == e.Requester:
			return s.refused(p.Refuse(audit.ExecuteErasure, "who asked for an erasure does not approve it: another person does"), p)
		case maker == e.Requester:
			return s.refused(p.Refuse(audit.ExecuteErasure, "who asked for an erasure made this account, so it is no second person's"), p)
		case slices.ContainsFunc(names, subject.Is):
			return s.refused(p.Refuse(audit.ExecuteErasure, "nobody approves the erasure of themselves: another person does"), p)
		case e.Plan == nil:
			return audit.Errorf(audit.InvalidState, "what would be erased is being counted; approve it when the plan is there")
		case e.Plan.V.Entries == 0 && e.Plan.V.Held > 0:
			return audit.Errorf(audit.LegalHoldActive, "a legal hold keeps all %d entries of the subject; decline, and ask again after its release", e.Plan.V.Held).
				With("held_entries", e.Plan.V.Held)
		}
		return nil
	})
}

// declineErasure answers POST …/decline: the request ends, and whom it was about
// is forgotten. Who asked for it may take it back so.
func (s *server) declineErasure(r *http.Request) (reply, error) {
	return s.decideErasure(r, typeErasureDeclined, http.StatusOK, store.DeclineErasure, func(*store.Erasure, audit.PersonID, []string) error { return nil })
}

func (s *server) decideErasure(r *http.Request, event string, status int, with func(int32, audit.ErasureID, store.ErasureDecision) store.Statements,
	check func(*store.Erasure, audit.PersonID, []string) error) (reply, error) {
	e, err := s.erasure(r)
	if err != nil {
		return reply{}, err
	}
	decider, err := s.eraser(r)
	if err != nil {
		return reply{}, err
	}
	req, _, err := decode[decisionRequest](r)
	if err != nil {
		return reply{}, err
	}
	if req.Reason = strings.TrimSpace(req.Reason); req.Reason == "" || len(req.Reason) > audit.MaxErasureReason {
		return reply{}, invalid("the decision is not valid", audit.FieldError{Field: "/reason", Code: "length",
			Message: fmt.Sprintf("reason is required and has at most %d bytes", audit.MaxErasureReason)})
	}
	if e.Status != audit.ErasureRequested {
		return reply{}, audit.Errorf(audit.InvalidState, "%s is %s and waits for no decision", e.ID, e.Status).With("job_status", e.Status)
	}
	if ledger.NewSubject(e.Identifiers.V).In(req.Reason) {
		return reply{}, invalid("the decision is not valid", audit.FieldError{Field: "/reason", Code: "names_subject",
			Message: "reason is kept for ever and must not hold one of the identifiers"})
	}
	names, err := s.selves(r)
	if err == nil {
		err = check(&e, decider, names)
	}
	if err != nil {
		return reply{}, err
	}
	now := s.Clock()
	about := action(r, event, erasureResource(e.ID), audit.Object{"basis": e.Basis})
	about.Severity, about.Metadata["reason"] = audit.SeverityHigh, req.Reason
	if e.Plan != nil {
		about.Details["entries"], about.Details["fields"], about.Details["held_entries"] = e.Plan.V.Entries, e.Plan.V.Fields, e.Plan.V.Held
	}
	decision := store.ErasureDecision{By: principal(r).Actor(), Decider: decider, Reason: req.Reason, At: now}
	if _, err := s.record(r, about, nil, with(e.Ledger, e.ID, decision)); err != nil {
		return reply{}, err
	}
	s.wake()
	e, err = s.Store.Erasure(r.Context(), e.Ledger, e.ID)
	return reply{status: status, data: erasureView(&e)}, err
}

func (s *server) listErasures(r *http.Request) (reply, error) {
	status := callOf(r).query.oneOf("status", "requested", "approved", "running", "completed", "declined", "failed")
	page, err := jobPage(r)
	if err != nil {
		return reply{}, err
	}
	if _, err := s.eraser(r); err != nil {
		return reply{}, err
	}
	list, total, err := s.Store.Erasures(r.Context(), principal(r).Ledger, audit.ErasureStatus(status), page.limit, page.offset())
	data := make([]*erasureBody, len(list))
	for i := range list {
		data[i] = erasureView(&list[i])
	}
	return reply{data: data, pagination: page.of(total)}, err
}

func (s *server) showErasure(r *http.Request) (reply, error) {
	e, err := s.erasure(r)
	if err == nil {
		_, err = s.eraser(r)
	}
	if err != nil {
		return reply{}, err
	}
	return reply{data: erasureView(&e)}, nil
}

// showCertificate answers GET …/certificate. The digest is that of the certificate
// in canonical JSON (RFC 8785), as the ledger and the registry have it; whether the
// files were scrubbed comes later and stands beside it.
func (s *server) showCertificate(r *http.Request) (reply, error) {
	e, err := s.erasure(r)
	if err == nil {
		_, err = s.eraser(r)
	}
	if err != nil {
		return reply{}, err
	}
	if e.Certificate == nil {
		return reply{}, audit.Errorf(audit.InvalidState, "%s is %s and has no certificate", e.ID, e.Status).With("job_status", e.Status)
	}
	return reply{data: certificateView(&e)}, nil
}

var erasureID = regexp.MustCompile(`^erasure_[0-9a-z]{26}$`)

// erasure returns the one that the path names.
func (s *server) erasure(r *http.Request) (e store.Erasure, err error) {
	if id := variable(r, "erasure_id"); erasureID.MatchString(id) {
		e, err = s.Store.Erasure(r.Context(), principal(r).Ledger, audit.ErasureID(id))
	} else {
		err = audit.Errorf(audit.NotFound, "that is no id")
	}
	if audit.CodeOf(err) == audit.NotFound {
		err = audit.Errorf(audit.NotFound, "there is no such erasure")
	}
	return e, err
}
