package activities_test

import (
	"bytes"
	"os"
	"runtime/debug"
	"strconv"
	"testing"
	"time"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// BenchmarkAssessLedger assesses a ledger by the catalogues of all frameworks. It
// gives how many entries a second that is, how many times longer it takes than to
// stream and decode the same rows without any control, and the most memory that
// the process had in use meanwhile (VmHWM, where there is a /proc).
// SEALBOOK_TEST_ASSESS_ENTRIES is the size of the ledger.
func BenchmarkAssessLedger(b *testing.B) {
	n := 20_000
	if v := os.Getenv("SEALBOOK_TEST_ASSESS_ENTRIES"); v != "" {
		var err error
		if n, err = strconv.Atoi(v); err != nil {
			b.Fatal(err)
		}
	}
	log, id, dsn := ledgertest.New(b)
	for at := 0; at < n; at += 1000 {
		if _, err := log.Append(b.Context(), ledger.Submission{Ledger: id, Events: assessable(at, min(1000, n-at))}); err != nil {
			b.Fatal(err)
		}
	}
	s, err := store.Open(b.Context(), dsn, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	catalogs, err := activities.CatalogsOf(audit.Frameworks)
	if err != nil {
		b.Fatal(err)
	}
	period, err := audit.ParsePeriod("2024-01-01", "2026-12-31")
	if err != nil {
		b.Fatal(err)
	}
	assessor := activities.Assessor{Log: log, Store: s, Clock: audit.SystemClock}
	for b.Loop() {
		started, decoded := time.Now(), 0
		for row, err := range log.Rows(b.Context(), id, 0, int64(n)) {
			if err == nil {
				_, err = row.Entry()
			}
			if err != nil {
				b.Fatal(err)
			}
			decoded++
		}
		streaming := time.Since(started).Seconds()
		debug.FreeOSMemory()
		os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // begins VmHWM anew
		started = time.Now()
		result, err := assessor.Assess(b.Context(), id, catalogs, period)
		if err != nil {
			b.Fatal(err)
		}
		assessing := time.Since(started).Seconds()
		if result.End != int64(n) || decoded != n || len(result.Reports) != len(audit.Frameworks) {
			b.Fatalf("%d entries of %d were decoded, %d are in the tree", decoded, n, result.End)
		}
		b.ReportMetric(float64(n)/streaming, "streamed/s")
		b.ReportMetric(float64(n)/assessing, "assessed/s")
		b.ReportMetric(assessing/streaming, "×-streaming")
		if peak, ok := peakMemory(); ok {
			b.ReportMetric(peak, "MB-peak")
		}
	}
}

// assessable are events of which catalogues select some.
func assessable(first, n int) (events []audit.Event) {
	types := []string{"scan.completed", "issue.created", "issue.resolved", "fix.applied", "login", "access.granted", "security_event", "config.changed"}
	for i := first; i < first+n; i++ {
		at := time.Date(2025, 1, 1, 0, 0, i%31_000_000, 0, time.UTC)
		events = append(events, audit.Event{
			Type: types[i%len(types)], Class: audit.ClassSystem, Severity: audit.Severities[i%len(audit.Severities)], Timestamp: &at,
			Actor: audit.Object{"type": "user", "id": "user_" + strconv.Itoa(i%200)}, Resource: audit.Object{"type": "issue", "id": "r_" + strconv.Itoa(i%5000)},
			Repository: audit.Object{"id": "repo_" + strconv.Itoa(i%20), "name": "acme/web"}, Details: audit.Object{"summary": "What was done and why, at some length", "number": i},
			Frameworks: []audit.Framework{audit.SOC2, audit.GDPR},
		})
	}
	return events
}

// peakMemory returns the most resident memory of the process so far, in MB.
func peakMemory() (float64, bool) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, false
	}
	_, after, ok := bytes.Cut(status, []byte("VmHWM:"))
	if !ok {
		return 0, false
	}
	kB, err := strconv.ParseFloat(string(bytes.Fields(after)[0]), 64)
	return kB / 1000, err == nil
}
