package workflows_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/workflows"
)

// verifyStage stands in for the activities of a verification, as stage does for
// those of an export.
type verifyStage struct {
	stage
	status  audit.VerificationStatus
	frozen  activities.FrozenVerification
	outcome activities.VerificationOutcome
	end     activities.EndVerification
	indexes []int
	verify  sync.Mutex
}

func (s *verifyStage) BeginVerification(context.Context, audit.VerificationStart) (audit.VerificationStatus, error) {
	return s.status, s.note("begin")
}
func (s *verifyStage) FreezeVerification(context.Context, audit.VerificationStart) (activities.FrozenVerification, error) {
	return s.frozen, s.note("freeze")
}
func (s *verifyStage) VerifySegment(ctx context.Context, v activities.VerifySegment) error {
	s.verify.Lock()
	s.indexes = append(s.indexes, v.Index)
	s.verify.Unlock()
	err := s.note("verify")
	if errors.Is(err, errUntilCanceled) {
		for ctx.Err() == nil {
			activity.RecordHeartbeat(ctx)
			time.Sleep(time.Millisecond)
		}
		return ctx.Err()
	}
	return err
}
func (s *verifyStage) FinishVerification(context.Context, audit.VerificationStart) (activities.VerificationOutcome, error) {
	return s.outcome, s.note("finish")
}
func (s *verifyStage) EndVerification(_ context.Context, e activities.EndVerification) (audit.VerificationStatus, error) {
	s.end = e
	return e.Status, s.note("end")
}

var verifyStart = audit.VerificationStart{ID: "verify_1", Ledger: 1, Organisation: "org_1", Period: "2024-01-01 to 2024-03-31"}

func runVerification(t *testing.T, s *verifyStage, prepare ...func(*testsuite.TestWorkflowEnvironment)) error {
	t.Helper()
	env := environment()
	env.SetTestTimeout(20 * time.Second)
	env.RegisterWorkflowWithOptions(workflows.VerifyLedger, workflow.RegisterOptions{Name: audit.VerificationWorkflow})
	env.RegisterWorkflowWithOptions(func(workflow.Context, activities.HistoryRun) error { return s.note("archive") },
		workflow.RegisterOptions{Name: "ArchiveHistory"})
	env.RegisterActivity(s)
	if s.status == "" {
		s.status = audit.VerificationProcessing
		s.frozen = activities.FrozenVerification{First: 100, End: 900, Segments: [][2]int64{{100, 256}, {256, 512}, {512, 900}}}
		s.outcome = activities.VerificationOutcome{Verified: true, Rows: 800}
	}
	for _, p := range prepare {
		p(env)
	}
	env.ExecuteWorkflow(audit.VerificationWorkflow, verifyStart)
	if !env.IsWorkflowCompleted() {
		t.Fatal("the workflow does not end")
	}
	return env.GetWorkflowError()
}

func TestVerification(t *testing.T) {
	t.Parallel()
	s := &verifyStage{}
	var seen []audit.Progress
	err := runVerification(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		ask := func() {
			var p audit.Progress
			v, err := env.QueryWorkflow(workflows.ProgressQuery)
			if err == nil {
				err = v.Get(&p)
			}
			if err != nil {
				t.Error(err)
			}
			seen = append(seen, p)
		}
		s.inside = map[string]func(){"freeze": ask, "verify": ask, "finish": ask}
	})
	if err != nil {
		t.Fatal(err)
	}
	s.inOrder(t, "begin", "freeze", "verify", "verify", "verify", "finish", "archive")
	if !slices.Equal(s.indexes, []int{0, 1, 2}) || s.called("end") != 0 {
		t.Errorf("%v %q", s.indexes, s.taken())
	}
	want := []audit.Progress{{Stage: "freezing"}, {Stage: "verifying", Total: 800}, {Stage: "verifying", Done: 156, Total: 800},
		{Stage: "verifying", Done: 412, Total: 800}, {Stage: "finishing", Done: 800, Total: 800}}
	if !slices.Equal(seen, want) {
		t.Errorf("progress %+v", seen)
	}
}

func TestVerificationThatHasEndedIsLeftAlone(t *testing.T) {
	t.Parallel()
	for _, status := range []audit.VerificationStatus{audit.VerificationCompleted, audit.VerificationFailed, audit.VerificationCanceled} {
		s := &verifyStage{status: status}
		if err := runVerification(t, s); err != nil || !slices.Equal(s.taken(), []string{"begin", "archive"}) {
			t.Errorf("%s: %v %q", status, err, s.taken())
		}
	}
}

// A ledger that is not what was written is a result.
func TestVerificationThatFindsProblemsIsCompleted(t *testing.T) {
	t.Parallel()
	for _, o := range []activities.VerificationOutcome{{Rows: 800, Problems: 3}, {}} {
		s := &verifyStage{status: audit.VerificationProcessing, outcome: o, frozen: activities.FrozenVerification{Segments: [][2]int64{{0, 0}}}}
		if err := runVerification(t, s); err != nil || s.called("end") != 0 || s.called("finish") != 1 {
			t.Errorf("%+v: %v %q", o, err, s.taken())
		}
	}
}

// A worker or a database that goes away costs time and nothing else.
func TestVerificationOutlivesPassingFaults(t *testing.T) {
	t.Parallel()
	s := &verifyStage{stage: stage{fail: map[string]error{"verify": errors.New("the database is away")}}}
	s.inside = map[string]func(){"verify": func() {
		if s.called("verify") == 5 {
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.fail, "verify")
		}
	}}
	if err := runVerification(t, s); err != nil || !slices.Equal(s.indexes, []int{0, 0, 0, 0, 0, 0, 1, 2}) {
		t.Errorf("%v %v %q", err, s.indexes, s.taken())
	}
}

func TestVerificationFails(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"begin", "freeze", "verify", "finish"} {
		s := &verifyStage{stage: stage{fail: map[string]error{call: denied(audit.InvalidState, "it cannot be")}}}
		if err := runVerification(t, s); err == nil {
			t.Errorf("%s fails and the verification does not", call)
		}
		s.inOrder(t, call, "end", "archive")
		if s.end.Status != audit.VerificationFailed || s.end.Reason != "it cannot be" || s.end.Start != verifyStart {
			t.Errorf("%s: %+v", call, s.end)
		}
	}
	// One that is retried for a day has failed, and says what it waited for.
	s := &verifyStage{stage: stage{fail: map[string]error{"freeze": errors.New("the database is away")}}}
	if err := runVerification(t, s); err == nil || s.end.Status != audit.VerificationFailed || !strings.Contains(s.end.Reason, "the database is away") {
		t.Errorf("%v %+v", err, s.end)
	}
}

func TestVerificationCanceled(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"freeze", "verify", "finish"} {
		s := &verifyStage{stage: stage{fail: map[string]error{}}}
		if call == "verify" {
			s.fail[call] = errUntilCanceled
		}
		if call == "finish" { // the job was asked to cancel, so it is not completed
			s.fail[call] = denied(audit.InvalidState, "complete verification: it is not in a state that allows this")
		}
		err := runVerification(t, s, func(env *testsuite.TestWorkflowEnvironment) {
			s.inside = map[string]func(){call: env.CancelWorkflow}
		})
		var canceled *temporal.CanceledError
		if call != "finish" && !errors.As(err, &canceled) || err == nil {
			t.Errorf("%s: %v", call, err)
		}
		s.inOrder(t, call, "end", "archive")
		if call != "finish" && s.end.Status != audit.VerificationCanceled {
			t.Errorf("%s: %+v", call, s.end)
		}
	}
}
