package api

import (
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/forensic"
	"github.com/sealbook/sealbook/internal/store"
)

// investigationBody is an investigation, as document B shows it. A figure that is
// not there yet is null.
type investigationBody struct {
	ID           audit.InvestigationID      `json:"investigation_id"`
	CaseNumber   string                     `json:"case_number"`
	Title        string                     `json:"title"`
	Status       audit.InvestigationStatus  `json:"status"`
	Stage        audit.InvestigationStage   `json:"stage"`
	Priority     audit.Severity             `json:"priority"`
	Type         string                     `json:"investigation_type"`
	CreatedAt    string                     `json:"created_at"`
	Investigator investigatorBody           `json:"assigned_investigator"`
	Reviewer     *investigatorBody          `json:"assigned_reviewer"`
	Scope        caseScope                  `json:"scope"`
	Trigger      *audit.TriggerEvent        `json:"trigger_event"`
	Preliminary  preliminary                `json:"preliminary_findings"`
	Collection   collection                 `json:"evidence_collection"`
	Analysis     automated                  `json:"automated_analysis"`
	Implications implied                    `json:"compliance_implications"`
	NextSteps    []string                   `json:"next_steps"`
	Estimated    *string                    `json:"estimated_completion"`
	DueAt        *string                    `json:"due_at"` // of the stage
	Allowed      []audit.InvestigationStage `json:"allowed_transitions"`
	Undecided    int                        `json:"undecided_findings"`
	Round        int                        `json:"round"`
	Version      int                        `json:"version"`
	OpenedBy     audit.Object               `json:"opened_by"` // null: an entry asked for it
	Result       *audit.CaseResult          `json:"result"`
	ClosedBy     audit.Object               `json:"closed_by"`
	ClosedAt     *string                    `json:"closed_at"`
}

type investigatorBody struct {
	ID            string  `json:"user_id"`
	Name          *string `json:"name"`
	Role          *string `json:"role"`
	Certification *string `json:"certification"`
}

type caseScope struct {
	Range struct {
		Start string  `json:"start"`
		End   string  `json:"end"`
		Hours float64 `json:"duration_hours"`
	} `json:"time_range"`
	Systems    []string `json:"affected_systems"`
	Users      []string `json:"potential_users"`
	Categories []string `json:"data_categories"`
	Entries    *int64   `json:"data_points_analyzed"`
	Actors     *int64   `json:"users_in_scope"`
}

// preliminary counts the findings that nobody has rejected.
type preliminary struct {
	Suspicious   *int `json:"suspicious_activities"`
	Violations   *int `json:"policy_violations"`
	Unauthorized *int `json:"unauthorized_changes"`
	Timeline     *int `json:"timeline_anomalies"`
}

type collection struct {
	Entries  *int64 `json:"audit_entries_collected"`
	Logs     *int64 `json:"system_logs_collected"`
	Sessions *int64 `json:"user_session_data"`
	Changes  *int64 `json:"change_records"`
	Custody  *bool  `json:"chain_of_custody_verified"`
	Reason   string `json:"chain_of_custody_reason,omitempty"`
}

type automated struct {
	Patterns  patterns  `json:"pattern_detection"`
	Behaviour behaviour `json:"user_behavior_analysis"`
	DataFlow  dataFlow  `json:"data_flow_mapping"`
}

type analysisState struct {
	Status   string  `json:"status"`
	Reason   string  `json:"reason,omitempty"` // of failed and skipped, and of a baseline that is short or not there
	Entries  *int    `json:"entries_analyzed"`
	Evidence *string `json:"evidence_id"` // where the whole result is
	EndedAt  *string `json:"ended_at"`
}

type patterns struct {
	analysisState
	Found      *int     `json:"patterns_found"`
	Confidence *float64 `json:"confidence_score"`
	Why        string   `json:"confidence_reason,omitempty"`
}

type behaviour struct {
	analysisState
	Found     *int     `json:"anomalies_detected"`
	Deviation *float64 `json:"behavioral_baseline_deviation"`
	Basis     any      `json:"basis"`
}

