package control

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// cadence is the tracker of Cadence: in each whole interval of the period, each
// member has a match. A period that is shorter than an interval has one: the
// interval that ends with it.
type cadence struct {
	counting
	intervals []audit.Period
	since     map[string]time.Time // when a member was first seen
	matched   map[string][]bool
	full      bool

	running audit.Period    // the interval that has begun and is not over
	now     map[string]bool // who has a match in it
}

func (t *cadence) init(asOf time.Time) {
	end := t.period.Until
	if asOf.Before(end) {
		end = asOf
	}
	for from := t.period.From; ; {
		until := t.check.Every.After(from)
		if until.After(end) {
			t.running = audit.Period{From: from, Until: until}
			break
		}
		t.intervals = append(t.intervals, audit.Period{From: from, Until: until})
		from = until
	}
	if len(t.intervals) == 0 {
		t.intervals = []audit.Period{{From: t.check.Every.Before(end), Until: end}}
	}
	t.since, t.matched, t.now = map[string]time.Time{}, map[string][]bool{}, map[string]bool{}
}

func (t *cadence) observe(e *audit.Entry, v view) {
	match := t.holds(&t.check.Match, v)
	member := match || t.check.Members.given() && t.holds(&t.check.Members, v)
	if t.full || !member {
		return
	}
	key, at := t.text(&t.check.Key, v), e.Time()
	if since, seen := t.since[key]; !seen && len(t.since) == MaxSubjects {
		t.full = true
		return
	} else if !seen || at.Before(since) {
		t.since[key] = at
	}
	if !match {
		return
	}
	if t.matched[key] == nil {
		t.matched[key] = make([]bool, len(t.intervals))
	}
	if t.running.Contains(at) {
		t.now[key] = true
	}
	for i, interval := range t.intervals {
		if interval.Contains(at) {
			t.matched[key][i] = true
		}
	}
}

func (t *cadence) result(facts *Facts) Result {
	switch {
	case t.full:
		return t.out.tooMany()
	case len(t.matched) == 0:
		return t.out.silent()
	case !t.check.Key.given():
		t.since = map[string]time.Time{"": facts.First} // the one member is there from the first entry on
	}
	var gaps []Exception
	for _, key := range slices.Sorted(maps.Keys(t.since)) {
		for i, interval := range t.intervals {
			had := t.matched[key] != nil && t.matched[key][i]
			if !had && t.since[key].After(interval.From) {
				continue // it came in the middle, and has the next one whole
			}
			t.out.Population++
			if had {
				t.out.Passed++
				continue
			}
			gaps = append(gaps, Exception{Time: interval.From, Until: &interval.Until, Subject: key, Why: "there is none in this interval"})
		}
	}
	slices.SortStableFunc(gaps, func(a, b Exception) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Subject, b.Subject)) })
	for _, g := range gaps {
		t.out.fail(g)
	}
	if t.out.Population == 0 {
		t.out.Reason = "the ledger is younger than one interval"
	}
	t.out.judge(t.check)
	return t.out
}
