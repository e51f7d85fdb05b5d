package store_test

import (
	"testing"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// TestInvestigationsAreOpenedWithTheirEntries holds the one transaction: a
// submission that another statement refuses opens nothing, and takes no number.
func TestInvestigationsAreOpenedWithTheirEntries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	e := audit.Event{Type: "login", Class: audit.ClassLogin, Severity: audit.SeverityHigh, Description: "d", RequiresInvestigation: true}
	order, ok := e.InvestigationOrder()
	if !ok {
		t.Fatal("the event asks for nothing")
	}
	submit := func(n int, orders map[int]audit.InvestigationOrder) (first int64, err error) {
		events := make([]audit.Event, n)
		for i := range events {
			events[i] = e
		}
		out, err := b.log.Append(t.Context(), ledger.Submission{Ledger: b.ledger, Events: events, WithNew: store.OpenInvestigations("org_test", b.ledger, orders)})
		if err != nil {
			return 0, err
		}
		return out.Items[0].Receipt.Proof.Index, nil
	}
	bad := order
	bad.Priority = "whatever"
	head, _, err := b.log.Head(t.Context(), b.ledger)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := submit(2, map[int]audit.InvestigationOrder{0: order, 1: bad}); err == nil {
		t.Fatal("an investigation without a known priority was opened")
	}
	if after, _, err := b.log.Head(t.Context(), b.ledger); err != nil || after.Size != head.Size {
		t.Fatalf("the entries are there without their investigation: %v", err)
	}
	first, err := submit(3, map[int]audit.InvestigationOrder{0: order, 2: order})
	if err != nil {
		t.Fatal(err)
	}
	found, err := b.store.InvestigationsOf(t.Context(), b.ledger, []int64{first, first + 1, first + 2})
	if err != nil || len(found) != 2 {
		t.Fatalf("%+v %v", found, err)
	}
	day := found[first].CreatedAt.UTC().Format("20060102")
	for seq, id := range map[int64]string{first: "inv_login_" + day + "_001", first + 2: "inv_login_" + day + "_002"} {
		if i := found[seq]; string(i.ID) != id || i.Priority != audit.SeverityHigh || i.AssignedTo != audit.DefaultInvestigator || i.Status != audit.InvestigationActive {
			t.Errorf("%+v is not %s", i, id)
		}
	}
	if none, err := b.store.InvestigationsOf(t.Context(), b.ledger+1, []int64{first}); err != nil || len(none) > 0 {
		t.Errorf("another organisation sees %+v: %v", none, err)
	}
	ledgertest.Check(t, b.log, b.ledger, -1)
}
