package ledger_test

import (
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// BenchmarkIndex measures how fast the text index follows, beside how fast
// entries are appended a thousand at a time, and how long a search takes for a
// rare word, and for one that every entry has.
func BenchmarkIndex(b *testing.B) {
	const entries = 20_000
	l, id, _ := ledgertest.New(b)
	timed := func(do func() error) float64 {
		started := time.Now()
		if err := do(); err != nil {
			b.Fatal(err)
		}
		return time.Since(started).Seconds()
	}
	for b.Loop() {
		appended := timed(func() error { ledgertest.Append(b, l, id, 0, entries); return nil })
		indexed := timed(func() error { return l.Index(b.Context()) })
		search := func(q string) float64 {
			return 1000 * timed(func() error {
				_, err := l.Search(b.Context(), id, ledger.Search{Query: q, Fields: audit.SearchAll, Everything: true, Limit: 50})
				return err
			})
		}
		b.ReportMetric(entries/indexed, "indexed/s")
		b.ReportMetric(entries/appended, "appended/s")
		b.ReportMetric(appended/indexed, "ratio")
		b.ReportMetric(search(`"number 1234"`), "ms-rare")
		b.ReportMetric(search("event"), "ms-common")
	}
}
