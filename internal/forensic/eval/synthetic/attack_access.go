package synthetic

import (
	"time"

	"github.com/sealbook/sealbook/audit"
)

// bruteForce tries the passwords of one account; more often than not the last
// one is right.
func (s *site) bruteForce(r random, t *story, variant int) {
	p := s.victim(r, operator, engineer, quality, lab, admin)
	t.label.Actors = []string{p.id}
	at, in := s.anyTime(r), s.abroad(r, p)
	var last time.Time
	switch variant {
	case 0:
		last = s.fail(r, t, in, p.id, at, s.drawn(r, 8, 60), s.long(r, time.Minute, 10*time.Minute))
	case 1:
		last = s.fail(r, t, in, p.id, at, s.drawn(r, 18, 70), s.long(r, 3*time.Hour, 14*time.Hour))
	default:
		span := s.long(r, 20*time.Minute, 2*time.Hour)
		for range s.drawn(r, 8, 30) {
			from := s.abroad(r, p)
			if end := s.fail(r, t, from, p.id, at.Add(r.span(0, span)), r.between(1, 4), time.Minute); end.After(last) {
				last = end
			}
		}
	}
	if r.chance(0.6) {
		last = last.Add(r.span(2*time.Second, 3*time.Minute))
		s.signIn(t, in, last)
		s.loot(r, t, in, last, r.between(2, 15), 5*time.Second, 2*time.Minute)
	}
}

// spraying tries few passwords of many accounts.
func (s *site) spraying(r random, t *story, variant int) {
	at := s.anyTime(r)
	span := s.long(r, 8*time.Minute, 80*time.Minute)
	if variant == 2 {
		span = s.long(r, 4*time.Hour, 9*time.Hour)
	}
	sources := []string{foreign(r)}
	if variant == 1 {
		sources = append(sources, foreign(r))
	}
	targets := some(r, s.people, s.drawn(r, 8, 26))
	for _, p := range targets {
		in := t.by(s, p)
		in.address, in.agent = pick(r, sources), "Mozilla/5.0 (X11)"
		s.fail(r, t, in, p.id, at.Add(r.span(0, span)), r.between(1, 2), time.Minute)
	}
	if r.chance(0.5) {
		in := s.abroad(r, targets[0])
		in.address = sources[0]
		at = at.Add(span + r.span(10*time.Second, 5*time.Minute))
		s.signIn(t, in, at)
		s.loot(r, t, in, at, r.between(2, 10), 5*time.Second, 2*time.Minute)
	}
}

// stolenSession goes on in a session of somebody who is at work, or was.
func (s *site) stolenSession(r random, t *story, variant int) {
	p := s.victim(r, engineer, quality, lab)
	at := s.during(r, p)
	own := t.by(s, p)
	s.plan(at.Add(-20*time.Minute), idp, nil, func(time.Time) body { return s.login(own) })
	s.chain(r, own, []time.Time{at.Add(-10 * time.Minute), at.Add(2 * time.Minute), at.Add(9 * time.Minute), at.Add(15 * time.Minute)}, nil)
	out := at.Add(25 * time.Minute)
	s.plan(out, idp, nil, func(time.Time) body { return s.logout(own, "signed_out") })
	thief := *own
	thief.address, thief.agent, thief.place = foreign(r), "curl/8.5", "unknown"
	if variant == 1 {
		at = out.Add(s.long(r, time.Minute, 3*time.Hour))
	}
	if variant == 2 {
		for range s.drawn(r, 2, 9) {
			at = at.Add(r.span(20*time.Second, 4*time.Minute))
			s.plan(at, hmi, t, func(time.Time) body { return s.adjust(r, &thief) })
		}
	}
	end := s.loot(r, t, &thief, at, s.drawn(r, 4, 40), 2*time.Second, 30*time.Second)
	s.plan(end.Add(20*time.Second), mes, t, func(time.Time) body { return s.export(&thief, r.between(50, 900), "external") })
}

// dormantWakes uses an account that nobody has used for weeks.
func (s *site) dormantWakes(r random, t *story, variant int) {
	in := t.by(s, s.dormant)
	if r.chance(0.5) {
		in.address, in.agent = foreign(r), "Mozilla/5.0 (X11)"
	}
	at := s.anyTime(r)
	s.signIn(t, in, at)
	s.takeFrom(r, t, in, at, variant)
}

