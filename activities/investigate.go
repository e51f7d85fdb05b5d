package activities

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// taken is a step of an investigation: what its history and the ledger say of it,
// and what changes with it. Names and reasons stand in metadata, which can be
// erased; details name none.
type taken struct {
	kind              string
	reason            string
	actor             audit.Object // nil: the system
	context           audit.Object
	severity          audit.Severity // "" is low
	details, metadata audit.Object
	with              []store.Statements
}

// stepAttempts bounds how often a step looks again because another one was
// committed meanwhile.
const stepAttempts = 20

// takeStep takes a step of an investigation in one transaction with its entry.
// change makes the row what it is after the step; it is called again when another
// step came between. A step that was taken changes nothing: whoever repeats it
// finds it.
func (a *Activities) takeStep(ctx context.Context, start audit.InvestigationStart, id string, change func(*store.Investigation, time.Time) (taken, error)) (audit.Case, error) {
	for attempt := 1; ; attempt++ {
		row, err := a.Store.Investigation(ctx, start.Ledger, start.ID)
		if err != nil {
			return audit.Case{}, err
		}
		done, err := a.Store.StepTaken(ctx, start.Ledger, start.ID, id)
		if err != nil || done {
			return row.Case(), err
		}
		now := audit.Instant(a.Clock())
		was := row.Version
		t, err := change(&row, now)
		if err != nil {
			return row.Case(), err
		}
		err = a.recordStep(ctx, row, id, t, now)
		if err == nil {
			row, err = a.Store.Investigation(ctx, start.Ledger, start.ID)
			return row.Case(), err
		}
		code := audit.CodeOf(err)
		if code != audit.InvalidState && code != audit.ExternalIDConflict || attempt == stepAttempts {
			return row.Case(), err
		}
		if now, again := a.Store.Investigation(ctx, start.Ledger, start.ID); again != nil || now.Version == was {
			return row.Case(), err
		}
	}
}

func (a *Activities) recordStep(ctx context.Context, row store.Investigation, id string, t taken, at time.Time) error {
	details := audit.Object{"investigation_id": row.ID, "stage": row.Stage, "investigation_status": row.Status}
	maps.Copy(details, t.details)
	metadata := audit.Object{}
	maps.Copy(metadata, t.metadata)
	if t.reason != "" {
		metadata["reason"] = t.reason
	}
	actor := t.actor
	if actor == nil {
		actor = audit.Object{"type": "system", "id": "sealbook"}
	}
	e := audit.Event{
		Type: audit.InvestigationEvent + t.kind, Class: audit.ClassSystem, Severity: t.severity, ExternalID: fmt.Sprintf("audit:investigation/%s/%s", row.ID, id),
		Actor: actor, Context: t.context, Resource: audit.Object{"type": "investigation", "id": string(row.ID)}, Details: details,
	}
	if e.Severity == "" {
		e.Severity = audit.SeverityLow
	}
	if len(metadata) > 0 {
		e.Metadata = metadata
	}
	step := store.InvestigationStep{ID: id, Kind: t.kind, Actor: store.JSON[audit.Object]{V: actor}, Reason: t.reason, Details: store.JSON[audit.Object]{V: details}, At: at}
	out, err := a.Log.Append(ctx, ledger.Submission{Ledger: row.Ledger, Events: []audit.Event{e}, With: store.TakeStep(row, step, t.with...)})
	if err != nil {
		return err
	}
	return out.Items[0].Err
}

// enter makes an investigation be in a stage, with the time that it has there.
func enter(row *store.Investigation, stage audit.InvestigationStage, now time.Time) {
	due := now.Add(audit.StageTime(row.Priority, stage))
	row.Stage, row.DueAt, row.Reminded = stage, &due, 0
	if row.Status == audit.InvestigationOnHold {
		row.DueAt = nil
	}
}

// BeginInvestigation says where an investigation stands.
func (a *Activities) BeginInvestigation(ctx context.Context, start audit.InvestigationStart) (audit.Case, error) {
	row, err := a.Store.Investigation(ctx, start.Ledger, start.ID)
	return row.Case(), err
}

