package forensic_test

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
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
	for seed := range uint64(6) { // frozen for ten days, a baseline grows old
		b := behave(t, live(10+seed, 30, 100).entries, forensic.Options{Window: investigation()})
		judged += b.Judged
		found += len(b.Findings)
	}
	if judged < 8000 || found*1000 > 2*judged {
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
// hardly anything else is.
func TestNight(t *testing.T) {
	t.Parallel()
	p := live(3, 30, 120)
	night(p, 100)
	b := behave(t, p.entries, forensic.Options{})
	if len(b.Findings) == 0 || float64(len(b.Findings)-1) > 2*b.RareDay*float64(b.Judged) {
		t.Fatalf("%d findings", len(b.Findings))
	}
	f := slices.MaxFunc(b.Findings, func(x, y forensic.Finding) int { return cmp.Compare(x.Score, y.Score) })
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

// encoded is the bytes that somebody would compare.
func encoded(t *testing.T, b any) []byte {
	t.Helper()
	text, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestBehaviourSameBytes: maps are iterated over in another order each time, and nothing
// of it shows.
func TestBehaviourSameBytes(t *testing.T) {
	t.Parallel()
	p := live(2, 12, 80)
	night(p, 70)
	first := encoded(t, behave(t, p.entries, forensic.Options{}))
	for range 4 {
		if again := encoded(t, behave(t, p.entries, forensic.Options{})); !bytes.Equal(first, again) {
			t.Fatalf("%s\n%s", first, again)
		}
	}
}

// investigation is the last ten days of a hundred.
func investigation() audit.Period {
	return audit.Period{From: monday.Add(90*24*time.Hour - 9*time.Hour), Until: monday.Add(100*24*time.Hour - 9*time.Hour)}
}

func deviation(b *forensic.Behaviour, user string) *forensic.Highest {
	for i := range b.Highest {
		if b.Highest[i].User == user {
			return &b.Highest[i]
		}
	}
	return nil
}

// TestWindowIsNotLearnt: what is done in the window changes no baseline, neither
// that of who does it nor that of the role, and no comparison of anybody else.
func TestWindowIsNotLearnt(t *testing.T) {
	t.Parallel()
	p := live(4, 30, 100)
	quiet := behave(t, p.entries, forensic.Options{Window: investigation()})
	night(p, 92)
	for day := 93; day < 97; day++ {
		night(p, day)
	}
	b := behave(t, p.entries, forensic.Options{Window: investigation()})
	if len(quiet.Findings) > 0 || quiet.Judged == 0 || quiet.Judged > 30*10 || quiet.Tests != quiet.Judged {
		t.Errorf("%d findings on %d user-days", len(quiet.Findings), quiet.Judged)
	}
	if len(b.Findings) == 0 || b.Findings[0].Group["day"] != "2025-06-03" {
		t.Fatalf("%+v", b.Findings)
	}
	for _, f := range b.Findings {
		was := deviation(quiet, "u04")
		if f.Users[0] != "u04" || f.Baseline.Digest != was.Baseline.Digest || f.Baseline.Last.After(investigation().From) || f.Deviation.Windows != was.Deviation.Windows {
			t.Errorf("%v: %+v, not %+v", f.Users, f.Baseline, was.Baseline)
		}
	}
	for _, h := range quiet.Highest {
		if h.User != "u04" && !bytes.Equal(encoded(t, h), encoded(t, deviation(b, h.User))) {
			t.Errorf("%s deviates otherwise: %+v", h.User, h)
		}
	}
	if h := deviation(b, "u04"); h.Deviation.Baseline != "mixed" || !h.Deviation.AtFloor {
		t.Errorf("%+v", h.Deviation)
	}
}

// TestPastIsAllThatCounts: without a window, what comes later changes nothing
// of an earlier day.
func TestPastIsAllThatCounts(t *testing.T) {
	t.Parallel()
	p := live(6, 9, 70)
	night(p, 65)
	whole := behave(t, p.entries, forensic.Options{})
	end := monday.Add(66*24*time.Hour - 9*time.Hour)
	cut := slices.DeleteFunc(slices.Clone(p.entries), func(e audit.Entry) bool { return !e.Time().Before(end) })
	short := behave(t, cut, forensic.Options{})
	if a, b := deviation(whole, "u04"), deviation(short, "u04"); a == nil || a.Day != "2025-05-07" || !bytes.Equal(encoded(t, a), encoded(t, b)) {
		t.Errorf("%+v\n%+v", a, b)
	}
}

// TestBaselineDigest can be made again with nothing but SHA-256.
func TestBaselineDigest(t *testing.T) {
	t.Parallel()
	p := live(8, 1, 60)
	for i := range p.entries {
		delete(p.entries[i].Actor, "role")
	}
	h := deviation(behave(t, p.entries, forensic.Options{}), "u00")
	if h == nil || h.Deviation.Baseline != "own" || h.Baseline.Role != "" {
		t.Fatalf("%+v", h)
	}
	sum := sha256.New()
	for i := range p.entries {
		if e := &p.entries[i]; e.Time().Format(time.DateOnly) < h.Day {
			fmt.Fprintf(sum, "%s\t%s\n", e.ExternalID, e.Time().UTC().Format(time.RFC3339Nano))
		}
	}
	if want := fmt.Sprintf("sha256:%x", sum.Sum(nil)); h.Baseline.Digest != want {
		t.Errorf("%s, not %s", h.Baseline.Digest, want)
	}
}

// TestUnjudged: who is new and has no peers is named, and is no "nothing found".
func TestUnjudged(t *testing.T) {
	t.Parallel()
	p := live(9, 3, 15)
	b := behave(t, p.entries, forensic.Options{})
	if b.Outcome != forensic.InsufficientData || len(b.Insufficient) != 3 || b.Insufficient[0].User != "u00" || b.Insufficient[0].Days == 0 || b.Tests != 0 {
		t.Errorf("%+v", b)
	}
	// Among colleagues of a role somebody new is judged by their habits.
	p = live(9, 30, 60)
	for day := 50; day < 54; day++ {
		p.act(monday.Add(time.Duration(day)*24*time.Hour), "new", "engineer", "issue.updated", "r1-1", "10.0.0.1", "browser 1")
	}
	p.sort()
	b = behave(t, p.entries, forensic.Options{})
	if h := deviation(b, "new"); h == nil || h.Deviation.Baseline != "peer" || h.Baseline.Peers != 10 || h.Baseline.Days > 3 {
		t.Errorf("%+v", h)
	}
}

// TestLeave: an incident that was confirmed is in no baseline.
func TestLeave(t *testing.T) {
	t.Parallel()
	p := live(4, 30, 100)
	with := behave(t, p.entries, forensic.Options{Window: investigation()})
	for day := 40; day < 60; day++ {
		night(p, day)
	}
	leave := audit.Period{From: monday.Add(39 * 24 * time.Hour), Until: monday.Add(60 * 24 * time.Hour)}
	p.entries = slices.DeleteFunc(p.entries, func(e audit.Entry) bool { return leave.Contains(e.Time()) && e.Actor.String("id") == "nobody" })
	learnt := behave(t, p.entries, forensic.Options{Window: investigation()})
	left := behave(t, p.entries, forensic.Options{Window: investigation(), Leave: []audit.Period{leave}})
	a, b, c := deviation(with, "u04").Baseline, deviation(learnt, "u04").Baseline, deviation(left, "u04").Baseline
	if c.Days >= a.Days || b.Days < a.Days || c.Digest == b.Digest {
		t.Errorf("%d days, %d with the incident, %d without", a.Days, b.Days, c.Days)
	}
}

// TestSilence: an emitter that is heard every few minutes on working days is
// silent for an afternoon. Its nights and weekends are its rhythm.
func TestSilence(t *testing.T) {
	t.Parallel()
	p := live(1, 1, 1)
	p.entries = nil
	for day := range 70 {
		for minute := 0; minute < 8*60; minute += 5 {
			if day%7 >= 5 || day == 60 && minute > 120 {
				continue
			}
			at := monday.Add(time.Duration(day)*24*time.Hour + time.Duration(minute)*time.Minute + time.Duration(p.IntN(200))*time.Second)
			p.act(at, "", "", "batch.updated", "r1", "10.0.0.1", "")
			p.entries[len(p.entries)-1].Metadata = audit.Object{"emitter_id": "line-1"}
		}
	}
	p.sort()
	b := behave(t, p.entries, forensic.Options{})
	if len(b.Findings) != 1 || b.EmitterDays < 25 || b.Tests != b.EmitterDays {
		t.Fatalf("%d findings on %d days: %+v", len(b.Findings), b.EmitterDays, b.Findings)
	}
	f := b.Findings[0]
	if f.Detector != "silence" || f.Kind != forensic.Unusual || f.Group["emitter"] != "line-1" || f.FirstTime.Format(time.DateOnly) != "2025-05-02" || len(f.EntryIDs) != 2 {
		t.Errorf("%+v", f)
	}
	// Up to the end of the window, too, and with too short a past not at all.
	until := monday.Add(60*24*time.Hour + 3*time.Hour)
	cut := slices.DeleteFunc(slices.Clone(p.entries), func(e audit.Entry) bool { return e.Time().After(until) })
	window := audit.Period{From: monday.Add(58 * 24 * time.Hour), Until: monday.Add(60*24*time.Hour + 8*time.Hour)}
	if b := behave(t, cut, forensic.Options{Window: window}); len(b.Findings) != 1 || b.Findings[0].LastTime != window.Until {
		t.Errorf("%+v", b.Findings)
	}
	cut = slices.DeleteFunc(slices.Clone(p.entries), func(e audit.Entry) bool { return e.Time().Before(monday.Add(50 * 24 * time.Hour)) })
	if b := behave(t, cut, forensic.Options{}); len(b.Findings) != 0 || len(b.Insufficient) != 1 || b.Insufficient[0].Emitter != "line-1" {
		t.Errorf("%+v", b)
	}
}

// TestOrderOfTime: a watch refuses what is before the last.
func TestOrderOfTime(t *testing.T) {
	t.Parallel()
	list := entries(t, "1m ada login\n0s ada login")
	w := forensic.NewWatch(forensic.Options{})
	if err := w.Add(&list[0]); err != nil {
		t.Fatal(err)
	}
	if err := w.Add(&list[1]); err == nil {
		t.Error("it takes the past")
	}
}

// TestApprovedIsAnnounced: the same night under an approval is no surprise.
func TestApprovedIsAnnounced(t *testing.T) {
	t.Parallel()
	p := live(3, 30, 120)
	night(p, 100)
	for i := range p.entries {
		if e := &p.entries[i]; e.Context.String("source_ip") == "203.0.113.66" {
			e.Details = audit.Object{"change_ticket": "T1"}
		}
	}
	for _, f := range behave(t, p.entries, forensic.Options{}).Findings {
		if f.Group["day"] == "2025-06-11" {
			t.Errorf("%+v", f)
		}
	}
}
