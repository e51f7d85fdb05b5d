package ledger_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// variedEvent is of a busy organisation: ten types, 60 repositories, 500
// actors, today.
func variedEvent(n int) audit.Event {
	e := benchEvent(n)
	types := []string{"scan.started", "scan.completed", "issue.created", "issue.updated", "issue.resolved",
		"fix.generated", "fix.applied", "config.changed", "access.granted", "access.revoked"}
	e.Type = types[n*7%10]
	e.Timestamp = nil
	e.Actor = audit.Object{"type": []string{"user", "system"}[n%3%2], "id": fmt.Sprintf("user_%d", n*31%500), "email": fmt.Sprintf("user.%d@example.com", n*31%500)}
	e.Repository = audit.Object{"id": fmt.Sprintf("repo_%d", n*17%60), "name": fmt.Sprintf("acme/app-%d", n*17%60)}
	return e
}

// BenchmarkAppendRollups measures what the roll-ups and the lists' indexes cost:
// appending with them and without, in short turns, so that both meet the same machine. of-without is
// the median of the rounds' ratios: run it with -benchtime 40x. cpu-of-without is
// the same of the processor time that the program and its connections' servers
// took, which others on the machine do not change: it bounds the rate of a
// machine that does nothing else. Each case is the worst of its kind for the roll-ups: one caller pays
// their statement for each entry, varied events share few rows, and entries of
// 1,000 organisations share none.
func BenchmarkAppendRollups(b *testing.B) {
	for _, c := range []struct {
		name          string
		callers       int
		bulk          int
		organisations int
		entries       int // of a round
		event         func(int) audit.Event
	}{
		{"callers=1", 1, 1, 1, 100, benchEvent},
		{"callers=32", 32, 1, 1, 1_000, benchEvent},
		{"callers=256", 256, 1, 1, 2_000, benchEvent},
		{"callers=256/varied", 256, 1, 1, 2_000, variedEvent},
		{"callers=256/organisations=1000", 256, 1, 1_000, 2_000, variedEvent},
		{"bulk=1000/varied", 1, ledger.MaxBulk, 1, 4_000, variedEvent},
	} {
		b.Run(c.name, func(b *testing.B) {
			var logs [2]*ledger.Log // with and without
			var ids [2][]int32
			var dsn [2]string
			for i, change := range [][]func(*ledger.Config){nil, {ledger.SkipRollups}} {
				dsn[i] = ledgertest.Database(b)
				if i == 1 {
					dropListIndexes(b, dsn[i])
				}
				logs[i] = ledgertest.Open(b, dsn[i], change...)
				for n := range c.organisations {
					d, err := logs[i].Create(b.Context(), audit.OrganisationID(fmt.Sprint("org", n)))
					if err != nil {
						b.Fatal(err)
					}
					ids[i] = append(ids[i], d.ID)
				}
			}
			n := 0
			round := func(i int) time.Duration {
				next := make(chan int, c.callers)
				var wg sync.WaitGroup
				start := time.Now()
				for range c.callers {
					wg.Go(func() {
						for at := range next {
							s := ledger.Submission{Ledger: ids[i][at/c.bulk%len(ids[i])]}
							for k := range c.bulk {
								s.Events = append(s.Events, c.event(at+k))
							}
							if _, err := logs[i].Append(context.Background(), s); err != nil {
								b.Error(err)
							}
						}
					})
				}
				for at := n; at < n+c.entries; at += c.bulk {
					next <- at
				}
				close(next)
				wg.Wait()
				return time.Since(start)
			}
			var took, cpu [2]time.Duration
			var ratios []float64
			for i := range 2 {
				round(i) // makes what later rounds change
			}
			for b.Loop() {
				n += c.entries
				first := len(ratios) % 2
				var t [2]time.Duration
				for _, i := range []int{first, 1 - first} {
					before := cpuTime(b, dsn[i])
					t[i] = round(i)
					cpu[i] += cpuTime(b, dsn[i]) - before
				}
				took[0], took[1] = took[0]+t[0], took[1]+t[1]
				ratios = append(ratios, t[1].Seconds()/t[0].Seconds())
			}
			slices.Sort(ratios)
			total := float64(len(ratios) * c.entries)
			b.ReportMetric(total/took[0].Seconds(), "entries/s")
			b.ReportMetric(total/took[1].Seconds(), "without-entries/s")
			b.ReportMetric(ratios[len(ratios)/2], "of-without")
			b.ReportMetric(float64(cpu[0].Microseconds())/total, "cpu-µs")
			b.ReportMetric(float64(cpu[1].Microseconds())/total, "without-cpu-µs")
			b.ReportMetric(cpu[1].Seconds()/cpu[0].Seconds(), "cpu-of-without")
			b.ReportMetric(0, "ns/op")
			ledgertest.Check(b, logs[0], ids[0][0], -1)
		})
	}
}

