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
	Sessions    int64 `json:"sessions"`
	Streams     int   `json:"streams"`     // that were started again
	Assessments int   `json:"assessments"` // that were due

	Distributions int   `json:"distributions"` // that were started again
	Challenges    int64 `json:"challenges"`

	Investigations int   `json:"investigations"` // that were started again
	Evidence       int   `json:"evidence"`       // items whose digests were compared
	Steps          int64 `json:"steps"`          // that nobody took

	Retrievals int `json:"retrievals"` // whose time was over
}

// A sweep takes at most sweepLimit jobs of a kind; the next one goes on. A job
// is abandoned when its workflow is not running although it has had abandonAfter
// to begin and the outbox holds no order for it.
const (
	sweepLimit   = 100
	abandonAfter = 5 * time.Minute
)

// Sweep expires packages and retrievals that have outlived their time, ends jobs whose
// workflow ended without them, as when an operator terminates it, and forgets
// request keys that are older than their life, and sessions and challenges that
// have ended. A stream, or a distribution with unsent mails, whose workflow ended
// is started again: it goes on where it stood; so is an investigation. It compares
// evidence of investigations with its digests, and orders the assessments that are
// due.
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
	if err := a.endAbandoned(ctx, now.Add(-abandonAfter), &swept); err != nil {
		return swept, err
	}
	if swept.Streams, err = a.restartStreams(ctx, now); err != nil {
		return swept, err
	}
	if swept.Distributions, err = a.restartDistributions(ctx, now); err != nil {
		return swept, err
	}
	if swept.Investigations, err = a.restartInvestigations(ctx, now); err != nil {
		return swept, err
	}
	if swept.Retrievals, err = a.expireRetrievals(ctx, now); err != nil {
		return swept, err
	}
	if _, err = a.restartRetrievals(ctx, now); err != nil {
		return swept, err
	}
	if swept.Steps, err = a.Store.PruneSteps(ctx, now.Add(-ledger.RequestKeyLife)); err != nil {
		return swept, err
	}
	if swept.Challenges, err = a.Store.PruneChallenges(ctx, now); err != nil {
		return swept, err
	}
	if swept.Assessments, err = a.assessDue(ctx, now); err != nil {
		return swept, err
	}
	if swept.Sessions, err = a.Store.PruneSessions(ctx, now); err != nil {
		return swept, err
	}
	if swept.RequestKeys, err = a.Store.PruneRequestKeys(ctx, now.Add(-ledger.RequestKeyLife)); err != nil {
		return swept, err
	}
	swept.Evidence, err = a.verifyEvidence(ctx, now)
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

func (a *Activities) restartStreams(ctx context.Context, now time.Time) (n int, err error) {
	for after := audit.StreamID(""); ; {
		list, err := a.Store.LivingStreams(ctx, now.Add(-abandonAfter), after, sweepLimit)
		if err != nil {
			return n, err
		}
		for _, x := range list {
			after = x.ID
			reason, err := a.abandoned(ctx, string(x.ID))
			if err == nil && reason != "" {
				n++
				err = a.Store.OrderStart(ctx, store.Start{Workflow: audit.StreamWorkflow, WorkflowID: string(x.ID), At: now,
					Input: audit.StreamStart{ID: x.ID, Ledger: x.Ledger, Organisation: x.Organisation}})
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

// restartDistributions goes on with mails whose workflow ended before they were
// sent.
func (a *Activities) restartDistributions(ctx context.Context, now time.Time) (n int, err error) {
	for after := audit.DistributionID(""); ; {
		list, err := a.Store.UnfinishedDistributions(ctx, now.Add(-abandonAfter), after, sweepLimit)
		if err != nil {
			return n, err
		}
		for _, d := range list {
			after = d.ID
			reason, err := a.abandoned(ctx, string(d.ID))
			if err == nil && reason != "" {
				n++
				err = a.Store.OrderStart(ctx, store.Start{Workflow: audit.DistributionWorkflow, WorkflowID: string(d.ID), At: now, Input: d})
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

// endAbandoned ends the jobs that nobody works on any more.
func (a *Activities) endAbandoned(ctx context.Context, before time.Time, swept *Swept) error {
	exports, err := a.Store.UnfinishedExports(ctx, before, sweepLimit)
	if err != nil {
		return err
	}
	for _, e := range exports {
		reason, err := a.abandoned(ctx, string(e.ID))
		if err == nil && reason != "" {
			swept.Ended++
			_, err = a.EndExport(ctx, EndExport{Start: audit.ExportStart{ID: e.ID, Ledger: e.Ledger}, Status: audit.ExportFailed, Reason: reason})
		}
		if err != nil {
			return err
		}
	}
	assessments, err := a.Store.UnfinishedAssessments(ctx, before, sweepLimit)
	if err != nil {
		return err
	}
	for _, row := range assessments {
		reason, err := a.abandoned(ctx, string(row.ID))
		if err == nil && reason != "" {
			swept.Ended++
			_, err = a.EndAssessment(ctx, EndAssessment{Start: audit.AssessmentStart{ID: row.ID, Ledger: row.Ledger}, Status: audit.AssessmentFailed, Reason: reason})
		}
		if err != nil {
			return err
		}
	}
	reports, err := a.Store.UnfinishedReports(ctx, before, sweepLimit)
	if err != nil {
		return err
	}
	for _, row := range reports {
		reason, err := a.abandoned(ctx, string(row.ID))
		if err == nil && reason != "" {
			swept.Ended++
			_, err = a.EndReport(ctx, EndReport{Start: audit.ReportStart{ID: row.ID, Ledger: row.Ledger}, Status: audit.ReportFailed, Reason: reason})
		}
		if err != nil {
			return err
		}
	}
	erasures, err := a.Store.UnfinishedErasures(ctx, before, sweepLimit)
	if err != nil {
		return err
	}
	for i := range erasures {
		row := &erasures[i]
		reason, err := a.abandoned(ctx, string(row.ID))
		if err == nil && reason != "" {
			swept.Ended++
			_, err = a.EndErasure(ctx, EndErasure{Start: audit.ErasureStart{ID: row.ID, Ledger: row.Ledger}, Status: audit.ErasureFailed, Reason: reason})
		}
		if err != nil {
			return err
		}
	}
	verifications, err := a.Store.UnfinishedVerifications(ctx, before, sweepLimit)
	if err != nil {
		return err
	}
	for _, v := range verifications {
		reason, err := a.abandoned(ctx, string(v.ID))
		if err == nil && reason != "" {
			swept.Ended++
			_, err = a.EndVerification(ctx, EndVerification{Start: audit.VerificationStart{ID: v.ID, Ledger: v.Ledger}, Status: audit.VerificationFailed, Reason: reason})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// abandoned says why a job's workflow will not end it, or "" while it runs.
func (a *Activities) abandoned(ctx context.Context, workflowID string) (reason string, err error) {
	described, err := a.Temporal.DescribeWorkflowExecution(ctx, workflowID, "")
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) {
		return "its workflow is not known to Temporal any more", nil
	}
	if err != nil {
		return "", fmt.Errorf("describe %s: %w", workflowID, err)
	}
	status := described.GetWorkflowExecutionInfo().GetStatus()
	if status == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return "", nil
	}
	return "its workflow ended without it: " + status.String(), nil
}
