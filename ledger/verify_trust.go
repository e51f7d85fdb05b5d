package ledger

import (
	"cmp"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/sealbook/sealbook/audit"
)

// startTrust takes the trusted checkpoints in.
func (v *verifier) startTrust() error {
	for _, c := range v.options.Trusted {
		if c.Origin != v.result.Checkpoint.Origin {
			return audit.Errorf(audit.ValidationFailed, "the trusted checkpoint is of %s, the ledger is %s", c.Origin, v.result.Checkpoint.Origin)
		}
		v.result.Trusted = append(v.result.Trusted, Trust{Checkpoint: c})
	}
	slices.SortFunc(v.result.Trusted, func(a, b Trust) int { return cmp.Compare(a.Checkpoint.Size, b.Checkpoint.Size) })
	return nil
}

// trustLeft checks the trusted checkpoints that end with or before the range:
// that the stored tree to the left of it continues them.
func (v *verifier) trustLeft() {
	if v.trees.lost {
		return
	}
	left := v.trees.byHash.root()
	for i := range v.result.Trusted {
		t := &v.result.Trusted[i]
		c := t.Checkpoint
		switch {
		case c.Size > v.result.First:
			return
		case c.Size == v.result.First, c.Size == 0:
			t.Holds = v.trees.agree(c.Root) || c.Size == 0 && c.Root == new(nodeStack).root()
		default:
			proof, err := tlog.ProveTree(v.result.First, c.Size, v.nodes)
			t.Holds = err == nil && tlog.CheckTree(proof, v.result.First, left, c.Size, c.Root) == nil
		}
	}
}

// pointTrust compares the trusted checkpoints of size entries, which the trees
// hold now.
func (v *verifier) pointTrust(size int64) {
	if v.trees.lost {
		return
	}
	for i := range v.result.Trusted {
		if t := &v.result.Trusted[i]; t.Checkpoint.Size == size {
			t.Holds = v.trees.agree(t.Checkpoint.Root)
		}
	}
}

// finishTrust reports the trusted checkpoints that do not hold. They come from
// outside, so it is the ledger that is wrong.
func (v *verifier) finishTrust() error {
	size, held := v.result.Checkpoint.Size, int64(0)
	for i := range v.result.Trusted {
		t := &v.result.Trusted[i]
		c := t.Checkpoint
		if c.Size > size {
			v.add(Problem{
				Kind: LostTail, Seq: -1, Range: &SeqRange{size, c.Size - 1},
				Message: fmt.Sprintf("entries %d to %d are missing: the trusted checkpoint covers %d", size, c.Size-1, c.Size),
			})
			continue
		}
		if c.Size > v.result.End && !v.trees.lost {
			cover := subtrees(v.result.End, c.Size)
			right, err := v.nodes.cover(v.result.End, c.Size)
			if err != nil && !damaged(err) {
				return err
			}
			t.Holds = err == nil && v.trees.agreeWith(cover, right, c.Root)
		}
		switch {
		case t.Holds:
			held = c.Size
		case v.trees.lost: // entries are missing, which was said; what they led to cannot be told
		default:
			v.general(Forked, "the trusted checkpoint of %d entries describes another tree than the one that is stored", c.Size)
			if err := v.locate(c.Size, c.Root, held, c.Size, Forked); err != nil {
				return err
			}
		}
	}
	return nil
}
