package worker_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/testsuite"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// TestArchivedBaseline: what is archived of the time before a scope is missing from the
// baseline, which says so; of the scope itself it fails an analysis.
func TestArchivedBaseline(t *testing.T) {
	t.Parallel()
	s, clock, _ := newOldSystem(t, 50)
	s.retain()
	newest := ledgertest.Event(49).Timestamp.UTC()
	from := newest.AddDate(0, 0, 10)
	var events []audit.Event
	for i := range 40 { // half before the scope, after what is archived, and half in it
		e := ledgertest.Event(1000 + i)
		at := newest.AddDate(0, 0, 5).Add(time.Duration(i) * 6 * time.Hour)
		e.Timestamp = &at
		events = append(events, e)
	}
	if _, err := s.log.Append(t.Context(), ledger.Submission{Ledger: s.ledger, Events: events}); err != nil {
		t.Fatal(err)
	}
	env := (&testsuite.WorkflowTestSuite{}).NewTestActivityEnvironment()
	env.RegisterActivity(s.activities)
	n := 0
	analysed := func(from, until time.Time) (map[audit.Analysis]store.CaseAnalysis, error) {
		t.Helper()
		n++
		row := store.Investigation{
			ID: audit.InvestigationID(fmt.Sprintf("inv_20250301_test_%03d", n)), Ledger: s.ledger, Kind: "test", Type: "test_incident", Title: "Test", FromTime: from, UntilTime: until,
			Priority: audit.SeverityHigh, AssignedTo: audit.DefaultInvestigator, CreatedAt: clock.now(), OpenedBy: &store.JSON[audit.Object]{V: audit.Object{"type": "user", "id": "user_a"}},
		}
		opened := audit.Event{Type: audit.InvestigationEvent + "opened", Class: audit.ClassSystem, Severity: audit.SeverityLow}
		if _, err := s.log.Append(t.Context(), ledger.Submission{Ledger: s.ledger, Events: []audit.Event{opened}, WithNew: store.OpenInvestigation("org_test", row, "20250301", n)}); err != nil {
			t.Fatal(err)
		}
		start := audit.InvestigationStart{ID: row.ID, Ledger: s.ledger, Organisation: "org_test"}
		for _, act := range []any{s.activities.ScopeInvestigation, s.activities.CollectEvidence} {
			if _, err := env.ExecuteActivity(act, start); err != nil {
				return nil, err
			}
		}
		for _, name := range audit.Analyses {
			if _, err := env.ExecuteActivity(s.activities.AnalyseCase, activities.CaseAnalysis{Start: start, Analysis: name}); err != nil {
				return nil, err
			}
		}
		return s.caseRow(row.ID).Analyses.V, nil
	}
	short, err := analysed(from, from.AddDate(0, 0, 20))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []audit.Analysis{audit.BehaviourAnalysis, audit.DataFlowMapping} {
		got := short[name]
		if got.Status != "completed" || got.Entries != 20 || !strings.Contains(got.Reason, "the baseline begins at") || !strings.Contains(got.Reason, "in the archive") {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := short[audit.BehaviourAnalysis]; got.Deviation != nil {
		t.Errorf("%+v", got)
	}
	if got := short[audit.PatternDetection]; got.Reason != "" {
		t.Errorf("%+v", got)
	}
	absent, err := analysed(newest.Add(time.Second), newest.AddDate(0, 0, 3))
	if err != nil {
		t.Fatal(err)
	}
	if got := absent[audit.BehaviourAnalysis]; got.Status != "completed" || got.Deviation != nil || !strings.Contains(got.Reason, "up to 50 entries of the 90 days before the scope are in the archive") {
		t.Errorf("%+v", got)
	}
	if _, err := analysed(newest.AddDate(0, 0, -1), from); err == nil || !strings.Contains(err.Error(), "archived") {
		t.Errorf("a scope of archived entries: %v", err)
	}
}
