package audit

import (
	"testing"
	"time"
)

func TestRetentionIsTheLongestPromise(t *testing.T) {
	t.Parallel()
	day := func(n int) time.Time { return time.Date(2025, 1, n, 0, 0, 0, 0, time.UTC) }
	policy := func(logs, scans int) RetentionPolicy {
		return RetentionPolicy{RetentionRule{logs, 1}, RetentionRule{scans, 1}, ExportRetention{30}}
	}
	history := RetentionHistory{{1, policy(4000, 100), day(10)}, {2, policy(1000, 900), day(20)}}
	for _, c := range []struct {
		history    RetentionHistory
		recorded   time.Time
		eventType  string
		frameworks []Framework
		want       int
		by         Framework
	}{
		{nil, day(1), "fix.applied", nil, 2555, ""},
		{nil, day(1), "scan.started", nil, 730, ""},
		{nil, day(1), "scanner.started", nil, 2555, ""},
		{nil, day(1), "fix.applied", []Framework{ISO27001, FDA21CFR11, SOX}, 2555, FDA21CFR11}, // the first of equals
		{nil, day(1), "scan.started", []Framework{SOC2, SOX}, 2555, SOX},
		{nil, day(1), "scan.started", []Framework{GDPR, NISTCSF}, 730, ""},
		{history, day(5), "fix.applied", nil, 4000, ""},  // extended by a later policy
		{history, day(15), "fix.applied", nil, 4000, ""}, // not shortened by one
		{history, day(20), "fix.applied", nil, 1000, ""}, // at its very moment the new one counts
		{history, day(25), "fix.applied", nil, 1000, ""},
		{history, day(25), "fix.applied", []Framework{SOX}, 2555, SOX},
		{history, day(15), "scan.started", nil, 900, ""},
		{history, day(5), "scan.started", nil, 900, ""},
		{history[:1], day(5), "scan.started", nil, 730, ""}, // the default was in force
		{history[:1], day(15), "scan.started", nil, 100, ""},
	} {
		e := &Entry{Event: Event{Type: c.eventType, Frameworks: c.frameworks}, RecordedAt: c.recorded}
		if got, by := c.history.Of(e); got != c.want || by != c.by {
			t.Errorf("%s of %s, %v: %d days by %q, not %d by %q", c.eventType, c.recorded.Format(time.DateOnly), c.frameworks, got, by, c.want, c.by)
		}
	}
	if len(RetentionFloors) != len(Frameworks) {
		t.Errorf("%d floors for %d frameworks", len(RetentionFloors), len(Frameworks))
	}
}
