package worker_test

import (
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"

	"go.temporal.io/sdk/client"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/report"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger/ledgertest"
	"github.com/sealbook/sealbook/workflows"
)

// frozenCase is what a report of a case was made of.
func (s *system) frozenCase(r store.Report) (d report.Document) {
	s.t.Helper()
	f, err := s.artifacts.Open(s.t.Context(), r.Frozen.V)
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		s.t.Fatal(err)
	}
	var frozen struct {
		Document report.Document `json:"document"`
	}
	if err := json.Unmarshal(text, &frozen); err != nil || frozen.Document.Case == nil {
		s.t.Fatalf("%.200s, %v", text, err)
	}
	return frozen.Document
}

// TestReportOfACaseAsAJob: of one that is open and signed by a person, and of one
// that was decided. Temporal learns neither its title nor what it found.
func TestReportOfACaseAsAJob(t *testing.T) {
	s := newSystem(t)
	roots, _ := s.notary()
	who := s.officer()
	ledgertest.Append(t, s.log, s.ledger, 0, 300)
	s.work()
	id := s.openCase()
	s.eventually("people can review the findings", func() bool { return s.caseRow(id).Stage == audit.StageReview })
	request := audit.ReportRequest{Type: audit.InvestigationReport, Investigation: id, Format: audit.ReportPDF}

	first := s.orderReportOf(request, &who, nil).ID
	s.eventually("the report waits for its signature", func() bool { return s.report(first).Status == audit.ReportPending })
	s.signReport(first, who)
	s.eventually("the report has ended", func() bool { return s.report(first).Status.Final() })
	s.sealed(s.report(first), roots)
	open := s.frozenCase(s.report(first)).Case
	if !open.Interim || open.ID != string(id) || open.Stage != string(audit.StageReview) || open.Decision != nil || len(open.Evidence) == 0 || len(open.Narrative) < 3 {
		t.Errorf("%+v", open)
	}

	for _, step := range []audit.CaseStep{
		{ID: "on", Kind: audit.StepTransition, To: audit.StageImplications, Behind: "user_a"}, {ID: "on2", Kind: audit.StepTransition, To: audit.StageDecision, Behind: "user_a"},
		{ID: "close", Kind: audit.StepClose, Behind: "user_b"},
	} {
		findings, err := s.store.InvestigationFindings(t.Context(), s.ledger, id, audit.FindingCandidate)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range findings {
			decide := audit.CaseStep{ID: "decide_" + f.ID, Kind: audit.StepDecide, Finding: f.ID, Verdict: audit.FindingRejected, Behind: "user_a"}
			if err := s.takeStep(id, decide, audit.StepContent{Reason: "known"}); err != nil {
				t.Fatal(err)
			}
		}
		content := audit.StepContent{Reason: "done", Result: &audit.CaseResult{Resolution: "legitimate", RootCause: "maintenance"}}
		if err := s.takeStep(id, step, content); err != nil {
			t.Fatal(err)
		}
	}
	second := s.orderReportOf(request, nil, nil).ID
	s.eventually("the report has ended", func() bool { return s.report(second).Status.Final() })
	s.sealed(s.report(second), roots)
	d := s.frozenCase(s.report(second))
	closed := d.Case
	if closed.Interim || closed.Decision == nil || closed.Decision.Resolution != "legitimate" || closed.Decision.By != "user_b" || closed.Version <= open.Version || !d.GeneratedAt.After(closed.Decision.At) {
		t.Errorf("%+v", closed)
	}
	for _, report := range []audit.ReportID{first, second} {
		history := s.temporal.GetWorkflowHistory(t.Context(), string(report), "", false, 0)
		for history.HasNext() {
			e, err := history.Next()
			if err != nil {
				t.Fatal(err)
			}
			if text := e.String(); strings.Contains(text, closed.Number) || strings.Contains(text, "maintenance") {
				t.Errorf("the history of %s has what the case says: %s", report, text)
			}
		}
	}
	readings := 0
	custody, err := s.store.CustodyOf(t.Context(), s.ledger, id)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range custody {
		if h.Event == store.CustodyAccessed && slices.Contains([]string{"read for the report " + string(first), "read for the report " + string(second)}, h.Reason) {
			readings++
		}
	}
	if readings != 2 || s.entries(audit.TypeReportGenerated) != 2 {
		t.Errorf("%d readings, %d entries about reports", readings, s.entries(audit.TypeReportGenerated))
	}

	// Of a case whose entries are in the archive alone there is no report: it says so.
	holds, err := s.log.Holds(t.Context(), s.ledger)
	if err != nil || len(holds) == 0 {
		t.Fatal(holds, err)
	}
	for _, h := range holds {
		s.append("audit.legal_hold_released", audit.Object{}, store.ReleaseLegalHold(s.ledger, h.ID, audit.Object{"type": "user", "id": "user_b"}, "over", audit.SystemClock()))
	}
	before := audit.SystemClock()
	run, err := s.temporal.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "archive_" + string(id), TaskQueue: workflows.CoreQueue},
		audit.RetentionWorkflow, audit.RetentionRun{Only: s.ledger, Before: &before})
	if err == nil {
		err = run.Get(t.Context(), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	third := s.orderReportOf(request, nil, nil).ID
	s.eventually("the report has ended", func() bool { return s.report(third).Status.Final() })
	if r := s.report(third); r.Status != audit.ReportFailed || r.Error == nil || !strings.Contains(*r.Error, "has been archived") {
		t.Errorf("%+v", r)
	}
}
