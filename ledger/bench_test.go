package ledger_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
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
// durable and deduplicated. Its baseline is a plain INSERT of the same
// payloads as text rows into a table with a key, in batches of 256, on the
// same database in the same run: "of-insert" is the ratio of the two rates.
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
			report(b, rate, plainInsertRate(b, dsn, max(b.N, 2560), 256), slices.Concat(times...))
			ledgertest.Check(b, l, id, int64(b.N+10))
		})
	}
}

func report(b *testing.B, rate, baseline float64, times []time.Duration) {
	b.Helper()
	slices.Sort(times)
	b.ReportMetric(rate, "entries/s")
	b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(baseline, "insert-rows/s")
	b.ReportMetric(rate/baseline, "of-insert")
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
	report(b, rate, plainInsertRate(b, dsn, max(n, 10_000), ledger.MaxBulk), times)
}

// plainInsertRate is the baseline.
func plainInsertRate(b *testing.B, dsn string, n, batch int) float64 {
	b.Helper()
	conn, err := pgx.Connect(b.Context(), dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(b.Context(), `create table plain (id bigint primary key, at timestamptz not null, body text not null)`); err != nil {
		b.Fatal(err)
	}
	body := []byte(strings.Repeat("x", 450))
	start := time.Now()
	for at := 0; at < n; at += batch {
		ids, bodies := make([]int64, batch), make([]string, batch)
		for i := range batch {
			ids[i], bodies[i] = int64(at+i), string(bytes.Clone(body))
		}
		if _, err := conn.Exec(b.Context(), `insert into plain select id, now(), body from unnest($1::bigint[], $2::text[]) t (id, body)`, ids, bodies); err != nil {
			b.Fatal(err)
		}
	}
	return float64(n) / time.Since(start).Seconds()
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
