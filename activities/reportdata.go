package activities

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/control"
	"github.com/sealbook/sealbook/internal/report"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// frozenReport is a report's data as they were read, once, with the range of the
// ledger that its tables are read from.
type frozenReport struct {
	Document report.Document           `json:"document"`
	First    int64                     `json:"first_seq"`
	End      int64                     `json:"end_seq"`
	Case     *audit.InvestigationScope `json:"case_scope,omitempty"`    // of a report of an investigation
	Named    []int64                   `json:"named_entries,omitempty"` // that it lists, instead of what the range has
}

// covers reports whether an entry of the period belongs to the report.
func (f *frozenReport) covers(row *store.Report, e *audit.Entry) bool {
	if f.Case != nil {
		return f.Case.Covers(e)
	}
	return row.Request.V.Scope.Covers(e)
}

// ReportData is what was fixed for a report, in numbers: what belongs into a
// history.
type ReportData struct {
	Entries int64 `json:"entries"` // of the scope
	First   int64 `json:"first_seq"`
	End     int64 `json:"end_seq"`
}

// SnapshotReport reads what a report is about and fixes it. The first to fix it
// decides; whoever repeats it gets the same.
func (a *Activities) SnapshotReport(ctx context.Context, start audit.ReportStart) (ReportData, error) {
	row, err := a.runningReport(ctx, start)
	if err == nil && row.Frozen == nil {
		row, err = a.freezeReport(ctx, row)
	}
	if err != nil {
		return ReportData{}, err
	}
	return ReportData{row.Summary.V.Entries, row.Summary.V.FirstSeq, row.Summary.V.EndSeq}, nil
}

func (a *Activities) freezeReport(ctx context.Context, row store.Report) (store.Report, error) {
	defer a.keepAlive(ctx)()
	frozen, summary, err := a.snapshot(ctx, &row)
	if err != nil {
		return row, err
	}
	text, err := json.Marshal(frozen)
	if err != nil {
		return row, fmt.Errorf("encode the data of report %s: %w", row.ID, err)
	}
	data, err := a.Artifacts.Put(ctx, reportPrefix(row.ID), bytes.NewReader(text))
	if err != nil {
		return row, err
	}
	row, err = a.Store.FreezeReport(ctx, row.Ledger, row.ID, data, summary)
	if err == nil && row.Summary == nil {
		err = audit.Errorf(audit.InvalidState, "report %s has ended as %s", row.ID, row.Status)
	}
	return row, err
}

// snapshot is made as of now, under one checkpoint.
func (a *Activities) snapshot(ctx context.Context, row *store.Report) (f frozenReport, s store.ReportSummary, err error) {
	request := &row.Request.V
	organisation, err := a.Store.Organisation(ctx, row.Ledger)
	if err != nil {
		return f, s, err
	}
	var about *caseRecord
	if request.Type == audit.InvestigationReport { // it is read before: reading it is an entry
		if about, err = a.readCase(ctx, row); err != nil {
			return f, s, err
		}
	}
	checkpoint, err := a.Log.Checkpoint(ctx, row.Ledger, ledger.Newest)
	if err != nil {
		return f, s, err
	}
	size := checkpoint.Size
	if about != nil {
		f.Case = &about.Request.V.Scope
		if about.EndSeq != nil {
			size = min(size, *about.EndSeq)
		}
	}
	f.First, f.End, err = a.reportRange(ctx, row, size)
	if err != nil {
		return f, s, err
	}
	s.FirstSeq, s.EndSeq, s.Sources = f.First, f.End, []string{"ledger_entries", "findings", "violations"}
	d := &f.Document
	*d = report.Document{
		Title: reportTitle(row), Organisation: organisation.Name, ReportID: string(row.ID), Revision: 1, Type: report.Type(request.Type),
		Period: report.Period{From: row.FromTime.UTC(), Until: row.UntilTime.UTC()}, Scope: scopeLines(request.Scope),
		GeneratedAt: audit.Instant(a.Clock()), GeneratedBy: requester(row.RequestedBy.V), Checkpoint: string(checkpoint.Note),
		Basis: report.Basis{Origin: checkpoint.Origin, FirstSeq: f.First, LastSeq: max(f.End-1, f.First)},
	}
	last, err := a.Log.Row(ctx, row.Ledger, d.Basis.LastSeq)
	if err != nil {
		return f, s, err
	}
	d.Basis.HeadHash = ledger.FormatHash(last.Leaf)
	if err := a.countEntries(ctx, row, &f, &s); err != nil {
		return f, s, err
	}
	var found []store.Gap
	if request.Type == audit.ComplianceSummaryReport {
		if found, err = a.scoreFramework(ctx, row, d, &s); err != nil {
			return f, s, err
		}
	} else {
		s.ScoreReason = "only a compliance_summary is scored"
	}
	if request.Type == audit.DataIntegrityReport {
		if err := a.verifyRange(ctx, row, &f); err != nil {
			return f, s, err
		}
	}
	if about != nil {
		err = a.freezeCase(ctx, about, &f, &s)
	} else {
		err = a.reportGaps(ctx, row, d, &s, found)
	}
	if err != nil {
		return f, s, err
	}
	d.Limits = append(d.Limits, limitsOf(request, d)...)
	d.Verification = verificationSteps(row, d)
	return f, s, nil
}

