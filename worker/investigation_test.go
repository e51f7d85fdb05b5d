package worker_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
	"github.com/sealbook/sealbook/workflows"
)

// openCase does what the API does for POST /investigations.
func (s *system) openCase() audit.InvestigationID {
	s.t.Helper()
	now := audit.SystemClock()
	exportMu.Lock()
	exportCount++ // tests share one Temporal, so their ids must differ
	id := audit.InvestigationID(fmt.Sprintf("inv_%d_test_%03d", os.Getpid(), exportCount))
	exportMu.Unlock()
	from, until := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2024, 4, 1, 0, 0, 0, 0, time.UTC)
	row := store.Investigation{
		ID: id, Ledger: s.ledger, Kind: "test", Type: "test_incident", Title: "Test", FromTime: from, UntilTime: until, Priority: audit.SeverityHigh,
		AssignedTo: audit.DefaultInvestigator, CreatedAt: now, OpenedBy: &store.JSON[audit.Object]{V: audit.Object{"type": "user", "id": "user_a"}},
	}
	e := audit.Event{Type: audit.InvestigationEvent + "opened", Class: audit.ClassSystem, Severity: audit.SeverityLow, Actor: audit.Object{"type": "system", "id": "test"}}
	if _, err := s.log.Append(s.t.Context(), ledger.Submission{Ledger: s.ledger, Events: []audit.Event{e}, WithNew: store.OpenInvestigation("org_test", row, now.Format("20060102"), 1)}); err != nil {
		s.t.Fatal(err)
	}
	s.relay.Wake()
	return id
}

func (s *system) caseRow(id audit.InvestigationID) store.Investigation {
	s.t.Helper()
	row, err := s.store.Investigation(s.t.Context(), s.ledger, id)
	if err != nil {
		s.t.Fatal(err)
	}
	return row
}

// takeStep does what the API does for a step of a person.
func (s *system) takeStep(id audit.InvestigationID, step audit.CaseStep, content audit.StepContent) error {
	s.t.Helper()
	content.Actor = audit.Object{"type": "user", "id": string(step.Behind)}
	if err := s.store.PutStepContent(s.t.Context(), s.ledger, id, step.ID, content, audit.SystemClock()); err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	_, err := workflows.NewClient(s.temporal).TakeStep(ctx, id, step)
	return err
}

// TestInvestigationAsAWorkflow leads a case through its stages on a real server,
// by updates, and opens it again.
func TestInvestigationAsAWorkflow(t *testing.T) {
	s := newSystem(t)
	ledgertest.Append(t, s.log, s.ledger, 0, 300)
	s.work()
	id := s.openCase()
	s.eventually("people can review the findings", func() bool { return s.caseRow(id).Stage == audit.StageReview })
	must := func(step audit.CaseStep, content audit.StepContent) {
		t.Helper()
		if err := s.takeStep(id, step, content); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(step audit.CaseStep) {
		t.Helper()
		err := s.takeStep(id, step, audit.StepContent{})
		if audit.CodeOf(err) != audit.InvalidState {
			t.Errorf("%+v: %v", step, err)
		}
	}
	row := s.caseRow(id)
	for n, want := range map[audit.Analysis]string{audit.PatternDetection: "completed", audit.BehaviourAnalysis: "completed", audit.DataFlowMapping: "completed"} {
		if got := row.Analyses.V[n]; got.Status != want {
			t.Errorf("%s: %+v", n, got)
		}
	}
	refused(audit.CaseStep{ID: "early", Kind: audit.StepTransition, To: audit.StageDecision, Behind: "user_a"})
	note := audit.CaseStep{ID: "note", Kind: audit.StepNote, Behind: "user_a"}
	must(note, audit.StepContent{Text: "a secret name"})
	must(note, audit.StepContent{Text: "a secret name"}) // repeated, it is one
	findings, err := s.store.InvestigationFindings(t.Context(), s.ledger, id, audit.FindingCandidate)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		must(audit.CaseStep{ID: "decide_" + f.ID, Kind: audit.StepDecide, Finding: f.ID, Verdict: audit.FindingRejected, Behind: "user_a"}, audit.StepContent{Reason: "known"})
	}
	must(audit.CaseStep{ID: "on", Kind: audit.StepTransition, To: audit.StageImplications, Behind: "user_a"}, audit.StepContent{Reason: "done"})
	must(audit.CaseStep{ID: "on2", Kind: audit.StepTransition, To: audit.StageDecision, Behind: "user_a"}, audit.StepContent{Reason: "done"})
	refused(audit.CaseStep{ID: "nobody", Kind: audit.StepClose})
	result := audit.StepContent{Result: &audit.CaseResult{Resolution: "legitimate", RootCause: "maintenance"}}
	must(audit.CaseStep{ID: "close", Kind: audit.StepClose, Behind: "user_b"}, result)
	if row = s.caseRow(id); row.Status != audit.InvestigationClosed || row.Version < 8 {
		t.Errorf("%+v", row.Case())
	}
	notes, err := s.store.InvestigationNotes(t.Context(), s.ledger, id)
	if err != nil || len(notes) != 1 {
		t.Errorf("%d notes, %v", len(notes), err)
	}
	s.eventually("its history is archived", func() bool { return s.entries("audit.workflow_history_archived") > 0 })
	s.record(audit.ExportID(id), "investigation_closed")

	due := audit.SystemClock().Add(time.Hour)
	row.Status, row.Stage, row.DueAt, row.ClosedAt, row.Result, row.ClosedBy = audit.InvestigationActive, audit.StageReview, &due, nil, nil, nil
	step := store.InvestigationStep{ID: "again", Kind: "reopened", Actor: store.JSON[audit.Object]{V: audit.Object{"type": "user", "id": "user_b"}}, Details: store.JSON[audit.Object]{V: audit.Object{}}, At: audit.SystemClock()}
	s.append("audit.investigation_reopened", audit.Object{"investigation_id": id}, store.Reopen(row, step, store.HoldOf(&row, "hold_again", audit.SystemClock()), "org_test"))
	s.relay.Wake()
	var stepErr error
	s.eventually("the reopened case takes steps", func() bool {
		if stepErr != nil {
			t.Log(stepErr)
		}
		stepErr = s.takeStep(id, audit.CaseStep{ID: "cancel", Kind: audit.StepTransition, To: audit.StageCanceled, Behind: "user_b"}, audit.StepContent{Reason: "merged"})
		return stepErr == nil
	})
	if row = s.caseRow(id); row.Status != audit.InvestigationCanceled {
		t.Errorf("%+v", row.Case())
	}
}

