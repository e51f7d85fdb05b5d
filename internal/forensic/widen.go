package forensic

import (
	"slices"
	"time"
)

// widen finds a single change after which an alarm is raised later: an upper
// limit that goes up, a lower one that goes down.
//
// A change that names what it was done under is held for Window: it is nothing
// to report if Reset selects an entry with the same reference, before or
// after, in which somebody else approves. That is how an emergency goes, and
// whoever invents a reference has no such entry.
type widen struct {
	*running
	groups *groups[pending] // by reference
}

// pending is what is known of a reference.
type pending struct {
	held      []widening
	approvers []string // at most maxApprovers
}

type widening struct {
	ref
	group    map[string]string
	observed map[string]any
}

const (
	maxApprovers = 8
	maxPending   = 1000 // changes of one reference that are held; more are reported at once
)

func newWiden(r *running) detector {
	d := &widen{running: r}
	d.groups = newGroups(r, time.Duration(r.Window), func(x *group[pending]) {
		for _, w := range x.state.held {
			d.tell(w)
		}
	})
	return d
}

func (d *widen) add(v *view, matched []bool) {
	if d.Reset != nil && matched[len(d.Steps)] {
		d.groups.each(v, d.by[len(d.Steps)], true, func(x *group[pending]) { d.approve(v, x) })
	}
	if !matched[0] {
		return
	}
	for _, c := range v.changes() {
		from, ok := number(c.old)
		to, ok2 := number(c.new)
		if !ok || !ok2 || (to-from)*float64(v.kinds.limitOf(c.field)) <= 0 {
			continue
		}
		w := widening{refer(v), map[string]string{"field": c.field, "resource.id": v.Resource.String("id")}, map[string]any{"from": from, "to": to}}
		if !d.hold(v, w) {
			d.tell(w)
		}
	}
}

// hold keeps a change whose reference may yet be approved, or is.
func (d *widen) hold(v *view, w widening) (held bool) {
	if d.Reset == nil || !v.has(d.by[len(d.Steps)]) {
		return false
	}
	d.groups.each(v, d.by[len(d.Steps)], true, func(x *group[pending]) {
		switch {
		case held: // by another of its references
		case slices.ContainsFunc(x.state.approvers, func(a string) bool { return a != w.user }):
			held = true
		case len(x.state.held) < maxPending:
			x.state.held, held = append(x.state.held, w), true
		}
	})
	return held
}

// approve drops what was waiting for this approver: not their own changes, and
// not what somebody recorded about themselves.
func (d *widen) approve(v *view, x *group[pending]) {
	for _, a := range v.held(approverField) {
		if a != v.user {
			continue
		}
		if !slices.Contains(x.state.approvers, a) && len(x.state.approvers) < maxApprovers {
			x.state.approvers = append(x.state.approvers, a)
		}
		x.state.held = slices.DeleteFunc(x.state.held, func(w widening) bool {
			return w.user != a && v.at.Sub(w.at) <= time.Duration(d.Window)
		})
	}
}

func (d *widen) tell(w widening) { d.emit(newEpisode(w.ref), w.group, w.observed, 1) }

func (d *widen) finish() { d.groups.finish() }
