package ledger

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/sealbook/sealbook/audit"
)

// Proofs are made in one snapshot of the stored tree and followed up to the
// checkpoint's root before anything is signed.

// ProveEntry proves that an entry is in the tree of an acknowledged checkpoint,
// of size entries or Newest. Returns NotFound when there is no such checkpoint,
// InvalidParameter when it does not cover the entry, and Tampered when the
// entry is not in the tree.
func (l *Log) ProveEntry(ctx context.Context, ledger int32, seq, size int64) (p Proof, err error) {
	var c SignedCheckpoint
	err = l.read(ctx, ledger, func(tx pgx.Tx) error {
		tree := newNodes(ctx, tx, ledger, 0)
		if c, err = acknowledged(tree, size); err != nil {
			return err
		}
		if seq < 0 || seq >= c.Size {
			return outside("size", "the checkpoint of %d entries does not cover entry %d", c.Size, seq)
		}
		var record []byte
		err := tx.QueryRow(ctx, `select record from entry where ledger = $1 and seq = $2`, ledger, seq).Scan(&record)
		if err == pgx.ErrNoRows {
			return audit.Errorf(audit.Tampered, "entry %d is missing", seq)
		}
		if err != nil {
			return err
		}
		hashes, err := tlog.ProveRecord(c.Size, seq, tree)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(hashes, c.Size, c.Root, seq, LeafHash(record)); err != nil {
			return audit.Errorf(audit.Tampered, "entry %d is not in the tree of %d entries: %v", seq, c.Size, err)
		}
		p = Proof{Index: seq, Hashes: hashes}
		return nil
	})
	if err == nil {
		err = l.sign(&c)
	}
	if err != nil {
		return Proof{}, fmt.Errorf("prove entry %d: %w", seq, err)
	}
	p.Checkpoint = c.Note
	return p, nil
}

// ProveConsistency proves that the tree of one acknowledged checkpoint is the
// start of a later one's. second may be Newest. Returns NotFound when there is
// no such checkpoint, InvalidParameter when second is the smaller, and Tampered
// when they are not of one history.
func (l *Log) ProveConsistency(ctx context.Context, ledger int32, first, second int64) (p ConsistencyProof, err error) {
	var a, b SignedCheckpoint
	err = l.read(ctx, ledger, func(tx pgx.Tx) error {
		tree := newNodes(ctx, tx, ledger, 0)
		if a, err = acknowledged(tree, first); err != nil {
			return err
		}
		if b, err = acknowledged(tree, second); err != nil {
			return err
		}
		if a.Size > b.Size {
			return outside("second", "the tree of %d entries does not go on from one of %d", b.Size, a.Size)
		}
		if a.Size == 0 {
			return audit.Errorf(audit.NotFound, "no checkpoint was acknowledged")
		}
		if p.Hashes, err = tlog.ProveTree(b.Size, a.Size, tree); err != nil {
			return err
		}
		if err := tlog.CheckTree(p.Hashes, b.Size, b.Root, a.Size, a.Root); err != nil {
			return audit.Errorf(audit.Tampered, "the tree of %d entries is not the start of that of %d: %v", a.Size, b.Size, err)
		}
		return nil
	})
	for _, c := range []*SignedCheckpoint{&a, &b} {
		if err == nil {
			err = l.sign(c)
		}
	}
	if err != nil {
		return ConsistencyProof{}, fmt.Errorf("prove consistency: %w", err)
	}
	p.First, p.Second = a.Note, b.Note
	return p, nil
}

// ProveRange proves where the leaves [first, end) stand in the tree of an
// acknowledged checkpoint, of size entries or Newest. The leaves are not part
// of it, and are not read: what stands for them is the tree. Returns NotFound
// when there is no such checkpoint, InvalidParameter when the range is empty or
// not in it, and Tampered when the parts do not lead to its root.
func (l *Log) ProveRange(ctx context.Context, ledger int32, first, end, size int64) (p SignedRange, err error) {
	var c SignedCheckpoint
	err = l.read(ctx, ledger, func(tx pgx.Tx) error {
		tree := newNodes(ctx, tx, ledger, 0)
		if c, err = acknowledged(tree, size); err != nil {
			return err
		}
		if first < 0 || first >= end || end > c.Size {
			return outside("end", "the range [%d,%d) is empty, or not in the checkpoint of %d entries", first, end, c.Size)
		}
		p.First, p.End = first, end
		if p.Left, err = tree.cover(0, first); err != nil {
			return err
		}
		if p.Right, err = tree.rightSide(end, c.Size); err != nil {
			return err
		}
		inside, err := tree.cover(first, end)
		if err != nil {
			return err
		}
		if root, err := p.root(inside, c.Size); err != nil || root != c.Root {
			return audit.Errorf(audit.Tampered, "the range [%d,%d) does not lead to the root of %d entries", first, end, c.Size)
		}
		return nil
	})
	if err == nil {
		err = l.sign(&c)
	}
	if err != nil {
		return SignedRange{}, fmt.Errorf("prove range [%d,%d): %w", first, end, err)
	}
	p.Checkpoint = c.Note
	return p, nil
}

// rightSide reads the right side of a range proof.
func (n *nodes) rightSide(end, size int64) ([]Hash, error) {
	cover, rest := rightSide(end, size)
	out := make([]Hash, 0, len(cover)+1)
	for _, c := range cover {
		h, err := n.node(c.level, c.index)
		if err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	if rest == size {
		return out, nil
	}
	last, err := n.cover(rest, size)
	if err != nil {
		return nil, err
	}
	var s nodeStack
	s.pushAll(subtrees(rest, size), last)
	return append(out, s.root()), nil
}

func outside(parameter, format string, args ...any) error {
	return audit.Errorf(audit.InvalidParameter, format, args...).With("parameter", parameter)
}