// TestOrderingACaseAgain tells the run that there is, which may be about to end.
func TestOrderingACaseAgain(t *testing.T) {
	s := newSystem(t)
	id, client := s.openCase(), workflows.NewClient(s.temporal)
	input := fmt.Sprintf(`{"id":%q,"ledger":%d,"organisation":"org_test"}`, id, s.ledger)
	signals := func() (n int) {
		t.Helper()
		for it := s.temporal.GetWorkflowHistory(t.Context(), string(id), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); it.HasNext(); {
			e, err := it.Next()
			if err != nil {
				t.Fatal(err)
			}
			if e.GetWorkflowExecutionSignaledEventAttributes().GetSignalName() == audit.OrderedSignal {
				n++
			}
		}
		return n
	}
	for want := range 2 {
		if err := client.Start(t.Context(), audit.InvestigationWorkflow, string(id), input); err != nil {
			t.Fatal(err)
		}
		if n := signals(); n != want {
			t.Errorf("%d signals, not %d", n, want)
		}
	}
	if err := s.temporal.TerminateWorkflow(t.Context(), string(id), "", "the test is over"); err != nil {
		t.Error(err)
	}
}

// TestInvestigationSurvivesEveryStep: each attempt of each activity is lost once
// after it was done. Each step is taken once.
func TestInvestigationSurvivesEveryStep(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	ledgertest.Append(t, s.log, s.ledger, 0, 100)
	id := s.openCase()
	n := 0
	take := func(env *testsuite.TestWorkflowEnvironment, at time.Duration, step audit.CaseStep, content audit.StepContent) {
		n++
		step.ID, content.Actor = fmt.Sprint("step", n), audit.Object{"type": "user", "id": string(step.Behind)}
		env.RegisterDelayedCallback(func() {
			if err := s.store.PutStepContent(t.Context(), s.ledger, id, step.ID, content, audit.SystemClock()); err != nil {
				t.Error(err)
			}
			env.UpdateWorkflow(audit.StepUpdate, step.ID, &testsuite.TestUpdateCallback{
				OnAccept: func() {}, OnReject: func(err error) { t.Errorf("%+v: %v", step, err) },
				OnComplete: func(_ any, err error) {
					if err != nil {
						t.Errorf("%+v: %v", step, err)
					}
				},
			}, step)
		}, at)
	}
	lost := s.perform(audit.InvestigationWorkflow, audit.InvestigationStart{ID: id, Ledger: s.ledger, Organisation: "org_test"}, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterWorkflowWithOptions(workflows.Investigate, workflow.RegisterOptions{Name: audit.InvestigationWorkflow})
		take(env, time.Hour, audit.CaseStep{Kind: audit.StepNote, Behind: "user_a"}, audit.StepContent{Text: "a note"})
		env.RegisterDelayedCallback(func() { // nothing was found that a person has to decide, or all of it is decided here
			findings, err := s.store.InvestigationFindings(t.Context(), s.ledger, id, audit.FindingCandidate)
			if err != nil || len(findings) > 0 {
				t.Errorf("%d findings, %v", len(findings), err)
			}
		}, time.Hour)
		take(env, 2*time.Hour, audit.CaseStep{Kind: audit.StepTransition, To: audit.StageImplications, Behind: "user_a"}, audit.StepContent{Reason: "r"})
		take(env, 3*time.Hour, audit.CaseStep{Kind: audit.StepTransition, To: audit.StageDecision, Behind: "user_a"}, audit.StepContent{Reason: "r"})
		take(env, 4*time.Hour, audit.CaseStep{Kind: audit.StepClose, Behind: "user_b"}, audit.StepContent{Result: &audit.CaseResult{Resolution: "unfounded", RootCause: "c"}})
	})
	if lost < 9 {
		t.Errorf("only %d attempts were lost", lost)
	}
	row := s.caseRow(id)
	if row.Status != audit.InvestigationClosed {
		t.Errorf("%+v", row.Case())
	}
	steps, err := s.store.InvestigationSteps(t.Context(), s.ledger, id)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, step := range steps {
		kinds[step.Kind]++
	}
	for kind, want := range map[string]int{"scoped": 1, "evidence_collected": 1, "analysis_completed": 3, "analysed": 1, "note_added": 1, "stage_changed": 2, "closed": 1} {
		if kinds[kind] != want || s.entries(audit.InvestigationEvent+kind) != want {
			t.Errorf("%s: %d steps and %d entries, not %d", kind, kinds[kind], s.entries(audit.InvestigationEvent+kind), want)
		}
	}
	items, err := s.store.CaseEvidence(t.Context(), s.ledger, id)
	if err != nil {
		t.Fatal(err)
	}
	custody, err := s.store.CustodyOf(t.Context(), s.ledger, id)
	if err != nil || len(items) != 4+3+2 || len(custody) != len(items)+3*3 || // each analysis used three of them
		store.CustodyBroken(items, custody) != "" {
		t.Errorf("%d items, %d events of custody, %s, %v", len(items), len(custody), store.CustodyBroken(items, custody), err)
	}
}

