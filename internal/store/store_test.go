package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

type bundle struct {
	log    *ledger.Log
	store  *store.Store
	ledger int32
}

func setup(t *testing.T) bundle {
	t.Helper()
	l, id, dsn := ledgertest.New(t)
	s, err := store.Open(t.Context(), dsn, 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	o := store.Organisation{ID: "org_test", Name: "Test", Ledger: id, CreatedAt: audit.SystemClock()}
	if err := s.CreateOrganisation(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	return bundle{l, s, id}
}

func (b bundle) append(t *testing.T, key string, with store.Statements) error {
	t.Helper()
	e := audit.Event{Type: "audit.test", Class: audit.ClassSystem, Severity: audit.SeverityLow, ExternalID: key}
	_, err := b.log.Append(t.Context(), ledger.Submission{Ledger: b.ledger, Events: []audit.Event{e}, With: with})
	return err
}

func TestOrganisationNamesAreUnique(t *testing.T) {
	t.Parallel()
	b := setup(t)
	err := b.store.CreateOrganisation(context.Background(), store.Organisation{ID: "org_other", Name: "Test", Ledger: b.ledger})
	if audit.CodeOf(err) != audit.InvalidState {
		t.Fatal(err)
	}
	if _, err := b.store.OrganisationByName(t.Context(), "nobody"); audit.CodeOf(err) != audit.NotFound {
		t.Fatal(err)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	pepper := []byte("pepper")
	k, text, err := store.NewKey(pepper, "org_test", "development", "test", audit.Permissions, audit.SystemClock())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.append(t, "", store.InsertKey(k)); err != nil {
		t.Fatal(err)
	}
	id, secret, ok := store.ParseKey(text)
	if !ok {
		t.Fatalf("%s is not a key", text)
	}
	got, ledgerID, err := b.store.KeyByID(t.Context(), id)
	if err != nil || ledgerID != b.ledger || !got.Matches(pepper, secret, k.CreatedAt) || got.Matches(nil, secret, k.CreatedAt) || got.Matches(pepper, secret+"x", k.CreatedAt) {
		t.Fatalf("%+v %v", got, err)
	}
	for i := range text { // the checksum notices any changed character
		c := byte('x')
		if text[i] == c {
			c = 'y'
		}
		if _, _, ok := store.ParseKey(text[:i] + string(c) + text[i+1:]); ok {
			t.Errorf("a key with another character at %d is accepted", i)
		}
	}
	past := audit.SystemClock()
	for _, k := range []store.Key{{ExpiresAt: &past}, {RevokedAt: &past}} {
		if k.Usable(past) {
			t.Errorf("%+v is usable", k)
		}
	}
}

func TestExportsChangeWithTheirEntries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	at := audit.SystemClock()
	e := store.Export{ID: "export_1", Ledger: b.ledger, CreatedAt: at,
		Request: store.JSON[audit.ExportRequest]{V: audit.ExportRequest{Format: audit.FormatZIP}}}
	if err := b.append(t, "1", store.InsertExport(e, store.Start{Workflow: "W", WorkflowID: "export_1", Input: 7, At: at})); err != nil {
		t.Fatal(err)
	}
	size := ledgertest.Check(t, b.log, b.ledger, -1).Checkpoint.Size

	// What is refused leaves neither an entry nor a change.
	if err := b.append(t, "2", store.ExpireExport(b.ledger, "export_1")); audit.CodeOf(err) != audit.InvalidState {
		t.Fatal(err)
	}
	ledgertest.Check(t, b.log, b.ledger, size)

	if _, err := b.store.BeginExport(t.Context(), b.ledger, "export_1", "run"); err != nil {
		t.Fatal(err)
	}
	for _, frozen := range []string{`"first"`, `"second"`} {
		kept, err := b.store.FreezeExport(t.Context(), b.ledger, "export_1", []byte(frozen))
		if err != nil || string(kept) != `"first"` {
			t.Fatalf("%s %v", kept, err)
		}
	}
	if err := b.append(t, "3", store.CancelExport(b.ledger, "export_1", at, store.Cancel{WorkflowID: "export_1", At: at})); err != nil {
		t.Fatal(err)
	}
	// A package that comes after the cancel loses.
	done := store.CompleteExport(b.ledger, "export_1", audit.Artifact{Key: "k"}, nil, at)
	if err := b.append(t, "4", done); audit.CodeOf(err) != audit.InvalidState {
		t.Fatal(err)
	}
	if err := b.append(t, "5", store.EndExport(b.ledger, "export_1", audit.ExportCanceled, "")); err != nil {
		t.Fatal(err)
	}
	got, err := b.store.Export(t.Context(), b.ledger, "export_1")
	if err != nil || got.Status != audit.ExportCanceled {
		t.Fatalf("%+v %v", got, err)
	}
	if _, err := b.store.Export(t.Context(), b.ledger+1, "export_1"); audit.CodeOf(err) != audit.NotFound {
		t.Fatalf("another organisation sees the export: %v", err)
	}
	ledgertest.Check(t, b.log, b.ledger, -1)

	// The start comes before the cancel, and each is seen once while leased.
	for _, kind := range []string{"start", "cancel"} {
		orders, err := b.store.TakeOrders(t.Context(), at, time.Minute, 10)
		if err != nil || len(orders) != 1 || orders[0].Kind != kind {
			t.Fatalf("%+v %v", orders, err)
		}
		if again, err := b.store.TakeOrders(t.Context(), at, time.Minute, 10); err != nil || len(again) != 0 {
			t.Fatalf("%+v %v", again, err)
		}
		if err := b.store.OrderDone(t.Context(), orders[0].ID); err != nil {
			t.Fatal(err)
		}
	}
}
