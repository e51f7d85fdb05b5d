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
// up to Late, those up to the place Through, and those of which something was wrong.
// What was read since Began is done, so a run that is repeated goes on.
type FilesDue struct {
	Ledger  int32     `json:"ledger"`
	Began   time.Time `json:"began"`
	Late    time.Time `json:"late"`
	Through FilePlace `json:"through"`
	Files   int64     `json:"files"`
}

// FilePlace is where a file stands in the order of reading.
type FilePlace struct {
	At time.Time `json:"at"`
	ID string    `json:"id"`
}

// lastRead is when a file was last read to its end: one that was archived was read
// back then.
const lastRead = `coalesce(last_checked_at, archived_at)`

// FilesDue finds what a run reads now, of runs that come round every every, so that
// each file is read once in within: what would be late at the next run, and of more
// files than runs an equal part at each, so that those that were archived together
// are not all read together.
func (l *Log) FilesDue(ctx context.Context, ledger int32, within, every time.Duration) (FilesDue, error) {
	now := audit.Instant(l.config.Clock())
	runs := max(int64(within/every)-1, 1) // before a file is late that was read just now
	d := FilesDue{Ledger: ledger, Began: now, Late: now.Add(every - within)}
	err := l.read(ctx, ledger, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `
			with file as (select `+lastRead+` as at, id from archive_segment where ledger = $1 and destroyed_at is null and `+lastRead+` < $2),
			part as (select case when count(*) >= $3::bigint then (count(*) + $3 - 1) / $3 else 0 end as files from file)
			select at, id from file order by at, id limit (select least(files, 1) from part) offset (select greatest(files - 1, 0) from part)`,
			ledger, d.Began, runs).Scan(&d.Through.At, &d.Through.ID)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		d.Through.At = d.Through.At.UTC()
		return tx.QueryRow(ctx, `select count(*) from archive_segment where ledger = $1 and `+isDue, ledger, d.Began, d.Late, d.Through.At, d.Through.ID).Scan(&d.Files)
	})
	if err != nil {
		return d, fmt.Errorf("look for files to read again: %w", err)
	}
	return d, nil
}

// isDue is FilesDue in SQL, of Began, Late and Through.
const isDue = `destroyed_at is null and ` + lastRead + ` < $2 and (` + lastRead + ` <= $3 or (` + lastRead + `, id) <= ($4, $5) or problem is not null)`

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
	return l.segments(ctx, d.Ledger, isDue+` and (`+lastRead+`, id) > ($6, $7) order by `+lastRead+`, id limit $8`,
		d.Began, d.Late, d.Through.At, d.Through.ID, after.At, after.ID, limit)
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
