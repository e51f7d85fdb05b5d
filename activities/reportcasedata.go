package activities

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/report"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// MaxNamedEntries is how many entries that findings name a report of a case lists,
// beside the one that gave rise to it.
const MaxNamedEntries = 2_000

// freezeCase adds to a report's data what the record of its case has.
func (a *Activities) freezeCase(ctx context.Context, c *caseRecord, f *frozenReport, s *store.ReportSummary) error {
	d := &f.Document
	d.Title, d.Case, d.Scope = c.Title, c.describe(), caseScopeLines(&c.Request.V.Scope)
	s.Sources = []string{"ledger_entries", "investigation", "evidence"}
	s.Pending = int64(c.Undecided)
	for i := range c.findings {
		if x := &c.findings[i]; x.Status != audit.FindingRejected && x.Severity == audit.SeverityCritical {
			s.Critical++
		}
	}
	if c.Implications != nil {
		s.Violations = int64(len(c.Implications.V.Violations))
	}
	if broken := store.CustodyBroken(c.evidence, c.custody); len(c.evidence) > 0 && broken == "" {
		d.Checked = append(d.Checked, fmt.Sprintf("The custody of the evidence was computed, from %d handlings of %d items: it holds.", len(c.custody), len(c.evidence)))
	} else if broken != "" {
		d.Checked = append(d.Checked, "The custody of the evidence was computed, and does not hold: "+broken+".")
	}
	return a.nameEntries(ctx, c, f)
}

// namedIDs are the entries that findings name, each once, those of accepted findings
// first, and how many there are beyond most.
func namedIDs(findings []report.CaseFinding, most int) (ids []string, left int) {
	seen := map[string]bool{}
	for _, status := range []audit.FindingStatus{audit.FindingAccepted, audit.FindingCandidate, audit.FindingRejected} {
		for i := range findings {
			if findings[i].Status != string(status) {
				continue
			}
			for _, id := range findings[i].EntryIDs {
				if !seen[id] {
					seen[id] = true
					ids = append(ids, id)
				}
			}
		}
	}
	kept := min(len(ids), most)
	return ids[:kept], len(ids) - kept
}

// nameEntries finds the entries that the report lists. What the ledger does not have
// as it was recorded is counted, and not listed.
func (a *Activities) nameEntries(ctx context.Context, c *caseRecord, f *frozenReport) error {
	var seqs []int64
	broken := 0
	take := func(r ledger.Row, err error) error {
		if audit.CodeOf(err) == audit.NotFound {
			broken++
			return nil
		}
		if err != nil {
			return err
		}
		e, err := r.Entry()
		if audit.CodeOf(err) == audit.Tampered || err == nil && !e.Verified {
			broken++
			return nil
		}
		if err == nil && !slices.Contains(seqs, r.Seq) {
			seqs = append(seqs, r.Seq)
		}
		return err
	}
	if c.TriggerSeq != nil {
		if err := take(a.Log.Row(ctx, c.Ledger, *c.TriggerSeq)); err != nil {
			return err
		}
	}
	ids, left := namedIDs(f.Document.Case.Findings, MaxNamedEntries)
	for _, id := range ids {
		var err error
		if event, ok := strings.CutPrefix(id, "log_"); ok {
			err = take(a.Log.RowByEventID(ctx, c.Ledger, event))
		} else if seq, ok := audit.ParseEntryID(id); ok {
			err = take(a.Log.Row(ctx, c.Ledger, seq))
		} else {
			broken++
		}
		if err != nil {
			return err
		}
	}
	slices.Sort(seqs)
	f.Named = seqs
	d := &f.Document
	if n := len(seqs); n > 0 {
		d.Checked = append(d.Checked, pluralOf(n, "entry that gave rise to the case, or that findings name, was", "entries that gave rise to the case, or that findings name, were")+" read, and found to be what the ledger committed to.")
	}
	if broken > 0 {
		d.Limits = append(d.Limits, fmt.Sprintf("Entries that the case names, and that are missing or not what the ledger committed to, and so are not listed: %d. Verify the ledger.", broken))
	}
	if left > 0 {
		d.Limits = append(d.Limits, fmt.Sprintf("Entries that findings name and that are not listed, for a report lists %d at most: %d. Each finding names its own.", MaxNamedEntries, left))
	}
	return nil
}

// caseTable lists the entries that the case names. What was sound when the data were
// fixed, and is not now, ends the report.
func (a *Activities) caseTable(ctx context.Context, row *store.Report, f *frozenReport) report.Table {
	return report.Table{
		Title: "Entries that the case names", Note: "The entry that gave rise to the case and those that findings name, in the ledger's order.",
		Rows: func(yield func(report.Row, error) bool) {
			for _, seq := range f.Named {
				var e audit.Entry
				r, err := a.Log.Row(ctx, row.Ledger, seq)
				if err == nil {
					e, err = r.Entry()
				}
				if err == nil && !e.Verified {
					err = audit.Errorf(audit.Tampered, "entry %d was altered since the report's data were fixed; verify the ledger", seq)
				}
				line := report.Row{}
				if err == nil {
					line = reportRow(&e)
				}
				if row.Request.V.Format == audit.ReportPDF {
					line.Description = clip(line.Description)
				}
				if !yield(line, err) || err != nil {
					return
				}
			}
		},
	}
}

// caseScopeLines say what the case is about; e-mail addresses are masked.
func caseScopeLines(s *audit.InvestigationScope) []string {
	lines := scopeLines(&audit.ReportScope{Systems: s.Systems, Users: audit.ReportUsers(s.Users)})[:2]
	if len(s.Categories) > 0 {
		lines = append(lines, "Kinds of data: "+strings.Join(s.Categories, ", "))
	}
	return lines
}

// caseLimits say what a reader must not take a report of a case for.
func caseLimits(c *report.Case) []string {
	lines := []string{
		"The report says what was recorded in the ledger and in the case. What nobody recorded is in neither, and a system that stopped sending looks like one in which nothing happened.",
		"A finding is something to look at, until people accept it. Its confidence is the share of right findings of its kind on an invented corpus, and no probability of guilt.",
		"Addresses and sessions are masked in the list of entries, and e-mail addresses in the scope. Findings, reasons and the map of data flows are shown as they stand; the text of notes is not part of the report.",
		"The statistics count the entries that the scope covers, up to where the ledger ended when it was fixed.",
	}
	if c.Interim {
		lines = append([]string{"This report is interim. The case is open: findings may be decided otherwise, evidence may be added, and the outcome is not known."}, lines...)
	}
	return lines
}
