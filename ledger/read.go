package ledger

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
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
	recordedAt *time.Time // nil when the payload row is missing
	projection Projection
}

var projectedList = func() string {
	names := make([]string, len(projected))
	for i, c := range projected {
		names[i] = "p." + c.name
		if c.name == "frameworks" {
			names[i] = "array_to_string(p.frameworks, ',')"
		}
	}
	return strings.Join(names, ", ")
}()

var rowColumns = `e.seq, e.event_id, e.record, e.leaf, p.recorded_at, p.seed, p.fields, p.salts, p.commitments, ` + projectedList

// scan reads rowColumns.
func (s *storedRow) scan(rows pgx.CollectableRow) error {
	var leaf, seed []byte
	var fields, salts, commitments *string
	// A missing payload row gives nulls in every column of it.
	var eventType, eventClass, severity *string
	var eventTime *time.Time
	p := &s.projection
	*p = Projection{}
	into := []any{&s.Seq, &s.eventID, &s.Record, &leaf, &s.recordedAt, &seed, &fields, &salts, &commitments}
	for _, c := range projected {
		switch c.name {
		case "event_type":
			into = append(into, &eventType)
		case "event_class":
			into = append(into, &eventClass)
		case "severity":
			into = append(into, &severity)
		case "event_time":
			into = append(into, &eventTime)
		default:
			into = append(into, c.of(p))
		}
	}
	if err := rows.Scan(into...); err != nil {
		return err
	}
	for _, x := range []struct {
		from *string
		to   *string
	}{{eventType, &p.EventType}, {eventClass, &p.EventClass}, {severity, &p.Severity}} {
		if x.from != nil {
			*x.to = *x.from
		}
	}
	if eventTime != nil {
		p.EventTime = eventTime.UTC()
	}
	var err error
	if s.Leaf, err = hashFrom(leaf); err != nil {
		return audit.Errorf(audit.Tampered, "entry %d: leaf: %v", s.Seq, err)
	}
	s.Fields, err = decodeFields(seed, fields, salts, commitments)
	if err != nil {
		s.Fields = nil // Check will say that the payload does not match
	}
	return nil
}

// decodeFields puts a payload row's columns together to fields.
func decodeFields(seed []byte, values, salts, commitments *string) (fields []Field, err error) {
	kept := map[string][]byte{}
	err = eachText(salts, func(path, text string) error {
		salt, err := base64.StdEncoding.DecodeString(text)
		kept[path] = salt
		return err
	})
	if err != nil {
		return nil, err
	}
	if values != nil {
		fields = make([]Field, 0, 24)
		err = eachMember([]byte(*values), func(name, value []byte) error {
			f := Field{Path: string(name), Value: bytes.Clone(value)}
			if seed != nil {
				f.Salt = FieldSalt(seed, f.Path)
			} else {
				f.Salt = kept[f.Path]
			}
			fields = append(fields, f)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("stored fields: %w", err)
		}
	}
	err = eachText(commitments, func(path, text string) error {
		h, err := decodeHash(text)
		fields = append(fields, Field{Path: path, Commitment: &h})
		return err
	})
	sortFields(fields)
	return fields, err
}

// eachText reads a column that maps paths to texts.
func eachText(column *string, each func(path, text string) error) error {
	if column == nil {
		return nil
	}
	var m map[string]string
	if err := json.Unmarshal([]byte(*column), &m); err != nil {
		return fmt.Errorf("stored fields: %w", err)
	}
	for path, text := range m {
		if err := each(path, text); err != nil {
			return err
		}
	}
	return nil
}

// pageRows is how many rows one statement of a long read fetches. Pages keep
// both sides' memory flat and let the planner use the primary keys.
const pageRows = 2048

var selectRange = `
	select ` + rowColumns + `
	from entry e
	left join payload p on p.ledger = e.ledger and p.seq = e.seq and p.ledger = $1 and p.seq >= $2 and p.seq < $3
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
		rows, err := tx.Query(ctx, selectRange, ledger, first, min(first+pageRows, end))
		if err != nil {
			return fmt.Errorf("read entries: %w", err)
		}
		// The page is read whole before it is worked on: the connection is then
		// free for what each asks of it.
		page, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s storedRow, err error) {
			err = s.scan(row)
			return s, err
		})
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

// Rows streams the entries of [first, end) in order. Pages are separate
// transactions: entries never change, so no snapshot has to be held for as
// long as a slow reader takes. A missing entry is Tampered.
func (l *Log) Rows(ctx context.Context, ledger int32, first, end int64) iter.Seq2[Row, error] {
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
					err = audit.Errorf(audit.Tampered, "entry %d is missing", next)
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
				err = audit.Errorf(audit.Tampered, "entry %d is missing", next)
			}
			if err != nil {
				yield(Row{}, err)
				return
			}
		}
	}
}

// Row returns one entry by its number, or NotFound.
func (l *Log) Row(ctx context.Context, ledger int32, seq int64) (Row, error) {
	return l.oneRow(ctx, ledger, `e.seq = $2 and (p.seq = $2 or p.seq is null)`, seq)
}

// RowByEventID returns one entry by its ULID, or NotFound.
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
	err := l.read(ctx, ledger, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sql, ledger, arg)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, collectRow)
		return err
	})
	if err != nil {
		return Row{}, fmt.Errorf("read entry: %w", err)
	}
	if len(found) == 0 {
		return Row{}, audit.Errorf(audit.NotFound, "there is no such entry")
	}
	return found[0], nil
}

func collectRow(row pgx.CollectableRow) (Row, error) {
	var s storedRow
	err := s.scan(row)
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

// SignedHead returns the ledger's checkpoint as it is now, signed.
func (l *Log) SignedHead(ctx context.Context, ledger int32) (Checkpoint, []byte, time.Time, error) {
	c, at, err := l.Head(ctx, ledger)
	if err != nil {
		return c, nil, at, err
	}
	signed, err := l.config.Key.Sign(c)
	return c, signed, at, err
}

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