// reportRange is where the ledger's entries of a period are, up to a checkpoint;
// of a period without any it is empty.
func (a *Activities) reportRange(ctx context.Context, row *store.Report, size int64) (first, end int64, err error) {
	first, end, _, err = a.Log.Range(ctx, row.Ledger, audit.Filter{Period: row.Period()})
	if err != nil || first < 0 || first >= size {
		return size - 1, size - 1, err
	}
	return first, min(end, size), nil
}

// inScope streams the entries of a report, in the ledger's order, and every entry of
// the range that is missing, or is not what the ledger committed to: these are not
// Verified.
func (a *Activities) inScope(ctx context.Context, row *store.Report, f *frozenReport) iter.Seq2[audit.Entry, error] {
	return func(yield func(audit.Entry, error) bool) {
		period, first, end := row.Period(), f.First, f.End
		for missing := 0; ; {
			gap := int64(-1)
			for r, err := range a.Log.Rows(ctx, row.Ledger, first, end) {
				if gap = missingSeq(err); gap >= 0 {
					break
				}
				e := audit.Entry{Seq: r.Seq}
				if err == nil {
					if e, err = r.Entry(); audit.CodeOf(err) == audit.Tampered {
						e, err = audit.Entry{Seq: r.Seq}, nil
					}
				}
				// What was altered may say of itself that it is of another time or system.
				if err == nil && e.Verified && (!period.Contains(e.Time()) || !f.covers(row, &e)) {
					continue
				}
				if !yield(e, err) || err != nil {
					return
				}
			}
			if gap < 0 {
				return
			}
			if missing++; missing > maxMissing {
				yield(audit.Entry{}, audit.Errorf(audit.Tampered, "more than %d entries of the period are missing; verify the ledger", maxMissing))
				return
			}
			if !yield(audit.Entry{Seq: gap}, nil) {
				return
			}
			first = gap + 1
		}
	}
}

// maxMissing bounds the gaps that a report goes on after: each is looked for anew.
const maxMissing = 1_000

// missingSeq is the number of the entry that an error says is missing, or -1.
func missingSeq(err error) int64 {
	var e *audit.Error
	if errors.As(err, &e) {
		if seq, ok := e.Details[ledger.MissingSeq].(int64); ok {
			return seq
		}
	}
	return -1
}

// countEntries counts what the report is about. Entries that were altered count
// for nothing, and the report says how many they are.
func (a *Activities) countEntries(ctx context.Context, row *store.Report, f *frozenReport, s *store.ReportSummary) error {
	types, severities := map[string]int64{}, map[string]int64{}
	var altered []int64
	broken := 0
	for e, err := range a.inScope(ctx, row, f) {
		switch {
		case err != nil:
			return err
		case !e.Verified:
			if broken++; len(altered) < maxAlteredNamed {
				altered = append(altered, e.Seq)
			}
		default:
			s.Entries++
			types[e.Type]++
			severities[string(e.Severity)]++
		}
	}
	f.Document.EventsByType, f.Document.Severities = counted(types), counted(severities)
	if broken > 0 {
		f.Document.Limits = append(f.Document.Limits, fmt.Sprintf(
			"Entries of the range that are not what the ledger committed to, and so are neither counted nor listed: %d, the first at positions %v. "+
				"They were altered after they were recorded, or the storage is damaged: verify the ledger.", broken, altered))
	}
	return nil
}

const maxAlteredNamed = 20

