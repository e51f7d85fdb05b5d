// Package eval measures detectors on labelled entries: how many incidents they
// find and how soon, whom they name, and how often they raise an alarm about
// harmless work. It guards that what was missed is shown beside what was found,
// and that figures come with their uncertainty and with what simpler methods
// reach. The program in measure prints it; CI runs that in a short form.
package eval

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/forensic"
)

// Source is something that finds things in entries, which it may sort.
// Unlisted is how many findings there were beyond those that it lists.
type Source struct {
	Name string
	Find func([]audit.Entry) (found []forensic.Finding, unlisted int, err error)
}

// Sources are all that there are. Another analysis is added here and nowhere
// else; of each finding, its Kind says whether it is one of the rules'.
func Sources() []Source {
	return []Source{{"rules", func(entries []audit.Entry) (found []forensic.Finding, unlisted int, err error) {
		rules, err := forensic.Load()
		if err != nil {
			return nil, 0, err
		}
		report := forensic.Analyse(rules, entries)
		for _, look := range report.Rules {
			unlisted += look.Unlisted
		}
		return report.Findings, unlisted, nil
	}}, {"behaviour", func(entries []audit.Entry) (found []forensic.Finding, unlisted int, err error) {
		slices.SortStableFunc(entries, inTime)
		report, err := forensic.Behave(func(yield func(*audit.Entry) bool) {
			for i := range entries {
				if !yield(&entries[i]) {
					return
				}
			}
		}, forensic.Options{})
		if err != nil {
			return nil, 0, err
		}
		return report.Findings, 0, nil
	}}}
}

func inTime(a, b audit.Entry) int {
	return cmp.Or(a.Time().Compare(b.Time()), cmp.Compare(a.Seq, b.Seq))
}

// Find asks every source. Entries are sorted by their own time afterwards,
// whatever the sources did.
func Find(sources []Source, entries []audit.Entry) (out []forensic.Finding, unlisted int, err error) {
	for _, s := range sources {
		found, more, err := s.Find(entries)
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %w", s.Name, err)
		}
		out, unlisted = append(out, found...), unlisted+more
	}
	slices.SortStableFunc(entries, inTime)
	return out, unlisted, nil
}

// userDay is what one person did on one day (UTC): the unit that alarms are
// counted by. Service accounts are not counted.
type userDay struct {
	user    string
	day     time.Time
	entries []int // places in the list of entries
}

// userDays are ordered by day and then user.
func userDays(entries []audit.Entry) []userDay {
	type key struct {
		user string
		day  time.Time
	}
	at := map[key]int{}
	var out []userDay
	for i := range entries {
		e := &entries[i]
		user := e.Actor.String("id")
		if e.Actor.String("type") != "user" || user == "" {
			continue
		}
		k := key{user, e.Time().UTC().Truncate(24 * time.Hour)}
		n, ok := at[k]
		if !ok {
			n = len(out)
			at[k] = n
			out = append(out, userDay{user: k.user, day: k.day})
		}
		out[n].entries = append(out[n].entries, i)
	}
	slices.SortFunc(out, func(a, b userDay) int { return cmp.Or(a.day.Compare(b.day), cmp.Compare(a.user, b.user)) })
	return out
}
