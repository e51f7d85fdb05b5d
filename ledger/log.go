package ledger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/oklog/ulid/v2"

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
	purges *pgxpool.Pool // as sealbook_archivist
	queue  chan *pending
	done   chan struct{} // closed when the committer has ended

	// closing is held shared while a submission is queued, so that Close
	// never closes the queue under a sender.
	closing sync.RWMutex
	closed  bool
	halted  error // why nothing more is appended; guarded by closing

	state  stateFile // what was signed of the registry
	holder string    // names this Log as the holder of a lease

	// seen holds the sizes of ledgers that this process knows to be committed;
	// owned by the committer.
	seen map[int32]int64

	// months holds the partitions known to exist; owned by the committer.
	months map[time.Time]bool
}

// Open connects, refuses a database that is not durable, not migrated, of
// another installation or behind what was published (Tampered), and starts the
// committer.
func Open(ctx context.Context, c Config) (*Log, error) {
	if err := c.setDefaults(); err != nil {
		return nil, err
	}
	// One connection commits, one finds out what became of a lost commit, one
	// indexes, and the rest serve the jobs' own statements.
	writes, err := openPool(ctx, c.Database, "sealbook_committer", 5)
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
	purges, err := openPool(ctx, c.Database, "sealbook_archivist", 1)
	if err != nil {
		writes.Close()
		reads.Close()
		return nil, err
	}
	l := &Log{
		config: c, writes: writes, reads: reads, purges: purges,
		queue: make(chan *pending, c.QueueSize), done: make(chan struct{}), months: map[time.Time]bool{},
		state: stateFile{c.SignerState}, holder: ulid.Make().String(), seen: map[int32]int64{},
	}
	if err := l.start(ctx); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// start makes the log ready to append, if it has a key.
func (l *Log) start(ctx context.Context) error {
	if l.config.Key == nil {
		l.halted = audit.Errorf(audit.InvalidState, "the ledgers are open for reading alone")
		close(l.done)
		return nil
	}
	err := l.openRegistry(ctx)
	if err == nil {
		err = l.guard(ctx)
	}
	if err != nil {
		close(l.done)
		return err
	}
	go l.commitLoop()
	return l.registerMissing(ctx)
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
	l.purges.Close()
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

// Create makes an organisation's ledger, or returns the one it has. The
// registry's entry about it commits with it.
func (l *Log) Create(ctx context.Context, organisation audit.OrganisationID) (Descriptor, error) {
	d, err := l.descriptorOf(ctx, organisation)
	if audit.CodeOf(err) != audit.NotFound {
		return d, err
	}
	origin := l.config.Origin + "/" + string(organisation)
	if err := checkOrigin(origin); err != nil {
		return d, audit.Errorf(audit.ValidationFailed, "organisation id: %w", err)
	}
	g := Genesis{Origin: origin, Key: l.Key(origin), CreatedAt: audit.Instant(l.config.Clock())}
	err = l.register(ctx, creation(&g), func(ctx context.Context, tx pgx.Tx) error {
		// The registry's head is locked here, so the number stays free.
		var id int32
		if err := tx.QueryRow(ctx, `select coalesce(max(id), 0) + 1 from ledger`).Scan(&id); err != nil {
			return err
		}
		return insertLedger(ctx, tx, id, string(organisation), &g)
	})
	if err != nil && audit.CodeOf(err) != audit.ExternalIDConflict { // another process was first
		return d, fmt.Errorf("create ledger of %s: %w", organisation, err)
	}
	return l.descriptorOf(ctx, organisation)
}

func (l *Log) descriptorOf(ctx context.Context, organisation audit.OrganisationID) (d Descriptor, err error) {
	var text string
	err = l.writes.QueryRow(ctx, `select id, genesis from ledger where organisation = $1`, organisation).Scan(&d.ID, &text)
	if errors.Is(err, pgx.ErrNoRows) {
		return d, audit.Errorf(audit.NotFound, "%s has no ledger", organisation)
	}
	if err != nil {
		return d, fmt.Errorf("read ledger of %s: %w", organisation, err)
	}
	d.Genesis, err = ParseGenesis([]byte(text))
	return d, err
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
	// One round trip instead of two: the number needs no quoting.
	options := pgx.TxOptions{BeginQuery: fmt.Sprintf(`begin isolation level repeatable read, read only; set local sealbook.ledger = '%d'`, ledger)}
	tx, err := l.reads.BeginTx(ctx, options)
	if err != nil && ctx.Err() == nil {
		// The database was restarted, and every idle connection is dead. Nothing
		// was read yet.
		l.reads.Reset()
		tx, err = l.reads.BeginTx(ctx, options)
	}
	if err != nil {
		return err
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) // there is nothing to commit
	return do(tx)
}

// readOnce runs queries that do not need each other's answers in one read-only
// snapshot that sees one ledger's rows only, and in one round trip. Their
// functions may be called a second time and begin anew then.
func (l *Log) readOnce(ctx context.Context, ledger int32, queries *pgx.Batch) error {
	send := func() error {
		all := &pgx.Batch{}
		all.Queue(`begin isolation level repeatable read, read only`)
		all.Queue(`select set_config('sealbook.ledger', $1, true)`, fmt.Sprint(ledger))
		for _, q := range queries.QueuedQueries { // copies: the driver notes in them how its connection knows them
			all.QueuedQueries = append(all.QueuedQueries, &pgx.QueuedQuery{SQL: q.SQL, Arguments: q.Arguments, Fn: q.Fn})
		}
		all.Queue(`commit`)
		return l.reads.SendBatch(ctx, all).Close()
	}
	err := send()
	if err != nil && ctx.Err() == nil && lost(err) {
		// The database was restarted, and every idle connection is dead.
		l.reads.Reset()
		err = send()
	}
	return err
}

// lost reports whether an error is of the connection, or of a server that ends
// it (SQLSTATE 57P), and not of what was asked.
func lost(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return strings.HasPrefix(pg.Code, "57P") || strings.HasPrefix(pg.Code, "08")
	}
	var network net.Error
	return pgconn.SafeToRetry(err) || errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
