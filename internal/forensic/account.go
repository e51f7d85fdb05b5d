package forensic

import "time"

// dormant finds an account that did nothing for Window and then something that
// the second step selects, at most that step's Within after it woke. The first
// step selects what counts as doing something. An account whose first entry is
// in the analysis has no known past and does not wake.
type dormant struct {
	*running
	groups *groups[sleep]
}

type sleep struct {
	last  ref
	woken *[2]ref // the entry before the silence and the one that ended it
}

func newDormant(r *running) detector {
	return &dormant{running: r, groups: newGroups[sleep](r, 0, nil)}
}

func (d *dormant) add(v *view, matched []bool) {
	d.groups.each(v, d.by[0], true, func(x *group[sleep]) {
		s, r := &x.state, refer(v)
		if s.last.id != "" && v.at.Sub(s.last.at) >= time.Duration(d.Window) {
			s.woken = &[2]ref{s.last, r}
		}
		s.last = r
		if s.woken == nil || !matched[1] {
			return
		}
		if v.at.Sub(s.woken[1].at) <= time.Duration(d.Steps[1].Within) {
			ep := newEpisode(s.woken[0], s.woken[1])
			if s.woken[1].id != r.id {
				ep.add(r)
			}
			silence := s.woken[1].at.Sub(s.woken[0].at)
			d.emit(ep, d.groups.named(x), map[string]any{"silence_seconds": silence.Seconds()}, silence.Seconds()/time.Duration(d.Window).Seconds())
		}
		s.woken = nil
	})
}

func (d *dormant) finish() {}

// overlap finds two sessions of one user that were active at the same time for
// longer than Window, from different addresses and with another program or
// another place. A session that is idle for a day is forgotten.
type overlap struct {
	*running
	groups *groups[map[string]*session]
}

type session struct {
	first, last                       ref
	source, agent, location, reported string
}

const (
	sessionIdle = 24 * time.Hour
	maxSessions = 100 // of one user at a time
)

func newOverlap(r *running) detector {
	return &overlap{running: r, groups: newGroups[map[string]*session](r, sessionIdle, nil)}
}

func (o *overlap) add(v *view, _ []bool) {
	id, source := v.one(sessionField), v.one(sourceField)
	if id == "" || source == "" {
		return
	}
	o.groups.each(v, o.by[0], true, func(x *group[map[string]*session]) {
		if x.state == nil {
			x.state = map[string]*session{}
		}
		for key, s := range x.state {
			if v.at.Sub(s.last.at) > sessionIdle {
				delete(x.state, key)
			}
		}
		mine := x.state[id]
		if mine == nil {
			if len(x.state) == maxSessions {
				o.look.Dropped++
				return
			}
			mine = &session{first: refer(v), source: source, agent: v.one(agentField), location: v.one(locationField)}
			x.state[id] = mine
		}
		mine.last = refer(v)
		// Of several, the pair with the earliest other session; map order must not show.
		var other *session
		var otherID string
		for key, s := range x.state {
			if key == id || s.reported == id || mine.reported == key || s.source == mine.source || s.agent == mine.agent && s.location == mine.location {
				continue
			}
			both := s.last.at.Sub(later(s.first.at, mine.first.at)) // mine is active now
			if both > time.Duration(o.Window) && (other == nil || other.first.after(&s.first)) {
				other, otherID = s, key
			}
		}
		if other == nil {
			return
		}
		mine.reported, other.reported = otherID, id
		ep := newEpisode(other.first)
		for _, r := range []ref{mine.first, other.last, mine.last} {
			if r.id != other.first.id && r.id != ep.last.id {
				ep.add(r)
			}
		}
		both := other.last.at.Sub(later(other.first.at, mine.first.at)).Seconds()
		o.emit(ep, o.groups.named(x), map[string]any{"sessions": []string{otherID, id}, "sources": []string{other.source, mine.source}, "overlap_seconds": both},
			both/time.Duration(o.Window).Seconds())
	})
}

func (o *overlap) finish() {}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
