package ledger

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sealbook/sealbook/audit"
)

// Log is the ledgers of every organisation, open for appending and reading.
// One goroutine, the committer, writes: whatever queued while the last
// transaction committed goes into the next, so one caller waits for one commit
// and many share it. Several processes may each have a Log on one database;
// the head rows' locks order them.
type Log struct {
	config Config
	writes *pgxpool.Pool // as sealbook_committer
	reads  *pgxpool.Pool // as sealbook_reader
	queue  chan *pending
	done   chan struct{} // closed when the committer has ended

	// closing is held shared while a submission is queued, so that Close
	// never closes the queue under a sender.
	closing sync.RWMutex
	closed  bool

	// months holds the partitions known to exist; owned by the committer.
	months map[time.Time]bool
}

// Open connects, refuses a database that is not durable or not migrated, and
// starts the committer.
func Open(ctx context.Context, c Config) (*Log, error) {
	if err := c.setDefaults(); err != nil {
		return nil, err
	}
	// One connection commits, one finds out what became of a lost commit, and
	// the rest serve the jobs' own statements.
	writes, err := openPool(ctx, c.Database, "sealbook_committer", 4)
	if err != nil {
		return nil, err
	}
	if err := checkDurability(ctx, writes); err != nil {
		writes.Close()
		return nil, err
	}
	reads, err := openPool(ctx, c.Database, "sealbook_reader", c.ReadConns)
	if err != nil {
		writes.Close()
		return nil, err
	}
	l := &Log{
		config: c, writes: writes, reads: reads,
		queue: make(chan *pending, c.QueueSize), done: make(chan struct{}), months: map[time.Time]bool{},
	}
	go l.commitLoop()
	return l, nil
}

// Close takes no more submissions, commits those that were taken, and
// disconnects.
func (l *Log) Close() {
	l.closing.Lock()
	if l.closed {
		l.closing.Unlock()
		return
	}
	l.closed = true
	close(l.queue)
	l.closing.Unlock()
	<-l.done
	l.writes.Close()
	l.reads.Close()
}

// Ping reports whether the database answers.
func (l *Log) Ping(ctx context.Context) error {
	if err := l.reads.Ping(ctx); err != nil {
		return audit.Errorf(audit.Unavailable, "the database does not answer: %w", err)
	}
	return nil
}

// Descriptor identifies one ledger.
type Descriptor struct {
	ID      int32
	Genesis Genesis
}

// Create makes an organisation's ledger, or returns the one it has.
func (l *Log) Create(ctx context.Context, organisation audit.OrganisationID) (Descriptor, error) {
	origin := l.config.Origin + "/" + string(organisation)
	g := Genesis{Origin: origin, Key: l.config.Key.VerifierKey(origin), CreatedAt: audit.Instant(l.config.Clock())}
	var d Descriptor
	err := pgx.BeginFunc(ctx, l.writes, func(tx pgx.Tx) error {
		// Ledgers are numbered inside this lock; two processes may create one.
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock(hashtext('create ledger'))`); err != nil {
			return err
		}
		var id int32
		var text string
		err := tx.QueryRow(ctx, `select id, genesis from ledger where organisation = $1`, organisation).Scan(&id, &text)
		if err == nil {
			d.ID = id
			d.Genesis, err = ParseGenesis([]byte(text))
			return err
		}
		if err != pgx.ErrNoRows {
			return err
		}
		if err := checkOrigin(origin); err != nil {
			return audit.Errorf(audit.ValidationFailed, "organisation id: %w", err)
		}
		empty, err := NewTree(0, nil)
		if err != nil {
			return err
		}
		root, err := empty.Root()
		if err != nil {
			return err
		}
		hash := g.Hash()
		if err := tx.QueryRow(ctx, `
			insert into ledger (id, organisation, origin, genesis, created_at)
			select coalesce(max(id), 0) + 1, $1, $2, $3, $4 from ledger
			returning id`, organisation, origin, string(g.Encode()), g.CreatedAt).Scan(&d.ID); err != nil {
			return err
		}
		d.Genesis = g
		_, err = tx.Exec(ctx, `
			insert into head (ledger, size, last_leaf, last_time, root, edge)
			values ($1, 0, $2, $3, $4, '')`, d.ID, hash[:], g.CreatedAt, root[:])
		return err
	})
	if err != nil {
		return d, fmt.Errorf("create ledger of %s: %w", organisation, err)
	}
	return d, nil
}

// Descriptor returns a ledger's identity, or NotFound.
func (l *Log) Descriptor(ctx context.Context, ledger int32) (Descriptor, error) {
	d := Descriptor{ID: ledger}
	var text string
	err := l.read(ctx, ledger, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select genesis from ledger where id = $1`, ledger).Scan(&text)
	})
	if err == pgx.ErrNoRows {
		return d, audit.Errorf(audit.NotFound, "there is no ledger %d", ledger)
	}
	if err != nil {
		return d, fmt.Errorf("read ledger %d: %w", ledger, err)
	}
	d.Genesis, err = ParseGenesis([]byte(text))
	return d, err
}

// Ledgers lists all ledgers, for verification of a whole database.
func (l *Log) Ledgers(ctx context.Context) ([]int32, error) {
	rows, err := l.writes.Query(ctx, `select id from ledger order by id`)
	if err != nil {
		return nil, fmt.Errorf("list ledgers: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[int32])
}

// read runs do in one read-only snapshot that sees one ledger's rows only.
func (l *Log) read(ctx context.Context, ledger int32, do func(pgx.Tx) error) error {
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return pgx.BeginTxFunc(ctx, l.reads, options, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `select set_config('sealbook.ledger', $1, true)`, fmt.Sprint(ledger)); err != nil {
			return err
		}
		return do(tx)
	})
}
