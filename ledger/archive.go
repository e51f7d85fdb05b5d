package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/sealbook/sealbook/audit"
)

// An entry has a record, which stays for ever, and a payload, which moves: from
// the database to a segment file once it is old enough, back for a time when a
// retrieval asks for it, and away when its retention has ended. The registry
// names every segment file with its digest, so a payload that is missing
// without one was taken by somebody else, and that is what verification says.

// Span is the entries [First, End).
type Span struct{ First, End int64 }

// Spans are sorted, and neither touch nor overlap.
type Spans []Span

// Contains reports whether an entry is in one of them.
func (s Spans) Contains(seq int64) bool {
	_, found := slices.BinarySearchFunc(s, seq, func(r Span, seq int64) int {
		switch {
		case seq < r.First:
			return 1
		case seq >= r.End:
			return -1
		}
		return 0
	})
	return found
}

// add takes an entry that comes after all that are there.
func (s Spans) add(seq int64) Spans {
	if n := len(s); n > 0 && s[n-1].End == seq {
		s[n-1].End++
		return s
	}
	return append(s, Span{seq, seq + 1})
}

// within lists the entries of [first, end).
func (s Spans) within(first, end int64) (seqs []int64) {
	for _, r := range s {
		for seq := max(r.First, first); seq < min(r.End, end); seq++ {
			seqs = append(seqs, seq)
		}
	}
	return seqs
}

type multirange = pgtype.Multirange[pgtype.Range[int64]]

func (s Spans) multirange() multirange {
	out := make(multirange, len(s))
	for i, r := range s {
		out[i] = pgtype.Range[int64]{Lower: r.First, Upper: r.End, LowerType: pgtype.Inclusive, UpperType: pgtype.Exclusive, Valid: true}
	}
	return out
}

func rangesOf(m multirange) Spans {
	out := make(Spans, len(m))
	for i, r := range m { // Postgres writes ranges of integers as [first, end)
		out[i] = Span{r.Lower, r.Upper}
	}
	return out
}

// ArchivedSegment is a file of payloads that the registry names.
type ArchivedSegment struct {
	Ledger        int32
	ID            string
	Seqs          Spans
	Entries       int64
	RecordedFrom  time.Time
	RecordedUntil time.Time // included
	EventFrom     time.Time
	EventUntil    time.Time // included
	KeptUntil     time.Time // when the last promise about its entries ends
	Artifact      audit.Artifact
	ArchivedAt    time.Time
	PurgeBegan    *time.Time
	PurgedAt      *time.Time
	Held          int64      // payloads that a hold kept in the database when the last purge ended
	OnlineUntil   *time.Time // a retrieval brings its payloads back until then
	OnlineFrom    *time.Time // all of them are back
	DestroyedAt   *time.Time
	Replaces      *audit.Artifact // the file before an erasure, until it is deleted
	Digest        string          // of the file; the registry names the same
	LastCheckedAt *time.Time      // when the file was last read again; nil is not since it was archived
	Problem       *string         // what was wrong with it then

	checkChanges int // how often the file was found to be something else than before
}

// First is the segment's first entry.
func (s *ArchivedSegment) First() int64 { return s.Seqs[0].First }

// Last is the segment's last entry.
func (s *ArchivedSegment) Last() int64 { return s.Seqs[len(s.Seqs)-1].End - 1 }

const segmentColumns = `ledger, id, seqs, entries, recorded_from, recorded_until, event_from, event_until, kept_until, artifact, archived_at,
	purge_began, purged_at, held, online_until, online_from, destroyed_at, replaces, digest, last_checked_at, problem, check_changes`

func scanSegment(row pgx.CollectableRow) (s ArchivedSegment, err error) {
	var seqs multirange
	var artifact string
	var replaces *string
	err = row.Scan(&s.Ledger, &s.ID, &seqs, &s.Entries, &s.RecordedFrom, &s.RecordedUntil, &s.EventFrom, &s.EventUntil, &s.KeptUntil, &artifact, &s.ArchivedAt,
		&s.PurgeBegan, &s.PurgedAt, &s.Held, &s.OnlineUntil, &s.OnlineFrom, &s.DestroyedAt, &replaces,
		&s.Digest, &s.LastCheckedAt, &s.Problem, &s.checkChanges)
	if err != nil {
		return s, err
	}
	s.Seqs = rangesOf(seqs)
	if replaces != nil {
		s.Replaces = new(audit.Artifact)
		if err := json.Unmarshal([]byte(*replaces), s.Replaces); err != nil {
			return s, err
		}
	}
	return s, json.Unmarshal([]byte(artifact), &s.Artifact)
}

