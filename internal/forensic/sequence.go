package forensic

import "time"

// ordered is temporal_ordered: entries of each step, one step after the other.
// The first step may ask for several entries within a window of its own. From
// its last entry to that of the last step are at most Window.
//
// Of the ways in which entries can fill the steps it keeps, for each number of
// steps, the one that began last: if that one is too old, so are all others.
type ordered struct {
	*running
	groups *groups[chain]
}

type chain struct {
	first  window
	filled []prefix // by the number of steps after the first
}

// prefix is a pattern of which some steps are filled; nil refs: none is.
type prefix struct {
	start *episode
	from  ref
	refs  []ref
}

func newOrdered(r *running) detector {
	horizon := time.Duration(r.Window+r.Steps[0].Within) + time.Second
	return &ordered{running: r, groups: newGroups[chain](r, horizon, nil)}
}

func (o *ordered) add(v *view, matched []bool) {
	if matched[len(o.Steps)] {
		o.groups.each(v, o.by[len(o.Steps)], false, func(x *group[chain]) { x.state = chain{} })
	}
	// From the last step to the first, so that no entry fills two.
	for i := len(o.Steps) - 1; i > 0; i-- {
		if !matched[i] {
			continue
		}
		o.groups.each(v, o.by[i], false, func(x *group[chain]) {
			if len(x.state.filled) == 0 {
				return
			}
			before := x.state.filled[i-1]
			if before.start == nil || v.at.Sub(before.from.at) > time.Duration(o.Window) {
				return
			}
			before.refs = append(append([]ref{}, before.refs...), refer(v))
			if i == len(o.Steps)-1 {
				o.tell(x, before)
				return
			}
			x.state.filled[i] = before
		})
	}
	if matched[0] {
		first := &o.Steps[0]
		o.groups.each(v, o.by[0], true, func(x *group[chain]) {
			if x.state.filled == nil {
				x.state.filled = make([]prefix, len(o.Steps)-1)
			}
			o.counted(v, func(r ref) {
				if x.state.first.add(first, r) {
					x.state.filled[0] = prefix{start: x.state.first.open, from: r}
				}
				x.state.first.ended = nil
			})
		})
	}
}

// tell reports a filled pattern and forgets it, so that it is reported once.
func (o *ordered) tell(x *group[chain], p prefix) {
	ep := newEpisode()
	for _, r := range p.start.refs {
		ep.add(r)
	}
	ep.total, ep.last = p.start.total, p.start.last
	for _, r := range p.refs {
		if len(ep.refs) == MaxEntryIDs { // the last steps are what the finding is about
			ep.refs = ep.refs[:MaxEntryIDs-len(p.refs)]
		}
		ep.add(r)
	}
	seconds := p.refs[len(p.refs)-1].at.Sub(p.from.at).Seconds()
	reached := float64(p.start.total) / float64(o.Steps[0].Count)
	if o.Steps[0].Distinct != "" {
		reached = float64(x.state.first.most) / float64(o.Steps[0].Count)
	}
	o.emit(ep, o.groups.named(x), map[string]any{"first_step_entries": p.start.total, "seconds": seconds}, reached)
	x.state = chain{}
}

func (o *ordered) finish() {}

// together is temporal: an entry of each step within Window, in any order.
type together struct {
	*running
	groups *groups[[]*ref]
}

func newTogether(r *running) detector {
	return &together{running: r, groups: newGroups[[]*ref](r, time.Duration(r.Window)+time.Second, nil)}
}

func (t *together) add(v *view, matched []bool) {
	for i := range t.Steps {
		if !matched[i] {
			continue
		}
		t.groups.each(v, t.by[i], true, func(x *group[[]*ref]) {
			if x.state == nil {
				x.state = make([]*ref, len(t.Steps))
			}
			r := refer(v)
			x.state[i] = &r
			ep := newEpisode()
			for _, s := range x.state {
				if s == nil || v.at.Sub(s.at) > time.Duration(t.Window) {
					return
				}
				if ep.total == 0 || s.id != ep.last.id {
					ep.add(*s)
				}
			}
			if ep.total < len(t.Steps) { // one entry is not two steps
				return
			}
			t.emit(ep, t.groups.named(x), map[string]any{"seconds": ep.last.at.Sub(ep.first.at).Seconds()}, 1)
			x.state = nil
		})
	}
}

func (t *together) finish() {}
