package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/forensic"
	"github.com/sealbook/sealbook/internal/store"
)

// analyseBehaviour judges the days of users in the time of the scope against the
// time before it. Other open investigations are not left out of the baseline;
// confirmed ones are.
func (a *Activities) analyseBehaviour(ctx context.Context, row *store.Investigation) (r analysed, err error) {
	window := row.Period()
	options := forensic.Options{Window: window}
	if options.Leave, err = a.confirmed(ctx, row); err != nil {
		return r, err
	}
	before, why, err := a.baselineSpan(ctx, row)
	if err != nil {
		return r, err
	}
	during, err := a.scopeSpan(ctx, row)
	if err != nil {
		return r, err
	}
	options.Mark = func(e *audit.Entry) bool { return window.Contains(e.Time()) && row.Request.V.Scope.Covers(e) }
	if scope := &row.Request.V.Scope; len(scope.Users) > 0 {
		options.Want = func(e *audit.Entry) bool { return scope.Concerns(e.Actor.String("id"), e.Actor.String("email")) }
	}
	var watch *forensic.Watch
	inside := 0
	err = a.listen(ctx, row, []caseSpan{before, during}, func() listener {
		watch, inside = forensic.NewWatch(options), 0
		return listener{add: func(e *audit.Entry) error {
			if window.Contains(e.Time()) {
				inside++
			}
			return watch.Add(e)
		}}
	})
	if err != nil {
		return r, err
	}
	behaviour := watch.Report()
	behaviour.Findings = slices.DeleteFunc(behaviour.Findings, func(f forensic.Finding) bool {
		return !f.Marked() && len(f.EntryIDs) > 0 // a silence has no entries
	})
	content, err := json.MarshalIndent(behaviour, "", "  ")
	if err != nil {
		return r, fmt.Errorf("encode analysis: %w", err)
	}
	r = analysed{
		first: firstOf(before, during), entries: inside, source: audit.Object{"analysis": audit.BehaviourAnalysis, "version": behaviour.Version, "baseline_from": audit.FormatTime(before.period.From)},
		files: []analysedFile{{"analysis_" + string(audit.BehaviourAnalysis), "Result of the user behaviour analysis: who was judged, against what, and what was found", "user_behavior_analysis.json", "application/json", content, len(behaviour.Findings)}},
	}
	r.result.Deviation, r.result.Basis = deviation(behaviour, row)
	if r.result.Reason = why; why != "" {
		r.source["baseline_reason"] = why
	}
	if left := behaviour.NotAnalysed; left != nil {
		r.source["not_analysed"] = left.Users
		r.result.Reason = strings.TrimPrefix(fmt.Sprintf("%s; %d users with %d entries were not analysed: %s", r.result.Reason, left.Users, left.Entries, left.Reason), "; ")
	}
	if r.result.Deviation == nil {
		r.result.Reason = strings.TrimSuffix("no user in scope has a baseline; "+r.result.Reason, "; ")
	}
	r.findings, err = findingRows(audit.BehaviourAnalysis, behaviour.Findings)
	return r, err
}

// deviation is the largest of a user in scope, with its basis; nil when nobody of
// them could be judged.
func deviation(b *forensic.Behaviour, row *store.Investigation) (*float64, any) {
	var highest *forensic.Highest
	scope := &row.Request.V.Scope
	for i := range b.Highest {
		h := &b.Highest[i]
		if len(scope.Users) > 0 && !scope.Concerns(h.User) || h.Deviation == nil {
			continue
		}
		if highest == nil || h.Deviation.Value > highest.Deviation.Value {
			highest = h
		}
	}
	if highest == nil {
		return nil, nil
	}
	return &highest.Deviation.Value, highest
}

// confirmed are the times of investigations that were confirmed: what was done in
// them is not usual.
func (a *Activities) confirmed(ctx context.Context, row *store.Investigation) (times []audit.Period, err error) {
	list, _, err := a.Store.Investigations(ctx, row.Ledger, store.InvestigationFilter{Status: string(audit.InvestigationClosed)}, maxConfirmed, 0)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if other := &list[i]; other.ID != row.ID && other.Result != nil && other.Result.V.Resolution == "confirmed" {
			times = append(times, other.Period())
		}
	}
	return times, nil
}

// maxConfirmed bounds how many closed investigations are looked at for times to
// leave out of a baseline, the newest first.
const maxConfirmed = 1_000
