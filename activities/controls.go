package activities

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/control"
	"github.com/sealbook/sealbook/internal/evidence"
)

// assessedFor finds the assessment whose results a package carries. It is asked
// before the checkpoint is taken, so that what it read is in the package's tree.
func (a *Activities) assessedFor(ctx context.Context, ledger int32, request *audit.ExportRequest) (*evidence.Assessed, error) {
	p := request.Period()
	row, err := a.Store.AssessmentOf(ctx, ledger, request.Framework, p)
	if audit.CodeOf(err) == audit.NotFound {
		return &evidence.Assessed{Reason: fmt.Sprintf("When the package was frozen, no completed assessment of %s from %s to %s was stored.",
			request.Framework, audit.FormatTime(p.From), audit.FormatTime(p.Until))}, nil
	}
	if err != nil {
		return nil, err
	}
	return &evidence.Assessed{Assessment: row.ID, Result: row.Artifact.V, From: row.FromTime.UTC(), Until: row.UntilTime.UTC(), CompletedAt: row.CompletedAt.UTC()}, nil
}

// controlsOf are the results that a package carries, from what was frozen. A scope
// that was frozen before packages had any gives none.
func (a *Activities) controlsOf(ctx context.Context, s *evidence.Scope) (*evidence.Controls, error) {
	from := s.Assessed
	if from == nil {
		return nil, nil
	}
	out := &evidence.Controls{Framework: s.Request.Framework, Reason: from.Reason}
	if from.Assessment == "" {
		return out, nil
	}
	result, err := a.readAssessment(ctx, from.Result)
	if err != nil {
		return nil, err
	}
	root, err := tlog.ParseHash(result.Root)
	if err != nil {
		return nil, fmt.Errorf("assessment %s: %w", from.Assessment, err)
	}
	for i := range result.Reports {
		r := &result.Reports[i]
		if r.Framework != s.Request.Framework {
			continue
		}
		out.Assessment = &evidence.ControlAssessment{
			ID: from.Assessment, CompletedAt: evidence.FormatControlTime(from.CompletedAt), Result: from.Result.Digest,
			From: evidence.FormatControlTime(from.From), Until: evidence.FormatControlTime(from.Until),
			First: result.First, End: result.End, Root: root, Hash: result.Hash,
			Edition: r.Edition, CatalogVersion: int64(r.CatalogVersion), CatalogDigest: r.CatalogDigest,
			Entries: r.Entries, Status: string(r.Status), Score: r.Score, Floor: r.Floor, Coverage: r.Coverage,
			Counts: evidence.ControlCounts{
				Total: int64(r.Counts.Total), Compliant: int64(r.Counts.Compliant), Partial: int64(r.Counts.Partial),
				NonCompliant: int64(r.Counts.NonCompliant), NotAssessed: int64(r.Counts.NotAssessed),
			},
			Requirements: controlResults(r), NotInLedger: append([]string{}, r.NotInLedger...),
		}
		return out, nil
	}
	return nil, audit.Errorf(audit.InvalidState, "assessment %s has no result for %s", from.Assessment, s.Request.Framework)
}

// controlResults share what a package can list between the checks that failed.
func controlResults(r *control.Report) []evidence.ControlResult {
	failing := 0
	for _, f := range r.Requirements {
		for _, c := range f.Checks {
			failing += min(len(c.Exceptions), 1)
		}
	}
	most := evidence.MaxExceptions / max(failing, 1)
	out := []evidence.ControlResult{}
	for _, f := range r.Requirements {
		result := evidence.ControlResult{
			Requirement: f.Requirement, Criterion: f.Criterion, Title: f.Title, Severity: f.Severity, Verdict: string(f.Verdict), Checks: []evidence.ControlCheck{},
		}
		for _, c := range f.Checks {
			check := evidence.ControlCheck{
				Check: c.Check, Kind: c.Kind, Verdict: string(c.Verdict), Reason: c.Reason, Population: c.Population, Passed: c.Passed, Failed: c.Failed,
				Pending: c.Pending, RuleErrors: c.RuleErrors, Exceptions: []evidence.ControlException{},
			}
			for _, x := range c.Exceptions[:min(len(c.Exceptions), most)] {
				check.Exceptions = append(check.Exceptions, controlException(x))
			}
			result.Checks = append(result.Checks, check)
		}
		out = append(out, result)
	}
	return out
}

func controlException(x control.Exception) evidence.ControlException {
	out := evidence.ControlException{EntryID: x.EntryID, Seq: x.Seq, Why: x.Why}
	if x.Seq == nil {
		out.From = evidence.FormatControlTime(x.Time)
		if x.Until != nil {
			out.Until = evidence.FormatControlTime(*x.Until)
		}
	}
	return out
}
