package activities_test

import (
	"os"
	"runtime/debug"
	"testing"
	"time"

	"go.temporal.io/sdk/testsuite"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/artifact"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// BenchmarkAnalyseCase runs the activities of a case whose scope is the last 20 days
// of a ledger of the plants' entries: it collects their evidence, then come the
// analyses, two of which read the 90 days before the scope, too. The baseline is "scan",
// which streams the same rows, checks and decodes them, and nothing else. The figures
// are those of [BenchmarkAnalyses], by the processor's time of this process, without
// that of Postgres. SEALBOOK_TEST_CASE_ENTRIES is the size of the ledger.
func BenchmarkAnalyseCase(b *testing.B) {
	n := envNumber(b, "SEALBOOK_TEST_CASE_ENTRIES", 5_000)
	log, id, dsn := ledgertest.New(b)
	var events []audit.Event
	var last time.Time
	flush := func() {
		if _, err := log.Append(b.Context(), ledger.Submission{Ledger: id, Events: events}); err != nil {
			b.Fatal(err)
		}
		events = events[:0]
	}
	plants(b, n)(b, func(e *audit.Entry) error {
		if events = append(events, e.Event); len(events) == 1000 {
			flush()
		}
		last = e.Time()
		return nil
	})
	if len(events) > 0 {
		flush()
	}
	cases, err := store.Open(b.Context(), dsn, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer cases.Close()
	files, err := artifact.Open(b.Context(), "file://"+b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer files.Close()
	if err := cases.CreateOrganisation(b.Context(), store.Organisation{ID: "org_test", Name: "Test", Ledger: id, CreatedAt: audit.SystemClock()}); err != nil {
		b.Fatal(err)
	}
	a := &activities.Activities{Log: log, Store: cases, Artifacts: files, Clock: audit.SystemClock, Software: "benchmark", TempDir: b.TempDir()}
	period := audit.Period{From: last.AddDate(0, 0, -20), Until: last.Add(time.Second)}
	for b.Loop() {
		start := openCase(b, log, id, period)
		read := func(p audit.Period) (entries int) {
			first, end, _, err := log.Range(b.Context(), id, audit.Filter{Period: p})
			if err != nil {
				b.Fatal(err)
			}
			for r, err := range log.Rows(b.Context(), id, first, end) {
				if err == nil {
					_, err = r.Entry()
				}
				if err != nil {
					b.Fatal(err)
				}
				entries++
			}
			return entries
		}
		env := (&testsuite.WorkflowTestSuite{}).NewTestActivityEnvironment()
		env.RegisterActivity(a)
		act := func(activity any, input any) {
			if _, err := env.ExecuteActivity(activity, input); err != nil {
				b.Fatal(err)
			}
		}
		act(a.ScopeInvestigation, start)
		scan, entries := 0.0, map[string]int{}
		measure := func(name string, run func()) {
			debug.FreeOSMemory()
			os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
			began := processorTime(b)
			run()
			took := (processorTime(b) - began).Seconds()
			if name == "scan" {
				scan = took / float64(entries[name]) // of one entry
			}
			b.ReportMetric(float64(entries[name])/took, name+"-entries/s")
			b.ReportMetric(took/float64(entries[name])/scan, name+"-x-scan")
			if peak, ok := peakMemory(); ok {
				b.ReportMetric(peak, name+"-MB-peak")
			}
		}
		before := audit.Period{From: period.From.Add(-activities.BaselineTime), Until: period.From}
		inside := read(period)
		all := inside + read(before)
		entries["scan"], entries["collect"], entries[string(audit.PatternDetection)] = all, inside, inside
		entries[string(audit.BehaviourAnalysis)], entries[string(audit.DataFlowMapping)] = all, all
		measure("scan", func() { read(before); read(period) })
		measure("collect", func() { act(a.CollectEvidence, start) })
		for _, name := range audit.Analyses {
			measure(string(name), func() { act(a.AnalyseCase, activities.CaseAnalysis{Start: start, Analysis: name}) })
		}
		row, err := cases.Investigation(b.Context(), id, start.ID)
		if err != nil {
			b.Fatal(err)
		}
		for _, name := range audit.Analyses {
			if got := row.Analyses.V[name]; got.Status != "completed" || got.Entries == 0 {
				b.Fatalf("%s: %+v", name, got)
			}
		}
		b.ReportMetric(float64(all), "entries")
	}
}

// openCase does what the API does for POST /investigations.
func openCase(b *testing.B, log *ledger.Log, id int32, p audit.Period) audit.InvestigationStart {
	b.Helper()
	now := audit.SystemClock()
	row := store.Investigation{
		ID: "inv_20250101_test_001", Ledger: id, Kind: "test", Type: "test_incident", Title: "Test", FromTime: p.From, UntilTime: p.Until, Priority: audit.SeverityHigh,
		AssignedTo: audit.DefaultInvestigator, CreatedAt: now, OpenedBy: &store.JSON[audit.Object]{V: audit.Object{"type": "user", "id": "user_a"}},
	}
	e := audit.Event{Type: audit.InvestigationEvent + "opened", Class: audit.ClassSystem, Severity: audit.SeverityLow, Actor: audit.Object{"type": "system", "id": "test"}}
	out, err := log.Append(b.Context(), ledger.Submission{Ledger: id, Events: []audit.Event{e}, WithNew: store.OpenInvestigation("org_test", row, now.Format("20060102"), 1)})
	if err == nil {
		err = out.Items[0].Err
	}
	if err != nil {
		b.Fatal(err)
	}
	return audit.InvestigationStart{ID: row.ID, Ledger: id, Organisation: "org_test", Kind: row.Kind, Priority: row.Priority}
}
