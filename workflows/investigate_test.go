package workflows_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/workflows"
)

// caseStage stands in for the activities of an investigation: a case in memory that
// obeys the same rules.
type caseStage struct {
	stage
	clock func() time.Time
	mu2   sync.Mutex
	at    audit.Case

	ordered bool // again, whenever an activity has ended
}

func (s *caseStage) change(step string, do func(*audit.Case)) (audit.Case, error) {
	err := s.note(step)
	s.mu2.Lock()
	defer s.mu2.Unlock()
	if err == nil {
		do(&s.at)
		s.at.Version++
	}
	return s.at, err
}

func (s *caseStage) enter(c *audit.Case, to audit.InvestigationStage) {
	c.Stage, c.Reminded, c.DueAt = to, 0, s.clock().Add(audit.StageTime(c.Priority, to))
}

func (s *caseStage) BeginInvestigation(context.Context, audit.InvestigationStart) (audit.Case, error) {
	s.mu2.Lock()
	defer s.mu2.Unlock()
	return s.at, nil
}

func (s *caseStage) ScopeInvestigation(context.Context, audit.InvestigationStart) (audit.Case, error) {
	return s.change("scope", func(c *audit.Case) { s.enter(c, audit.StageCollection) })
}

func (s *caseStage) CollectEvidence(ctx context.Context, _ audit.InvestigationStart) (audit.Case, error) {
	at, err := s.change("collect", func(c *audit.Case) { s.enter(c, audit.StageAnalysis) })
	if errors.Is(err, errUntilCanceled) {
		for ctx.Err() == nil {
			activity.RecordHeartbeat(ctx)
			time.Sleep(time.Millisecond)
		}
		return at, ctx.Err()
	}
	return at, err
}

func (s *caseStage) AnalyseCase(_ context.Context, c activities.CaseAnalysis) (audit.Case, error) {
	return s.change("analyse "+string(c.Analysis), func(*audit.Case) {})
}

func (s *caseStage) FailAnalysis(_ context.Context, c activities.CaseAnalysis) (audit.Case, error) {
	return s.change("fail "+string(c.Analysis)+": "+c.Reason, func(*audit.Case) {})
}

func (s *caseStage) FinishAnalyses(context.Context, audit.InvestigationStart) (audit.Case, error) {
	return s.change("review", func(c *audit.Case) { s.enter(c, audit.StageReview) })
}

func (s *caseStage) NoteCaseTrouble(_ context.Context, c activities.CaseTrouble) (audit.Case, error) {
	return s.change("trouble: "+c.Reason, func(*audit.Case) {})
}

func (s *caseStage) RemindInvestigation(context.Context, activities.Reminder) (audit.Case, error) {
	return s.change("remind", func(c *audit.Case) {
		if c.Reminded++; c.Reminded > 1 {
			c.Status, c.DueAt = audit.InvestigationEscalated, time.Time{}
			return
		}
		c.DueAt = s.clock().Add(audit.StageTime(c.Priority, c.Stage))
	})
}

func (s *caseStage) TakePersonStep(_ context.Context, p activities.PersonStep) (audit.Case, error) {
	return s.change(string(p.Step.Kind)+" "+string(p.Step.To), func(c *audit.Case) {
		switch {
		case p.Step.Kind == audit.StepClose:
			c.Status, c.Stage = audit.InvestigationClosed, audit.StageClosed
		case p.Step.To == audit.StageCanceled:
			c.Status = audit.InvestigationCanceled
		case p.Step.Kind == audit.StepTransition:
			s.enter(c, p.Step.To)
		}
	})
}

// update sends a step after a time, and notes what became of it.
type update struct {
	at   time.Duration
	step audit.CaseStep
	err  error
	done bool
}

func runCase(t *testing.T, s *caseStage, updates ...*update) (*testsuite.TestWorkflowEnvironment, error) {
	t.Helper()
	env := environment()
	env.SetTestTimeout(20 * time.Second)
	env.RegisterWorkflowWithOptions(workflows.Investigate, workflow.RegisterOptions{Name: audit.InvestigationWorkflow})
	env.SetOnActivityCompletedListener(func(*activity.Info, converter.EncodedValue, error) {
		if s.ordered {
			env.SignalWorkflow(audit.OrderedSignal, nil)
		}
	})
	env.RegisterWorkflowWithOptions(func(workflow.Context, activities.HistoryRun) error { return s.note("archive") }, workflow.RegisterOptions{Name: "ArchiveHistory"})
	env.RegisterActivity(s)
	s.clock = env.Now
	if s.at.Status == "" {
		s.at = audit.Case{Status: audit.InvestigationActive, Stage: audit.StageScoping, Priority: audit.SeverityHigh, Version: 1, Round: 1, Investigator: "user_a"}
	}
	for i, u := range updates {
		u.step.ID = string(rune('a' + i))
		env.RegisterDelayedCallback(func() {
			env.UpdateWorkflow(audit.StepUpdate, u.step.ID, &testsuite.TestUpdateCallback{
				OnAccept:   func() {},
				OnReject:   func(err error) { u.err = err },
				OnComplete: func(_ any, err error) { u.err, u.done = err, err == nil },
			}, u.step)
		}, u.at)
	}
	env.ExecuteWorkflow(audit.InvestigationWorkflow, audit.InvestigationStart{ID: "inv_1", Ledger: 1})
	return env, env.GetWorkflowError()
}

