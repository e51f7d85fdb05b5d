package ledger

import (
	"fmt"

	"github.com/jackc/pgx/v5"
)

// blameCheckpoints reports the stored checkpoints that nothing later confirmed:
// the entries lead to the last that held, and not to the next.
func (v *verifier) blameCheckpoints() {
	if s := &v.points; len(s.failed) > 0 {
		v.rewritten(WrongTree, s.held, s.failed[0].size)
	}
}

// rewritten reports the entries [first, end) when nothing that is stored tells
// which of them were changed.
func (v *verifier) rewritten(kind ProblemKind, first, end int64) {
	v.within(kind, first, end, "every copy was rewritten; the smallest range with a trusted hash")
}

// locate names what was changed among the first size entries, given a root that
// outranks what is stored and that the entries do not lead to. It looks for a
// stored copy of the upper tree that leads there, and descends in it only into
// subtrees that the entries do not lead to. Without one, what is left to say is
// that something among the entries [held, end) was changed.
func (v *verifier) locate(size int64, root Hash, held, end int64, kind ProblemKind) error {
	cover := subtrees(0, size)
	var copies [][]Hash
	nodes, err := v.nodes.cover(0, size)
	switch {
	case err == nil:
		copies = append(copies, nodes)
	case !damaged(err):
		return err
	}
	if size == v.result.Checkpoint.Size && v.head.edge() != nil {
		copies = append(copies, v.head.edgeHashes)
	}
	for _, c := range copies {
		var tree nodeStack
		if tree.pushAll(cover, c); tree.root() != root {
			continue
		}
		for i, s := range cover {
			if err := v.descend(s, c[i], kind); err != nil {
				return err
			}
		}
		return nil
	}
	if held < end {
		v.rewritten(kind, held, end)
	}
	return nil
}

// descend is given the hash that a subtree must have.
func (v *verifier) descend(s subtree, want Hash, kind ProblemKind) error {
	first, end := s.index<<s.level, (s.index+1)<<s.level
	if end <= v.result.First || first >= v.result.End {
		return nil
	}
	if got, ok, err := v.recomputed(s); err != nil || ok && got == want {
		return err
	}
	if s.level == 0 {
		if !v.named[first] {
			v.problem(kind, first, "", "entry %d: record and leaf were rewritten; the tree was signed over the leaf %s", first, FormatHash(want))
		}
		return nil
	}
	below := (s.level - 1) / tileHeight * tileHeight
	children, err := v.nodes.below(s, below)
	if err != nil || fold(children) != want {
		v.rewritten(kind, first, end)
		return nil //nolint:nilerr // what cannot be read has no hash
	}
	for i, child := range children {
		if err := v.descend(subtree{below, s.index<<(s.level-below) + int64(i)}, child, kind); err != nil {
			return err
		}
	}
	return nil
}

// recomputed returns the hash that the records of a subtree lead to, unless
// they are not all there and in the range.
func (v *verifier) recomputed(s subtree) (h Hash, ok bool, err error) {
	first, end := s.index<<s.level, (s.index+1)<<s.level
	if first < v.result.First || end > v.result.End {
		return h, false, nil
	}
	if s.level >= tileHeight {
		t := &v.rows.tile
		from := first/TileWidth - t.firstOfRoots
		roots := t.roots[from : from+(end-first)/TileWidth]
		for _, r := range roots {
			if r == (Hash{}) {
				return h, false, nil
			}
		}
		return fold(roots), true, nil
	}
	leaves, err := v.recordHashes(first / TileWidth)
	if err != nil {
		return h, false, err
	}
	leaves = leaves[first%TileWidth:][:end-first]
	for _, l := range leaves {
		if l == (Hash{}) {
			return h, false, nil
		}
	}
	return fold(leaves), true, nil
}

// recordHashes returns what the records of a tile hash to; zero where one is
// missing.
func (v *verifier) recordHashes(tile int64) ([]Hash, error) {
	if h := v.records[tile]; h != nil {
		return h, nil
	}
	rows, err := v.tx.Query(v.ctx, `select seq, record from entry where ledger = $1 and seq >= $2 and seq < $3`,
		v.ledger, tile*TileWidth, (tile+1)*TileWidth)
	if err != nil {
		return nil, fmt.Errorf("read records: %w", err)
	}
	hashes := make([]Hash, TileWidth)
	var seq int64
	var record []byte
	_, err = pgx.ForEachRow(rows, []any{&seq, &record}, func() error {
		hashes[seq%TileWidth] = LeafHash(record)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read records: %w", err)
	}
	v.records[tile] = hashes
	return hashes, nil
}
