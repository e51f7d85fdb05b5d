package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/forensic"
	"github.com/sealbook/sealbook/internal/store"
)

// BaselineTime is how much of the time before a scope says what is usual.
const BaselineTime = 90 * 24 * time.Hour

// analyseBehaviour judges the days of users in the time of the scope against the
// time before it. Other open investigations are not left out of the baseline;
// confirmed ones are.
func (a *Activities) analyseBehaviour(ctx context.Context, row *store.Investigation) (r analysed, err error) {
	window := row.Period()
	options := forensic.Options{Window: window}
	if options.Leave, err = a.confirmed(ctx, row); err != nil {
		return r, err
	}
	entries, first, from, err := a.baselineEntries(ctx, row)
	if err != nil {
		return r, err
	}
	covered, inside := map[string]bool{}, 0
	behaviour, err := forensic.Behave(func(yield func(*audit.Entry) bool) {
		for i := range entries {
			e := &entries[i]
			if window.Contains(e.Time()) {
				inside++
				if row.Request.V.Scope.Covers(e) {
					covered[e.EntryID()] = true
				}
			}
			if !yield(e) {
				return
			}
		}
	}, options)
	if err != nil {
		return r, err
	}
	kept := behaviour.Findings[:0:0]
	for _, f := range behaviour.Findings {
		if touches(f.EntryIDs, covered) || len(f.EntryIDs) == 0 { // a silence has no entries
			kept = append(kept, f)
		}
	}
	behaviour.Findings = kept
	content, err := json.MarshalIndent(behaviour, "", "  ")
	if err != nil {
		return r, fmt.Errorf("encode analysis: %w", err)
	}
	r = analysed{
		first: first, entries: inside, source: audit.Object{"analysis": audit.BehaviourAnalysis, "version": behaviour.Version, "baseline_from": audit.FormatTime(from)},
		files: []analysedFile{{"analysis_" + string(audit.BehaviourAnalysis), "Result of the user behaviour analysis: who was judged, against what, and what was found", "user_behavior_analysis.json", "application/json", content, len(kept)}},
	}
	r.result.Deviation, r.result.Basis = deviation(behaviour, row)
	if r.result.Deviation == nil {
		r.result.Reason = "no user in scope has a baseline"
	}
	r.findings, err = findingRows(audit.BehaviourAnalysis, kept)
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
