package ledger

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// subtree is a complete, aligned subtree: the leaves
// [index<<level, (index+1)<<level).
type subtree struct {
	level int
	index int64
}

func (s subtree) stored() int64 { return tlog.StoredHashIndex(s.level, s.index) }

// subtrees returns the fewest complete subtrees that cover the leaves
// [first, end), from left to right: at most 2·log2(end) of them.
func subtrees(first, end int64) (cover []subtree) {
	for first < end {
		level := bits.TrailingZeros64(uint64(first))
		if most := bits.Len64(uint64(end-first)) - 1; first == 0 || level > most {
			level = most
		}
		cover = append(cover, subtree{level, first >> level})
		first += 1 << level
	}
	return cover
}

// Tree is the growing right edge of a Merkle tree (RFC 6962): all that is
// needed to append and to prove what was appended through it, without reading
// what came before. It is not safe for concurrent use.
type Tree struct {
	size  int64
	nodes map[int64]Hash // by tlog's stored hash index
}

// NewTree continues a tree of size leaves from its edge, the roots of the
// complete subtrees that cover it, from left to right.
func NewTree(size int64, edge []Hash) (*Tree, error) {
	cover := subtrees(0, size)
	if len(cover) != len(edge) {
		return nil, fmt.Errorf("a tree of %d leaves has %d hashes on its edge, not %d", size, len(cover), len(edge))
	}
	t := &Tree{size: size, nodes: make(map[int64]Hash, 2*len(edge))}
	for i, s := range cover {
		t.nodes[s.stored()] = edge[i]
	}
	return t, nil
}

// Size is the number of leaves.
func (t *Tree) Size() int64 { return t.size }

// Append adds a leaf.
func (t *Tree) Append(leaf Hash) error {
	hashes, err := tlog.StoredHashesForRecordHash(t.size, leaf, t)
	if err != nil {
		return fmt.Errorf("append leaf %d: %w", t.size, err)
	}
	at := tlog.StoredHashIndex(0, t.size)
	for i, h := range hashes {
		t.nodes[at+int64(i)] = h
	}
	t.size++
	return nil
}

// Trim forgets every node that no later append or root needs, so that a long
// stream of appends takes constant memory.
func (t *Tree) Trim() {
	keep := make(map[int64]Hash, 64)
	for _, s := range subtrees(0, t.size) {
		keep[s.stored()] = t.nodes[s.stored()]
	}
	t.nodes = keep
}

// Edge returns what NewTree continues from.
func (t *Tree) Edge() []Hash {
	cover := subtrees(0, t.size)
	edge := make([]Hash, len(cover))
	for i, s := range cover {
		edge[i] = t.nodes[s.stored()]
	}
	return edge
}

// Root returns the Merkle tree hash.
func (t *Tree) Root() (Hash, error) { return tlog.TreeHash(t.size, t) }

// Prove returns the inclusion proof of a leaf that was appended through t.
func (t *Tree) Prove(seq int64) ([]Hash, error) { return tlog.ProveRecord(t.size, seq, t) }

// ReadHashes implements tlog.HashReader.
func (t *Tree) ReadHashes(indexes []int64) ([]Hash, error) {
	out := make([]Hash, len(indexes))
	for i, n := range indexes {
		h, ok := t.nodes[n]
		if !ok {
			return nil, errors.New("the hash lies left of the tree's edge")
		}
		out[i] = h
	}
	return out, nil
}

// RangeProof ties the leaves [First, End) to the tree of Size leaves: an
// offline verifier holds the range in full and the rest of the tree as at most
// 2·log2(Size) hashes.
type RangeProof struct {
	First int64  // of the range
	End   int64  // one past the range's last
	Size  int64  // of the tree
	Left  []Hash // roots of the subtrees that cover [0, First)
	Right []Hash // what covers [End, Size); see rightSide
}

// RangeRoot recomputes the tree's root while leaves stream through it, in
// constant memory.
type RangeRoot struct {
	proof RangeProof
	stack nodeStack
}

// NewRangeRoot checks the proof's shape.
func NewRangeRoot(p RangeProof) (*RangeRoot, error) {
	if p.First < 0 || p.First > p.End || p.End > p.Size {
		return nil, fmt.Errorf("the range [%d,%d) is not in a tree of %d", p.First, p.End, p.Size)
	}
	if err := checkRight(p.Right, p.End, p.Size); err != nil {
		return nil, err
	}
	if want := len(subtrees(0, p.First)); len(p.Left) != want {
		return nil, fmt.Errorf("the range proof has %d hashes on its left, not %d", len(p.Left), want)
	}
	r := &RangeRoot{proof: p}
	r.stack.pushAll(subtrees(0, p.First), p.Left)
	return r, nil
}

// Add takes the next leaf of the range.
func (r *RangeRoot) Add(leaf Hash) error {
	if r.stack.size >= r.proof.End {
		return fmt.Errorf("more leaves than the range [%d,%d) holds", r.proof.First, r.proof.End)
	}
	r.stack.push(0, leaf)
	return nil
}

// Root returns the root that the range and the proof lead to.
func (r *RangeRoot) Root() (Hash, error) {
	if r.stack.size != r.proof.End {
		return Hash{}, fmt.Errorf("the range ends at %d, not at %d", r.stack.size, r.proof.End)
	}
	whole := r.stack.clone()
	if err := whole.join(r.proof.Right, r.proof.Size); err != nil {
		return Hash{}, err
	}
	return whole.root(), nil
}

// nodeStack is a tree's right edge as a stack: complete subtrees join it as
// bits join a binary counter, where equal levels merge.
type nodeStack struct {
	size  int64 // leaves
	nodes []node
}

type node struct {
	level int
	hash  Hash
}

// push adds the root of the next complete subtree, whose first leaf is at size.
func (s *nodeStack) push(level int, hash Hash) {
	s.size += 1 << level
	n := node{level, hash}
	for last := len(s.nodes) - 1; last >= 0 && s.nodes[last].level == n.level; last-- {
		n = node{n.level + 1, tlog.NodeHash(s.nodes[last].hash, n.hash)}
		s.nodes = s.nodes[:last]
	}
	s.nodes = append(s.nodes, n)
}

func (s *nodeStack) pushAll(cover []subtree, hashes []Hash) {
	for i, c := range cover {
		s.push(c.level, hashes[i])
	}
}

func (s *nodeStack) clone() *nodeStack {
	return &nodeStack{s.size, append(make([]node, 0, len(s.nodes)+1), s.nodes...)}
}

// root returns the Merkle tree hash of all leaves.
func (s *nodeStack) root() Hash {
	if len(s.nodes) == 0 {
		return sha256.Sum256(nil)
	}
	last := len(s.nodes) - 1
	root := s.nodes[last].hash
	for i := last - 1; i >= 0; i-- {
		root = tlog.NodeHash(s.nodes[i].hash, root)
	}
	return root
}
