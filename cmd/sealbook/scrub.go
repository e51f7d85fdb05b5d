package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

func scrubCommand() *command {
	return &command{
		name: "scrub", summary: "rewrite the database's files that hold what was erased",
		usage: []string{"[--without-log] [--json]"},
		about: `After an erasure the old versions of rows lie in the files of tables, indexes and
statistics, and in the write-ahead log, until something is written over them. This
rewrites the tables that erasures changed and leaves the log behind, for every
erasure that has ended and was not scrubbed, and says so in its ledger.

Each table is locked against everybody while it is rewritten (VACUUM FULL): the
months of payload that were changed, then the text index, roll-ups and some small
ones. Appending waits meanwhile, and may be answered 503: choose a quiet hour. It
needs as much free room as the largest of them.

The log is dropped only if wal_recycle is off, and needs a superuser or a member of
pg_checkpoint. Where others look after it, as in a managed service, --without-log
leaves it alone. Backups and replicas' archives are not reached.`,
		examples: `SEALBOOK_MIGRATE_DATABASE_URL=postgres://sealbook_owner@db/sealbook sealbook scrub`,
		settings: append([]string{"SEALBOOK_MIGRATE_DATABASE_URL"}, ledgerSettings...),
		setup: func(set *flag.FlagSet) action {
			withoutLog := set.Bool("without-log", false, "leave the write-ahead log alone")
			asJSON := set.Bool("json", false, "print JSON")
			return func(ctx context.Context, c *call, args []string) error {
				if len(args) > 0 {
					return usagef("scrub takes no arguments; see sealbook scrub --help")
				}
				return scrub(ctx, c, *withoutLog, *asJSON)
			}
		},
	}
}

func scrub(ctx context.Context, c *call, withoutLog, asJSON bool) error {
	if err := c.config.require("SEALBOOK_MIGRATE_DATABASE_URL"); err != nil {
		return err
	}
	l, s, err := openForChange(ctx, c)
	if err != nil {
		return err
	}
	defer l.Close()
	defer s.Close()
	list, err := s.UnscrubbedErasures(ctx)
	if err != nil {
		return err
	}
	tables := []string{}
	if len(list) > 0 {
		var months []string
		for i := range list {
			months = append(months, list[i].Months...)
		}
		slices.Sort(months)
		if tables, err = rewriteFiles(ctx, c, slices.Compact(months), withoutLog); err != nil {
			return err
		}
	}
	for i := range list {
		if err := recordScrub(ctx, l, &list[i], withoutLog); err != nil {
			return err
		}
	}
	if asJSON {
		return json.NewEncoder(c.stdout).Encode(map[string]any{"erasures": len(list), "tables": tables})
	}
	fmt.Fprintf(c.stdout, "Rewrote %d tables for %d erasures.\n", len(tables), len(list))
	return nil
}

func rewriteFiles(ctx context.Context, c *call, months []string, withoutLog bool) (tables []string, err error) {
	owner, err := pgx.ParseConfig(c.config.MigrateDatabaseURL)
	if err != nil {
		return nil, usagef("SEALBOOK_MIGRATE_DATABASE_URL: %s", err)
	}
	owner.RuntimeParams["application_name"] = "sealbook_scrub"
	conn, err := pgx.ConnectConfig(ctx, owner)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	err = ledger.Scrub(ctx, conn, months, func(table string) {
		tables = append(tables, table)
		fmt.Fprintf(c.stderr, "rewriting %s\n", table)
	})
	if err == nil && !withoutLog {
		err = ledger.LeaveLog(ctx, conn)
	}
	return tables, err
}

// recordScrub notes it with the erasure, in the transaction of an entry.
func recordScrub(ctx context.Context, l *ledger.Log, e *store.Erasure, withoutLog bool) error {
	out, err := l.Append(ctx, ledger.Submission{
		Ledger: e.Ledger,
		Events: []audit.Event{{
			Type: "audit.erasure_scrubbed", Class: audit.ClassSystem, Severity: audit.SeverityLow, ExternalID: "audit:erasure/" + string(e.ID) + "/scrubbed",
			Actor: audit.Object{"type": "system", "id": "sealbook"}, Details: audit.Object{"erasure_id": e.ID, "write_ahead_log": !withoutLog},
		}},
		With: store.ErasureScrubbed(e.Ledger, e.ID, audit.SystemClock()),
	})
	if err == nil {
		err = out.Items[0].Err
	}
	return err
}
