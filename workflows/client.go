package workflows

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/sealbook/sealbook/audit"
)

// Client is the typed front door to the workflows.
type Client struct{ temporal client.Client }

// NewClient wraps a Temporal client, which may be a lazy one.
func NewClient(c client.Client) *Client { return &Client{c} }

// Start starts a workflow from an outbox order. Starting one that runs or ran
// already is success: the workflow id is the job's, and one job is one
// workflow.
func (c *Client) Start(ctx context.Context, workflow, workflowID, input string) error {
	options := client.StartWorkflowOptions{
		ID: workflowID, TaskQueue: CoreQueue,
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
	}
	if workflow == audit.ExportWorkflow {
		var start audit.ExportStart
		if err := json.Unmarshal([]byte(input), &start); err != nil {
			return fmt.Errorf("decode input of %s: %w", workflowID, err)
		}
		options.StaticSummary = fmt.Sprintf("Evidence for %s, %s (%s)", start.Framework, start.Period, start.Format)
		options.StaticDetails = "An evidence export of " + string(start.Organisation) + ". Its job is " + string(start.ID) + "."
		options.TypedSearchAttributes = temporal.NewSearchAttributes(
			AttributeTenant.ValueSet(string(start.Organisation)), AttributeKind.ValueSet("export"),
			AttributeFramework.ValueSet(string(start.Framework)), AttributeStage.ValueSet("queued"))
	}
	_, err := c.temporal.ExecuteWorkflow(ctx, options, workflow, json.RawMessage(input))
	if err != nil && !temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		return fmt.Errorf("start %s: %w", workflowID, err)
	}
	return nil
}

// Cancel asks a workflow to stop. One that has closed, or was never started,
// needs no asking.
func (c *Client) Cancel(ctx context.Context, workflowID string) error {
	err := c.temporal.CancelWorkflow(ctx, workflowID, "")
	var gone *serviceerror.NotFound
	if err != nil && !errors.As(err, &gone) {
		return fmt.Errorf("cancel %s: %w", workflowID, err)
	}
	return nil
}

// ExportProgress asks a running export how far it is. Returns Unavailable when
// no worker answers before ctx ends.
func (c *Client) ExportProgress(ctx context.Context, id audit.ExportID) (p audit.ExportProgress, err error) {
	v, err := c.temporal.QueryWorkflow(ctx, string(id), "", ProgressQuery)
	if err == nil {
		err = v.Get(&p)
	}
	if err != nil {
		return p, audit.Errorf(audit.Unavailable, "the export's progress cannot be asked: %w", err)
	}
	return p, nil
}

// Ready reports whether Temporal answers. Returns Unavailable.
func (c *Client) Ready(ctx context.Context) error {
	if _, err := c.temporal.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return audit.Errorf(audit.Unavailable, "Temporal does not answer: %w", err)
	}
	return nil
}

// The sweep's schedule.
const (
	sweepSchedule = "sealbook-sweep"
	SweepEvery    = 10 * time.Minute
)

// EnsureSchedules makes the schedules that do not exist yet.
func (c *Client) EnsureSchedules(ctx context.Context) error {
	_, err := c.temporal.ScheduleClient().Create(ctx, client.ScheduleOptions{
		ID:      sweepSchedule,
		Spec:    client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: SweepEvery}}},
		Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP,
		Action: &client.ScheduleWorkflowAction{
			ID: "sweep", Workflow: sweepName, TaskQueue: CoreQueue, StaticSummary: "Expires packages and ends abandoned jobs",
		},
	})
	if err != nil && !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return fmt.Errorf("create schedule %s: %w", sweepSchedule, err)
	}
	return nil
}
