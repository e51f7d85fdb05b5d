package ledger

import (
	"bytes"

	"github.com/jackc/pgx/v5"
)

// tileRun gathers the leaves since the last boundary of a tile, as the records
// hash and as they are stored.
type tileRun struct {
	whole        bool // the range has met the boundary, and no entry since is missing
	hash, leaf   [TileWidth]Hash
	room         [TileWidth]Hash
	firstOfRoots int64  // number of the tile that roots starts with
	roots        []Hash // of the whole tiles of the range as the records lead to them; zero where an entry is missing
}

func (t *tileRun) start(first int64) {
	t.whole = first%TileWidth == 0
	t.firstOfRoots = (first + TileWidth - 1) / TileWidth
}

func (t *tileRun) lose() { t.whole = false }

// tileLeaf compares leaves with the stored tile whenever one is full: a third
// copy of each leaf, which tells an entry that was rewritten with its hash.
func (v *verifier) tileLeaf(c *checkedRow, p *page) {
	t := &v.rows.tile
	at, index := c.seq%TileWidth, c.seq/TileWidth
	if at == 0 {
		t.whole = true
	}
	t.hash[at], t.leaf[at] = c.hash, c.leaf
	if at < TileWidth-1 || index < t.firstOfRoots {
		return
	}
	for int64(len(t.roots)) < index-t.firstOfRoots {
		t.roots = append(t.roots, Hash{})
	}
	if !t.whole {
		t.roots = append(t.roots, Hash{})
		return
	}
	t.room = t.hash
	root := foldInPlace(t.room[:])
	t.roots = append(t.roots, root)
	stored, there := p.tiles[index]
	if !there {
		v.within(WrongTree, index*TileWidth, (index+1)*TileWidth, "their tile, number %d at level 0, is missing", index)
		return
	}
	if len(stored.hashes) == len(t.leaf)*len(Hash{}) {
		for i := range t.leaf {
			// Where two copies agree it is the third that was changed; a record
			// that its leaf does not fit was named already.
			kept := stored.hashes[i*len(Hash{}) : (i+1)*len(Hash{})]
			if !bytes.Equal(kept, t.leaf[i][:]) && !bytes.Equal(kept, t.hash[i][:]) {
				v.problem(WrongTree, index*TileWidth+int64(i), "", "entry %d: its leaf differs from the stored tile's", index*TileWidth+int64(i))
			}
		}
	}
	if stored.root != root && !v.sameTile(stored.root) {
		v.within(WrongTree, index*TileWidth, (index+1)*TileWidth, "their tile, number %d at level 0, has a root that does not follow from them", index)
	}
}

// sameTile reports whether root is that of the tile's stored leaves.
func (v *verifier) sameTile(root Hash) bool {
	t := &v.rows.tile
	t.room = t.leaf
	return foldInPlace(t.room[:]) == root
}

// upperTiles checks every tile above level 0 against the roots below it. There
// is one for each 65,536 entries, so all are checked whatever the range.
func (v *verifier) upperTiles() error {
	for level := 1; v.result.Checkpoint.Size>>(tileHeight*(level+1)) > 0; level++ {
		for i := range v.result.Checkpoint.Size >> (tileHeight * (level + 1)) {
			var hashes, root, below []byte
			err := v.tx.QueryRow(v.ctx, `
				select t.hashes, t.root, (select string_agg(b.root, ''::bytea order by b.idx) from tile b
					where b.ledger = $1 and b.level = $2 - 1 and b.idx >= $3 * 256 and b.idx < ($3 + 1) * 256)
				from tile t where t.ledger = $1 and t.level = $2 and t.idx = $3`, v.ledger, level, i).Scan(&hashes, &root, &below)
			span := int64(1) << (tileHeight * (level + 1))
			if err == pgx.ErrNoRows {
				v.within(WrongTree, i*span, (i+1)*span, "their tile, number %d at level %d, is missing", i, level)
				continue
			}
			if err != nil {
				return err
			}
			nodes := hashesOf(nil, hashes)
			if !bytes.Equal(hashes, below) {
				v.within(WrongTree, i*span, (i+1)*span, "their tile, number %d at level %d, does not hold the roots of the tiles below it", i, level)
			} else if r := fold(nodes); len(nodes) != TileWidth || !bytes.Equal(r[:], root) {
				v.within(WrongTree, i*span, (i+1)*span, "their tile, number %d at level %d, has a wrong root", i, level)
			}
		}
	}
	return nil
}
