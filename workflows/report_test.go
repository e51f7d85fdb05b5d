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

// reportStage stands in for the activities of a report.
type reportStage struct {
	stage
	job     activities.ReportJob
	decided activities.ReportJob
	end     activities.EndReport
	due     func() time.Time

	reminded []string
	began    time.Time
	now      func() time.Time
}

func (s *reportStage) BeginReport(context.Context, audit.ReportStart) (activities.ReportJob, error) {
	return s.job, s.note("begin")
}
func (s *reportStage) SnapshotReport(context.Context, audit.ReportStart) (activities.ReportData, error) {
	return activities.ReportData{Entries: 7, First: 1, End: 9}, s.note("snapshot")
}
func (s *reportStage) DraftReport(context.Context, audit.ReportStart) (time.Time, error) {
	return s.due(), s.note("draft")
}
func (s *reportStage) ReportDecision(context.Context, audit.ReportStart) (activities.ReportJob, error) {
	err := s.note("decision")
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.decided, err
}
func (s *reportStage) FinishReport(ctx context.Context, _ audit.ReportStart) (audit.Artifact, error) {
	err := s.note("finish")
	if errors.Is(err, errUntilCanceled) {
		<-ctx.Done()
		return audit.Artifact{}, ctx.Err()
	}
	return audit.Artifact{Digest: "sha256:1", Size: 5}, err
}
func (s *reportStage) PublishReport(context.Context, audit.ReportStart) (audit.Artifact, error) {
	return audit.Artifact{Digest: "sha256:1", Size: 5}, s.note("publish")
}
func (s *reportStage) EndReport(_ context.Context, e activities.EndReport) (audit.ReportStatus, error) {
	s.end = e
	return e.Status, s.note("end")
}

func runReport(t *testing.T, s *reportStage, prepare ...func(*testsuite.TestWorkflowEnvironment)) error {
	t.Helper()
	env := environment()
	env.SetTestTimeout(20 * time.Second)
	env.RegisterWorkflowWithOptions(workflows.PublishReport, workflow.RegisterOptions{Name: audit.ReportWorkflow})
	env.RegisterWorkflowWithOptions(func(workflow.Context, activities.HistoryRun) error { return s.note("archive") },
		workflow.RegisterOptions{Name: "ArchiveHistory"})
	env.RegisterActivity(s)
	if s.job.Status == "" {
		s.job.Status = audit.ReportProcessing
	}
	s.now, s.began = env.Now, env.Now()
	s.due = func() time.Time { return env.Now().Add(audit.SignatureWait) }
	for _, p := range prepare {
		p(env)
	}
	env.ExecuteWorkflow(audit.ReportWorkflow, audit.ReportStart{ID: "report_1", Ledger: 1, Organisation: "org_1", Type: "audit_trail", Period: "2024-01-01 to 2024-03-31", Format: "pdf"})
	if !env.IsWorkflowCompleted() {
		t.Fatal("the workflow does not end")
	}
	return env.GetWorkflowError()
}

func TestReport(t *testing.T) {
	t.Parallel()
	s := &reportStage{}
	if err := runReport(t, s); err != nil {
		t.Fatal(err)
	}
	s.inOrder(t, "begin", "snapshot", "finish", "publish", "archive")
	if s.called("draft")+s.called("decision")+s.called("end") != 0 {
		t.Errorf("%q", s.taken())
	}
	for _, status := range []audit.ReportStatus{audit.ReportGenerated, audit.ReportFailed, audit.ReportCanceled} {
		s := &reportStage{job: activities.ReportJob{Status: status}}
		if err := runReport(t, s); err != nil || !slices.Equal(s.taken(), []string{"begin", "archive"}) {
			t.Errorf("%s: %v %q", status, err, s.taken())
		}
	}
}

func TestReportWaitsForItsSignature(t *testing.T) {
	t.Parallel()
	s := &reportStage{job: activities.ReportJob{MustSign: true}, decided: activities.ReportJob{Status: audit.ReportPending, MustSign: true}}
	err := runReport(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		// A signal that comes too early, or twice, decides nothing.
		env.RegisterDelayedCallback(func() { env.SignalWorkflow(audit.SignedSignal, nil) }, time.Hour)
		env.RegisterDelayedCallback(func() {
			s.mu.Lock()
			s.decided.Signed = true
			s.mu.Unlock()
			env.SignalWorkflow(audit.SignedSignal, nil)
			env.SignalWorkflow(audit.SignedSignal, nil)
		}, 48*time.Hour)
	})
	if err != nil {
		t.Fatal(err)
	}
	s.inOrder(t, "begin", "snapshot", "draft", "decision", "decision", "finish", "publish", "archive")
	// After a reset the signature is there already.
	s = &reportStage{job: activities.ReportJob{MustSign: true, Signed: true, Status: audit.ReportPending}}
	if err := runReport(t, s); err != nil || s.called("draft") != 0 || s.called("publish") != 1 {
		t.Errorf("%v %q", err, s.taken())
	}
}

