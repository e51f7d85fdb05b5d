package ledger

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/sealbook/sealbook/audit"
)

// Tiles have TileWidth hashes and so span tileHeight levels of the tree.
const (
	TileWidth  = 256
	tileHeight = 8
)

const insertTile = `
	insert into tile (ledger, level, idx, hashes, root)
	select $1, $2, $3, string_agg(h, ''::bytea order by n), $4
	from (
		select seq as n, leaf as h from entry where $2 = 0 and ledger = $1 and seq >= $3 * 256 and seq < ($3 + 1) * 256
		union all
		select idx, root from tile where $2 > 0 and ledger = $1 and level = $2 - 1 and idx >= $3 * 256 and idx < ($3 + 1) * 256
	) hashes`

// queueTiles writes the tiles that the batch filled, lowest level first. Their
// hashes are gathered by the database: most of them it has already.
func queueTiles(q *pgx.Batch, h *head) {
	for level := 0; ; level++ {
		span := tileHeight * (level + 1)
		before, after := h.size>>span, h.tree.Size()>>span
		if after == 0 {
			return
		}
		for i := before; i < after; i++ {
			root := h.tree.nodes[tlog.StoredHashIndex(span, i)]
			q.Queue(insertTile, h.ledger, int16(level), i, root[:])
		}
	}
}

// nodes reads any node of a stored tree. It implements tlog.HashReader.
type nodes struct {
	ctx    context.Context
	tx     pgx.Tx
	ledger int32
	size   int64
	cache  map[tileKey][]Hash
}

type tileKey struct {
	level int
	index int64
}

func newNodes(ctx context.Context, tx pgx.Tx, ledger int32, size int64) *nodes {
	return &nodes{ctx: ctx, tx: tx, ledger: ledger, size: size, cache: map[tileKey][]Hash{}}
}

// ReadHashes implements tlog.HashReader.
func (n *nodes) ReadHashes(indexes []int64) ([]Hash, error) {
	out := make([]Hash, len(indexes))
	for i, index := range indexes {
		h, err := n.node(tlog.SplitStoredHashIndex(index))
		if err != nil {
			return nil, err
		}
		out[i] = h
	}
	return out, nil
}

func (n *nodes) cover(first, end int64) ([]Hash, error) {
	var out []Hash
	for _, s := range subtrees(first, end) {
		h, err := n.node(s.level, s.index)
		if err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return out, nil
}

// node folds a node from the hashes of the tile level below it.
func (n *nodes) node(level int, index int64) (Hash, error) {
	hashes, err := n.below(subtree{level, index}, level/tileHeight*tileHeight)
	if err != nil {
		return Hash{}, err
	}
	return fold(hashes), nil
}

// tile returns a full tile, or what there is of the last one of its level.
func (n *nodes) tile(k tileKey) ([]Hash, error) {
	if t, ok := n.cache[k]; ok {
		return t, nil
	}
	width := n.size >> (tileHeight * k.level) // hashes at this level
	first, end := k.index*TileWidth, min((k.index+1)*TileWidth, width)
	var rows pgx.Rows
	var err error
	switch {
	case end-first == TileWidth:
		rows, err = n.tx.Query(n.ctx, `select hashes from tile where ledger = $1 and level = $2 and idx = $3`, n.ledger, k.level, k.index)
	case k.level == 0:
		rows, err = n.tx.Query(n.ctx, `select leaf from entry where ledger = $1 and seq >= $2 and seq < $3 order by seq`, n.ledger, first, end)
	default:
		rows, err = n.tx.Query(n.ctx, `select root from tile where ledger = $1 and level = $2 - 1 and idx >= $3 and idx < $4 order by idx`, n.ledger, k.level, first, end)
	}
	if err != nil {
		return nil, fmt.Errorf("read tile: %w", err)
	}
	parts, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return nil, fmt.Errorf("read tile: %w", err)
	}
	var t []Hash
	for _, p := range parts {
		t = hashesOf(t, p)
	}
	if int64(len(t)) != end-first { // rows were removed
		return nil, audit.Errorf(audit.Tampered, "tile %d at level %d has %d hashes, not %d", k.index, k.level, len(t), end-first)
	}
	n.cache[k] = t
	return t, nil
}

// below returns the stored hashes of a level of tiles that a subtree covers;
// the level is at most tileHeight below the subtree.
func (n *nodes) below(s subtree, level int) ([]Hash, error) {
	first := s.index << (s.level - level)
	tile, err := n.tile(tileKey{level / tileHeight, first / TileWidth})
	if err != nil {
		return nil, err
	}
	at, width := int(first%TileWidth), 1<<(s.level-level)
	if at+width > len(tile) {
		return nil, audit.Errorf(audit.Tampered, "node %d at level %d is not stored", s.index, s.level)
	}
	return tile[at : at+width], nil
}

// hashesOf appends hashes that stand one after the other in b.
func hashesOf(into []Hash, b []byte) []Hash {
	for ; len(b) >= len(Hash{}); b = b[len(Hash{}):] {
		into = append(into, Hash(b[:len(Hash{})]))
	}
	return into
}

// damaged reports whether nodes could not be read because they are not there. A
// query that failed says nothing of the ledger.
func damaged(err error) bool { return audit.CodeOf(err) == audit.Tampered }

// fold returns the root of a complete subtree.
func fold(level []Hash) Hash { return foldInPlace(append([]Hash(nil), level...)) }

func foldInPlace(level []Hash) Hash {
	for len(level) > 1 {
		for i := 0; i < len(level)/2; i++ {
			level[i] = tlog.NodeHash(level[2*i], level[2*i+1])
		}
		level = level[:len(level)/2]
	}
	return level[0]
}
