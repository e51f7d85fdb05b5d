package ledger_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

func TestSubject(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		in         bool
	}{
		{"ann@example.com", "ann@example.com", true},
		{"ann@example.com", "Mail from <Ann@Example.com>.", true},
		{"ann@example.com", "/users/ann@example.com/keys", true},
		{"ann@example.com", "it was ann@example.com.", true},
		{"ann@example.com", "mary.ann@example.com", false},
		{"ann@example.com", "joann@example.com", false},
		{"ann@example.com", "ann@example.com.au", false},
		{"ann@example.com", "ann@example.com-mail.example", false},
		{"ann@example.com", "ann@example.comx", false},
		{"user_1", "user_1", true},
		{"user_1", "user_12", false},
		{"user_1", "my_user_1", false},
		{"user_1", "user_12, user_1", true},
		{"José Ärger", "from JOSÉ ärger", true},
		{"José", "Jose\u0301 was here", true},
		{"Jose", "Jose\u0301 was here", false},
		{"Kelvin", "\u212Aelvin", true},
		{"4711", "4711", true},
		{"4711", "47110", false},
	} {
		if got := ledger.NewSubject([]string{c.name}).In(c.text); got != c.in {
			t.Errorf("%s in %q: %v", c.name, c.text, got)
		}
	}
}

