package api

import (
	"cmp"
	"net/http"
	"regexp"
	"strings"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

var retentionChangeParameters = []string{"status", "page", "limit"}

// requestRetentionChange answers a PUT /retention that keeps something for fewer
// days: it waits until another person has approved it.
func (s *server) requestRetentionChange(r *http.Request, was audit.RetentionVersion, req *audit.RetentionRequest, shortens []string) (reply, error) {
	if req.Reason == "" {
		return reply{}, invalid("the retention policy is not valid", audit.FieldError{Field: "/reason", Code: "required",
			Message: "say why something is kept for fewer days than now: " + strings.Join(shortens, ", ")})
	}
	requester, err := s.personBehind(r)
	switch {
	case err != nil:
		return reply{}, err
	case requester == "":
		return reply{}, audit.Errorf(audit.InvalidState, "a shorter retention policy is asked for by a person, or by a key that one made")
	}
	p, now := principal(r), s.Clock()
	v := store.RetentionChange{ID: audit.RetentionChangeID("retention_change_" + newULID(now)), Ledger: p.Ledger, Status: audit.RetentionChangePending, BasedOn: was.Version,
		Previous: store.JSON[audit.RetentionPolicy]{V: was.Policy}, Policy: store.JSON[audit.RetentionPolicy]{V: req.RetentionPolicy}, Reason: req.Reason,
		RequestedBy: store.JSON[audit.Object]{V: p.Actor()}, Requester: requester, RequestedAt: now}
	about := aboutRetentionChange(r, typeRetentionChangeRequested, &v, req.Reason)
	if _, err := s.record(r, about, nil, store.InsertRetentionChange(v)); err != nil {
		return reply{}, err
	}
	header := http.Header{"Location": {callOf(r).mount + "/retention/changes/" + string(v.ID)}}
	return reply{status: http.StatusAccepted, header: header, data: retentionChangeView(&v)}, nil
}

// aboutRetentionChange is an entry about a step of a change. It has the whole
// policy, because the row that waits is not part of what is hashed.
func aboutRetentionChange(r *http.Request, eventType string, v *store.RetentionChange, reason string) audit.Event {
	e := action(r, eventType, audit.Object{"type": "retention_change", "id": string(v.ID)}, audit.Object{
		"policy": v.Policy.V, "previous": v.Previous.V, "based_on": v.BasedOn, "shortens": v.Policy.V.Shortens(&v.Previous.V)})
	e.Severity = audit.SeverityMedium
	e.Metadata["reason"] = reason
	return e
}

var retentionChangeIDForm = regexp.MustCompile(`^retention_change_[A-Za-z0-9_]{1,128}$`)

func (s *server) retentionChange(r *http.Request) (v store.RetentionChange, err error) {
	if id := variable(r, "change_id"); retentionChangeIDForm.MatchString(id) {
		v, err = s.Store.RetentionChange(r.Context(), principal(r).Ledger, audit.RetentionChangeID(id))
	} else {
		err = audit.Errorf(audit.NotFound, "that is no id")
	}
	if audit.CodeOf(err) == audit.NotFound {
		err = audit.Errorf(audit.NotFound, "there is no such change of the retention policy")
	}
	return v, err
}

func (s *server) showRetentionChange(r *http.Request) (reply, error) {
	v, err := s.retentionChange(r)
	return reply{data: retentionChangeView(&v)}, err
}

func (s *server) listRetentionChanges(r *http.Request) (reply, error) {
	status := callOf(r).query.oneOf("status", texts(audit.RetentionChangeStatuses)...)
	page, err := jobPage(r)
	if err != nil {
		return reply{}, err
	}
	list, total, err := s.Store.RetentionChanges(r.Context(), principal(r).Ledger, audit.RetentionChangeStatus(status), page.limit, page.offset())
	data := make([]retentionChangeBody, len(list))
	for i := range list {
		data[i] = retentionChangeView(&list[i])
	}
	return reply{data: data, pagination: page.of(total)}, err
}

// decideRetentionChange answers POST /retention/changes/{id}/decision: a person who
// is not the one that asked puts the policy in force or refuses it.
func (s *server) decideRetentionChange(r *http.Request) (reply, error) {
	v, err := s.retentionChange(r)
	if err != nil {
		return reply{}, err
	}
	req, err := decisionOf(r, audit.MaxRetentionReason)
	if err != nil {
		return reply{}, err
	}
	decider, err := s.otherPerson(r, &v)
	if err != nil {
		return reply{}, err
	}
	d := store.RetentionDecision{By: principal(r).Actor(), Person: decider, Reason: req.Reason, At: s.Clock()}
	if req.Decision == "refuse" {
		_, err = s.record(r, aboutRetentionChange(r, typeRetentionChangeRefused, &v, req.Reason), nil, store.RefuseRetentionChange(&v, d))
	} else {
		err = s.approveRetentionChange(r, &v, d)
	}
	if err != nil {
		return reply{}, err
	}
	return s.showRetentionChange(r)
}

// otherPerson is who decides on a change that waits. Whoever made somebody's
// account could be both, so that account is no other person.
func (s *server) otherPerson(r *http.Request, v *store.RetentionChange) (audit.PersonID, error) {
	decider, err := s.personBehind(r)
	if err != nil {
		return "", err
	}
	maker, err := s.maker(r, decider)
	switch {
	case err != nil:
		return "", err
	case v.Status != audit.RetentionChangePending:
		return "", audit.Errorf(audit.InvalidState, "the change is %s already", v.Status)
	case decider == "":
		return "", audit.Errorf(audit.InvalidState, "a change of the retention policy is decided by a person, or by a key that one made")
	case decider == v.Requester:
		return "", audit.Errorf(audit.InvalidState, "whoever asked for a shorter retention policy does not decide on it: another person does")
	case maker == v.Requester:
		return "", audit.Errorf(audit.InvalidState, "whoever asked for a shorter retention policy made this account, so it is no second person's")
	}
	return decider, nil
}

// approveRetentionChange puts the policy in force, if nothing has changed that it
// was held against. Two entries say so: what sets policies is found under one type.
func (s *server) approveRetentionChange(r *http.Request, v *store.RetentionChange, d store.RetentionDecision) error {
	history, err := s.retention.newest(r.Context(), v.Ledger)
	if err != nil {
		return err
	}
	if now := history.Current().Version; now != v.BasedOn {
		return audit.Errorf(audit.InvalidState, "the change was asked for when version %d of the policy was in force, and now version %d is; refuse it, and ask again", v.BasedOn, now)
	}
	carried, err := s.Log.Carried(r.Context(), v.Ledger, s.MeasureTimeout)
	if err != nil {
		return err
	}
	if bad := v.Policy.V.Check(carried); bad != nil {
		return audit.Errorf(audit.InvalidState, "the policy is not valid any more: %s: %s", bad[0].Field, bad[0].Message)
	}
	approved := aboutRetentionChange(r, typeRetentionChangeApproved, v, d.Reason)
	set := aboutRetention(r, audit.RetentionVersion{Version: v.BasedOn + 1, Policy: v.Policy.V}, v.Previous.V, v.Reason)
	set.Details["change_id"], set.Details["requested_by"] = v.ID, v.RequestedBy.V
	out, err := s.append(r, ledger.Submission{Events: []audit.Event{approved, set}, Atomic: true, With: store.ApproveRetentionChange(v, d)})
	s.retention.forget(v.Ledger) // also when somebody else was first
	if err != nil {
		return err
	}
	return cmp.Or(out.Items[0].Err, out.Items[1].Err)
}
