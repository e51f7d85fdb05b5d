package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sealbook/sealbook/audit"
)

// findingGroup is the findings of a case of which people made the same.
type findingGroup struct {
	title    string
	status   string
	findings []*CaseFinding // the gravest first
}

// findingGroups are those that there are, what was accepted first.
func (r *renderer) findingGroups() (groups []findingGroup) {
	known := []findingGroup{{"Accepted", "accepted", nil}, {"Not decided yet", "candidate", nil}, {"Rejected", "rejected", nil}, {"Others", "", nil}}
	for i := range r.doc.Case.Findings {
		f := &r.doc.Case.Findings[i]
		at := slices.IndexFunc(known, func(g findingGroup) bool { return g.status == f.Status || g.status == "" })
		known[at].findings = append(known[at].findings, f)
	}
	rank := func(f *CaseFinding) int { return slices.Index(audit.Severities, f.Severity) }
	for _, g := range known {
		if len(g.findings) > 0 {
			slices.SortStableFunc(g.findings, func(a, b *CaseFinding) int { return cmp.Compare(rank(b), rank(a)) })
			g.title = fmt.Sprintf("%s (%s)", g.title, number(int64(len(g.findings))))
			groups = append(groups, g)
		}
	}
	return groups
}

// caseFindings writes the findings of a case, as many as there is room for.
func (r *renderer) caseFindings(s *section) {
	r.heading(0, s.title, 50)
	all := len(r.doc.Case.Findings)
	if all == 0 {
		r.paragraph("Nothing was found. That is no proof that there was nothing: it says what the analyses that ran, and people, found in what the ledger has.")
		return
	}
	left := r.caseLimits().Findings
	for i, g := range r.findingGroups() {
		r.heading(1, s.parts[i], 40)
		shown := g.findings[:min(len(g.findings), left)]
		left -= len(shown)
		for _, f := range shown {
			r.caseFinding(f)
		}
		if len(shown) < len(g.findings) {
			r.note(fmt.Sprintf("%s left out here: a report shows %s at most. The report's JSON and CSV forms have them.",
				count(int64(len(g.findings)-len(shown)), "finding", "findings"), number(int64(r.caseLimits().Findings))))
		}
	}
}

func (r *renderer) caseFinding(f *CaseFinding) {
	about := statusLabel(string(f.Severity)) + "  ·  " + statusLabel(f.Kind) + "  ·  " + statusLabel(f.Analysis)
	confidence := f.Basis
	if f.Confidence != nil {
		confidence = share(*f.Confidence) + "; " + f.Basis
	}
	verdict := ""
	if f.DecidedBy != "" {
		verdict = statusLabel(f.Status) + " " + utc(f.DecidedAt) + by(f.DecidedBy)
	}
	entries := strings.Join(f.EntryIDs, " ")
	if f.Entries > len(f.EntryIDs) {
		entries += fmt.Sprintf(" … the first %s of %s", number(int64(len(f.EntryIDs))), number(int64(f.Entries)))
	}
	p := r.panel(f.ID, statusColour(string(f.Severity)))
	p.title(f.Title)
	p.line(bold, small, about)
	p.text(f.Description)
	p.term("Innocently", regular, small, f.Alternative)
	p.term("Confidence", regular, small, confidence)
	p.term("Verdict", bold, small, verdict)
	p.term("Reason", regular, small, f.Reason)
	p.term("Entries", mono, smallest, entries)
	p.end()
}

// share shows a part of 1 with two decimals.
func share(n float64) string { return strconv.FormatFloat(n, 'f', 2, 64) }
