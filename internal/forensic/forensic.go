// Package forensic looks for patterns of attack and of misuse in entries that
// are already recorded, and for days that are unlike their users. Its rules are
// data (rules.yaml); its engine keeps exact sliding windows and needs memory for
// what is open in them, not for what it has seen; of behaviour it keeps
// statistics. It guards that every finding can be made again from the same
// entries, byte for byte, and that "nothing found" says what was looked at. The
// analyse command uses it.
//
// A finding is that a pattern is there. It is no verdict on a person: who
// meant what, only people can find out.
package forensic

import (
	"cmp"
	"slices"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// Finding is one occurrence of what a rule describes.
type Finding struct {
	Detector    string            `json:"detector"`     // id of the rule
	RuleVersion int               `json:"rule_version"` // from 1; it changes when what the rule finds does
	Kind        Kind              `json:"kind"`
	Correlation string            `json:"correlation"` // how the rule puts entries together: event_count and so on
	Title       string            `json:"title"`
	Severity    audit.Severity    `json:"severity"`
	Techniques  []string          `json:"techniques"` // of MITRE ATT&CK, may be empty
	EntryIDs    []string          `json:"entry_ids"`  // in time order; at most MaxEntryIDs of Entries
	Entries     int               `json:"entries"`    // how many there are
	Users       []string          `json:"users"`      // of these entries, sorted
	FirstTime   time.Time         `json:"first_time"` // of the entries' own time, inclusive
	LastTime    time.Time         `json:"last_time"`
	Group       map[string]string `json:"group"`      // what the entries have in common
	Parameters  Parameters        `json:"parameters"` // of the rule: the thresholds that were met
	Observed    map[string]any    `json:"observed"`   // what was counted or measured

	// Score orders findings, for somebody who has to begin somewhere: the
	// severity's rank (1 to 4) and, below 1, how far the threshold was passed
	// (1 - threshold/observed). It is no probability.
	Score float64 `json:"score"`

	// Confidence is the share of this detector's findings that were right on
	// labelled entries, or null; ConfidenceReason says what it means, or why.
	Confidence       *float64 `json:"confidence_score"`
	Basis            *Basis   `json:"confidence_basis,omitempty"`
	ConfidenceReason string   `json:"confidence_reason"`

	// Of findings of behaviour: what the day was compared with and how far off
	// it is.
	Deviation *Deviation `json:"behavioral_baseline_deviation,omitempty"`
	Baseline  *Baseline  `json:"baseline,omitempty"`

	last   int64 // Seq of the last entry, for ties
	marked bool
}

// Marked reports whether the finding names an entry that was marked while it was
// read. It tells what of a scope is in a finding without a list of the scope's
// entries.
func (f *Finding) Marked() bool { return f.marked }

// Kind is what a finding claims.
type Kind string

// The kinds. A fact needs no interpretation ("approved by who asked for it"); a
// pattern is a combination that attacks show and honest work can show too; an
// unusual finding is improbable under a stated model and nothing else.
const (
	Fact    Kind = "fact"
	Pattern Kind = "pattern"
	Unusual Kind = "unusual"
)

// Bounds of a report.
const (
	MaxEntryIDs = 200    // ids in one finding; the first ones
	MaxFindings = 10_000 // of one rule; more are counted
	maxGroups   = 100_000
)

// Report is the outcome of an analysis.
type Report struct {
	RulesVersion int       `json:"rules_version"`
	Entries      int       `json:"entries"` // looked at
	Users        int       `json:"users"`   // distinct, of those entries; at most maxGroups are told apart
	From         time.Time `json:"from"`    // zero without entries
	To           time.Time `json:"to"`
	Rules        []Look    `json:"rules"` // every rule, in the order of rules.yaml
	Findings     []Finding `json:"findings"`

	// Behaviour is what was compared with baselines; nil if nothing was.
	Behaviour *Behaviour `json:"behaviour,omitempty"`
}

// Look is what one rule had to look at.
type Look struct {
	Rule     string  `json:"rule"`
	Outcome  Outcome `json:"outcome"`
	Selected []int   `json:"selected"` // entries that each of its steps selects
	Findings int     `json:"findings"`
	Unlisted int     `json:"unlisted,omitempty"` // findings beyond MaxFindings
	Dropped  int     `json:"dropped,omitempty"`  // groups forgotten early because too many were open
}

// Outcome is how a rule ended.
type Outcome string

// The outcomes. InsufficientData means that no entry could have met a step of
// the rule, so that it could not have found anything: never read it as "none".
const (
	Found            Outcome = "findings"
	NoFindings       Outcome = "no_findings"
	InsufficientData Outcome = "insufficient_data"
)

// Analyse holds entries against rules. It reads them in their order of arrival
// (Seq) first and then sorts entries, which it may do in place, by their own
// time; ties keep the order of arrival.
func Analyse(rules *Rules, entries []audit.Entry) *Report {
	e := New(rules)
	bySeq := func(a, b audit.Entry) int { return cmp.Compare(a.Seq, b.Seq) }
	if !slices.IsSortedFunc(entries, bySeq) {
		slices.SortStableFunc(entries, bySeq)
	}
	for i := range entries {
		e.Arrive(&entries[i])
	}
	byTime := func(a, b audit.Entry) int { return a.Time().Compare(b.Time()) }
	if !slices.IsSortedFunc(entries, byTime) {
		slices.SortStableFunc(entries, byTime)
	}
	for i := range entries {
		if err := e.Add(&entries[i]); err != nil {
			panic(err) // they were sorted above
		}
	}
	return e.Report()
}

// Join adds findings of behaviour to those of the rules, in the same order.
func (r *Report) Join(b *Behaviour) {
	r.Behaviour = b
	r.Findings = append(r.Findings, b.Findings...)
	inOrder(r.Findings)
}
