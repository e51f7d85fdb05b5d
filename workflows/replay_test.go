package workflows_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/sealbook/sealbook/workflows"
)

// Histories of runs that were recorded from a real server must replay with
// today's code: a workflow that is under way when a new version is deployed
// goes on with it. Files are added when a workflow takes a new shape (make
// histories) and never rewritten.
func TestRecordedHistoriesReplay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/histories/*.json")
	if err != nil || len(files) < 6 {
		t.Fatalf("%v %v: the recorded histories are missing", files, err)
	}
	for _, f := range files {
		text, err := os.Open(f)
		if err != nil {
			t.Fatal(err)
		}
		defer text.Close()
		history, err := client.HistoryFromJSON(text, client.HistoryJSONOptions{})
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		started := history.Events[0].GetWorkflowExecutionStartedEventAttributes()
		r := worker.NewWorkflowReplayer()
		workflows.Register(r)
		err = r.ReplayWorkflowHistoryWithOptions(log.NewStructuredLogger(slog.New(slog.DiscardHandler)), history, worker.ReplayWorkflowHistoryOptions{
			OriginalExecution: workflow.Execution{ID: started.GetWorkflowId(), RunID: started.GetOriginalExecutionRunId()},
		})
		if err != nil {
			t.Errorf("%s: %v", f, err)
		}
	}
}
