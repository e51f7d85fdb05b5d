package forensic

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// emitter is when a source of entries speaks: its entries by hour of the week,
// of hours that are over.
type emitter struct {
	sums   [168]float64 // entries
	square float64      // of the numbers of single hours
	hours  float64      // that are over
	hour   int64        // in hand, since 1970
	n      float64      // its entries
	first  int64
	last   ref

	day   int64 // in hand, since 1970
	gaps  int   // of that day
	worst silent
	days  int // judged
}

// silent is a gap between entries.
type silent struct {
	before, after ref
	until         time.Time
	expected, p   float64
}

// leastWeeks is how long an emitter was heard before its silence means
// something; maxEmitters how many are.
const (
	leastWeeks  = 4
	maxEmitters = 10_000
	leastGap    = time.Hour
)

// listen takes an entry of an emitter. It reports whether there is one.
func (w *Watch) listen(v *view) bool {
	name := v.one(emitterField)
	if name == "" {
		return false
	}
	r := refer(v)
	e := w.emitters[name]
	if e == nil {
		if len(w.emitters) == maxEmitters {
			w.result.Dropped++
			return false
		}
		e = &emitter{first: v.at.Unix() / 3600, hour: v.at.Unix() / 3600, last: r}
		w.emitters[name] = e
	} else {
		w.gap(name, e, v.at, r)
	}
	e.last = r
	if !w.inside {
		e.to(v.at.Unix() / 3600)
		e.n++
	}
	return true
}

// to ends the hours before one.
func (e *emitter) to(hour int64) {
	for ; e.hour < hour; e.hour++ {
		e.sums[ofWeek(e.hour)] += e.n
		e.square += e.n * e.n
		e.hours++
		e.n = 0
	}
}

// gap looks at the time since an emitter's last entry, until at. next is the
// entry that ended it, if one did. Of the gaps that end on one day, the least
// probable is judged, for all of them.
func (w *Watch) gap(name string, e *emitter, at time.Time, next ref) {
	if day := at.Unix() / secondsOfDay; day != e.day {
		w.judgeGap(name, e)
		e.day = day
	}
	if e.hour-e.first < leastWeeks*168 || w.o.Window != (audit.Period{}) && !w.inside {
		return
	}
	e.gaps++
	if at.Sub(e.last.at) < leastGap {
		return
	}
	expected := e.expected(e.last.at, at)
	if p := silenceTail(expected, e.dispersion()); p < e.worst.p || e.worst.p == 0 {
		e.worst = silent{e.last, next, at, expected, p}
	}
}

// judgeGap ends an emitter's day.
func (w *Watch) judgeGap(name string, e *emitter) {
	gaps, s := e.gaps, e.worst
	e.gaps, e.worst = 0, silent{}
	if gaps == 0 {
		return
	}
	e.days++
	w.result.EmitterDays++
	w.result.Tests++
	p := min(s.p*float64(gaps), 1)
	if s.p == 0 || p > rarestShare {
		return
	}
	refs := []ref{s.before}
	if s.after.id != "" {
		refs = append(refs, s.after)
	}
	ep := newEpisode(refs...)
	f := Finding{
		Detector: "silence", RuleVersion: BehaviourVersion, Kind: Unusual, Correlation: "baseline", Title: "An emitter says nothing for longer than its rhythm explains",
		Severity: audit.SeverityMedium, Techniques: []string{"T1562"}, EntryIDs: []string{}, Entries: ep.total, Users: ep.names(), FirstTime: s.before.at, LastTime: s.until,
		Group: map[string]string{"emitter": name}, last: ep.last.seq,
		Observed: map[string]any{"silence_seconds": s.until.Sub(s.before.at).Seconds(), "expected_entries": short(s.expected), "gaps_of_the_day": gaps},
	}
	f.name(ep)
	w.judge.hold(candidate{finding: f, p: p})
}

// expected is how many entries a span of time has, by the hours of the week in
// it. Hours of which more than a part is in the span count by that part.
func (e *emitter) expected(from, to time.Time) float64 {
	weeks := math.Max(e.hours/168, 1)
	sum := 0.0
	for at := from; at.Before(to); {
		end := at.Truncate(time.Hour).Add(time.Hour)
		if end.After(to) {
			end = to
		}
		sum += e.sums[ofWeek(at.Unix()/3600)] / weeks * end.Sub(at).Hours()
		at = end
	}
	return sum
}

// dispersion is the k of single hours' numbers around those of their hour of
// the week, by moments, and at most 5: who is silent once is silent longer than
// independent entries would be.
func (e *emitter) dispersion() float64 {
	weeks, mean, around := math.Max(e.hours/168, 1), 0.0, 0.0
	for _, s := range e.sums {
		m := s / weeks
		mean += m / 168
		around += m * m / 168
	}
	variance := e.square/e.hours - around
	return min(dispersion(mean, variance), 5)
}

// silenceTail is the probability of no entry where some were expected, by the
// negative binomial distribution: (k/(k+expected))^k.
func silenceTail(expected, k float64) float64 { return math.Pow(k/(k+expected), k) }

// silences judges those that last until the end, and says which emitters were
// not heard for long enough.
func (w *Watch) silences() {
	end := w.at
	if w.o.Window != (audit.Period{}) {
		w.inside = true
		if until := w.o.Window.Until; !until.IsZero() {
			end = until
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.emitters)) {
		e := w.emitters[name]
		if e.last.at.Before(end) {
			w.gap(name, e, end, ref{})
		}
		if w.judgeGap(name, e); e.days == 0 {
			w.result.unjudged(Unjudged{Emitter: name, Reason: fmt.Sprintf("heard for less than %d weeks before", leastWeeks)})
		}
	}
}

// threeDigits is what is sure on every machine.
func threeDigits(x float64) float64 {
	if x == 0 {
		return 0
	}
	scale := math.Pow(10, 2-math.Floor(math.Log10(math.Abs(x))))
	return math.Round(x*scale) / scale
}
