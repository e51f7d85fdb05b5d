package api

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

var investigationParameters = []string{"status", "stage", "priority", "investigation_type", "assigned_investigator", "framework", "start_time", "end_time", "limit", "offset"}

// numberAttempts bounds how often a number is looked for that somebody else has
// taken meanwhile.
const numberAttempts = 10

// openInvestigation answers POST /investigations: 201 once the case, its entry and
// the order to start its workflow are written together. Analyses follow; who
// prefers to wait gets to see them.
func (s *server) openInvestigation(r *http.Request) (reply, error) {
	req, body, err := decode[audit.InvestigationRequest](r)
	if err != nil {
		return reply{}, err
	}
	period, err := req.Normalise()
	if err != nil {
		return reply{}, err
	}
	p, now := principal(r), s.Clock()
	if err := s.Log.Online(r.Context(), p.Ledger, period); err != nil {
		return reply{}, err
	}
	row := store.Investigation{
		Ledger: p.Ledger, Kind: strings.TrimSuffix(req.Type, "_incident"), OpenedBy: &store.JSON[audit.Object]{V: p.Actor()}, Type: req.Type, Title: req.Title,
		Request: store.JSON[audit.InvestigationRequest]{V: req}, FromTime: period.From, UntilTime: period.Until, Priority: req.Priority,
		AssignedTo: audit.DefaultInvestigator, CreatedAt: now,
	}
	if err := s.appoint(r, &req, &row); err != nil {
		return reply{}, err
	}
	if row.TriggerSeq, err = s.triggerOf(r, req.Trigger); err != nil {
		return reply{}, err
	}
	key, err := requestKey(r, body)
	if err != nil {
		return reply{}, err
	}
	out, err := s.insertInvestigation(r, &row, key)
	if err != nil {
		return reply{header: replayed(nil, out.Replayed)}, err
	}
	if out.Replayed {
		row.ID = audit.InvestigationID(out.Note)
	} else {
		s.wake()
	}
	return s.investigationOpened(r, row.ID, out.Replayed)
}

// insertInvestigation takes the day's next number of the kind.
func (s *server) insertInvestigation(r *http.Request, row *store.Investigation, key *ledger.RequestKey) (out ledger.Outcome, err error) {
	day := row.CreatedAt.UTC().Format("20060102")
	for range numberAttempts {
		n, err := s.Store.NextInvestigation(r.Context(), row.Ledger, row.Kind, day)
		if err != nil {
			return out, err
		}
		row.ID = audit.InvestigationID(fmt.Sprintf("inv_%s_%s_%03d", day, row.Kind, n))
		if key != nil {
			key.Note = string(row.ID)
		}
		about := action(r, audit.InvestigationEvent+"opened", investigationResource(row.ID), audit.Object{
			"investigation_id": row.ID, "investigation_type": row.Type, "priority": row.Priority,
			"from": audit.FormatTime(row.FromTime), "until": audit.FormatTime(row.UntilTime),
		})
		about.Severity = audit.SeverityMedium
		about.Metadata["title"] = row.Title // it may name people, and can be erased here
		out, err = s.append(r, ledger.Submission{Events: []audit.Event{about}, Request: key, WithNew: store.OpenInvestigation(principal(r).Organisation, *row, day, n)})
		if err == nil {
			err = out.Items[0].Err
		}
		if audit.CodeOf(err) != audit.InProgress {
			return out, err
		}
	}
	return out, audit.Errorf(audit.Unavailable, "too many investigations are opened at once; try again")
}

func investigationResource(id audit.InvestigationID) audit.Object {
	return audit.Object{"type": "investigation", "id": string(id)}
}

