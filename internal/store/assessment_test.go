package store_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// Of a package's period is an assessment of exactly that, or one that was asked for
// while it lasted; the newest counts.
func TestAssessmentOfAPeriod(t *testing.T) {
	t.Parallel()
	b := setup(t)
	start, end := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2024, 4, 1, 0, 0, 0, 0, time.UTC)
	add := func(id audit.AssessmentID, f audit.Framework, from, until, at time.Time, complete bool) {
		t.Helper()
		a := store.Assessment{ID: id, Ledger: b.ledger, Frameworks: []audit.Framework{f, audit.SOX}, FromTime: from, UntilTime: until, CreatedAt: at}
		if err := b.append(t, string(id), store.InsertAssessment(a, "org_test")); err != nil {
			t.Fatal(err)
		}
		if _, err := b.store.BeginAssessment(t.Context(), b.ledger, id, "run"); err != nil {
			t.Fatal(err)
		}
		if !complete {
			return
		}
		done := store.CompleteAssessment(b.ledger, id, audit.Artifact{Digest: string(id)}, json.RawMessage(`{}`), nil, nil, at)
		if err := b.append(t, string(id)+"done", done); err != nil {
			t.Fatal(err)
		}
	}
	newest := func() audit.AssessmentID {
		t.Helper()
		a, err := b.store.AssessmentOf(t.Context(), b.ledger, audit.SOC2, audit.Period{From: start, Until: end})
		if err != nil && audit.CodeOf(err) != audit.NotFound {
			t.Fatal(err)
		}
		return a.ID
	}
	later := end.Add(24 * time.Hour)
	add("another framework", audit.GDPR, start, end, later, true)
	add("another start", audit.SOC2, start.Add(time.Hour), end, later, true)
	add("a longer period", audit.SOC2, start, end.Add(time.Hour), later, true)
	add("a part of it", audit.SOC2, start, end.Add(-time.Hour), later, true)
	add("not completed", audit.SOC2, start, end, later, false)
	if id := newest(); id != "" {
		t.Errorf("%s is taken for one of the period", id)
	}
	while := end.Add(-30 * 24 * time.Hour)
	add("while it lasted", audit.SOC2, start, while, while, true)
	if id := newest(); id != "while it lasted" {
		t.Errorf("it is %q", id)
	}
	add("first", audit.SOC2, start, end, end.Add(time.Hour), true)
	add("second", audit.SOC2, start, end, end.Add(2*time.Hour), true)
	if id := newest(); id != "second" {
		t.Errorf("it is %q", id)
	}
}
