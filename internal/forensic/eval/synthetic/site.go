package synthetic

import (
	"cmp"
	"container/heap"
	"fmt"
	"time"

	"github.com/sealbook/sealbook/internal/forensic/eval/corpus"
)

// site is one plant with its people, things and emitters. What happens there
// is planned first, as acts in any order, and then played by time, so that
// every act finds the state that those before it left.
type site struct {
	index    int
	seed     uint64
	name     string // of the corpus
	start    time.Time
	days     int
	zone     time.Duration // from UTC, in winter
	rotates  bool
	holidays map[int]bool
	tilt     [2]float64 // the part of every range that parameters are drawn from

	people   []*person
	dormant  *person
	leaver   *person
	services []*person
	tags     []*tag
	records  []string // of batches, samples and documents
	emitters map[string]*emitter
	chains   map[role][][]float64

	acts     acts
	planned  int
	stories  []*story
	requests []*request // of changes, oldest first
	tickets  int
	sessions int
	events   []*event
}

// body is an entry's request, without what delivery adds.
type body map[string]any

// act is something that will be done at a time.
type act struct {
	number  int
	at      time.Time
	emitter string
	story   *story
	do      func(at time.Time) body // nil if it comes to nothing
}

// story is what a label will be made of.
type story struct {
	label  corpus.Label
	events []*event
}

// tag is a measured and controlled value of a machine.
type tag struct {
	id, machine        string
	value              float64
	alarmLow           float64
	alarmHigh          float64
	enabled            bool
	designLow, designW float64 // of the band that was designed
}

func newSite(name string, seed uint64, index int, start time.Time, days int, tilt [2]float64) *site {
	s := &site{index: index, seed: seed + uint64(index)*1_000_003, name: name, start: start, days: days, tilt: tilt,
		holidays: map[int]bool{}, emitters: map[string]*emitter{}}
	r := stream(s.seed, "site")
	s.zone = pick(r, []time.Duration{-5 * time.Hour, 0, time.Hour, time.Hour, 2 * time.Hour})
	s.rotates = r.chance(0.5)
	s.holidays[r.between(8, days-2)] = true
	for machine := range 8 {
		for n := range 6 {
			low := round(r.uniform(10, 400), 1)
			width := round(low*r.uniform(0.1, 0.6), 1)
			s.tags = append(s.tags, &tag{
				id: fmt.Sprintf("tag_%02d%02d%02d", index, machine, n), machine: fmt.Sprintf("machine_%02d%02d", index, machine),
				value: round(low+width/2, 1), alarmLow: low, alarmHigh: round(low+width, 1), enabled: true, designLow: low, designW: width,
			})
		}
	}
	for n := range 600 {
		s.records = append(s.records, fmt.Sprintf("%s_%02d%04d", []string{"batch", "sample", "document"}[n%3], index, n))
	}
	s.hire()
	s.habits()
	s.equip()
	return s
}

// local is a time of day in the site's zone, where summer time is Europe's or,
// west of it, nearly so.
func (s *site) local(day int, hour float64) time.Time {
	t := s.start.AddDate(0, 0, day).Add(time.Duration(hour * float64(time.Hour))).Add(-s.zone)
	if summer(t) && s.zone != 0 {
		t = t.Add(-time.Hour)
	}
	return t.Truncate(time.Millisecond)
}

// summer is from the last Sunday of March, 01:00 UTC, to that of October.
func summer(t time.Time) bool {
	sunday := func(m time.Month) time.Time {
		end := time.Date(t.Year(), m, 31, 1, 0, 0, 0, time.UTC)
		return end.AddDate(0, 0, -int(end.Weekday()))
	}
	return !t.Before(sunday(time.March)) && t.Before(sunday(time.October))
}

// plan adds an act. Of a story that is not nil it is labelled.
func (s *site) plan(at time.Time, emitter string, of *story, do func(time.Time) body) {
	s.planned++
	heap.Push(&s.acts, &act{number: s.planned, at: at, emitter: emitter, story: of, do: do})
}

// tell begins a story, of which a label will come if any of its acts is done.
func (s *site) tell(kind corpus.Kind, family, variant string, actors ...string) *story {
	t := &story{label: corpus.Label{
		ID: fmt.Sprintf("%s/site-%02d/%s/%d", s.name, s.index+1, family, len(s.stories)+1), Kind: kind, Family: family, Variant: variant, Actors: actors,
	}}
	s.stories = append(s.stories, t)
	return t
}

// play does everything that is planned, by time. An act may plan others that
// come later.
func (s *site) play() {
	for s.acts.Len() > 0 {
		a := heap.Pop(&s.acts).(*act)
		b := a.do(a.at)
		emitter := s.emitters[a.emitter]
		// What another story needs is heard all the same: its label would lose it.
		if b == nil || a.story == nil && emitter.silent(a.at) {
			continue
		}
		e := &event{at: a.at, body: b, emitter: emitter}
		s.events = append(s.events, e)
		if a.story != nil {
			a.story.events = append(a.story.events, e)
		}
	}
}

// acts is a heap by time, and by when they were planned if that is the same.
type acts []*act

func (a acts) Len() int      { return len(a) }
func (a acts) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a acts) Less(i, j int) bool {
	return cmp.Or(a[i].at.Compare(a[j].at), cmp.Compare(a[i].number, a[j].number)) < 0
}
func (a *acts) Push(x any) { *a = append(*a, x.(*act)) }
func (a *acts) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}
