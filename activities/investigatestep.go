package activities

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// PersonStep is a step that a person takes, and the investigation.
type PersonStep struct {
	Start audit.InvestigationStart `json:"start"`
	Step  audit.CaseStep           `json:"step"`
}

// TakePersonStep takes a step of a person, in the transaction of its entry. What
// the rules of the case forbid by now returns InvalidState; who repeats a step that
// was taken changes nothing.
func (a *Activities) TakePersonStep(ctx context.Context, p PersonStep) (audit.Case, error) {
	return a.takeStep(ctx, p.Start, p.Step.ID, func(row *store.Investigation, now time.Time) (taken, error) {
		c := row.Case()
		if err := c.Check(&p.Step); err != nil {
			return taken{}, err
		}
		content, err := a.Store.StepContent(ctx, row.Ledger, row.ID, p.Step.ID)
		if err != nil {
			return taken{}, err
		}
		s := &told{p.Step, content}
		if c.Works(&p.Step) {
			row.Hand(p.Step.Behind)
		}
		t := taken{kind: string(s.Kind), reason: s.Reason, actor: s.Actor, context: s.Context, details: audit.Object{}, metadata: audit.Object{}}
		if s.Request != "" {
			t.metadata["request_id"] = s.Request
		}
		if s.Body != "" {
			t.details["request_sha256"] = s.Body
		}
		t.with = append(t.with, store.DropStepContent(row.Ledger, row.ID, s.ID))
		switch s.Kind {
		case audit.StepNote:
			n := store.InvestigationNote{ID: s.ID, Author: store.JSON[audit.Object]{V: s.Actor}, Body: s.Text, CreatedAt: now}
			t.details["note_id"], t.details["sha256"] = n.ID, fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(s.Text)))
			t.with = append(t.with, store.InsertNote(row.Ledger, row.ID, n))
			return t, nil
		case audit.StepFinding:
			return t, addFinding(row, s, &t, now)
		case audit.StepDecide:
			return t, a.decideFinding(ctx, row, s, &t, now)
		case audit.StepTransition:
			return t, a.transition(ctx, row, s, &t, now)
		case audit.StepChange:
			changeCase(row, s, &t, now)
			return t, nil
		case audit.StepClose:
			closeCase(row, s, &t, now)
			return t, nil
		}
		return t, audit.Errorf(audit.InvalidState, "%q is no step", s.Kind)
	})
}

// told is a step with what it says.
type told struct {
	audit.CaseStep
	audit.StepContent
}

// addFinding adds a finding of a person, which somebody still has to accept.
func addFinding(row *store.Investigation, s *told, t *taken, now time.Time) error {
	body, err := json.Marshal(s.Details)
	if err != nil {
		return fmt.Errorf("encode finding: %w", err)
	}
	f := store.InvestigationFinding{
		ID: s.Finding, Analysis: "manual", Round: row.Round, Number: row.Version, Kind: "observation", Severity: s.Details.Severity, Title: s.Details.Title,
		Body: store.JSON[json.RawMessage]{V: body}, CreatedAt: now,
	}
	t.details["finding_id"], t.details["sha256"], t.details["entry_ids"] = f.ID, fmt.Sprintf("sha256:%x", sha256.Sum256(body)), s.Details.EntryIDs
	t.with = append(t.with, store.InsertFindings(row.Ledger, row.ID, []store.InvestigationFinding{f}))
	return nil
}

func (a *Activities) decideFinding(ctx context.Context, row *store.Investigation, s *told, t *taken, now time.Time) error {
	f, err := a.Store.InvestigationFinding(ctx, row.Ledger, row.ID, s.Finding)
	if err != nil {
		return err
	}
	t.details["finding_id"], t.details["before"], t.details["after"] = f.ID, f.Status, s.Verdict
	f.Status, f.DecidedBy, f.DecidedAt, f.Reason = s.Verdict, &store.JSON[audit.Object]{V: s.Actor}, &now, &s.Reason
	t.with = append(t.with, store.DecideFinding(row.Ledger, row.ID, f))
	return nil
}

func (a *Activities) transition(ctx context.Context, row *store.Investigation, s *told, t *taken, now time.Time) error {
	t.details["from"], t.details["to"] = row.Stage, s.To
	switch s.To {
	case audit.StageCanceled:
		t.kind = "canceled"
		row.Status, row.DueAt, row.ClosedAt, row.ClosedBy = audit.InvestigationCanceled, nil, &now, &store.JSON[audit.Object]{V: s.Actor}
	case audit.StageCollection: // what is collected anew is of a new round
		row.Round++
		enter(row, s.To, now)
	case audit.StageAnalysis:
		row.Round++
		beginAnalyses(row, now)
	case audit.StageImplications:
		accepted, err := a.Store.InvestigationFindings(ctx, row.Ledger, row.ID, audit.FindingAccepted)
		if err != nil {
			return err
		}
		row.Implications = &store.JSON[store.Implications]{V: implicationsOf(row, accepted)}
		enter(row, s.To, now)
	default:
		enter(row, s.To, now)
	}
	t.details["round"] = row.Round
	return nil
}

func changeCase(row *store.Investigation, s *told, t *taken, now time.Time) {
	change := func(what string, before, after any) { t.details[what] = audit.Object{"before": before, "after": after} }
	if s.Title != nil && *s.Title != row.Title {
		t.metadata["title"] = audit.Object{"before": row.Title, "after": *s.Title}
		row.Title = *s.Title
	}
	c := s.Change
	if c == nil {
		return
	}
	if c.Priority != nil && *c.Priority != row.Priority {
		change("priority", row.Priority, *c.Priority)
		row.Priority = *c.Priority
		if row.DueAt != nil {
			enter(row, row.Stage, now)
		}
	}
	if c.Investigator != nil {
		change("investigator", row.Investigator, *c.Investigator)
		if row.Investigator != nil {
			row.Hand(*row.Investigator)
		}
		row.Investigator, row.AssignedTo = c.Investigator, string(*c.Investigator)
		if *c.Investigator == "" {
			row.Investigator, row.AssignedTo = nil, audit.DefaultInvestigator
		}
	}
	if c.Reviewer != nil {
		change("reviewer", row.Reviewer, *c.Reviewer)
		row.Reviewer = c.Reviewer
		if *c.Reviewer == "" {
			row.Reviewer = nil
		}
	}
	if c.Status != nil && *c.Status != row.Status {
		change("status", row.Status, *c.Status)
		held := row.Status == audit.InvestigationOnHold
		row.Status = *c.Status
		switch {
		case row.Status == audit.InvestigationOnHold:
			row.DueAt = nil // time does not count while a case is on hold
		case held || row.DueAt == nil:
			enter(row, row.Stage, now)
		}
	}
}

func closeCase(row *store.Investigation, s *told, t *taken, now time.Time) {
	t.severity = audit.SeverityMedium
	t.details["resolution"], t.details["regulatory_notification_required"] = s.Result.Resolution, s.Result.Notify
	t.metadata["root_cause"], t.metadata["summary"] = s.Result.RootCause, s.Result.Summary
	row.Status, row.Stage, row.DueAt, row.Reminded, row.ClosedAt = audit.InvestigationClosed, audit.StageClosed, nil, 0, &now
	row.Result, row.ClosedBy = &store.JSON[audit.CaseResult]{V: *s.Result}, &store.JSON[audit.Object]{V: s.Actor}
}
