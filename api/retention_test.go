package api_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/api"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// TestStorageIsMeasured appends something large: the figure that was measured
// before is kept for its life, and the next one has grown by what is stored.
func TestStorageIsMeasured(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	used := func(as string) (gb float64, at string) {
		a := b.get(as, "~/retention").want(http.StatusOK)
		v, _ := a.at("data.storage_used_gb")
		gb, ok := v.(float64)
		if !ok {
			t.Fatalf("%s", a.body)
		}
		return gb, a.text("metadata.storage_measured_at")
	}
	before, at := used("full")
	other, _ := used("other")
	noise := make([]byte, 50_000) // does not compress
	rand.Read(noise)
	b.post("full", "~/entries", fmt.Sprintf(`{"event_type": "config.changed", "details": {"text": "%x"}}`, noise)).want(http.StatusCreated)
	if again, then := used("full"); again != before || then != at {
		t.Errorf("measured again: %v at %s", again, then)
	}
	b.clock.move(api.DefaultMeasureLife + time.Second)
	after, _ := used("full")
	if grown := after - before; grown < 50_000/1e9 || grown > 120_000/1e9 { // hex may be packed to half, and reading leaves entries
		t.Errorf("100,000 characters are %v GB more", grown)
	}
	if again, _ := used("other"); again != other {
		t.Errorf("another organisation holds %v, and held %v", again, other)
	}
}

// TestStorageThatCannotBeMeasured gives measuring no time.
func TestStorageThatCannotBeMeasured(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *api.Config, _ *ledger.Config) { c.MeasureTimeout = time.Millisecond })
	for range 5 {
		b.post("full", "~/entries/bulk", `{"entries": [`+strings.Repeat(`{"event_type": "scan.started"},`, 999)+`{"event_type": "scan.started"}]}`).want(http.StatusCreated)
	}
	a := b.get("full", "~/retention").want(http.StatusOK)
	if v, there := a.at("data.storage_used_gb"); v != nil || !there {
		t.Errorf("%v was measured in no time", v)
	}
	if v, _ := a.at("metadata.storage_measured_at"); v != nil || !strings.Contains(a.text("metadata.storage_reason"), "1ms") {
		t.Errorf("%s", a.body)
	}
	policy := `{"audit_logs": {"retention_days": 3650, "archive_after_days": 1}, "scan_results": {"retention_days": 800, "archive_after_days": 1}, "evidence_exports": {"retention_days": 1}}`
	b.send(request{method: "PUT", path: "~/retention", as: "full", header: http.Header{"If-Match": {"*"}}, body: []byte(policy)}).want(http.StatusServiceUnavailable)
}

// TestOtherProcessesSetPolicies sets one as another process does: entries follow
// it after the life of what is remembered, and the policy itself is shown at
// once.
func TestOtherProcessesSetPolicies(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.post("full", "~/entries", `{"event_type": "config.changed"}`).want(http.StatusCreated).text("data.id")
	kept := func() string {
		return b.get("full", "~/entries/"+id).want(http.StatusOK).text("data.retention.retention_period")
	}
	if got := kept(); got != "7_years" {
		t.Fatal(got)
	}
	p := audit.DefaultRetention
	p.AuditLogs.RetentionDays = 3650
	e := audit.Event{Type: "audit.test", Class: audit.ClassSystem, Severity: audit.SeverityLow}
	if _, err := b.log.Append(t.Context(), ledger.Submission{Ledger: b.ledger, Events: []audit.Event{e}, With: store.SetRetention(b.ledger, 0, p, b.clock.now())}); err != nil {
		t.Fatal(err)
	}
	if got := kept(); got != "7_years" {
		t.Fatal(got)
	}
	b.clock.move(api.DefaultRetentionCacheLife + time.Millisecond)
	if got := kept(); got != "10_years" {
		t.Fatal(got)
	}
	if a := b.get("full", "~/retention").want(http.StatusOK); a.number("data.version") != 1 {
		t.Errorf("%s", a.body)
	}
}