// erasures is a ledger with entries of a subject, of others about them, and of
// others.
func erasures(t *testing.T) (l *ledger.Log, id int32, dsn string) {
	t.Helper()
	l, id, dsn = ledgertest.New(t)
	ledgertest.Append(t, l, id, 0, 30)
	at := time.Date(2024, 2, 3, 4, 5, 6, 0, time.UTC)
	for i, e := range []audit.Event{
		{Actor: audit.Object{"type": "user", "id": "u-ann", "email": "ann@subject.example", "name": "Ann Subject"}, Description: "changed it", ExternalID: "ext-0",
			Context: audit.Object{"source_ip": "192.0.2.77", "system": "erp"}, Metadata: audit.Object{"session_id": "s-1"}, Category: "hr"},
		{Actor: audit.Object{"type": "user", "id": "u-bob", "email": "bob@other.example"}, Description: "for ANN@subject.example, please", ExternalID: "ext-1"},
		{Actor: audit.Object{"type": "user", "id": "u-bob", "email": "bob@other.example"}, Description: "for mary.ann@subject.example"},
		{Actor: audit.Object{"type": "service", "id": "job"}, Resource: audit.Object{"type": "user", "id": "u-ann"}, Metadata: audit.Object{"ann@subject.example": "x", "y": 1}},
		{Actor: audit.Object{"type": "user", "id": "u-ann"}, Repository: audit.Object{"id": "held"}, Frameworks: []audit.Framework{audit.SOX}},
	} {
		e.Type, e.Class, e.Severity, e.Timestamp = "config.changed", audit.ClassChange, audit.SeverityLow, &at
		if _, err := l.Append(t.Context(), ledger.Submission{Ledger: id, Events: []audit.Event{e}}); err != nil {
			t.Fatal(i, err)
		}
	}
	if err := l.Index(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l, id, dsn
}

var ann = ledger.NewSubject([]string{"u-ann", "ann@subject.example"})

func asSuperuser(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

const insertHold = `insert into legal_hold (ledger, id, matter, reason, scope, issued_by, issuer, issued_at) values ($1, $2, 'm', 'r', $3, '{}', '', now())`

// each makes statements of what looks at a part.
func each(look func(*ledger.Erased) error) func(*ledger.Erased) func(context.Context, pgx.Tx) error {
	return func(part *ledger.Erased) func(context.Context, pgx.Tx) error {
		return func(context.Context, pgx.Tx) error { return look(part) }
	}
}

func erase(t *testing.T, l *ledger.Log, id int32, plan bool) (all ledger.Erased) {
	t.Helper()
	head, _, err := l.Head(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	err = l.Erase(t.Context(), ledger.Erasure{Ledger: id, End: head.Size, Subject: ann, Plan: plan, With: each(func(part *ledger.Erased) error {
		all.Counts.Add(&part.Counts)
		all.Found = append(all.Found, part.Found...)
		return nil
	})})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestErase(t *testing.T) {
	t.Parallel()
	l, id, dsn := erasures(t)
	conn := asSuperuser(t, dsn)
	if _, err := conn.Exec(t.Context(), insertHold, id, "hold_a", `{"systems":["HELD"]}`); err != nil {
		t.Fatal(err)
	}
	before, err := l.Receipts(t.Context(), id, []int64{30, 31, 32, 33, 34})
	if err != nil {
		t.Fatal(err)
	}
	stored := func() (n int) {
		if err := conn.QueryRow(t.Context(), `
			select (select count(*) from payload where fields ilike '%ann@subject%' and seq <> 32 or actor_email = 'ann@subject.example')
				+ (select count(*) from rollup where name like 'ann@%') + (select count(*) from search_text where sensitive @@ 'ann@subject.example'::tsquery)`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if stored() == 0 {
		t.Fatal("there is nothing to erase")
	}
	planned := erase(t, l, id, true)
	if stored() == 0 {
		t.Fatal("a plan erased")
	}
	done := erase(t, l, id, false)
	if stored() != 1 { // the name of a member, which is hashed
		t.Errorf("%d are left", stored())
	}
	p, c := planned.Counts, done.Counts
	if p.Entries != 2 || p.Held != 1 || c.Entries != 2 || c.Held != 1 || c.Fields != p.Fields || c.Fields != 7 || c.SearchTexts != 2 || c.Rollups != 1 || c.ExternalIDs != 2 {
		t.Errorf("planned %+v, done %+v", p, c)
	}
	if kept := fmt.Sprint(c.Kept); kept != "map[/metadata/*:1 /resource/id:1]" {
		t.Error(kept)
	}
	ledgertest.Check(t, l, id, -1)
	for i, r := range before {
		if check, err := l.CheckReceipt(t.Context(), id, &r); err != nil || !check.OK() {
			t.Errorf("the receipt of %d from before: %+v %v", i, check, err)
		}
	}
	row, err := l.Row(t.Context(), id, 30)
	if err != nil {
		t.Fatal(err)
	}
	e, err := row.Entry()
	if err != nil || !e.Verified || !slices.Equal(e.Withheld, []string{"/actor/email", "/actor/id", "/actor/name", "/context/source_ip", "/description", "/metadata/session_id"}) ||
		e.Actor.String("type") != "user" || e.Category != "hr" || e.Context.String("system") != "erp" {
		t.Errorf("%+v %v", e, err)
	}
	// Again, and after the release.
	if again := erase(t, l, id, false); again.Counts.Entries != 0 || again.Counts.Held != 1 {
		t.Errorf("%+v", again.Counts)
	}
	if _, err := conn.Exec(t.Context(), `update legal_hold set released_at = now(), released_by = '{}', release_reason = 'r'`); err != nil {
		t.Fatal(err)
	}
	if last := erase(t, l, id, false); last.Counts.Entries != 1 || last.Counts.Held != 0 {
		t.Errorf("%+v", last.Counts)
	}
	ledgertest.Check(t, l, id, -1)
}

// A hold that is being placed while an erasure comes to its entries wins.
func TestEraseWaitsForHolds(t *testing.T) {
	t.Parallel()
	l, id, dsn := erasures(t)
	conn := asSuperuser(t, dsn)
	planned := erase(t, l, id, true)
	if planned.Counts.Held != 0 || planned.Counts.Entries != 3 {
		t.Fatalf("%+v", planned.Counts)
	}
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	if _, err := tx.Exec(t.Context(), insertHold, id, "hold_a", `{}`); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	var found ledger.Erased
	go func() {
		done <- l.Erase(context.Background(), ledger.Erasure{Ledger: id, End: 35, Subject: ann, With: each(func(part *ledger.Erased) error {
			found = *part
			return nil
		})})
	}()
	watch := asSuperuser(t, dsn)
	for waiting := false; !waiting; time.Sleep(10 * time.Millisecond) {
		if err := watch.QueryRow(t.Context(), `select exists (select from pg_locks where relation = 'legal_hold'::regclass and mode = 'ShareLock' and not granted)`).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-done:
			t.Fatalf("nobody waited: %v %+v", err, found)
		default:
		}
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil || found.Counts.Entries != 0 || found.Counts.Held != 3 {
		t.Errorf("%v %+v", err, found.Counts)
	}
	ledgertest.Check(t, l, id, -1)
}

// What is killed in the middle of a part has changed nothing.
func TestEraseIsWhole(t *testing.T) {
	t.Parallel()
	l, id, _ := erasures(t)
	stop := fmt.Errorf("stop")
	err := l.Erase(t.Context(), ledger.Erasure{Ledger: id, End: 35, Subject: ann, With: each(func(*ledger.Erased) error { return stop })})
	if err == nil || !strings.Contains(err.Error(), "stop") {
		t.Fatal(err)
	}
	if planned := erase(t, l, id, true); planned.Counts.Entries != 3 {
		t.Errorf("%+v", planned.Counts)
	}
	ledgertest.Check(t, l, id, -1)
}

// is_held and audit.HoldScope.Covers say the same of any hold and entry.
func TestHoldsInSQL(t *testing.T) {
	t.Parallel()
	l, id, dsn := ledgertest.New(t)
	conn := asSuperuser(t, dsn)
	names := rapid.SampledFrom([]string{"erp", "ERP", "u-1", "U-1", "ärger", "Ärger", "repo", "a@b.example", "A@B.example", "x"})
	object := func(keys ...string) *rapid.Generator[audit.Object] {
		return rapid.Custom(func(r *rapid.T) audit.Object {
			o := audit.Object{}
			for _, k := range keys {
				if rapid.Bool().Draw(r, k) {
					o[k] = names.Draw(r, "value")
				}
			}
			return o
		})
	}
	frameworks := rapid.SliceOfNDistinct(rapid.SampledFrom([]audit.Framework{audit.SOX, audit.SOC2}), 0, 2, rapid.ID)
	type entry struct {
		event audit.Event
		at    time.Time
	}
	var entries []entry
	random := rapid.Custom(func(r *rapid.T) audit.Event {
		at := time.Date(2024, 1, 1+rapid.IntRange(0, 3).Draw(r, "day"), 0, 0, 0, 0, time.UTC)
		e := audit.Event{Type: "config.changed", Class: audit.ClassChange, Severity: audit.SeverityLow, Timestamp: &at,
			Actor: object("id", "email").Draw(r, "actor"), Resource: object("id", "name", "parent_machine").Draw(r, "resource"),
			Repository: object("id", "name").Draw(r, "repository"), Context: object("system", "environment").Draw(r, "context"),
			Frameworks: frameworks.Draw(r, "frameworks")}
		e.Resource["type"] = rapid.SampledFrom([]string{"user", "file"}).Draw(r, "type")
		if rapid.Bool().Draw(r, "impact") {
			e.Impact = audit.Object{"affected_systems": []any{names.Draw(r, "affected"), "other"}}
		} else if rapid.Bool().Draw(r, "odd") {
			e.Impact = audit.Object{"affected_systems": "erp"}
		}
		return e
	})
	for i := range 60 {
		e := random.Example(i)
		if _, err := l.Append(t.Context(), ledger.Submission{Ledger: id, Events: []audit.Event{e}}); err != nil {
			t.Fatal(err)
		}
		entries = append(entries, entry{e, *e.Timestamp})
	}
	held := 0
	for i := range 60 {
		h := rapid.Custom(func(r *rapid.T) audit.HoldScope {
			return audit.HoldScope{Systems: rapid.SliceOfN(names, 0, 2).Draw(r, "systems"), Users: rapid.SliceOfN(names, 0, 2).Draw(r, "users"), Frameworks: frameworks.Draw(r, "of")}
		}).Example(i)
		text, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		from, until := time.Date(2024, 1, 1+i%3, 0, 0, 0, 0, time.UTC), time.Date(2024, 1, 3+i%2, 0, 0, 0, 0, time.UTC)
		if _, err := conn.Exec(t.Context(), `delete from legal_hold`); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), insertHold, id, "hold_x", string(text)); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), `update legal_hold set from_time = $1, until_time = $2`, from, until); err != nil {
			t.Fatal(err)
		}
		rows, err := conn.Query(t.Context(), `select is_held(p) from payload p where ledger = $1 order by seq`, id)
		if err != nil {
			t.Fatal(err)
		}
		got, err := pgx.CollectRows(rows, pgx.RowTo[bool])
		if err != nil {
			t.Fatal(err)
		}
		for seq, e := range entries {
			want := h.Covers(&audit.Entry{Event: e.event}) && !e.at.Before(from) && e.at.Before(until)
			if got[seq] != want {
				t.Fatalf("hold %s from %s until %s, entry %+v: %v in SQL, %v in Go", text, from, until, e.event, got[seq], want)
			}
			if want {
				held++
			}
		}
	}
	if held == 0 || held == 3600 {
		t.Errorf("%d of 3600 are held", held)
	}
}
