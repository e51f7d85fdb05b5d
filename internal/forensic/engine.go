package forensic

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// Engine holds entries against rules, one at a time. It is not safe for use by
// several goroutines.
type Engine struct {
	rules   []*running
	version int
	view    *view
	report  Report
	users   map[string]bool
	at      time.Time
	seq     int64
}

// running is a rule at work.
type running struct {
	*Rule
	detector detector
	arrival  bool    // it reads entries in the order in which they came
	selects  []int   // selection by step, that of Reset behind them
	by       [][]int // fields that they group by, likewise
	distinct int     // field that the first step counts the values of, if it does
	matched  []bool
	look     Look
	found    []Finding
}

// detector is the state of one rule. matched says for each step, and behind
// them for Reset, whether it selects the entry.
type detector interface {
	add(v *view, matched []bool)
	finish() // reports what is still open
}

// form is what a correlation needs.
type form struct {
	least, most int // steps
	arrival     bool
	start       func(*running) detector
}

// correlations has Sigma's four, by Sigma's names, and ours.
var correlations map[string]form

func init() { // not a literal: the rules' check refers to it
	correlations = map[string]form{
		"event_count":      {1, 1, false, newCounting},
		"value_count":      {1, 1, false, newCounting},
		"tally":            {1, 1, false, newWhole},
		"temporal":         {2, 8, false, newTogether},
		"temporal_ordered": {2, 8, false, newOrdered},
		"dormant":          {2, 2, false, newDormant},
		"overlap":          {1, 1, false, newOverlap},
		"revert":           {1, 1, false, newRevert},
		"widen":            {1, 1, false, newWiden},
		"creep":            {1, 1, false, newCreep},
		"regular":          {1, 1, false, newRegular},
		"round_times":      {1, 1, false, newRound},
		"order":            {1, 1, true, newOrder},
		"gap":              {1, 1, true, newGap},
		"replay":           {1, 1, true, newReplay},
	}
}

// New starts an analysis.
func New(rules *Rules) *Engine {
	e := &Engine{version: rules.Version, users: map[string]bool{}, seq: -1}
	k, numbers := newKinds(), map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(rules.Selections)) {
		selection := rules.Selections[name]
		numbers[name] = len(k.tests)
		k.tests = append(k.tests, k.test(&selection))
	}
	for i := range rules.Rules {
		rule := &rules.Rules[i]
		form := correlations[rule.Correlation]
		r := &running{Rule: rule, arrival: form.arrival, look: Look{Rule: rule.ID, Selected: make([]int, len(rule.Steps))}}
		steps := rule.Steps
		if rule.Reset != nil {
			steps = append(slices.Clip(steps), *rule.Reset)
		}
		for _, s := range steps {
			r.selects = append(r.selects, numbers[s.Select])
			r.by = append(r.by, k.numbers(s.By))
		}
		if name := rule.Steps[0].Distinct; name != "" {
			r.distinct = k.field(name)
		}
		r.matched = make([]bool, len(rule.Steps)+1)
		r.detector = form.start(r)
		e.rules = append(e.rules, r)
	}
	k.rules = e.rules
	e.view = newView(k)
	return e
}

// Mark has entries marked, so that each finding tells whether it names one of them.
// Call it before the first entry.
func (e *Engine) Mark(which func(*audit.Entry) bool) { e.view.mark = which }

// Arrive takes entries in the order of Seq, for the rules about that order.
// Whoever does not know it leaves it out; these rules then have no entry.
func (e *Engine) Arrive(entry *audit.Entry) {
	e.view.set(entry)
	e.run(e.view.kind.arrival)
}

