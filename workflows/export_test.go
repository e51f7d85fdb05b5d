package workflows_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/workflows"
)

// stage is a stand-in for the activities: it notes what is called and fails
// where a test says so. Its methods have the activities' names.
type stage struct {
	mu     sync.Mutex
	calls  []string
	job    activities.ExportJob
	fail   map[string]error // by call
	ended  activities.EndExport
	built  activities.BuildExport
	inside map[string]func() // run in the middle of a call
}

func (s *stage) note(call string) error {
	s.mu.Lock()
	s.calls = append(s.calls, call)
	err, during := s.fail[call], s.inside[call]
	s.mu.Unlock()
	if during != nil {
		during()
	}
	return err
}

// taken is what was called until now: activities may outlive a workflow that failed.
func (s *stage) taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

func (s *stage) BeginExport(context.Context, audit.ExportStart) (activities.ExportJob, error) {
	return s.job, s.note("begin")
}
func (s *stage) FreezeExport(context.Context, audit.ExportStart) (activities.FrozenExport, error) {
	return activities.FrozenExport{First: 10, End: 110, Selected: 20}, s.note("freeze")
}
func (s *stage) EstimateExport(context.Context, audit.ExportStart) error { return s.note("estimate") }
func (s *stage) CollectPart(ctx context.Context, p activities.CollectPart) (activities.Part, error) {
	err := s.note("collect " + p.What)
	if errors.Is(err, errUntilCanceled) {
		for ctx.Err() == nil {
			activity.RecordHeartbeat(ctx)
			time.Sleep(time.Millisecond)
		}
		return activities.Part{}, ctx.Err()
	}
	part := activities.Part{Name: p.What}
	if p.What != activities.Skeleton {
		part.Stats.Entries = 10
	}
	return part, err
}
func (s *stage) BuildExport(_ context.Context, b activities.BuildExport) (audit.Artifact, error) {
	s.built = b
	return audit.Artifact{Key: "exports/e/d", Digest: "sha256:d", Size: 5}, s.note("build")
}
func (s *stage) VerifyExport(context.Context, activities.PublishExport) error {
	return s.note("verify")
}
func (s *stage) PublishExport(context.Context, activities.PublishExport) error {
	return s.note("publish")
}
func (s *stage) CleanExport(context.Context, audit.ExportStart) error { return s.note("clean") }
func (s *stage) EndExport(_ context.Context, e activities.EndExport) (audit.ExportStatus, error) {
	s.ended = e
	return e.Status, s.note("end")
}
func (s *stage) ArchiveHistory(context.Context, activities.HistoryRun) error {
	return s.note("archive")
}
func (s *stage) Sweep(context.Context) (activities.Swept, error) {
	return activities.Swept{}, s.note("sweep")
}

var errUntilCanceled = errors.New("works until it is canceled")

var start = audit.ExportStart{ID: "export_1", Ledger: 1, Organisation: "org_1", Framework: audit.SOC2, Period: "2024-01-01 to 2024-03-31", Format: audit.FormatZIP}

func run(t *testing.T, s *stage, prepare ...func(*testsuite.TestWorkflowEnvironment)) error {
	t.Helper()
	env := environment()
	env.SetTestTimeout(20 * time.Second)
	env.RegisterWorkflowWithOptions(workflows.ExportEvidence, workflow.RegisterOptions{Name: audit.ExportWorkflow})
	// The test environment ends with the parent; the real child has a test of
	// its own.
	env.RegisterWorkflowWithOptions(func(workflow.Context, activities.HistoryRun) error { return s.note("archive") },
		workflow.RegisterOptions{Name: "ArchiveHistory"})
	env.RegisterActivity(s)
	if s.job.Status == "" {
		s.job = activities.ExportJob{Status: audit.ExportProcessing, Parts: []string{activities.Skeleton, "scan_results", "access_logs"}}
	}
	for _, p := range prepare {
		p(env)
	}
	env.ExecuteWorkflow(audit.ExportWorkflow, start)
	if !env.IsWorkflowCompleted() {
		t.Fatal("the workflow does not end")
	}
	return env.GetWorkflowError()
}

func (s *stage) called(call string) int {
	n := 0
	for _, c := range s.taken() {
		if c == call {
			n++
		}
	}
	return n
}

func (s *stage) inOrder(t *testing.T, want ...string) {
	t.Helper()
	at := 0
	for _, c := range s.taken() {
		if at < len(want) && c == want[at] {
			at++
		}
	}
	if at != len(want) {
		t.Errorf("%q does not come, in order, in %q", want[at:], s.taken())
	}
}

func denied(code audit.Code, message string) error {
	return temporal.NewNonRetryableApplicationError(message, string(code), nil)
}

