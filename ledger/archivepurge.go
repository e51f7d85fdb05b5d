package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// Purged is what a purge did.
type Purged struct {
	Entries int64 `json:"entries"` // payloads that went now
	Held    int64 `json:"held"`    // payloads that legal holds keep
}

// purgeRows is how many entries one statement of a purge looks at. Each is a
// transaction of its own, so that appending and setting holds wait for moments only.
const purgeRows = 2_000

// purgeRest is how long a purge rests after each step, in multiples of the time that
// the step took: nobody waits for it, and appending goes on beside it.
const purgeRest = 4

// The statement itself carries the holds, and reads them while nobody can set one:
// a hold that was set after the purge was planned wins.
const purgeSpan = `
	with gone as (
		delete from payload p using archive_segment s
		where s.ledger = @ledger and s.id = @id and s.destroyed_at is null and (s.online_until is null or s.online_until <= @now)
			and p.ledger = @ledger and p.seq = any (@seqs::bigint[]) and p.recorded_at between @from and @until and not is_held(p)
		returning p.ledger, p.seq
	), text as (
		delete from search_text t using gone where t.ledger = gone.ledger and t.seq = gone.seq
	)
	select count(*) from gone`

// PurgeSegment takes the payloads of a registered segment out of the database, but
// for those that a legal hold keeps or a retrieval keeps online. It can be ended at
// any moment and done again. between is called after every step with the number of
// payloads that went.
func (l *Log) PurgeSegment(ctx context.Context, s *ArchivedSegment, between func(int64) error) (p Purged, err error) {
	now := audit.Instant(l.config.Clock())
	if s.OnlineUntil != nil && s.OnlineUntil.After(now) {
		return p, nil
	}
	if _, err := l.writes.Exec(ctx, `update archive_segment set purge_began = coalesce(purge_began, $3) where ledger = $1 and id = $2`, s.Ledger, s.ID, now); err != nil {
		return p, fmt.Errorf("begin the purge of %s: %w", s.ID, err)
	}
	for at, end := s.Seqs[0].First, s.Seqs[len(s.Seqs)-1].End; at < end; at += purgeRows {
		seqs := s.Seqs.within(at, min(at+purgeRows, end))
		if len(seqs) == 0 {
			continue
		}
		var n int64
		began := time.Now() //nolint:forbidigo // it measures how long the machine took
		err := pgx.BeginFunc(ctx, l.purges, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, `select freeze_legal_holds()`); err != nil {
				return err
			}
			return tx.QueryRow(ctx, purgeSpan, pgx.StrictNamedArgs{"ledger": s.Ledger, "id": s.ID, "now": now, "seqs": seqs, "from": s.RecordedFrom, "until": s.RecordedUntil}).Scan(&n)
		})
		if err != nil {
			return p, fmt.Errorf("purge %s: %w", s.ID, err)
		}
		p.Entries += n
		if err := between(n); err != nil {
			return p, err
		}
		select {
		case <-time.After(purgeRest * time.Since(began)):
		case <-ctx.Done():
			return p, ctx.Err()
		}
	}
	// What is left is held, or came back while the purge ran; the next one sees.
	err = pgx.BeginFunc(ctx, l.writes, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `
			select count(*) from payload p
			where p.ledger = $1 and p.seq >= $2 and p.seq < $3 and p.recorded_at between $4 and $5 and $6::int8multirange @> p.seq`,
			s.Ledger, s.Seqs[0].First, s.Seqs[len(s.Seqs)-1].End, s.RecordedFrom, s.RecordedUntil, s.Seqs.multirange()).Scan(&p.Held)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			update archive_segment set purged_at = coalesce(purged_at, $3), held = $4, online_until = null, online_from = null
			where ledger = $1 and id = $2 and (online_until is null or online_until <= $3)`, s.Ledger, s.ID, now, p.Held)
		return err
	})
	if err != nil {
		return p, fmt.Errorf("end the purge of %s: %w", s.ID, err)
	}
	return p, nil
}

// Purgeable lists the segments of a ledger whose payloads may still be in the
// database although nothing but a hold keeps them there, after one of them.
func (l *Log) Purgeable(ctx context.Context, ledger int32, after int64, limit int) ([]ArchivedSegment, error) {
	return l.segments(ctx, ledger, `destroyed_at is null and (purged_at is null or held > 0 or online_until is not null)
		and (online_until is null or online_until <= $2) and lower(seqs) > $3 order by lower(seqs) limit $4`, audit.Instant(l.config.Clock()), after, limit)
}

// Expired lists the segments of a ledger of which every promise has ended.
func (l *Log) Expired(ctx context.Context, ledger int32, after int64, limit int) ([]ArchivedSegment, error) {
	return l.segments(ctx, ledger, `destroyed_at is null and purged_at is not null and held = 0 and online_until is null
		and kept_until <= $2 and lower(seqs) > $3 order by lower(seqs) limit $4`, audit.Instant(l.config.Clock()), after, limit)
}

// Hold is a legal hold in force.
type Hold struct {
	ID            string
	Scope         audit.HoldScope
	From, Until   *time.Time
	Investigation *string // that set it
	Trigger       *int64  // the entry that gave rise to the investigation
}

// Keeps reports whether the hold keeps an entry: one in its scope and time and,
// whatever they say, one about the hold or its investigation, and the one that gave
// rise to it. It must agree with is_held, which decides about payloads in the
// database; this decides about those in files.
func (h *Hold) Keeps(e *audit.Entry) bool {
	about := e.Resource.String("id")
	if h.Trigger != nil && *h.Trigger == e.Seq || about != "" && (about == h.ID || h.Investigation != nil && about == *h.Investigation) {
		return true
	}
	at := e.Time()
	return (h.From == nil || !at.Before(*h.From)) && (h.Until == nil || at.Before(*h.Until)) && h.Scope.Covers(e)
}

// Holds reads the holds in force of a ledger.
func (l *Log) Holds(ctx context.Context, ledger int32) (list []Hold, err error) {
	err = l.read(ctx, ledger, func(tx pgx.Tx) (err error) {
		list, err = holdsInForce(ctx, tx, ledger)
		return err
	})
	return list, err
}

func holdsInForce(ctx context.Context, tx pgx.Tx, ledger int32) ([]Hold, error) {
	rows, err := tx.Query(ctx, `
		select h.id, h.scope::json, h.from_time, h.until_time, h.investigation, i.trigger_seq
		from legal_hold h left join investigation i on i.ledger = h.ledger and i.id = h.investigation
		where h.ledger = $1 and h.released_at is null order by h.id`, ledger)
	if err != nil {
		return nil, fmt.Errorf("read legal holds: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Hold])
	if err != nil {
		return nil, fmt.Errorf("read legal holds: %w", err)
	}
	return list, nil
}

// DestroySegment enters into the registry that a segment's file is to go, whose
// entries none of known covers. Another hold that was set meanwhile is InvalidState:
// its scope has to be compared first. The file itself is deleted afterwards; should
// that fail, it is deleted by whoever comes next.
func (l *Log) DestroySegment(ctx context.Context, s *ArchivedSegment, known []Hold) error {
	d, err := l.Descriptor(ctx, s.Ledger)
	if err != nil {
		return err
	}
	now := audit.Instant(l.config.Clock())
	err = l.register(ctx, registryEvent(SegmentDestroyed, "destroyed "+segmentKey(d.Genesis.Origin, s.ID), audit.Object{
		"origin": d.Genesis.Origin, "segment": s.ID, "digest": s.Artifact.Digest, "destroyed_at": now.Format(TimeFormat),
	}), func(ctx context.Context, tx pgx.Tx) error {
		if err := unchangedHolds(ctx, tx, s.Ledger, known); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `
			update archive_segment set destroyed_at = $3
			where ledger = $1 and id = $2 and destroyed_at is null and purged_at is not null and held = 0 and online_until is null and kept_until <= $3`, s.Ledger, s.ID, now)
		if err == nil && tag.RowsAffected() == 0 {
			err = audit.Errorf(audit.InvalidState, "the segment %s is not due any more", s.ID)
		}
		return err
	})
	if audit.CodeOf(err) == audit.ExternalIDConflict { // by another run at the same time
		err = audit.Errorf(audit.InvalidState, "the segment %s was destroyed meanwhile", s.ID)
	}
	return err
}

// Destroyed lists segments that were destroyed since a time, so that a file whose
// deletion failed is deleted again.
func (l *Log) Destroyed(ctx context.Context, ledger int32, since time.Time, limit int) ([]ArchivedSegment, error) {
	return l.segments(ctx, ledger, `destroyed_at >= $2 order by destroyed_at desc limit $3`, since, limit)
}

// GivenBack is a month's partition whose space went back to the system.
type GivenBack struct {
	Month  string // of recording, as 2026_11
	Before int64  // bytes, with indexes
	After  int64  // 0: nothing was left, and it was dropped
}

// maxMoved bounds the rows that giving back moves, while other statements wait.
const maxMoved = 20_000

// GiveBack returns the space of months that ended before a time and whose
// payloads are gone, but for a few that stay.
func (l *Log) GiveBack(ctx context.Context, before time.Time) (list []GivenBack, err error) {
	rows, err := l.purges.Query(ctx, `select substr(month, 9), size_before, size_after from give_back_payload_months($1, $2)`, before, maxMoved)
	if err == nil {
		list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[GivenBack])
	}
	if err != nil {
		return nil, fmt.Errorf("give space back: %w", err)
	}
	return list, nil
}