// appoint finds who shall investigate and who shall review.
func (s *server) appoint(r *http.Request, req *audit.InvestigationRequest, row *store.Investigation) (err error) {
	if row.Investigator, err = s.appointee(r, "/assigned_investigator", req.Investigator, &req.Scope); err != nil {
		return err
	}
	if row.Reviewer, err = s.appointee(r, "/assigned_reviewer", req.Reviewer, &req.Scope); err != nil {
		return err
	}
	if row.Investigator != nil {
		row.AssignedTo = string(*row.Investigator)
		if row.Reviewer != nil && *row.Reviewer == *row.Investigator {
			return invalid("the investigation is not valid", audit.FieldError{Field: "/assigned_reviewer", Code: "conflict", Message: "the reviewer is somebody else than the investigator"})
		}
	}
	return nil
}

// appointee is an active person of the directory, by id or e-mail address, and
// nobody who is under investigation.
func (s *server) appointee(r *http.Request, field, who string, scope *audit.InvestigationScope) (*audit.PersonID, error) {
	if who == "" || field == "/assigned_investigator" && who == audit.DefaultInvestigator {
		return nil, nil
	}
	p, err := s.knownPerson(r, who)
	switch {
	case err != nil:
		return nil, err
	case p == nil:
		return nil, invalid("the investigation is not valid", audit.FieldError{Field: field, Code: "unknown", Message: "nobody active in the directory has this id or e-mail address"})
	case scope.Concerns(string(p.ID), p.Email):
		return nil, invalid("the investigation is not valid", audit.FieldError{Field: field, Code: "conflict", Message: "whoever is under investigation has no part in it"})
	}
	return &p.ID, nil
}

// triggerOf finds the entry that gave rise to an investigation.
func (s *server) triggerOf(r *http.Request, t *audit.TriggerEvent) (*int64, error) {
	if t == nil {
		return nil, nil
	}
	row, err := s.row(r, t.ID)
	if err == nil {
		var e audit.Entry
		if e, err = row.Entry(); err == nil {
			err = covered(r, &e)
		}
	}
	if audit.CodeOf(err) == audit.NotFound {
		return nil, invalid("the investigation is not valid", audit.FieldError{Field: "/trigger_event/event_id", Code: "unknown", Message: "there is no such entry"})
	}
	return &row.Seq, err
}

// investigationOpened answers with the case as it is once it was opened, or as it
// is when its analyses have ended, for who waits.
func (s *server) investigationOpened(r *http.Request, id audit.InvestigationID, again bool) (reply, error) {
	prefer := preferencesOf(r)
	row, err := s.Store.Investigation(r.Context(), principal(r).Ledger, id)
	if err != nil {
		return reply{}, err
	}
	err = prefer.await(r.Context(), func(ctx context.Context) (ended bool, err error) {
		row, err = s.Store.Investigation(ctx, principal(r).Ledger, id)
		return audit.CaseStageOf(row.Stage).Human || row.Status.Final(), err
	})
	if err != nil {
		return reply{}, err
	}
	header := replayed(http.Header{"Location": {callOf(r).mount + "/investigations/" + string(id)}, "Etag": {investigationTag(&row)}}, again)
	prefer.applied(header)
	view, err := s.investigationView(r, &row)
	return reply{status: http.StatusCreated, header: header, data: view, metadata: map[string]any{"case_number": row.CaseNumber}}, err
}

func (s *server) listInvestigations(r *http.Request) (reply, error) {
	q := callOf(r).query
	hidden, err := s.selves(r)
	if err != nil {
		return reply{}, err
	}
	f := store.InvestigationFilter{
		Status: q.oneOf("status", texts(audit.InvestigationStatuses)...), Priority: q.oneOf("priority", texts(audit.Severities)...),
		Type: q.identifier("investigation_type"), AssignedTo: q.identifier("assigned_investigator"), Framework: q.framework("framework"),
		Period: q.period("start_time", "end_time"), Hidden: hidden,
	}
	stages := make([]string, len(audit.CaseStages))
	for i, line := range audit.CaseStages {
		stages[i] = string(line.Stage)
	}
	f.Stage = q.oneOf("stage", stages...)
	limit, offset := q.number("limit", audit.DefaultPageLimit, 1, audit.MaxPageLimit), q.number("offset", 0, 0, audit.MaxOffset)
	if q.err != nil {
		return reply{}, q.err
	}
	list, total, err := s.Store.Investigations(r.Context(), principal(r).Ledger, f, limit, offset)
	if err != nil {
		return reply{}, err
	}
	facts, err := s.Store.CaseFacts(r.Context(), principal(r).Ledger, list)
	if err != nil {
		return reply{}, err
	}
	data := make([]*investigationBody, len(list))
	for i := range list {
		data[i] = viewInvestigation(&list[i], &facts[i])
	}
	return reply{data: data, pagination: offsetPage{Total: &total, Limit: limit, Offset: &offset, HasMore: int64(offset+len(list)) < total}}, nil
}

