package store_test

import (
	"testing"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

func TestKeysAreListedAndRevokedOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	k, _, err := store.NewKey([]byte("pepper"), "org_test", "ingest", "test", []audit.Permission{audit.Write}, audit.SystemClock())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.append(t, "made", store.InsertKey(k)); err != nil {
		t.Fatal(err)
	}
	list, err := b.store.Keys(t.Context(), "")
	if err != nil || len(list) != 1 || list[0].ID != k.ID || list[0].OrganisationName != "Test" {
		t.Fatalf("%+v %v", list, err)
	}
	if list, err := b.store.Keys(t.Context(), "Another"); err != nil || len(list) != 0 {
		t.Fatalf("another organisation has %+v %v", list, err)
	}
	at := audit.SystemClock()
	if err := b.append(t, "ended", store.RevokeKey(k.ID, at)); err != nil {
		t.Fatal(err)
	}
	if got, _, err := b.store.KeyByID(t.Context(), k.ID); err != nil || got.Usable(at) {
		t.Fatalf("a revoked key is usable: %+v %v", got, err)
	}
	size := ledgertest.Check(t, b.log, b.ledger, -1).Checkpoint.Size
	if err := b.append(t, "ended again", store.RevokeKey(k.ID, at)); audit.CodeOf(err) != audit.InvalidState {
		t.Fatal(err)
	}
	if err := b.append(t, "nobody", store.RevokeKey("000000000000", at)); audit.CodeOf(err) != audit.NotFound {
		t.Fatal(err)
	}
	ledgertest.Check(t, b.log, b.ledger, size)
}
