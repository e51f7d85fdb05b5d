package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// TestFindingsCloseByThemselves follows one finding through assessments: it closes
// after two passes in a row over a period as long as the one in which it was found,
// or over 90 days, and comes back as another one.
func TestFindingsCloseByThemselves(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := audit.AssessmentID(b.post("full", "~/compliance/assessments", `{"frameworks":["sox"]}`).want(202).text("data.assessment_id"))
	fails := func(days int) store.Assessed {
		return store.Assessed{Gaps: []store.Gap{{
			Kind: audit.FindingGap, Framework: audit.SOX, Requirement: "S1", Title: "t", Severity: audit.SeverityLow, SpanDays: days, DetectedAt: b.clock.now(),
		}}}
	}
	passes := func(days int) store.Assessed {
		return store.Assessed{Passed: []store.Passed{{Framework: audit.SOX, Requirement: "S1", SpanDays: days}}}
	}
	for i, step := range []struct {
		found store.Assessed
		want  string // ids with their states, newest first
	}{
		{passes(365), ""},
		{fails(30), "SOX_001 open"},
		{passes(30), "SOX_001 open"},
		{fails(30), "SOX_001 open"},
		{passes(7), "SOX_001 open"},
		{passes(7), "SOX_001 open"},
		{passes(30), "SOX_001 open"},
		{passes(31), "SOX_001 closed"},
		{fails(365), "SOX_002 open, SOX_001 closed"},
		{passes(90), "SOX_002 open, SOX_001 closed"},
		{passes(90), "SOX_002 closed, SOX_001 closed"},
	} {
		b.clock.move(time.Minute)
		b.apply(store.ApplyAssessed(b.ledger, id, step.found, b.clock.now()))
		list, total, err := b.store.Gaps(t.Context(), b.ledger, store.GapFilter{Kind: audit.FindingGap}, 10, 0)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, g := range list {
			got = append(got, g.ID+" "+string(g.Status))
		}
		if s := strings.Join(got, ", "); s != step.want || int(total) != len(list) {
			t.Fatalf("after step %d findings are %q (%d), want %q", i, s, total, step.want)
		}
	}
}

// TestAssessmentsAreScheduledOnceAnInterval sweeps as the worker's schedule does.
func TestAssessmentsAreScheduledOnceAnInterval(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	now := b.clock.now()
	b.clock.move(now.Truncate(24 * time.Hour).Add(36 * time.Hour).Sub(now)) // noon: no interval ends meanwhile
	b.post("full", "~/entries", `{"event_type":"scan.started"}`).want(201)
	sweep := func(every time.Duration, want int) {
		t.Helper()
		do := &activities.Activities{Log: b.log, Store: b.store, Artifacts: b.artifacts, Clock: b.clock.now, AssessEvery: every}
		swept, err := do.Sweep(t.Context())
		if err != nil || swept.Assessments != want {
			t.Fatalf("%d assessments were due (%v), want %d", swept.Assessments, err, want)
		}
	}
	sweep(0, 0)
	// Two at once, as when an operator starts one beside the schedule's. The other
	// organisation has no entry.
	both := make(chan error)
	for range 2 {
		go func() {
			do := &activities.Activities{Log: b.log, Store: b.store, Artifacts: b.artifacts, Clock: b.clock.now, AssessEvery: 24 * time.Hour}
			_, err := do.Sweep(t.Context())
			both <- err
		}()
	}
	for range 2 {
		if err := <-both; err != nil {
			t.Error(err)
		}
	}
	sweep(24*time.Hour, 0)
	b.clock.move(24 * time.Hour)
	sweep(24*time.Hour, 1)
	a := b.get("full", "~/compliance/assessments").want(200)
	if list, _ := a.at("data"); len(list.([]any)) != 2 || a.text("data.0.requested_by.id") != "sealbook" || len(a.text("data.0.period.name")) != 4 {
		t.Errorf("%s", a.body)
	}
}
