package audit

import (
	"fmt"
	"slices"
	"time"
)

// AssessmentID names an assessment; it is also its Temporal workflow's id.
type AssessmentID string

// MaxAssessmentDays bounds the period of an assessment.
const MaxAssessmentDays = 1830 // five years

// AssessmentRequest is what to assess, in a period that has a name or bounds. What
// is left out is the last 90 days, and every framework.
type AssessmentRequest struct {
	Period     string      `json:"period,omitempty"` // see [NamedPeriod]
	From       string      `json:"from,omitempty"`
	To         string      `json:"to,omitempty"`
	Frameworks []Framework `json:"frameworks,omitempty"`
	Catalogs   []CatalogID `json:"catalogs,omitempty"` // the organisation's own, instead of the shipped ones of their frameworks
}

// CatalogID names a control catalogue that an organisation added.
type CatalogID string

// MaxCatalogs is how many an organisation has at most.
const MaxCatalogs = 100

// DefaultAssessmentPeriod is the period without a start.
const DefaultAssessmentPeriod = 90 * 24 * time.Hour

// Normalise gives frameworks and period their canonical names and completes the period
// of a request that is made now. Returns ValidationFailed with every field that
// is wrong.
func (a *AssessmentRequest) Normalise(now time.Time) (p Period, err error) {
	var bad []FieldError
	fail := func(field, code, message string) {
		bad = append(bad, FieldError{Field: field, Code: code, Message: message})
	}
	if a.Frameworks != nil && len(a.Frameworks) == 0 {
		fail("/frameworks", "required", "frameworks names at least one, or is left out")
	}
	a.Frameworks = slices.Clone(a.Frameworks)
	for i, name := range a.Frameworks {
		f, ok := ParseFramework(string(name))
		switch {
		case !ok:
			fail(fmt.Sprintf("/frameworks/%d", i), "invalid", "a framework is one of SOC2, FDA_21CFR11, ISO_27001, GDPR, SOX, NIST_CSF")
		case slices.Contains(a.Frameworks[:i], f):
			fail(fmt.Sprintf("/frameworks/%d", i), "duplicate", string(f)+" is named twice")
		}
		a.Frameworks[i] = f
	}
	if len(a.Catalogs) > len(Frameworks) {
		fail("/catalogs", "too_many", "there is at most one catalogue for each framework")
	}
	if a.Period != "" {
		if a.From != "" || a.To != "" {
			fail("/period", "conflict", "a period has a name or bounds")
		}
		p, a.Period, err = NamedPeriod(a.Period, now)
		if err != nil {
			fail("/period", "invalid", err.(*Error).Message)
		}
		if bad != nil {
			return p, &Error{Code: ValidationFailed, Message: "the assessment is not valid", Fields: bad}
		}
		return p, nil
	}
	p, err = ParsePeriod(a.From, a.To)
	if err != nil {
		e := err.(*Error)
		fail("/"+fmt.Sprint(e.Details["parameter"]), "invalid", e.Message)
	}
	if p.Until.IsZero() || p.Until.After(now) {
		p.Until = Instant(now)
	}
	if p.From.IsZero() {
		p.From = p.Until.Add(-DefaultAssessmentPeriod)
	}
	switch {
	case bad != nil:
	case !p.From.Before(p.Until):
		fail("/from", "out_of_range", "the period has not begun")
	case p.Until.Sub(p.From) > MaxAssessmentDays*24*time.Hour:
		fail("/from", "out_of_range", fmt.Sprintf("a period has at most %d days", MaxAssessmentDays))
	}
	if bad != nil {
		return p, &Error{Code: ValidationFailed, Message: "the assessment is not valid", Fields: bad}
	}
	return p, nil
}

// AssessmentStatus is where an assessment stands.
type AssessmentStatus string

// The states. Completed says that there is a result, whatever it is. The last
// two are final, and so is completed.
const (
	AssessmentQueued     AssessmentStatus = "queued"
	AssessmentProcessing AssessmentStatus = "processing"
	AssessmentCompleted  AssessmentStatus = "completed"
	AssessmentFailed     AssessmentStatus = "failed"
	AssessmentCanceled   AssessmentStatus = "canceled"
)

// Final reports whether the assessment has ended.
func (s AssessmentStatus) Final() bool { return s != AssessmentQueued && s != AssessmentProcessing }

// AssessmentStart is the input of an assessment's workflow, under the rules of
// [ExportStart].
type AssessmentStart struct {
	ID           AssessmentID   `json:"id"`
	Ledger       int32          `json:"ledger"`
	Organisation OrganisationID `json:"organisation"`
	Frameworks   []Framework    `json:"frameworks"`
	Period       string         `json:"period"` // "2024-01-01 to 2024-03-31"
}

// AssessmentWorkflow is the registered name of the workflow that assesses.
const AssessmentWorkflow = "AssessCompliance"

// TypeComplianceAssessed is the type of the entries that hold what an assessment
// came to, by the digest of its result.
const TypeComplianceAssessed = ReservedPrefix + "compliance_assessed"

// TypeAssessmentScheduled is the type of the entries about assessments that nobody
// asked for.
const TypeAssessmentScheduled = ReservedPrefix + "compliance_assessment_scheduled"
