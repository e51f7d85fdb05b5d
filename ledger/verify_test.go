package ledger_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// superuser runs statements as an attacker who owns the database: with every
// trigger off.
func superuser(t testing.TB, dsn string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, sql := range append([]string{`set session_replication_role = replica`}, statements...) {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// Every way in which someone with full rights on the database can alter the
// entries is noticed and named.
func TestTamperingIsNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		statements []string
		kind       ledger.ProblemKind
		seq        int64
	}{
		"record":              {[]string{`update entry set record = convert_to(replace(convert_from(record, 'UTF8'), 'issue.created', 'issue.updated'), 'UTF8') where seq = 301`}, ledger.HashMismatch, 301},
		"leaf":                {[]string{`update entry set leaf = sha256('x') where seq = 301`}, ledger.HashMismatch, 301},
		"record and leaf":     {[]string{`update entry set record = convert_to(replace(convert_from(record, 'UTF8'), 'issue.created', 'issue.updated'), 'UTF8') where seq = 301`, `update entry set leaf = sha256('\x00'::bytea || record) where seq = 301`}, ledger.BrokenChain, 301},
		"the same, in a tile": {[]string{`update entry set record = convert_to(replace(convert_from(record, 'UTF8'), 'issue.created', 'issue.updated'), 'UTF8') where seq = 101`, `update entry set leaf = sha256('\x00'::bytea || record) where seq = 101`}, ledger.WrongTree, 101},
		"the last entry":      {[]string{`update entry set record = convert_to(replace(convert_from(record, 'UTF8'), 'config.changed', 'config.chanted'), 'UTF8') where seq = 599`, `update entry set leaf = sha256('\x00'::bytea || record) where seq = 599`}, ledger.BrokenChain, 599},
		"a value":             {[]string{`update payload set fields = replace(fields, 'event number 300', 'event number 999') where seq = 300`}, ledger.HashMismatch, 300},
		"a seed":              {[]string{`update payload set seed = sha256('x') where seq = 300`}, ledger.HashMismatch, 300},
		"values nulled":       {[]string{`update payload set fields = null where seq = 300`}, ledger.HashMismatch, 300},
		"an event id":         {[]string{`update entry set event_id = gen_random_uuid() where seq = 300`}, ledger.WrongColumn, 300},
		"a payload gone":      {[]string{`delete from payload where seq = 300`}, ledger.HashMismatch, 300},
		"a row gone":          {[]string{`delete from entry where seq = 300`, `delete from payload where seq = 300`}, ledger.MissingEntry, 300},
		"the tail gone":       {[]string{`delete from entry where seq >= 590`, `delete from payload where seq >= 590`}, ledger.MissingEntry, 595},
		"a row added":         {[]string{`insert into entry select ledger, 600, gen_random_uuid(), record, leaf from entry where seq = 599`}, ledger.ExtraEntry, 600},
		"a payload added":     {[]string{`insert into payload select ledger, 700, recorded_at, seed, fields, salts, commitments, event_type, event_class, event_time, severity from payload where seq = 599`}, ledger.ExtraEntry, 700},
		"a payload doubled":   {[]string{`insert into payload select ledger, seq, recorded_at + interval '1 us', seed, fields, salts, commitments, event_type, event_class, event_time, severity from payload where seq = 300`}, ledger.ExtraEntry, 300},
		"rows swapped":        {[]string{`update entry set seq = seq + 10000 where seq in (300, 301)`, `update entry set seq = 601 - (seq - 10000) where seq > 10000`}, ledger.HashMismatch, 301},
		"a tile":              {[]string{`update tile set hashes = overlay(hashes placing sha256('x') from 33) where idx = 1`}, ledger.WrongTree, 257},
		"a tile gone":         {[]string{`delete from tile where idx = 1`}, ledger.WrongTree, -1},
		"a tile's root":       {[]string{`update tile set root = sha256('x') where idx = 1`}, ledger.WrongTree, -1},
		"the head's root":     {[]string{`update head set root = sha256('x')`}, ledger.WrongTree, -1},
		"the head's leaf":     {[]string{`update head set last_leaf = sha256('x')`}, ledger.BrokenChain, 599},
		"the checkpoint":      {[]string{`update checkpoint set root = sha256('x')`}, ledger.WrongTree, -1},
		"the genesis":         {[]string{`update ledger set genesis = replace(genesis, 'audit-ledger', 'other-ledger')`}, ledger.WrongTree, -1},
		"another genesis":     {[]string{`update ledger set genesis = replace(genesis, 'T', 'T')`, `update ledger set genesis = regexp_replace(genesis, '\d{6}Z', '000000Z')`}, ledger.BrokenChain, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, id, dsn := ledgertest.New(t)
			ledgertest.Append(t, l, id, 0, 600)
			if v := ledgertest.Check(t, l, id, 600); !v.OK() {
				t.Fatal("the ledger was not whole before")
			}
			superuser(t, dsn, c.statements...)
			v, err := l.Verify(t.Context(), id, 0, 1<<62, nil)
			if err != nil {
				t.Fatal(err)
			}
			expect(t, &v, c.kind, c.seq)
		})
	}
}

