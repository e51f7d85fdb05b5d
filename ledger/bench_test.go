package ledger_test

import (
	"context"
	"fmt"
	"runtime"
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

// BenchmarkVerify checks a whole ledger: records, chain and tree on one core,
// everything on one core, everything on all. The baseline is how fast Postgres
// streams the same rows to a client that does nothing with them.
func BenchmarkVerify(b *testing.B) {
	l, id, dsn := ledgertest.New(b)
	const n = 50_000
	ledgertest.Append(b, l, id, 0, n)
	everything := ledger.VerifyOptions{End: n}
	verifyRate(b, l, id, dsn, "records", `select e.seq, e.event_id, e.record, e.leaf from entry e where ledger = 1 order by seq`, 1, ledger.VerifyOptions{End: n, RecordsOnly: true})
	verifyRate(b, l, id, dsn, "full/one-core", allColumns, 1, everything)
	verifyRate(b, l, id, dsn, "full/all-cores", allColumns, runtime.NumCPU(), everything)
}

// BenchmarkVerifyExternalIDs does the same where every entry has an external
// id, whose row must be looked up and whose digest is of the whole payload. The
// baseline reads these rows too.
func BenchmarkVerifyExternalIDs(b *testing.B) {
	l, id, dsn := ledgertest.New(b)
	const n = 50_000
	for first := 0; first < n; first += ledger.MaxBulk {
		s := ledger.Submission{Ledger: id}
		for i := range ledger.MaxBulk {
			s.Events = append(s.Events, benchEvent(first+i))
		}
		if _, err := l.Append(b.Context(), s); err != nil {
			b.Fatal(err)
		}
	}
	verifyRate(b, l, id, dsn, "all-cores", withExternalIDs, runtime.NumCPU(), ledger.VerifyOptions{End: n})
}

func verifyRate(b *testing.B, l *ledger.Log, id int32, dsn, name, baseline string, cores int, o ledger.VerifyOptions) {
	conn, err := pgx.Connect(b.Context(), dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(b.Context(), `analyze`); err != nil {
		b.Fatal(err)
	}
	b.Run(name, func(b *testing.B) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
		var checked, streamed time.Duration
		for b.Loop() {
			start := time.Now()
			if v, err := l.VerifyWith(b.Context(), id, o); err != nil || !v.OK() {
				b.Fatalf("%+v %v", v.Counts, err)
			}
			checked += time.Since(start)
			start = time.Now()
			stream(b, conn, baseline)
			streamed += time.Since(start)
		}
		n := float64(b.N) * float64(o.End)
		b.ReportMetric(n/checked.Seconds(), "entries/s")
		b.ReportMetric(n/streamed.Seconds(), "streamed-rows/s")
		b.ReportMetric(streamed.Seconds()/checked.Seconds(), "of-streaming")
		b.ReportMetric(0, "ns/op")
	})
}

const allColumns = `select * from entry e join payload p using (ledger, seq) where ledger = 1 order by seq`

const withExternalIDs = `select * from entry e join payload p using (ledger, seq) join external_id x using (ledger, seq) where ledger = 1 order by seq`

// stream reads rows and drops them.
func stream(b *testing.B, conn *pgx.Conn, sql string) {
	rows, err := conn.Query(b.Context(), sql)
	if err != nil {
		b.Fatal(err)
	}
	for rows.Next() {
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
}
