package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/sealbook/sealbook/activities"
)

// Sweep is what one schedule does for all jobs: it expires packages that have
// outlived their time, ends jobs whose workflow an operator terminated, and
// forgets old request keys.
func Sweep(ctx workflow.Context) error {
	var a *activities.Activities
	var swept activities.Swept
	if err := workflow.ExecuteActivity(quick(ctx, "sweep"), a.Sweep).Get(ctx, &swept); err != nil {
		return err
	}
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("Expired %d packages, ended %d abandoned jobs, forgot %d request keys.",
		swept.Expired, swept.Ended, swept.RequestKeys))
	return nil
}
