package ledger

import (
	"context"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/sealbook/sealbook/audit"
)

// Waiting is how many submissions wait for the committer.
func (l *Log) Waiting() int { return len(l.queue) }

// Grows checks, with a consistency proof from the stored nodes, that the tree
// of a checkpoint is the beginning of the present one.
func (l *Log) Grows(ctx context.Context, ledger int32, from []Checkpoint) error {
	return l.read(ctx, ledger, func(tx pgx.Tx) error {
		var size int64
		var text []byte
		if err := tx.QueryRow(ctx, `select size, root from head where ledger = $1`, ledger).Scan(&size, &text); err != nil {
			return err
		}
		root, err := hashFrom(text)
		if err != nil {
			return err
		}
		stored := newNodes(ctx, tx, ledger, size)
		for _, c := range from {
			proof, err := tlog.ProveTree(size, c.Size, stored)
			if err != nil {
				return err
			}
			if err := tlog.CheckTree(proof, size, root, c.Size, c.Root); err != nil {
				return err
			}
		}
		return nil
	})
}

// VerifyIn verifies inside a transaction of the test, which can then be rolled
// back.
func VerifyIn(ctx context.Context, tx pgx.Tx, ledger int32, o VerifyOptions) (Verification, error) {
	return verify(ctx, tx, ledger, o)
}

// OrphansIn does the same for Orphans.
func OrphansIn(ctx context.Context, tx pgx.Tx) ([]int32, error) { return orphans(ctx, tx) }

// VerifyRegistryIn goes on from the verification of the registry's own entries.
func VerifyRegistryIn(ctx context.Context, tx pgx.Tx, v Verification) (Verification, error) {
	return verifyRegistry(ctx, tx, v)
}

// SkipRollups lets appending count nothing. Verification of such a ledger fails.
func SkipRollups(c *Config) { c.skipRollups = true }

// ParseSearch returns a query as it is looked for, and what the index alone can
// tell of it.
func ParseSearch(ctx context.Context, tx pgx.Tx, query string, fields audit.SearchFields) (strict string, loose *string, err error) {
	p, err := (&Search{Query: query, Fields: fields}).parse(ctx, tx)
	return p.query, p.loose, err
}
