package ledger

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/sealbook/sealbook/audit"
)

// Receipt makes an entry's receipt again, or returns NotFound.
func (l *Log) Receipt(ctx context.Context, ledger int32, seq int64) (Receipt, error) {
	r, err := l.Receipts(ctx, ledger, []int64{seq})
	return r[seq], err
}

// reissue is an entry with the checkpoint of the batch that it came in.
type reissue struct {
	Seq    int64
	Record []byte
	Origin string
	Size   int64
	Root   []byte
}

const selectReissues = `
	select e.seq, e.record, l.origin, c.size, c.root
	from entry e join ledger l on l.id = e.ledger
	cross join lateral (select size, root from checkpoint where ledger = $1 and size > e.seq order by size limit 1) c
	where e.ledger = $1 and e.seq = any($2)`

// Receipts makes the receipts of entries again. Each proof is to the tree that
// was signed when its entry was first acknowledged, so the receipt is the same.
// Nothing is signed that does not hold: Tampered when an entry is not in the
// tree that is stored. Returns NotFound when one of them is missing.
func (l *Log) Receipts(ctx context.Context, ledger int32, seqs []int64) (map[int64]Receipt, error) {
	out := make(map[int64]Receipt, len(seqs))
	err := l.read(ctx, ledger, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectReissues, ledger, seqs)
		if err != nil {
			return err
		}
		found, err := pgx.CollectRows(rows, pgx.RowToStructByName[reissue])
		if err != nil {
			return err
		}
		var largest int64
		for _, f := range found {
			largest = max(largest, f.Size)
		}
		// What is complete in a smaller tree is the same in the largest.
		tree := newNodes(ctx, tx, ledger, largest)
		signed := map[int64][]byte{}
		for i := range found {
			if out[found[i].Seq], err = l.reissue(&found[i], tree, signed); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("make receipts again: %w", err)
	}
	for _, seq := range seqs {
		if _, ok := out[seq]; !ok {
			return nil, audit.Errorf(audit.NotFound, "there is no such entry")
		}
	}
	return out, nil
}

func (l *Log) reissue(f *reissue, tree *nodes, signed map[int64][]byte) (r Receipt, err error) {
	c := Checkpoint{Origin: f.Origin, Size: f.Size}
	if c.Root, err = hashFrom(f.Root); err != nil {
		return r, err
	}
	r = Receipt{Record: f.Record, Proof: Proof{Index: f.Seq}}
	if r.Proof.Hashes, err = tlog.ProveRecord(c.Size, f.Seq, tree); err != nil {
		return r, fmt.Errorf("prove entry %d: %w", f.Seq, err)
	}
	if err := tlog.CheckRecord(r.Proof.Hashes, c.Size, c.Root, f.Seq, LeafHash(r.Record)); err != nil {
		return r, audit.Errorf(audit.Tampered, "entry %d is not in the tree of %d entries: %v", f.Seq, c.Size, err)
	}
	if signed[c.Size] == nil {
		if signed[c.Size], err = l.config.Key.Sign(c); err != nil {
			return r, err
		}
	}
	r.Proof.Checkpoint = signed[c.Size]
	return r, nil
}
