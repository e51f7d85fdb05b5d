package ledger_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
)

// publicTables are what every reader may see, each with the reason.
var publicTables = map[string]string{
	"anchor":         "where the registry's checkpoints were published: the same for everyone",
	"anchor_attempt": "how that went",
	"publication":    "the registry's checkpoints, which are published",
	"signing_key":    "public keys",
}

// TestTheSecondFence switches the first one off, the condition on the ledger
// that every statement has, and finds that a reader's transaction of one ledger
// sees no row of another all the same. It walks whatever the reader's role may
// select, partitions and views included, so a new table joins by itself.
func TestTheSecondFence(t *testing.T) {
	t.Parallel()
	a := newAttacked(t)
	for _, r := range readable(t, a.conn) {
		if r.Column == "" {
			if publicTables[r.Name] == "" {
				t.Errorf("every reader may select from %s: publicTables does not say why", r.Name)
			}
			continue
		}
		mine, theirs := "1", "2"
		switch r.Column {
		case "organisation":
			mine, theirs = "'org_a'", "'org_b'"
		}
		count := func(role, ledger, where string) (n int) {
			a.inside(t, func(ctx context.Context, tx pgx.Tx) error {
				if role != "" {
					if _, err := tx.Exec(ctx, `set local role `+role); err != nil {
						return err
					}
				}
				if _, err := tx.Exec(ctx, `select set_config('sealbook.ledger', $1, true)`, ledger); err != nil {
					return err
				}
				return tx.QueryRow(ctx, fmt.Sprintf(`select count(*) from %s where %s`, pgx.Identifier{r.Name}.Sanitize(), where)).Scan(&n)
			})
			return n
		}
		is := func(value string) string { return fmt.Sprintf("%s = %s", pgx.Identifier{r.Column}.Sanitize(), value) }
		there := count("", "", is(mine))
		if there == 0 {
			t.Errorf("%s: there are no rows that could be hidden; add some to seeds", r.Name)
		}
		if n := count("sealbook_reader", "1", is(mine)); n != there {
			t.Errorf("%s: a reader sees %d of its own %d rows", r.Name, n, there)
		}
		if n := count("sealbook_reader", "2", is(mine)); n != 0 {
			t.Errorf("%s: a reader sees %d rows of another ledger", r.Name, n)
		}
		if all, own := count("sealbook_reader", "2", "true"), count("", "", is(theirs)); all != own {
			t.Errorf("%s: a reader sees %d rows, of which %d are its own", r.Name, all, own)
		}
		if n := count("sealbook_reader", "", "true"); n != 0 {
			t.Errorf("%s: a reader that names no ledger sees %d rows", r.Name, n)
		}
	}
}

type relation struct {
	Name   string
	Column string // that says whose a row is; "" if there is none
}

// readable lists what the reader's role may select from, directly.
func readable(t *testing.T, conn *pgx.Conn) []relation {
	t.Helper()
	rows, err := conn.Query(t.Context(), `
		select c.relname::text as name, coalesce((
			select a.attname::text from pg_attribute a
			where a.attrelid = c.oid and not a.attisdropped and a.attname in ('ledger', 'organisation') order by a.attname limit 1), '') as column
		from pg_class c
		where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f') and has_any_column_privilege('sealbook_reader', c.oid, 'select')
		order by 1`)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[relation])
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 10 {
		t.Fatalf("a reader may select from %v alone", list)
	}
	return list
}
