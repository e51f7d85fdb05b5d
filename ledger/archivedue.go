package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// FilesDue is which files of a ledger a run reads again: those that were last read
// up to Through, and those of which something was wrong. What was read since Began
// is done, so a run that is repeated goes on.
type FilesDue struct {
	Ledger  int32     `json:"ledger"`
	Began   time.Time `json:"began"`
	Through time.Time `json:"through"`
	Files   int64     `json:"files"`
}

// lastRead is when a file was last read to its end: one that was archived was read
// back then.
const lastRead = `coalesce(last_checked_at, archived_at)`

// FilesDue finds what a run reads now, of runs that come round every every, so that
// each file is read once in within: what would be late at the next run, and of more
// files than runs an equal part at each, so that those that were archived together
// are not all read together.
func (l *Log) FilesDue(ctx context.Context, ledger int32, within, every time.Duration) (FilesDue, error) {
	d := FilesDue{Ledger: ledger, Began: audit.Instant(l.config.Clock())}
	err := l.read(ctx, ledger, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `
			with file as (select `+lastRead+` as at, problem from archive_segment where ledger = $1 and destroyed_at is null and `+lastRead+` < $2),
			part as (select count(*) / $4::bigint as files from file),
			through as (select greatest($3::timestamptz, (select at from file order by at limit least(1, (select files from part)) offset (select greatest(files - 1, 0) from part))) as at)
			select (select at from through), count(*) from file where at <= (select at from through) or problem is not null`,
			ledger, d.Began, d.Began.Add(every-within), max(int64(within/every), 1)).Scan(&d.Through, &d.Files)
	})
	if err != nil {
		return d, fmt.Errorf("look for files to read again: %w", err)
	}
	d.Through = d.Through.UTC()
	return d, nil
}

// FilePlace is where the reading of due files stands.
type FilePlace struct {
	At time.Time `json:"at"`
	ID string    `json:"id"`
}

// PlaceOf is the place behind a file, as it was listed.
func PlaceOf(s *ArchivedSegment) FilePlace {
	at := s.ArchivedAt
	if s.LastCheckedAt != nil {
		at = *s.LastCheckedAt
	}
	return FilePlace{at.UTC(), s.ID}
}

// DueFiles lists files that are due, the one that was read the longest ago first,
// behind a place.
func (l *Log) DueFiles(ctx context.Context, d FilesDue, after FilePlace, limit int) ([]ArchivedSegment, error) {
	return l.segments(ctx, d.Ledger, `destroyed_at is null and `+lastRead+` < $2 and (`+lastRead+` <= $3 or problem is not null)
		and (`+lastRead+`, id) > ($4, $5) order by `+lastRead+`, id limit $6`, d.Began, d.Through, after.At, after.ID, limit)
}

// FilesRead counts what was read of a ledger's files since a run began, whichever
// attempt did it, and those of them that are lost or damaged, of which it names some.
func (l *Log) FilesRead(ctx context.Context, d FilesDue, names int) (read, bad int64, named []string, err error) {
	err = l.read(ctx, d.Ledger, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `
			select count(*), count(problem), coalesce((array_agg(id order by lower(seqs)) filter (where problem is not null))[1:$3], '{}')
			from archive_segment where ledger = $1 and last_checked_at >= $2 and destroyed_at is null`, d.Ledger, d.Began, names).Scan(&read, &bad, &named)
	})
	if err != nil {
		return 0, 0, nil, fmt.Errorf("count files that were read again: %w", err)
	}
	return read, bad, named, nil
}

// BadSegments is ArchivedSegments of which the file was lost or damaged when it was
// last read.
func (l *Log) BadSegments(ctx context.Context, ledger int32, p audit.Period, limit int) ([]ArchivedSegment, error) {
	return l.segments(ctx, ledger, `problem is not null and destroyed_at is null and event_from < $2 and event_until >= $3 order by lower(seqs) limit nullif($4, 0)`,
		orLast(p.Until), orFirst(p.From), limit)
}

// NoteFile notes what was found of a segment's file. When that is another state than
// before, changed is called with a key of its own, which appends the entry about it
// together with the statement that it is given. Noting nothing is right when the file
// was written anew or destroyed since, or somebody else found the same meanwhile.
func (l *Log) NoteFile(ctx context.Context, s *ArchivedSegment, fault *SegmentFault, changed func(key string, with func(context.Context, pgx.Tx) error) error) error {
	var problem *string
	if fault != nil {
		text := fault.String()
		problem = &text
	}
	now := audit.Instant(l.config.Clock())
	const note = `
		update archive_segment set last_checked_at = $3, problem = $4, check_changes = check_changes + $7
		where ledger = $1 and id = $2 and digest = $5 and check_changes = $6 and destroyed_at is null`
	if fileState(problem) == fileState(s.Problem) {
		if _, err := l.writes.Exec(ctx, note, s.Ledger, s.ID, now, problem, s.Digest, s.checkChanges, 0); err != nil {
			return fmt.Errorf("note a check of %s: %w", s.ID, err)
		}
		return nil
	}
	err := changed(fmt.Sprintf("archive/%s/check/%d", s.ID, s.checkChanges+1), func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, note, s.Ledger, s.ID, now, problem, s.Digest, s.checkChanges, 1)
		if err == nil && tag.RowsAffected() == 0 {
			err = errNoted
		}
		return err
	})
	if errors.Is(err, errNoted) || audit.CodeOf(err) == audit.ExternalIDConflict {
		return nil
	}
	return err
}

// errNoted means that the segment is not any more what was checked.
var errNoted = errors.New("noted")
