package ledger

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// ArchivePlan is the payloads that the next segment takes.
type ArchivePlan struct {
	Ledger                      int32
	Seqs                        Spans
	Entries                     int64
	RecordedFrom, RecordedUntil time.Time // both included
	EventFrom, EventUntil       time.Time // both included
	KeptUntil                   time.Time

	erasures int64 // that had begun to erase from the ledger when it was planned
}

// ID names the segment. It follows from the first entry, which is in no other:
// whoever plans the same again writes the same file under the same name.
func (p *ArchivePlan) ID() string { return fmt.Sprintf("seg_%06d_%d", p.Ledger, p.Seqs[0].First) }

// countErasures counts those that have begun to erase: one that begins after a
// segment was planned may take out of the database what its file still holds.
const countErasures = `select count(*) from erasure where ledger = $1 and (status in ('running', 'completed') or status = 'failed' and end_seq is not null)`

// PlanSegment finds the first payloads that are due and in no segment: of one
// month of recording, all kept for the same number of days, at most
// MaxSegmentEntries. logs and scans are the moments before which entries and scan
// results are due. There is no plan when nothing is.
func (l *Log) PlanSegment(ctx context.Context, ledger int32, logs, scans time.Time, history audit.RetentionHistory) (*ArchivePlan, error) {
	var plan *ArchivePlan
	var erasures int64
	if err := l.writes.QueryRow(ctx, countErasures, ledger).Scan(&erasures); err != nil {
		return nil, fmt.Errorf("plan an archive segment: %w", err)
	}
	err := l.read(ctx, ledger, func(tx pgx.Tx) error {
		var done multirange
		if err := tx.QueryRow(ctx, `select range_agg(seqs) from archive_segment where ledger = $1`, ledger).Scan(&done); err != nil {
			return err
		}
		if done == nil {
			done = multirange{}
		}
		rows, err := tx.Query(ctx, `
			select seq, recorded_at, event_time, event_type, frameworks from payload
			where ledger = @ledger and recorded_at < greatest(@logs::timestamptz, @scans::timestamptz)
				and recorded_at < case when event_type like 'scan.%' then @scans::timestamptz else @logs::timestamptz end
				and not (@done::int8multirange @> seq)
			order by seq limit @limit`,
			pgx.StrictNamedArgs{"ledger": ledger, "logs": logs, "scans": scans, "done": done, "limit": audit.MaxSegmentEntries})
		if err != nil {
			return err
		}
		days, until := 0, time.Time{}
		var seq int64
		var recorded, event time.Time
		var eventType string
		var frameworks []string
		_, err = pgx.ForEachRow(rows, []any{&seq, &recorded, &event, &eventType, &frameworks}, func() error {
			e := audit.Entry{Event: audit.Event{Type: eventType}, RecordedAt: recorded.UTC()}
			for _, f := range frameworks {
				e.Frameworks = append(e.Frameworks, audit.Framework(f))
			}
			kept, _ := history.Of(&e)
			recorded, event := recorded.UTC(), event.UTC()
			if plan == nil {
				days, until = kept, time.Date(recorded.Year(), recorded.Month()+1, 1, 0, 0, 0, 0, time.UTC)
				plan = &ArchivePlan{Ledger: ledger, erasures: erasures, RecordedFrom: recorded, EventFrom: event, EventUntil: event}
			}
			if kept != days || !recorded.Before(until) {
				return nil
			}
			plan.Seqs = plan.Seqs.add(seq)
			plan.Entries++
			plan.RecordedUntil = recorded
			_, plan.KeptUntil = audit.KeptFrom(recorded, kept)
			if event.Before(plan.EventFrom) {
				plan.EventFrom = event
			}
			if event.After(plan.EventUntil) {
				plan.EventUntil = event
			}
			return nil
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("plan an archive segment: %w", err)
	}
	return plan, nil
}

// Organisations lists the ledgers of organisations after one, in their order.
func (l *Log) Organisations(ctx context.Context, after int32, limit int) (list []int32, err error) {
	rows, err := l.writes.Query(ctx, `select id from ledger where id > greatest($1, 0) order by id limit $2`, after, limit)
	if err == nil {
		list, err = pgx.CollectRows(rows, pgx.RowTo[int32])
	}
	if err != nil {
		return nil, fmt.Errorf("list ledgers: %w", err)
	}
	return list, nil
}

// describe lists the ranges for the registry: "0-99,120-130", both ends included.
func (s Spans) describe() string {
	parts := make([]string, len(s))
	for i, r := range s {
		parts[i] = fmt.Sprintf("%d-%d", r.First, r.End-1)
	}
	return strings.Join(parts, ",")
}
