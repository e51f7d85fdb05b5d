package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/tools/common/schema"
	"go.temporal.io/server/tools/sql"
)

// connsPerStore times two stores stays far below the private Postgres' limit
// of 200, which the API, the worker and the tests share.
const connsPerStore = 20

// usePostgres keeps history and visibility in two databases, creates them when
// they are missing and brings their schemas up to this server's version. It is
// safe to repeat: a crash between two steps is finished by the next start.
func (c *devCluster) usePostgres(conf *config.Config, logger log.Logger) error {
	history, visibility := c.opts.database, c.opts.database+"_visibility"
	conf.Persistence.DefaultStore, conf.Persistence.VisibilityStore = "history", "visibility"
	conf.Persistence.DataStores = map[string]config.DataStore{
		"history":    {SQL: c.postgres(history)},
		"visibility": {SQL: c.postgres(visibility)},
	}
	for database, dir := range map[string]string{
		history:    "postgresql/v12/temporal",
		visibility: "postgresql/v12/visibility",
	} {
		if err := c.migrate(database, dir, logger); err != nil {
			return fmt.Errorf("migrate database %s: %w", database, err)
		}
	}
	return nil
}

func (c *devCluster) postgres(database string) *config.SQL {
	return &config.SQL{
		PluginName:      postgresql.PluginNamePGX,
		ConnectAddr:     c.opts.postgres,
		User:            c.opts.postgresUser,
		Password:        os.Getenv("PGPASSWORD"), // never a flag: flags are readable by every local user
		DatabaseName:    database,
		MaxConns:        connsPerStore,
		MaxIdleConns:    connsPerStore,
		MaxConnLifetime: time.Hour,
	}
}

func (c *devCluster) migrate(database, dir string, logger log.Logger) error {
	if err := sql.DoCreateDatabase(c.postgres(database), "postgres", logger); err != nil {
		return fmt.Errorf("create: %w", err)
	}
	conn, err := sql.NewConnection(c.postgres(database), logger)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()
	// The setup makes the version tables, and never lowers a version.
	setup := schema.NewSetupSchemaTask(conn, &schema.SetupConfig{InitialVersion: "0.0"}, logger)
	if err := setup.Run(); err != nil {
		return fmt.Errorf("set up schema: %w", err)
	}
	update := schema.NewUpdateSchemaTask(conn, &schema.UpdateConfig{DBName: database, SchemaName: dir}, logger)
	if err := update.Run(); err != nil {
		return fmt.Errorf("update schema: %w", err)
	}
	return nil
}

// useSQLite keeps everything in one file, or in memory for tests. The plugin
// lays the schema itself in both cases.
func (c *devCluster) useSQLite(conf *config.Config) error {
	db := &config.SQL{PluginName: sqlite.PluginName, ConnectAttributes: map[string]string{}}
	if c.opts.sqlite == "" {
		// A name of its own: two clusters in one process must not share memory.
		db.DatabaseName = "sealbook-" + strconv.FormatInt(time.Now().UnixNano(), 36)
		db.ConnectAttributes["mode"], db.ConnectAttributes["cache"] = "memory", "shared"
	} else {
		db.DatabaseName = c.opts.sqlite
		db.ConnectAttributes["mode"], db.ConnectAttributes["setup"] = "rwc", "true"
		// Write-ahead with full flushes: durable, and without the stalls of the
		// rollback journal after a restart.
		db.ConnectAttributes["journal_mode"], db.ConnectAttributes["synchronous"] = "WAL", "2"
	}
	conf.Persistence.DefaultStore, conf.Persistence.VisibilityStore = "sqlite", "sqlite"
	conf.Persistence.DataStores = map[string]config.DataStore{"sqlite": {SQL: db}}
	return nil
}
