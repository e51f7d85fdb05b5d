package audit_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
)

func TestPeriodsAreWholeIntervals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		interval audit.Interval
		from, to string
		want     string
	}{
		{audit.Daily, "2024-02-28", "2024-03-01", "[2024-02-28 2024-02-29) [2024-02-29 2024-03-01) [2024-03-01 2024-03-02) "},
		{audit.Daily, "2024-01-01T23:59:59Z", "2024-01-02T00:00:00Z", "[2024-01-01 2024-01-02) [2024-01-02 2024-01-03) "},
		{audit.Weekly, "2024-01-01", "2024-01-14", "[2024-01-01 2024-01-08) [2024-01-08 2024-01-15) "},
		{audit.Weekly, "2024-01-03T12:00:00Z", "2024-01-08", "[2024-01-01 2024-01-08) [2024-01-08 2024-01-15) "},
		{audit.Weekly, "2024-01-07", "2024-01-07", "[2024-01-01 2024-01-08) "},
		{audit.Weekly, "1970-01-01", "1970-01-01", "[1969-12-29 1970-01-05) "},
		{audit.Monthly, "2024-01-31", "2024-02-29", "[2024-01-01 2024-02-01) [2024-02-01 2024-03-01) "},
		{audit.Monthly, "2023-12-31T23:59:59.999999Z", "2024-01-01", "[2023-12-01 2024-01-01) [2024-01-01 2024-02-01) "},
		{audit.Weekly, "2024-01-01T01:00:00+02:00", "2024-01-01", "[2023-12-25 2024-01-01) [2024-01-01 2024-01-08) "},
	} {
		p, err := audit.ParsePeriod(c.from, c.to)
		if err != nil {
			t.Fatal(err)
		}
		periods, ok := c.interval.Periods(p, 3)
		got := ""
		for _, p := range periods {
			got += fmt.Sprintf("[%s %s) ", p.From.Format(time.DateOnly), p.Until.Format(time.DateOnly))
		}
		if !ok || got != c.want {
			t.Errorf("%s from %s to %s: %s, not %s", c.interval, c.from, c.to, got, c.want)
		}
		if _, ok := c.interval.Periods(p, len(periods)-1); ok {
			t.Errorf("%s from %s to %s: more periods than allowed", c.interval, c.from, c.to)
		}
	}
}
