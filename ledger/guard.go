package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/sealbook/sealbook/audit"
)

// guard compares the registry with the signer state outside the database: all
// that was ever published must still be there. Returns Tampered when it is not,
// as after a restore from a backup.
func (l *Log) guard(ctx context.Context) error {
	// The state is read before the database: what is published in between is
	// then only in the database, which may be ahead. Where there was no state,
	// the very first publication can come in between; it is looked for again.
	state, err := l.state.load()
	if err != nil {
		return err
	}
	err = l.compare(ctx, state)
	if state == nil && audit.CodeOf(err) == audit.Tampered {
		if state, loadErr := l.state.load(); loadErr == nil && state != nil {
			return l.compare(ctx, state)
		}
	}
	return err
}

func (l *Log) compare(ctx context.Context, state *signerState) error {
	return l.read(ctx, Registry, func(tx pgx.Tx) error {
		var size, published int64
		err := tx.QueryRow(ctx, `select size, coalesce((select max(p.size) from publication p), -1) from head where ledger = $1`, Registry).Scan(&size, &published)
		if err != nil {
			return fmt.Errorf("read the registry's head: %w", err)
		}
		switch {
		case state == nil && published >= 0:
			return audit.Errorf(audit.Tampered,
				"the signer state %s is missing although %d entries of the registry were published: put it back, or let sealbook key adopt make it again from this database", l.state.path, published)
		case state == nil:
			return nil
		case state.origin != l.config.Origin:
			return audit.Errorf(audit.Tampered, "the signer state %s is of %s, not of %s", l.state.path, state.origin, l.config.Origin)
		case size < state.size:
			return audit.Errorf(audit.Tampered, "the registry has %d entries and was published with %d: the database was restored from an old state, or rows were removed", size, state.size)
		}
		root, err := tlog.TreeHash(state.size, newNodes(ctx, tx, Registry, size))
		if err != nil { // Tampered, if rows are missing; a lost connection says nothing of the registry
			return fmt.Errorf("read the registry's tree: %w", err)
		}
		if root != state.root {
			return audit.Errorf(audit.Tampered, "the registry's first %d entries have the root %s and were published with %s: its history was rewritten", state.size, FormatHash(root), FormatHash(state.root))
		}
		return nil
	})
}

// halt ends appending for good: nothing is signed after a contradiction.
func (l *Log) halt(cause error) {
	l.closing.Lock()
	defer l.closing.Unlock()
	if l.halted == nil {
		l.halted = cause
	}
}

// checkHead refuses a head that is behind what this process itself has seen
// committed. The guard notices a restored database within a second; this does
// before the next signature.
func (l *Log) checkHead(h *head) error {
	if seen := l.seen[h.ledger]; h.size < seen {
		return audit.Errorf(audit.Tampered, "ledger %d has %d entries and had %d: the database was put back to an old state", h.ledger, h.size, seen)
	}
	return nil
}

// AdoptState makes the signer state again from this database, when its file is
// lost; Open refuses a log that signs until then. Whoever does so vouches that
// the database is not from an old backup: what was published and is not in it
// would be contradicted. Returns InvalidState when there is a state, NotFound
// when nothing was published, Tampered when the registry is not what was.
func AdoptState(ctx context.Context, c Config) error {
	c.Key = nil // reading alone
	l, err := Open(ctx, c)
	if err != nil {
		return err
	}
	defer l.Close()
	if state, err := l.state.load(); err != nil || state != nil {
		if err == nil {
			err = audit.Errorf(audit.InvalidState, "there is a signer state: %s", l.state.path)
		}
		return err
	}
	p, err := l.Publication(ctx)
	if err != nil {
		return err
	}
	next := &signerState{origin: p.Origin, size: p.Size, root: p.Root}
	err = l.read(ctx, Registry, func(tx pgx.Tx) error {
		next.edge, err = newNodes(ctx, tx, Registry, p.Size).cover(0, p.Size)
		return err
	})
	if err != nil {
		return fmt.Errorf("read the registry's tree: %w", err)
	}
	// Parsing compares edge and root: a state that does not hold is not kept.
	if _, err := parseSignerState(next.encode()); err != nil {
		return audit.Errorf(audit.Tampered, "the registry is not what was published: %v", err)
	}
	return l.state.swap(nil, next)
}

// RecordAdoption says in the registry that the signer state was made again, and
// returns what was adopted.
func (l *Log) RecordAdoption(ctx context.Context) (Checkpoint, error) {
	state, err := l.state.load()
	if err != nil || state == nil {
		return Checkpoint{}, errors.Join(err, errors.New("there is no signer state"))
	}
	c := Checkpoint{Origin: state.origin, Size: state.size, Root: state.root}
	return c, l.register(ctx, registryEvent(StateAdopted, fmt.Sprintf("adopted %d %s", c.Size, audit.FormatTime(l.config.Clock())),
		audit.Object{"size": c.Size, "root": encodeHash(c.Root)}), nil)
}
