package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// page is a run of entries as Postgres sends them, with what stands beside
// them in the same snapshot. Its memory is used again for later pages, so
// nothing of it may be kept.
type page struct {
	first, end  int64
	bytes       []byte // the rows' values, one after the other
	spans       []span // where in bytes they are, columns of them a row
	columns     int
	tiles       map[int64]storedTile // of level 0, by index, whose last leaf is in the page
	checkpoints []storedCheckpoint   // of the trees that end in the page, by size

	checked []checkedRow
	kept    keptRows
	err     error
	done    chan struct{} // a worker is through with the page
}

// span is where a value is; n is negative for null.
type span struct{ at, n int }

type storedTile struct {
	hashes []byte
	root   Hash
}

type storedCheckpoint struct {
	size int64
	root Hash
	at   time.Time
}

var selectRecords = `select e.seq, e.event_id, e.record, e.leaf from entry e where e.ledger = $1 and e.seq >= $2 and e.seq < $3 order by e.seq`

// read fills the page with the entries [first, end), with or without their
// payloads.
func (p *page) read(ctx context.Context, tx pgx.Tx, ledger int32, first, end int64, payloads bool) error {
	p.first, p.end, p.bytes, p.spans = first, end, p.bytes[:0], p.spans[:0]
	query := selectRecords
	if payloads {
		query = selectRange
	}
	rows, err := tx.Query(ctx, query, binaryRows, ledger, first, end)
	if err != nil {
		return fmt.Errorf("read entries: %w", err)
	}
	for rows.Next() {
		values := rows.RawValues()
		p.columns = len(values)
		for _, v := range values {
			n := len(v)
			if v == nil {
				n = -1
			}
			p.spans = append(p.spans, span{len(p.bytes), n})
			p.bytes = append(p.bytes, v...)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read entries: %w", err)
	}
	if err := p.readTiles(ctx, tx, ledger); err != nil {
		return fmt.Errorf("read tiles: %w", err)
	}
	if err := p.readCheckpoints(ctx, tx, ledger); err != nil {
		return fmt.Errorf("read checkpoints: %w", err)
	}
	return nil
}

func (p *page) readTiles(ctx context.Context, tx pgx.Tx, ledger int32) error {
	clear(p.tiles)
	if p.first/TileWidth == p.end/TileWidth {
		return nil
	}
	rows, err := tx.Query(ctx, `select idx, hashes, root from tile where ledger = $1 and level = 0 and idx >= $2 and idx < $3`,
		ledger, p.first/TileWidth, p.end/TileWidth)
	if err != nil {
		return err
	}
	var index int64
	var hashes, root []byte
	_, err = pgx.ForEachRow(rows, []any{&index, &hashes, &root}, func() error {
		r, err := hashFrom(root)
		p.tiles[index] = storedTile{hashes, r}
		hashes = nil // it is the map's now
		return err
	})
	return err
}

func (p *page) readCheckpoints(ctx context.Context, tx pgx.Tx, ledger int32) error {
	p.checkpoints = p.checkpoints[:0]
	rows, err := tx.Query(ctx, `select size, root, created_at from checkpoint where ledger = $1 and size > $2 and size <= $3 order by size`,
		ledger, p.first, p.end)
	if err != nil {
		return err
	}
	var c storedCheckpoint
	var root []byte
	_, err = pgx.ForEachRow(rows, []any{&c.size, &root, &c.at}, func() error {
		var err error
		c.root, err = hashFrom(root)
		p.checkpoints = append(p.checkpoints, c)
		return err
	})
	return err
}

// rows is how many rows the page has.
func (p *page) rows() int {
	if p.columns == 0 {
		return 0
	}
	return len(p.spans) / p.columns
}

// values returns the columns of row i, in into's memory.
func (p *page) values(i int, into [][]byte) [][]byte {
	into = into[:0]
	for _, s := range p.spans[i*p.columns : (i+1)*p.columns] {
		if s.n < 0 {
			into = append(into, nil)
		} else {
			into = append(into, p.bytes[s.at:s.at+s.n:s.at+s.n])
		}
	}
	return into
}

// keptRows are copies of rows whose fields were only lent, for who sees them
// later in their order.
type keptRows struct {
	rows   []Row
	fields []Field
	salts  []byte
}

func (k *keptRows) empty() { k.rows, k.fields, k.salts = k.rows[:0], k.fields[:0], k.salts[:0] }

// add copies r. Where memory grows, what was copied before stays in the old.
func (k *keptRows) add(r *Row) *Row {
	from := len(k.fields)
	k.fields = append(k.fields, r.Fields...)
	copied := k.fields[from:len(k.fields):len(k.fields)]
	for i := range copied {
		if f := &copied[i]; f.Salt != nil {
			at := len(k.salts)
			k.salts = append(k.salts, f.Salt...)
			f.Salt = k.salts[at:len(k.salts):len(k.salts)]
		}
	}
	k.rows = append(k.rows, *r)
	kept := &k.rows[len(k.rows)-1]
	kept.Fields = copied
	return kept
}
