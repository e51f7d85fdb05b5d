package eval

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sealbook/sealbook/internal/forensic"
)

// Print writes a measurement as tables. name says what a family is called, or
// "".
func (m *Measurement) Print(w io.Writer, name func(family string) string) {
	fmt.Fprintf(w, "%s: %d entries, %d user-days, %d incidents, %s\n", m.Corpus, m.Entries, m.UserDays, len(m.Result.Outcomes), m.Digest)
	if m.Harmless.UserDays > 0 {
		fmt.Fprintf(w, "%s: %d entries, %d user-days, nothing to find, %s\n", m.Harmless.Corpus, m.Harmless.Entries, m.Harmless.UserDays, m.Harmless.Digest)
	}
	if m.Unlisted+m.Harmless.Unlisted > 0 {
		fmt.Fprintf(w, "Not listed by the detectors, and in no figure below: %d and %d more findings.\n", m.Unlisted, m.Harmless.Unlisted)
	}
	fmt.Fprintln(w)
	m.Result.overall(w)
	m.Result.families(w, name, m.quiet)
	if m.Harmless.UserDays > 0 {
		m.Harmless.alarms(w)
	}
	m.falseAlarms(w)
	m.detectors(w)
	m.comparison(w)
	if m.Harmless.UserDays > 0 {
		m.precision(w)
	}
}

// Print writes what can be said without the entries.
func (r *Result) Print(w io.Writer, name func(family string) string) {
	r.overall(w)
	r.families(w, name, nil)
	(&Measurement{Result: r}).falseAlarms(w)
	(&Measurement{Result: r}).detectors(w)
}

func (r *Result) overall(w io.Writer) {
	t := table{right: true}
	t.add("overall", "", "", "95 % (Wilson)")
	row := func(what string, s Share) { t.add(what, of(s), number(s.Value(), 3), interval(s)) }
	row("incidents found", r.Recall())
	row("of them, the right account named", r.Attribution())
	row("findings about an incident", Share{r.Findings.True, r.Findings.All()})
	row("entries named that are of an incident", Share{r.NamedRight, r.Named})
	row("entries of incidents that are named", Share{r.NamedRight, r.Labelled})
	t.print(w, "What was found")
}

// families shows each family with its misses, in the order of the labels. Those
// that only noisy detectors find are found by luck, or among too much else.
func (r *Result) families(w io.Writer, name func(string) string, quiet func(detector string) bool) {
	t := table{}
	t.add("family", "", "found", "95 % (Wilson)", "by quiet detectors", "account", "after: median", "longest", "by", "missed")
	var order []string
	by := map[string][]*Outcome{}
	for i := range r.Outcomes {
		family := r.Outcomes[i].Label.Family
		if by[family] == nil {
			order = append(order, family)
		}
		by[family] = append(by[family], &r.Outcomes[i])
	}
	for _, family := range order {
		found, right := Share{All: len(by[family])}, Share{}
		var after []time.Duration
		missed, detectors, quietly := map[string]int{}, map[string]int{}, 0
		for _, o := range by[family] {
			if !o.Found {
				missed[cmp.Or(o.Label.Variant, "all")]++
				continue
			}
			found.Of++
			right.All++
			after = append(after, o.After)
			if o.Right {
				right.Of++
			}
			for _, d := range o.Detectors {
				detectors[d]++
			}
			if quiet != nil && slices.ContainsFunc(o.Detectors, quiet) {
				quietly++
			}
		}
		median, longest, silence := "–", "–", "–"
		if quiet != nil {
			silence = strconv.Itoa(quietly)
		}
		if len(after) > 0 {
			slices.Sort(after)
			median, longest = duration(after[(len(after)-1)/2]), duration(after[len(after)-1])
		}
		t.add(family, name(family), of(found), interval(found), silence, of(right), median, longest, tally(detectors), tally(missed))
	}
	t.print(w, "By family")
}