// segments reads segments of a ledger, which the reader's fence confines.
func (l *Log) segments(ctx context.Context, ledger int32, where string, args ...any) (list []ArchivedSegment, err error) {
	err = l.read(ctx, ledger, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select `+segmentColumns+` from archive_segment where ledger = $1 and `+where, append([]any{ledger}, args...)...)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, scanSegment)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read archive segments: %w", err)
	}
	return list, nil
}

// ArchivedSegments lists the segments of a ledger that hold events of a period, in
// the order of their first entries, at most limit; 0 is all.
func (l *Log) ArchivedSegments(ctx context.Context, ledger int32, p audit.Period, limit int) ([]ArchivedSegment, error) {
	return l.segments(ctx, ledger, `event_from < $2 and event_until >= $3 order by lower(seqs) limit nullif($4, 0)`, orLast(p.Until), orFirst(p.From), limit)
}

func orFirst(t time.Time) time.Time {
	if t.IsZero() {
		return firstMoment
	}
	return t
}

func orLast(t time.Time) time.Time {
	if t.IsZero() {
		return lastMoment
	}
	return t
}

// SegmentByID returns one, or NotFound.
func (l *Log) SegmentByID(ctx context.Context, ledger int32, id string) (ArchivedSegment, error) {
	return l.oneSegment(ctx, ledger, `id = $2`, id)
}

// SegmentOf returns the segment that holds an entry's payload, or NotFound.
func (l *Log) SegmentOf(ctx context.Context, ledger int32, seq int64) (ArchivedSegment, error) {
	return l.oneSegment(ctx, ledger, `seqs @> $2::bigint`, seq)
}

func (l *Log) oneSegment(ctx context.Context, ledger int32, where string, arg any) (ArchivedSegment, error) {
	list, err := l.segments(ctx, ledger, where, arg)
	if err == nil && len(list) == 0 {
		err = audit.Errorf(audit.NotFound, "there is no such archive segment")
	}
	if err != nil {
		return ArchivedSegment{}, err
	}
	return list[0], nil
}

// Offline is what of a period is not in the database.
type Offline struct {
	Segments int
	Entries  int64     // at most: of a segment that the period cuts, all
	Archived time.Time // when the last of them was
	Restored bool      // some of the period is back for a time
	Last     time.Time // the latest event of what is offline or lost
	Lost     int64     // entries whose content was destroyed when their retention ended, counted likewise
}

// Offline tells which events of a period are in segment files alone.
func (l *Log) Offline(ctx context.Context, ledger int32, p audit.Period) (o Offline, err error) {
	var last, event *time.Time
	err = l.read(ctx, ledger, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `
			select count(*) filter (where is_offline(s) and destroyed_at is null), coalesce(sum(entries - held) filter (where is_offline(s) and destroyed_at is null), 0)::bigint,
				max(archived_at) filter (where is_offline(s) and destroyed_at is null), coalesce(bool_or(online_from is not null), false),
				coalesce(sum(entries) filter (where destroyed_at is not null), 0)::bigint,
				max(event_until) filter (where is_offline(s) or destroyed_at is not null)
			from archive_segment s where ledger = $1 and event_from < $2 and event_until >= $3`,
			ledger, orLast(p.Until), orFirst(p.From)).Scan(&o.Segments, &o.Entries, &last, &o.Restored, &o.Lost, &event)
	})
	if err != nil {
		return o, fmt.Errorf("look for archived entries: %w", err)
	}
	if last != nil {
		o.Archived = last.UTC()
	}
	if event != nil {
		o.Last = event.UTC()
	}
	return o, nil
}

// Online returns Archived or Destroyed when events of a period are in segment files alone:
// what needs all entries of the period has to wait for a retrieval.
func (l *Log) Online(ctx context.Context, ledger int32, p audit.Period) error {
	o, err := l.Offline(ctx, ledger, p)
	switch {
	case err != nil:
		return err
	case o.Segments > 0:
	case o.Lost > 0:
		return audit.Errorf(audit.Destroyed, "the content of up to %d entries of the period was destroyed when their retention ended; their records and proofs remain", o.Lost)
	default:
		return nil
	}
	return audit.Errorf(audit.Archived, "Requested audit data has been archived and requires special access: up to %d entries of the period are in the archive", o.Entries).
		With("archived_entries", o.Entries).With("archive_date", audit.FormatTime(o.Archived)).With("archive_location", audit.ArchiveLocation)
}

// offline returns the entries of a ledger whose payloads a purge may have taken, and
// those of them of which the file is destroyed, too.
func offline(ctx context.Context, tx pgx.Tx, ledger int32) (all, destroyed Spans, err error) {
	var m, d multirange
	err = tx.QueryRow(ctx, `select range_agg(seqs), range_agg(seqs) filter (where destroyed_at is not null) from archive_segment where ledger = $1 and purge_began is not null`,
		ledger).Scan(&m, &d)
	if err != nil {
		return nil, nil, fmt.Errorf("read archived ranges: %w", err)
	}
	return rangesOf(m), rangesOf(d), nil
}

// archivedError is what an entry without a payload is answered with: that it is
// archived or destroyed. When no segment holds it, it is nil: the row is shown as
// far as it goes, and its check says that its payload is missing.
func (l *Log) archivedError(ctx context.Context, ledger int32, seq int64) error {
	s, err := l.SegmentOf(ctx, ledger, seq)
	var e *audit.Error
	switch {
	case errors.As(err, &e) && e.Code == audit.NotFound, err == nil && s.PurgeBegan == nil:
		return nil
	case err != nil:
		return err
	}
	return s.Gone()
}

// Gone is the error that an entry of the segment is answered with while its
// payload is not in the database.
func (s *ArchivedSegment) Gone() *audit.Error {
	if s.DestroyedAt != nil {
		return audit.Errorf(audit.Destroyed, "the content of this entry was destroyed when its retention ended; its record and proofs remain").
			With("destroyed_at", audit.FormatTime(*s.DestroyedAt)).With("kept_until", audit.FormatTime(s.KeptUntil))
	}
	return audit.Errorf(audit.Archived, "Requested audit data has been archived and requires special access").
		With("archive_date", audit.FormatTime(s.ArchivedAt)).With("archive_location", audit.ArchiveLocation)
}
