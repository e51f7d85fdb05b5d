package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// TestATamperedEntryIsShownAsWhatItIs changes what a superuser can change and
// looks at what the API then says.
func TestATamperedEntryIsShownAsWhatItIs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.post("writer", "~/entries", `{"event_type":"issue.created","severity":"low","actor":{"type":"user","id":"mallory"}}`).want(http.StatusCreated)
	entry, seq := id.text("data.id"), id.number("data.seq")
	b.superuser(`update payload set fields = replace(fields, 'mallory', 'alice_x'), actor_id = 'alice_x' where ledger = $1 and seq = $2`, b.ledger, seq)

	a := b.get("reader", "~/entries?user_id=alice_x").want(http.StatusOK)
	if v, _ := a.at("data.0.compliance.data_integrity.verified"); v != false {
		t.Fatalf("verified is %v in %s", v, a.body)
	}
	a = b.get("reader", "~/logs?actor=alice_x").want(http.StatusOK)
	if v, _ := a.at("data.0.verified"); v != false {
		t.Fatalf("verified is %v in %s", v, a.body)
	}
	a = b.get("reader", "~/entries/"+entry).want(http.StatusOK)
	if v, _ := a.at("data.compliance.data_integrity.verified"); v != false {
		t.Fatalf("verified is %v in %s", v, a.body)
	}
	// It cannot be believed that it is nothing sensitive.
	b.get("basic", "~/entries/"+entry).want(http.StatusForbidden)

	// The alarm is one entry, however often it is seen.
	a = b.get("reader", "~/entries?event_type=security_event&severity=critical").want(http.StatusOK)
	if a.number("pagination.total") != 1 || a.text("data.0.category") != "audit.tampering_detected" || a.number("data.0.details.seq") != seq {
		t.Fatalf("%s", a.body)
	}
	if !strings.Contains(b.logged.String(), `"msg":"tampering detected"`) {
		t.Error("the log is silent")
	}

	a = b.post("verifier", "~/verify", `{"from":"2000-01-01","to":"2999-12-31"}`).want(http.StatusOK)
	for path, want := range map[string]any{
		"data.verified": false, "data.chain_valid": true, "data.hash_mismatches": 1., "data.problems_total": 1.,
		"data.first_invalid.seq": float64(seq), "data.first_invalid.id": entry, "data.problems.0.kind": "hash_mismatch",
	} {
		if got, _ := a.at(path); got != want {
			t.Errorf("%s is %v, not %v: %s", path, got, want, a.body)
		}
	}
	found := b.get("reader", "~/logs?event_type=audit.ledger_verified").want(http.StatusOK)
	if v, _ := found.at("data.0.details.verified"); v != false {
		t.Errorf("%s", found.body)
	}
}

func TestAReceiptIsRefusedForARewrittenEntry(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.post("writer", "~/entries", `{"event_type":"scan.started","external_id":"e"}`).want(http.StatusCreated)
	b.superuser(`update entry set record = convert_to(replace(convert_from(record, 'UTF8'), 'scan.started', 'scan.stopped'), 'UTF8') where ledger = $1 and record like '%scan.started%'::bytea`, b.ledger)
	a := b.post("writer", "~/entries", `{"event_type":"scan.started","external_id":"e"}`).want(http.StatusInternalServerError)
	if a.text("error.code") != string(audit.Tampered) {
		t.Fatalf("%s", a.body)
	}
}

func TestDestroyedAndMissingEntries(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first := b.post("writer", "~/entries/bulk", `{"entries":[{"event_type":"scan.started"},{"event_type":"scan.started"},{"event_type":"scan.started"},{"event_type":"scan.started"}]}`).
		want(http.StatusCreated).number("data.results.0.seq")

	// Content that cannot be read any more.
	b.superuser(`update payload set fields = 'rubbish' where ledger = $1 and seq = $2`, b.ledger, first)
	a := b.get("reader", "~/logs?event_type=scan.started&order=asc&limit=1").want(http.StatusOK)
	if v, _ := a.at("data.0.verified"); v != false || a.number("data.0.seq") != first {
		t.Fatalf("%s", a.body)
	}
	b.get("reader", "~/entries?order=asc").want(http.StatusOK)
	b.get("reader", "~/logs/"+a.text("data.0.id")).want(http.StatusOK)

	// Content whose parts do not fit together.
	b.superuser(`update payload set fields = '{"/actor":5,"/actor/id":"x"}' where ledger = $1 and seq = $2`, b.ledger, first+3)
	a = b.get("reader", "~/logs?event_type=scan.started&limit=1").want(http.StatusOK)
	if v, _ := a.at("data.0.verified"); v != false || a.number("data.0.seq") != first+3 || a.text("data.0.event_type") != "scan.started" {
		t.Fatalf("%s", a.body)
	}
	b.get("reader", "~/entries/"+a.text("data.0.id")).want(http.StatusOK)

	// A payload row that is gone.
	b.superuser(`delete from payload where ledger = $1 and seq = $2`, b.ledger, first+1)
	row, err := b.log.Row(t.Context(), b.ledger, first+1)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := b.log.Receipt(t.Context(), b.ledger, first+1)
	if err != nil || string(rec.Record) != string(row.Record) {
		t.Fatal(err)
	}
	e, err := row.Entry()
	if err != nil {
		t.Fatal(err)
	}
	a = b.get("reader", "~/entries/"+e.LogID()).want(http.StatusOK)
	if v, _ := a.at("data.compliance.data_integrity.verified"); v != false {
		t.Fatalf("%s", a.body)
	}

	// A whole entry that is gone.
	b.superuser(`delete from payload where ledger = $1 and seq = $2`, b.ledger, first+2)
	b.superuser(`delete from entry where ledger = $1 and seq = $2`, b.ledger, first+2)
	a = b.post("verifier", "~/verify", `{"from":"2000-01-01","to":"2999-12-31"}`).want(http.StatusOK)
	for path, want := range map[string]any{
		"data.verified": false, "data.chain_valid": false, "data.hash_mismatches": 3., "data.gaps_detected": 1., "data.first_invalid.seq": float64(first),
	} {
		if got, _ := a.at(path); got != want {
			t.Errorf("%s is %v, not %v: %s", path, got, want, a.body)
		}
	}
	ledgertest.Check(t, b.log, b.other, -1) // nobody else is concerned
}
