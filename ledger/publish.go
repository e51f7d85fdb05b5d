package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/sealbook/sealbook/audit"
)

// How the registry is published. The lease is longer than a round, so that its
// holder keeps it, and short, so that another takes over soon when it dies.
const (
	DefaultPublishEvery = time.Second
	publishLease        = 5 * time.Second
	publishTimeout      = 10 * time.Second // of a round
)

// Publication is a signed checkpoint of the registry.
type Publication struct {
	Checkpoint
	Note []byte // the signed note
	At   time.Time
}

// RunPublisher records every ledger's newest checkpoint in the registry and
// publishes the registry's, every PublishEvery, until ctx ends; then once more,
// so that a stop in order leaves nothing unpublished. Of all processes the one
// that holds the lease does so; each watches that the database is not behind
// what was published. Returns Tampered when it is: the log is then halted, and
// the process should end.
func (l *Log) RunPublisher(ctx context.Context) error {
	said := ""
	ticks := time.NewTicker(l.config.PublishEvery)
	defer ticks.Stop()
	for {
		err := l.Publish(ctx)
		switch {
		case audit.CodeOf(err) == audit.Tampered:
			l.config.Logger.Error("the database contradicts what was published: nothing more is signed", "error", err)
			return err
		case err == nil:
			said = ""
		case err.Error() != said && ctx.Err() == nil:
			said = err.Error()
			l.config.Logger.Warn("the registry is not published", "error", said)
		}
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), publishTimeout)
			defer cancel()
			if err := l.Publish(last); err != nil {
				return err
			}
			return l.yieldLease(last, publisherLease)
		case <-ticks.C:
		}
	}
}

// Publish does one round. Returns Tampered, and halts the log, when the
// database contradicts the signer state.
func (l *Log) Publish(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	err := l.publish(ctx)
	if audit.CodeOf(err) == audit.Tampered {
		l.halt(err)
	}
	if err != nil {
		return fmt.Errorf("publish the registry: %w", err)
	}
	return nil
}

func (l *Log) publish(ctx context.Context) error {
	if err := l.guard(ctx); err != nil {
		return err
	}
	if mine, err := l.takeLease(ctx, publisherLease, publishLease); err != nil || !mine {
		return err
	}
	if err := l.registerCheckpoints(ctx); err != nil {
		return err
	}
	return l.signRegistry(ctx)
}

// moved is a ledger with entries since its last registered checkpoint.
type moved struct {
	Ledger int32
	Origin string
	Size   int64
	Root   []byte
}

const selectMoved = `
	select h.ledger, l.origin, h.size, h.root
	from head h join ledger l on l.id = h.ledger
	where h.ledger <> $1 and h.size > coalesce(
		(select r.size from registration r where r.ledger = h.ledger order by r.size desc limit 1), 0)
	order by h.ledger limit $2`

// registerCheckpoints appends the checkpoint of every ledger that grew since
// its last one. What grows meanwhile is for the next round.
func (l *Log) registerCheckpoints(ctx context.Context) error {
	for {
		rows, err := l.writes.Query(ctx, selectMoved, Registry, MaxBulk)
		if err != nil {
			return fmt.Errorf("find ledgers that grew: %w", err)
		}
		grown, err := pgx.CollectRows(rows, pgx.RowToStructByName[moved])
		if err != nil {
			return fmt.Errorf("find ledgers that grew: %w", err)
		}
		if len(grown) == 0 {
			return nil
		}
		if err := l.registerMoved(ctx, grown); err != nil {
			return err
		}
		if len(grown) < MaxBulk {
			return nil
		}
	}
}

const insertRegistrations = `
	insert into registration (ledger, size) select * from unnest($1::int[], $2::bigint[])
	on conflict do nothing`

