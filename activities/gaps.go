package activities

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/control"
	"github.com/sealbook/sealbook/internal/store"
)

// gapEntries is how many entries a gap names; the assessment has the others.
const gapEntries = 20

// present is how far a period may end before the assessment's request and still
// tell how things stand.
const present = 24 * time.Hour

// gapsOf says what an assessment means for findings and violations: nothing, when
// it looks at the past. A requirement that was not assessed moves nothing, either.
func gapsOf(row *store.Assessment, reports []control.Report) *store.Assessed {
	if row.UntilTime.Before(row.CreatedAt.Add(-present)) {
		return nil
	}
	days := int(row.UntilTime.Sub(row.FromTime) / (24 * time.Hour))
	found := &store.Assessed{}
	for _, report := range reports {
		for i := range report.Requirements {
			f := &report.Requirements[i]
			switch f.Verdict {
			case control.Compliant:
				found.Passed = append(found.Passed, store.Passed{Framework: report.Framework, Requirement: f.Requirement, SpanDays: days})
			case control.Partial, control.NonCompliant:
				found.Gaps = append(found.Gaps, finding(row, report.Framework, f, days))
				found.Gaps = append(found.Gaps, violations(report.Framework, f, days)...)
			}
		}
	}
	return found
}

// slaDays is how long a finding may take until a person says otherwise: days by
// its severity.
var slaDays = map[audit.Severity]int{audit.SeverityCritical: 7, audit.SeverityHigh: 30, audit.SeverityMedium: 60, audit.SeverityLow: 90}

func finding(row *store.Assessment, framework audit.Framework, f *control.Finding, days int) store.Gap {
	g := store.Gap{
		Kind: audit.FindingGap, Framework: framework, Requirement: f.Requirement, Title: f.Title, Severity: f.Severity,
		Major: f.Verdict == control.NonCompliant, SpanDays: days, DetectedAt: row.CreatedAt, Entries: store.JSON[[]string]{V: []string{}},
	}
	if !g.Major { // it holds in part: one level less
		g.Severity = audit.Severities[max(0, slices.Index(audit.Severities, f.Severity)-1)]
	}
	due := row.CreatedAt.AddDate(0, 0, slaDays[g.Severity])
	g.DueAt = &due
	var says []string
	for _, c := range f.Checks {
		if c.Verdict != control.Partial && c.Verdict != control.NonCompliant {
			continue
		}
		says = append(says, fmt.Sprintf("%s: %d of %d did not pass", c.Check, c.Failed, c.Population))
		g.Failed += c.Failed
		for _, id := range entriesOf(c.Exceptions) {
			if len(g.Entries.V) < gapEntries && !slices.Contains(g.Entries.V, id) {
				g.Entries.V = append(g.Entries.V, id)
			}
		}
	}
	g.Description = strings.Join(says, "; ")
	return g
}

// violating are the kinds whose exceptions happened against a rule. What lacks a
// field, or was never done, is a finding alone.
var violating = []string{control.Absence, control.SLA, control.Sequence, control.Unique, control.Integrity}

func violations(framework audit.Framework, f *control.Finding, days int) (list []store.Gap) {
	for _, c := range f.Checks {
		if len(c.Exceptions) == 0 || !slices.Contains(violating, c.Kind) {
			continue
		}
		first, last := c.Exceptions[0], c.Exceptions[len(c.Exceptions)-1]
		entries := entriesOf(c.Exceptions)
		g := store.Gap{
			Kind: audit.ViolationGap, Framework: framework, Requirement: f.Requirement, CheckID: c.Check, Title: f.Title, Severity: f.Severity, Major: true,
			Failed: c.Failed, ThroughSeq: last.Seq, SpanDays: days, DetectedAt: first.Time,
			Entries: store.JSON[[]string]{V: append([]string{}, entries[max(0, len(entries)-gapEntries):]...)},
		}
		switch {
		case c.Kind == control.Integrity:
			g.Description = fmt.Sprintf("%s: %s does not hold: %s", f.Title, first.Subject, first.Why)
		case c.Failed == 1:
			g.Description = fmt.Sprintf("%s: one entry is against %s: %s", f.Title, c.Check, first.Why)
		default:
			g.Description = fmt.Sprintf("%s: %d entries of the period are against %s, the first because %s", f.Title, c.Failed, c.Check, first.Why)
		}
		list = append(list, g)
	}
	return list
}

func entriesOf(exceptions []control.Exception) (ids []string) {
	for _, x := range exceptions {
		if x.EntryID != "" {
			ids = append(ids, x.EntryID)
		}
	}
	return ids
}

// failing are the requirements of a report that do not hold.
func failing(r *control.Report) []string {
	ids := []string{}
	for _, f := range r.Requirements {
		if f.Verdict == control.Partial || f.Verdict == control.NonCompliant {
			ids = append(ids, f.Requirement)
		}
	}
	return ids
}
