package ledger

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sealbook/sealbook/audit"
)

// Whatever the bounds, every moment inside counts once, every other not at all,
// and never are more than a day's entries counted one by one.
func TestSplitCoversThePeriod(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	base := time.Date(1969, 12, 30, 0, 0, 0, 0, time.UTC)
	moment := rapid.Custom(func(t *rapid.T) time.Time {
		at := base.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "day")) * day)
		return at.Add(rapid.SampledFrom([]time.Duration{0, time.Microsecond, day / 2, day/2 + time.Microsecond, day - time.Microsecond,
			time.Duration(rapid.IntRange(0, 86399).Draw(t, "second")) * time.Second}).Draw(t, "in it"))
	})
	rapid.Check(t, func(t *rapid.T) {
		p := audit.Period{From: moment.Draw(t, "from"), Until: moment.Draw(t, "until")}
		if !p.From.Before(p.Until) {
			p.From, p.Until = p.Until, p.From.Add(time.Microsecond)
		}
		first, end, edges := split(p)
		var counted time.Duration
		for _, e := range edges {
			counted += e.Until.Sub(e.From)
		}
		if counted > day {
			t.Fatalf("%v: %s are counted one by one", p, counted)
		}
		if first.Before(end) && (dayOf(first)*secondsPerDay != first.Unix() || dayOf(end)*secondsPerDay != end.Unix()) {
			t.Fatalf("%v: %s to %s are not whole days", p, first, end)
		}
		for _, at := range []time.Time{moment.Draw(t, "at"), p.From, p.From.Add(-time.Microsecond), p.Until, p.Until.Add(-time.Microsecond)} {
			n := 0
			if day := timeOfDay(dayOf(at)); !day.Before(first) && day.Before(end) {
				n++
			}
			for _, e := range edges {
				if e.Contains(at) {
					n += e.sign
				}
			}
			if want := map[bool]int{true: 1}[p.Contains(at)]; n != want {
				t.Fatalf("%v: %s counts %d times", p, at, n)
			}
		}
	})
}
