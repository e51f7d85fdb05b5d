package main

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// TestScrub: what has ended is scrubbed once, and its ledger says so.
func TestScrub(t *testing.T) {
	t.Parallel()
	i := install(t)
	invoke(t, i.env, "", "scrub", "now").want(t, exitUsage)
	invoke(t, i.env, "", "scrub").want(t, exitOK).says(t, "Rewrote 0 tables for 0 erasures.")
	conn, err := pgx.Connect(t.Context(), i.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), `
		insert into erasure (id, ledger, subject, identifiers, reason, basis, status, requested_by, requester, months, created_at, completed_at)
		select 'erasure_' || n, 1, case n when 3 then 's' end, case n when 3 then '[]' end, 'r', 'b', case n when 3 then 'requested' else 'declined' end, '{}', 'one',
			array[to_char(now() at time zone 'UTC', 'YYYY_MM'), '1999_01'], now(), case when n < 3 then now() end from generate_series(1, 3) n`)
	if err != nil {
		t.Fatal(err)
	}
	invoke(t, i.env, "", "scrub", "--without-log", "--json").want(t, exitOK).says(t, `"erasures":2`, `"search_text"`, `"payload_`, `"pg_catalog.pg_statistic"`)
	invoke(t, i.env, "", "scrub", "--without-log").want(t, exitOK).says(t, "Rewrote 0 tables for 0 erasures.")
	var scrubbed, recorded int
	err = conn.QueryRow(t.Context(), `
		select (select count(*) from erasure where scrubbed_at is not null), (select count(*) from payload where event_type = 'audit.erasure_scrubbed')`).Scan(&scrubbed, &recorded)
	if err != nil || scrubbed != 2 || recorded != 2 {
		t.Errorf("%d are scrubbed, %d recorded: %v", scrubbed, recorded, err)
	}
	invoke(t, i.env, "", "verify", "--database").want(t, exitOK)
	ledgertest.Check(t, ledgertest.Reader(t, i.dsn), 1, -1)
}
