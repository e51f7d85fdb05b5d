package ledger

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sealbook/sealbook/audit"
)

// Config is what a Log needs.
type Config struct {
	Database string      // connection URL of the application's login
	Key      *SigningKey // signs checkpoints; nil opens the ledgers for reading alone
	Origin   string      // of the registry, and prefix of every ledger's, such as "ledger.example"
	Clock    audit.Clock
	Logger   *slog.Logger

	// SignerState is the file that says what was last signed of the registry.
	// All processes must see the same file, and no backup of the database may
	// take it along. Needed with Key.
	SignerState string

	QueueSize  int           // submissions that may wait; 0 is DefaultQueueSize
	BatchSize  int           // entries of one transaction; 0 is DefaultBatchSize
	ReadConns  int32         // 0 is DefaultReadConns
	OutcomeFor time.Duration // how long to find out about a lost commit; 0 is DefaultOutcomeFor

	PublishEvery time.Duration // between two rounds of RunPublisher; 0 is DefaultPublishEvery

	skipRollups bool          // set by the benchmark that tells what they cost
	IndexEvery  time.Duration // between two rounds of RunIndexer; 0 is DefaultIndexEvery

	SearchTimeout time.Duration // of the database's work on one search or count of evidence; 0 is DefaultSearchTimeout
	SearchWork    int64         // rows of the text index that one search reads, about; 0 is DefaultSearchWork
}

// Limits of appending.
const (
	DefaultQueueSize  = 4096
	DefaultBatchSize  = 512
	DefaultReadConns  = 16
	DefaultOutcomeFor = 30 * time.Second
	MaxBulk           = 1000 // events of one submission
)

func (c *Config) setDefaults() error {
	if c.Key != nil && c.SignerState == "" {
		return fmt.Errorf("a ledger that signs needs the file of its signer state")
	}
	if err := checkOrigin(c.Origin); err != nil {
		return err
	}
	if c.Clock == nil {
		return fmt.Errorf("the ledger needs a clock")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.QueueSize == 0 {
		c.QueueSize = DefaultQueueSize
	}
	if c.BatchSize == 0 {
		c.BatchSize = DefaultBatchSize
	}
	if c.ReadConns == 0 {
		c.ReadConns = DefaultReadConns
	}
	if c.OutcomeFor == 0 {
		c.OutcomeFor = DefaultOutcomeFor
	}
	if c.PublishEvery == 0 {
		c.PublishEvery = DefaultPublishEvery
	}
	if c.IndexEvery == 0 {
		c.IndexEvery = DefaultIndexEvery
	}
	if c.SearchTimeout == 0 {
		c.SearchTimeout = DefaultSearchTimeout
	}
	if c.SearchWork == 0 {
		c.SearchWork = DefaultSearchWork
	}
	return nil
}

// openPool makes a pool whose every connection has taken on role.
func openPool(ctx context.Context, url, role string, conns int32) (*pgxpool.Pool, error) {
	c, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("database URL: %w", err)
	}
	c.MaxConns = conns
	c.ConnConfig.RuntimeParams["timezone"] = "UTC"
	c.ConnConfig.RuntimeParams["application_name"] = role
	if role == "sealbook_committer" {
		// The committer looks up rows by their keys and nothing else. Before a
		// growing table is analyzed, Postgres takes it for small and would read
		// all of it for every batch.
		for _, off := range []string{"enable_seqscan", "enable_hashjoin", "enable_mergejoin"} {
			c.ConnConfig.RuntimeParams[off] = "off"
		}
	}
	c.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "set role "+pgx.Identifier{role}.Sanitize())
		return err
	}
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("connect as %s: %w", role, err)
	}
	return pool, nil
}

// checkDurability refuses a database that acknowledges what it can lose: an
// acknowledgement of ours would then be a lie.
func checkDurability(ctx context.Context, pool *pgxpool.Pool) error {
	for _, name := range []string{"fsync", "full_page_writes", "synchronous_commit"} {
		var value string
		if err := pool.QueryRow(ctx, "select current_setting($1)", name).Scan(&value); err != nil {
			return fmt.Errorf("read setting %s: %w", name, err)
		}
		if value == "off" {
			return fmt.Errorf("the database has %s = %s: it could lose entries that were acknowledged", name, value)
		}
	}
	var version int32
	if err := pool.QueryRow(ctx, "select version from schema_version").Scan(&version); err != nil {
		return fmt.Errorf("read schema version (run sealbook migrate): %w", err)
	}
	if version < SchemaVersion() {
		return fmt.Errorf("the database has schema version %d, this program needs %d: run sealbook migrate", version, SchemaVersion())
	}
	return nil
}
