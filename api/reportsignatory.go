package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// signatories finds who is to sign a report, and in which order. Each is another person:
// two signatures of one say no more than one does. about is the case that the report
// is about, which they may have to read; nil is none.
func (s *server) signatories(r *http.Request, row *store.Report, about *store.Investigation) error {
	var people []audit.PersonID
	for i, want := range row.Request.V.Signature.All() {
		field := audit.SignatoryField(i+1) + "/signatory"
		id, err := s.signatoryOf(r, want, field, about)
		if err != nil {
			return err
		}
		if slices.Contains(people, *id) {
			return invalid("the report request is not valid", audit.FieldError{Field: field, Code: "duplicate", Message: "nobody signs a report twice: name somebody else"})
		}
		people = append(people, *id)
	}
	row.Signatory, row.Countersigners = &people[0], people[1:]
	return nil
}

// signatoryOf finds who is to sign: one active person who may, and who may read the
// case, if the report is about one. Nobody approves their own work.
func (s *server) signatoryOf(r *http.Request, want audit.Countersigner, field string, about *store.Investigation) (*audit.PersonID, error) {
	list, _, err := s.Store.People(r.Context(), principal(r).Ledger, want.Signatory, audit.MaxPageLimit, 0)
	if err != nil {
		return nil, err
	}
	var found *store.Person
	for i := range list {
		if string(list[i].ID) == want.Signatory || strings.EqualFold(list[i].Email, want.Signatory) {
			if found = &list[i]; list[i].Status != audit.PersonDeactivated { // an address may be somebody else's by now
				break
			}
		}
	}
	if found == nil {
		return nil, invalid("the report request is not valid", audit.FieldError{Field: field, Code: "unknown", Message: "nobody in the directory has this id or e-mail address"})
	}
	found.LockedUntil = nil // that is over long before the time to sign is
	why := cannotSign(found, s.Clock())
	if why == "" && about != nil {
		why = cannotRead(found, about)
	}
	if why != "" {
		return nil, invalid("the report request is not valid", audit.FieldError{Field: field, Code: "invalid", Message: "this person cannot sign: " + why})
	}
	behind, err := s.behind(r, principal(r).Actor())
	if err != nil {
		return nil, err
	}
	if string(found.ID) == behind && !want.Meaning.OwnWork() {
		return nil, invalid("the report request is not valid", audit.FieldError{Field: field, Code: "conflict", Message: "who asks for a report cannot review, verify or approve it: name somebody else"})
	}
	return &found.ID, nil
}

// awaiting returns the report that the path names if it waits for the caller's
// signature, and as which of its signatories.
func (s *server) awaiting(r *http.Request) (row store.Report, of store.Signatory, err error) {
	if err := inSession(r); err != nil {
		return row, of, err
	}
	if row, err = s.report(r); err != nil {
		return row, of, err
	}
	p, all := principal(r), row.Signatories()
	requester, err := s.behind(r, row.RequestedBy.V)
	if err != nil {
		return row, of, err
	}
	at := slices.IndexFunc(all, func(of store.Signatory) bool { return string(of.Person) == p.Subject })
	switch {
	case row.Status != audit.ReportPending:
		err = audit.Errorf(audit.InvalidState, "%s is %s and waits for no signature", row.ID, row.Status).With("job_status", row.Status)
	case at < 0:
		err = s.refused(p.Refuse(audit.SignReports, "somebody else is to sign this report, so you may not"), p)
	case requester == p.Subject && !all[at].Meaning.OwnWork():
		err = s.refused(p.Refuse(audit.SignReports, "who asked for a report cannot review, verify or approve it, so you may not"), p)
	case !s.Clock().Before(*row.SignatureDueAt):
		err = audit.Errorf(audit.InvalidState, "the time to sign %s is over", row.ID)
	default:
		of = all[at]
		err = s.inTurn(r, &row, of)
	}
	return row, of, err
}

// inTurn refuses who comes before their turn, or after they have signed, and says
// whose turn it is. That they came is an entry.
func (s *server) inTurn(r *http.Request, row *store.Report, of store.Signatory) error {
	given, err := s.Store.SignaturesOf(r.Context(), row.Ledger, row.ID)
	if err != nil || len(given)+1 == of.Turn {
		return err
	}
	all := row.Signatories()
	if len(given) == len(all) {
		return audit.Errorf(audit.InvalidState, "%s has all its signatures", row.ID)
	}
	next, err := s.Store.Person(r.Context(), row.Ledger, all[len(given)].Person)
	if err != nil {
		return err
	}
	refusal := audit.Errorf(audit.InvalidState, "it is the turn of %s (%s) to sign %s, as number %d of %d; you are number %d", next.Name, next.ID, row.ID, len(given)+1, len(all), of.Turn)
	if of.Turn <= len(given) {
		refusal = audit.Errorf(audit.InvalidState, "you have signed %s; it is the turn of %s (%s), as number %d of %d", row.ID, next.Name, next.ID, len(given)+1, len(all))
	}
	refusal = refusal.With("awaited_signatory", next.ID).With("turn", len(given)+1)
	return s.signingFailed(r, row, fmt.Sprintf("signatory %d of %d came in turn %d", of.Turn, len(all), len(given)+1), nil, refusal)
}
