package api

import (
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// findingBody is a finding. Status is document B's grade of the gap; state is what
// has become of it.
type findingBody struct {
	ID            string          `json:"finding_id"`
	Framework     audit.Framework `json:"framework"`
	Requirement   string          `json:"requirement"` // its title
	RequirementID string          `json:"requirement_id"`
	Status        string          `json:"status"` // minor_gap or major_gap
	State         audit.GapStatus `json:"state"`
	Description   string          `json:"description"`
	Risk          audit.Severity  `json:"risk_level"`
	Owner         *string         `json:"owner"`
	Plan          *string         `json:"remediation_plan"`
	Due           *string         `json:"due_date"`
	Reason        *string         `json:"reason"` // why it is accepted
	gapOrigin
}

type violationBody struct {
	ID            string          `json:"violation_id"`
	Framework     audit.Framework `json:"framework"`
	Requirement   string          `json:"requirement"`
	RequirementID string          `json:"requirement_id"`
	Check         string          `json:"check"`
	Severity      audit.Severity  `json:"severity"`
	Description   string          `json:"description"`
	Detected      string          `json:"detected_date"` // of the first entry against the rule
	Status        audit.GapStatus `json:"resolution_status"`
	Owner         *string         `json:"owner"`
	Plan          *string         `json:"remediation_plan"`
	Estimated     *string         `json:"estimated_resolution"`
	Reason        *string         `json:"reason"` // why it is accepted, or how it was resolved
	gapOrigin
}

// gapOrigin says where a gap comes from. Entries are the first, or of a violation
// the last, of those that failed.
type gapOrigin struct {
	Failed   int64              `json:"entries_failed"`
	Entries  []string           `json:"entry_ids"`
	OpenedAt string             `json:"opened_at"`
	OpenedBy audit.AssessmentID `json:"opened_by"`
	SeenBy   audit.AssessmentID `json:"last_seen_by"`
	ClosedAt *string            `json:"closed_at"`
}

func originOf(g *store.Gap) gapOrigin {
	return gapOrigin{g.Failed, append([]string{}, g.Entries.V...), audit.FormatTime(g.OpenedAt), g.OpenedBy, g.SeenBy, formattedOrNil(g.ClosedAt)}
}

func findingView(g *store.Gap) *findingBody {
	grade := "minor_gap"
	if g.Major {
		grade = "major_gap"
	}
	return &findingBody{
		ID: g.ID, Framework: g.Framework, Requirement: g.Title, RequirementID: g.Requirement, Status: grade, State: g.Status, Description: g.Description,
		Risk: g.Severity, Owner: g.Owner, Plan: g.Plan, Due: formattedOrNil(g.DueAt), Reason: g.Reason, gapOrigin: originOf(g),
	}
}

func violationView(g *store.Gap) *violationBody {
	return &violationBody{
		ID: g.ID, Framework: g.Framework, Requirement: g.Title, RequirementID: g.Requirement, Check: g.CheckID, Severity: g.Severity, Description: g.Description,
		Detected: audit.FormatTime(g.DetectedAt), Status: g.Status, Owner: g.Owner, Plan: g.Plan, Estimated: formattedOrNil(g.DueAt), Reason: g.Reason,
		gapOrigin: originOf(g),
	}
}

func gapView(g *store.Gap) any {
	if g.Kind == audit.FindingGap {
		return findingView(g)
	}
	return violationView(g)
}

func formattedOrNil(t *time.Time) *string {
	if t == nil {
		return nil
	}
	s := audit.FormatTime(*t)
	return &s
}
