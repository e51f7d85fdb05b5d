package ledger_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sealbook/sealbook/ledger"
)

// forgery is a consistent rewrite: an attacker with full rights on the database
// changes the event type of one entry and makes other copies follow.
type forgery struct {
	seq     int64
	rechain bool // every later record, too
	tiles   bool // the leaves in the tiles
	roots   bool // the roots of the tiles
	head    bool // root, edge and last leaf
	points  bool // the stored checkpoints
}

var everything = forgery{rechain: true, tiles: true, roots: true, head: true, points: true}

func (f forgery) of(seq int64) forgery {
	f.seq = seq
	return f
}

// session is a connection or a transaction of the attacker.
type session interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// apply forges a ledger.
func (f forgery) apply(t testing.TB, db session, id int32) {
	t.Helper()
	ctx := t.Context()
	exec := func(sql string, args ...any) {
		if _, err := db.Exec(ctx, sql, args...); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	rows, err := db.Query(ctx, `select record from entry where ledger = $1 order by seq`, id)
	if err != nil {
		t.Fatal(err)
	}
	records, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		t.Fatal(err)
	}
	rows, err = db.Query(ctx, `select size from checkpoint where ledger = $1`, id)
	if err != nil {
		t.Fatal(err)
	}
	sizes, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		t.Fatal(err)
	}
	tree, err := ledger.NewTree(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	leaves, roots := make([]ledger.Hash, len(records)), map[int64]ledger.Hash{}
	for i, data := range records {
		rec, err := ledger.ParseRecord(data)
		if err != nil {
			t.Fatal(err)
		}
		if int64(i) == f.seq {
			rec.EventType = "forged"
		}
		if f.rechain && int64(i) > f.seq {
			rec.Prev = leaves[i-1]
		}
		data = rec.Encode()
		leaves[i] = ledger.LeafHash(data)
		if !bytes.Equal(data, records[i]) {
			exec(`update entry set record = $1, leaf = $2 where ledger = $3 and seq = $4`, data, leaves[i][:], id, i)
		}
		if err := tree.Append(leaves[i]); err != nil {
			t.Fatal(err)
		}
		if roots[tree.Size()], err = tree.Root(); err != nil {
			t.Fatal(err)
		}
	}
	exec(`update payload set event_type = 'forged' where ledger = $1 and seq = $2`, id, f.seq)
	if f.points {
		for _, size := range sizes {
			root := roots[size]
			exec(`update checkpoint set root = $1 where ledger = $2 and size = $3`, root[:], id, size)
		}
	}
	if f.head {
		var edge []byte
		for _, h := range tree.Edge() {
			edge = append(edge, h[:]...)
		}
		root, last := roots[tree.Size()], leaves[len(leaves)-1]
		exec(`update head set root = $1, edge = $2, last_leaf = $3 where ledger = $4`, root[:], edge, last[:], id)
	}
	f.forgeTiles(t, exec, id, leaves)
	exec(`select recount_rollups()`)
}

// forgeTiles rewrites the tiles of level 0, and those of level 1 with their
// roots.
func (f forgery) forgeTiles(t testing.TB, exec func(string, ...any), id int32, leaves []ledger.Hash) {
	t.Helper()
	var all []ledger.Hash
	for level := 0; len(leaves) >= ledger.TileWidth; level++ {
		all = all[:0:0]
		for i := 0; i+ledger.TileWidth <= len(leaves); i += ledger.TileWidth {
			tree, err := ledger.NewTree(0, nil)
			if err != nil {
				t.Fatal(err)
			}
			var hashes []byte
			for _, h := range leaves[i : i+ledger.TileWidth] {
				hashes = append(hashes, h[:]...)
				if err := tree.Append(h); err != nil {
					t.Fatal(err)
				}
			}
			root, err := tree.Root()
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, root)
			if f.tiles && (level == 0 || f.roots) {
				exec(`update tile set hashes = $1 where ledger = $2 and level = $3 and idx = $4`, hashes, id, level, i/ledger.TileWidth)
			}
			if f.roots {
				exec(`update tile set root = $1 where ledger = $2 and level = $3 and idx = $4`, root[:], id, level, i/ledger.TileWidth)
			}
		}
		leaves = all
	}
}
