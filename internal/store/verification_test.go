package store_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

func (b bundle) verification(t *testing.T, id audit.VerificationID) {
	t.Helper()
	at := audit.SystemClock()
	v := store.Verification{ID: id, Ledger: b.ledger, CreatedAt: at, Request: store.JSON[audit.VerificationRequest]{V: audit.VerificationRequest{From: "2024-01-01"}}}
	if err := b.append(t, string(id), store.InsertVerification(v, store.Start{Workflow: "W", WorkflowID: string(id), Input: 7, At: at})); err != nil {
		t.Fatal(err)
	}
}

func TestVerificationsChangeWithTheirEntries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.verification(t, "verify_1")
	at := audit.SystemClock()
	size := ledgertest.Check(t, b.log, b.ledger, -1).Checkpoint.Size

	// What is refused leaves neither an entry nor a change; a result needs a
	// verification that runs.
	done := store.CompleteVerification(b.ledger, "verify_1", json.RawMessage(`{}`), at)
	if err := b.append(t, "early", done); audit.CodeOf(err) != audit.InvalidState {
		t.Fatal(err)
	}
	ledgertest.Check(t, b.log, b.ledger, size)

	if v, err := b.store.BeginVerification(t.Context(), b.ledger, "verify_1", "run"); err != nil || v.Status != audit.VerificationProcessing || *v.RunID != "run" {
		t.Fatalf("%+v %v", v, err)
	}
	for _, frozen := range []string{`"first"`, `"second"`} {
		kept, err := b.store.FreezeVerification(t.Context(), b.ledger, "verify_1", []byte(frozen))
		if err != nil || string(kept) != `"first"` {
			t.Fatalf("%s %v", kept, err)
		}
	}
	for i, result := range []string{`"b"`, `"a"`, `"other"`} { // the first result of a segment stays
		if err := b.store.KeepSegment(t.Context(), b.ledger, "verify_1", max(1-i, 0), []byte(result)); err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := b.store.Segments(t.Context(), b.ledger, "verify_1"); err != nil || fmt.Sprintf("%s", kept) != `["a" "b"]` {
		t.Fatalf("%s %v", kept, err)
	}
	for i, want := range []bool{true, true, false} {
		if has, err := b.store.HasSegment(t.Context(), b.ledger, "verify_1", i); err != nil || has != want {
			t.Fatalf("segment %d: %t %v", i, has, err)
		}
	}
	if err := b.append(t, "done", done); err != nil {
		t.Fatal(err)
	}
	// Once it has ended, nothing is kept any more and nothing changes.
	if err := b.store.KeepSegment(t.Context(), b.ledger, "verify_1", 5, []byte(`"late"`)); err != nil {
		t.Fatal(err)
	}
	if kept, err := b.store.Segments(t.Context(), b.ledger, "verify_1"); err != nil || len(kept) != 0 {
		t.Fatalf("%s %v", kept, err)
	}
	for name, late := range map[string]store.Statements{
		"a result": done, "an end": store.EndVerification(b.ledger, "verify_1", audit.VerificationFailed, "x"),
		"a cancel": store.CancelVerification(b.ledger, "verify_1", at, store.Cancel{WorkflowID: "verify_1", At: at}),
	} {
		if err := b.append(t, name, late); audit.CodeOf(err) != audit.InvalidState {
			t.Errorf("%s after the end: %v", name, err)
		}
	}
	if v, err := b.store.BeginVerification(t.Context(), b.ledger, "verify_1", "later"); err != nil || v.Status != audit.VerificationCompleted || *v.RunID != "run" {
		t.Errorf("%+v %v", v, err)
	}
	if _, err := b.store.Verification(t.Context(), b.ledger+1, "verify_1"); audit.CodeOf(err) != audit.NotFound {
		t.Fatalf("another organisation sees the verification: %v", err)
	}
	ledgertest.Check(t, b.log, b.ledger, size+1)
}

func TestCanceledVerifications(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.verification(t, "verify_1")
	at := audit.SystemClock()
	if _, err := b.store.BeginVerification(t.Context(), b.ledger, "verify_1", "run"); err != nil {
		t.Fatal(err)
	}
	cancel := store.CancelVerification(b.ledger, "verify_1", at, store.Cancel{WorkflowID: "verify_1", At: at})
	if err := b.append(t, "c", cancel); err != nil {
		t.Fatal(err)
	}
	if err := b.append(t, "d", cancel); audit.CodeOf(err) != audit.InvalidState {
		t.Fatalf("it is canceled twice: %v", err)
	}
	// A result that comes after the cancel loses.
	if err := b.append(t, "e", store.CompleteVerification(b.ledger, "verify_1", json.RawMessage(`{}`), at)); audit.CodeOf(err) != audit.InvalidState {
		t.Fatal(err)
	}
	if err := b.append(t, "f", store.EndVerification(b.ledger, "verify_1", audit.VerificationCanceled, "")); err != nil {
		t.Fatal(err)
	}
	if v, err := b.store.Verification(t.Context(), b.ledger, "verify_1"); err != nil || v.Status != audit.VerificationCanceled || v.Error != nil {
		t.Fatalf("%+v %v", v, err)
	}
	ledgertest.Check(t, b.log, b.ledger, -1)
}

func TestListsOfVerifications(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 5 {
		b.verification(t, audit.VerificationID(fmt.Sprintf("verify_%d", i)))
	}
	list, total, err := b.store.Verifications(t.Context(), b.ledger, 2, 1)
	if err != nil || total != 5 || len(list) != 2 || list[0].ID != "verify_3" || list[1].ID != "verify_2" {
		t.Fatalf("%+v %d %v", list, total, err)
	}
	if list, total, err := b.store.Verifications(t.Context(), b.ledger+1, 2, 0); err != nil || total != 0 || len(list) != 0 {
		t.Fatalf("another organisation sees %+v %d %v", list, total, err)
	}
	// Those whose order still waits are not abandoned.
	later := audit.SystemClock().Add(time.Hour)
	if list, err := b.store.UnfinishedVerifications(t.Context(), later, 10); err != nil || len(list) != 0 {
		t.Fatalf("%+v %v", list, err)
	}
	orders, err := b.store.TakeOrders(t.Context(), later, time.Minute, 2)
	if err != nil || len(orders) != 2 {
		t.Fatalf("%+v %v", orders, err)
	}
	for _, o := range orders {
		if err := b.store.OrderDone(t.Context(), o.ID); err != nil {
			t.Fatal(err)
		}
	}
	for before, want := range map[time.Time]int{later: 2, later.Add(-2 * time.Hour): 0} {
		if list, err := b.store.UnfinishedVerifications(t.Context(), before, 10); err != nil || len(list) != want {
			t.Fatalf("%+v %v", list, err)
		}
	}
	ledgertest.Check(t, b.log, b.ledger, -1)
}
