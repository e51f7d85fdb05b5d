package workflows

import "go.temporal.io/sdk/workflow"

// conclude ends the run of a job: with abandon, when it ended with an error,
// and with the archive of its history in every case. It returns what the
// workflow ends with.
func conclude(ctx workflow.Context, ledger int32, err error, abandon func(workflow.Context, error) error) error {
	// All this must happen even when the workflow was canceled. The context is
	// never canceled itself: that would ask the archive, which goes on after
	// this run, to stop.
	after, _ := workflow.NewDisconnectedContext(ctx)
	if err != nil {
		err = abandon(after, err)
	}
	if archiveErr := startArchive(after, ledger); archiveErr != nil {
		workflow.GetLogger(ctx).Error("history will not be archived", "error", archiveErr)
	}
	return err
}