// verifyRange holds the report's range against the signed tree. What it finds is
// what the report is about, and no failure.
func (a *Activities) verifyRange(ctx context.Context, row *store.Report, f *frozenReport) error {
	if f.First >= f.End {
		return nil
	}
	v, err := a.Log.Verify(ctx, row.Ledger, f.First, f.End, nil)
	if err != nil {
		return err
	}
	said := fmt.Sprintf("%d entries, from %d to %d, were held against their hashes, their places in the chain, the searchable columns and the signed tree. ", v.Rows, v.First, v.End-1)
	if v.OK() {
		f.Document.Checked = append(f.Document.Checked, said+"All are what was recorded.")
		return nil
	}
	f.Document.Checked = append(f.Document.Checked, said+"They are not all what was recorded:")
	for _, kind := range slices.Sorted(maps.Keys(v.Counts)) {
		f.Document.Checked = append(f.Document.Checked, fmt.Sprintf("%s: %d", kind, v.Counts[kind]))
	}
	for i, p := range v.Problems {
		if i == maxAlteredNamed {
			break
		}
		where := ""
		if p.Seq >= 0 {
			where = fmt.Sprintf("entry %d: ", p.Seq)
		}
		f.Document.Checked = append(f.Document.Checked, where+p.Message)
	}
	return nil
}

func counted(n map[string]int64) (out []report.Count) {
	for _, name := range slices.Sorted(maps.Keys(n)) {
		out = append(out, report.Count{Name: name, Count: n[name]})
	}
	return out
}

// scoreFramework assesses the period anew: a report stands on its own. It returns
// what does not hold, as findings and violations that nobody has opened.
func (a *Activities) scoreFramework(ctx context.Context, row *store.Report, d *report.Document, s *store.ReportSummary) (found []store.Gap, err error) {
	framework := row.Request.V.Framework
	catalogs, err := CatalogsOf([]audit.Framework{framework})
	if err != nil {
		return nil, err
	}
	assessor := Assessor{Log: a.Log, Store: a.Store, Clock: a.Clock}
	assessed, err := assessor.Assess(ctx, row.Ledger, catalogs, row.Period())
	if err != nil {
		return nil, err
	}
	r := &assessed.Reports[0]
	if v := assessed.Facts.Verified; v.Read > 0 {
		d.Checked = append(d.Checked, fmt.Sprintf("The assessment read %d entries, from %d to %d; %d of them are what the signed tree says.", v.Read, assessed.First, assessed.End-1, v.Sound))
	}
	d.Basis.Catalog, d.Basis.CatalogVersion, d.Basis.CatalogDigest = r.Edition, fmt.Sprint(r.CatalogVersion), r.CatalogDigest
	out := report.Framework{Name: framework, Edition: r.Edition, Score: r.Score, Coverage: r.Coverage, Floor: r.Floor, Status: string(r.Status)}
	earlier, err := a.Store.Scores(ctx, row.Ledger, framework, row.UntilTime)
	if err != nil {
		return nil, err
	}
	for _, e := range earlier[max(0, len(earlier)-maxTrendPoints):] {
		if e.Score != nil {
			out.Trend = append(out.Trend, report.Point{Time: e.Assessed.UTC(), Score: *e.Score})
		}
	}
	for i := range r.Requirements {
		q := &r.Requirements[i]
		out.Requirements = append(out.Requirements, report.Requirement{ID: q.Requirement, Title: q.Title, Severity: q.Severity, Status: string(q.Verdict), Numbers: numbersOf(q)})
		if q.Verdict == control.NotAssessed {
			out.NotAssessed = append(out.NotAssessed, report.Unassessed{ID: q.Requirement, Reason: whyNotAssessed(q)})
		}
	}
	// As an assessment that looks at the present would have them.
	if gaps := gapsOf(&store.Assessment{FromTime: row.FromTime, UntilTime: row.UntilTime, CreatedAt: row.UntilTime}, assessed.Reports); gaps != nil {
		found = gaps.Gaps
	}
	for _, what := range r.NotInLedger {
		out.NotAssessed = append(out.NotAssessed, report.Unassessed{ID: what, Reason: "a log cannot show it"})
	}
	d.Frameworks = []report.Framework{out}
	s.Score, s.Coverage, s.Floor = r.Score, &r.Coverage, &r.Floor
	if s.Score == nil {
		s.ScoreReason = "nothing in the period could be assessed"
	}
	s.Sources = append(s.Sources, "control_catalog", "attestations", "assessments")
	return found, nil
}

const maxTrendPoints = 60

// reportTitle says what the report is of; its type stands below.
func reportTitle(row *store.Report) string {
	period := row.Period().String()
	if f := row.Request.V.Framework; f != "" {
		return string(f) + ", " + period
	}
	return period
}

func requester(by audit.Object) string {
	for _, key := range []string{"name", "id"} {
		if v := by.String(key); v != "" {
			return v
		}
	}
	return by.String("type")
}
