package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// Swept counts what a sweep did.
type Swept struct {
	Expired     int   `json:"expired"`
	Ended       int   `json:"ended"`
	RequestKeys int64 `json:"request_keys"`
}

// A sweep takes at most sweepLimit jobs of a kind; the next one goes on. A job
// is abandoned when its workflow is not running although it has had abandonAfter
// to begin and the outbox holds no order for it.
const (
	sweepLimit   = 100
	abandonAfter = 5 * time.Minute
)

// Sweep expires packages that have outlived their time, ends jobs whose
// workflow ended without them, as when an operator terminates it, and forgets
// request keys that are older than their life.
func (a *Activities) Sweep(ctx context.Context) (swept Swept, err error) {
	now := audit.Instant(a.Clock())
	expired, err := a.Store.ExpiredExports(ctx, now, sweepLimit)
	if err != nil {
		return swept, err
	}
	for _, e := range expired {
		if err := a.expire(ctx, e); err != nil {
			return swept, err
		}
		swept.Expired++
	}
	waiting, err := a.Store.UnfinishedExports(ctx, now.Add(-abandonAfter), sweepLimit)
	if err != nil {
		return swept, err
	}
	for _, e := range waiting {
		ended, err := a.endAbandoned(ctx, e)
		if err != nil {
			return swept, err
		}
		if ended {
			swept.Ended++
		}
	}
	swept.RequestKeys, err = a.Store.PruneRequestKeys(ctx, now.Add(-ledger.RequestKeyLife))
	return swept, err
}

// expire deletes the package first: if the process dies before the entry is
// written, the next sweep finds the job again, and deleting what is gone is no
// error.
func (a *Activities) expire(ctx context.Context, e store.Export) error {
	if err := a.Artifacts.DeleteAll(ctx, packagePrefix(e.ID)+"/"); err != nil {
		return err
	}
	return a.record(ctx, e.Ledger, "export/"+string(e.ID)+"/expired", "audit.evidence_export_expired",
		audit.Object{"export_id": e.ID, "sha256": e.Artifact.V.Digest}, store.ExpireExport(e.Ledger, e.ID))
}

func (a *Activities) endAbandoned(ctx context.Context, e store.Export) (bool, error) {
	described, err := a.Temporal.DescribeWorkflowExecution(ctx, string(e.ID), "")
	reason := "its workflow is not known to Temporal any more"
	var gone *serviceerror.NotFound
	switch {
	case errors.As(err, &gone):
	case err != nil:
		return false, fmt.Errorf("describe %s: %w", e.ID, err)
	default:
		status := described.GetWorkflowExecutionInfo().GetStatus()
		if status == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
			return false, nil
		}
		reason = "its workflow ended without it: " + status.String()
	}
	_, err = a.EndExport(ctx, EndExport{Start: audit.ExportStart{ID: e.ID, Ledger: e.Ledger}, Status: audit.ExportFailed, Reason: reason})
	return err == nil, err
}