// tally is "a 3, b 1", the greatest first.
func tally(counts map[string]int) string {
	var out []string
	for _, k := range byCount(counts) {
		out = append(out, fmt.Sprintf("%s %d", k, counts[k]))
	}
	return cmp.Or(strings.Join(out, ", "), "–")
}

func byCount(counts map[string]int) []string {
	return slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Or(counts[b]-counts[a], cmp.Compare(a, b)) })
}

func (h Harmless) alarms(w io.Writer) {
	t := table{right: true}
	t.add("kind", "alarms", "for 1,000 user-days", "95 % (Poisson)")
	row := func(kind string, n int) {
		low, high := byar(n)
		scale := 1000 / float64(h.UserDays)
		t.add(kind, strconv.Itoa(n), number(h.Per1000(n), 2), fmt.Sprintf("%.2f – %.2f", scale*low, scale*high))
	}
	for _, kind := range []forensic.Kind{forensic.Fact, forensic.Pattern, forensic.Unusual} {
		row(string(kind), h.Result.Kinds[kind].All())
	}
	row("all", h.Result.Findings.All())
	t.print(w, "Alarms where there is nothing to find")
}

// falseAlarms shows which harmless work causes them.
func (m *Measurement) falseAlarms(w io.Writer) {
	t := table{right: true}
	t.add("false alarms about", "beside incidents", "without any")
	sum := maps.Clone(m.Result.FalseBy)
	calm := map[string]int{}
	if m.Harmless.Result != nil {
		calm = m.Harmless.Result.FalseBy
	}
	for k, n := range calm {
		sum[k] += n
	}
	for _, k := range byCount(sum) {
		t.add(cmp.Or(k, "ordinary work"), strconv.Itoa(m.Result.FalseBy[k]), strconv.Itoa(calm[k]))
	}
	t.print(w, "What false alarms are about")
}

func (m *Measurement) detectors(w io.Writer) {
	t := table{right: true}
	t.add("detector", "true", "false", "false, without any incident")
	names := map[string]bool{}
	calm := map[string]Counts{}
	if m.Harmless.Result != nil {
		calm = m.Harmless.Result.Detectors
	}
	for _, from := range []map[string]Counts{m.Result.Detectors, calm} {
		for d := range from {
			names[d] = true
		}
	}
	for _, d := range slices.Sorted(maps.Keys(names)) {
		c := m.Result.Detectors[d]
		t.add(d, strconv.Itoa(c.True), strconv.Itoa(c.False), strconv.Itoa(calm[d].All()))
	}
	t.print(w, "By detector: findings")
}

func (m *Measurement) comparison(w io.Writer) {
	t := table{right: true}
	t.add("way", "alarms", "incidents found", "entries named that are right", "false alarms for 1,000 user-days")
	for _, c := range m.Comparison {
		t.add(c.Way, strconv.Itoa(c.Alarms), number(c.Recall, 3), number(c.Right.Value(), 3), number(m.Harmless.Per1000(c.Harmless), 2))
	}
	t.print(w, "Beside other ways")
}

// precision assumes how many user-days hold an incident, because nobody knows.
func (m *Measurement) precision(w io.Writer) {
	t := table{right: true}
	t.add("way", "of user-days, with an incident", "share of alarms that are real", "at the intervals' worst", "at their best")
	for _, c := range m.Comparison {
		if !c.Detectors {
			continue
		}
		low, high := c.Found.Wilson()
		few, many := byar(c.Harmless)
		days := float64(m.Harmless.UserDays)
		for _, p := range []float64{1e-3, 1e-4, 1e-5} {
			t.add(c.Way, fmt.Sprintf("%.0e", p), number(Precision(p, c.Found.Value(), float64(c.Harmless)/days), 5),
				number(Precision(p, low, many/days), 5), number(Precision(p, high, few/days), 5))
		}
	}
	t.print(w, "Precision at assumed prevalences")
}
