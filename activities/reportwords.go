package activities

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/control"
	"github.com/sealbook/sealbook/internal/report"
	"github.com/sealbook/sealbook/internal/store"
)

// reportGapsPage is how many findings or violations are read at once.
const reportGapsPage = 500

// reportGaps adds the findings that are open, or were closed in the period or since,
// and the violations that happened in the period, or before it and are not
// resolved. What the report's own assessment found and nobody has opened yet comes
// beside them: a requirement that does not hold has a finding in any case.
func (a *Activities) reportGaps(ctx context.Context, row *store.Report, d *report.Document, s *store.ReportSummary, found []store.Gap) error {
	opened, settled := map[string]bool{}, map[string]int64{}
	for _, kind := range []audit.GapKind{audit.FindingGap, audit.ViolationGap} {
		for offset := 0; ; offset += reportGapsPage {
			page, _, err := a.Store.Gaps(ctx, row.Ledger, store.GapFilter{Kind: kind, Framework: row.Request.V.Framework}, reportGapsPage, offset)
			if err != nil {
				return err
			}
			for i := range page {
				g, subject := &page[i], gapSubject(&page[i])
				if g.Status == audit.GapResolved && g.ThroughSeq != nil {
					settled[subject] = max(settled[subject], *g.ThroughSeq)
				}
				if belongs(row, g) {
					opened[subject] = opened[subject] || g.ClosedAt == nil
					addGap(row, d, s, g)
				}
			}
			if len(page) < reportGapsPage {
				break
			}
		}
	}
	for i := range found {
		g := &found[i]
		through, resolved := settled[gapSubject(g)] // a person has dealt with what it is about
		if opened[gapSubject(g)] || resolved && g.ThroughSeq != nil && *g.ThroughSeq <= through {
			continue
		}
		g.ID, g.Status, g.DueAt = string(g.Framework)+" "+g.Requirement, audit.GapOpen, nil
		g.Description += " (found by this report's own assessment; nobody has opened it yet)"
		addGap(row, d, s, g)
	}
	if shows, _ := row.Request.V.Scope.Shows(); !shows && s.Violations > 0 {
		d.Limits = append(d.Limits, fmt.Sprintf("Violations are left out as the request wanted it; there are %d.", s.Violations))
	}
	return nil
}

func gapSubject(g *store.Gap) string {
	return string(g.Kind) + "\n" + string(g.Framework) + "\n" + g.Requirement + "\n" + g.CheckID
}

func belongs(row *store.Report, g *store.Gap) bool {
	if g.Kind == audit.ViolationGap && !g.DetectedAt.Before(row.UntilTime) {
		return false
	}
	return g.ClosedAt == nil || !g.ClosedAt.Before(row.FromTime)
}

// addGap counts a finding or a violation, and shows it.
func addGap(row *store.Report, d *report.Document, s *store.ReportSummary, g *store.Gap) {
	shows, remediation := row.Request.V.Scope.Shows()
	closed := g.ClosedAt != nil
	if closed {
		s.Remediated++
	} else if g.Status != audit.GapAccepted {
		s.Pending++
	}
	if g.Kind == audit.FindingGap {
		if !closed && g.Severity == audit.SeverityCritical {
			s.Critical++
		}
		d.Findings = append(d.Findings, reportGap(g, remediation))
		return
	}
	s.Violations++
	if shows {
		d.Violations = append(d.Violations, reportGap(g, remediation))
	}
}

func reportGap(g *store.Gap, remediation bool) report.Finding {
	f := report.Finding{
		ID: g.ID, Title: g.Title, Description: g.Description, Requirement: string(g.Framework) + " " + g.Requirement, Severity: g.Severity,
		Status: string(g.Status), EntryIDs: g.Entries.V,
	}
	if !remediation {
		return f
	}
	if g.Owner != nil {
		f.Owner = *g.Owner
	}
	if g.DueAt != nil {
		f.Due = g.DueAt.UTC()
	}
	for _, text := range []*string{g.Plan, g.Reason} {
		if text != nil && *text != "" {
			f.Remediation = strings.TrimSpace(f.Remediation + "\n" + *text)
		}
	}
	return f
}

