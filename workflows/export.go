package workflows

import (
	"errors"
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
)

// ProgressQuery asks a running export for its audit.Progress.
const ProgressQuery = "progress"

// ExportEvidence makes one evidence export:
//
//  1. begin: take the job over; one that has ended is left alone
//  2. freeze: fix a checkpoint, and with it every byte of the package
//  3. estimate its size and time
//  4. collect every category, and the skeleton of the whole range, in parallel
//  5. build the package
//  6. verify it with the verifier that auditors use
//  7. publish: the job is completed and the ledger says so
//
// Job and ledger change together, keyed by workflow id and step, so a crash at
// any point or an operator's Reset repeats no effect. On cancel or failure
// what was made is removed and the job ends with an entry that says why. In
// every case a child workflow keeps this run's history as evidence of how the
// package came to be.
func ExportEvidence(ctx workflow.Context, start audit.ExportStart) error {
	e := &export{start: start, progress: audit.Progress{Stage: "queued"}}
	if err := workflow.SetQueryHandler(ctx, ProgressQuery, func() (audit.Progress, error) { return e.progress, nil }); err != nil {
		return err
	}
	return conclude(ctx, start.Ledger, e.run(ctx), e.abandon)
}

type export struct {
	start    audit.ExportStart
	progress audit.Progress
}

func (e *export) run(ctx workflow.Context) error {
	var a *activities.Activities
	var job activities.ExportJob
	if err := workflow.ExecuteActivity(quick(ctx, "take the job over"), a.BeginExport, e.start).Get(ctx, &job); err != nil {
		return err
	}
	if job.Status.Final() {
		e.stage(ctx, string(job.Status), "The job had already ended as "+string(job.Status)+".")
		return nil
	}
	e.stage(ctx, "freezing", "Fixing the checkpoint that the package is of.")
	var frozen activities.FrozenExport
	if err := workflow.ExecuteActivity(quick(ctx, "fix the checkpoint"), a.FreezeExport, e.start).Get(ctx, &frozen); err != nil {
		return err
	}
	e.progress.Total = frozen.Selected + frozen.End - frozen.First
	if err := workflow.ExecuteActivity(quick(ctx, "estimate size and time"), a.EstimateExport, e.start).Get(ctx, nil); err != nil {
		return err
	}
	parts, failures, err := e.collect(ctx, job, frozen)
	if err != nil {
		return err
	}
	e.stage(ctx, "building", "Packing the collected entries.")
	var artifact audit.Artifact
	build := activities.BuildExport{Start: e.start, Parts: parts, Failures: failures}
	if err := workflow.ExecuteActivity(heavy(ctx, "build the package"), a.BuildExport, build).Get(ctx, &artifact); err != nil {
		return err
	}
	publish := activities.PublishExport{Start: e.start, Artifact: artifact, Failures: failures}
	e.stage(ctx, "verifying", "Checking the package with the verifier that auditors use.")
	if err := workflow.ExecuteActivity(heavy(ctx, "verify the package"), a.VerifyExport, publish).Get(ctx, nil); err != nil {
		return err
	}
	e.stage(ctx, "publishing", "Completing the job.")
	if err := workflow.ExecuteActivity(quick(ctx, "publish"), a.PublishExport, publish).Get(ctx, nil); err != nil {
		return err
	}
	e.stage(ctx, "completed", fmt.Sprintf("Published %s, %d bytes, from the ledger's entries %d to %d.",
		artifact.Digest, artifact.Size, frozen.First, frozen.End-1))
	// The parts are in the package now, and a cancel comes too late.
	after, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	return workflow.ExecuteActivity(quick(after, "remove the parts"), a.CleanExport, e.start).Get(after, nil)
}

// collect streams the categories and the skeleton in parallel. A category that
// cannot be collected is left out and said in the package; altered entries, or
// a skeleton that cannot be collected, end the export.
func (e *export) collect(ctx workflow.Context, job activities.ExportJob, frozen activities.FrozenExport) (parts []activities.Part, failures []string, err error) {
	var a *activities.Activities
	ctx, stop := workflow.WithCancel(ctx)
	defer stop()
	e.stage(ctx, "collecting", fmt.Sprintf("Collecting %d of %d entries.", frozen.Selected, frozen.End-frozen.First))
	wanted := job.Parts
	results := make([]activities.Part, len(wanted))
	failed := make([]string, len(wanted))
	selector := workflow.NewSelector(ctx)
	for i, what := range wanted {
		f := workflow.ExecuteActivity(heavy(ctx, "collect "+what), a.CollectPart, activities.CollectPart{Start: e.start, What: what})
		selector.AddFuture(f, func(f workflow.Future) {
			getErr := f.Get(ctx, &results[i])
			switch {
			case getErr == nil:
				e.progress.Done += results[i].Stats.Entries
				if what == activities.Skeleton {
					e.progress.Done += frozen.End - frozen.First
				}
			case what != activities.Skeleton && !permanent(getErr) && !temporal.IsCanceledError(getErr):
				failed[i] = fmt.Sprintf("%s could not be collected: %s", what, reason(getErr))
			case err == nil:
				err = getErr
				stop() // the others' work is in vain
			}
		})
	}
	for range wanted {
		selector.Select(ctx)
	}
	if err != nil {
		return nil, nil, err
	}
	for i := range wanted {
		if failed[i] != "" {
			failures = append(failures, failed[i])
			continue
		}
		parts = append(parts, results[i])
	}
	return parts, failures, nil
}

// abandon ends a job that will not get a package.
func (e *export) abandon(ctx workflow.Context, cause error) error {
	var a *activities.Activities
	end := activities.EndExport{Start: e.start, Status: audit.ExportFailed, Reason: reason(cause)}
	if temporal.IsCanceledError(cause) {
		end.Status, end.Reason = audit.ExportCanceled, ""
	}
	var status audit.ExportStatus
	if err := workflow.ExecuteActivity(quick(ctx, "end the job"), a.EndExport, end).Get(ctx, &status); err != nil {
		return errors.Join(cause, err)
	}
	e.stage(ctx, string(status), end.Reason)
	return cause
}

// stage shows where the export is: to the status query, to searches and to
// whoever opens the workflow in Temporal's UI.
func (e *export) stage(ctx workflow.Context, stage, detail string) {
	e.progress.Stage = stage
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("**%s** – evidence for %s, %s\n\n%s", stage, e.start.Framework, e.start.Period, detail))
	if err := workflow.UpsertTypedSearchAttributes(ctx, AttributeStage.ValueSet(stage), AttributeItems.ValueSet(e.progress.Total)); err != nil {
		workflow.GetLogger(ctx).Warn("search attributes not set", "error", err)
	}
}

// permanent reports whether an activity failed with an error that no retry can
// mend.
func permanent(err error) bool {
	var app *temporal.ApplicationError
	return errors.As(err, &app) && app.NonRetryable()
}

// reason is what a person should read of an activity's error.
func reason(err error) string {
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		return app.Message()
	}
	var timeout *temporal.TimeoutError
	if errors.As(err, &timeout) {
		return "it took too long or could not be done for too long (" + timeout.TimeoutType().String() + ")"
	}
	return err.Error()
}
