package activities

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/forensic"
	"github.com/sealbook/sealbook/internal/store"
)

// CaseAnalysis names an analysis of an investigation.
type CaseAnalysis struct {
	Start    audit.InvestigationStart `json:"start"`
	Analysis audit.Analysis           `json:"analysis"`
	Reason   string                   `json:"reason,omitempty"` // why it failed
}

// AnalyseCase runs an analysis over the entries of an investigation, and stores
// what it found as candidates, and its whole result as evidence. The same entries
// give the same bytes.
func (a *Activities) AnalyseCase(ctx context.Context, c CaseAnalysis) (audit.Case, error) {
	defer a.keepAlive(ctx)()
	row, err := a.Store.Investigation(ctx, c.Start.Ledger, c.Start.ID)
	if err != nil {
		return audit.Case{}, err
	}
	step := analysisStep(&row, c.Analysis)
	if done, err := a.Store.StepTaken(ctx, c.Start.Ledger, c.Start.ID, step); err != nil || done || row.Analyses.V[c.Analysis].Status != "in_progress" {
		return row.Case(), err
	}
	var r analysed
	switch c.Analysis {
	case audit.PatternDetection:
		r, err = a.detectPatterns(ctx, &row)
	case audit.BehaviourAnalysis:
		r, err = a.analyseBehaviour(ctx, &row)
	case audit.DataFlowMapping:
		r, err = a.mapDataFlow(ctx, &row)
	}
	if err != nil {
		return row.Case(), err
	}
	items := make([]store.CaseEvidence, len(r.files))
	for i, f := range r.files {
		artifact, err := a.Artifacts.Put(ctx, casePrefix(row.ID), bytes.NewReader(f.content))
		if err != nil {
			return row.Case(), err
		}
		items[i] = store.CaseEvidence{
			ID: fmt.Sprintf("%s_r%d_%s", row.ID, row.Round, f.kind), Investigation: row.ID, Kind: f.kind, Title: f.title, FirstSeq: &r.first, EndSeq: row.EndSeq, Items: int64(f.items),
			Source:   store.JSON[audit.Object]{V: r.source},
			Artifact: store.JSON[audit.Artifact]{V: artifact}, MediaType: f.media, FileName: f.name, EffectiveFrom: &row.FromTime, EffectiveTo: &row.UntilTime,
			AcquiredBy: store.JSON[audit.Object]{V: audit.Object{"type": "system", "id": "sealbook"}}, Round: row.Round,
		}
	}
	used, err := a.usedEvidence(ctx, &row, r.watched)
	if err != nil {
		return row.Case(), err
	}
	return a.takeStep(ctx, c.Start, step, func(row *store.Investigation, now time.Time) (taken, error) {
		if row.Stage != audit.StageAnalysis || row.Status.Final() {
			return taken{}, audit.Errorf(audit.InvalidState, "the investigation is in %s, %s", row.Stage, row.Status)
		}
		result := r.result
		result.Status, result.Found, result.Entries, result.EndedAt = "completed", len(r.findings), r.entries, &now
		if len(items) > 0 {
			result.Evidence = items[0].ID
		}
		row.Analyses.V[c.Analysis] = result
		t := taken{kind: "analysis_completed", details: audit.Object{"analysis": c.Analysis, "findings": len(r.findings), "entries": r.entries, "round": row.Round}}
		for i := range r.findings {
			r.findings[i].Round, r.findings[i].CreatedAt = row.Round, now
		}
		t.with = append(t.with, store.InsertFindings(row.Ledger, row.ID, r.findings))
		digests := audit.Object{}
		for i := range items {
			items[i].AcquiredAt = now
			digests[items[i].Kind] = audit.Object{"evidence_id": items[i].ID, "sha256": items[i].Artifact.V.Digest}
			t.with = append(t.with, store.InsertEvidenceItem(row.Ledger, items[i], a.Software))
		}
		t.details["evidence"] = digests
		names := make([]string, len(used))
		for i, e := range used {
			names[i] = e.ID
			t.with = append(t.with, store.AddCustody(row.Ledger, store.Custody{
				Evidence: e.ID, Event: store.CustodyAnalysed, Actor: e.AcquiredBy, Reason: string(c.Analysis) + " of the entries that it holds, read from the ledger",
				Before: e.Artifact.V.Digest, After: e.Artifact.V.Digest, Tool: a.Software, At: now,
			}))
		}
		t.details["analysed_evidence"] = names
		return t, nil
	})
}