func TestExport(t *testing.T) {
	t.Parallel()
	s := &stage{}
	var seen audit.Progress
	err := run(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		s.inside = map[string]func(){"build": func() {
			v, err := env.QueryWorkflow(workflows.ProgressQuery)
			if err == nil {
				err = v.Get(&seen)
			}
			if err != nil {
				t.Error(err)
			}
		}}
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{activities.Skeleton, "scan_results", "access_logs"} {
		s.inOrder(t, "begin", "freeze", "estimate", "collect "+what, "build", "verify", "publish", "clean", "archive")
	}
	if s.called("end") != 0 || len(s.built.Parts) != 3 || s.built.Failures != nil {
		t.Errorf("%q %+v", s.taken(), s.built)
	}
	if want := (audit.Progress{Stage: "building", Done: 120, Total: 120}); seen != want {
		t.Errorf("progress %+v, want %+v", seen, want)
	}
}

func TestExportThatHasEndedIsLeftAlone(t *testing.T) {
	t.Parallel()
	for _, status := range []audit.ExportStatus{audit.ExportCompleted, audit.ExportFailed, audit.ExportCanceled, audit.ExportExpired} {
		s := &stage{job: activities.ExportJob{Status: status}}
		if err := run(t, s); err != nil || !slices.Equal(s.taken(), []string{"begin", "archive"}) {
			t.Errorf("%s: %v %q", status, err, s.taken())
		}
	}
}

func TestExportOutlivesPassingFaults(t *testing.T) {
	t.Parallel()
	s := &stage{fail: map[string]error{"freeze": errors.New("the database is away")}}
	s.inside = map[string]func(){"freeze": func() {
		if s.called("freeze") == 8 {
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.fail, "freeze")
		}
	}}
	if err := run(t, s); err != nil || s.called("freeze") != 9 || s.called("publish") != 1 {
		t.Errorf("%v %q", err, s.taken())
	}
}

func TestExportFails(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"begin", "freeze", "collect skeleton", "collect scan_results", "build", "verify", "publish"} {
		s := &stage{fail: map[string]error{call: denied(audit.Tampered, "entry 7 was changed")}}
		err := run(t, s)
		if err == nil {
			t.Errorf("%s fails and the export does not", call)
		}
		s.inOrder(t, call, "end", "archive")
		if s.ended.Status != audit.ExportFailed || s.ended.Reason != "entry 7 was changed" || s.called("clean") != 0 {
			t.Errorf("%s: %+v %q", call, s.ended, s.taken())
		}
	}
}

// A category that cannot be had makes a partial package that says so; altered
// entries never do.
func TestExportWithACategoryMissingIsPartial(t *testing.T) {
	t.Parallel()
	s := &stage{fail: map[string]error{"collect scan_results": errors.New("the store is full")}}
	if err := run(t, s); err != nil {
		t.Fatal(err)
	}
	if len(s.built.Parts) != 2 || len(s.built.Failures) != 1 || s.called("publish") != 1 {
		t.Errorf("%+v %q", s.built, s.taken())
	}
}

func TestExportCanceled(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"freeze", "collect scan_results", "build", "verify"} {
		s := &stage{fail: map[string]error{}}
		if call == "collect scan_results" {
			s.fail[call] = errUntilCanceled
		}
		err := run(t, s, func(env *testsuite.TestWorkflowEnvironment) {
			s.inside = map[string]func(){call: env.CancelWorkflow}
		})
		var canceled *temporal.CanceledError
		if !errors.As(err, &canceled) {
			t.Errorf("%s: %v", call, err)
		}
		s.inOrder(t, call, "end", "archive")
		if s.ended.Status != audit.ExportCanceled || s.called("publish") != 0 {
			t.Errorf("%s: %+v %q", call, s.ended, s.taken())
		}
	}
	// Once published it is too late.
	s := &stage{}
	err := run(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		s.inside = map[string]func(){"clean": env.CancelWorkflow}
	})
	if err != nil || s.called("end") != 0 {
		t.Errorf("%v %q", err, s.taken())
	}
}

func TestTheSmallWorkflows(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]string{"Sweep": "sweep", "ArchiveHistory": "archive"} {
		env := environment()
		s := &stage{}
		env.RegisterActivity(s)
		workflows.Register(env)
		var args []any
		if call == "archive" {
			args = append(args, activities.HistoryRun{WorkflowID: "export_1", RunID: "r", Ledger: 1})
		}
		env.ExecuteWorkflow(name, args...)
		if err := env.GetWorkflowError(); err != nil || s.called(call) != 1 {
			t.Errorf("%s: %v %q", name, err, s.taken())
		}
	}
}

func environment() *testsuite.TestWorkflowEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	return suite.NewTestWorkflowEnvironment()
}
