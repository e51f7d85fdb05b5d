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
// workflow. The run of a case may be about to end, though, while the case was just
// reopened: it is told, so that it looks again.
func (c *Client) Start(ctx context.Context, workflow, workflowID, input string) error {
	options := client.StartWorkflowOptions{
		ID: workflowID, TaskQueue: CoreQueue,
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
	}
	if workflow == audit.InvestigationWorkflow { // a case that was reopened has another run
		options.WorkflowIDReusePolicy = enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
		options.WorkflowIDConflictPolicy = enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL // so that it is known below
	}
	if workflow == audit.StreamWorkflow || workflow == audit.DistributionWorkflow { // go on, also after an operator has terminated them
		options.WorkflowIDReusePolicy = enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY
	}
	if err := describe(&options, workflow, input); err != nil {
		return fmt.Errorf("decode input of %s: %w", workflowID, err)
	}
	_, err := c.temporal.ExecuteWorkflow(ctx, options, workflow, json.RawMessage(input))
	if temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		err = nil
		if workflow == audit.InvestigationWorkflow {
			// If it has ended meanwhile this fails, and the order is told again.
			err = c.temporal.SignalWorkflow(ctx, workflowID, "", audit.OrderedSignal, nil)
		}
	}
	if err != nil {
		return fmt.Errorf("start %s: %w", workflowID, err)
	}
	return nil
}

