package synthetic

import (
	"fmt"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// escalate gives somebody a right, uses it and hides that it was there.
func (s *site) escalate(r random, t *story, variant int) {
	boss := s.victim(r, admin)
	at := s.during(r, boss)
	if r.chance(0.4) {
		at = s.night(r)
	}
	giver, user := t.by(s, boss), s.victim(r, engineer, quality)
	if variant == 2 {
		user = s.newcomer(r, engineer, "tmp", 37)
	}
	in := t.by(s, user)
	s.plan(at, it, t, func(time.Time) body { return s.grant(giver, user.id, "administrator", "") })
	end := at.Add(s.long(r, 10*time.Minute, 6*time.Hour))
	when := at.Add(r.span(30*time.Second, 5*time.Minute))
	s.signIn(t, in, when)
	for range s.drawn(r, 2, 8) {
		s.plan(when.Add(r.span(10*time.Second, end.Sub(when)-20*time.Second)), it, t, func(time.Time) body {
			switch r.IntN(3) {
			case 0:
				return s.remove(in, "record", pick(r, s.records))
			case 1:
				return s.export(in, r.between(200, 4000), "external")
			}
			b := s.change(in, "", "update", "configuration", "access_policy", audit.SeverityHigh, field("value", "strict", "open"))
			b["event_type"] = "config.changed"
			return b
		})
	}
	s.plan(end, it, t, func(time.Time) body {
		if variant == 1 {
			return s.auditConfiguration(giver, field("excluded_users", []string{}, []string{user.id}))
		}
		return s.revoke(giver, user.id, "administrator", "mistake")
	})
}

// slowExfiltration takes a little more than usual on each of many days.
func (s *site) slowExfiltration(r random, t *story, variant int) {
	p := s.victim(r, engineer, quality)
	t.label.Actors = []string{p.id}
	day := s.days/2 + r.IntN(4)
	for range s.drawn(r, 8, 16) {
		if day >= s.days-2 {
			break
		}
		for weekend(day) || s.holidays[day] {
			day++
		}
		in, at := s.open(p), s.local(day, r.uniform(9, 15))
		s.signIn(t, in, at)
		if variant == 0 {
			at = s.loot(r, t, in, at, s.drawn(r, 8, 25), 20*time.Second, 4*time.Minute)
		}
		s.plan(at.Add(r.span(time.Minute, 9*time.Minute)), mes, t, func(time.Time) body { return s.export(in, s.drawn(r, 60, 300), "external") })
		day++
	}
}

// bulkExfiltration takes much at once.
func (s *site) bulkExfiltration(r random, t *story, variant int) {
	p := s.victim(r, engineer, quality, lab, admin)
	at := s.during(r, p)
	if variant == 2 {
		at = s.night(r)
	}
	in := t.by(s, p)
	if r.chance(0.3) {
		in = s.abroad(r, p)
	}
	s.signIn(t, in, at)
	if variant != 1 {
		at = s.loot(r, t, in, at, s.drawn(r, 90, 400), 500*time.Millisecond, 12*time.Second)
	}
	for range r.between(1, 3) {
		at = at.Add(r.span(20*time.Second, 5*time.Minute))
		s.plan(at, mes, t, func(time.Time) body {
			return s.export(in, s.drawn(r, 5_000, 90_000), pick(r, []string{"external", "private", "unknown"}))
		})
	}
}

// backDated enters things with a time that is long over.
func (s *site) backDated(r random, t *story, variant int) {
	p := s.victim(r, lab, quality)
	emitter, write := mes, (*site).result
	if variant == 1 {
		p = s.victim(r, operator)
		emitter, write = hmi, (*site).reading
	}
	at, in, ago := s.during(r, p), t.by(s, p), s.long(r, 5*time.Hour, 5*24*time.Hour)
	for range s.drawn(r, 2, 9) {
		at = at.Add(r.span(20*time.Second, 6*time.Minute))
		s.plan(at, emitter, t, func(at time.Time) body {
			b := write(s, r, in)
			b["timestamp"] = at.Add(-ago)
			return b
		})
	}
}

// clockManipulation sets a source's clock, does something, and sets it back.
func (s *site) clockManipulation(r random, t *story, variant int) {
	p := s.victim(r, engineer, admin)
	at, in := s.during(r, p), t.by(s, p)
	by := -s.long(r, 25*time.Minute, 11*time.Hour)
	if variant == 1 {
		by = s.long(r, 70*time.Second, 4*time.Minute) // the ledger takes nothing that is further ahead
	}
	e := s.emitters[hmi]
	end := at.Add(s.long(r, 5*time.Minute, 3*time.Hour))
	// Of the setting itself the time is still the old one, or again.
	e.steps = append(e.steps, step{at.Add(time.Second), by}, step{end.Add(-time.Second), -by})
	set := func(by time.Duration) func(time.Time) body {
		return func(time.Time) body {
			b := s.entry(in, "system_event", "clock_changed", audit.SeverityMedium, p.id+" set the clock of "+e.name)
			b["resource"], b["details"] = body{"type": "source", "id": e.name}, body{"offset_ms": by.Milliseconds()}
			return b
		}
	}
	s.plan(at, hmi, t, set(by))
	for range s.drawn(r, 1, 6) {
		s.plan(at.Add(r.span(10*time.Second, end.Sub(at)-10*time.Second)), hmi, t, func(time.Time) body { return s.adjustAny(r, in) })
	}
	s.plan(end, hmi, t, set(-by))
}

// silenced stops a source while its machines are changed: what remains is what
// other sources saw, and the gap.
func (s *site) silenced(r random, t *story, variant int) {
	p := s.victim(r, engineer, admin)
	at, in := s.during(r, p), t.by(s, p)
	end := at.Add(s.long(r, 30*time.Minute, 30*time.Hour))
	e := s.emitters[hmi]
	e.quiet = append(e.quiet, window{at, end})
	s.signIn(t, in, at.Add(-r.span(time.Minute, 6*time.Minute)))
	toggle := func(on bool) func(time.Time) body {
		return func(time.Time) body {
			return s.change(in, "configuration_change", "set_source_state", "source", e.name, audit.SeverityMedium, field("running", !on, on))
		}
	}
	if variant == 0 {
		s.plan(at, it, t, toggle(false))
		s.plan(end, it, t, toggle(true))
	}
	for range s.drawn(r, 1, 6) { // from the laboratory's system, which still speaks
		s.plan(at.Add(r.span(time.Minute, end.Sub(at))), mes, t, func(time.Time) body { return s.adjustAny(r, in) })
	}
}

// insider does what is done every day, for another reason. Nothing in the
// entries tells.
func (s *site) insider(r random, t *story, variant int) {
	p := s.victim(r, []role{engineer, operator}[variant])
	at, in := s.during(r, p), t.by(s, p)
	times := make([]time.Time, s.drawn(r, 3, 8))
	for i := range times {
		times[i] = at.Add(time.Duration(i) * r.span(time.Minute, 5*time.Minute))
	}
	s.signIn(t, in, at.Add(-time.Minute))
	s.chain(r, in, times, t)
}

// massDelete removes many things in a short time.
func (s *site) massDelete(r random, t *story, variant int) {
	p := s.victim(r, engineer, admin, quality)
	at, in := s.during(r, p), t.by(s, p)
	if variant == 2 {
		at = s.night(r)
	}
	s.signIn(t, in, at)
	gap := s.long(r, 300*time.Millisecond, 9*time.Second)
	for range s.drawn(r, 12, 220) {
		at = at.Add(r.span(gap/2, gap*3/2))
		s.plan(at, it, t, func(time.Time) body {
			if variant == 1 {
				return s.remove(in, "draft", fmt.Sprintf("draft_%02d%04d", s.index, r.IntN(9000)))
			}
			return s.remove(in, "record", pick(r, s.records))
		})
	}
}
