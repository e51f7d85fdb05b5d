package ledger_test

import (
	"compress/gzip"
	"context"
	"io"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// archivedEntries is how many entries BenchmarkRetention archives.
func archivedEntries(b *testing.B) int {
	n, err := strconv.Atoi(os.Getenv("SEALBOOK_TEST_ARCHIVE_ENTRIES"))
	if err != nil {
		return 20_000
	}
	return n
}

// BenchmarkRetention measures writing and checking segment files beside what
// pg_dump does with the same rows (COPY, compressed with the same gzip), the purge,
// the way back, the space that is given back, and what a purge leaves of the rate
// of appending.
func BenchmarkRetention(b *testing.B) {
	n := archivedEntries(b)
	for b.Loop() {
		b.StopTimer()
		dsn := ledgertest.Database(b)
		now := time.Date(2024, 1, 10, 0, 0, 0, 0, time.UTC)
		var mu sync.Mutex
		clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
		l := ledgertest.Open(b, dsn, func(c *ledger.Config) { c.Clock = clock })
		d, err := l.Create(b.Context(), "org_test")
		if err != nil {
			b.Fatal(err)
		}
		ledgertest.Append(b, l, d.ID, 0, n)
		mu.Lock()
		now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		mu.Unlock()
		timed := func(do func() error) float64 {
			started := time.Now()
			if err := do(); err != nil {
				b.Fatal(err)
			}
			return time.Since(started).Seconds()
		}
		dumped := timed(func() error { return dump(b.Context(), dsn) })
		alone := float64(n/4) / timed(func() error { ledgertest.Append(b, l, d.ID, n, n/4); return nil })

		folder := b.TempDir()
		var plans []*ledger.ArchivePlan
		b.StartTimer()
		archived := timed(func() error {
			var err error
			plans, err = archiveAll(b.Context(), l, d.ID, clock(), folder)
			return err
		})
		b.StopTimer()

		size := payloadBytes(b, dsn)
		stop, during := make(chan struct{}), make(chan float64)
		go func() {
			appended, started := 0, time.Now()
			for {
				select {
				case <-stop:
					during <- float64(appended) / time.Since(started).Seconds()
					return
				default:
					ledgertest.Append(b, l, d.ID, n+n/4+appended, 1000)
					appended += 1000
				}
			}
		}()
		purged := timed(func() error { return purgeAll(b.Context(), l, d.ID) })
		close(stop)
		rate := <-during
		if _, err := l.GiveBack(b.Context(), time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)); err != nil {
			b.Fatal(err)
		}
		freed := size - payloadBytes(b, dsn)
		restored := timed(func() error { return restoreAll(b.Context(), l, d.ID, plans, clock(), folder) })

		b.ReportMetric(float64(n)/archived, "archived/s")
		b.ReportMetric(float64(n)/dumped, "dumped/s")
		b.ReportMetric(dumped/archived, "of-dump")
		b.ReportMetric(float64(n)/purged, "purged/s")
		b.ReportMetric(float64(n)/restored, "restored/s")
		b.ReportMetric(rate/alone, "append-during-purge")
		b.ReportMetric(float64(freed)/1e6, "MB-freed")
		b.StartTimer()
	}
}

func dump(ctx context.Context, dsn string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	zip := gzip.NewWriter(io.Discard)
	if _, err := conn.PgConn().CopyTo(ctx, zip, `copy (select * from payload) to stdout`); err != nil {
		return err
	}
	return zip.Close()
}

func archiveAll(ctx context.Context, l *ledger.Log, id int32, now time.Time, folder string) (plans []*ledger.ArchivePlan, err error) {
	for {
		logs, scans := audit.DefaultRetention.Archivable(now)
		plan, err := l.PlanSegment(ctx, id, logs, scans, nil)
		if err != nil || plan == nil {
			return plans, err
		}
		f, err := os.Create(folder + "/" + plan.ID())
		if err == nil {
			err = l.WriteSegment(ctx, plan, f, func(int64) {})
		}
		if err == nil {
			_, err = f.Seek(0, io.SeekStart)
		}
		if err == nil {
			err = l.CheckSegment(ctx, id, plan.ID(), plan.Seqs, f, nil)
		}
		if err == nil {
			err = f.Close()
		}
		if err == nil {
			err = l.RegisterSegment(ctx, plan, audit.Artifact{Key: plan.ID(), Digest: "sha256:" + plan.ID()})
		}
		if err != nil {
			return plans, err
		}
		plans = append(plans, plan)
	}
}

func purgeAll(ctx context.Context, l *ledger.Log, id int32) error {
	list, err := l.Purgeable(ctx, id, -1, 100_000)
	for i := range list {
		if _, err := l.PurgeSegment(ctx, &list[i], func(int64) error { return nil }); err != nil {
			return err
		}
	}
	return err
}

func restoreAll(ctx context.Context, l *ledger.Log, id int32, plans []*ledger.ArchivePlan, now time.Time, folder string) error {
	for _, p := range plans {
		s, err := l.SegmentByID(ctx, id, p.ID())
		if err != nil {
			return err
		}
		f, err := os.Open(folder + "/" + p.ID())
		if err != nil {
			return err
		}
		if _, err := l.RestoreSegment(ctx, &s, now.AddDate(0, 0, 1), f, func(int64) error { return nil }); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

// payloadBytes is what the partition of the archived month takes, with its indexes.
func payloadBytes(b *testing.B, dsn string) (n int64) {
	conn, err := pgx.Connect(b.Context(), dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(b.Context(), `select coalesce(pg_total_relation_size(to_regclass('payload_2024_01')), 0)`).Scan(&n); err != nil {
		b.Fatal(err)
	}
	return n
}