// describe adds what an operator reads and searches for.
func describe(options *client.StartWorkflowOptions, workflow, input string) error {
	switch workflow {
	case audit.ExportWorkflow:
		var start audit.ExportStart
		if err := json.Unmarshal([]byte(input), &start); err != nil {
			return err
		}
		options.StaticSummary = fmt.Sprintf("Evidence for %s, %s (%s)", start.Framework, start.Period, start.Format)
		options.StaticDetails = "An evidence export of " + string(start.Organisation) + ". Its job is " + string(start.ID) + "."
		options.TypedSearchAttributes = temporal.NewSearchAttributes(
			AttributeTenant.ValueSet(string(start.Organisation)), AttributeKind.ValueSet("export"),
			AttributeFramework.ValueSet(string(start.Framework)), AttributeStage.ValueSet("queued"))
	case audit.VerificationWorkflow:
		var start audit.VerificationStart
		if err := json.Unmarshal([]byte(input), &start); err != nil {
			return err
		}
		options.StaticSummary = "Verification of " + start.Period
		options.StaticDetails = "A verification of the ledger of " + string(start.Organisation) + ". Its job is " + string(start.ID) + "."
		options.TypedSearchAttributes = temporal.NewSearchAttributes(
			AttributeTenant.ValueSet(string(start.Organisation)), AttributeKind.ValueSet("verification"), AttributeStage.ValueSet("queued"))
	case audit.StreamWorkflow:
		var start audit.StreamStart
		if err := json.Unmarshal([]byte(input), &start); err != nil {
			return err
		}
		options.StaticSummary = "Stream " + string(start.ID)
		options.StaticDetails = "Delivers entries of " + string(start.Organisation) + " to a receiver, for as long as the stream is there."
		options.TypedSearchAttributes = temporal.NewSearchAttributes(AttributeTenant.ValueSet(string(start.Organisation)), AttributeKind.ValueSet("stream"))
	case audit.AssessmentWorkflow:
		var start audit.AssessmentStart
		if err := json.Unmarshal([]byte(input), &start); err != nil {
			return err
		}
		options.StaticSummary = "Assessment of " + start.Period
		options.StaticDetails = "An assessment of the ledger of " + string(start.Organisation) + ". Its id is " + string(start.ID) + "."
		attributes := []temporal.SearchAttributeUpdate{
			AttributeTenant.ValueSet(string(start.Organisation)), AttributeKind.ValueSet("assessment"), AttributeStage.ValueSet("queued")}
		if len(start.Frameworks) == 1 {
			attributes = append(attributes, AttributeFramework.ValueSet(string(start.Frameworks[0])))
		}
		options.TypedSearchAttributes = temporal.NewSearchAttributes(attributes...)
	case audit.ReportWorkflow:
		var start audit.ReportStart
		if err := json.Unmarshal([]byte(input), &start); err != nil {
			return err
		}
		options.StaticSummary = fmt.Sprintf("Report %s, %s (%s)", start.Type, start.Period, start.Format)
		options.StaticDetails = "A report of " + string(start.Organisation) + ". Its id is " + string(start.ID) + "."
		attributes := []temporal.SearchAttributeUpdate{
			AttributeTenant.ValueSet(string(start.Organisation)), AttributeKind.ValueSet("report"), AttributeStage.ValueSet("queued")}
		if start.Framework != "" {
			attributes = append(attributes, AttributeFramework.ValueSet(string(start.Framework)))
		}
		options.TypedSearchAttributes = temporal.NewSearchAttributes(attributes...)
	case audit.InvestigationWorkflow:
		var start audit.InvestigationStart
		if err := json.Unmarshal([]byte(input), &start); err != nil {
			return err
		}
		options.StaticSummary = fmt.Sprintf("Investigation %s, %s", start.Kind, start.Priority)
		options.StaticDetails = "An investigation of " + string(start.Organisation) + ". Its id is " + string(start.ID) + "."
		options.TypedSearchAttributes = temporal.NewSearchAttributes(
			AttributeTenant.ValueSet(string(start.Organisation)), AttributeKind.ValueSet("investigation"), AttributeStage.ValueSet(string(audit.StageScoping)))
	case audit.ErasureWorkflow:
		var start audit.ErasureStart
		if err := json.Unmarshal([]byte(input), &start); err != nil {
			return err
		}
		options.StaticSummary = "Erasure " + string(start.ID)
		options.StaticDetails = "Erases a person's data from the ledger of " + string(start.Organisation) + ", once a second person has approved it."
		options.TypedSearchAttributes = temporal.NewSearchAttributes(
			AttributeTenant.ValueSet(string(start.Organisation)), AttributeKind.ValueSet("erasure"), AttributeStage.ValueSet(string(audit.ErasureRequested)))
	case audit.DistributionWorkflow:
		var start audit.DistributionStart
		if err := json.Unmarshal([]byte(input), &start); err != nil {
			return err
		}
		options.StaticSummary = "Distribution of " + string(start.Report)
		options.StaticDetails = "Sends a report of " + string(start.Organisation) + " to its recipients, and waits for what becomes of the mails."
		options.TypedSearchAttributes = temporal.NewSearchAttributes(
			AttributeTenant.ValueSet(string(start.Organisation)), AttributeKind.ValueSet("distribution"), AttributeStage.ValueSet("queued"))
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

// Signal tells a running workflow that something has happened. One that has
// closed, or was never started, needs no telling.
func (c *Client) Signal(ctx context.Context, workflowID, name string) error {
	err := c.temporal.SignalWorkflow(ctx, workflowID, "", name, nil)
	var gone *serviceerror.NotFound
	if err != nil && !errors.As(err, &gone) {
		return fmt.Errorf("signal %s: %w", workflowID, err)
	}
	return nil
}

// TakeStep has the workflow of an investigation take a step of a person, and waits
// until it is taken. The step's id makes it one in the database: whoever repeats it
// changes nothing. Each attempt is an update of its own, or a failure of one would
// be that of all that come after it. Returns what the case refuses as it is, and Unavailable when nobody
// answers before ctx ends; the step may then be taken all the same.
func (c *Client) TakeStep(ctx context.Context, id audit.InvestigationID, step audit.CaseStep) (at audit.Case, err error) {
	h, err := c.temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: string(id), UpdateName: audit.StepUpdate, Args: []any{step}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = h.Get(ctx, &at)
	}
	var app *temporal.ApplicationError
	if errors.As(err, &app) && app.Type() != "" {
		e := &audit.Error{Code: audit.Code(app.Type()), Message: app.Message()}
		if app.HasDetails() && app.Details(&e.Details) != nil {
			e.Details = nil
		}
		return at, e
	}
	if err != nil {
		return at, audit.Errorf(audit.Unavailable, "the investigation's workflow does not answer; try again: %w", err)
	}
	return at, nil
}

// ExportProgress asks a running export how far it is. Returns Unavailable when
// no worker answers before ctx ends.
func (c *Client) ExportProgress(ctx context.Context, id audit.ExportID) (audit.Progress, error) {
	return c.progress(ctx, string(id))
}

// AssessmentProgress asks a running assessment how far it is. Returns Unavailable
// when no worker answers before ctx ends.
func (c *Client) AssessmentProgress(ctx context.Context, id audit.AssessmentID) (audit.Progress, error) {
	return c.progress(ctx, string(id))
}

// ReportProgress asks a running report how far it is. Returns Unavailable when no
// worker answers before ctx ends.
func (c *Client) ReportProgress(ctx context.Context, id audit.ReportID) (audit.Progress, error) {
	return c.progress(ctx, string(id))
}

// VerificationProgress asks a running verification how far it is. Returns
// Unavailable when no worker answers before ctx ends.
func (c *Client) VerificationProgress(ctx context.Context, id audit.VerificationID) (audit.Progress, error) {
	return c.progress(ctx, string(id))
}

func (c *Client) progress(ctx context.Context, workflowID string) (p audit.Progress, err error) {
	v, err := c.temporal.QueryWorkflow(ctx, workflowID, "", ProgressQuery)
	if err == nil {
		err = v.Get(&p)
	}
	if err != nil {
		return p, audit.Errorf(audit.Unavailable, "the job's progress cannot be asked: %w", err)
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

// Schedules, and how often they come round.
const (
	sweepSchedule  = "sealbook-sweep"
	SweepEvery     = 10 * time.Minute
	anchorSchedule = "sealbook-anchor"
	retainSchedule = "sealbook-retention"
	checkSchedule  = "sealbook-archive-check"

	// RetainEvery is how often retention is enforced, by default.
	RetainEvery    = 24 * time.Hour
	MinRetainEvery = time.Hour
	MaxRetainEvery = 720 * time.Hour

	// AnchorEvery is the default; what was appended since the last time is
	// attested by the operator alone until the next.
	AnchorEvery    = time.Minute
	MinAnchorEvery = 10 * time.Second
	MaxAnchorEvery = 24 * time.Hour
)

// EnsureSchedules makes the schedules that do not exist yet. Anchoring comes
// round every anchorEvery, retention every retainEvery and the reading of the
// archive's files every checkEvery; with 0 there is no schedule for it.
func (c *Client) EnsureSchedules(ctx context.Context, anchorEvery, retainEvery, checkEvery time.Duration) error {
	err := c.ensureSchedule(ctx, sweepSchedule, SweepEvery, &client.ScheduleWorkflowAction{
		ID: "sweep", Workflow: sweepName, TaskQueue: CoreQueue, StaticSummary: "Expires packages and ends abandoned jobs",
	})
	if err != nil {
		return err
	}
	err = c.optionalSchedule(ctx, retainSchedule, retainEvery, &client.ScheduleWorkflowAction{
		ID: "retention", Workflow: audit.RetentionWorkflow, TaskQueue: CoreQueue, Args: []any{audit.RetentionRun{}}, StaticSummary: "Archives, purges and destroys what policies say",
	})
	if err != nil {
		return err
	}
	err = c.optionalSchedule(ctx, checkSchedule, checkEvery, &client.ScheduleWorkflowAction{
		ID: "archive-check", Workflow: audit.ArchiveCheckWorkflow, TaskQueue: CoreQueue, Args: []any{audit.ArchiveCheckRun{}}, StaticSummary: "Reads files of the archive again",
	})
	if err != nil {
		return err
	}
	return c.optionalSchedule(ctx, anchorSchedule, anchorEvery, &client.ScheduleWorkflowAction{
		ID: "anchor", Workflow: anchorRegistryName, TaskQueue: CoreQueue, StaticSummary: "Publishes the registry's checkpoint outside",
	})
}

func (c *Client) optionalSchedule(ctx context.Context, id string, every time.Duration, action *client.ScheduleWorkflowAction) error {
	if every == 0 {
		return c.removeSchedule(ctx, id)
	}
	return c.ensureSchedule(ctx, id, every, action)
}

// ensureSchedule makes a schedule, or gives the one that there is another
// interval. What an operator changed beside it, as pausing it, stays.
func (c *Client) ensureSchedule(ctx context.Context, id string, every time.Duration, action *client.ScheduleWorkflowAction) error {
	spec := client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: every}}}
	_, err := c.temporal.ScheduleClient().Create(ctx, client.ScheduleOptions{
		ID: id, Spec: spec, Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, Action: action,
	})
	if err == nil || !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return wrapSchedule("create", id, err)
	}
	err = c.temporal.ScheduleClient().GetHandle(ctx, id).Update(ctx, client.ScheduleUpdateOptions{
		DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			s := in.Description.Schedule
			if s.Spec != nil && len(s.Spec.Intervals) == 1 && s.Spec.Intervals[0].Every == every {
				return nil, temporal.ErrSkipScheduleUpdate
			}
			s.Spec = &spec
			return &client.ScheduleUpdate{Schedule: &s}, nil
		},
	})
	return wrapSchedule("update", id, err)
}

func (c *Client) removeSchedule(ctx context.Context, id string) error {
	err := c.temporal.ScheduleClient().GetHandle(ctx, id).Delete(ctx)
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) {
		return nil
	}
	return wrapSchedule("remove", id, err)
}

func wrapSchedule(what, id string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s schedule %s: %w", what, id, err)
}
