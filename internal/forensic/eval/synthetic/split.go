// Package synthetic invents labelled entries to measure detectors with: plants
// whose people work, machines that report, harmless things that look like
// attacks, and attacks. It guards that the same split and number of sites give
// the same bytes, and that nothing here follows from how a detector works: it
// knows the vocabulary of entries and no rule, which its imports show. The
// evaluation uses it.
package synthetic

import (
	"fmt"
	"slices"
	"time"

	"github.com/sealbook/sealbook/internal/forensic/eval/corpus"
)

// Split is one published set of seeds and parameters. Each has an attacked
// organisation and a benign one, of other people.
type Split struct {
	Name        string
	About       string
	Seed        uint64     // of the attacked organisation; that of the benign one is the next
	Start       time.Time  // a Monday, 00:00 UTC
	Development bool       // which families of attacks there are
	tilt        [2]float64 // the part of each parameter's range that is drawn from
}

// Days is how long a corpus lasts, and Sites how many sites a published one has
// of each: every site of an attacked one has one incident of each family.
const (
	Days        = 56
	Sites       = 10
	BenignSites = 6
)

// Splits are the published ones. Development may be looked at; of validation
// only figures should be; what is held out is used once for a release.
var Splits = []Split{
	{"development", "families that detectors may be tuned with", 20_101, date(2025, 2, 24), true, [2]float64{0, 0.7}},
	{"validation", "the same families, other seeds, other parameters", 30_203, date(2025, 9, 1), true, [2]float64{0.3, 1}},
	{"held-out", "families that nobody tuned for", 40_309, date(2026, 1, 5), false, [2]float64{0, 1}},
}

// NewSplit is one with another seed, so that a result can be repeated on
// entries that nobody has seen. Its digest is not published.
func (split Split) NewSplit(seed uint64) Split {
	split.Name, split.Seed = fmt.Sprintf("%s-seed-%d", split.Name, seed), seed
	return split
}

// ByName finds a split.
func ByName(name string) (Split, bool) {
	i := slices.IndexFunc(Splits, func(s Split) bool { return s.Name == name })
	if i < 0 {
		return Split{}, false
	}
	return Splits[i], true
}

// Attacked makes so many sites (1 to 90) with one incident of each family.
func (split Split) Attacked(sites int) (*corpus.Corpus, error) {
	return split.make(split.Name, split.Seed, sites, true)
}

// Benign makes so many sites (1 to 90) on which nothing bad happens.
func (split Split) Benign(sites int) (*corpus.Corpus, error) {
	return split.make(split.Name+"-benign", split.Seed+1, sites, false)
}

func (split Split) make(name string, seed uint64, sites int, attacked bool) (*corpus.Corpus, error) {
	if sites < 1 || sites > 90 {
		return nil, fmt.Errorf("%d sites: there are 1 to 90", sites)
	}
	c := &corpus.Corpus{Name: name}
	var arriving []delivery
	for i := range sites {
		s := newSite(name, seed, i, split.Start, Days, split.tilt)
		s.harmless()
		if attacked {
			s.attack(split.Development)
		}
		s.background()
		s.play()
		delivered, err := s.deliver()
		if err != nil {
			return nil, err
		}
		arriving = append(arriving, delivered...)
		c.Labels = append(c.Labels, s.labels()...)
	}
	slices.SortStableFunc(arriving, func(a, b delivery) int { return a.at.Compare(b.at) })
	for _, d := range arriving {
		c.Lines = append(c.Lines, d.line)
	}
	return c, nil
}

// labels are the stories of which something was reported.
func (s *site) labels() (out []corpus.Label) {
	for _, t := range s.stories {
		if len(t.events) == 0 {
			continue
		}
		l := t.label
		for i, e := range t.events {
			if i == 0 || e.claimed.Before(l.From) {
				l.From = e.claimed
			}
			if e.claimed.After(l.To) {
				l.To = e.claimed
			}
			l.Entries = append(l.Entries, e.ids...)
		}
		slices.Sort(l.Entries)
		slices.Sort(l.Actors)
		l.Actors = slices.Compact(l.Actors)
		out = append(out, l)
	}
	return out
}

func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}