type dataFlow struct {
	analysisState
	Estimated *string `json:"estimated_completion"`
	Basis     any     `json:"basis"`
}

type implied struct {
	Frameworks []audit.Framework          `json:"frameworks_affected"`
	Violations []store.PotentialViolation `json:"potential_violations"`
	Notify     *bool                      `json:"regulatory_notification_required"`
	Reason     string                     `json:"regulatory_notification_reason,omitempty"`
}

// investigationView is one case, with what its scope holds if nobody has counted yet.
func (s *server) investigationView(r *http.Request, row *store.Investigation) (*investigationBody, error) {
	facts, err := s.Store.CaseFacts(r.Context(), row.Ledger, []store.Investigation{*row})
	if err != nil {
		return nil, err
	}
	v := viewInvestigation(row, &facts[0])
	if row.Counts != nil {
		return v, nil
	}
	p, err := s.Log.Population(r.Context(), row.Ledger, row.Period(), row.Request.V.Scope.Users)
	if audit.CodeOf(err) == audit.Unavailable { // it is counted while it is collected
		return v, nil
	}
	v.Scope.Entries, v.Scope.Actors = &p.Entries, &p.Users
	return v, err
}

func viewInvestigation(row *store.Investigation, facts *store.CaseFacts) *investigationBody {
	req := &row.Request.V
	v := &investigationBody{
		ID: row.ID, CaseNumber: row.CaseNumber, Title: row.Title, Status: row.Status, Stage: row.Stage, Priority: row.Priority, Type: row.Type,
		CreatedAt: audit.FormatTime(row.CreatedAt), Investigator: investigatorBody{ID: row.AssignedTo}, Trigger: req.Trigger,
		NextSteps: slices.Clone(audit.CaseStageOf(row.Stage).Next), DueAt: formattedOrNil(row.DueAt), Undecided: row.Undecided, Round: row.Round, Version: row.Version,
		ClosedAt: formattedOrNil(row.ClosedAt),
	}
	c := row.Case()
	v.Allowed = c.Allowed()
	if v.Allowed == nil {
		v.Allowed = []audit.InvestigationStage{}
	}
	if v.NextSteps == nil || row.Status.Final() {
		v.NextSteps = []string{}
	}
	if p := facts.Investigator; p != nil {
		v.Investigator = investigatorView(p)
	}
	if p := facts.Reviewer; p != nil {
		body := investigatorView(p)
		v.Reviewer = &body
	}
	viewScope(row, v)
	viewFindings(row, facts.Tallies, v)
	viewCustody(row, facts, v)
	v.Analysis = analysesOf(row)
	v.Implications = implied{Frameworks: req.Frameworks, Violations: []store.PotentialViolation{}, Reason: "nobody has decided it yet"}
	if row.Implications != nil {
		v.Implications.Violations = row.Implications.V.Violations
		for _, f := range row.Implications.V.Frameworks {
			if !slices.Contains(v.Implications.Frameworks, f) {
				v.Implications.Frameworks = append(slices.Clone(v.Implications.Frameworks), f)
			}
		}
	}
	if v.Implications.Frameworks == nil {
		v.Implications.Frameworks = []audit.Framework{}
	}
	if row.OpenedBy != nil {
		v.OpenedBy = row.OpenedBy.V
	}
	if row.ClosedBy != nil {
		v.ClosedBy = row.ClosedBy.V
	}
	if row.Result != nil {
		v.Result = &row.Result.V
		if v.Implications.Notify = row.Result.V.Notify; v.Implications.Notify != nil {
			v.Implications.Reason = ""
		}
	}
	if !row.Status.Final() && row.Status != audit.InvestigationOnHold {
		begun := row.ChangedAt
		if row.DueAt != nil {
			begun = row.DueAt.Add(-audit.StageTime(row.Priority, row.Stage))
		}
		at := audit.FormatTime(begun.Add(audit.TimeLeft(row.Priority, row.Stage)))
		v.Estimated = &at
	}
	return v
}

