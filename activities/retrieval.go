package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/control"
	"github.com/sealbook/sealbook/internal/store"
)

// RestoreRetrieval brings the payloads of an approved retrieval back. It may be
// repeated: what is there stays, and the time until which it stays was fixed with
// the approval.
func (a *Activities) RestoreRetrieval(ctx context.Context, start audit.RetrievalStart) error {
	row, err := a.Store.Retrieval(ctx, start.Ledger, start.ID)
	if err != nil || row.Status != audit.RetrievalRestoring || row.DecidedAt == nil {
		return err
	}
	until := row.DecidedAt.UTC().AddDate(0, 0, row.Days)
	for _, id := range row.Segments {
		if err := a.restoreSegment(ctx, row.Ledger, id, until); err != nil {
			return err
		}
	}
	return a.record(ctx, row.Ledger, "retrieval/"+string(row.ID)+"/available", "audit.archive_retrieved", audit.Object{
		"retrieval_id": row.ID, "segments": len(row.Segments), "entries": row.Entries, "expires_at": audit.FormatTime(until),
	}, store.CompleteRetrieval(row.Ledger, row.ID, audit.Instant(a.Clock()), until))
}

func (a *Activities) restoreSegment(ctx context.Context, ledgerID int32, id string, until time.Time) error {
	s, err := a.Log.SegmentByID(ctx, ledgerID, id)
	if err != nil {
		return err
	}
	file, err := a.Artifacts.Open(ctx, s.Artifact)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = a.Log.RestoreSegment(ctx, &s, until, file, func(n int64) error {
		activity.RecordHeartbeat(ctx, n)
		return ctx.Err()
	})
	return err
}

// FailedRetrieval is how a retrieval ended that cannot go on.
type FailedRetrieval struct {
	Start  audit.RetrievalStart `json:"start"`
	Reason string               `json:"reason"`
}

// FailRetrieval ends a retrieval. What came back before goes when its time is over.
func (a *Activities) FailRetrieval(ctx context.Context, f FailedRetrieval) error {
	return ended(a.record(ctx, f.Start.Ledger, "retrieval/"+string(f.Start.ID)+"/failed", "audit.archive_retrieval_failed",
		audit.Object{"retrieval_id": f.Start.ID, "reason": f.Reason},
		store.EndRetrieval(f.Start.Ledger, f.Start.ID, audit.RetrievalFailed, f.Reason, audit.Instant(a.Clock()))))
}

// ended takes what has ended already for success.
func ended(err error) error {
	if audit.CodeOf(err) == audit.InvalidState {
		return nil
	}
	return err
}

// expireRetrievals ends those whose time is over; the next purge takes what they
// brought back.
func (a *Activities) expireRetrievals(ctx context.Context, now time.Time) (n int, err error) {
	list, err := a.Store.ExpiredRetrievals(ctx, now, sweepLimit)
	if err != nil {
		return 0, err
	}
	for _, r := range list {
		err := a.record(ctx, r.Ledger, "retrieval/"+string(r.ID)+"/expired", "audit.archive_retrieval_expired", audit.Object{"retrieval_id": r.ID},
			store.EndRetrieval(r.Ledger, r.ID, audit.RetrievalExpired, "", now))
		if err := ended(err); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// restartRetrievals goes on with those whose workflow ended before its work.
func (a *Activities) restartRetrievals(ctx context.Context, now time.Time) (n int, err error) {
	list, err := a.Store.UnfinishedRetrievals(ctx, now.Add(-abandonAfter), sweepLimit)
	if err != nil {
		return 0, err
	}
	for _, r := range list {
		reason, err := a.abandoned(ctx, string(r.ID))
		if err == nil && reason != "" {
			n++
			err = a.Store.OrderStart(ctx, store.Start{Workflow: audit.RetrievalWorkflow, WorkflowID: string(r.ID), At: now,
				Input: audit.RetrievalStart{ID: r.ID, Ledger: r.Ledger}})
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// recallFor is how long payloads stay that an assessment needed.
const recallFor = 48 * time.Hour

// recall brings archived payloads back that a scheduled assessment needs: nobody is
// there to ask for them, and without them it would have no result. What people ask
// for was refused while it was archived.
func (a *Activities) recall(ctx context.Context, row *store.Assessment, catalogs []*control.Catalog) error {
	if row.RequestedBy.V.String("type") != store.ScheduledBy.String("type") {
		return nil
	}
	window := control.NewRun(catalogs, row.Period(), &control.Facts{}).Window()
	offline, err := a.Log.Offline(ctx, row.Ledger, window)
	if err != nil || offline.Segments == 0 {
		return err
	}
	until := audit.Instant(a.Clock().Add(recallFor))
	list, err := a.Log.ArchivedSegments(ctx, row.Ledger, window, 0)
	if err != nil {
		return err
	}
	for i := range list {
		if s := &list[i]; s.DestroyedAt == nil && s.PurgeBegan != nil && s.OnlineFrom == nil {
			if err := a.restoreSegment(ctx, row.Ledger, s.ID, until); err != nil {
				return err
			}
		}
	}
	return a.record(ctx, row.Ledger, assessmentKey(row.ID)+"/recalled", "audit.archive_retrieved", audit.Object{
		"assessment_id": row.ID, "segments": offline.Segments, "entries": offline.Entries, "expires_at": audit.FormatTime(until),
	}, nil)
}
