package eval

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/forensic"
	"github.com/sealbook/sealbook/internal/forensic/eval/corpus"
)

// comparing adds rows to a measurement's comparison.
type comparing struct {
	m              *Measurement
	labels         []corpus.Label
	entries, calm  []audit.Entry
	days, calmDays []userDay
}

func (c *comparing) add(way string, alarms, onHarmless []forensic.Finding, labels []corpus.Label) *Comparison {
	r := Score(alarms, labels)
	c.m.Comparison = append(c.m.Comparison, Comparison{Way: way, Alarms: len(alarms), Recall: r.Recall().Value(), Found: r.Recall(),
		Harmless: len(onHarmless), Right: Share{r.NamedRight, r.Named}})
	return &c.m.Comparison[len(c.m.Comparison)-1]
}

func (c *comparing) detectors(way string, alarms, onHarmless []forensic.Finding) {
	c.add(way, alarms, onHarmless, c.labels).Detectors = true
}

// budget adds what simple ways reach with as many alarms: by lot, and by a
// threshold that costs as many false ones.
func (c *comparing) budget(alarms, harmless int) {
	c.m.Comparison = append(c.m.Comparison, Comparison{Way: "  as many user-days by lot", Alarms: min(alarms, len(c.days)),
		Recall: randomly(alarms, c.days, c.entries, c.labels), Harmless: min(harmless, len(c.calmDays))})
	most := threshold(c.calmDays, harmless)
	if len(c.calmDays) == 0 {
		most = threshold(c.days, alarms)
	}
	c.add(fmt.Sprintf("  every user-day with more than %d entries", most), busy(most, c.days, c.entries), busy(most, c.calmDays, c.calm), c.labels)
}

// alarm is a user-day as a finding.
func alarm(name string, d userDay, entries []audit.Entry) forensic.Finding {
	f := forensic.Finding{Detector: name, Kind: forensic.Unusual, Users: []string{d.user}, Entries: len(d.entries)}
	for _, i := range d.entries {
		f.EntryIDs = append(f.EntryIDs, entries[i].ExternalID)
	}
	f.FirstTime, f.LastTime = entries[d.entries[0]].Time(), entries[d.entries[len(d.entries)-1]].Time()
	return f
}

// seed of what is drawn here, published as every other.
const seed = 50_021

// draws is how often a random comparison is repeated.
const draws = 20

// randomly is what alarms about so many user-days by lot reach, on average.
func randomly(n int, days []userDay, entries []audit.Entry, labels []corpus.Label) (recall float64) {
	r := rand.New(rand.NewPCG(seed, 1))
	for range draws {
		var alarms []forensic.Finding
		for _, i := range r.Perm(len(days))[:min(n, len(days))] {
			alarms = append(alarms, alarm("random", days[i], entries))
		}
		recall += Score(alarms, labels).Recall().Value() / draws
	}
	return recall
}

// offHours alarms about every user-day with a change outside of Monday to
// Friday, 07:00 to 19:00 UTC. It knows no shifts.
func offHours(days []userDay, entries []audit.Entry) (out []forensic.Finding) {
	for _, d := range days {
		if slices.ContainsFunc(d.entries, func(i int) bool {
			at := entries[i].Time().UTC()
			off := at.Weekday() == time.Saturday || at.Weekday() == time.Sunday || at.Hour() < 7 || at.Hour() >= 19
			return off && entries[i].Class == audit.ClassChange
		}) {
			out = append(out, alarm("off-hours changes", d, entries))
		}
	}
	return out
}

// busy alarms about every user-day with more entries than a threshold.
func busy(threshold int, days []userDay, entries []audit.Entry) (out []forensic.Finding) {
	for _, d := range days {
		if len(d.entries) > threshold {
			out = append(out, alarm(fmt.Sprintf("more than %d entries", threshold), d, entries))
		}
	}
	return out
}

// threshold is the least with which busy raises no more alarms on harmless days
// than this.
func threshold(days []userDay, alarms int) int {
	sizes := make([]int, len(days))
	for i, d := range days {
		sizes[i] = len(d.entries)
	}
	slices.Sort(sizes)
	if alarms >= len(sizes) {
		return 0
	}
	return sizes[len(sizes)-1-alarms]
}

// shuffled moves every incident to as many consecutive entries of another
// person: findings that are right for a reason find these no more often than by
// chance. Harmless labels go.
func shuffled(days []userDay, entries []audit.Entry, labels []corpus.Label) (out []corpus.Label) {
	r := rand.New(rand.NewPCG(seed, 2))
	taken := map[string]bool{}
	for _, l := range labels {
		if l.Kind == corpus.Incident {
			for _, id := range l.Entries {
				taken[id] = true
			}
		}
	}
	of := map[string][]int{} // a person's entries by time
	for _, d := range days {
		for _, i := range d.entries {
			if !taken[entries[i].ExternalID] {
				of[d.user] = append(of[d.user], i)
			}
		}
	}
	for _, l := range labels {
		if l.Kind != corpus.Incident {
			continue
		}
		var list []int
		for len(list) == 0 {
			list = of[days[r.IntN(len(days))].user]
		}
		n := min(len(l.Entries), len(list))
		begin := r.IntN(len(list) - n + 1)
		list = list[begin : begin+n]
		l.Entries, l.Actors = nil, []string{entries[list[0]].Actor.String("id")}
		for _, i := range list {
			l.Entries = append(l.Entries, entries[i].ExternalID)
		}
		l.From, l.To = entries[list[0]].Time(), entries[list[n-1]].Time()
		out = append(out, l)
	}
	return out
}
