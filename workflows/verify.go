package workflows

import (
	"errors"
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
)

// VerifyLedger verifies a range of a ledger that is too long for one request:
//
//  1. begin: take the job over; one that has ended is left alone
//  2. freeze: fix the range, its segments and the checkpoint
//  3. verify one segment after the other; what each finds is kept with the job
//  4. finish: join the findings, complete the job, and say so in the ledger
//
// A ledger that is not what was written is a result, not a failure. A segment
// that is kept is not verified again, so a crash at any point or an operator's
// Reset repeats no effect. On cancel or failure the job ends with an entry that
// says why. In every case a child workflow keeps this run's history as evidence
// of how the result came to be.
func VerifyLedger(ctx workflow.Context, start audit.VerificationStart) error {
	v := &verification{start: start, progress: audit.Progress{Stage: "queued"}}
	if err := workflow.SetQueryHandler(ctx, ProgressQuery, func() (audit.Progress, error) { return v.progress, nil }); err != nil {
		return err
	}
	return conclude(ctx, start.Ledger, v.run(ctx), v.abandon)
}

type verification struct {
	start    audit.VerificationStart
	progress audit.Progress
}

func (v *verification) run(ctx workflow.Context) error {
	var a *activities.Activities
	var status audit.VerificationStatus
	if err := workflow.ExecuteActivity(quick(ctx, "take the job over"), a.BeginVerification, v.start).Get(ctx, &status); err != nil {
		return err
	}
	if status.Final() {
		v.stage(ctx, string(status), "The job had already ended as "+string(status)+".")
		return nil
	}
	v.stage(ctx, "freezing", "Finding the range that the window spans.")
	var frozen activities.FrozenVerification
	if err := workflow.ExecuteActivity(quick(ctx, "fix range and checkpoint"), a.FreezeVerification, v.start).Get(ctx, &frozen); err != nil {
		return err
	}
	v.progress.Total = frozen.End - frozen.First
	for i, segment := range frozen.Segments {
		v.stage(ctx, "verifying", fmt.Sprintf("Segment %d of %d; %d of %d entries are verified.", i+1, len(frozen.Segments), v.progress.Done, v.progress.Total))
		summary := "verify the tree around an empty window"
		if segment[0] < segment[1] {
			summary = fmt.Sprintf("verify entries %d to %d", segment[0], segment[1]-1)
		}
		if err := workflow.ExecuteActivity(heavy(ctx, summary), a.VerifySegment, activities.VerifySegment{Start: v.start, Index: i}).Get(ctx, nil); err != nil {
			return err
		}
		v.progress.Done += segment[1] - segment[0]
	}
	v.stage(ctx, "finishing", "Joining what the segments found.")
	var outcome activities.VerificationOutcome
	if err := workflow.ExecuteActivity(quick(ctx, "join and complete"), a.FinishVerification, v.start).Get(ctx, &outcome); err != nil {
		return err
	}
	v.stage(ctx, "completed", conclusion(outcome))
	return nil
}

// conclusion says in a sentence what was found.
func conclusion(o activities.VerificationOutcome) string {
	switch {
	case o.Verified:
		text := fmt.Sprintf("VERIFIED: %d entries, and nothing is wrong.", o.Rows)
		if o.Archived > 0 {
			text += fmt.Sprintf(" The content of %d is in the archive, of which %d files were read.", o.Archived, o.Files)
		}
		return text
	case o.Problems > 0:
		return fmt.Sprintf("FAILED: %d problems among %d entries. The job's result names them.", o.Problems, o.Rows)
	}
	return "There was no entry to verify."
}

// abandon ends a job that will not get a result.
func (v *verification) abandon(ctx workflow.Context, cause error) error {
	var a *activities.Activities
	end := activities.EndVerification{Start: v.start, Status: audit.VerificationFailed, Reason: reason(cause)}
	if temporal.IsCanceledError(cause) {
		end.Status, end.Reason = audit.VerificationCanceled, ""
	}
	var status audit.VerificationStatus
	if err := workflow.ExecuteActivity(quick(ctx, "end the job"), a.EndVerification, end).Get(ctx, &status); err != nil {
		return errors.Join(cause, err)
	}
	v.stage(ctx, string(status), end.Reason)
	return cause
}

// stage shows where the verification is: to the status query, to searches and
// to whoever opens the workflow in Temporal's UI.
func (v *verification) stage(ctx workflow.Context, stage, detail string) {
	changed := v.progress.Stage != stage
	v.progress.Stage = stage
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("**%s** – verification of %s\n\n%s", stage, v.start.Period, detail))
	if !changed { // the attributes are the same for every segment
		return
	}
	if err := workflow.UpsertTypedSearchAttributes(ctx, AttributeStage.ValueSet(stage), AttributeItems.ValueSet(v.progress.Total)); err != nil {
		workflow.GetLogger(ctx).Warn("search attributes not set", "error", err)
	}
}
