package api

import (
	"net/http"
	"slices"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/control"
	"github.com/sealbook/sealbook/internal/store"
)

// controlResults are what the newest assessment found of a framework's controls,
// beside the evidence for them.
type controlResults struct {
	ID       *audit.AssessmentID `json:"assessment_id"` // whose download has every exception
	Period   *dateRange          `json:"period"`        // that was assessed, which may be another than that of the evidence
	Score    *float64            `json:"score"`
	Coverage *float64            `json:"coverage_percent"`
	Floor    *float64            `json:"score_floor"`
	Results  []controlResult     `json:"results"`
	Reason   string              `json:"reason,omitempty"` // why there is none
}

// controlResult is a requirement's, with the populations of its checks. Exceptions
// are the entries of the finding that is open about it, 20 at most.
type controlResult struct {
	control.Finding
	Exceptions []string `json:"exception_entry_ids"`
}

const reasonPartOnly = "assessments are of an organisation, and this credential sees a part of it"

// controls answers with the results for criteria; the framework's own evidence is
// filed under the same.
func (s *server) controls(r *http.Request, f audit.Framework, criteria []string) (out controlResults, err error) {
	out.Results = []controlResult{}
	if !principal(r).Constraints.Empty() {
		out.Reason = reasonPartOnly
		return out, nil
	}
	ledger := principal(r).Ledger
	row, err := s.Store.NewestAssessment(r.Context(), ledger, []audit.Framework{f}, "", audit.Period{})
	if audit.CodeOf(err) == audit.NotFound {
		out.Reason = reasonNothingStored
		return out, nil
	}
	if err != nil {
		return out, err
	}
	a, err := assessedIn(row, f)
	if err != nil {
		return out, err
	}
	gaps, _, err := s.Store.Gaps(r.Context(), ledger, store.GapFilter{Kind: audit.FindingGap, Framework: f, Living: true}, MaxShownGaps, 0)
	if err != nil {
		return out, err
	}
	failed := map[string][]string{}
	for _, g := range gaps {
		failed[g.Requirement] = g.Entries.V
	}
	out.ID = &row.ID
	first, last := row.Period().Days()
	out.Period = &dateRange{first, last}
	for i := range a.Reports {
		report := &a.Reports[i]
		out.Score, out.Coverage, out.Floor = report.Score, &report.Coverage, &report.Floor
		for _, found := range report.Requirements {
			if slices.Contains(criteria, found.Criterion) {
				out.Results = append(out.Results, controlResult{found, append([]string{}, failed[found.Requirement]...)})
			}
		}
	}
	return out, nil
}
