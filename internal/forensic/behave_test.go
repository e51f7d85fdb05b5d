package forensic_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/forensic"
)

func behave(t testing.TB, list []audit.Entry, o forensic.Options) *forensic.Behaviour {
	t.Helper()
	b, err := forensic.Behave(func(yield func(*audit.Entry) bool) {
		for i := range list {
			if !yield(&list[i]) {
				return
			}
		}
	}, o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestQuietPopulation: of people who do their work, next to nobody is reported,
// although some of them change machines, travel, work late and start anew.
func TestQuietPopulation(t *testing.T) {
	t.Parallel()
	judged, found := 0, 0
	for seed := range uint64(4) {
		b := behave(t, live(seed, 30, 120).entries, forensic.Options{})
		judged += b.Judged
		found += len(b.Findings)
		if b.Tests != b.Judged || b.UserDays <= b.Judged || b.ByPeers == 0 || b.Outcome == forensic.InsufficientData || len(b.Highest) != 30 {
			t.Errorf("%d tests on %d of %d user-days, %d by peers, %d users", b.Tests, b.Judged, b.UserDays, b.ByPeers, len(b.Highest))
		}
	}
	if judged < 7000 || found*1000 > 2*judged {
		t.Errorf("%d findings on %d user-days", found, judged)
	}
}

// night adds what somebody does with another's account: at two in the morning,
// from an address and with a program that were never there.
func night(p *population, day int) {
	for k := range 12 {
		at := monday.Add(time.Duration(day)*24*time.Hour + time.Duration(-7*60+k*5)*time.Minute)
		p.act(at, "u04", "analyst", "record.read", fmt.Sprint("r99-", k), "203.0.113.66", "curl")
	}
	p.sort()
}

// TestNight: it is found, on that day, with that user and those entries, and
// nothing else is.
func TestNight(t *testing.T) {
	t.Parallel()
	p := live(3, 30, 120)
	night(p, 100)
	b := behave(t, p.entries, forensic.Options{})
	if len(b.Findings) != 1 {
		t.Fatalf("%d findings", len(b.Findings))
	}
	f := b.Findings[0]
	if f.Kind != forensic.Unusual || f.Detector != "user-behaviour" || fmt.Sprint(f.Users) != "[u04]" || f.Group["day"] != "2025-06-11" || f.Entries < 12 {
		t.Errorf("%+v", f)
	}
	d := f.Deviation
	if d.Baseline != "mixed" || !d.AtFloor || d.Value < 15 || d.PValue != d.Floor || d.Windows < 50 || d.Bits < d.Usual+20 || f.Baseline.Role != "analyst" || f.Baseline.Peers != 9 {
		t.Errorf("%+v %+v", d, f.Baseline)
	}
	for _, feature := range []string{"hour of the week", "new user agent", "new source address", "new resource"} {
		i := slices.IndexFunc(d.Top, func(c forensic.Contribution) bool { return c.Feature == feature })
		if i < 0 || len(d.Top[i].EntryIDs) == 0 || d.Top[i].Bits <= 0 {
			t.Errorf("%s is not named: %+v", feature, d.Top)
		}
	}
}
