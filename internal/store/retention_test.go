package store_test

import (
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// TestRetentionPolicies sets policies in order, refuses one that did not see
// its predecessor, and lets a package live as long as the last one says.
func TestRetentionPolicies(t *testing.T) {
	t.Parallel()
	b := setup(t)
	at := audit.SystemClock()
	first, second := audit.DefaultRetention, audit.DefaultRetention
	first.EvidenceExports.RetentionDays, second.EvidenceExports.RetentionDays = 60, 90
	if err := b.append(t, "1", store.SetRetention(b.ledger, 0, first, at)); err != nil {
		t.Fatal(err)
	}
	if err := b.append(t, "2", store.SetRetention(b.ledger, 0, second, at)); audit.CodeOf(err) != audit.PreconditionFailed {
		t.Fatalf("a policy over one that was not seen: %v", err)
	}
	if err := b.append(t, "3", store.SetRetention(b.ledger, 1, second, at.Add(time.Second))); err != nil {
		t.Fatal(err)
	}
	history, err := b.store.Retention(t.Context(), b.ledger)
	if err != nil || len(history) != 2 || history[0].Policy != first || history.Current().Policy != second || history.Current().Version != 2 {
		t.Fatalf("%+v %v", history, err)
	}
	if other, err := b.store.Retention(t.Context(), b.ledger+1); err != nil || len(other) != 0 || other.Current().Policy != audit.DefaultRetention {
		t.Fatalf("another organisation sees the policies: %+v %v", other, err)
	}

	e := store.Export{ID: "export_1", Ledger: b.ledger, CreatedAt: at,
		Request: store.JSON[audit.ExportRequest]{V: audit.ExportRequest{Format: audit.FormatZIP}}}
	if err := b.append(t, "4", store.InsertExport(e, store.Start{Workflow: "W", WorkflowID: "export_1", Input: 7, At: at})); err != nil {
		t.Fatal(err)
	}
	if _, err := b.store.BeginExport(t.Context(), b.ledger, "export_1", "run"); err != nil {
		t.Fatal(err)
	}
	if err := b.append(t, "5", store.CompleteExport(b.ledger, "export_1", audit.Artifact{Key: "k", Size: 1234}, nil, at)); err != nil {
		t.Fatal(err)
	}
	got, err := b.store.Export(t.Context(), b.ledger, "export_1")
	if err != nil || !got.ArtifactExpiresAt.Equal(at.Add(90*24*time.Hour)) {
		t.Errorf("the package expires %v, %v", got.ArtifactExpiresAt, err)
	}
	if n, err := b.store.ArtifactBytes(t.Context(), b.ledger); err != nil || n != 1234 {
		t.Errorf("%d bytes of artifacts, %v", n, err)
	}
	ledgertest.Check(t, b.log, b.ledger, -1)
}
