package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/sealbook/sealbook/activities"
)

// AnchorRegistry publishes the registry's newest checkpoint at every place
// that does not have it, all at the same time. A place that fails takes none
// from the others; the run then fails with the reason, so that an operator sees
// it, and the schedule comes round again.
func AnchorRegistry(ctx workflow.Context) error {
	var a *activities.Activities
	var due activities.DueAnchors
	if err := workflow.ExecuteActivity(quick(ctx, "list the places that are due"), a.ListDueAnchors).Get(ctx, &due); err != nil {
		return err
	}
	if len(due.Places) == 0 {
		workflow.SetCurrentDetails(ctx, fmt.Sprintf("Every place has the checkpoint of %d entries.", due.Size))
		return nil
	}
	pending := make([]workflow.Future, len(due.Places))
	for i, p := range due.Places {
		pending[i] = workflow.ExecuteActivity(outside(ctx, "publish at the "+p.String()), a.AnchorCheckpoint,
			activities.AnchorCheckpoint{Place: p, Size: due.Size})
	}
	var lines, failures []string
	for i, p := range due.Places {
		if err := pending[i].Get(ctx, nil); err != nil {
			failures = append(failures, p.String()+": "+reason(err))
			lines = append(lines, "- failed: "+failures[len(failures)-1])
			continue
		}
		lines = append(lines, "- "+p.String())
	}
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("Anchored the checkpoint of %d entries at %d of %d places.\n\n%s",
		due.Size, len(due.Places)-len(failures), len(due.Places), strings.Join(lines, "\n")))
	if failures != nil {
		return temporal.NewNonRetryableApplicationError(strings.Join(failures, "; "), "NOT_ANCHORED", nil)
	}
	return nil
}
