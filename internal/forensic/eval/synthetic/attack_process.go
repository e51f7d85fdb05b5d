package synthetic

import (
	"time"

	"github.com/sealbook/sealbook/audit"
)

// widening moves alarm limits apart without an approval.
func (s *site) widening(r random, t *story, variant int) {
	p := s.victim(r, engineer, operator)
	at := s.during(r, p)
	if variant == 2 {
		at = s.night(r)
	}
	in, g, by := t.by(s, p), pick(r, s.tags), s.draw(r, 0.08, 0.6)
	s.signIn(t, in, at.Add(-r.span(time.Minute, 20*time.Minute)))
	s.plan(at, hmi, t, func(time.Time) body {
		width, low := g.alarmHigh-g.alarmLow, g.alarmLow
		if variant == 1 {
			low -= width * by / 2
		}
		return s.limits(in, g, low, g.alarmHigh+width*by)
	})
}

// creep widens in small steps, each of which could be a correction.
func (s *site) creep(r random, t *story, variant int) {
	p := s.victim(r, engineer)
	t.label.Actors = []string{p.id}
	g := pick(r, s.tags)
	steps := s.drawn(r, 6, 14)
	first := s.days/2 - 4
	for i := range steps {
		day := first + i*(s.days-4-first)/steps
		for weekend(day) || s.holidays[day] {
			day++
		}
		at, in, by := s.local(day, r.uniform(9, 16)), s.open(p), s.draw(r, 0.006, 0.03)
		reason := ""
		if variant == 2 {
			reason = "fine tuning"
		}
		s.plan(at, hmi, t, func(time.Time) body {
			width, low := g.alarmHigh-g.alarmLow, g.alarmLow
			if variant == 1 {
				low -= width * by
			}
			return s.limits(in, g, low, g.alarmHigh+width*by).because("", reason)
		})
	}
}

// widenActRestore takes an alarm away, does what it would have told, and puts it
// back.
func (s *site) widenActRestore(r random, t *story, variant int) {
	p := s.victim(r, engineer, operator)
	at := s.during(r, p)
	if r.chance(0.4) {
		at = s.night(r)
	}
	in := t.by(s, p)
	first := r.IntN(len(s.tags)/6) * 6
	g, other := s.tags[first], s.tags[first]
	if variant == 2 {
		other = s.tags[first+1+r.IntN(5)] // of the same machine
	}
	s.signIn(t, in, at.Add(-r.span(time.Minute, 10*time.Minute)))
	var low, high float64
	s.plan(at, hmi, t, func(time.Time) body {
		low, high = g.alarmLow, g.alarmHigh
		if variant == 1 {
			return s.alarm(in, g, false)
		}
		return s.limits(in, g, low, high+(high-low)*s.draw(r, 0.15, 0.9))
	})
	end := at.Add(s.long(r, 8*time.Minute, 5*time.Hour))
	for range r.between(1, 4) {
		s.plan(at.Add(r.span(time.Minute, end.Sub(at)-time.Minute)), hmi, t, func(time.Time) body {
			return s.setpoint(in, other, other.alarmHigh+(other.alarmHigh-other.alarmLow)*r.uniform(0, 0.1))
		})
	}
	s.plan(end, hmi, t, func(time.Time) body {
		if variant == 1 {
			return s.alarm(in, g, true)
		}
		return s.limits(in, g, low, high)
	})
}

// falsify changes a result until somebody has relied on it, and back.
func (s *site) falsify(r random, t *story, variant int) {
	p := s.victim(r, lab)
	at := s.during(r, p)
	in, judge := t.by(s, p), s.open(s.present(r, quality, at))
	record, truth, wanted := pick(r, s.records), any(round(r.uniform(70, 85), 2)), any(round(r.uniform(97, 103), 2))
	name := "result"
	if variant == 1 {
		name, truth, wanted = "status", "rejected", "accepted"
	}
	write := func(before, after any) body {
		return s.change(in, "quality_result", "correct_result", "record", record, audit.SeverityMedium, field(name, before, after))
	}
	s.plan(at, mes, t, func(time.Time) body { return write(truth, wanted).signed(s.signature(), "responsibility") })
	end := at.Add(s.long(r, 30*time.Minute, 20*time.Hour))
	s.plan(at.Add(end.Sub(at)/2), mes, nil, func(time.Time) body {
		return s.change(judge, "quality_review", "release_batch", "record", record, audit.SeverityMedium, field("released", false, true)).signed(s.signature(), "approval")
	})
	s.plan(end, mes, t, func(time.Time) body { return write(wanted, truth).signed(s.signature(), "responsibility") })
}

// ring is changes that two people approve for each other, or one alone.
func (s *site) ring(r random, t *story, variant int) {
	list := some(r, s.of(engineer), 2)
	if variant == 1 {
		list[1] = list[0]
	}
	for _, p := range list[:2-variant] {
		t.label.Actors = append(t.label.Actors, p.id)
	}
	day := s.days/2 + r.IntN(6)
	for i := range s.drawn(r, 3, 8) {
		for weekend(day) || s.holidays[day] {
			day++
		}
		asks, judges := s.open(list[i%2]), s.open(list[(i+1)%2])
		at := s.local(day, r.uniform(9, 12))
		g := pick(r, s.tags)
		q := &request{told: true, by: asks.who, tag: g}
		s.plan(at, it, t, func(time.Time) body {
			q.low, q.high = g.alarmLow, g.alarmHigh+(g.alarmHigh-g.alarmLow)*r.uniform(0.03, 0.12)
			return s.ask(asks, q)
		})
		at = at.Add(r.span(2*time.Minute, time.Hour))
		s.plan(at, it, t, func(time.Time) body {
			return s.pass(judges, q)
		})
		s.plan(at.Add(r.span(2*time.Minute, time.Hour)), hmi, t, func(time.Time) body { return s.takeUp(asks, q) })
		day += r.between(1, 2)
	}
}

// takeUp carries a request out unless that was done already.
func (s *site) takeUp(in *session, q *request) body {
	for i, open := range s.requests {
		if open == q && q.approved {
			s.requests = append(s.requests[:i:i], s.requests[i+1:]...)
			return s.carryOut(in, q)
		}
	}
	return nil
}

// referenceReuse changes more than was approved, under the approval's number.
func (s *site) referenceReuse(r random, t *story, variant int) {
	at := s.office(r, s.days/2, s.days-12)
	in, judge := t.by(s, s.present(r, engineer, at)), s.open(s.present(r, quality, at))
	g := pick(r, s.tags)
	q := &request{told: true, by: in.who, tag: g, low: g.alarmLow, high: g.alarmHigh + 1}
	s.plan(at.Add(-24*time.Hour), it, nil, func(time.Time) body { return s.ask(in, q) })
	s.plan(at.Add(-4*time.Hour), it, nil, func(time.Time) body { return s.pass(judge, q) })
	s.plan(at, hmi, nil, func(time.Time) body { return s.takeUp(in, q) })
	for range s.drawn(r, 2, 7) {
		at = at.Add(s.long(r, 2*time.Hour, 30*time.Hour))
		s.plan(at, hmi, t, func(time.Time) body {
			k := g
			if variant == 0 {
				k = pick(r, s.tags)
			}
			b := s.limits(in, k, k.alarmLow, k.alarmHigh+(k.alarmHigh-k.alarmLow)*r.uniform(0.03, 0.15))
			return b.because(q.reference, "process optimisation").signed(s.signature(), "authorship")
		})
	}
}
