package synthetic

import (
	"fmt"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/forensic/eval/corpus"
)

// lookAlikes are harmless things that look like attacks. Every site has each of
// them once, some twice, in attacked and in benign corpora alike.
var lookAlikes = []struct {
	name  string
	times int
	tell  func(*site, random, *story)
}{
	{"typo_burst", 2, (*site).typoBurst},
	{"expired_password_morning", 1, (*site).expiredPasswords},
	{"night_maintenance", 1, (*site).nightMaintenance},
	{"emergency_change", 2, (*site).emergencyChange},
	{"calibration_campaign", 1, (*site).calibration},
	{"onboarding", 1, (*site).onboarding},
	{"audit_export", 1, (*site).auditExport},
	{"engineer_script", 1, (*site).script},
	{"emitter_outage", 1, (*site).outage},
	{"clock_resync", 1, (*site).resync},
	{"log_rotation", 1, (*site).logRotation},
	{"orderly_leaver", 1, (*site).orderlyLeaver},
	{"new_line", 1, (*site).newLine},
}

func (s *site) harmless() {
	for _, l := range lookAlikes {
		for n := range l.times {
			r := stream(s.seed, fmt.Sprintf("look-alike %s %d", l.name, n))
			l.tell(s, r, s.tell(corpus.LookAlike, l.name, ""))
		}
	}
}

// office is a moment in working hours of a working day that is one of first to
// last, inclusive.
func (s *site) office(r random, first, last int) time.Time {
	for {
		day := r.between(first, last)
		if !weekend(day) && !s.holidays[day] {
			return s.local(day, r.uniform(9, 15.5))
		}
	}
}

// present is somebody of a role who is at work on the day of t.
func (s *site) present(r random, job role, t time.Time) *person {
	list := s.of(job)
	for range 50 {
		if p := pick(r, list); s.day(t) < p.leave[0] || s.day(t) >= p.leave[1] {
			return p
		}
	}
	return list[0]
}

// by makes p an actor of the story and opens a session for it.
func (t *story) by(s *site, p *person) *session {
	t.label.Actors = append(t.label.Actors, p.id)
	return s.open(p)
}

// signIn and signOut are labelled, too.
func (s *site) signIn(t *story, in *session, at time.Time) {
	s.plan(at, idp, t, func(time.Time) body { return s.login(in) })
}

func (s *site) signOut(t *story, in *session, at time.Time) {
	s.plan(at, idp, t, func(time.Time) body { return s.logout(in, "signed_out") })
}

// fail plans n failed sign-ins between at and at+span, and returns the time of
// the last one.
func (s *site) fail(r random, t *story, in *session, id string, at time.Time, n int, span time.Duration) time.Time {
	last := at
	for range n {
		when := at.Add(r.span(0, span))
		if when.After(last) {
			last = when
		}
		s.plan(when, idp, t, func(time.Time) body { return s.failedLogin(in, id, "wrong_password") })
	}
	return last
}

func (s *site) typoBurst(r random, t *story) {
	at := s.office(r, 3, s.days-3).Add(-time.Hour)
	in := t.by(s, s.present(r, pick(r, []role{engineer, quality, lab}), at))
	last := s.fail(r, t, in, in.who.id, at, r.between(3, 7), r.span(30*time.Second, 4*time.Minute))
	s.signIn(t, in, last.Add(r.span(5*time.Second, time.Minute)))
	s.signOut(t, in, last.Add(r.span(time.Hour, 3*time.Hour)))
}

func (s *site) expiredPasswords(r random, t *story) {
	day := 7 * r.between(1, s.days/7-2)
	for _, p := range some(r, append(s.of(quality), s.of(engineer)...), r.between(4, 7)) {
		at := s.local(day, r.uniform(7.5, 9))
		in := t.by(s, p)
		last := s.fail(r, t, in, p.id, at, r.between(1, 4), 3*time.Minute)
		s.plan(last.Add(20*time.Second), idp, t, func(time.Time) body {
			b := s.entry(in, "security_event", "password_changed", audit.SeverityLow, p.id+" changed an expired password")
			b["resource"] = body{"type": "account", "id": p.id}
			return b
		})
		s.signIn(t, in, last.Add(r.span(25*time.Second, 2*time.Minute)))
	}
}

