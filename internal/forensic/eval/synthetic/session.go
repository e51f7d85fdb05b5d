package synthetic

import (
	"fmt"
	"slices"
	"time"
)

// session is what one sign-in lasts for.
type session struct {
	who     *person
	id      string
	address string
	agent   string
	place   string
}

// open makes a session at the usual place. Whoever is elsewhere changes it.
func (s *site) open(p *person) *session {
	s.sessions++
	return &session{who: p, id: fmt.Sprintf("session_%02d%05d", s.index, s.sessions), address: p.address, agent: p.agent, place: departments[p.role]}
}

// habits are the chains of operations of each role: a row of weights for what
// follows each operation.
func (s *site) habits() {
	s.chains = map[role][][]float64{}
	for _, post := range staffing {
		r := stream(s.seed, "habits "+string(post.role))
		list := operations[post.role]
		base := make([]float64, len(list))
		for i, o := range list {
			base[i] = o.weight
		}
		for i := range list {
			row := r.dirichlet(base, 8)
			row[i] *= 1.5 // work comes in rows
			s.chains[post.role] = append(s.chains[post.role], row)
		}
	}
}

// workday plans a person's day: how much there is to do, in how many sessions,
// and when.
func (s *site) workday(r random, p *person, day int) {
	from, to, ok := s.shift(r, p, day)
	if !ok {
		return
	}
	mean := p.mean
	if month := s.start.AddDate(0, 0, day+2); month.Day() <= 2 && (p.role == quality || p.role == lab) {
		mean *= 1.6 // the month ends
	}
	total := r.count(mean, p.k)
	parts := 1
	if p.role != operator {
		parts += r.poisson(0.6)
	}
	length := (to - from) / float64(parts)
	for i := range parts {
		begin := from + float64(i)*length
		n := total / parts
		if i == 0 {
			n += total % parts
		}
		s.work(r, p, day, begin, begin+length, n)
	}
}

// work plans a session with n operations between two local hours.
func (s *site) work(r random, p *person, day int, from, to float64, n int) {
	at := make([]time.Time, n)
	for i := range at {
		hour := r.uniform(from+0.1, to-0.1)
		for range 8 { // drawn again where little happens
			if r.Float64()*2 < intensity(p.role, hour, from, to) {
				break
			}
			hour = r.uniform(from+0.1, to-0.1)
		}
		at[i] = s.local(day, hour)
	}
	slices.SortFunc(at, time.Time.Compare)
	begin := s.local(day, from+r.uniform(0, 0.1))
	end := s.local(day, to-r.uniform(0, 0.08))
	in := s.open(p)
	if r.chance(0.03) { // from elsewhere, through the VPN
		in.address, in.place = fmt.Sprintf("10.%d.200.%d", 20+s.index, r.between(2, 200)), "Remote"
	}
	if r.chance(0.03) {
		s.plan(begin.Add(-r.span(5*time.Second, 30*time.Second)), idp, nil, func(time.Time) body { return s.failedLogin(in, p.id, "wrong_password") })
	}
	s.plan(begin, idp, nil, func(time.Time) body { return s.login(in) })
	s.chain(r, in, at, nil)
	if r.chance(0.85) {
		s.plan(end, idp, nil, func(time.Time) body { return s.logout(in, "signed_out") })
	} else {
		s.plan(end.Add(15*time.Minute), idp, nil, func(time.Time) body { return s.logout(in, "timeout") })
	}
}

// chain plans operations at these times, each one following from the one
// before.
func (s *site) chain(r random, in *session, at []time.Time, of *story) {
	list := operations[in.who.role]
	last := r.IntN(len(list))
	for _, t := range at {
		last = r.weighted(s.chains[in.who.role][last])
		o := list[last]
		s.plan(t, o.emitter, of, func(at time.Time) body { return o.do(s, r, in) })
	}
}

// background plans what everybody does on every day, and the machines.
func (s *site) background() {
	for _, p := range s.people {
		r := stream(s.seed, "work "+p.id)
		for day := range s.days {
			if day%7 == 0 {
				s.plan(s.local(day, 0), idp, nil, func(time.Time) body { s.drift(r, p); return nil })
			}
			s.workday(r, p, day)
			if p.role == engineer && r.chance(0.02) && day < p.last {
				s.work(r, p, day, 22.5+r.uniform(0, 4), 27.5, r.between(1, 4)) // on call
			}
		}
	}
	s.machines()
}

// drift lets a person's preferences change a little, and now and then much: a
// new project.
func (s *site) drift(r random, p *person) {
	swaps := 2
	if r.chance(0.06) {
		swaps = len(p.likes) / 2
	}
	for range swaps {
		i, j := r.IntN(len(p.likes)), r.IntN(len(p.likes))
		p.likes[i], p.likes[j] = p.likes[j], p.likes[i]
	}
}
