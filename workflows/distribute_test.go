package workflows_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/workflows"
)

// postStage stands in for the activities of a distribution.
type postStage struct {
	stage
	unsent []string
	open   int
}

func (s *postStage) DeliveriesOf(context.Context, audit.DistributionStart) (activities.Distribution, error) {
	err := s.note("see")
	s.mu.Lock()
	defer s.mu.Unlock()
	return activities.Distribution{Unsent: s.unsent, Open: s.open, Counts: map[audit.DeliveryState]int{audit.DeliveryAccepted: s.open}}, err
}
func (s *postStage) SendReport(_ context.Context, r activities.SendReport) (audit.DeliveryState, error) {
	return audit.DeliveryAccepted, s.note("send " + r.Delivery)
}
func (s *postStage) GiveUpDelivery(_ context.Context, g activities.GiveUpDelivery) (audit.DeliveryState, error) {
	return audit.DeliveryRefused, s.note("give up " + g.Delivery)
}
func (s *postStage) FinishDistribution(context.Context, audit.DistributionStart) (activities.Distribution, error) {
	return activities.Distribution{}, s.note("finish")
}

func runDistribution(t *testing.T, s *postStage, prepare ...func(*testsuite.TestWorkflowEnvironment)) error {
	t.Helper()
	env := environment()
	env.SetTestTimeout(20 * time.Second)
	env.RegisterWorkflowWithOptions(workflows.DistributeReport, workflow.RegisterOptions{Name: audit.DistributionWorkflow})
	env.RegisterWorkflowWithOptions(func(workflow.Context, activities.HistoryRun) error { return s.note("archive") },
		workflow.RegisterOptions{Name: "ArchiveHistory"})
	env.RegisterActivity(s)
	for _, p := range prepare {
		p(env)
	}
	env.ExecuteWorkflow(audit.DistributionWorkflow, audit.DistributionStart{ID: "distribution_1", Report: "report_1", Ledger: 1, Organisation: "org_1"})
	if !env.IsWorkflowCompleted() {
		t.Fatal("the workflow does not end")
	}
	return env.GetWorkflowError()
}

func TestDistribution(t *testing.T) {
	t.Parallel()
	s := &postStage{unsent: []string{"a", "b"}, open: 2}
	err := runDistribution(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(func() { env.SignalWorkflow(audit.DeliveredSignal, nil) }, time.Minute)
		env.RegisterDelayedCallback(func() {
			s.mu.Lock()
			s.open = 0
			s.mu.Unlock()
			env.SignalWorkflow(audit.DeliveredSignal, nil)
		}, time.Hour)
	})
	if err != nil || s.called("send a") != 1 || s.called("send b") != 1 || s.called("finish") != 1 || s.called("archive") != 1 {
		t.Errorf("%v %q", err, s.taken())
	}
	// What nobody ever says is not waited for without end.
	s = &postStage{open: 1}
	if err := runDistribution(t, s); err != nil || s.called("finish") != 1 {
		t.Errorf("%v %q", err, s.taken())
	}
}

func TestDistributionOfAMailThatCannotBeSent(t *testing.T) {
	t.Parallel()
	s := &postStage{unsent: []string{"a", "b", "c"}}
	s.fail = map[string]error{"send b": errors.New("the provider is away"), "send c": temporal.NewNonRetryableApplicationError("it is broken", "INVALID_STATE", nil)}
	if err := runDistribution(t, s); err != nil {
		t.Fatal(err)
	}
	if s.called("send b") < 10 || s.called("send c") != 1 || s.called("give up a") != 0 || s.called("give up b") != 1 || s.called("give up c") != 1 || s.called("finish") != 1 {
		t.Errorf("%q", s.taken())
	}
}
