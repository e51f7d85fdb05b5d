package store_test

import (
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// TestRetentionChangesAreDecidedOnce: what the API has looked at before may have
// changed when its statements run, so they hold by themselves.
func TestRetentionChangesAreDecidedOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	at := audit.SystemClock()
	less, more := audit.DefaultRetention, audit.DefaultRetention
	less.AuditLogs.RetentionDays, more.AuditLogs.RetentionDays = 1000, 4000
	who := audit.Object{"type": "user", "id": "user_a"}
	change := func(id audit.RetentionChangeID, basedOn int) store.RetentionChange {
		return store.RetentionChange{ID: id, Ledger: b.ledger, BasedOn: basedOn, Previous: store.JSON[audit.RetentionPolicy]{V: audit.DefaultRetention},
			Policy: store.JSON[audit.RetentionPolicy]{V: less}, Reason: "r", RequestedBy: store.JSON[audit.Object]{V: who}, Requester: "user_a", RequestedAt: at}
	}
	first, second := change("retention_change_1", 0), change("retention_change_2", 1)
	other := store.RetentionDecision{By: audit.Object{"type": "user", "id": "user_b"}, Person: "user_b", At: at.Add(time.Second)}
	same := other
	same.Person = "user_a"

	if err := b.append(t, "1", store.InsertRetentionChange(first)); err != nil {
		t.Fatal(err)
	}
	if err := b.append(t, "2", store.InsertRetentionChange(second)); audit.CodeOf(err) != audit.InvalidState {
		t.Fatalf("two changes wait: %v", err)
	}
	if err := b.append(t, "3", store.ApproveRetentionChange(&first, same)); err == nil {
		t.Fatal("one person asked and approved")
	}
	if err := b.append(t, "4", store.SetRetention(b.ledger, 0, more, at)); err != nil {
		t.Fatal(err)
	}
	if err := b.append(t, "5", store.ApproveRetentionChange(&first, other)); audit.CodeOf(err) != audit.InvalidState {
		t.Fatalf("a change was approved over a policy that its requester had not seen: %v", err)
	}
	if v, err := b.store.RetentionChange(t.Context(), b.ledger, first.ID); err != nil || v.Status != audit.RetentionChangePending || v.Policy.V != less {
		t.Fatalf("%+v %v", v, err)
	}
	if err := b.append(t, "6", store.RefuseRetentionChange(&first, other)); err != nil {
		t.Fatal(err)
	}
	if err := b.append(t, "7", store.InsertRetentionChange(second)); err != nil {
		t.Fatal(err)
	}
	if err := b.append(t, "8", store.ApproveRetentionChange(&second, other)); err != nil {
		t.Fatal(err)
	}
	if err := b.append(t, "9", store.RefuseRetentionChange(&second, other)); audit.CodeOf(err) != audit.InvalidState {
		t.Fatalf("a change was decided on twice: %v", err)
	}
	history, err := b.store.Retention(t.Context(), b.ledger)
	if err != nil || history.Current().Version != 2 || history.Current().Policy != less {
		t.Fatalf("%+v %v", history, err)
	}
	list, total, err := b.store.RetentionChanges(t.Context(), b.ledger, "", 1, 1)
	if err != nil || total != 2 || len(list) != 1 {
		t.Fatalf("%+v %d %v", list, total, err)
	}
}
