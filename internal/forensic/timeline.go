package forensic

import (
	"math"
	"strconv"
	"time"
)

// regular finds actions at intervals that no hand keeps: the coefficient of
// variation (standard deviation by mean) of the last Count-1 intervals is below
// Threshold. Entries of one instant are one form that was sent, and no rhythm:
// a mean below Slack seconds is not judged.
type regular struct {
	*running
	groups *groups[rhythm]
}

type rhythm struct {
	refs  []ref
	whole []ref // the memory that refs slides in
	open  *episode
	cv    float64 // the lowest
	mean  float64
}

func newRegular(r *running) detector {
	d := &regular{running: r}
	d.groups = newGroups(r, time.Duration(r.Window), d.end)
	return d
}

func (d *regular) end(x *group[rhythm]) {
	if s := &x.state; s.open != nil {
		d.emit(s.open, d.groups.named(x), map[string]any{"entries": s.open.total, "variation": rounded(s.cv), "mean_seconds": rounded(s.mean)}, float64(s.open.total)/float64(d.Steps[0].Count))
		s.open = nil
	}
}

func rounded(f float64) float64 { return math.Round(f*1e6) / 1e6 }

func (d *regular) add(v *view, _ []bool) {
	step := &d.Steps[0]
	d.groups.each(v, d.by[0], true, func(x *group[rhythm]) {
		s := &x.state
		if s.refs = slide(s.refs, &s.whole, refer(v)); len(s.refs) < step.Count {
			return
		}
		s.refs = s.refs[len(s.refs)-step.Count:]
		mean, cv := variation(s.refs, d.Threshold)
		if mean < d.Slack || cv >= d.Threshold {
			d.end(x)
			return
		}
		if s.open == nil {
			s.open, s.cv, s.mean = newEpisode(s.refs...), cv, mean
			return
		}
		s.open.add(refer(v))
		if cv < s.cv {
			s.cv, s.mean = cv, mean
		}
	})
}

// variation stops as soon as what is left can only make it larger than most: hands
// keep no rhythm, so that it mostly does after a few intervals.
func variation(refs []ref, most float64) (mean, cv float64) {
	n := float64(len(refs) - 1)
	mean = refs[len(refs)-1].at.Sub(refs[0].at).Seconds() / n
	if mean == 0 {
		return 0, 0
	}
	squares, enough := 0.0, most*most*mean*mean*n*1.01 // more than rounding can undo
	for i := range refs[1:] {
		gap := refs[i+1].at.Sub(refs[i].at).Seconds() - mean
		if squares += gap * gap; squares > enough {
			break
		}
	}
	return mean, math.Sqrt(squares/n) / mean
}

func (d *regular) finish() { d.groups.finish() }

// round finds users whose entries stand on whole minutes far more often than
// one in sixty, as times do that somebody typed in. The probability of so many
// or more by chance is below Threshold. Where all clocks tell minutes only, it
// cannot judge.
type round struct {
	*running
	groups     *groups[minutes]
	whole, all int
}

type minutes struct {
	all   int
	whole *episode
}

func newRound(r *running) detector {
	return &round{running: r, groups: newGroups[minutes](r, 0, nil)}
}

func (d *round) add(v *view, _ []bool) {
	onMinute := v.at.Truncate(time.Minute).Equal(v.at)
	d.all++
	if onMinute {
		d.whole++
	}
	d.groups.each(v, d.by[0], true, func(x *group[minutes]) {
		if x.state.whole == nil {
			x.state.whole = newEpisode()
		}
		x.state.all++
		if onMinute {
			x.state.whole.add(refer(v))
		}
	})
}

func (d *round) finish() {
	if d.all > 0 && d.whole*10 > d.all*9 {
		d.look.Outcome = InsufficientData
		return
	}
	for _, x := range d.groups.sorted() {
		k, n := x.state.whole.total, x.state.all
		if p := tail(n, k, 1.0/60); k >= d.Steps[0].Count && p < d.Threshold {
			d.emit(x.state.whole, d.groups.named(x), map[string]any{"on_whole_minutes": k, "of_entries": n, "chance": p}, float64(k)/float64(d.Steps[0].Count))
		}
	}
}

// tail is the probability of k or more of n, each with probability p. It sums
// at most 10,000 terms, of which those left out are smaller than the last.
func tail(n, k int, p float64) float64 {
	lg := func(x int) float64 { v, _ := math.Lgamma(float64(x) + 1); return v }
	sum := 0.0
	for i := k; i <= min(n, k+10_000); i++ {
		sum += math.Exp(lg(n) - lg(i) - lg(n-i) + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
	}
	short, _ := strconv.ParseFloat(strconv.FormatFloat(sum, 'g', 3, 64), 64) // what is sure on every machine
	return min(short, 1)
}
