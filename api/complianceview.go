package api

import (
	"math"
	"net/http"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/control"
)

const reasonNothingStored = "no assessment of this is stored: make one with POST /compliance/assessments"

// complianceBody is document B's answer to GET /compliance.
type complianceBody struct {
	Assessment overallStatus     `json:"compliance_assessment"`
	Frameworks []frameworkStatus `json:"frameworks"`
	Risk       riskBody          `json:"risk_assessment"`
	Violations []*violationBody  `json:"recent_violations,omitzero"` // like all that is left out without details
	Upcoming   []upcomingBody    `json:"upcoming_requirements"`
}

// overallStatus is of all frameworks that are shown. Floor and coverage stand
// beside the score so that it cannot say more than was looked at.
type overallStatus struct {
	Score    *float64            `json:"overall_score"`
	Status   control.Status      `json:"status"`
	Last     *string             `json:"last_assessment"`
	Next     *string             `json:"next_assessment"` // of the schedule, which assesses the current year
	ID       *audit.AssessmentID `json:"assessment_id"`
	Floor    float64             `json:"score_floor"`
	Coverage float64             `json:"coverage_percent"`
	Reason   string              `json:"reason,omitempty"` // why there is no score

	NextReason string `json:"next_assessment_reason,omitempty"`
}

type frameworkStatus struct {
	Framework    audit.Framework           `json:"framework"`
	Score        *float64                  `json:"compliance_score"`
	Status       control.Status            `json:"status"`
	Requirements requirementCounts         `json:"requirements"`
	Basis        scoreBasis                `json:"score_basis"`
	Metrics      map[string]map[string]any `json:"key_metrics,omitzero"`
	Reasons      map[string]string         `json:"key_metrics_reasons,omitzero"` // of those that are null, by group.name
	Findings     []*findingBody            `json:"findings,omitzero"`
}

// requirementCounts sum to total.
type requirementCounts struct {
	Total         int `json:"total"`
	Compliant     int `json:"compliant"`
	Partial       int `json:"partial"`
	NonCompliant  int `json:"non_compliant"`
	NotAssessed   int `json:"not_assessed"`
	NotApplicable int `json:"not_applicable"`
}

// scoreBasis is what a score rests on.
type scoreBasis struct {
	Edition  string  `json:"catalog"`
	Version  int     `json:"catalog_version"`
	Digest   string  `json:"catalog_digest"`
	Entries  int64   `json:"entries_analyzed"`
	Assessed int     `json:"assessed"`
	Coverage float64 `json:"coverage_percent"`
	Floor    float64 `json:"score_floor"`
}

func statusView(r *control.Report, details bool) frameworkStatus {
	v := frameworkStatus{
		Framework: r.Framework, Score: r.Score, Status: r.Status,
		Requirements: requirementCounts{r.Counts.Total, r.Counts.Compliant, r.Counts.Partial, r.Counts.NonCompliant, r.Counts.NotAssessed, 0},
		Basis:        scoreBasis{r.Edition, r.CatalogVersion, r.CatalogDigest, r.Entries, r.Counts.Total - r.Counts.NotAssessed, r.Coverage, r.Floor},
	}
	if !details {
		return v
	}
	v.Metrics, v.Reasons = map[string]map[string]any{}, map[string]string{}
	for _, m := range r.Metrics {
		if v.Metrics[m.Group] == nil {
			v.Metrics[m.Group] = map[string]any{}
		}
		v.Metrics[m.Group][m.Name] = m.Value
		if m.Value == nil {
			v.Reasons[m.Group+"."+m.Name] = m.Reason
		}
	}
	return v
}

type upcomingBody struct {
	Requirement   string              `json:"requirement"` // its title
	RequirementID string              `json:"requirement_id"`
	Framework     audit.Framework     `json:"framework"`
	DueDate       string              `json:"due_date"`
	Preparation   control.Preparation `json:"preparation_status"`
	Completion    int                 `json:"completion_percent"`
}

// riskBody counts open findings and violations; index weighs them.
type riskBody struct {
	Overall  *string    `json:"overall_risk"`
	Critical int        `json:"critical_risks"`
	High     int        `json:"high_risks"`
	Medium   int        `json:"medium_risks"`
	Low      int        `json:"low_risks"`
	Index    *float64   `json:"risk_index"` // weighed gaps for each requirement assessed
	Trends   riskTrends `json:"risk_trends"`
	Reason   string     `json:"reason,omitempty"`
}

type riskTrends struct {
	Direction *string  `json:"direction"`
	Change    *float64 `json:"change_percent"`
	Reason    string   `json:"reason,omitempty"`
}

// weigh is the weighed sum of gaps: a critical one counts like 33 of medium risk.
func weigh(n map[audit.Severity]int) float64 {
	return float64(100*n[audit.SeverityCritical] + 10*n[audit.SeverityHigh] + 3*n[audit.SeverityMedium] + n[audit.SeverityLow])
}

// risk is how things stand now, beside how they stood one period ago.
func (s *server) risk(r *http.Request, f audit.Framework, a *assessed, requirements int) (out riskBody, err error) {
	ledger, now := principal(r).Ledger, s.Clock()
	if requirements == 0 {
		out.Reason, out.Trends.Reason = reasonNoRisk, reasonNoRisk
		return out, nil
	}
	open, err := s.Store.Risks(r.Context(), ledger, f, now)
	if err != nil {
		return out, err
	}
	out.Critical, out.High, out.Medium, out.Low = open[audit.SeverityCritical], open[audit.SeverityHigh], open[audit.SeverityMedium], open[audit.SeverityLow]
	index := math.Round(100*weigh(open)/float64(requirements)) / 100
	overall := riskLevel(index, out.Critical)
	out.Index, out.Overall = &index, &overall
	before := now.Add(-a.UntilTime.Sub(a.FromTime))
	first, err := s.Store.FirstAssessed(r.Context(), ledger)
	if err != nil {
		return out, err
	}
	if first == nil || first.After(before) {
		out.Trends.Reason = reasonNoPrior
		return out, nil
	}
	then, err := s.Store.Risks(r.Context(), ledger, f, before)
	if err != nil {
		return out, err
	}
	out.Trends = trendOf(weigh(then), weigh(open))
	return out, nil
}

// riskLevel is a name for an index. A critical gap is at least high.
func riskLevel(index float64, critical int) string {
	switch {
	case index >= 4:
		return "critical"
	case index >= 1.5 || critical > 0:
		return "high"
	case index >= 0.5:
		return "medium"
	}
	return "low"
}

func trendOf(then, now float64) (out riskTrends) {
	direction := trendStable
	switch {
	case then == 0 && now > 0:
		direction, out.Reason = "worsening", reasonNoneBefore
	case then == 0:
		var none float64
		out.Change = &none
	default:
		change := oneDecimal(100 * (now - then) / then)
		out.Change = &change
		if change <= -riskStableBelow {
			direction = trendImproving
		} else if change >= riskStableBelow {
			direction = "worsening"
		}
	}
	out.Direction = &direction
	return out
}
