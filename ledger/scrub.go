package ledger

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sealbook/sealbook/audit"
)

// scrubbed are the tables that an erasure changes, beside the months of payload.
// Postgres keeps old versions of rows until they are written over, in tables,
// indexes and statistics.
var scrubbed = []string{
	"search_text", "rollup", "external_id", "erasure", "erasure_entry", "request_key", "person", "session", "outbox", "pg_catalog.pg_statistic",
}

// How long a table may be waited for, and a transaction that still sees what was
// erased.
const (
	scrubLockTimeout = "30s"
	scrubWait        = time.Minute
)

var monthName = regexp.MustCompile(`^\d{4}_\d{2}$`)

// Scrub rewrites the tables that erasures changed, so that no file of theirs holds
// what was erased, then the statistics of the planner, and leaves the write-ahead
// log behind. conn must be of the tables' owner, and of a superuser or a member of
// pg_checkpoint for the log. Each table is locked against everybody while it is
// rewritten, one after the other; said is told which. Repeated, it does the same
// again. Returns InvalidState when something keeps the old rows.
func Scrub(ctx context.Context, conn *pgx.Conn, months []string, said func(table string)) error {
	if _, err := conn.Exec(ctx, `set lock_timeout = '`+scrubLockTimeout+`'`); err != nil {
		return fmt.Errorf("scrub: %w", err)
	}
	if err := awaitReaders(ctx, conn); err != nil {
		return err
	}
	var tables []string
	for _, m := range months {
		if !monthName.MatchString(m) {
			return fmt.Errorf("%.20q is no month of payload", m)
		}
		var there bool
		if err := conn.QueryRow(ctx, `select to_regclass('public.payload_' || $1::text) is not null`, m).Scan(&there); err != nil {
			return fmt.Errorf("scrub: %w", err)
		}
		if there { // or it was archived, and its files are gone with it
			tables = append(tables, "payload_"+m)
		}
	}
	// The parent of the months has statistics of its own.
	if _, err := conn.Exec(ctx, `analyze payload`); err != nil {
		return fmt.Errorf("scrub: %w", err)
	}
	for _, table := range slices.Concat(tables, scrubbed) {
		said(table)
		if err := rewrite(ctx, conn, table); err != nil {
			return err
		}
	}
	return nil
}

// awaitReaders waits for transactions that may still see the old rows: Postgres
// copies what somebody can see.
func awaitReaders(ctx context.Context, conn *pgx.Conn) error {
	var began time.Time
	if err := conn.QueryRow(ctx, `select clock_timestamp()`).Scan(&began); err != nil {
		return fmt.Errorf("scrub: %w", err)
	}
	for {
		var oldest *time.Time
		var now time.Time
		err := conn.QueryRow(ctx, `
			select min(xact_start), clock_timestamp() from pg_stat_activity
			where pid <> pg_backend_pid() and backend_type = 'client backend' and xact_start < $1 and (datname = current_database() or backend_xid is not null)`, began).Scan(&oldest, &now)
		if err != nil {
			return fmt.Errorf("scrub: %w", err)
		}
		if oldest == nil {
			return nil
		}
		if now.Sub(began) > scrubWait {
			return audit.Errorf(audit.InvalidState, "a transaction that began at %s may still see what was erased; try again when it has ended", audit.FormatTime(*oldest))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// rewrite makes a new file of a table and its indexes, and says so when Postgres
// only warned.
func rewrite(ctx context.Context, conn *pgx.Conn, table string) error {
	var before, after *uint32
	const file = `select pg_relation_filenode($1::regclass)::oid`
	err := conn.QueryRow(ctx, file, table).Scan(&before)
	if err == nil {
		_, err = conn.Exec(ctx, `vacuum (full, analyze) `+table, pgx.QueryExecModeSimpleProtocol)
	}
	if err == nil {
		err = conn.QueryRow(ctx, file, table).Scan(&after)
	}
	if err != nil {
		return fmt.Errorf("rewrite %s: %w", table, err)
	}
	if before == nil || after == nil || *before == *after {
		return audit.Errorf(audit.InvalidState, "%s was not rewritten: only its owner, or for statistics the database's, may do that", table)
	}
	return nil
}

// LeaveLog goes on in a new file of the write-ahead log and has Postgres drop those
// before it. Returns InvalidState when it keeps their content: it uses old files
// anew, or the role may not ask for that.
func LeaveLog(ctx context.Context, conn *pgx.Conn) error {
	var recycle string
	if err := conn.QueryRow(ctx, `show wal_recycle`).Scan(&recycle); err != nil {
		return fmt.Errorf("read wal_recycle: %w", err)
	}
	if recycle != "off" {
		return audit.Errorf(audit.InvalidState, "wal_recycle is %s: old files of the write-ahead log are used anew with what is in them; turn it off and scrub again", recycle)
	}
	for _, sql := range []string{`checkpoint`, `select pg_switch_wal()`, `checkpoint`} {
		_, err := conn.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
		var pg *pgconn.PgError
		if errors.As(err, &pg) && pg.Code == "42501" {
			return audit.Errorf(audit.InvalidState, "this role may not %q: the write-ahead log still holds what was erased", sql)
		}
		if err != nil {
			return fmt.Errorf("leave the write-ahead log: %w", err)
		}
	}
	return nil
}