// Each signatory has as much time as the first, from when it is their turn.
func TestReportThatSeveralSign(t *testing.T) {
	t.Parallel()
	run := func(signed ...time.Duration) (*reportStage, error) {
		s := &reportStage{job: activities.ReportJob{MustSign: true}, decided: activities.ReportJob{Status: audit.ReportPending, MustSign: true, Signatories: 3}}
		return s, runReport(t, s, func(env *testsuite.TestWorkflowEnvironment) {
			for _, after := range signed {
				env.RegisterDelayedCallback(func() {
					s.mu.Lock()
					s.decided.Signatures++
					s.decided.Signed, s.decided.DueAt = s.decided.Signatures == 3, env.Now().Add(audit.SignatureWait)
					s.mu.Unlock()
					env.SignalWorkflow(audit.SignedSignal, nil)
				}, after)
			}
		})
	}
	s, err := run(29*day, 58*day, 87*day)
	if err != nil {
		t.Fatal(err)
	}
	s.inOrder(t, "begin", "snapshot", "draft", "decision", "decision", "decision", "finish", "publish", "archive")
	if s, err = run(29 * day); err == nil || s.end.Status != audit.ReportFailed || !strings.Contains(s.end.Reason, "1 of 3 signed") || s.called("finish") != 0 {
		t.Errorf("the second does not sign: %v %+v", err, s.end)
	}
	// The signal of a signature that is just in time may be lost until after that.
	s = &reportStage{job: activities.ReportJob{MustSign: true}, decided: activities.ReportJob{Status: audit.ReportPending, MustSign: true, Signatories: 2}}
	err = runReport(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(func() {
			s.mu.Lock()
			s.decided.Signatures, s.decided.DueAt = 1, env.Now().Add(audit.SignatureWait)
			s.mu.Unlock()
		}, 29*day)
		env.RegisterDelayedCallback(func() {
			s.mu.Lock()
			s.decided.Signatures, s.decided.Signed = 2, true
			s.mu.Unlock()
			env.SignalWorkflow(audit.SignedSignal, nil)
		}, 40*day)
	})
	if err != nil || s.called("publish") != 1 {
		t.Errorf("%v %q", err, s.taken())
	}
}

func TestReportThatIsNotSigned(t *testing.T) {
	t.Parallel()
	waiting := activities.ReportJob{Status: audit.ReportPending, MustSign: true}
	s := &reportStage{job: activities.ReportJob{MustSign: true}, decided: waiting}
	err := runReport(t, s)
	if err == nil || s.end.Status != audit.ReportFailed || !strings.Contains(s.end.Reason, "30 days") || s.called("finish") != 0 {
		t.Errorf("nobody signs: %v %+v %q", err, s.end, s.taken())
	}
	s = &reportStage{job: activities.ReportJob{MustSign: true}, decided: activities.ReportJob{Status: audit.ReportFailed, MustSign: true}}
	err = runReport(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(func() { env.SignalWorkflow(audit.SignedSignal, nil) }, time.Hour)
	})
	if err != nil || s.called("end")+s.called("finish") != 0 || s.called("archive") != 1 {
		t.Errorf("the signatory declined: %v %q", err, s.taken())
	}
	s = &reportStage{job: activities.ReportJob{MustSign: true}, decided: waiting}
	err = runReport(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(env.CancelWorkflow, time.Hour)
	})
	if err == nil || s.end.Status != audit.ReportCanceled || s.end.Reason != "" {
		t.Errorf("it is canceled while it waits: %v %+v", err, s.end)
	}
}

func TestReportThatFails(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"snapshot", "finish", "publish"} {
		s := &reportStage{stage: stage{fail: map[string]error{step: temporal.NewNonRetryableApplicationError("it is broken", "INVALID_STATE", nil)}}}
		if err := runReport(t, s); err == nil || s.end.Status != audit.ReportFailed || s.end.Reason != "it is broken" || s.called("archive") != 1 {
			t.Errorf("%s: %v %+v", step, err, s.end)
		}
	}
	s := &reportStage{stage: stage{fail: map[string]error{"finish": errUntilCanceled}}}
	err := runReport(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		s.inside = map[string]func(){"finish": env.CancelWorkflow}
	})
	if err == nil || s.end.Status != audit.ReportCanceled {
		t.Errorf("%v %+v", err, s.end)
	}
}
