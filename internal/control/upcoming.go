package control

import (
	"maps"
	"math"
	"slices"
	"time"
)

// Preparation is how far one is with what is due.
type Preparation string

// The states of preparation. What is due in an interval is at risk when three
// quarters of it are over.
const (
	NotStarted Preparation = "not_started"
	OnTrack    Preparation = "on_track"
	AtRisk     Preparation = "at_risk"
	Overdue    Preparation = "overdue"
)

// Upcoming is what has to be done next for a requirement, as of the assessment.
type Upcoming struct {
	Requirement string      `json:"requirement"`
	Title       string      `json:"title"`
	Check       string      `json:"check"`
	From        time.Time   `json:"from"` // since when it can be done
	Due         time.Time   `json:"due"`
	Done        int64       `json:"done"`
	Needed      int64       `json:"needed"`
	Completion  int         `json:"completion_percent"`
	Preparation Preparation `json:"preparation_status"`
}

// riskFrom is the share of an interval after which what is undone is at risk.
const riskFrom = 0.75

// shortestUpcoming is the interval below which a duty is routine, not upcoming.
const shortestUpcoming = 28 * 24 * time.Hour

// foresees is implemented by trackers of duties that come again.
type foresees interface {
	// next is the interval that runs as of the facts, with how many have done what
	// is due and how many need to; ok is false when nothing is known of it.
	next(facts *Facts) (from, due time.Time, done, needed int64, ok bool)
}

// upcoming lists what is due next, the soonest first.
func (r *Run) upcoming(catalog int) []Upcoming {
	list := []Upcoming{}
	c := r.catalogs[catalog]
	for k := range c.Requirements {
		for _, w := range r.all[catalog][k] {
			t, ok := w.tracker.(foresees)
			if !ok {
				continue
			}
			from, due, done, needed, ok := t.next(r.facts)
			if !ok || due.Sub(from) < shortestUpcoming {
				continue
			}
			u := Upcoming{Requirement: c.Requirements[k].ID, Title: c.Requirements[k].Title, Check: w.check.ID, From: from, Due: due, Done: done, Needed: needed}
			u.Completion = int(math.Floor(100 * float64(done) / float64(needed)))
			u.prepare(r.facts.AsOf)
			list = append(list, u)
		}
	}
	slices.SortStableFunc(list, func(a, b Upcoming) int { return a.Due.Compare(b.Due) })
	return list
}

func (u *Upcoming) prepare(now time.Time) {
	elapsed := float64(now.Sub(u.From)) / float64(u.Due.Sub(u.From))
	switch {
	case u.Done == u.Needed:
		u.Preparation = OnTrack
	case !now.Before(u.Due):
		u.Preparation = Overdue
	case elapsed >= riskFrom:
		u.Preparation = AtRisk
	case u.Done == 0:
		u.Preparation = NotStarted
	default:
		u.Preparation = OnTrack
	}
}

func (t *cadence) next(facts *Facts) (from, due time.Time, done, needed int64, ok bool) {
	if t.full || len(t.matched) == 0 || t.period.Until.Before(facts.AsOf) {
		return from, due, 0, 0, false // what happened after the period was not asked for
	}
	for range maps.Keys(t.since) {
		needed++
	}
	return t.running.From, t.running.Until, int64(len(t.now)), needed, true
}

func (t *attestation) next(facts *Facts) (from, due time.Time, done, needed int64, ok bool) {
	newest := t.newest(facts)
	if newest == nil {
		return from, due, 0, 0, false
	}
	return newest.Date, t.check.ValidFor.After(newest.Date), 0, 1, true
}
