package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// Evidence is read and compared with its digest again after EvidenceEvery; a sweep
// takes at most evidenceLimit items.
const (
	EvidenceEvery = 7 * 24 * time.Hour
	evidenceLimit = 20
)

// restartInvestigations goes on with cases whose workflow ended before them, as when
// an operator terminates it.
func (a *Activities) restartInvestigations(ctx context.Context, now time.Time) (n int, err error) {
	var ledgerID int32
	var after audit.InvestigationID
	for {
		list, err := a.Store.LivingInvestigations(ctx, now.Add(-abandonAfter), ledgerID, after, sweepLimit)
		if err != nil {
			return n, err
		}
		for _, i := range list {
			ledgerID, after = i.Ledger, i.ID
			reason, err := a.abandoned(ctx, string(i.ID))
			if err == nil && reason != "" {
				n++
				err = a.Store.OrderStart(ctx, store.Start{Workflow: audit.InvestigationWorkflow, WorkflowID: string(i.ID), At: now, Input: audit.InvestigationStart{
					ID: i.ID, Ledger: i.Ledger, Organisation: i.Organisation, Kind: i.Kind, Priority: i.Priority,
				}})
			}
			if err != nil {
				return n, err
			}
		}
		if len(list) < sweepLimit {
			return n, nil
		}
	}
}

// verifyEvidence reads items of evidence again. What was found is in their custody,
// and other bytes are a critical entry.
func (a *Activities) verifyEvidence(ctx context.Context, now time.Time) (n int, err error) {
	list, err := a.Store.StaleEvidence(ctx, now.Add(-EvidenceEvery), evidenceLimit)
	if err != nil {
		return 0, err
	}
	var failed []error // what cannot be read keeps nothing else from being read
	for _, e := range list {
		want := e.Artifact.V.Digest
		got, err := a.Artifacts.Digest(ctx, e.Artifact.V.Key)
		if audit.CodeOf(err) == audit.NotFound {
			got, err = "missing", nil
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", e.ID, err))
			continue
		}
		c := store.Custody{
			Evidence: e.ID, Event: store.CustodyVerified, Actor: store.JSON[audit.Object]{V: audit.Object{"type": "system", "id": "sealbook"}},
			Reason: "as scheduled", Before: want, After: got, Tool: a.Software, At: now,
		}
		severity := audit.SeverityLow
		if got != want {
			c.Event, severity = store.CustodyFailed, audit.SeverityCritical
		}
		details := audit.Object{"investigation_id": e.Case, "evidence_id": e.ID, "custody_event": c.Event, "sha256_before": want, "sha256_after": got}
		key := fmt.Sprintf("custody/%s/%s", e.ID, now.UTC().Format("20060102T150405"))
		if err := a.recordAs(ctx, e.Ledger, severity, key, audit.TypeCustody, details, store.AddCustody(e.Ledger, c)); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", e.ID, err))
			continue
		}
		n++
	}
	return n, errors.Join(failed...)
}
