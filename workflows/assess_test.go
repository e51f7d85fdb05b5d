package workflows_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/workflows"
)

// assessStage stands in for the activities of an assessment.
type assessStage struct {
	stage
	status   audit.AssessmentStatus
	finished activities.CompleteAssessment
	end      activities.EndAssessment
}

func (s *assessStage) BeginAssessment(context.Context, audit.AssessmentStart) (audit.AssessmentStatus, error) {
	return s.status, s.note("begin")
}
func (s *assessStage) AssessPeriod(ctx context.Context, _ audit.AssessmentStart) (audit.Artifact, error) {
	err := s.note("assess")
	if errors.Is(err, errUntilCanceled) {
		<-ctx.Done()
		return audit.Artifact{}, ctx.Err()
	}
	return audit.Artifact{Key: "k", Digest: "sha256:1"}, err
}
func (s *assessStage) FinishAssessment(_ context.Context, c activities.CompleteAssessment) ([]activities.Headline, error) {
	s.finished = c
	score := 96.1
	return []activities.Headline{{Framework: audit.SOC2, Status: "compliant", Score: &score, Floor: 90, Coverage: 95}, {Framework: audit.SOX, Status: "not_assessed"}}, s.note("finish")
}
func (s *assessStage) EndAssessment(_ context.Context, e activities.EndAssessment) (audit.AssessmentStatus, error) {
	s.end = e
	return e.Status, s.note("end")
}

func runAssessment(t *testing.T, s *assessStage, prepare ...func(*testsuite.TestWorkflowEnvironment)) error {
	t.Helper()
	env := environment()
	env.SetTestTimeout(20 * time.Second)
	env.RegisterWorkflowWithOptions(workflows.AssessCompliance, workflow.RegisterOptions{Name: audit.AssessmentWorkflow})
	env.RegisterWorkflowWithOptions(func(workflow.Context, activities.HistoryRun) error { return s.note("archive") },
		workflow.RegisterOptions{Name: "ArchiveHistory"})
	env.RegisterActivity(s)
	if s.status == "" {
		s.status = audit.AssessmentProcessing
	}
	for _, p := range prepare {
		p(env)
	}
	env.ExecuteWorkflow(audit.AssessmentWorkflow, audit.AssessmentStart{ID: "assess_1", Ledger: 1, Organisation: "org_1", Period: "2024-01-01 to 2024-03-31"})
	if !env.IsWorkflowCompleted() {
		t.Fatal("the workflow does not end")
	}
	return env.GetWorkflowError()
}

func TestAssessment(t *testing.T) {
	t.Parallel()
	s := &assessStage{}
	if err := runAssessment(t, s); err != nil {
		t.Fatal(err)
	}
	s.inOrder(t, "begin", "assess", "finish", "archive")
	if s.finished.Result.Digest != "sha256:1" || s.called("end") != 0 {
		t.Errorf("%+v %q", s.finished, s.taken())
	}
	for _, status := range []audit.AssessmentStatus{audit.AssessmentCompleted, audit.AssessmentFailed, audit.AssessmentCanceled} {
		s := &assessStage{status: status}
		if err := runAssessment(t, s); err != nil || !slices.Equal(s.taken(), []string{"begin", "archive"}) {
			t.Errorf("%s: %v %q", status, err, s.taken())
		}
	}
}

func TestAssessmentIsCanceled(t *testing.T) {
	t.Parallel()
	s := &assessStage{}
	err := runAssessment(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		s.inside = map[string]func(){"assess": env.CancelWorkflow}
		s.fail = map[string]error{"assess": errUntilCanceled}
	})
	if err == nil || s.end.Status != audit.AssessmentCanceled || s.end.Reason != "" || s.called("archive") != 1 {
		t.Errorf("%v %+v %q", err, s.end, s.taken())
	}
}