func investigatorView(p *store.Person) investigatorBody {
	return investigatorBody{string(p.ID), textPointer(p.Name), textPointer(p.Title), textPointer(p.Certification)}
}

func viewScope(row *store.Investigation, v *investigationBody) {
	scope, end := &row.Request.V.Scope, row.UntilTime.Add(-time.Microsecond)
	v.Scope.Systems, v.Scope.Users, v.Scope.Categories = orEmpty(scope.Systems), orEmpty(scope.Users), orEmpty(scope.Categories)
	v.Scope.Range.Start, v.Scope.Range.End = audit.FormatTime(row.FromTime), audit.FormatTime(end)
	v.Scope.Range.Hours = math.Round(row.UntilTime.Sub(row.FromTime).Hours()*100) / 100
	if row.Counts != nil {
		v.Scope.Entries, v.Scope.Actors = &row.Counts.V.Entries, &row.Counts.V.Users
	}
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// viewFindings counts what was found, once the patterns were looked for.
func viewFindings(row *store.Investigation, tallies []store.FindingTally, v *investigationBody) {
	if row.Analyses.V[audit.PatternDetection].Status != "completed" {
		return
	}
	var n [4]int
	for _, t := range tallies {
		switch c := forensic.ConcernOf(t.Detector); {
		case c == forensic.Timeline:
			n[3] += t.N
		case c == forensic.Change || c == forensic.Deletion:
			n[2] += t.N
		case t.Kind == string(forensic.Fact):
			n[1] += t.N
		default:
			n[0] += t.N
		}
	}
	v.Preliminary = preliminary{&n[0], &n[1], &n[2], &n[3]}
}

func viewCustody(row *store.Investigation, facts *store.CaseFacts, v *investigationBody) {
	v.Collection.Reason = "nothing is collected yet"
	if row.Counts == nil || len(facts.Evidence) == 0 {
		return
	}
	c := &row.Counts.V
	broken := store.CustodyBroken(facts.Evidence, facts.Custody)
	ok := broken == ""
	v.Collection = collection{Entries: &c.Collected, Logs: &c.SystemLogs, Sessions: &c.Sessions, Changes: &c.Changes, Custody: &ok, Reason: broken}
}

func analysesOf(row *store.Investigation) (v automated) {
	state := func(n audit.Analysis) (analysisState, store.CaseAnalysis) {
		a, there := row.Analyses.V[n]
		if !there {
			if a.Status = "queued"; !row.Request.V.Analysis.Wants(n) {
				a = store.CaseAnalysis{Status: "skipped", Reason: "not asked for"}
			}
		}
		out := analysisState{Status: a.Status, Reason: a.Reason, EndedAt: formattedOrNil(a.EndedAt), Evidence: textPointer(a.Evidence)}
		if a.Status == "completed" {
			out.Entries = &a.Entries
		}
		return out, a
	}
	found := func(a store.CaseAnalysis) *int {
		if a.Status != "completed" {
			return nil
		}
		return &a.Found
	}
	var a store.CaseAnalysis
	v.Patterns.analysisState, a = state(audit.PatternDetection)
	v.Patterns.Found, v.Patterns.Confidence, v.Patterns.Why = found(a), a.Confidence, a.ConfidenceReason
	v.Behaviour.analysisState, a = state(audit.BehaviourAnalysis)
	v.Behaviour.Found, v.Behaviour.Deviation, v.Behaviour.Basis = found(a), a.Deviation, a.Basis
	v.DataFlow.analysisState, a = state(audit.DataFlowMapping)
	v.DataFlow.Basis = a.Basis
	if (a.Status == "in_progress" || a.Status == "queued") && !row.Status.Final() {
		at := audit.FormatTime(row.ChangedAt.Add(audit.AutomaticStageTime))
		v.DataFlow.Estimated = &at
	}
	return v
}

// textPointer is a text that is null when it is empty.
func textPointer(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
