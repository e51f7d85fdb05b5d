package ledger

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/oklog/ulid/v2"

	"github.com/sealbook/sealbook/audit"
)

// storedRow is a row with everything that stands beside the hashed bytes.
type storedRow struct {
	Row
	eventID    [16]byte
	payload    bool // there is a payload row
	recordedAt time.Time
	projected  [][]byte // the searchable columns as Postgres sends them; nil is null
	reader     fieldReader
}

var projectedList = func() string {
	names := make([]string, len(projected))
	for i, c := range projected {
		names[i] = "p." + c.name
	}
	return strings.Join(names, ", ")
}()

var rowColumns = `e.seq, e.event_id, e.record, e.leaf, p.recorded_at, p.seed, p.fields, p.salts, p.commitments, ` + projectedList

// firstProjected is where in rowColumns the searchable columns start.
const firstProjected = 9

// decode reads the values of rowColumns in Postgres' binary formats. The row
// borrows their memory, and its fields use that of the row that was decoded
// before.
func (s *storedRow) decode(values [][]byte) error {
	if len(values) != firstProjected+len(projected) {
		return fmt.Errorf("a row has %d columns, not %d", len(values), firstProjected+len(projected))
	}
	if err := s.decodeRecord(values); err != nil {
		return err
	}
	s.projected = values[firstProjected:]
	s.Bare = values[4] == nil
	if s.payload = !s.Bare; s.payload {
		var err error
		if s.recordedAt, err = timeFrom(values[4]); err != nil {
			return err
		}
	}
	var err error
	if s.Fields, s.plain, err = s.reader.read(values[5], values[6], values[7], values[8]); err != nil {
		s.Fields = nil // Check will say that the payload does not match
	}
	return nil
}

// decodeRecord reads the first four of them.
func (s *storedRow) decodeRecord(values [][]byte) error {
	if len(values) < 4 || len(values[0]) != 8 || len(values[1]) != len(s.eventID) {
		return fmt.Errorf("a row is not in the form that was asked for")
	}
	s.Seq = int64(binary.BigEndian.Uint64(values[0]))
	s.eventID = [16]byte(values[1])
	s.Record = values[2]
	var err error
	if s.Leaf, err = hashFrom(values[3]); err != nil {
		return audit.Errorf(audit.Tampered, "entry %d: leaf: %v", s.Seq, err)
	}
	return nil
}

// timeFrom reads a binary timestamptz: microseconds since the year 2000.
func timeFrom(b []byte) (time.Time, error) {
	if len(b) != 8 {
		return time.Time{}, fmt.Errorf("a time has 8 bytes, not %d", len(b))
	}
	const epoch = 946684800 * 1e6
	return time.UnixMicro(int64(binary.BigEndian.Uint64(b)) + epoch).UTC(), nil
}

// pageRows is how many rows one statement of a long read fetches. Pages keep
// both sides' memory flat and let the planner use the primary keys.
const pageRows = 2048

// The payloads come in the order of their index and are merged with the
// entries. Without the inner order by, the planner would sort these wide rows
// again: below an outer join it does not use that their ledger is the same.
var selectRange = `
	select ` + rowColumns + `
	from entry e
	left join (select * from payload where ledger = $1 and seq >= $2 and seq < $3 order by seq) p on p.seq = e.seq
	where e.ledger = $1 and e.seq >= $2 and e.seq < $3
	order by e.seq`

