package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
)

// maxDeliveries is after how many messages a run is followed by another: each is
// some events of history.
const maxDeliveries = 500

// DeliverStream sends an organisation's entries to a receiver, for as long as the
// stream is there. One message follows the other; after a failure the next
// attempt waits, longer each time, or as long as the receiver asks for. A stream
// that is paused or disabled is looked at again and again: its row says how it
// goes on, so nothing is lost when a person changes it, and nothing needs to be
// told to the workflow.
func DeliverStream(ctx workflow.Context, start audit.StreamStart) error {
	var a *activities.Activities
	for range maxDeliveries {
		var d activities.Delivery
		err := workflow.ExecuteActivity(delivering(ctx), a.DeliverMessage, start).Get(ctx, &d)
		if temporal.IsCanceledError(err) {
			return err
		}
		if err != nil { // the database is away, or holds what cannot be read: not the receiver's failure
			d.Failed = "the message could not be made: " + reason(err)
		}
		if d.Ended {
			return nil
		}
		if d.Failed == "" {
			start.Failures = 0
			continue
		}
		start.Failures++
		pause := backoff(start.Failures, d.RetryAfter)
		workflow.SetCurrentDetails(ctx, fmt.Sprintf("**failing** – %d in a row: %s\n\nThe next attempt is in %s.", start.Failures, d.Failed, pause))
		if err := workflow.Sleep(ctx, pause); err != nil {
			return err
		}
	}
	return workflow.NewContinueAsNewError(ctx, audit.StreamWorkflow, start)
}

// backoff is how long to wait after so many failures in a row; a receiver may ask
// for more, which the sender has bounded.
func backoff(failures int, asked time.Duration) time.Duration {
	pause := audit.StreamBackoff
	for range min(failures, 20) - 1 {
		pause = min(2*pause, audit.MaxStreamBackoff)
	}
	return max(pause, asked)
}

// delivering is for an activity that waits for entries and then sends a message.
func delivering(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           CoreQueue,
		StartToCloseTimeout: audit.StreamWait + time.Minute,
		HeartbeatTimeout:    30 * time.Second,
		Summary:             "wait for entries and deliver them",
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second, MaximumAttempts: 5,
		},
	})
}