// ScopeInvestigation fixes what an investigation is about: the size of the ledger
// up to which it looks, and a legal hold on what is in its scope.
func (a *Activities) ScopeInvestigation(ctx context.Context, start audit.InvestigationStart) (audit.Case, error) {
	return a.takeStep(ctx, start, "scoped", func(row *store.Investigation, now time.Time) (t taken, err error) {
		if row.Stage != audit.StageScoping || row.Status.Final() {
			return t, audit.Errorf(audit.InvalidState, "the investigation is in %s, %s", row.Stage, row.Status)
		}
		head, _, err := a.Log.Head(ctx, row.Ledger)
		if err != nil {
			return t, err
		}
		// What is too much to count now is counted while it is collected.
		counts := store.CaseCounts{}
		if p, err := a.Log.Population(ctx, row.Ledger, row.Period(), row.Request.V.Scope.Users); err == nil {
			counts.Entries, counts.Users = p.Entries, p.Users
		} else if audit.CodeOf(err) != audit.Unavailable {
			return t, err
		}
		row.EndSeq, row.Counts = &head.Size, &store.JSON[store.CaseCounts]{V: counts}
		enter(row, audit.StageCollection, now)
		hold := store.HoldOf(row, "hold_"+string(row.ID), now)
		return taken{
			kind: "scoped", details: audit.Object{"end_seq": head.Size, "from": audit.FormatTime(row.FromTime), "until": audit.FormatTime(row.UntilTime), "legal_hold_id": hold.ID},
			with: []store.Statements{store.InsertLegalHold(hold)},
		}, nil
	})
}

// beginAnalyses leads an investigation into its analyses, past those that nobody
// wants.
func beginAnalyses(row *store.Investigation, now time.Time) {
	row.Analyses.V = store.CaseAnalyses{}
	for _, n := range audit.Analyses {
		row.Analyses.V[n] = store.CaseAnalysis{Status: "skipped", Reason: "not asked for"}
		if row.Request.V.Analysis.Wants(n) {
			row.Analyses.V[n] = store.CaseAnalysis{Status: "in_progress"}
		}
	}
	enter(row, audit.StageAnalysis, now)
}

// FinishAnalyses leads an investigation to the people who review what was found.
func (a *Activities) FinishAnalyses(ctx context.Context, start audit.InvestigationStart) (audit.Case, error) {
	row, err := a.Store.Investigation(ctx, start.Ledger, start.ID)
	if err != nil {
		return audit.Case{}, err
	}
	return a.takeStep(ctx, start, fmt.Sprintf("round/%d/analysed", row.Round), func(row *store.Investigation, now time.Time) (taken, error) {
		if row.Stage != audit.StageAnalysis {
			return taken{}, audit.Errorf(audit.InvalidState, "the investigation is in %s", row.Stage)
		}
		enter(row, audit.StageReview, now)
		return taken{kind: "analysed", details: audit.Object{"round": row.Round, "findings": row.Undecided}}, nil
	})
}

// Reminder says that a stage takes longer than it should.
type Reminder struct {
	Start   audit.InvestigationStart `json:"start"`
	Version int                      `json:"version"` // of the case that is late
}

// RemindInvestigation records that a stage is late. The second time the case is
// escalated, and after that nobody is reminded in this stage.
func (a *Activities) RemindInvestigation(ctx context.Context, r Reminder) (audit.Case, error) {
	return a.takeStep(ctx, r.Start, fmt.Sprintf("late/%d", r.Version), func(row *store.Investigation, now time.Time) (taken, error) {
		if row.Version != r.Version || row.Status.Final() || row.DueAt == nil {
			return taken{}, audit.Errorf(audit.InvalidState, "it has changed meanwhile")
		}
		due := *row.DueAt
		row.Reminded++
		t := taken{kind: "overdue", severity: audit.SeverityMedium, details: audit.Object{"due_at": audit.FormatTime(due)}}
		if row.Reminded > 1 {
			t.kind, t.severity = "escalated", audit.SeverityHigh
			row.Status, row.DueAt = audit.InvestigationEscalated, nil
			return t, nil
		}
		again := now.Add(audit.StageTime(row.Priority, row.Stage))
		row.DueAt = &again
		return t, nil
	})
}

// CaseTrouble says that a stage failed, and why.
type CaseTrouble struct {
	Start  audit.InvestigationStart `json:"start"`
	Stage  audit.InvestigationStage `json:"stage"`
	Round  int                      `json:"round"`
	Reason string                   `json:"reason"`
}

// NoteCaseTrouble records once in a stage and round that it failed: the case needs
// attention.
func (a *Activities) NoteCaseTrouble(ctx context.Context, c CaseTrouble) (audit.Case, error) {
	return a.takeStep(ctx, c.Start, fmt.Sprintf("round/%d/trouble/%s", c.Round, c.Stage), func(row *store.Investigation, _ time.Time) (taken, error) {
		if row.Stage != c.Stage || row.Status.Final() {
			return taken{}, audit.Errorf(audit.InvalidState, "it has changed meanwhile")
		}
		return taken{kind: "attention_needed", severity: audit.SeverityHigh, details: audit.Object{"error": c.Reason}}, nil
	})
}
