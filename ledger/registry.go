package ledger

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// Registry is the number of the ledger of the ledgers. It is under the
// installation's own origin, and its entries name every organisation's ledger,
// the signing keys and, within a second, every checkpoint: whoever holds a
// checkpoint of the registry can tell when any ledger was cut, rewritten or
// removed. Only its checkpoints are anchored outside.
const Registry int32 = 0

// registryName stands for an organisation where the registry has none.
const registryName = "registry"

// Types of the registry's entries. Their details hold public facts alone.
const (
	LedgerCreated   = "registry.ledger_created" // origin, genesis
	CheckpointTaken = "registry.checkpoint"     // origin, size, root
	KeyAdded        = "registry.key_added"      // key, introduction
	KeyRetired      = "registry.key_retired"    // key, retired_at
	ExportIssued    = "registry.export_issued"  // origin, export_id, digest, size_bytes
	StateAdopted    = "registry.signer_adopted" // size, root
	SubjectErased   = "registry.subject_erased" // origin, erasure_id, digest, entries, fields
)

// registryEvent is an event of the registry. key makes it happen once.
func registryEvent(eventType, key string, details audit.Object) audit.Event {
	return audit.Event{
		Type: eventType, Class: audit.ClassSystem, Severity: audit.SeverityLow, ExternalID: key,
		Actor: audit.Object{"type": "system", "id": "sealbook"}, Details: details,
	}
}

func creation(g *Genesis) audit.Event {
	return registryEvent(LedgerCreated, "ledger "+g.Origin, audit.Object{"origin": g.Origin, "genesis": string(g.Encode())})
}

func checkpointTaken(c Checkpoint) audit.Event {
	return registryEvent(CheckpointTaken, checkpointKey(c.Origin, c.Size), audit.Object{"origin": c.Origin, "size": c.Size, "root": encodeHash(c.Root)})
}

// checkpointKey is the external id of the registry's entry about a checkpoint.
func checkpointKey(origin string, size int64) string {
	return fmt.Sprintf("checkpoint %s %d", origin, size)
}

// RecordExport notes in the registry that an organisation's package was
// published. Doing so again has no effect.
func (l *Log) RecordExport(ctx context.Context, origin, exportID string, a audit.Artifact) error {
	return l.register(ctx, registryEvent(ExportIssued, "export "+exportID, audit.Object{
		"origin": origin, "export_id": exportID, "digest": a.Digest, "size_bytes": a.Size,
	}), nil)
}

// RecordErasure notes in the registry that a subject was erased from an
// organisation's ledger: the certificate's digest, and how much. Doing so again
// has no effect.
func (l *Log) RecordErasure(ctx context.Context, origin string, id audit.ErasureID, digest string, c *audit.ErasureCounts) error {
	return l.register(ctx, registryEvent(SubjectErased, "erasure "+string(id), audit.Object{
		"origin": origin, "erasure_id": id, "digest": digest, "entries": c.Entries, "fields": c.Fields,
	}), nil)
}

// register appends one event to the registry. An event that is there already
// is success, and with does not run.
func (l *Log) register(ctx context.Context, e audit.Event, with func(context.Context, pgx.Tx) error) error {
	out, err := l.Append(ctx, Submission{Ledger: Registry, Events: []audit.Event{e}, With: with})
	if err == nil {
		err = out.Items[0].Err
	}
	if err != nil {
		return fmt.Errorf("record %s: %w", e.Type, err)
	}
	return nil
}

// openRegistry makes the registry on a new database. On another it refuses an
// origin or a signing key that the registry does not know: what they signed
// would be of no use to anyone.
func (l *Log) openRegistry(ctx context.Context) error {
	err := pgx.BeginFunc(ctx, l.writes, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock(hashtext('create ledger'))`); err != nil {
			return err
		}
		var origin string
		err := tx.QueryRow(ctx, `select origin from ledger where id = $1`, Registry).Scan(&origin)
		if errors.Is(err, pgx.ErrNoRows) {
			return l.foundRegistry(ctx, tx)
		}
		if err != nil {
			return err
		}
		if origin != l.config.Origin {
			return fmt.Errorf("this database belongs to the installation %s, not to %s", origin, l.config.Origin)
		}
		return l.checkKeys(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("open the registry: %w", err)
	}
	return nil
}

func (l *Log) foundRegistry(ctx context.Context, tx pgx.Tx) error {
	now := audit.Instant(l.config.Clock())
	g := Genesis{Origin: l.config.Origin, Key: l.config.Key.VerifierKey(l.config.Origin), CreatedAt: now}
	if err := insertLedger(ctx, tx, Registry, registryName, &g); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `insert into signing_key (public, added_at) values ($1, $2)`, []byte(l.config.Key.public()), now)
	return err
}

// checkKeys compares the keys of this process with those of the registry.
func (l *Log) checkKeys(ctx context.Context, tx pgx.Tx) error {
	for _, private := range l.config.Key.keys {
		public := private.Public().(ed25519.PublicKey)
		var retired bool
		err := tx.QueryRow(ctx, `select retired_at is not null from signing_key where public = $1`, []byte(public)).Scan(&retired)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return fmt.Errorf("the registry does not know the signing key %s: keys are added by sealbook key rotate", fingerprint(public))
		case err != nil:
			return err
		case retired:
			return fmt.Errorf("the signing key %s is retired: sealbook key retire takes it out of the key file", fingerprint(public))
		}
	}
	return nil
}

// insertLedger writes the rows of a new, empty ledger.
func insertLedger(ctx context.Context, tx pgx.Tx, id int32, organisation string, g *Genesis) error {
	empty, err := NewTree(0, nil)
	if err != nil {
		return err
	}
	root, err := empty.Root()
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `insert into ledger (id, organisation, origin, genesis, created_at) values ($1, $2, $3, $4, $5)`,
		id, organisation, g.Origin, string(g.Encode()), g.CreatedAt); err != nil {
		return err
	}
	hash := g.Hash()
	if _, err := tx.Exec(ctx, `insert into head (ledger, size, last_leaf, last_time, root, edge) values ($1, 0, $2, $3, $4, '')`,
		id, hash[:], g.CreatedAt, root[:]); err != nil {
		return err
	}
	// The first entry is recorded now or later, even if the clock is then set
	// back to before this month.
	if _, err := tx.Exec(ctx, `select ensure_payload_month($1)`, g.CreatedAt); err != nil {
		return err
	}
	if id != Registry {
		_, err = tx.Exec(ctx, `insert into registration (ledger, size) values ($1, 0)`, id)
	}
	return err
}

// registerMissing records ledgers from before there was a registry.
func (l *Log) registerMissing(ctx context.Context) error {
	rows, err := l.writes.Query(ctx, `
		select l.id, l.genesis from ledger l
		where l.id <> $1 and not exists (select from registration r where r.ledger = l.id) order by l.id`, Registry)
	if err != nil {
		return fmt.Errorf("list unregistered ledgers: %w", err)
	}
	missing, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct {
		ID      int32
		Genesis string
	}])
	if err != nil {
		return fmt.Errorf("list unregistered ledgers: %w", err)
	}
	for _, m := range missing {
		g, err := ParseGenesis([]byte(m.Genesis))
		if err != nil {
			return audit.Errorf(audit.Tampered, "ledger %d: %v", m.ID, err)
		}
		err = l.register(ctx, creation(&g), func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `insert into registration (ledger, size) values ($1, 0)`, m.ID)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