// takeFrom reads (0), or changes values (else).
func (s *site) takeFrom(r random, t *story, in *session, at time.Time, variant int) {
	if variant == 0 {
		at = s.loot(r, t, in, at, s.drawn(r, 5, 40), 5*time.Second, 90*time.Second)
		s.plan(at.Add(time.Minute), mes, t, func(time.Time) body { return s.export(in, r.between(50, 1500), "external") })
		return
	}
	for range s.drawn(r, 2, 10) {
		at = at.Add(r.span(20*time.Second, 6*time.Minute))
		s.plan(at, hmi, t, func(time.Time) body { return s.adjust(r, in) })
	}
}

// leaverReturns uses an account after its person has left; nobody took its
// rights away. The report that the person has left is no part of the incident.
func (s *site) leaverReturns(r random, t *story, variant int) {
	left := s.local(s.leaver.last, r.uniform(8, 12))
	boss := s.open(s.present(r, admin, left))
	s.plan(left, it, nil, func(time.Time) body { return s.leave(boss, s.leaver) })
	in := t.by(s, s.leaver)
	if r.chance(0.7) {
		in.address, in.place = foreign(r), "Remote"
	}
	wait := s.long(r, time.Hour, 60*time.Hour)
	if variant == 2 {
		wait = s.long(r, 4*24*time.Hour, 9*24*time.Hour)
	}
	at := left.Add(wait)
	s.signIn(t, in, at)
	s.takeFrom(r, t, in, at, variant%2)
}

// serviceHijacked is a person who uses a service account's credential.
func (s *site) serviceHijacked(r random, t *story, variant int) {
	p := pick(r, s.services)
	t.label.Actors = []string{p.id}
	at := s.anyTime(r)
	from, agent := pick(r, s.people).address, "Mozilla/5.0 (Windows NT 10.0)"
	if r.chance(0.4) {
		from = foreign(r)
	}
	as := func(b body) body {
		b["actor"] = body{"type": "system", "id": p.id, "name": p.id}
		b["description"] = p.id + ": " + b["category"].(string)
		b["context"] = body{"source_ip": from, "user_agent": agent}
		return b
	}
	in := s.open(p)
	for range s.drawn(r, 4, 30) {
		at = at.Add(r.span(10*time.Second, 3*time.Minute))
		s.plan(at, mes, t, func(time.Time) body { return as(s.read(in, "record", pick(r, s.records))) })
	}
	if variant == 1 {
		for range s.drawn(r, 2, 8) {
			at = at.Add(r.span(10*time.Second, 3*time.Minute))
			s.plan(at, hmi, t, func(time.Time) body { return as(s.adjustAny(r, in)) })
		}
		return
	}
	s.plan(at.Add(time.Minute), mes, t, func(time.Time) body { return as(s.export(in, r.between(500, 5000), "external")) })
}

func (s *site) adjustAny(r random, in *session) body {
	g := pick(r, s.tags)
	return s.setpoint(in, g, g.alarmLow+(g.alarmHigh-g.alarmLow)*r.uniform(0.1, 0.9))
}

// sharedSignature signs with one person's credential from another's place.
func (s *site) sharedSignature(r random, t *story, variant int) {
	list := some(r, s.of(lab), 2)
	owner, user := list[0], list[1]
	at := s.during(r, owner)
	own, in := t.by(s, owner), s.open(owner)
	t.label.Actors = append(t.label.Actors, user.id)
	in.address, in.agent = user.address, user.agent
	if variant == 1 {
		in.id = own.id
	} else {
		s.signIn(t, in, at.Add(-time.Minute))
	}
	s.plan(at.Add(-5*time.Minute), idp, nil, func(time.Time) body { return s.login(own) })
	for range s.drawn(r, 3, 10) {
		at = at.Add(r.span(20*time.Second, 4*time.Minute))
		s.plan(at, mes, t, func(time.Time) body { return s.result(r, own) })
		s.plan(at.Add(r.span(0, time.Minute)), mes, t, func(time.Time) body { return s.review(r, in) })
	}
}

// logConfiguration makes the system record less.
func (s *site) logConfiguration(r random, t *story, variant int) {
	at := s.anyTime(r)
	in := t.by(s, s.victim(r, admin, engineer))
	if r.chance(0.5) {
		s.signIn(t, in, at.Add(-r.span(time.Minute, 10*time.Minute)))
	}
	change := []body{
		field("audit_enabled", true, false), field("retention_days", 2555, s.drawn(r, 1, 60)),
		field("excluded_users", []string{}, []string{in.who.id}), field("forward_to", "siem.example.com", "none"),
	}[variant]
	s.plan(at, it, t, func(time.Time) body { return s.auditConfiguration(in, change) })
}

func (s *site) auditConfiguration(in *session, change body) body {
	return s.change(in, "audit_config_change", "update_audit_configuration", "audit_configuration", "audit", audit.SeverityHigh, change)
}
