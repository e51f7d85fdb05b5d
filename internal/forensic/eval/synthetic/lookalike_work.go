package synthetic

import (
	"fmt"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// onboarding is a person who has never been here, with rights for the first
// time, and much to read.
func (s *site) onboarding(r random, t *story) {
	at := s.office(r, 7, s.days-15)
	boss := s.open(s.present(r, admin, at))
	job := pick(r, []role{engineer, quality, lab})
	p := s.newcomer(r, job, "nw", 38)
	p.first, p.mean = s.day(at), 8
	s.people = append(s.people, p)
	in := t.by(s, p)
	for i, level := range []string{"viewer", "editor", string(job), "remote"} {
		s.plan(at.Add(-time.Hour+time.Duration(i)*time.Minute), it, t, func(time.Time) body { return s.grant(boss, p.id, level, s.ticket("AR")) })
	}
	when := s.fail(r, t, in, p.id, at, r.between(1, 3), time.Minute)
	s.signIn(t, in, when.Add(30*time.Second))
	for range r.between(40, 90) {
		when = when.Add(r.span(10*time.Second, 3*time.Minute))
		s.plan(when, mes, t, func(time.Time) body { return s.read(in, "record", pick(r, s.records)) })
	}
	s.signOut(t, in, when.Add(time.Minute))
}

// auditExport reads and copies much, for inspectors, as was agreed.
func (s *site) auditExport(r random, t *story) {
	at := s.office(r, 4, s.days-3)
	in := t.by(s, s.present(r, quality, at))
	reference := s.ticket("AU")
	s.signIn(t, in, at)
	for range r.between(60, 200) {
		at = at.Add(r.span(3*time.Second, 40*time.Second))
		s.plan(at, mes, t, func(time.Time) body { return s.read(in, "record", pick(r, s.records)) })
	}
	for range r.between(1, 3) {
		at = at.Add(r.span(time.Minute, 10*time.Minute))
		s.plan(at, mes, t, func(time.Time) body {
			return s.export(in, r.between(2_000, 40_000), "inspector").because(reference, "inspection by the authority")
		})
	}
	s.signOut(t, in, at.Add(time.Minute))
}

// script is an engineer's program that writes what was approved.
func (s *site) script(r random, t *story) {
	at := s.office(r, 4, s.days-3)
	in, judge := t.by(s, s.present(r, engineer, at)), s.open(s.present(r, quality, at))
	in.agent = "python-requests/2.32"
	q := &request{told: true, by: in.who, tag: s.tags[0]}
	s.plan(at.Add(-26*time.Hour), it, t, func(time.Time) body { return s.ask(in, q) })
	s.plan(at.Add(-3*time.Hour), it, t, func(time.Time) body { return s.pass(judge, q) })
	s.signIn(t, in, at)
	for range r.between(120, 260) {
		at = at.Add(r.span(200*time.Millisecond, 3*time.Second))
		s.plan(at, hmi, t, func(time.Time) body {
			g := pick(r, s.tags)
			return s.setpoint(in, g, g.alarmLow+(g.alarmHigh-g.alarmLow)*r.uniform(0.3, 0.7)).because(q.reference, "recipe roll-out")
		})
	}
	s.signOut(t, in, at.Add(time.Second))
}

// outage holds back what an emitter recorded; all of it arrives when it ends.
func (s *site) outage(r random, t *story) {
	at := s.office(r, 3, s.days-4)
	name := pick(r, []string{hmi, mes, it})
	e, w := s.emitters[name], window{at, at.Add(r.span(40*time.Minute, 9*time.Hour))}
	e.down = append(e.down, w)
	s.plan(w.to.Add(-time.Millisecond), name, t, func(time.Time) body {
		return s.machineEntry(name, "source_outage", "The source was not connected", body{"minutes": int(w.to.Sub(w.from).Minutes())})
	})
}

// resync lets a clock run away for some days and be set.
func (s *site) resync(r random, t *story) {
	name := pick(r, []string{hmi, mes, it})
	e := s.emitters[name]
	begin := s.office(r, 4, s.days-9)
	end := begin.Add(r.span(24*time.Hour, 4*24*time.Hour))
	by := r.span(-100*time.Second, 100*time.Second)
	e.steps = append(e.steps, step{begin, by}, step{end, -by})
	s.plan(end, name, t, func(time.Time) body {
		return s.machineEntry(name, "clock_sync", "The clock was set right by a step", body{"offset_ms": by.Milliseconds(), "source": "ntp"})
	})
}

// logRotation is kept by the calendar.
func (s *site) logRotation(r random, t *story) {
	for day := 6; day < s.days; day += 7 {
		s.plan(s.local(day, 3).Add(r.span(0, time.Minute)), it, t, func(time.Time) body {
			return s.service(s.services[1], "retention_purge", "rotate_logs", body{"log_files": 12, "older_than_days": 400, "policy": "retention"})
		})
	}
}

// orderlyLeaver stops working, is reported as having left, and loses all access
// on the same day.
func (s *site) orderlyLeaver(r random, t *story) {
	p := s.newcomer(r, lab, "la", 39)
	p.mean, p.last = 9, r.between(s.days/2, s.days-3)
	for weekend(p.last) {
		p.last++
	}
	s.people = append(s.people, p)
	t.label.Actors = []string{p.id}
	at := s.local(p.last, r.uniform(8, 11))
	boss := s.open(s.present(r, admin, at))
	s.plan(at, it, t, func(time.Time) body { return s.leave(boss, p) })
	for i, level := range []string{"lab", "remote"} {
		s.plan(at.Add(time.Duration(i+1)*r.span(time.Minute, time.Hour)), it, t, func(time.Time) body { return s.revoke(boss, p.id, level, "termination") })
	}
}

// leave reports that a person has left.
func (s *site) leave(in *session, p *person) body {
	b := s.entry(in, "security_event", "termination", audit.SeverityMedium, p.id+" has left the organisation")
	b["resource"], b["details"] = body{"type": "account", "id": p.id}, body{"user_id": p.id}
	return b
}

// newLine is the commissioning of a machine that nobody knew, by two engineers
// at long hours.
func (s *site) newLine(r random, t *story) {
	first := s.office(r, 8, s.days-12)
	reference := s.ticket("PR")
	machine := fmt.Sprintf("machine_%02d%02d", s.index, 50)
	for _, p := range some(r, s.of(engineer), 2) {
		for day := range r.between(2, 4) {
			at := first.AddDate(0, 0, day).Add(r.span(0, 5*time.Hour))
			in := s.open(p)
			if day == 0 {
				t.label.Actors = append(t.label.Actors, p.id)
			}
			s.signIn(t, in, at)
			for range r.between(10, 30) {
				at = at.Add(r.span(20*time.Second, 8*time.Minute))
				g := &tag{id: fmt.Sprintf("tag_%02d50%02d", s.index, r.IntN(20)), machine: machine, value: round(r.uniform(10, 90), 1), enabled: true}
				s.plan(at, hmi, t, func(time.Time) body { return s.setpoint(in, g, r.uniform(10, 90)).because(reference, "commissioning") })
			}
			s.signOut(t, in, at.Add(time.Minute))
		}
	}
}
