package forensic

import "time"

// window is an exact sliding window over the entries of one group, both ends
// inclusive. Without Distinct it needs the last Count entries and no more: they
// are enough in the window if the first of them still is in it. With Distinct
// it holds all entries of the window, at most maxHeld of them.
type window struct {
	refs  []ref
	whole []ref          // the memory that refs slides in
	seen  map[string]int // entries of the window by value
	few   int            // values with at most EachAtMost of them
	open  *episode       // the union of the windows that met the threshold and overlap
	most  int            // the highest number of distinct values in it
	ended *episode       // the one before, to be taken
	wide  int            // most, of ended
}

const maxHeld = 5000

// add takes an entry and reports whether the window that ends with it meets the
// threshold.
func (w *window) add(s *Step, r ref) bool {
	w.refs = slide(w.refs, &w.whole, r)
	if s.Distinct != "" {
		if w.seen == nil {
			w.seen = map[string]int{}
		}
		w.count(s, r.value, 1)
	}
	for len(w.refs) > maxHeld || s.Distinct == "" && len(w.refs) > s.Count ||
		s.Distinct != "" && r.at.Sub(w.refs[0].at) > time.Duration(s.Within) {
		if s.Distinct != "" {
			w.count(s, w.refs[0].value, -1)
		}
		w.refs = w.refs[1:]
	}
	reached := len(w.refs)
	if s.Distinct != "" {
		reached = w.few
	}
	if reached < s.Count || r.at.Sub(w.refs[0].at) > time.Duration(s.Within) {
		return false
	}
	if w.open != nil && w.refs[0].after(&w.open.last) { // they do not overlap
		w.ended, w.wide, w.open, w.most = w.open, w.most, nil, 0
	}
	if w.open == nil {
		w.open = newEpisode(w.refs...)
	} else {
		start := len(w.refs)
		for start > 0 && w.refs[start-1].after(&w.open.last) {
			start--
		}
		for _, x := range w.refs[start:] {
			w.open.add(x)
		}
	}
	w.most = max(w.most, reached)
	return true
}

func (w *window) count(s *Step, value string, by int) {
	counts := func(n int) bool { return n > 0 && (s.EachAtMost == 0 || n <= s.EachAtMost) }
	was := w.seen[value]
	is := was + by
	w.seen[value] = is
	if is == 0 {
		delete(w.seen, value)
	}
	if counts(was) {
		w.few--
	}
	if counts(is) {
		w.few++
	}
}

// counted calls f with the references that the first step counts: one, or with
// Distinct one for each value of that field.
func (r *running) counted(v *view, f func(ref)) {
	x := refer(v)
	if r.Steps[0].Distinct == "" {
		f(x)
		return
	}
	for _, value := range v.held(r.distinct) {
		x.value = value
		f(x)
	}
}

// counting is event_count and value_count: one step whose window meets its
// threshold. Windows that overlap are one finding. An entry that Reset selects
// empties the window of its group.
type counting struct {
	*running
	groups *groups[window]
}

func newCounting(r *running) detector {
	c := &counting{running: r}
	c.groups = newGroups(r, time.Duration(r.Steps[0].Within)+time.Second, func(x *group[window]) { c.tell(x, x.state.open, x.state.most) })
	return c
}

func (c *counting) add(v *view, matched []bool) {
	s := &c.Steps[0]
	if c.Reset != nil && matched[1] { // what was counted before does not count on
		c.groups.each(v, c.by[1], false, func(x *group[window]) {
			c.tell(x, x.state.open, x.state.most)
			x.state = window{}
		})
	}
	if c.Reset != nil && !matched[0] {
		return
	}
	c.groups.each(v, c.by[0], true, func(x *group[window]) {
		c.counted(v, func(r ref) {
			x.state.add(s, r)
			if ended := x.state.ended; ended != nil {
				c.tell(x, ended, x.state.wide)
				x.state.ended = nil
			}
		})
	})
}

func (c *counting) finish() { c.groups.finish() }

func (c *counting) tell(x *group[window], ep *episode, most int) {
	if ep == nil {
		return
	}
	observed, reached := map[string]any{"entries": ep.total}, ep.total
	if field := c.Steps[0].Distinct; field != "" {
		observed, reached = map[string]any{"entries": ep.total, "distinct": most, "of": field}, most
	}
	c.emit(ep, c.groups.named(x), observed, float64(reached)/float64(c.Steps[0].Count))
}