func dropListIndexes(b *testing.B, dsn string) {
	conn, err := pgx.Connect(b.Context(), dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(b.Context(), `drop index payload_by_event_time, payload_by_event_type, payload_by_type_and_time, rollup_by_name`); err != nil {
		b.Fatal(err)
	}
}

// cpuTime is what this process and the servers of a database's connections on
// this machine have used so far.
func cpuTime(b *testing.B, dsn string) time.Duration {
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		b.Fatal(err)
	}
	conn, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(context.Background(), `select pid from pg_stat_activity where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()`)
	if err != nil {
		b.Fatal(err)
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		b.Fatal(err)
	}
	var ticks int
	for _, pid := range pids {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			b.Fatal(err)
		}
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])) // from the state on, which proc(5) counts as the third
		for _, f := range fields[11:13] {                                         // utime and stime
			n, err := strconv.Atoi(f)
			if err != nil {
				b.Fatal(err)
			}
			ticks += n
		}
	}
	const perSecond = 100 // USER_HZ
	return time.Duration(own.Utime.Nano()+own.Stime.Nano()) + time.Duration(ticks)*time.Second/perSecond
}

// recountYear is what statistics are without roll-ups.
const recountYear = `
	select event_type, actor_type, coalesce(repository_name, repository_id), coalesce(actor_email, actor_id), count(*)
	from payload where ledger = $1 and event_time >= $2 and event_time < $3
	group by grouping sets ((event_type), (actor_type), (coalesce(repository_name, repository_id)), (coalesce(actor_email, actor_id)))`

// fillYear writes payload rows of 366 days, perDay each, without the entries
// that they belong to: statistics read nothing else.
const fillYear = `
	insert into payload (ledger, seq, recorded_at, seed, fields, event_type, event_class, event_time, severity, actor_type, actor_id, actor_email, repository_id, repository_name)
	select 1, n, at, decode(repeat('07', 32), 'hex'), repeat('x', 450),
		(array['scan.started', 'scan.completed', 'issue.created', 'issue.updated', 'issue.resolved', 'fix.generated', 'fix.applied', 'config.changed', 'access.granted', 'access.revoked'])[n * 7 % 10 + 1],
		'data_change', at, 'low', (array['user', 'system'])[n % 3 % 2 + 1], 'user_' || n * 31 % 500, 'user.' || n * 31 % 500 || '@example.com',
		'repo_' || n * 17 % 60, 'acme/app-' || n * 17 % 60
	from (select n, timestamptz '2024-01-01 00:00:00+00' + n * interval '1 day' / $1::int as at from generate_series(0, $1::int * 366 - 1) n) numbered`

// BenchmarkStatistics reads a year, off midnight at both ends, of a ledger with
// 500 actors and 60 repositories. The baseline is one statement that counts the
// same entries. backfill-rows/s is how fast a migration counts what was there. -short is
// for whether it runs.
func BenchmarkStatistics(b *testing.B) {
	sizes := []int{300, 3_000}
	if testing.Short() {
		sizes = []int{100}
	}
	for _, perDay := range sizes {
		b.Run(fmt.Sprintf("entries=%d", perDay*366), func(b *testing.B) {
			l, id, dsn := ledgertest.New(b)
			conn, err := pgx.Connect(b.Context(), dsn)
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close(context.Background())
			exec := func(sql string, args ...any) {
				if _, err := conn.Exec(b.Context(), sql, args...); err != nil {
					b.Fatal(err)
				}
			}
			exec(`select ensure_payload_month(m) from generate_series(timestamptz '2024-01-01 00:00:00+00', '2024-12-01 00:00:00+00', '1 month') m`)
			exec(fillYear, perDay)
			exec(`vacuum analyze`)
			began := time.Now()
			exec(`select recount_rollups()`)
			backfill := float64(perDay*366) / time.Since(began).Seconds()
			exec(`vacuum analyze`)
			start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
			p := audit.Period{From: start.Add(7 * time.Hour), Until: start.Add(366*24*time.Hour - 7*time.Hour)}
			var asked, recounted time.Duration
			for b.Loop() {
				at := time.Now()
				s, err := l.Statistics(b.Context(), id, p, audit.Constraints{})
				if err != nil {
					b.Fatal(err)
				}
				asked += time.Since(at)
				at = time.Now()
				total := recount(b, conn, id, p)
				recounted += time.Since(at)
				if total != s.Total {
					b.Fatalf("%d, and by recount %d", s.Total, total)
				}
			}
			b.ReportMetric(asked.Seconds()*1000/float64(b.N), "statistics-ms")
			b.ReportMetric(recounted.Seconds()*1000/float64(b.N), "recount-ms")
			b.ReportMetric(recounted.Seconds()/asked.Seconds(), "×-faster")
			b.ReportMetric(backfill, "backfill-rows/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// recount reads every group and returns how many entries there are.
func recount(b *testing.B, conn *pgx.Conn, id int32, p audit.Period) (total int64) {
	rows, err := conn.Query(b.Context(), recountYear, id, p.From, p.Until)
	if err != nil {
		b.Fatal(err)
	}
	var eventType, actorType, repository, actor *string
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&eventType, &actorType, &repository, &actor, &n}, func() error {
		if eventType != nil {
			total += n
		}
		eventType = nil
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return total
}
