package eval

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"github.com/sealbook/sealbook/internal/forensic"
	"github.com/sealbook/sealbook/internal/forensic/eval/corpus"
)

// Late is how long after an incident's last entry a finding may still end.
const Late = 24 * time.Hour

// Outcome is what became of one incident.
type Outcome struct {
	Label     *corpus.Label
	Found     bool          // by a finding that names one of its entries and ends no later than Late after it
	After     time.Duration // from its first entry to the end of the earliest such finding; 0 or more
	Right     bool          // that finding names one of its actors
	Detectors []string      // of all such findings, sorted, each once
}

// Counts are of the findings of one detector, or of one kind.
type Counts struct {
	True  int // they name an entry of an incident
	False int
}

// All is every finding.
func (c Counts) All() int { return c.True + c.False }

// Result is how findings compare with labels.
type Result struct {
	Outcomes  []Outcome
	Findings  Counts
	Detectors map[string]Counts
	Kinds     map[forensic.Kind]Counts
	Versions  map[string]int // of the rule of each detector
	// FalseBy counts false findings by the family of the look-alike that they
	// name entries of (the first, if there are several); "" is ordinary work.
	FalseBy map[string]int

	Named      int // distinct entries that findings list
	NamedRight int // of those, the ones of an incident
	Labelled   int // distinct entries of incidents
}

// Score holds findings against labels. Only the ids that a finding lists count,
// which are the first ones of a long finding.
func Score(findings []forensic.Finding, labels []corpus.Label) *Result {
	r := &Result{Detectors: map[string]Counts{}, Kinds: map[forensic.Kind]Counts{}, Versions: map[string]int{}, FalseBy: map[string]int{}}
	of := map[string][]int{} // places in labels, by entry
	for i, l := range labels {
		for _, id := range l.Entries {
			of[id] = append(of[id], i)
		}
		if l.Kind == corpus.Incident {
			r.Outcomes = append(r.Outcomes, Outcome{Label: &labels[i]})
		}
	}
	for _, touched := range of {
		if slices.ContainsFunc(touched, func(i int) bool { return labels[i].Kind == corpus.Incident }) {
			r.Labelled++
		}
	}
	hits := map[int][]*forensic.Finding{}
	named := map[string]bool{}
	for i := range findings {
		f := &findings[i]
		touched := map[int]bool{}
		lookAlike := -1
		incident := false
		for _, id := range f.EntryIDs {
			right := false
			for _, l := range of[id] {
				touched[l] = true
				switch {
				case labels[l].Kind == corpus.Incident:
					right = true
				case lookAlike < 0:
					lookAlike = l
				}
			}
			incident = incident || right
			if !named[id] {
				named[id] = true
				r.Named++
				if right {
					r.NamedRight++
				}
			}
		}
		for l := range touched {
			hits[l] = append(hits[l], f)
		}
		r.count(f, incident)
		switch {
		case incident:
		case lookAlike >= 0:
			r.FalseBy[labels[lookAlike].Family]++
		default:
			r.FalseBy[""]++
		}
	}
	n := 0
	for i := range labels {
		if labels[i].Kind == corpus.Incident {
			r.Outcomes[n].judge(hits[i])
			n++
		}
	}
	return r
}

func (r *Result) count(f *forensic.Finding, right bool) {
	add := func(c Counts) Counts {
		if right {
			c.True++
		} else {
			c.False++
		}
		return c
	}
	r.Findings = add(r.Findings)
	r.Detectors[f.Detector] = add(r.Detectors[f.Detector])
	r.Kinds[f.Kind] = add(r.Kinds[f.Kind])
	r.Versions[f.Detector] = f.RuleVersion
}

// judge looks at the findings that name an entry of the incident.
func (o *Outcome) judge(findings []*forensic.Finding) {
	slices.SortStableFunc(findings, func(a, b *forensic.Finding) int {
		return cmp.Or(a.LastTime.Compare(b.LastTime), cmp.Compare(a.Detector, b.Detector))
	})
	for _, f := range findings {
		if f.LastTime.Before(o.Label.From) || f.LastTime.After(o.Label.To.Add(Late)) {
			continue
		}
		if !o.Found {
			o.Found, o.After = true, f.LastTime.Sub(o.Label.From)
			o.Right = slices.ContainsFunc(f.Users, func(u string) bool { return slices.Contains(o.Label.Actors, u) })
		}
		o.Detectors = append(o.Detectors, f.Detector)
	}
	slices.Sort(o.Detectors)
	o.Detectors = slices.Compact(o.Detectors)
}

// Recall is the share of incidents that were found.
func (r *Result) Recall() Share {
	s := Share{All: len(r.Outcomes)}
	for i := range r.Outcomes {
		if r.Outcomes[i].Found {
			s.Of++
		}
	}
	return s
}

// Attribution is, of the incidents that were found, the share whose earliest
// finding names the right account.
func (r *Result) Attribution() (s Share) {
	for i := range r.Outcomes {
		if r.Outcomes[i].Found {
			s.All++
			if r.Outcomes[i].Right {
				s.Of++
			}
		}
	}
	return s
}

// ScoreJSON scores a JSON array of findings.
func ScoreJSON(findings []byte, labels []corpus.Label) (*Result, error) {
	var list []forensic.Finding
	if err := json.Unmarshal(findings, &list); err != nil {
		return nil, err
	}
	return Score(list, labels), nil
}
