package workflows_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/workflows"
)

// erasureStage stands in for the activities of an erasure.
type erasureStage struct {
	stage
	begun, decided audit.ErasureStatus
	again          int // how often files have to be gone through again
	end            activities.EndErasure
}

func (s *erasureStage) BeginErasure(context.Context, audit.ErasureStart) (audit.ErasureStatus, error) {
	return s.begun, s.note("begin")
}
func (s *erasureStage) PlanErasure(context.Context, audit.ErasureStart) error { return s.note("plan") }
func (s *erasureStage) ErasureDecision(context.Context, audit.ErasureStart) (audit.ErasureStatus, error) {
	err := s.note("decision")
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.decided, err
}
func (s *erasureStage) BeginErasing(context.Context, audit.ErasureStart) (audit.ErasureStatus, error) {
	return audit.ErasureRunning, s.note("run")
}
func (s *erasureStage) EraseFrom(_ context.Context, from activities.EraseFrom) (bool, error) {
	err := s.note(from.Place)
	if from.Place != activities.EraseFiles || s.again == 0 {
		return false, err
	}
	s.again--
	return true, err
}
func (s *erasureStage) CertifyErasure(context.Context, audit.ErasureStart) (audit.ErasureCounts, error) {
	return audit.ErasureCounts{Entries: 3, Fields: 9}, s.note("certify")
}
func (s *erasureStage) EndErasure(_ context.Context, e activities.EndErasure) (audit.ErasureStatus, error) {
	s.end = e
	return e.Status, s.note("end")
}

func runErasure(t *testing.T, s *erasureStage, prepare ...func(*testsuite.TestWorkflowEnvironment)) error {
	t.Helper()
	env := environment()
	env.SetTestTimeout(20 * time.Second)
	env.RegisterWorkflowWithOptions(workflows.EraseSubject, workflow.RegisterOptions{Name: audit.ErasureWorkflow})
	env.RegisterWorkflowWithOptions(func(workflow.Context, activities.HistoryRun) error { return s.note("history") },
		workflow.RegisterOptions{Name: "ArchiveHistory"})
	env.RegisterActivity(s)
	if s.begun == "" {
		s.begun, s.decided = audit.ErasureRequested, audit.ErasureRequested
	}
	for _, p := range prepare {
		p(env)
	}
	env.ExecuteWorkflow(audit.ErasureWorkflow, audit.ErasureStart{ID: "erasure_1", Ledger: 1, Organisation: "org_1"})
	if !env.IsWorkflowCompleted() {
		t.Fatal("the workflow does not end")
	}
	return env.GetWorkflowError()
}

// decide has somebody decide after a while.
func (s *erasureStage) decide(status audit.ErasureStatus, after time.Duration) func(*testsuite.TestWorkflowEnvironment) {
	return func(env *testsuite.TestWorkflowEnvironment) {
		// A signal that comes too early decides nothing.
		env.RegisterDelayedCallback(func() { env.SignalWorkflow(audit.ErasureSignal, nil) }, after/2)
		env.RegisterDelayedCallback(func() {
			s.mu.Lock()
			s.decided = status
			s.mu.Unlock()
			env.SignalWorkflow(audit.ErasureSignal, nil)
		}, after)
	}
}

// Nothing is erased before somebody has approved it, entries go first, and files
// are gone through again as long as somebody makes new ones.
func TestErasure(t *testing.T) {
	t.Parallel()
	s := &erasureStage{again: 2}
	if err := runErasure(t, s, s.decide(audit.ErasureApproved, 48*time.Hour)); err != nil {
		t.Fatal(err)
	}
	want := []string{"begin", "plan", "decision", "decision", "decision", "run", "entries", "archive", "files", "files", "files", "directory", "certify", "history"}
	if !slices.Equal(s.taken(), want) {
		t.Errorf("%q", s.taken())
	}
	// For ever it does not wait.
	s = &erasureStage{again: 1 << 20}
	if err := runErasure(t, s, s.decide(audit.ErasureApproved, time.Hour)); err != nil || s.called("certify") != 1 || s.called("files") != 289 {
		t.Errorf("%v, files %d times", err, s.called("files"))
	}
}

func TestErasureThatIsNotApproved(t *testing.T) {
	t.Parallel()
	s := &erasureStage{}
	if err := runErasure(t, s, s.decide(audit.ErasureDeclined, time.Hour)); err != nil || s.called("run")+s.called("entries")+s.called("end") != 0 {
		t.Errorf("%v %q", err, s.taken())
	}
	s = &erasureStage{} // nobody decides
	if err := runErasure(t, s); err != nil || s.called("run") != 0 || s.end.Status != audit.ErasureDeclined || !strings.Contains(s.end.Reason, "30 days") {
		t.Errorf("%v %q %+v", err, s.taken(), s.end)
	}
	s = &erasureStage{} // approved in the last moment, and the signal is lost
	err := runErasure(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(func() {
			s.mu.Lock()
			s.decided = audit.ErasureApproved
			s.mu.Unlock()
		}, audit.ErasureWaitDays*24*time.Hour-time.Minute)
	})
	if err != nil || s.called("certify") != 1 || s.called("end") != 0 {
		t.Errorf("%v %q", err, s.taken())
	}
	for _, status := range []audit.ErasureStatus{audit.ErasureCompleted, audit.ErasureDeclined, audit.ErasureFailed} {
		s := &erasureStage{begun: status}
		if err := runErasure(t, s); err != nil || !slices.Equal(s.taken(), []string{"begin", "history"}) {
			t.Errorf("%s: %v %q", status, err, s.taken())
		}
	}
}

func TestErasureFails(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"plan", "run", "entries", "archive", "files", "directory", "certify"} {
		s := &erasureStage{}
		s.fail = map[string]error{call: temporal.NewNonRetryableApplicationError("it is broken", string(audit.Tampered), errors.New("x"))}
		err := runErasure(t, s, s.decide(audit.ErasureApproved, time.Hour))
		if err == nil || s.called("end") != 1 || s.end.Status != audit.ErasureFailed || s.end.Reason != "it is broken" || s.called("history") != 1 {
			t.Errorf("%s: %v %q %+v", call, err, s.taken(), s.end)
		}
	}
}
