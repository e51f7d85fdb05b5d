package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
)

// How long an erasure waits for packages and reports that are being made, and how
// often it looks.
const (
	eraseAgainEvery = 5 * time.Minute
	eraseAgainFor   = 24 * time.Hour
)

// EraseSubject erases a person's data from a ledger and what was made of it:
//
//  1. begin: take the request over; one that has ended is left alone
//  2. plan: count what would be erased
//  3. wait until a second person has decided, for audit.ErasureWaitDays at most
//  4. erase from one place after the other, the entries first
//  5. certify: the erasure is completed, and the ledger and the registry have the
//     certificate's digest
//
// Whom it is about stands in Postgres alone, never in this history. How far the
// entries are erased changes with them, so a crash at any point or an operator's
// Reset repeats no effect. On cancel or failure the erasure ends with an entry that
// says why; what was erased stays erased.
func EraseSubject(ctx workflow.Context, start audit.ErasureStart) error {
	e := &erasure{start: start, progress: audit.Progress{Stage: string(audit.ErasureRequested)}}
	if err := workflow.SetQueryHandler(ctx, ProgressQuery, func() (audit.Progress, error) { return e.progress, nil }); err != nil {
		return err
	}
	return conclude(ctx, start.Ledger, e.run(ctx), e.abandon)
}

type erasure struct {
	start    audit.ErasureStart
	progress audit.Progress
}

func (e *erasure) run(ctx workflow.Context) error {
	var a *activities.Activities
	var status audit.ErasureStatus
	if err := workflow.ExecuteActivity(quick(ctx, "take the request over"), a.BeginErasure, e.start).Get(ctx, &status); err != nil {
		return err
	}
	if !status.Final() {
		e.stage(ctx, "planning", "Counting what would be erased.")
		if err := workflow.ExecuteActivity(heavy(ctx, "count what would be erased"), a.PlanErasure, e.start).Get(ctx, nil); err != nil {
			return err
		}
		var err error
		if status, err = e.await(ctx); err != nil {
			return err
		}
	}
	if status.Final() {
		e.stage(ctx, string(status), "The request has ended as "+string(status)+".")
		return nil
	}
	if err := workflow.ExecuteActivity(quick(ctx, "begin to erase"), a.BeginErasing, e.start).Get(ctx, &status); err != nil {
		return err
	}
	for _, place := range activities.ErasedPlaces {
		if err := e.eraseFrom(ctx, place); err != nil {
			return err
		}
	}
	e.stage(ctx, "certifying", "Completing the erasure with its certificate.")
	var done audit.ErasureCounts
	if err := workflow.ExecuteActivity(quick(ctx, "certify"), a.CertifyErasure, e.start).Get(ctx, &done); err != nil {
		return err
	}
	e.progress.Total, e.progress.Done = done.Entries, done.Entries
	e.stage(ctx, string(audit.ErasureCompleted), fmt.Sprintf("Erased %d fields of %d entries; legal holds keep %d entries.", done.Fields, done.Entries, done.Held))
	return nil
}

// await waits until somebody has decided. What was decided stands in the database,
// also when the time is just over.
func (e *erasure) await(ctx workflow.Context) (status audit.ErasureStatus, err error) {
	var a *activities.Activities
	e.stage(ctx, string(audit.ErasureRequested), "Waiting until a second person approves or declines.")
	decided := workflow.GetSignalChannel(ctx, audit.ErasureSignal)
	deadline, cancel := workflow.WithCancel(ctx)
	defer cancel()
	timer, expired := workflow.NewTimer(deadline, audit.ErasureWaitDays*24*time.Hour), false
	for {
		if err := workflow.ExecuteActivity(quick(ctx, "see what was decided"), a.ErasureDecision, e.start).Get(ctx, &status); err != nil {
			return "", err
		}
		if status != audit.ErasureRequested {
			return status, nil
		}
		if expired {
			end := activities.EndErasure{Start: e.start, Status: audit.ErasureDeclined, Reason: fmt.Sprintf("nobody decided within %d days", audit.ErasureWaitDays)}
			err := workflow.ExecuteActivity(quick(ctx, "end the request"), a.EndErasure, end).Get(ctx, &status)
			return status, err
		}
		workflow.NewSelector(ctx).
			AddReceive(decided, func(c workflow.ReceiveChannel, _ bool) { c.Receive(ctx, nil) }).
			AddFuture(timer, func(f workflow.Future) { expired = f.Get(ctx, nil) == nil }).
			AddReceive(ctx.Done(), func(workflow.ReceiveChannel, bool) {}).
			Select(ctx)
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
	}
}

func (e *erasure) eraseFrom(ctx workflow.Context, place string) error {
	var a *activities.Activities
	e.stage(ctx, string(audit.ErasureRunning), "Erasing from "+place+".")
	for waited := time.Duration(0); ; waited += eraseAgainEvery {
		var again bool
		from := activities.EraseFrom{Start: e.start, Place: place}
		if err := workflow.ExecuteActivity(heavy(ctx, "erase from "+place), a.EraseFrom, from).Get(ctx, &again); err != nil {
			return err
		}
		if !again || waited >= eraseAgainFor {
			return nil
		}
		if err := workflow.Sleep(ctx, eraseAgainEvery); err != nil {
			return err
		}
	}
}

// abandon ends an erasure that will not be completed.
func (e *erasure) abandon(ctx workflow.Context, cause error) error {
	var a *activities.Activities
	end := activities.EndErasure{Start: e.start, Status: audit.ErasureFailed, Reason: reason(cause)}
	var status audit.ErasureStatus
	if err := workflow.ExecuteActivity(quick(ctx, "end the erasure"), a.EndErasure, end).Get(ctx, &status); err != nil {
		return errors.Join(cause, err)
	}
	e.stage(ctx, string(status), end.Reason)
	return cause
}

// stage shows where the erasure is: to the status query, to searches and to whoever
// opens the workflow in Temporal's UI.
func (e *erasure) stage(ctx workflow.Context, stage, detail string) {
	e.progress.Stage = stage
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("**%s** – erasure %s\n\n%s", stage, e.start.ID, detail))
	if err := workflow.UpsertTypedSearchAttributes(ctx, AttributeStage.ValueSet(stage), AttributeItems.ValueSet(e.progress.Total)); err != nil {
		workflow.GetLogger(ctx).Warn("search attributes not set", "error", err)
	}
}