// Add takes entries in the order of their time, ties by Seq, for all other
// rules. It refuses one that is before the last.
func (e *Engine) Add(entry *audit.Entry) error {
	v := e.view
	v.set(entry)
	if v.at.Before(e.at) {
		return fmt.Errorf("analyse entries: %s is before the entry that came before it", v.id())
	}
	if e.report.Entries == 0 {
		e.report.From = v.at
	}
	e.at, e.report.To = v.at, v.at
	e.report.Entries++
	if v.user != "" && len(e.users) < maxGroups {
		e.users[v.user] = true
	}
	e.run(v.kind.rules)
	return nil
}

func (e *Engine) run(rules []*running) {
	v := e.view
	for _, r := range rules {
		clear(r.matched)
		any := false
		for i, selection := range r.selects {
			if !v.selected(selection) || !v.has(r.by[i]) {
				continue
			}
			r.matched[i], any = true, true
			if i < len(r.look.Selected) { // not the reset
				r.look.Selected[i]++
			}
		}
		if any {
			r.detector.add(v, r.matched)
		}
	}
}

// selected asks each selection once; many rules share one.
func (v *view) selected(selection int) bool {
	if v.verdicts[selection] == unknown {
		v.verdicts[selection] = no
		if t := v.kind.tests[selection]; t != nil && t.holds(v) {
			v.verdicts[selection] = yes
		}
	}
	return v.verdicts[selection] == yes
}

func (v *view) has(fields []int) bool {
	for _, f := range fields {
		if len(v.held(f)) == 0 {
			return false
		}
	}
	return true
}

// Report ends the analysis. The engine cannot be used after it.
func (e *Engine) Report() *Report {
	e.report.RulesVersion, e.report.Users, e.report.Findings = e.version, len(e.users), []Finding{}
	for _, r := range e.rules {
		r.detector.finish()
		r.look.Findings = len(r.found) + r.look.Unlisted
		switch {
		case r.look.Findings > 0:
			r.look.Outcome = Found
		case r.look.Outcome == "" && slices.Contains(r.look.Selected, 0):
			r.look.Outcome = InsufficientData
		case r.look.Outcome == "":
			r.look.Outcome = NoFindings
		}
		e.report.Rules = append(e.report.Rules, r.look)
		e.report.Findings = append(e.report.Findings, r.found...)
	}
	inOrder(e.report.Findings)
	return &e.report
}

// inOrder sorts findings by what they found, so that nothing else shows, and says
// of each how sure it is.
func inOrder(findings []Finding) {
	for i := range findings {
		f := &findings[i]
		f.Confidence, f.Basis, f.ConfidenceReason = f.confidence()
	}
	slices.SortStableFunc(findings, func(a, b Finding) int {
		if c := cmp.Or(a.FirstTime.Compare(b.FirstTime), cmp.Compare(a.Detector, b.Detector), a.LastTime.Compare(b.LastTime),
			cmp.Compare(a.last, b.last), slices.Compare(a.EntryIDs, b.EntryIDs)); c != 0 {
			return c
		}
		return strings.Compare(fmt.Sprint(a.Group), fmt.Sprint(b.Group))
	})
}

// emit reports the entries of an episode. reached says how far the threshold
// was passed, 1 being just met.
func (r *running) emit(ep *episode, group map[string]string, observed map[string]any, reached float64) {
	if len(r.found) == MaxFindings {
		r.look.Unlisted++
		return
	}
	f := Finding{
		Detector: r.ID, RuleVersion: r.Version, Kind: r.Kind, Correlation: r.Correlation, Title: r.Title, Severity: r.Severity,
		Techniques: r.Techniques, EntryIDs: []string{}, Entries: ep.total, Users: ep.names(), FirstTime: ep.first.at, LastTime: ep.last.at,
		Group: group, Parameters: r.Parameters, Observed: observed, last: ep.last.seq,
	}
	f.name(ep)
	rank := float64(slices.Index(audit.Severities, r.Severity) + 1)
	if reached > 1 {
		rank += 1 - 1/reached
	}
	f.Score = float64(int64(rank*1000+0.5)) / 1000
	r.found = append(r.found, f)
}
