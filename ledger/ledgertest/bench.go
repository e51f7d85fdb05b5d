package ledgertest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// PlainInsertRate is the baseline of the append benchmarks, in rows a second:
// one client inserts n rows with a key, a time and a text of 450 bytes, in
// transactions of batch rows, on the same database and in the same run. It is
// what the database can do when nothing is proven about the rows. Small n are
// raised to 20 batches.
func PlainInsertRate(b *testing.B, dsn string, n, batch int) float64 {
	b.Helper()
	conn, err := pgx.Connect(b.Context(), dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(b.Context(), `create table plain (id bigint primary key, at timestamptz not null, body text not null)`); err != nil {
		b.Fatal(err)
	}
	body := strings.Repeat("x", 450)
	n = max(n, 20*batch)
	start := time.Now()
	for at := 0; at < n; at += batch {
		ids, bodies := make([]int64, batch), make([]string, batch)
		for i := range batch {
			ids[i], bodies[i] = int64(at+i), body
		}
		if _, err := conn.Exec(b.Context(), `insert into plain select id, now(), body from unnest($1::bigint[], $2::text[]) t (id, body)`, ids, bodies); err != nil {
			b.Fatal(err)
		}
	}
	return float64(n) / time.Since(start).Seconds()
}

// Report prints a rate, the median and 99th percentile of how long a caller
// waited, the baseline, and the ratio of the two rates.
func Report(b *testing.B, rate, baseline float64, waits []time.Duration) {
	b.Helper()
	slices.Sort(waits)
	b.ReportMetric(rate, "entries/s")
	b.ReportMetric(float64(waits[len(waits)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(waits[len(waits)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(baseline, "insert-rows/s")
	b.ReportMetric(rate/baseline, "of-insert")
}