// TestSweepOfInvestigations: what an operator terminates goes on, evidence is read
// again after a week, and bytes that were changed in the store are found.
func TestSweepOfInvestigations(t *testing.T) {
	s := newSystem(t)
	ledgertest.Append(t, s.log, s.ledger, 0, 20)
	s.work()
	id := s.openCase()
	s.eventually("people can review the findings", func() bool { return s.caseRow(id).Stage == audit.StageReview })
	if err := s.temporal.TerminateWorkflow(t.Context(), string(id), "", "a mistake"); err != nil {
		t.Fatal(err)
	}
	later := *s.activities
	later.Clock = func() time.Time { return audit.SystemClock().Add(time.Hour) }
	if swept, err := later.Sweep(t.Context()); err != nil || swept.Investigations != 1 || swept.Evidence != 0 {
		t.Fatalf("%+v %v", swept, err)
	}
	s.superuser(`update outbox set next_at = now() where workflow_id = '` + string(id) + `'`)
	s.relay.Wake()
	s.eventually("the case takes steps again", func() bool {
		return s.takeStep(id, audit.CaseStep{ID: "cancel", Kind: audit.StepTransition, To: audit.StageCanceled, Behind: "user_b"}, audit.StepContent{Reason: "merged"}) == nil
	})

	items, err := s.store.CaseEvidence(t.Context(), s.ledger, id)
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.artifacts.Create(t.Context(), items[0].Artifact.V.Key)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(w, "something else")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	later.Clock = func() time.Time { return audit.SystemClock().Add(8 * 24 * time.Hour) }
	if swept, err := later.Sweep(t.Context()); err != nil || swept.Evidence != len(items) {
		t.Errorf("%+v %v", swept, err)
	}
	if swept, err := later.Sweep(t.Context()); err != nil || swept.Evidence != 0 {
		t.Errorf("read at once again: %+v %v", swept, err)
	}
	custody, err := s.store.CustodyOf(t.Context(), s.ledger, id)
	if err != nil {
		t.Fatal(err)
	}
	failed := 0
	for _, c := range custody {
		if c.Event == store.CustodyFailed {
			failed++
		}
	}
	// Items with the same bytes are one object.
	if failed == 0 || store.CustodyBroken(items, custody) == "" || s.entries(audit.TypeCustody) != len(items) {
		t.Errorf("%d failed, %q, %d entries", failed, store.CustodyBroken(items, custody), s.entries(audit.TypeCustody))
	}
}
