package workflows

import (
	"errors"
	"fmt"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
)

// AssessCompliance says what a period of a ledger shows about frameworks:
//
//  1. begin: take the assessment over; one that has ended is left alone
//  2. assess: read and verify the period once, and store the result
//  3. finish: complete it, and say so in the ledger with the result's digest
//
// A framework that fails is a result, not a failure. On cancel or failure the
// assessment ends with an entry that says why. In every case a child workflow
// keeps this run's history.
func AssessCompliance(ctx workflow.Context, start audit.AssessmentStart) error {
	a := &assessment{start: start, progress: audit.Progress{Stage: "queued"}}
	if err := workflow.SetQueryHandler(ctx, ProgressQuery, func() (audit.Progress, error) { return a.progress, nil }); err != nil {
		return err
	}
	return conclude(ctx, start.Ledger, a.run(ctx), a.abandon)
}

type assessment struct {
	start    audit.AssessmentStart
	progress audit.Progress
}

func (a *assessment) run(ctx workflow.Context) error {
	var do *activities.Activities
	var status audit.AssessmentStatus
	if err := workflow.ExecuteActivity(quick(ctx, "take the assessment over"), do.BeginAssessment, a.start).Get(ctx, &status); err != nil {
		return err
	}
	if status.Final() {
		a.stage(ctx, string(status), "The assessment had already ended as "+string(status)+".")
		return nil
	}
	a.stage(ctx, "assessing", "Reading and verifying the entries of the period.")
	complete := activities.CompleteAssessment{Start: a.start}
	if err := workflow.ExecuteActivity(heavy(ctx, "assess the period"), do.AssessPeriod, a.start).Get(ctx, &complete.Result); err != nil {
		return err
	}
	a.stage(ctx, "finishing", "Recording the result "+complete.Result.Digest+".")
	var found []activities.Headline
	if err := workflow.ExecuteActivity(quick(ctx, "complete and record"), do.FinishAssessment, complete).Get(ctx, &found); err != nil {
		return err
	}
	a.stage(ctx, "completed", verdicts(found))
	return nil
}

// verdicts says in a line for each framework what was found.
func verdicts(found []activities.Headline) string {
	var lines []string
	for _, r := range found {
		score := "no score"
		if r.Score != nil {
			score = fmt.Sprintf("score %.1f", *r.Score)
		}
		lines = append(lines, fmt.Sprintf("- %s: %s, %s, floor %.1f, coverage %.1f %%", r.Framework, strings.ReplaceAll(string(r.Status), "_", " "), score, r.Floor, r.Coverage))
	}
	return strings.Join(lines, "\n")
}

// abandon ends an assessment that will not get a result.
func (a *assessment) abandon(ctx workflow.Context, cause error) error {
	var do *activities.Activities
	end := activities.EndAssessment{Start: a.start, Status: audit.AssessmentFailed, Reason: reason(cause)}
	if temporal.IsCanceledError(cause) {
		end.Status, end.Reason = audit.AssessmentCanceled, ""
	}
	var status audit.AssessmentStatus
	if err := workflow.ExecuteActivity(quick(ctx, "end the assessment"), do.EndAssessment, end).Get(ctx, &status); err != nil {
		return errors.Join(cause, err)
	}
	a.stage(ctx, string(status), end.Reason)
	return cause
}

// stage shows where the assessment is: to the status query, to searches and to
// whoever opens the workflow in Temporal's UI.
func (a *assessment) stage(ctx workflow.Context, stage, detail string) {
	a.progress.Stage = stage
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("**%s** – assessment of %s\n\n%s", stage, a.start.Period, detail))
	if err := workflow.UpsertTypedSearchAttributes(ctx, AttributeStage.ValueSet(stage)); err != nil {
		workflow.GetLogger(ctx).Warn("search attributes not set", "error", err)
	}
}
