package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/sealbook/sealbook/audit"
)

// AnchorSummary says how far a ledger is vouched for by a place outside. What
// comes after rests on the operator's word and on what receipt holders keep.
type AnchorSummary struct {
	Through          *int64  `json:"through_seq"`   // the last entry that an anchored checkpoint covers; null when none does
	RegistrySize     *int64  `json:"registry_size"` // of the registry's checkpoint that is anchored
	AnchoredAt       *string `json:"anchored_at"`
	OperatorAttested int64   `json:"operator_attested_entries"`
	Reason           string  `json:"reason,omitempty"` // why through_seq is null
}

const selectAnchored = `
	select r.size, x.seq
	from registration r join ledger l on l.id = r.ledger
	join external_id x on x.ledger = $2 and x.external_id = 'checkpoint ' || l.origin || ' ' || r.size
	where r.ledger = $1 and r.size > 0 and r.size <= $4 and x.seq < $3
	order by r.size desc limit 1`

// Anchored tells how much of a ledger's tree of size entries is covered by the
// registry's checkpoint of registered entries, which was anchored at a time; 0
// registered entries mean that nothing was.
func (l *Log) Anchored(ctx context.Context, ledger int32, size, registered int64, at time.Time) (s AnchorSummary, err error) {
	s.OperatorAttested = size
	if registered == 0 {
		s.Reason = "no checkpoint of the registry is anchored outside"
		return s, nil
	}
	when := audit.FormatTime(at)
	s.RegistrySize, s.AnchoredAt = &registered, &when
	covered, _, err := l.covered(ctx, ledger, registered, math.MaxInt64)
	if audit.CodeOf(err) == audit.NotFound {
		s.Reason = "the checkpoint that is anchored is older than this ledger's first"
		return s, nil
	}
	if err != nil {
		return s, err
	}
	through := min(covered, size) - 1
	s.Through, s.OperatorAttested = &through, size-through-1
	return s, nil
}

// covered finds the newest checkpoint of a ledger, of at most size entries, that
// the registry's first registered entries hold, and the entry that holds it.
// Returns NotFound when there is none.
func (l *Log) covered(ctx context.Context, ledger int32, registered, size int64) (covered, seq int64, err error) {
	// Registry and ledger are read together, as the committer's role sees them.
	err = l.writes.QueryRow(ctx, selectAnchored, ledger, Registry, registered, size).Scan(&covered, &seq)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, 0, audit.Errorf(audit.NotFound, "the registry's first %d entries hold no checkpoint of this ledger of at most %d entries", registered, size)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("find the registered checkpoint: %w", err)
	}
	return covered, seq, nil
}

// Registered is the registry's word on a ledger: the entry that holds a
// checkpoint of it, and the proof that this entry is in a published checkpoint
// of the registry.
type Registered struct {
	Size  int64 // of the ledger's tree
	Entry Row   // of the registry
	Proof Proof // its checkpoint is the note as it was published
}

// ProveRegistered proves what the registry's published checkpoint of registered
// entries says of a ledger's tree of at most size entries: the newest that it
// covers. Returns NotFound when it covers none, and Tampered when the registry
// is not what was published.
func (l *Log) ProveRegistered(ctx context.Context, ledger int32, registered, size int64) (r Registered, err error) {
	var seq int64
	if r.Size, seq, err = l.covered(ctx, ledger, registered, size); err != nil {
		return r, err
	}
	published, err := l.PublicationOf(ctx, registered)
	if audit.CodeOf(err) == audit.NotFound {
		err = audit.Errorf(audit.Tampered, "the registry's checkpoint of %d entries is anchored, and was never published", registered)
	}
	if err != nil {
		return r, err
	}
	if r.Entry, err = l.Row(ctx, Registry, seq); err != nil {
		return r, err
	}
	r.Proof = Proof{Index: seq, Checkpoint: published.Note}
	err = l.read(ctx, Registry, func(tx pgx.Tx) error {
		r.Proof.Hashes, err = tlog.ProveRecord(published.Size, seq, newNodes(ctx, tx, Registry, published.Size))
		return err
	})
	if err != nil {
		return r, fmt.Errorf("prove entry %d of the registry: %w", seq, err)
	}
	if err := r.Proof.CheckUnder(published.Checkpoint, r.Entry.Leaf); err != nil {
		return r, audit.Errorf(audit.Tampered, "the registry is not the one that was published: %v", err)
	}
	return r, nil
}

// RegisteredCheckpoint reads what an entry of the registry says of a ledger:
// the checkpoint that it holds. Returns Tampered when the row does not hash to
// its record, and an error when it is another kind of entry.
func (r *Row) RegisteredCheckpoint() (c Checkpoint, err error) {
	if _, err := r.Check(); err != nil {
		return c, err
	}
	entry, err := r.Entry()
	if err != nil {
		return c, err
	}
	if entry.Type != CheckpointTaken {
		return c, fmt.Errorf("entry %d of the registry is a %s, not a %s", r.Seq, entry.Type, CheckpointTaken)
	}
	if c, err = checkpointIn(&entry); err != nil {
		return c, fmt.Errorf("entry %d of the registry does not hold a checkpoint: %w", r.Seq, err)
	}
	return c, nil
}

// checkpointIn reads what checkpointTaken wrote.
func checkpointIn(e *audit.Entry) (c Checkpoint, err error) {
	c.Origin = e.Details.String("origin")
	number, _ := e.Details["size"].(json.Number)
	if c.Size, err = number.Int64(); err != nil {
		return c, err
	}
	c.Root, err = decodeHash(e.Details.String("root"))
	return c, err
}
