package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/ledger"
)

func migrateCommand() *command {
	return &command{
		name: "migrate", summary: "bring the database to this program's schema",
		usage: []string{"[--json]"},
		about: `Runs the migrations that the database has not seen, as the owner of the tables,
and makes the application's login a member of the group roles (committer,
reader, redactor, archivist). Running it again changes nothing. There is no way
down: a ledger does not forget. Several may run at once; they wait for each
other.`,
		examples: `SEALBOOK_MIGRATE_DATABASE_URL=postgres://sealbook_owner@db/sealbook sealbook migrate`,
		settings: []string{"SEALBOOK_MIGRATE_DATABASE_URL", "SEALBOOK_DATABASE_URL"},
		setup: func(set *flag.FlagSet) action {
			asJSON := set.Bool("json", false, "print JSON")
			return func(ctx context.Context, c *call, args []string) error {
				if len(args) > 0 {
					return usagef("migrate takes no arguments; see sealbook migrate --help")
				}
				return migrate(ctx, c, *asJSON)
			}
		},
	}
}

func migrate(ctx context.Context, c *call, asJSON bool) error {
	if err := c.config.require("SEALBOOK_MIGRATE_DATABASE_URL", "SEALBOOK_DATABASE_URL"); err != nil {
		return err
	}
	application, err := pgx.ParseConfig(c.config.DatabaseURL)
	if err != nil {
		return usagef("SEALBOOK_DATABASE_URL: %s", err)
	}
	owner, err := pgx.ParseConfig(c.config.MigrateDatabaseURL)
	if err != nil {
		return usagef("SEALBOOK_MIGRATE_DATABASE_URL: %s", err)
	}
	if owner.Database != application.Database {
		return usagef("SEALBOOK_MIGRATE_DATABASE_URL is of the database %s, SEALBOOK_DATABASE_URL of %s", owner.Database, application.Database)
	}
	owner.RuntimeParams["application_name"] = "sealbook_migrate"
	conn, err := pgx.ConnectConfig(ctx, owner)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	from, to, err := ledger.Migrate(ctx, conn)
	if err != nil {
		return err
	}
	if to > ledger.SchemaVersion() {
		return fmt.Errorf("the database has schema version %d, which is newer than this program's %d", to, ledger.SchemaVersion())
	}
	if err := ledger.GrantMembership(ctx, conn, application.User); err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(c.stdout).Encode(map[string]any{"from": from, "to": to, "login": application.User})
	}
	change := fmt.Sprintf("went from version %d to %d", from, to)
	if from == to {
		change = fmt.Sprintf("is up to date (version %d)", to)
	}
	fmt.Fprintf(c.stdout, "The schema %s.\n", change)
	fmt.Fprintf(c.stdout, "%s may act as committer, reader, redactor and archivist.\n", application.User)
	return nil
}
