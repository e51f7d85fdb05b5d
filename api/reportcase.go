package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// reportedCase is the case that a report is asked for, or nil. Who may not read it
// may not have a report of it made, and who it is about is told what everybody is
// told of a case that is not there. The report's period becomes that of the case's
// scope, as far as it has begun.
func (s *server) reportedCase(r *http.Request, req *audit.ReportRequest, period *audit.Period, now time.Time) (*store.Investigation, error) {
	if req.Type != audit.InvestigationReport {
		return nil, s.require(principal(r), audit.CreateReports) // the route takes whoever has it for a case
	}
	if err := s.require(principal(r), audit.ReadInvestigations); err != nil {
		return nil, err
	}
	row, err := s.investigationOf(r, string(req.Investigation))
	if err != nil {
		return nil, err
	}
	own, err := s.ownNames(r)
	if err != nil {
		return nil, err
	}
	if !principal(r).Can(audit.CreateReports) && !ownCase(&row, own) {
		return nil, s.refused(principal(r).Refuse(audit.CreateReports, "without it, reports are of one's own cases: those that one opened, investigates, reviews or has worked on"), principal(r))
	}
	whole := row.Period()
	if now = audit.Instant(now); whole.Until.After(now) && whole.From.Before(now) {
		whole.Until = now
	}
	if asked := *period; !asked.From.IsZero() && !whole.Within(asked) {
		return nil, invalid("the report request is not valid", audit.FieldError{Field: "/period", Code: "conflict", Message: fmt.Sprintf(
			"a report of an investigation is of its whole scope, %s to %s: leave the period out, or name one that holds it", audit.FormatTime(whole.From), audit.FormatTime(whole.Until))})
	}
	*period = whole
	return &row, nil
}

// recordCaseRead notes that a case was read for the sake of a report, as reading it
// otherwise is.
func (s *server) recordCaseRead(r *http.Request, row *store.Investigation, id audit.ReportID) error {
	c := callOf(r)
	c.seen.id, c.seen.details = string(row.ID), audit.Object{"report_id": id}
	return s.reads.take(r.Context(), row.Ledger, s.readEvent(r, reading{event: typeInvestigationRead, resource: "investigation"}, http.StatusOK))
}

// mayRead is NotFound for a report that the caller's constraints do not cover, or of
// a case that the caller may not read.
func (s *server) mayRead(r *http.Request, row *store.Report) error {
	if !row.Covered(principal(r).Constraints) {
		return audit.Errorf(audit.NotFound, "the caller's constraints do not cover it")
	}
	id, all := row.Request.V.Investigation, principal(r).Can(audit.ReadReports)
	if id == "" && all {
		return nil
	}
	if !principal(r).Can(audit.ReadInvestigations) {
		return audit.Errorf(audit.NotFound, "it is of a case, which the caller may not read")
	}
	about, err := s.investigationOf(r, string(id))
	if err == nil && !all {
		own, ownErr := s.ownNames(r)
		if err = ownErr; err == nil && !ownCase(&about, own) {
			err = audit.Errorf(audit.NotFound, "it is of a case of others")
		}
	}
	return err
}

// ownNames are the ids under which a case can be the caller's: of the credential, and
// of the person behind it.
func (s *server) ownNames(r *http.Request) ([]string, error) {
	p := principal(r)
	behind, err := s.behind(r, p.Actor())
	return slices.DeleteFunc([]string{p.Actor().String("id"), behind}, func(id string) bool { return id == "" }), err
}

// ownCase reports whether one of these opened a case, investigates or reviews it, or
// has worked on it.
func ownCase(row *store.Investigation, own []string) bool {
	is := func(id string) bool { return slices.Contains(own, id) }
	return row.OpenedBy != nil && is(row.OpenedBy.V.String("id")) || row.Investigator != nil && is(string(*row.Investigator)) ||
		row.Reviewer != nil && is(string(*row.Reviewer)) || slices.ContainsFunc(row.Hands, func(id audit.PersonID) bool { return is(string(id)) })
}

// caseReader is the caller as a reader of lists in which reports of cases are.
func (s *server) caseReader(r *http.Request) (c store.CaseReader, err error) {
	if c.Cases = principal(r).Can(audit.ReadInvestigations); c.Cases {
		c.Hidden, err = s.selves(r)
	}
	if c.OwnOnly = !principal(r).Can(audit.ReadReports); c.OwnOnly && err == nil {
		c.Own, err = s.ownNames(r)
	}
	return c, err
}

// cannotRead is why a person must not get to see a report of a case, or "".
func cannotRead(p *store.Person, row *store.Investigation) string {
	switch {
	case row.Request.V.Scope.Concerns(string(p.ID), p.Email):
		return "whoever is under investigation has no part in it"
	case !slices.Contains(audit.PermissionsOf(p.Roles), audit.ReadInvestigations):
		return "none of the roles may read investigations"
	}
	return ""
}

// mayReceive refuses to send a report of a case to whom the case is about, by any
// address that the scope or the directory knows as theirs.
func (s *server) mayReceive(r *http.Request, about *store.Investigation, field string, addresses []string) error {
	if about == nil {
		return nil
	}
	var bad []audit.FieldError
	for i, address := range addresses {
		concerns := about.Request.V.Scope.Concerns(address)
		list, _, err := s.Store.People(r.Context(), about.Ledger, address, audit.MaxPageLimit, 0)
		if err != nil {
			return err
		}
		for n := range list { // those who are deactivated, too
			p := &list[n]
			concerns = concerns || strings.EqualFold(p.Email, address) && about.Request.V.Scope.Concerns(string(p.ID), p.Email)
		}
		if concerns {
			bad = append(bad, audit.FieldError{Field: fmt.Sprintf("%s/%d", field, i), Code: "conflict", Message: "whoever is under investigation has no part in it"})
		}
	}
	if bad != nil {
		return invalid("the recipients are not valid", bad...)
	}
	return nil
}
