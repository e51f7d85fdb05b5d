package forensic

import (
	"slices"
	"strconv"
	"time"
)

// order finds entries that came after others whose own time is more than Window
// later: recorded late or dated back. If more than half of an emitter's entries
// stand before their predecessor, its recording is simply not in order, and is
// left out.
type order struct {
	*running
	groups *groups[arrivals]
}

type arrivals struct {
	newest, before ref
	all, descents  int
	late           *episode
	largest        time.Duration
	behind         ref // what the first late entry came after
}

func newOrder(r *running) detector {
	return &order{running: r, groups: newGroups[arrivals](r, 0, nil)}
}

func (d *order) add(v *view, _ []bool) {
	d.groups.each(v, d.by[0], true, func(x *group[arrivals]) {
		s, r := &x.state, refer(v)
		if s.all++; s.all > 1 && r.at.Before(s.before.at) {
			s.descents++
		}
		s.before = r
		if s.all == 1 || !r.at.Before(s.newest.at) {
			s.newest = r
			return
		}
		by := s.newest.at.Sub(r.at)
		if by <= time.Duration(d.Window) {
			return
		}
		if s.late == nil {
			s.late, s.behind = newEpisode(), s.newest
		}
		s.late.add(r)
		s.largest = max(s.largest, by)
	})
}

func (d *order) finish() {
	for _, x := range d.groups.sorted() {
		s := &x.state
		if s.descents*2 > s.all-1 {
			d.look.Outcome = InsufficientData
			continue
		}
		if s.late != nil {
			d.emit(s.late, d.groups.named(x), map[string]any{"late": s.late.total, "of_entries": s.all, "largest_seconds": s.largest.Seconds(), "first_came_after": s.behind.id},
				s.largest.Seconds()/time.Duration(d.Window).Seconds())
		}
	}
}

// gap finds numbers of an emitter that never came, for as long as the analysis
// goes: what was numbered and is not there was lost or left out. Numbers before
// the first that came are not missed.
type gap struct {
	*running
	groups *groups[numbers]
}

type numbers struct {
	next    int64 // after the highest that came
	first   int64
	last    ref
	missing []hole // at most maxHoles; in ascending order
}

// hole is numbers that did not come, both ends included.
type hole struct {
	from, to      int64
	before, after ref
}

const maxHoles = 1000 // of one emitter

func newGap(r *running) detector { return &gap{running: r, groups: newGroups[numbers](r, 0, nil)} }

func emitted(v *view) (int64, bool) {
	n, err := strconv.ParseInt(v.one(numberField), 10, 64)
	return n, err == nil && n >= 0
}

func (d *gap) add(v *view, _ []bool) {
	n, ok := emitted(v)
	if !ok {
		return
	}
	d.groups.each(v, d.by[0], true, func(x *group[numbers]) {
		s, r := &x.state, refer(v)
		switch {
		case s.last.id == "":
			s.first, s.next, s.last = n, n+1, r
		case n >= s.next:
			if n > s.next {
				if len(s.missing) == maxHoles {
					d.look.Dropped++
				} else {
					s.missing = append(s.missing, hole{s.next, n - 1, s.last, r})
				}
			}
			s.next, s.last = n+1, r
		case n < s.first: // a number from before
		default:
			s.came(n)
		}
	})
}

// came takes a late number out of what is missing.
func (s *numbers) came(n int64) {
	i := slices.IndexFunc(s.missing, func(h hole) bool { return h.from <= n && n <= h.to })
	if i < 0 {
		return
	}
	h := s.missing[i]
	var rest []hole
	if h.from < n {
		rest = append(rest, hole{h.from, n - 1, h.before, h.after})
	}
	if n < h.to {
		rest = append(rest, hole{n + 1, h.to, h.before, h.after})
	}
	s.missing = slices.Replace(s.missing, i, i+1, rest...)
}

func (d *gap) finish() {
	for _, x := range d.groups.sorted() {
		for _, h := range x.state.missing {
			d.emit(newEpisode(h.before, h.after), d.groups.named(x), map[string]any{"missing_from": h.from, "missing_to": h.to, "missing": h.to - h.from + 1}, float64(h.to-h.from+1))
		}
	}
}

// replay finds a number that one emitter gave to two entries. It remembers the
// latest maxNumbers of each emitter.
type replay struct {
	*running
	groups *groups[recent]
}

type recent struct {
	by    map[int64]ref
	order []int64
}

const maxNumbers = 10_000

func newReplay(r *running) detector {
	return &replay{running: r, groups: newGroups[recent](r, 0, nil)}
}

func (d *replay) add(v *view, _ []bool) {
	n, ok := emitted(v)
	if !ok {
		return
	}
	d.groups.each(v, d.by[0], true, func(x *group[recent]) {
		s := &x.state
		if s.by == nil {
			s.by = map[int64]ref{}
		}
		if was, twice := s.by[n]; twice {
			d.emit(newEpisode(was, refer(v)), d.groups.named(x), map[string]any{"number": n}, 1)
			return
		}
		s.by[n] = refer(v)
		if s.order = append(s.order, n); len(s.order) > maxNumbers {
			delete(s.by, s.order[0])
			s.order = s.order[1:]
		}
	})
}

func (d *replay) finish() {}