func numbersOf(f *control.Finding) string {
	var says []string
	for _, c := range f.Checks {
		if c.Verdict == control.NotAssessed {
			continue
		}
		text := fmt.Sprintf("%d of %d pass", c.Passed, c.Population)
		if len(f.Checks) > 1 {
			text = c.Check + ": " + text
		}
		if c.Pending > 0 {
			text += fmt.Sprintf(", %d not due yet", c.Pending)
		}
		says = append(says, text)
	}
	return strings.Join(says, "; ")
}

func whyNotAssessed(f *control.Finding) string {
	var reasons []string
	for _, c := range f.Checks {
		if c.Reason != "" {
			reasons = append(reasons, c.Reason)
		}
	}
	return strings.Join(reasons, "; ")
}

// scopeLines say what the report's entries were narrowed to.
func scopeLines(s *audit.ReportScope) []string {
	lines := []string{"Systems: all", "People: all"}
	if s == nil {
		return lines
	}
	if len(s.Systems) > 0 {
		lines[0] = "Systems: " + strings.Join(s.Systems, ", ")
	}
	if len(s.Users) > 0 {
		people := slices.Clone(s.Users)
		for i, who := range people {
			if strings.Contains(who, "@") {
				people[i] = audit.Masked
			}
		}
		lines[1] = "People: " + strings.Join(people, ", ")
	}
	if violations, remediation := s.Shows(); !violations || !remediation {
		if !violations {
			lines = append(lines, "Violations are left out")
		}
		if !remediation {
			lines = append(lines, "What was done about findings and violations is left out")
		}
	}
	return lines
}

// limitsOf says what a reader must not take the report for.
func limitsOf(r *audit.ReportRequest, d *report.Document) []string {
	if d.Case != nil {
		return caseLimits(d.Case)
	}
	lines := []string{
		"The report says what was recorded in the ledger. What nobody recorded is not in it, and a system that stopped sending looks like one in which nothing happened.",
		"E-mail addresses, network addresses and sessions are masked; the ledger has them for who may read them.",
	}
	if r.Type == audit.ComplianceSummaryReport {
		lines = append(lines, "The score is of those requirements alone that entries can speak about. Read it with its coverage, and with its floor, which counts all that was not assessed as failed. "+
			"It is no certificate, and no legal opinion.")
		if r.Scope != nil && (len(r.Scope.Systems) > 0 || len(r.Scope.Users) > 0) {
			lines = append(lines, "Scope narrows what is counted and listed. The score is of the whole ledger.")
		}
	}
	if len(d.EventsByType) == 0 {
		lines = append(lines, "There is no entry of this scope in this period.")
	}
	return lines
}

// verificationSteps tell a reader how to check the report without trusting us.
func verificationSteps(row *store.Report, d *report.Document) []string {
	steps := []string{
		"Run \"sealbook verify report.pdf\" with the organisation's root certificate in --roots, or open the document in a reader that shows signatures: it must be signed as a whole, and not changed since.",
		"Compare the document's SHA-256 with file_info.checksum of report " + string(row.ID) + ", and with the ledger entry of type " + audit.TypeReportGenerated + " that names it.",
		"Check the checkpoint above with the ledger's verifier key, and ask for a proof of any entry that is listed here: it must lead to the checkpoint's root.",
		fmt.Sprintf("Export the evidence of %s, and verify it offline: its entries are those that were counted here.", report.Period{From: d.Period.From, Until: d.Period.Until}.String()),
	}
	if d.Case != nil {
		steps[3] = "Export the case " + d.Case.ID + " with its evidence, check the export with sha256sum, and hold each item against the SHA-256 that stands here: " +
			"the lines of its entries are records that lead to the checkpoint's root."
	}
	return steps
}
