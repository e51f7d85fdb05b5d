package synthetic

import (
	"fmt"
	"time"
)

type role string

// The roles of people. Service accounts are not people and have no role here.
const (
	operator role = "operator"
	engineer role = "engineer"
	quality  role = "quality"
	lab      role = "lab"
	admin    role = "administrator"
)

var departments = map[role]string{
	operator: "Production", engineer: "Engineering", quality: "Quality", lab: "Laboratory", admin: "IT",
}

// staffing is how many of a role a site has, and how they work: operations of
// a working day on average.
var staffing = []struct {
	role   role
	short  string
	people int
	mean   float64
}{
	{operator, "op", 12, 9}, {engineer, "en", 5, 11}, {quality, "qa", 4, 9}, {lab, "la", 4, 12}, {admin, "ad", 3, 7},
}

// person is somebody with an account.
type person struct {
	id, short string
	role      role
	address   string // of the usual workstation
	agent     string
	crew      int           // of operators, 0 to 2
	rest      int           // first of an operator's two days off, 0 to 6 from Monday
	offset    time.Duration // personal: starts so much later
	k         float64       // of the daily counts
	mean      float64
	likes     []float64 // weights of the things that this person works on
	leave     [2]int    // first day off and first day back, in days from the start
	first     int       // first day at work
	last      int       // first day after leaving
}

// number is unique over all sites of a corpus.
func account(short string, site, n int) string { return fmt.Sprintf("%s-%03d", short, site*40+n) }

func (s *site) hire() {
	r := stream(s.seed, "people")
	n := 0
	for _, post := range staffing {
		for i := range post.people {
			n++
			p := s.newcomer(r, post.role, post.short, n)
			p.crew, p.mean = i%3, post.mean*r.uniform(0.6, 1.5)
			if r.chance(0.5) {
				p.leave[0] = r.between(2, s.days-12)
				p.leave[1] = p.leave[0] + r.between(5, 11)
			}
			s.people = append(s.people, p)
		}
	}
	// One account falls silent after its first days, and one person leaves. What
	// becomes of them is for others to say.
	s.dormant = s.newcomer(r, engineer, "en", n+1)
	s.dormant.mean, s.dormant.last = 8, r.between(4, 7)
	s.leaver = s.newcomer(r, engineer, "en", n+2)
	s.leaver.mean, s.leaver.last = 10, r.between(s.days/2+2, s.days-14)
	s.people = append(s.people, s.dormant, s.leaver)
}

func (s *site) newcomer(r random, job role, short string, n int) *person {
	p := &person{
		id: account(short, s.index, n), short: short, role: job, last: s.days,
		address: fmt.Sprintf("10.%d.%d.%d", 20+s.index, 10+len(departments[job]), 10+n),
		agent:   pick(r, []string{"Sapien-WebUI/2.1.0", "Sapien-WebUI/2.0.7", "Mozilla/5.0 (Windows NT 10.0)"}),
		rest:    r.IntN(7), offset: r.span(-80*time.Minute, 80*time.Minute), k: r.uniform(1, 5),
	}
	// Everybody knows the same things and prefers others.
	p.likes = zipf(len(s.tags), 1.1)
	r.Shuffle(len(p.likes), func(i, j int) { p.likes[i], p.likes[j] = p.likes[j], p.likes[i] })
	return p
}

// of lists who has a role and works here for the whole time.
func (s *site) of(job role) (out []*person) {
	for _, p := range s.people {
		if p.role == job && p.first == 0 && p.last == s.days {
			out = append(out, p)
		}
	}
	return out
}

// shift is when somebody works on a day, in local hours from its midnight, or
// nothing.
func (s *site) shift(r random, p *person, day int) (from, to float64, ok bool) {
	if day < p.first || day >= p.last || day >= p.leave[0] && day < p.leave[1] {
		return 0, 0, false
	}
	weekday := day % 7 // every corpus starts on a Monday
	if p.role == operator {
		crew := p.crew
		if s.rotates {
			crew = (crew + day/7) % 3
		}
		if r.chance(0.02) {
			crew = (crew + 1) % 3 // a swap
		}
		if free := (weekday - p.rest + 7) % 7; free < 2 {
			return 0, 0, false
		}
		from = 6 + 8*float64(crew)
		return from, from + 8, true
	}
	if s.holidays[day] || weekday >= 5 && !r.chance(0.04) || r.chance(0.03) {
		return 0, 0, false
	}
	from = 8 + p.offset.Hours()
	to = from + 8.5
	if r.chance(0.06) {
		to += r.uniform(1, 3.5) // overtime
	}
	return from, to, true
}

// intensity is how much happens in each hour of a working day of an office; of
// a shift it is nearly even.
func intensity(job role, hour, from, to float64) float64 {
	if job == operator {
		if hour-from < 0.5 || to-hour < 0.5 {
			return 2 // the handover
		}
		return 1
	}
	switch into := hour - from; {
	case into < 0.5:
		return 0.6
	case into < 3.5:
		return 1.4
	case into < 4.5:
		return 0.3 // lunch
	case into < 7.5:
		return 1.1
	}
	return 0.5
}
