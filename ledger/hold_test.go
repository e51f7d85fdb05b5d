package ledger_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// The database decides what a hold keeps of payloads there, and package audit of
// those in files: the same entries.
func TestHoldsCoverTheSameInDatabaseAndFiles(t *testing.T) {
	t.Parallel()
	l, id, dsn := ledgertest.New(t)
	day := func(n int) *time.Time { at := time.Date(2024, 5, n, 0, 0, 0, 0, time.UTC); return &at }
	var events []audit.Event
	for i, change := range []func(*audit.Event){
		func(e *audit.Event) { e.Actor = audit.Object{"type": "user", "id": "ALICE"} },
		func(e *audit.Event) { e.Actor = audit.Object{"type": "user", "email": "alice@Example.com"} },
		func(e *audit.Event) { e.Resource = audit.Object{"type": "user", "id": "alice"} },
		func(e *audit.Event) { e.Resource = audit.Object{"type": "file", "id": "alice"} },
		func(e *audit.Event) { e.Resource = audit.Object{"type": "host", "id": "x", "name": "Press-1"} },
		func(e *audit.Event) {
			e.Resource = audit.Object{"type": "part", "id": "x", "parent_machine": "press-1"}
		},
		func(e *audit.Event) { e.Resource = audit.Object{"type": "host", "id": "press-1"} },
		func(e *audit.Event) { e.Repository = audit.Object{"id": "press-1"} },
		func(e *audit.Event) { e.Repository = audit.Object{"id": "y", "name": "PRESS-1"} },
		func(e *audit.Event) { e.Context = audit.Object{"system": "press-1"} },
		func(e *audit.Event) { e.Context = audit.Object{"environment": "press-1"} },
		func(e *audit.Event) { e.Impact = audit.Object{"affected_systems": []any{"other", "press-1"}} },
		func(e *audit.Event) { e.Impact = audit.Object{"affected_systems": "press-1"} },
		func(e *audit.Event) { e.Description = "press-1 and alice are named, and no more" },
		func(e *audit.Event) { e.Frameworks = []audit.Framework{audit.SOX, audit.GDPR} },
		func(e *audit.Event) {
			e.Frameworks, e.Actor = []audit.Framework{audit.SOX}, audit.Object{"type": "user", "id": "alice"}
		},
		func(e *audit.Event) { e.Timestamp = nil },
	} {
		e := audit.Event{Type: "fix.applied", Class: audit.ClassSystem, Severity: audit.SeverityLow, Timestamp: day(i + 1)}
		change(&e)
		events = append(events, e)
	}
	out, err := l.Append(t.Context(), ledger.Submission{Ledger: id, Events: events})
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range out.Items {
		if item.Err != nil {
			t.Fatal(item.Err)
		}
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	kept := 0
	for n, h := range []ledger.Hold{
		{Scope: audit.HoldScope{}},
		{Scope: audit.HoldScope{}, From: day(4)},
		{Scope: audit.HoldScope{}, From: day(3), Until: day(5)},
		{Scope: audit.HoldScope{Users: []string{"alice"}}},
		{Scope: audit.HoldScope{Users: []string{"nobody", "ALICE@EXAMPLE.COM"}}},
		{Scope: audit.HoldScope{Systems: []string{"press-1"}}},
		{Scope: audit.HoldScope{Systems: []string{"Press-1"}, Users: []string{"Alice"}}},
		{Scope: audit.HoldScope{Systems: []string{"press-1"}}, Until: day(8)},
		{Scope: audit.HoldScope{Frameworks: []audit.Framework{audit.SOX}}},
		{Scope: audit.HoldScope{Frameworks: []audit.Framework{audit.SOX, audit.SOC2}, Users: []string{"alice"}}},
		{Scope: audit.HoldScope{Users: []string{""}}},
	} {
		scope, err := json.Marshal(h.Scope)
		if err != nil {
			t.Fatal(err)
		}
		_, err = conn.Exec(t.Context(), `insert into legal_hold (ledger, id, matter, reason, from_time, until_time, scope, issued_by, issuer, issued_at)
			values ($1, $2, 'm', 'r', $3, $4, $5, '{}', '', now())`, id, fmt.Sprint("hold_", n), h.From, h.Until, string(scope))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := conn.Query(t.Context(), `select is_held(p) from payload p where ledger = $1 order by seq`, id)
		if err != nil {
			t.Fatal(err)
		}
		held, err := pgx.CollectRows(rows, pgx.RowTo[bool])
		if err != nil {
			t.Fatal(err)
		}
		seq := 0
		for row, err := range l.Rows(t.Context(), id, 0, int64(len(events))) {
			if err != nil {
				t.Fatal(err)
			}
			e, err := row.Entry()
			if err != nil {
				t.Fatal(err)
			}
			if covers := h.Keeps(&e); covers != held[seq] {
				t.Errorf("hold %d, entry %d: in files %t, in the database %t", n, seq, covers, held[seq])
			}
			if held[seq] {
				kept++
			}
			seq++
		}
		if _, err := conn.Exec(t.Context(), `update legal_hold set released_at = now(), released_by = '{}', release_reason = 'r'`); err != nil {
			t.Fatal(err)
		}
	}
	if kept < 30 {
		t.Errorf("the holds kept %d entries in all", kept)
	}
}
