package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

var foundParameters = []string{"status"}

// foundBody is a finding of an investigation. Result is what the analysis, or the
// person, said of it.
type foundBody struct {
	ID        string              `json:"finding_id"`
	Analysis  string              `json:"analysis"` // or manual
	Kind      string              `json:"kind"`
	Severity  audit.Severity      `json:"severity"`
	Title     string              `json:"title"`
	Round     int                 `json:"round"`
	Status    audit.FindingStatus `json:"status"`
	DecidedBy audit.Object        `json:"decided_by"`
	DecidedAt *string             `json:"decided_at"`
	Reason    *string             `json:"reason"`
	CreatedAt string              `json:"created_at"`
	Result    json.RawMessage     `json:"result"`
}

func foundView(f *store.InvestigationFinding) foundBody {
	v := foundBody{
		ID: f.ID, Analysis: f.Analysis, Kind: f.Kind, Severity: f.Severity, Title: f.Title, Round: f.Round, Status: f.Status, DecidedAt: formattedOrNil(f.DecidedAt),
		Reason: f.Reason, CreatedAt: audit.FormatTime(f.CreatedAt), Result: f.Body.V,
	}
	if f.DecidedBy != nil {
		v.DecidedBy = f.DecidedBy.V
	}
	return v
}

func (s *server) listFound(r *http.Request) (reply, error) {
	row, err := s.investigation(r)
	if err != nil {
		return reply{}, err
	}
	q := callOf(r).query
	status := audit.FindingStatus(q.oneOf("status", texts(audit.FindingStatuses)...))
	if q.err != nil {
		return reply{}, q.err
	}
	list, err := s.Store.InvestigationFindings(r.Context(), row.Ledger, row.ID, status)
	data := make([]foundBody, len(list))
	for i := range list {
		data[i] = foundView(&list[i])
	}
	return reply{data: data}, err
}

// maxFoundEntries bounds the entries that a person's finding names.
const maxFoundEntries = 200

// addFound answers POST …/findings: what a person found, with the entries that
// show it. Somebody still has to accept it.
func (s *server) addFound(r *http.Request) (reply, error) {
	row, err := s.investigation(r)
	if err != nil {
		return reply{}, err
	}
	f, body, err := decode[audit.ManualFinding](r)
	if err != nil {
		return reply{}, err
	}
	var bad []audit.FieldError
	if f.Title = strings.TrimSpace(f.Title); f.Title == "" || len(f.Title) > audit.MaxInvestigationTitle {
		bad = append(bad, audit.FieldError{Field: "/title", Code: "length", Message: fmt.Sprintf("it has 1 to %d bytes", audit.MaxInvestigationTitle)})
	}
	if f.Description = strings.TrimSpace(f.Description); f.Description == "" || len(f.Description) > audit.MaxInvestigationText {
		bad = append(bad, audit.FieldError{Field: "/description", Code: "length", Message: fmt.Sprintf("it has 1 to %d bytes", audit.MaxInvestigationText)})
	}
	if !slices.Contains(audit.Severities, f.Severity) {
		bad = append(bad, audit.FieldError{Field: "/severity", Code: "invalid", Message: "severity is one of low, medium, high, critical"})
	}
	grave := f.Severity == audit.SeverityHigh || f.Severity == audit.SeverityCritical
	if f.Alternative = strings.TrimSpace(f.Alternative); grave && f.Alternative == "" || len(f.Alternative) > audit.MaxInvestigationText {
		bad = append(bad, audit.FieldError{Field: "/alternative_explanation", Code: "required", Message: "a high or critical finding says how it could have come about innocently"})
	}
	if len(f.EntryIDs) == 0 || len(f.EntryIDs) > maxFoundEntries {
		bad = append(bad, audit.FieldError{Field: "/entry_ids", Code: "required", Message: fmt.Sprintf("name 1 to %d entries that show it", maxFoundEntries)})
	} else {
		for i, id := range f.EntryIDs {
			if _, err := s.triggerOf(r, &audit.TriggerEvent{ID: id}); audit.CodeOf(err) == audit.ValidationFailed {
				bad = append(bad, audit.FieldError{Field: fmt.Sprintf("/entry_ids/%d", i), Code: "unknown", Message: "there is no such entry"})
			} else if err != nil {
				return reply{}, err
			}
		}
	}
	if bad != nil {
		return reply{}, invalid("the finding is not valid", bad...)
	}
	step := audit.CaseStep{Kind: audit.StepFinding, Finding: "finding_" + newULID(s.Clock())}
	row, again, err := s.takeStep(r, &row, step, audit.StepContent{Details: &f}, body)
	if err != nil {
		return reply{}, err
	}
	return s.stepped(r, &row, again, http.StatusCreated)
}

type verdictRequest struct {
	Status audit.FindingStatus `json:"status"`
	Reason string              `json:"reason"`
}

// decideFound answers PATCH …/findings/{id}: accepted or rejected, with a reason.
func (s *server) decideFound(r *http.Request) (reply, error) {
	row, err := s.investigation(r)
	if err != nil {
		return reply{}, err
	}
	id := variable(r, "finding_id")
	if foundID.MatchString(id) {
		_, err = s.Store.InvestigationFinding(r.Context(), row.Ledger, row.ID, id)
	} else {
		err = audit.Errorf(audit.NotFound, "that is no id")
	}
	if audit.CodeOf(err) == audit.NotFound {
		err = audit.Errorf(audit.NotFound, "there is no such finding")
	}
	if err != nil {
		return reply{}, err
	}
	req, body, err := decode[verdictRequest](r)
	if err != nil {
		return reply{}, err
	}
	if req.Status != audit.FindingAccepted && req.Status != audit.FindingRejected {
		return reply{}, invalid("the step is not valid", audit.FieldError{Field: "/status", Code: "invalid", Message: "status is accepted or rejected"})
	}
	if req.Reason, err = reasonOf(req.Reason); err != nil {
		return reply{}, err
	}
	step := audit.CaseStep{Kind: audit.StepDecide, Finding: id, Verdict: req.Status}
	row, again, err := s.takeStep(r, &row, step, audit.StepContent{Reason: req.Reason}, body)
	if err != nil {
		return reply{}, err
	}
	f, err := s.Store.InvestigationFinding(r.Context(), row.Ledger, row.ID, id)
	return reply{header: replayed(http.Header{"Etag": {investigationTag(&row)}}, again), data: foundView(&f)}, err
}