func expect(t *testing.T, v *ledger.Verification, kind ledger.ProblemKind, seq int64) {
	t.Helper()
	if v.OK() {
		t.Fatal("nothing was noticed")
	}
	for _, p := range v.Problems {
		if p.Kind == kind && p.Seq == seq {
			return
		}
	}
	t.Errorf("no %s of entry %d among %+v", kind, seq, v.Problems)
}

// A searchable column that says something else than the hashed content is
// found, whichever column it is.
func TestEverySearchableColumnIsCompared(t *testing.T) {
	t.Parallel()
	l, id, dsn := ledgertest.New(t)
	ledgertest.Append(t, l, id, 0, 20)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(t.Context(), `
		select column_name, data_type from information_schema.columns
		where table_name = 'payload' and column_name not in ('ledger', 'seq', 'seed', 'fields', 'salts', 'commitments')`)
	if err != nil {
		t.Fatal(err)
	}
	type column struct{ Name, Type string }
	columns, err := pgx.CollectRows(rows, pgx.RowToStructByPos[column])
	if err != nil || len(columns) < 10 {
		t.Fatalf("%v %v", columns, err)
	}
	for i, c := range columns {
		other := map[string]string{
			"text": `coalesce(` + c.Name + `, '') || 'x'`, "timestamp with time zone": c.Name + ` + interval '1 us'`, "ARRAY": `array['SOX']`,
		}[c.Type]
		superuser(t, dsn, `update payload set `+c.Name+` = `+other+` where seq = `+string(rune('0'+i%10)))
		v, err := l.Verify(t.Context(), id, 0, 1<<62, nil)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, p := range v.Problems {
			found = found || p.Kind == ledger.WrongColumn && p.Seq == int64(i%10) && strings.Contains(p.Message, "column "+c.Name+" ")
		}
		if !found {
			t.Errorf("a changed %s is not noticed", c.Name)
		}
	}
}

func TestVerifyOfARange(t *testing.T) {
	t.Parallel()
	l, id, dsn := ledgertest.New(t)
	ledgertest.Append(t, l, id, 0, 700)
	whole := ledgertest.Check(t, l, id, 700)
	for _, r := range [][2]int64{{0, 1}, {0, 256}, {1, 700}, {255, 257}, {256, 512}, {300, 301}, {699, 1 << 40}, {0, 700}} {
		v, err := l.Verify(t.Context(), id, r[0], r[1], nil)
		if err != nil || !v.OK() || v.Rows != min(r[1], 700)-r[0] {
			t.Errorf("%v: %+v %v", r, v, err)
		}
		again, err := l.Verify(t.Context(), id, r[0], r[1], nil)
		if err != nil || again.Digest != v.Digest || (v.Digest == whole.Digest) != (v.Rows == 700) {
			t.Errorf("%v: digests %s %s %v", r, v.Digest, again.Digest, err)
		}
	}
	for _, r := range [][2]int64{{700, 800}, {5, 5}, {9, 3}} {
		if v, err := l.Verify(t.Context(), id, r[0], r[1], nil); err != nil || v.OK() || len(v.Problems) != 0 {
			t.Errorf("%v: nothing to verify is not a success: %+v %v", r, v, err)
		}
	}
	if _, err := l.Verify(t.Context(), id+1, 0, 1, nil); audit.CodeOf(err) != audit.NotFound {
		t.Error(err)
	}
	// What is wrong outside the range shows in the root.
	superuser(t, dsn, `update entry set leaf = sha256('x') where seq = 650`)
	v, err := l.Verify(t.Context(), id, 0, 10, nil)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, &v, ledger.WrongTree, -1)
}