func (l *Log) registerMoved(ctx context.Context, grown []moved) error {
	s := Submission{Ledger: Registry}
	var ledgers []int32
	var sizes []int64
	for _, m := range grown {
		root, err := hashFrom(m.Root)
		if err != nil {
			return audit.Errorf(audit.Tampered, "root of ledger %d: %v", m.Ledger, err)
		}
		s.Events = append(s.Events, checkpointTaken(Checkpoint{Origin: m.Origin, Size: m.Size, Root: root}))
		ledgers, sizes = append(ledgers, m.Ledger), append(sizes, m.Size)
	}
	s.With = func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, insertRegistrations, ledgers, sizes)
		return err
	}
	out, err := l.Append(ctx, s)
	if err != nil {
		return fmt.Errorf("record checkpoints: %w", err)
	}
	for i, item := range out.Items {
		if item.Status == Rejected { // there is another root under this size
			return audit.Errorf(audit.Tampered, "ledger %d had another root at %d entries: %v", ledgers[i], sizes[i], item.Err)
		}
	}
	return nil
}

// signRegistry extends the signer's own tree by the registry's new entries and
// publishes the result. The signer state moves first: if the process dies
// after it, the next round publishes the same checkpoint.
func (l *Log) signRegistry(ctx context.Context) error {
	state, err := l.state.load()
	if err != nil {
		return err
	}
	next := &signerState{origin: l.config.Origin}
	first := int64(0)
	tree, err := NewTree(0, nil)
	if err != nil {
		return err
	}
	if state != nil {
		first = state.size
		if tree, err = NewTree(state.size, state.edge); err != nil {
			return err
		}
	}
	head, _, err := l.Head(ctx, Registry)
	if err != nil {
		return err
	}
	for row, err := range l.Rows(ctx, Registry, first, head.Size) {
		if err != nil {
			return err
		}
		if _, err := row.Check(); err != nil {
			return err
		}
		if err := tree.Append(LeafHash(row.Record)); err != nil {
			return err
		}
		if tree.Size()%pageRows == 0 {
			tree.Trim()
		}
	}
	if next.root, err = tree.Root(); err != nil {
		return err
	}
	if next.root != head.Root {
		return audit.Errorf(audit.Tampered, "the registry's entries lead to the root %s at %d, its head says %s", FormatHash(next.root), head.Size, FormatHash(head.Root))
	}
	next.size, next.edge = head.Size, tree.Edge()
	if state == nil || state.size != next.size {
		if err := l.state.swap(state, next); err != nil {
			if errors.Is(err, errStateMoved) {
				return nil // the other one publishes
			}
			return err
		}
	}
	return l.insertPublication(ctx, Checkpoint{Origin: l.config.Origin, Size: next.size, Root: next.root})
}

func (l *Log) insertPublication(ctx context.Context, c Checkpoint) error {
	var there bool
	if err := l.writes.QueryRow(ctx, `select exists (select from publication where size = $1)`, c.Size).Scan(&there); err != nil || there {
		return err
	}
	note, err := l.config.Key.Sign(c)
	if err != nil {
		return err
	}
	_, err = l.writes.Exec(ctx, `insert into publication (size, root, note, created_at) values ($1, $2, $3, $4) on conflict do nothing`,
		c.Size, c.Root[:], string(note), audit.Instant(l.config.Clock()))
	if err != nil {
		return fmt.Errorf("store the publication: %w", err)
	}
	return nil
}

// Publication returns the newest published checkpoint of the registry, or
// NotFound.
func (l *Log) Publication(ctx context.Context) (p Publication, err error) {
	var note string
	err = l.read(ctx, Registry, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select note, created_at from publication order by size desc limit 1`).Scan(&note, &p.At)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return p, audit.Errorf(audit.NotFound, "no checkpoint of the registry was published yet")
	}
	if err != nil {
		return p, fmt.Errorf("read the publication: %w", err)
	}
	p.Note, p.At = []byte(note), p.At.UTC()
	p.Checkpoint, err = readCheckpoint(note)
	return p, err
}

// PublicationConsistency proves that the registry of second entries continues
// the one of first. Both must have been published.
func (l *Log) PublicationConsistency(ctx context.Context, first, second int64) (proof []Hash, err error) {
	err = l.read(ctx, Registry, func(tx pgx.Tx) error {
		proof, err = tlog.ProveTree(second, first, newNodes(ctx, tx, Registry, second))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("prove that the registry of %d entries continues that of %d: %w", second, first, err)
	}
	return proof, nil
}
