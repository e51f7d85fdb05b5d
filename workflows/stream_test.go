package workflows_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/workflows"
)

// deliveries stands in for the receiver: what becomes of each message.
type deliveries struct {
	mu    sync.Mutex
	times []time.Time
	now   func() time.Time
	of    func(n int) (activities.Delivery, error)
}

func (d *deliveries) DeliverMessage(context.Context, audit.StreamStart) (activities.Delivery, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.times = append(d.times, d.now())
	return d.of(len(d.times))
}

func deliver(t *testing.T, start audit.StreamStart, of func(n int) (activities.Delivery, error)) (pauses []time.Duration, err error) {
	t.Helper()
	env := environment()
	env.RegisterWorkflowWithOptions(workflows.DeliverStream, workflow.RegisterOptions{Name: audit.StreamWorkflow})
	d := &deliveries{of: of, now: env.Now}
	env.RegisterActivity(d)
	env.ExecuteWorkflow(audit.StreamWorkflow, start)
	if !env.IsWorkflowCompleted() {
		t.Fatal("the workflow does not end")
	}
	for i := 1; i < len(d.times); i++ {
		pauses = append(pauses, d.times[i].Sub(d.times[i-1]).Round(time.Second))
	}
	return pauses, env.GetWorkflowError()
}

// TestStreamBacksOff: attempts after failures come ever later, as late as the
// receiver asks, and at once after a success.
func TestStreamBacksOff(t *testing.T) {
	t.Parallel()
	pauses, err := deliver(t, audit.StreamStart{ID: "stream_1"}, func(n int) (activities.Delivery, error) {
		switch {
		case n <= 9:
			return activities.Delivery{Failed: "500"}, nil
		case n == 10:
			return activities.Delivery{Sent: 3}, nil
		case n == 11:
			return activities.Delivery{Failed: "429", RetryAfter: 20 * time.Minute}, nil
		case n == 12:
			return activities.Delivery{Failed: "503", RetryAfter: time.Hour}, nil
		}
		return activities.Delivery{Ended: true}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []time.Duration{5, 10, 20, 40, 80, 160, 300, 300, 300, 0, 1200, 3600}
	if len(pauses) != len(want) {
		t.Fatalf("%v", pauses)
	}
	for i, p := range pauses {
		if p != want[i]*time.Second {
			t.Errorf("the pause after attempt %d is %s, not %ds", i+1, p, want[i])
		}
	}
}

// TestStreamContinuesAsNew with what it has to remember.
func TestStreamContinuesAsNew(t *testing.T) {
	t.Parallel()
	_, err := deliver(t, audit.StreamStart{ID: "stream_1", Failures: 3}, func(int) (activities.Delivery, error) { return activities.Delivery{Failed: "500"}, nil })
	var again *workflow.ContinueAsNewError
	if !errors.As(err, &again) {
		t.Fatal(err)
	}
}

// TestStreamOutlivesTheDatabase: what cannot be read is tried again, too.
func TestStreamOutlivesTheDatabase(t *testing.T) {
	t.Parallel()
	pauses, err := deliver(t, audit.StreamStart{ID: "stream_1"}, func(n int) (activities.Delivery, error) {
		if n == 1 {
			return activities.Delivery{}, temporal.NewNonRetryableApplicationError("away", "INTERNAL", nil)
		}
		return activities.Delivery{Ended: true}, nil
	})
	if err != nil || len(pauses) != 1 || pauses[0] != audit.StreamBackoff {
		t.Errorf("%v %v", pauses, err)
	}
}
