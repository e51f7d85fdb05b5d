package activities

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/temporalproto"

	"github.com/sealbook/sealbook/audit"
)

// HistoryRun is a workflow run whose history is to be kept. Its workflow id is
// the id of a job.
type HistoryRun struct {
	WorkflowID string `json:"workflow_id"`
	RunID      string `json:"run_id"`
	Ledger     int32  `json:"ledger"`
}

// ArchiveHistory stores the whole history of a closed run as JSON, in the form
// that Temporal's replayer reads, and appends its digest to the ledger. Returns
// Unavailable while the run is open.
func (a *Activities) ArchiveHistory(ctx context.Context, run HistoryRun) error {
	described, err := a.Temporal.DescribeWorkflowExecution(ctx, run.WorkflowID, run.RunID)
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) {
		return audit.Errorf(audit.NotFound, "the run %s of %s is not known any more", run.RunID, run.WorkflowID)
	}
	if err != nil {
		return fmt.Errorf("describe %s: %w", run.WorkflowID, err)
	}
	status := described.GetWorkflowExecutionInfo().GetStatus()
	if status == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return &audit.Error{Code: audit.Unavailable, Message: "the run has not closed yet", RetryAfter: time.Second}
	}
	var history historypb.History
	it := a.Temporal.GetWorkflowHistory(ctx, run.WorkflowID, run.RunID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for it.HasNext() {
		event, err := it.Next()
		if err != nil {
			return fmt.Errorf("read history of %s: %w", run.WorkflowID, err)
		}
		history.Events = append(history.Events, event)
	}
	text, err := temporalproto.CustomJSONMarshalOptions{}.Marshal(&history)
	if err != nil {
		return fmt.Errorf("encode history of %s: %w", run.WorkflowID, err)
	}
	artifact, err := a.Artifacts.Put(ctx, "histories/"+run.WorkflowID+"/"+run.RunID, bytes.NewReader(text))
	if err != nil {
		return err
	}
	return a.record(ctx, run.Ledger, "history/"+run.WorkflowID+"/"+run.RunID, "audit.workflow_history_archived", audit.Object{
		"workflow_id": run.WorkflowID, "run_id": run.RunID, "status": strings.ToLower(status.String()),
		"events": len(history.Events), "sha256": artifact.Digest, "size_bytes": artifact.Size, "artifact": artifact.Key,
	}, nil)
}
