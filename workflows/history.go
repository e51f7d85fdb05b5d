package workflows

import (
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/workflow"

	"github.com/sealbook/sealbook/activities"
)

// ArchiveHistory keeps the history of a closed workflow run as an artifact and
// its digest in the ledger. Temporal forgets closed workflows after its
// retention time; an auditor may ask years later how a package was made.
func ArchiveHistory(ctx workflow.Context, run activities.HistoryRun) error {
	var a *activities.Activities
	workflow.SetCurrentDetails(ctx, "Keeps the history of "+run.WorkflowID+" once that run has closed.")
	return workflow.ExecuteActivity(quick(ctx, "archive the history"), a.ArchiveHistory, run).Get(ctx, nil)
}

// startArchive starts ArchiveHistory for the calling run as a child that
// outlives it. It returns once the child has started: only then may the parent
// close.
func startArchive(ctx workflow.Context, ledger int32) error {
	info := workflow.GetInfo(ctx)
	run := activities.HistoryRun{WorkflowID: info.WorkflowExecution.ID, RunID: info.WorkflowExecution.RunID, Ledger: ledger}
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		TaskQueue:         CoreQueue,
		ParentClosePolicy: enumspb.PARENT_CLOSE_POLICY_ABANDON,
		StaticSummary:     "History of " + run.WorkflowID,
	})
	return workflow.ExecuteChildWorkflow(ctx, archiveHistoryName, run).GetChildWorkflowExecution().Get(ctx, nil)
}