func (s *server) showInvestigation(r *http.Request) (reply, error) {
	row, err := s.investigation(r)
	if err != nil {
		return reply{}, err
	}
	prefer := preferencesOf(r) // who has seen a version waits for the next one
	if seen := investigationTag(&row); prefer.asked && !row.Status.Final() && holds(r, seen) {
		err = prefer.await(r.Context(), func(ctx context.Context) (bool, error) {
			row, err = s.Store.Investigation(ctx, row.Ledger, row.ID)
			return investigationTag(&row) != seen, err
		})
		if err != nil {
			return reply{}, err
		}
	}
	header := http.Header{"Etag": {investigationTag(&row)}}
	prefer.applied(header)
	if holds(r, investigationTag(&row)) {
		return reply{status: http.StatusNotModified, header: header}, nil
	}
	view, err := s.investigationView(r, &row)
	return reply{header: header, data: view, metadata: map[string]any{"case_number": row.CaseNumber}}, err
}

// investigationTag changes with everything that is shown of a case: its version, and
// what is no step of it, the handlings of its evidence and its people.
func investigationTag(row *store.Investigation) string {
	return fmt.Sprintf(`"%s-%d.%d.%d"`, row.ID, row.Version, row.Handlings, row.Appointed)
}

// checkVersion is checkIfMatch for a change of a case: it refuses one that was made
// without knowing the latest step. Whether somebody has looked at evidence meanwhile
// is of no interest to it.
func checkVersion(r *http.Request, row *store.Investigation) error {
	step := fmt.Sprintf(`"%s-%d.`, row.ID, row.Version)
	return checkIfMatches(r, func(given string) bool { return strings.HasPrefix(given, step) })
}

var investigationID = regexp.MustCompile(`^inv_[a-z0-9_]{1,100}$`)

// investigation is the one that the path names.
func (s *server) investigation(r *http.Request) (store.Investigation, error) {
	return s.investigationOf(r, variable(r, "investigation_id"))
}

// investigationOf is the one of an id. Who is under investigation does not learn
// that there is one.
func (s *server) investigationOf(r *http.Request, id string) (row store.Investigation, err error) {
	if investigationID.MatchString(id) {
		row, err = s.Store.Investigation(r.Context(), principal(r).Ledger, audit.InvestigationID(id))
	} else {
		err = audit.Errorf(audit.NotFound, "that is no id")
	}
	if err == nil && len(row.Request.V.Scope.Users) > 0 {
		var names []string
		if names, err = s.selves(r); err == nil && row.Request.V.Scope.Concerns(names...) {
			err = audit.Errorf(audit.NotFound, "it is about the caller")
		}
	}
	if audit.CodeOf(err) == audit.NotFound {
		err = audit.Errorf(audit.NotFound, "there is no such investigation")
	}
	return row, err
}

// selves are the names of who is behind a request under which a scope can name
// them: of a person, and of who made a key.
func (s *server) selves(r *http.Request) ([]string, error) {
	p := principal(r)
	behind, err := s.behind(r, p.Actor())
	if err != nil {
		return nil, err
	}
	names := []string{p.Subject, p.Email, behind}
	if behind != "" {
		known, err := s.knownPerson(r, behind)
		if err != nil {
			return nil, err
		}
		if known != nil {
			names = append(names, string(known.ID), known.Email)
		}
	}
	return slices.DeleteFunc(names, func(n string) bool { return n == "" }), nil
}
