// Package workflows decides what happens in which order: it holds the durable
// workflows and the typed client to them, and does no IO in a workflow. It
// guards that a decision survives every crash and is taken once. The worker
// runs the workflows; the API asks the client.
package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
)

// Task queues. One process serves both in development; the evidence queue can
// have workers of its own, where disks and processors are.
const (
	CoreQueue     = "sealbook-core"     // workflows, and activities on the database
	EvidenceQueue = "sealbook-evidence" // collecting, packing and verifying
)

// Search attributes: a closed list, registered in the namespace, and never
// personal data, because Temporal does not encrypt them.
var (
	AttributeTenant    = temporal.NewSearchAttributeKeyKeyword("AuditTenant")
	AttributeKind      = temporal.NewSearchAttributeKeyKeyword("AuditKind")
	AttributeStage     = temporal.NewSearchAttributeKeyKeyword("AuditStage")
	AttributeFramework = temporal.NewSearchAttributeKeyKeyword("AuditFramework")
	AttributeItems     = temporal.NewSearchAttributeKeyInt64("AuditItems")
)

// Registry is the part of a Temporal worker that takes registrations.
type Registry interface {
	RegisterWorkflowWithOptions(w any, options workflow.RegisterOptions)
}

// Names of workflows beside those that package audit names.
const (
	archiveHistoryName = "ArchiveHistory"
	sweepName          = "Sweep"
	anchorRegistryName = "AnchorRegistry"
)

// Register adds every workflow under its public name.
func Register(r Registry) {
	r.RegisterWorkflowWithOptions(ExportEvidence, workflow.RegisterOptions{Name: audit.ExportWorkflow})
	r.RegisterWorkflowWithOptions(VerifyLedger, workflow.RegisterOptions{Name: audit.VerificationWorkflow})
	r.RegisterWorkflowWithOptions(AssessCompliance, workflow.RegisterOptions{Name: audit.AssessmentWorkflow})
	r.RegisterWorkflowWithOptions(PublishReport, workflow.RegisterOptions{Name: audit.ReportWorkflow})
	r.RegisterWorkflowWithOptions(DistributeReport, workflow.RegisterOptions{Name: audit.DistributionWorkflow})
	r.RegisterWorkflowWithOptions(Investigate, workflow.RegisterOptions{Name: audit.InvestigationWorkflow})
	r.RegisterWorkflowWithOptions(EnforceRetention, workflow.RegisterOptions{Name: audit.RetentionWorkflow})
	r.RegisterWorkflowWithOptions(CheckArchive, workflow.RegisterOptions{Name: audit.ArchiveCheckWorkflow})
	r.RegisterWorkflowWithOptions(RetrieveArchive, workflow.RegisterOptions{Name: audit.RetrievalWorkflow})
	r.RegisterWorkflowWithOptions(EraseSubject, workflow.RegisterOptions{Name: audit.ErasureWorkflow})
	r.RegisterWorkflowWithOptions(DeliverStream, workflow.RegisterOptions{Name: audit.StreamWorkflow})
	r.RegisterWorkflowWithOptions(ArchiveHistory, workflow.RegisterOptions{Name: archiveHistoryName})
	r.RegisterWorkflowWithOptions(Sweep, workflow.RegisterOptions{Name: sweepName})
	r.RegisterWorkflowWithOptions(AnchorRegistry, workflow.RegisterOptions{Name: anchorRegistryName})
}

// Activity options. Every class is bounded, so that nothing retries for ever
// unseen; the outer bound outlasts a long outage of the database.

// quick is for short statements on the database. An append is idempotent by
// its external id, so any attempt may be repeated.
func quick(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              CoreQueue,
		StartToCloseTimeout:    30 * time.Second,
		ScheduleToCloseTimeout: 24 * time.Hour,
		Summary:                summary,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: 200 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second,
		},
	})
}

// prompt is for a step that a person waits for: after a while they are told that it
// cannot be taken, rather than that it may be taken some time.
func prompt(ctx workflow.Context, summary string) workflow.Context {
	o := workflow.GetActivityOptions(quick(ctx, summary))
	o.ScheduleToCloseTimeout = time.Minute
	return workflow.WithActivityOptions(ctx, o)
}

// analysisOptions is for an analysis: it may fail, and is given up after a few attempts.
func analysisOptions(ctx workflow.Context, summary string) workflow.Context {
	o := workflow.GetActivityOptions(heavy(ctx, summary))
	o.StartToCloseTimeout, o.ScheduleToCloseTimeout = AnalyseFor, 2*AnalyseFor
	o.RetryPolicy.MaximumAttempts = 4
	return workflow.WithActivityOptions(ctx, o)
}

// AnalyseFor is the time budget of one analysis of an investigation.
const AnalyseFor = time.Hour

// outside is for one exchange with a service that is not ours. What fails after
// a few attempts is tried again when the schedule comes round.
func outside(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              CoreQueue,
		StartToCloseTimeout:    activities.AnchorAttempt + 10*time.Second,
		ScheduleToCloseTimeout: 2 * time.Minute,
		Summary:                summary,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: 2 * time.Second, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second, MaximumAttempts: 3,
		},
	})
}

// sealing is for making a file and sealing it: an authority for time stamps may be
// away for some hours. A report is never sealed without the stamp instead.
func sealing(ctx workflow.Context, summary string) workflow.Context {
	o := workflow.GetActivityOptions(heavy(ctx, summary))
	o.ScheduleToCloseTimeout = SealFor
	return workflow.WithActivityOptions(ctx, o)
}

// RetentionFor is how long one step of a retention run may take, outages of the
// artifact store included.
const RetentionFor = 6 * time.Hour

// SealFor is how long a report may take to be sealed, outages of the authority
// included.
const SealFor = 6 * time.Hour

// sending is for handing one mail over. It is tried again only after an attempt
// that surely sent nothing.
func sending(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              CoreQueue,
		StartToCloseTimeout:    activities.SendAttempt,
		ScheduleToCloseTimeout: SendFor,
		Summary:                summary,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 5 * time.Minute,
		},
	})
}

// SendFor is how long a mail may wait for a provider that takes nothing, and
// ConfirmFor how long a distribution waits for what the provider says of its mails.
const (
	SendFor    = 24 * time.Hour
	ConfirmFor = 72 * time.Hour
)

// heavy is for work that streams a ledger or a package. It heartbeats, resumes
// from the last heartbeat, and is waited for when it is canceled, so that what
// it leaves behind can be removed after it.
func heavy(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              EvidenceQueue,
		StartToCloseTimeout:    6 * time.Hour,
		ScheduleToCloseTimeout: 24 * time.Hour,
		HeartbeatTimeout:       30 * time.Second,
		WaitForCancellation:    true,
		Summary:                summary,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 2 * time.Minute,
		},
	})
}