// The application's roles cannot do what only verification could notice.
func TestTheDatabaseRefusesChanges(t *testing.T) {
	t.Parallel()
	l, id, dsn := ledgertest.New(t)
	ledgertest.Append(t, l, id, 0, 300)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var partition string
	if err := conn.QueryRow(t.Context(), `select inhrelid::regclass::text from pg_inherits where inhparent = 'payload'::regclass limit 1`).Scan(&partition); err != nil {
		t.Fatal(err)
	}
	for _, role := range []string{"", "sealbook_committer", "sealbook_reader", "sealbook_redactor"} {
		for _, table := range []string{"entry", "payload", partition, "tile", "checkpoint", "ledger", "head", "external_id"} {
			for _, sql := range []string{`delete from ` + table, `truncate ` + table + ` cascade`, `update ` + table + ` set ledger = ledger`} {
				if strings.HasPrefix(sql, "update") && table == "ledger" {
					sql = `update ledger set origin = 'x'`
				}
				if strings.HasPrefix(sql, "update head") && role != "sealbook_reader" {
					continue // the committer's work, and verified
				}
				err := pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
					if role != "" {
						if _, err := tx.Exec(t.Context(), "set local role "+role); err != nil {
							return err
						}
					}
					if _, err := tx.Exec(t.Context(), `select set_config('sealbook.ledger', '1', true)`); err != nil {
						return err
					}
					if tag, err := tx.Exec(t.Context(), sql); err == nil && tag.RowsAffected() == 0 {
						return errNothing // there was nothing to refuse
					} else {
						return err
					}
				})
				if err == nil {
					t.Errorf("%q as %q is not refused", sql, role)
				}
			}
		}
	}
	ledgertest.Check(t, l, id, 300)
}

var errNothing = audit.Errorf(audit.Internal, "no row was affected")

func TestReadersSeeOneLedger(t *testing.T) {
	t.Parallel()
	dsn := ledgertest.Database(t)
	l := ledgertest.Open(t, dsn)
	for _, o := range []audit.OrganisationID{"a", "b"} {
		d, err := l.Create(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		ledgertest.Append(t, l, d.ID, 0, 3)
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), `set role sealbook_reader`); err != nil {
		t.Fatal(err)
	}
	for setting, want := range map[string]int64{"": 0, "1": 3, "2": 3, "3": 0} {
		if _, err := conn.Exec(t.Context(), `select set_config('sealbook.ledger', $1, false)`, setting); err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"entry", "payload", "rollup where kind = 'type'"} {
			var n int64
			if err := conn.QueryRow(t.Context(), `select count(*) from `+table).Scan(&n); err != nil || n != want {
				t.Errorf("%s of ledger %q: %d rows, %v; want %d", table, setting, n, err, want)
			}
		}
	}
}

// A database that goes away in the middle is no result, and no alarm.
func TestALostConnectionIsNoTampering(t *testing.T) {
	t.Parallel()
	dsn := ledgertest.Database(t)
	direct := ledgertest.Open(t, dsn)
	d, err := direct.Create(t.Context(), "org_test")
	if err != nil {
		t.Fatal(err)
	}
	ledgertest.Append(t, direct, d.ID, 0, 600)
	proxy := ledgertest.NewProxy(t, dsn)
	l := ledgertest.Reader(t, proxy.URL())
	for _, statement := range []string{
		`select hashes from tile`, `select leaf from entry`, `from entry e\s+left join payload`, `from external_id`, `from checkpoint`,
	} {
		for _, m := range []ledgertest.Moment{ledgertest.Sent, ledgertest.Answered} {
			var cut atomic.Bool // set in a goroutine of the proxy's
			proxy.At(m, statement, func() bool { cut.Store(true); return false })
			v, err := l.Verify(t.Context(), d.ID, 300, 400, nil)
			if cut.Load() && err == nil {
				t.Errorf("%s is cut off, and the result is %+v", statement, v.Problems)
			}
			proxy.Reset()
		}
	}
	ledgertest.Check(t, l, d.ID, 600)
}
