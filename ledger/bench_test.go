package ledger_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// benchEvent has a payload of about 450 bytes.
func benchEvent(n int) audit.Event {
	e := ledgertest.Event(n)
	e.ExternalID = fmt.Sprintf("bench-%d", n)
	e.Context, e.Details = audit.Object{"source_ip": "203.0.113.1"}, audit.Object{"number": n}
	return e
}

// BenchmarkAppend measures acknowledged appends, one event each: signed,
// durable and deduplicated. See ledgertest.PlainInsertRate for the baseline.
func BenchmarkAppend(b *testing.B) {
	for _, callers := range []int{1, 32, 256} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			l, id, dsn := ledgertest.New(b)
			ledgertest.Append(b, l, id, 0, 10)
			times := make([][]time.Duration, callers)
			next := make(chan int, callers)
			var wg sync.WaitGroup
			b.ResetTimer()
			start := time.Now()
			for c := range callers {
				wg.Go(func() {
					for n := range next {
						at := time.Now()
						if _, err := l.Append(context.Background(), one(id, benchEvent(n))); err != nil {
							b.Error(err)
							return
						}
						times[c] = append(times[c], time.Since(at))
					}
				})
			}
			for n := range b.N {
				next <- n
			}
			close(next)
			wg.Wait()
			rate := float64(b.N) / time.Since(start).Seconds()
			b.StopTimer()
			ledgertest.Report(b, rate, ledgertest.PlainInsertRate(b, dsn, b.N, 256), slices.Concat(times...))
			ledgertest.Check(b, l, id, int64(b.N+10))
		})
	}
}

// BenchmarkAppendBulk appends 1,000 events a submission.
func BenchmarkAppendBulk(b *testing.B) {
	l, id, dsn := ledgertest.New(b)
	ledgertest.Append(b, l, id, 0, 10)
	var times []time.Duration
	n := 0
	b.ResetTimer()
	start := time.Now()
	for range b.N {
		s := ledger.Submission{Ledger: id}
		for range ledger.MaxBulk {
			s.Events = append(s.Events, benchEvent(n))
			n++
		}
		at := time.Now()
		if _, err := l.Append(context.Background(), s); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(at))
	}
	rate := float64(n) / time.Since(start).Seconds()
	b.StopTimer()
	ledgertest.Report(b, rate, ledgertest.PlainInsertRate(b, dsn, n, ledger.MaxBulk), times)
}

// BenchmarkVerify checks a whole ledger; the baseline is how fast Postgres
// streams the same rows to a client that does nothing with them.
func BenchmarkVerify(b *testing.B) {
	l, id, dsn := ledgertest.New(b)
	const n = 50_000
	ledgertest.Append(b, l, id, 0, n)
	conn, err := pgx.Connect(b.Context(), dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(context.Background())
	start := time.Now()
	rows, err := conn.Query(b.Context(), `select e.record, e.leaf, p.seed, p.fields from entry e join payload p using (ledger, seq) order by seq`)
	if err != nil {
		b.Fatal(err)
	}
	for rows.Next() {
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	streamed := n / time.Since(start).Seconds()
	b.ResetTimer()
	start = time.Now()
	for range b.N {
		if v, err := l.Verify(b.Context(), id, 0, n, nil); err != nil || !v.OK() {
			b.Fatalf("%+v %v", v.Counts, err)
		}
	}
	rate := float64(b.N) * n / time.Since(start).Seconds()
	b.ReportMetric(rate, "entries/s")
	b.ReportMetric(streamed, "streamed-rows/s")
	b.ReportMetric(rate/streamed, "of-streaming")
}