// usedEvidence are the items whose entries an analysis is about: the latest of each
// kind that holds entries of the scope's time, and with a watched entry that entry's.
func (a *Activities) usedEvidence(ctx context.Context, row *store.Investigation, watched bool) (used []store.CaseEvidence, err error) {
	items, err := a.Store.CaseEvidence(ctx, row.Ledger, row.ID)
	if err != nil {
		return nil, err
	}
	latest := map[string]store.CaseEvidence{}
	for _, e := range items {
		if e.ErasedAt == nil && e.Round <= row.Round && e.Round >= latest[e.Kind].Round {
			latest[e.Kind] = e
		}
	}
	for _, kind := range []string{evidenceTrigger, evidenceEntries, evidenceLogs, evidenceChanges} {
		if e, there := latest[kind]; there && (kind != evidenceTrigger || watched) {
			used = append(used, e)
		}
	}
	return used, nil
}

func analysisStep(row *store.Investigation, n audit.Analysis) string {
	return fmt.Sprintf("round/%d/analysis/%s", row.Round, n)
}

// FailAnalysis notes that an analysis came to no result. The case goes on.
func (a *Activities) FailAnalysis(ctx context.Context, c CaseAnalysis) (audit.Case, error) {
	row, err := a.Store.Investigation(ctx, c.Start.Ledger, c.Start.ID)
	if err != nil {
		return audit.Case{}, err
	}
	return a.takeStep(ctx, c.Start, analysisStep(&row, c.Analysis), func(row *store.Investigation, now time.Time) (taken, error) {
		row.Analyses.V[c.Analysis] = store.CaseAnalysis{Status: "failed", Reason: c.Reason, EndedAt: &now}
		return taken{kind: "analysis_failed", severity: audit.SeverityMedium, details: audit.Object{"analysis": c.Analysis, "error": c.Reason, "round": row.Round}}, nil
	})
}

// analysed is what an analysis came to.
type analysed struct {
	first    int64 // of the ledger range that was read
	entries  int
	watched  bool // the entry that gave rise to the case was what it began with
	result   store.CaseAnalysis
	findings []store.InvestigationFinding
	source   audit.Object
	files    []analysedFile // the first is the whole result
}

type analysedFile struct {
	kind, title, name, media string
	content                  []byte
	items                    int
}

// detectPatterns holds the entries of the scope's time against the rules. Where a
// scope names systems or users, a finding counts that has one of their entries.
func (a *Activities) detectPatterns(ctx context.Context, row *store.Investigation) (r analysed, err error) {
	rules, err := forensic.Load()
	if err != nil {
		return r, err
	}
	span, err := a.scopeSpan(ctx, row)
	if err != nil {
		return r, err
	}
	var engine *forensic.Engine
	err = a.listen(ctx, row, []caseSpan{span}, func() listener {
		engine = forensic.New(rules)
		engine.Mark(row.Request.V.Scope.Covers)
		return listener{engine.Arrive, engine.Add}
	})
	if err != nil {
		return r, err
	}
	report := engine.Report()
	report.Findings = slices.DeleteFunc(report.Findings, func(f forensic.Finding) bool { return !f.Marked() })
	content, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return r, fmt.Errorf("encode analysis: %w", err)
	}
	r = analysed{
		first: firstOf(span), entries: report.Entries, source: audit.Object{"analysis": audit.PatternDetection, "rules_version": report.RulesVersion, "entries": report.Entries},
		files: []analysedFile{{"analysis_" + string(audit.PatternDetection), "Result of the pattern detection: what was looked at, and what was found", "pattern_detection.json", "application/json", content, len(report.Findings)}},
	}
	r.result.Confidence, r.result.ConfidenceReason = confidence(report.Findings)
	r.findings, err = findingRows(audit.PatternDetection, report.Findings)
	return r, err
}

// confidence is the expected share of findings that are right: the mean over those
// of which one was counted.
func confidence(found []forensic.Finding) (mean *float64, reason string) {
	sum, n := 0.0, 0
	for i := range found {
		if c := found[i].Confidence; c != nil {
			sum, n = sum+*c, n+1
		}
	}
	switch {
	case len(found) == 0:
		return nil, "there are no findings to be sure of"
	case n == 0:
		return nil, "none of the detectors that found something is calibrated"
	}
	share := sum / float64(n)
	return &share, fmt.Sprintf("mean over %d of %d findings, of what was counted on an invented corpus (docs/evaluation.md); facts count as 1, which says nothing of what was meant", n, len(found))
}

func findingRows(n audit.Analysis, found []forensic.Finding) (rows []store.InvestigationFinding, err error) {
	for i, f := range found {
		body, err := json.Marshal(f)
		if err != nil {
			return nil, fmt.Errorf("encode finding: %w", err)
		}
		sum := sha256.Sum256(body)
		rows = append(rows, store.InvestigationFinding{
			ID: fmt.Sprintf("finding_%x", sum[:10]), Analysis: string(n), Number: i + 1, Kind: string(f.Kind), Severity: f.Severity, Title: f.Title,
			Body: store.JSON[json.RawMessage]{V: body},
		})
	}
	return rows, nil
}