// scanRange streams the stored rows of [first, end) inside tx.
func scanRange(ctx context.Context, tx pgx.Tx, ledger int32, first, end int64, each func(*storedRow) error) error {
	// A page joins thousands of rows with thousands. Before a new table has
	// been analyzed, the planner may expect a few and compare each with each.
	if _, err := tx.Exec(ctx, `set local enable_nestloop = off`); err != nil {
		return fmt.Errorf("read entries: %w", err)
	}
	for ; first < end; first += pageRows {
		rows, err := tx.Query(ctx, selectRange, binaryRows, ledger, first, min(first+pageRows, end))
		if err != nil {
			return fmt.Errorf("read entries: %w", err)
		}
		// The page is read whole before it is worked on: the connection is then
		// free for what each asks of it.
		page, err := pgx.CollectRows(rows, collectStored)
		if err != nil {
			return fmt.Errorf("read entries: %w", err)
		}
		for i := range page {
			if err := each(&page[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// MissingSeq is the detail of the error about a missing entry that holds its number.
const MissingSeq = "missing_seq"

// Rows streams the entries of [first, end) in order. Pages are separate
// transactions: entries never change, so no snapshot has to be held for as
// long as a slow reader takes. A missing entry is Tampered, with its number as the
// detail MissingSeq, and ends the stream; so does an archived one, as Archived.
func (l *Log) Rows(ctx context.Context, ledger int32, first, end int64) iter.Seq2[Row, error] {
	return l.rows(ctx, ledger, first, end, l.archivedError)
}

// BareRows is Rows with archived entries, which have no payload: [Row.Bare].
func (l *Log) BareRows(ctx context.Context, ledger int32, first, end int64) iter.Seq2[Row, error] {
	return l.rows(ctx, ledger, first, end, func(context.Context, int32, int64) error { return nil })
}

func (l *Log) rows(ctx context.Context, ledger int32, first, end int64, bare func(context.Context, int32, int64) error) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for next := first; next < end; {
			var page []Row
			until := min(next+pageRows, end)
			err := l.read(ctx, ledger, func(tx pgx.Tx) error {
				page = page[:0]
				return scanRange(ctx, tx, ledger, next, until, func(s *storedRow) error {
					page = append(page, s.Row)
					return nil
				})
			})
			for _, r := range page {
				if err == nil && r.Seq != next {
					err = audit.Errorf(audit.Tampered, "entry %d is missing", next).With(MissingSeq, next)
				}
				if err == nil && r.Bare {
					err = bare(ctx, ledger, r.Seq)
				}
				if err != nil {
					break
				}
				next++
				if !yield(r, nil) {
					return
				}
			}
			if err == nil && next != until {
				err = audit.Errorf(audit.Tampered, "entry %d is missing", next).With(MissingSeq, next)
			}
			if err != nil {
				yield(Row{}, err)
				return
			}
		}
	}
}

// Row returns one entry by its number, or NotFound, Archived or Destroyed.
func (l *Log) Row(ctx context.Context, ledger int32, seq int64) (Row, error) {
	return l.oneRow(ctx, ledger, `e.seq = $2 and (p.seq = $2 or p.seq is null)`, seq)
}

// RowByEventID returns one entry by its ULID, or NotFound, Archived or Destroyed.
func (l *Log) RowByEventID(ctx context.Context, ledger int32, id string) (Row, error) {
	u, err := ulid.ParseStrict(id)
	if err != nil {
		return Row{}, audit.Errorf(audit.NotFound, "there is no such entry")
	}
	return l.oneRow(ctx, ledger, `e.event_id = $2`, [16]byte(u))
}

func (l *Log) oneRow(ctx context.Context, ledger int32, where string, arg any) (Row, error) {
	sql := `select ` + rowColumns + `
		from entry e left join payload p on p.ledger = e.ledger and p.seq = e.seq
		where e.ledger = $1 and ` + where
	var found []Row
	var q pgx.Batch
	q.Queue(sql, ledger, arg).Query(func(rows pgx.Rows) (err error) {
		found, err = pgx.CollectRows(rows, collectRow)
		return err
	})
	if err := l.readOnce(ctx, ledger, &q); err != nil {
		return Row{}, fmt.Errorf("read entry: %w", err)
	}
	if len(found) == 0 {
		return Row{}, audit.Errorf(audit.NotFound, "there is no such entry")
	}
	if found[0].Bare {
		err := l.archivedError(ctx, ledger, found[0].Seq)
		return found[0], err
	}
	return found[0], nil
}

// binaryRows asks for every column in its binary format, as storedRow.decode
// reads it. In a batch the driver chooses: binary for all but the searchable
// columns, which a Row is made without.
var binaryRows = pgx.QueryResultFormats{pgx.BinaryFormatCode}

func collectStored(row pgx.CollectableRow) (s storedRow, err error) {
	var all []byte
	raw := row.RawValues()
	for _, v := range raw {
		all = append(all, v...)
	}
	values := make([][]byte, len(raw)) // raw is only lent
	for i, v := range raw {
		if v != nil {
			values[i], all = all[:len(v):len(v)], all[len(v):]
		}
	}
	err = s.decode(values)
	return s, err
}

func collectRow(row pgx.CollectableRow) (Row, error) {
	s, err := collectStored(row)
	return s.Row, err
}

// Head returns the checkpoint of the ledger as it is now, unsigned, and the
// time of its last entry.
func (l *Log) Head(ctx context.Context, ledger int32) (c Checkpoint, at time.Time, err error) {
	var root []byte
	err = l.read(ctx, ledger, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select l.origin, h.size, h.root, h.last_time from head h join ledger l on l.id = h.ledger where h.ledger = $1`, ledger).
			Scan(&c.Origin, &c.Size, &root, &at)
	})
	if err == pgx.ErrNoRows {
		return c, at, audit.Errorf(audit.NotFound, "there is no ledger %d", ledger)
	}
	if err != nil {
		return c, at, fmt.Errorf("read head: %w", err)
	}
	c.Root, err = hashFrom(root)
	return c, at.UTC(), err
}

// Origin is the registry's, and the prefix of every ledger's.
func (l *Log) Origin() string { return l.config.Origin }

// Key returns the public key of a ledger's checkpoints as a C2SP verifier key.
func (l *Log) Key(origin string) string { return l.config.Key.VerifierKey(origin) }

// LeftEdge returns the roots of the subtrees that cover [0, first): the left
// side of a range proof.
func (l *Log) LeftEdge(ctx context.Context, ledger int32, first, size int64) (edge []Hash, err error) {
	err = l.read(ctx, ledger, func(tx pgx.Tx) error {
		edge, err = newNodes(ctx, tx, ledger, size).cover(0, first)
		return err
	})
	return edge, err
}
