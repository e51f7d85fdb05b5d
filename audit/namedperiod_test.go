package audit

import (
	"testing"
	"time"
)

func TestNamedPeriodsEndNoLaterThanNow(t *testing.T) {
	now := time.Date(2026, 8, 26, 14, 30, 0, 0, time.UTC)
	for name, want := range map[string]string{
		"current_year":    "2026 2026-01-01T00:00:00Z 2026-08-26T14:30:00Z",
		"current_quarter": "2026-Q3 2026-07-01T00:00:00Z 2026-08-26T14:30:00Z",
		"current_month":   "2026-08 2026-08-01T00:00:00Z 2026-08-26T14:30:00Z",
		"last_year":       "2025 2025-01-01T00:00:00Z 2026-01-01T00:00:00Z",
		"2024-Q4":         "2024-Q4 2024-10-01T00:00:00Z 2025-01-01T00:00:00Z",
		"2026-02":         "2026-02 2026-02-01T00:00:00Z 2026-03-01T00:00:00Z",
		"last_30_days":    "last_30_days 2026-07-27T14:30:00Z 2026-08-26T14:30:00Z",
		"last_90_days":    "last_90_days 2026-05-28T14:30:00Z 2026-08-26T14:30:00Z",
	} {
		p, canonical, err := NamedPeriod(name, now)
		if got := canonical + " " + p.From.Format(time.RFC3339) + " " + p.Until.Format(time.RFC3339); err != nil || got != want {
			t.Errorf("%s is %s (%v), want %s", name, got, err, want)
		}
	}
	for _, name := range []string{"", "2027", "2026-Q4", "2026-Q5", "2026-13", "yesterday", "2026-9", "0000"} {
		if _, _, err := NamedPeriod(name, now); CodeOf(err) != InvalidParameter {
			t.Errorf("%q: the error is %v, want %s", name, err, InvalidParameter)
		}
	}
	if p, _, err := NamedPeriod("current_year", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)); err == nil {
		t.Errorf("a year of which no instant is over is %v", p)
	}
}