func transition(at time.Duration, to audit.InvestigationStage) *update {
	return &update{at: at, step: audit.CaseStep{Kind: audit.StepTransition, To: to}}
}

func decision(at time.Duration, by audit.PersonID) *update {
	return &update{at: at, step: audit.CaseStep{Kind: audit.StepClose, Behind: by}}
}

func TestInvestigateFromOpeningToDecision(t *testing.T) {
	t.Parallel()
	s := &caseStage{}
	early, own := transition(time.Minute, audit.StageDecision), decision(4*time.Hour, "user_a")
	_, err := runCase(t, s, early, transition(time.Hour, audit.StageImplications), transition(2*time.Hour, audit.StageDecision), own, decision(5*time.Hour, "user_b"))
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range []*update{early, own} {
		var app *temporal.ApplicationError
		if u.done || !errors.As(u.err, &app) || app.Type() != string(audit.InvalidState) {
			t.Errorf("%+v was not refused: %v", u.step, u.err)
		}
		var details map[string]any
		if app != nil && (app.Details(&details) != nil || details["allowed_transitions"] == nil) {
			t.Errorf("%v does not say what is allowed", details)
		}
	}
	got := s.taken()
	slices.Sort(got[2:5]) // the analyses run side by side
	want := []string{"scope", "collect", "analyse data_flow_mapping", "analyse pattern_detection", "analyse user_behavior_analysis", "review",
		"stage_changed implications", "stage_changed decision", "closed ", "archive"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// TestReopenedWhileTheRunEnds: an order that finds a run still open would start none,
// and a reopened case would have no run at all.
func TestReopenedWhileTheRunEnds(t *testing.T) {
	t.Parallel()
	s := &caseStage{at: audit.Case{Status: audit.InvestigationActive, Stage: audit.StageReview, Priority: audit.SeverityHigh, Version: 1, Round: 1}}
	s.ordered = true
	_, err := runCase(t, s, transition(time.Hour, audit.StageCanceled))
	if got := s.taken(); !workflow.IsContinueAsNewError(err) || !slices.Equal(got, []string{"stage_changed canceled", "archive"}) {
		t.Errorf("%v, after %q", err, got)
	}
}

// TestLateCasesAreRemindedAndEscalated once each in a stage.
func TestLateCasesAreRemindedAndEscalated(t *testing.T) {
	t.Parallel()
	s := &caseStage{}
	_, err := runCase(t, s, transition(30*24*time.Hour, audit.StageImplications), transition(30*24*time.Hour+time.Minute, audit.StageCanceled))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, step := range s.taken() {
		if step == "remind" {
			n++
		}
	}
	if n != 2 {
		t.Errorf("reminded %d times: %q", n, s.taken())
	}
}

// TestFailedAnalysesDoNotStopTheCase, which says that they failed.
func TestFailedAnalysesDoNotStopTheCase(t *testing.T) {
	t.Parallel()
	s := &caseStage{stage: stage{fail: map[string]error{"analyse user_behavior_analysis": temporal.NewNonRetryableApplicationError("too many entries", "INVALID_STATE", nil)}}}
	if _, err := runCase(t, s, transition(time.Hour, audit.StageCanceled)); err != nil {
		t.Fatal(err)
	}
	got := s.taken()
	if !slices.Contains(got, "fail user_behavior_analysis: too many entries") || !slices.Contains(got, "review") {
		t.Errorf("%q", got)
	}
}

// TestCasesCanBeCanceledWhileEvidenceIsCollected, which stops.
func TestCasesCanBeCanceledWhileEvidenceIsCollected(t *testing.T) {
	t.Parallel()
	s := &caseStage{stage: stage{fail: map[string]error{"collect": errUntilCanceled}}}
	stop := transition(time.Second, audit.StageCanceled)
	if _, err := runCase(t, s, stop); err != nil || !stop.done {
		t.Fatalf("%v, %v", err, stop.err)
	}
}

// TestTroubledStagesAreTriedAgain: a failure is recorded, and mended outside.
func TestTroubledStagesAreTriedAgain(t *testing.T) {
	t.Parallel()
	s := &caseStage{stage: stage{fail: map[string]error{"collect": temporal.NewNonRetryableApplicationError("entry 7 is missing", "TAMPERED", nil)}}}
	env := transition(3*time.Hour, audit.StageCanceled)
	if _, err := runCase(t, s, env); err != nil {
		t.Fatal(err)
	}
	got := s.taken()
	if !slices.Contains(got, "trouble: entry 7 is missing") {
		t.Errorf("%q", got)
	}
	tries := 0
	for _, step := range got {
		if step == "collect" {
			tries++
		}
	}
	if tries < 2 {
		t.Errorf("tried %d times: %q", tries, got)
	}
}

// TestLongCasesContinueAsNew before their history grows too long.
func TestLongCasesContinueAsNew(t *testing.T) {
	t.Parallel()
	s := &caseStage{at: audit.Case{Status: audit.InvestigationActive, Stage: audit.StageReview, Priority: audit.SeverityHigh, Version: 1, Round: 1}}
	var notes []*update
	for i := range 200 {
		notes = append(notes, &update{at: time.Duration(i+1) * time.Minute, step: audit.CaseStep{Kind: audit.StepNote}})
	}
	_, err := runCase(t, s, notes...)
	if !workflow.IsContinueAsNewError(err) {
		t.Errorf("%v", err)
	}
}
