package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/sealbook/sealbook/audit"
)

// Newest stands for the size of the newest checkpoint.
const Newest int64 = -1

// SignedCheckpoint is a checkpoint of a tree that was acknowledged to someone.
type SignedCheckpoint struct {
	Checkpoint
	CreatedAt time.Time // when the tree's last entry was recorded
	Note      []byte    // the signed note; nil in a list
}

// Checkpoint returns the checkpoint of an acknowledged size, or of Newest,
// signed. Returns NotFound for a size that no one was given a receipt of, and
// Tampered when the stored tree does not lead to the root that was.
func (l *Log) Checkpoint(ctx context.Context, ledger int32, size int64) (c SignedCheckpoint, err error) {
	err = l.read(ctx, ledger, func(tx pgx.Tx) error {
		c, err = acknowledged(newNodes(ctx, tx, ledger, 0), size)
		return err
	})
	if err == nil {
		err = l.sign(&c)
	}
	if err != nil {
		return c, fmt.Errorf("read checkpoint: %w", err)
	}
	return c, nil
}

// sign signs a checkpoint that acknowledged returned: nobody gets one that does
// not follow from what is stored, and nobody any once the log is halted.
func (l *Log) sign(c *SignedCheckpoint) (err error) {
	l.closing.RLock()
	halted := l.halted
	l.closing.RUnlock()
	if halted != nil {
		return halted
	}
	c.Note, err = l.config.Key.Sign(c.Checkpoint)
	return err
}

const selectCheckpoint = `
	select l.origin, h.size, h.root, c.size, c.root, coalesce(c.created_at, h.last_time)
	from head h join ledger l on l.id = h.ledger
	left join checkpoint c on c.ledger = $1 and c.size = case when $2::bigint < 0 then h.size else $2 end
	where h.ledger = $1`

// acknowledged reads a checkpoint, unsigned, recomputes its root from the tree
// and leaves that tree, at its present size, in n. The registry has none: its
// checkpoints are published, and signed by the publisher alone.
func acknowledged(n *nodes, size int64) (c SignedCheckpoint, err error) {
	if n.ledger == Registry {
		return c, audit.Errorf(audit.NotFound, "the registry's checkpoints are published and not made on request")
	}
	var headRoot, root []byte
	var stored *int64
	err = n.tx.QueryRow(n.ctx, selectCheckpoint, n.ledger, size).Scan(&c.Origin, &n.size, &headRoot, &stored, &root, &c.CreatedAt)
	if err == pgx.ErrNoRows {
		return c, audit.Errorf(audit.NotFound, "there is no ledger %d", n.ledger)
	}
	if err != nil {
		return c, err
	}
	switch {
	case stored != nil:
		c.Size = *stored
	case size == Newest && n.size == 0: // nothing was appended, and the empty tree is the start of every other
		root = headRoot
	case size == Newest:
		return c, audit.Errorf(audit.Tampered, "the checkpoint of the ledger's %d entries is missing", n.size)
	default:
		return c, audit.Errorf(audit.NotFound, "no checkpoint of %d entries was acknowledged", size)
	}
	if c.Size > n.size {
		return c, audit.Errorf(audit.Tampered, "a tree of %d entries was acknowledged, and %d are left", c.Size, n.size)
	}
	if c.Root, err = hashFrom(root); err != nil {
		return c, err
	}
	got, err := tlog.TreeHash(c.Size, n)
	if err != nil {
		return c, err
	}
	if got != c.Root || c.Size == n.size && string(headRoot) != string(root) {
		return c, audit.Errorf(audit.Tampered, "the stored tree of %d entries does not have the root that was acknowledged", c.Size)
	}
	c.CreatedAt = c.CreatedAt.UTC()
	return c, nil
}

// CheckpointList is a page of checkpoints.
type CheckpointList struct {
	Checkpoints []SignedCheckpoint // without notes
	NextCursor  string             // asks for the page after this one; "" when there is none
}

// Checkpoints lists the checkpoints that were acknowledged, newest first. The
// list is what is stored and nothing more: who relies on one of them asks for
// it by its size and gets it checked and signed. Returns InvalidCursor.
func (l *Log) Checkpoints(ctx context.Context, ledger int32, limit int, cursor string) (out CheckpointList, err error) {
	if limit <= 0 {
		limit = audit.DefaultPageLimit
	}
	limit = min(limit, audit.MaxPageLimit)
	var before int64 = 1<<63 - 1
	if cursor != "" {
		if before, err = parseCursor(cursor, false); err != nil {
			return out, err
		}
	}
	err = l.read(ctx, ledger, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			select l.origin, c.size, c.root, c.created_at from checkpoint c join ledger l on l.id = c.ledger
			where c.ledger = $1 and c.size < $2 order by c.size desc limit $3`, ledger, before, limit+1)
		if err != nil {
			return err
		}
		out.Checkpoints, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (c SignedCheckpoint, err error) {
			var root []byte
			if err := row.Scan(&c.Origin, &c.Size, &root, &c.CreatedAt); err != nil {
				return c, err
			}
			c.CreatedAt = c.CreatedAt.UTC()
			c.Root, err = hashFrom(root)
			return c, err
		})
		return err
	})
	if err != nil {
		return out, fmt.Errorf("list checkpoints: %w", err)
	}
	if len(out.Checkpoints) > limit {
		out.Checkpoints = out.Checkpoints[:limit]
		out.NextCursor = formatCursor(out.Checkpoints[limit-1].Size, false)
	}
	return out, nil
}
