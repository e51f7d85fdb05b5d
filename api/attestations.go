package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/control"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// MaxStatement bounds what a person attests, in bytes.
const MaxStatement = 8_192

// attestationType is the type of the evidence that an attestation is.
const attestationType = "attestation"

type attestationRequest struct {
	Framework   audit.Framework `json:"framework"`
	Requirement string          `json:"requirement_id"`
	Statement   string          `json:"statement"`
	Date        string          `json:"date,omitempty"` // of what is attested; default: today
}

// attestationBody is the evidence that an attestation becomes, with how long the
// requirement's check takes it as valid.
type attestationBody struct {
	Framework   audit.Framework `json:"framework"`
	Requirement string          `json:"requirement_id"`
	ValidUntil  string          `json:"valid_until"`
	Evidence    *evidenceBody   `json:"evidence"`
}

// attest answers POST /compliance/attestations: a person's word for what no entry
// can show, such as that a policy was reviewed. It is evidence with the statement as
// its file, so everything that holds for uploads holds for it.
func (s *server) attest(r *http.Request) (reply, error) {
	p, now := principal(r), s.Clock()
	req, body, err := decode[attestationRequest](r)
	if err != nil {
		return reply{}, err
	}
	requirement, check, day, err := req.check(now)
	if err != nil {
		return reply{}, err
	}
	if !p.Person() {
		return reply{}, s.refused(p.Refuse(audit.WriteCompliance, "only people attest; an API key is nobody's word"), p)
	}
	key, err := requestKey(r, body)
	if err != nil {
		return reply{}, err
	}
	e := store.Evidence{
		ID: audit.EvidenceID("ev_" + newULID(now)), Ledger: p.Ledger, Type: attestationType, Title: requirement.Title, Description: req.Statement,
		Date: day, Criteria: []string{requirement.Criterion}, CreatedAt: now,
	}
	text := fmt.Sprintf("%s %s: %s\nattested by %s (%s) at %s, as of %s\n\n%s\n",
		req.Framework, requirement.ID, requirement.Title, p.Name, p.Subject, audit.FormatTime(now), day.Format(time.DateOnly), req.Statement)
	e, again, err := s.addEvidence(r, e, audit.EvidenceFile{Name: "attestation.txt", MediaType: "text/plain; charset=utf-8"}, strings.NewReader(text),
		audit.Object{"framework": req.Framework, "requirement": requirement.ID}, func(audit.EvidenceFile) (*ledger.RequestKey, error) { return key, nil })
	if err != nil {
		return reply{}, err
	}
	answer := uploaded(r, e, again)
	answer.data = attestationBody{req.Framework, requirement.ID, audit.FormatTime(check.ValidFor.After(e.Date)), uploadView(e)}
	return answer, nil
}

// check says what is wrong, or finds the requirement's check that asks for an
// attestation.
func (q *attestationRequest) check(now time.Time) (requirement *control.Requirement, check *control.Check, day time.Time, err error) {
	var bad []audit.FieldError
	fail := func(field, code, format string, args ...any) {
		bad = append(bad, audit.FieldError{Field: field, Code: code, Message: fmt.Sprintf(format, args...)})
	}
	catalogs, err := control.Shipped()
	if err != nil {
		return nil, nil, day, err
	}
	f, ok := audit.ParseFramework(string(q.Framework))
	if q.Framework = f; !ok {
		fail("/framework", "invalid", "framework is one of %s", strings.Join(texts(audit.Frameworks), ", "))
	}
	for _, c := range catalogs {
		for i := range c.Requirements {
			if c.Framework == f && c.Requirements[i].ID == q.Requirement {
				requirement = &c.Requirements[i]
			}
		}
	}
	if requirement != nil {
		if i := slices.IndexFunc(requirement.Checks, func(c control.Check) bool { return c.Kind == control.Attestation }); i >= 0 {
			check = &requirement.Checks[i]
		}
	}
	if ok && check == nil {
		fail("/requirement_id", "invalid", "the framework has no such requirement, or it asks for no attestation; GET /compliance/frameworks/%s shows them", strings.ToLower(string(f)))
	}
	if q.Statement = strings.TrimSpace(q.Statement); q.Statement == "" || len(q.Statement) > MaxStatement {
		fail("/statement", "length", "a statement has 1 to %d bytes", MaxStatement)
	}
	today := now.UTC().Truncate(24 * time.Hour)
	if day = today; q.Date != "" {
		if day, err = time.Parse(time.DateOnly, q.Date); err != nil || day.After(today) || day.Year() < 2000 {
			fail("/date", "invalid", "date is a day YYYY-MM-DD that is not in the future")
		}
	}
	if bad != nil {
		return nil, nil, day, invalid("the attestation is not valid", bad...)
	}
	return requirement, check, day, nil
}
