package ledger

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/sealbook/sealbook/audit"
)

// Extension says whether the ledger's present tree holds an older one
// unchanged.
type Extension struct {
	Present Checkpoint
	Proof   []Hash   // RFC 6962, section 2.1.2, from the older tree to Present; nil unless it holds
	Fault   *Problem // nil if it holds
}

// Holds reports whether it was compared and the older tree is in the present
// one.
func (e *Extension) Holds() bool { return e.Proof != nil }

// Extension proves that the present tree extends one of at least one entry, or
// says why it does not. The proof is checked before it is given out. Returns
// NotFound.
func (l *Log) Extension(ctx context.Context, ledger int32, old Checkpoint) (e Extension, err error) {
	err = l.read(ctx, ledger, func(tx pgx.Tx) error {
		var root []byte
		err := tx.QueryRow(ctx, `select l.origin, h.size, h.root from head h join ledger l on l.id = h.ledger where h.ledger = $1`, ledger).
			Scan(&e.Present.Origin, &e.Present.Size, &root)
		if err == pgx.ErrNoRows {
			return audit.Errorf(audit.NotFound, "there is no ledger %d", ledger)
		}
		if err != nil {
			return err
		}
		if e.Present.Root, err = hashFrom(root); err != nil {
			return err
		}
		return e.prove(old, newNodes(ctx, tx, ledger, e.Present.Size))
	})
	if err != nil {
		return e, fmt.Errorf("prove the extension of a tree of %d entries: %w", old.Size, err)
	}
	return e, nil
}

func (e *Extension) prove(old Checkpoint, tree *nodes) error {
	switch {
	case old.Size < 1:
		return audit.Errorf(audit.ValidationFailed, "a tree of %d entries is extended by every tree", old.Size)
	case old.Size > e.Present.Size:
		e.fault(LostTail, "the ledger has %d entries, and it had %d: entries were removed, or an old copy was put back", e.Present.Size, old.Size)
		return nil
	}
	proof, err := tlog.ProveTree(e.Present.Size, old.Size, tree)
	if err != nil && !damaged(err) {
		return err
	}
	if err != nil {
		e.fault(WrongTree, "the tree cannot be read: %v", err)
		return nil
	}
	if err := tlog.CheckTree(proof, e.Present.Size, e.Present.Root, old.Size, old.Root); err != nil {
		e.fault(Forked, "the ledger's tree of %d entries does not hold the tree of %d entries with the root %s: what was written before was changed",
			e.Present.Size, old.Size, FormatHash(old.Root))
		return nil //nolint:nilerr // it is the result
	}
	e.Proof = append([]Hash{}, proof...)
	return nil
}

func (e *Extension) fault(kind ProblemKind, format string, args ...any) {
	e.Fault = &Problem{Kind: kind, Seq: -1, Message: fmt.Sprintf(format, args...)}
}