// nightMaintenance suppresses alarms of a machine, moves its values and puts
// all back, under a change that was approved before.
func (s *site) nightMaintenance(r random, t *story) {
	noon := s.office(r, 4, s.days-4)
	who, other := s.present(r, engineer, noon), s.present(r, quality, noon)
	in, judge := t.by(s, who), s.open(other)
	first := s.tags[r.IntN(len(s.tags)/6)*6]
	q := &request{told: true, by: who, tag: first, low: first.alarmLow, high: first.alarmHigh}
	s.plan(noon, it, t, func(time.Time) body { return s.ask(in, q) })
	s.plan(noon.Add(r.span(time.Hour, 4*time.Hour)), it, t, func(time.Time) body { return s.pass(judge, q) })
	at := s.local(s.day(noon)+1, r.uniform(22, 25))
	night := s.open(who)
	s.signIn(t, night, at)
	for _, g := range s.tags {
		if g.machine != first.machine {
			continue
		}
		s.plan(at.Add(r.span(time.Minute, 10*time.Minute)), hmi, t, func(time.Time) body { return s.alarm(night, g, false).because(q.reference, "maintenance") })
		s.plan(at.Add(r.span(15*time.Minute, 90*time.Minute)), hmi, t, func(time.Time) body {
			return s.setpoint(night, g, g.alarmLow).because(q.reference, "maintenance")
		})
		s.plan(at.Add(r.span(100*time.Minute, 150*time.Minute)), hmi, t, func(time.Time) body { return s.alarm(night, g, true).because(q.reference, "maintenance") })
	}
	s.signOut(t, night, at.Add(3*time.Hour))
}

// emergencyChange widens a limit at once; the approval comes later.
func (s *site) emergencyChange(r random, t *story) {
	day := r.between(4, s.days-6)
	at := s.local(day, r.uniform(0, 24))
	in := t.by(s, s.present(r, engineer, at))
	g := pick(r, s.tags)
	reference := s.ticket("EC")
	s.signIn(t, in, at)
	s.plan(at.Add(r.span(time.Minute, 10*time.Minute)), hmi, t, func(time.Time) body {
		b := s.limits(in, g, g.alarmLow, g.alarmHigh+(g.alarmHigh-g.alarmLow)*r.uniform(0.05, 0.2))
		b["category"], b["details"] = "emergency_change", body{"change_id": reference}
		return b.because("", "emergency: product at risk")
	})
	s.signOut(t, in, at.Add(40*time.Minute))
	later := s.local(day+r.between(1, 2), r.uniform(9, 16))
	judge := s.open(s.present(r, quality, later))
	s.plan(later, it, t, func(time.Time) body {
		b := s.entry(judge, "system_event", "change_approved", audit.SeverityLow, judge.who.id+" approved "+reference+" after the fact")
		b["resource"] = body{"type": "change", "id": reference}
		b["details"] = body{"change_id": reference, "requested_by": in.who.id, "approved_by": judge.who.id}
		return b.because(reference, "")
	})
	s.plan(later.Add(r.span(time.Hour, 6*time.Hour)), hmi, t, func(time.Time) body {
		return s.limits(in, g, g.designLow, g.designLow+g.designW).because(reference, "back to the design")
	})
}

// calibration sets more than 200 limits under one approval.
func (s *site) calibration(r random, t *story) {
	at := s.office(r, 5, s.days-5)
	in, judge := t.by(s, s.present(r, engineer, at)), s.open(s.present(r, quality, at))
	q := &request{told: true, by: in.who, tag: s.tags[0]}
	s.plan(at.Add(-48*time.Hour), it, t, func(time.Time) body { return s.ask(in, q) })
	s.plan(at.Add(-20*time.Hour), it, t, func(time.Time) body { return s.pass(judge, q) })
	s.signIn(t, in, at)
	when := at
	for round := range 5 {
		for _, g := range s.tags {
			when = when.Add(r.span(4*time.Second, 90*time.Second))
			s.plan(when, hmi, t, func(time.Time) body {
				width, shift := g.alarmHigh-g.alarmLow, r.NormFloat64()*0.01
				if round == 4 {
					return s.limits(in, g, g.designLow, g.designLow+g.designW).because(q.reference, "calibration")
				}
				if b := s.limits(in, g, g.alarmLow+width*shift, g.alarmHigh+width*(shift+r.NormFloat64()*0.004)); b != nil {
					return b.because(q.reference, "calibration")
				}
				return nil
			})
		}
	}
	s.signOut(t, in, when.Add(time.Minute))
}
