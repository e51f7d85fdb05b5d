package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
)

// PublishReport makes one report:
//
//  1. begin: take the report over; one that has ended is left alone
//  2. snapshot: read what it is about, once, and fix it
//  3. draft and wait, when people shall sign: each signs in turn, or one declines,
//     or lets their time for it run out
//  4. seal: render the file and seal it
//  5. publish: the report is there, the ledger says so, and its distribution begins
//
// Each step finds what it did before, so a crash at any point or an operator's
// Reset makes no second report, signature or seal. On cancel or failure the report
// ends with an entry that says why. In every case a child workflow keeps this
// run's history.
func PublishReport(ctx workflow.Context, start audit.ReportStart) error {
	p := &publication{start: start, progress: audit.Progress{Stage: "queued"}}
	if err := workflow.SetQueryHandler(ctx, ProgressQuery, func() (audit.Progress, error) { return p.progress, nil }); err != nil {
		return err
	}
	return conclude(ctx, start.Ledger, p.run(ctx), p.abandon)
}

type publication struct {
	start    audit.ReportStart
	progress audit.Progress
}

func (p *publication) run(ctx workflow.Context) error {
	var do *activities.Activities
	var job activities.ReportJob
	if err := workflow.ExecuteActivity(quick(ctx, "take the report over"), do.BeginReport, p.start).Get(ctx, &job); err != nil {
		return err
	}
	if job.Status.Final() {
		p.stage(ctx, string(job.Status), "The report had already ended as "+string(job.Status)+".")
		return nil
	}
	p.stage(ctx, "collecting", "Reading the entries, findings and violations of the period.")
	var data activities.ReportData
	if err := workflow.ExecuteActivity(heavy(ctx, "read and fix the data"), do.SnapshotReport, p.start).Get(ctx, &data); err != nil {
		return err
	}
	p.progress.Done, p.progress.Total = data.Entries, data.Entries
	if job.MustSign && !job.Signed {
		signed, err := p.await(ctx)
		if err != nil || !signed {
			return err
		}
	}
	p.stage(ctx, "sealing", fmt.Sprintf("Rendering %d entries, and sealing the file.", data.Entries))
	var file audit.Artifact
	if err := workflow.ExecuteActivity(sealing(ctx, "render and seal"), do.FinishReport, p.start).Get(ctx, &file); err != nil {
		return err
	}
	p.stage(ctx, "publishing", "Recording the report "+file.Digest+".")
	if err := workflow.ExecuteActivity(quick(ctx, "publish and record"), do.PublishReport, p.start).Get(ctx, &file); err != nil {
		return err
	}
	p.stage(ctx, "generated", fmt.Sprintf("Published %s, %d bytes, from the ledger's entries %d to %d.", file.Digest, file.Size, data.First, data.End-1))
	return nil
}

// await shows the draft to the signatories until they have decided, one after the
// other, and reminds each meanwhile. It returns false when the report ended, because
// one declined.
func (p *publication) await(ctx workflow.Context) (signed bool, err error) {
	var do *activities.Activities
	p.stage(ctx, "drafting", "Rendering the document that is signed.")
	var due time.Time
	if err := workflow.ExecuteActivity(heavy(ctx, "render the draft and ask for the signature"), do.DraftReport, p.start).Get(ctx, &due); err != nil {
		return false, err
	}
	p.stage(ctx, "pending_signature", "Waiting until the signatory signs or declines.")
	decided := workflow.GetSignalChannel(ctx, audit.SignedSignal)
	deadline, cancel := workflow.WithCancel(ctx)
	defer func() { cancel() }() // of the timer that there is then
	forget := p.remind(ctx, due)
	defer func() { forget() }()
	expired := false
	timer := workflow.NewTimer(deadline, max(due.Sub(workflow.Now(ctx)), 0)+signingGrace)
	for {
		workflow.NewSelector(ctx).
			AddReceive(decided, func(c workflow.ReceiveChannel, _ bool) { c.Receive(ctx, nil) }).
			AddFuture(timer, func(f workflow.Future) { expired = f.Get(ctx, nil) == nil }).
			AddReceive(ctx.Done(), func(workflow.ReceiveChannel, bool) {}).
			Select(ctx)
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		// What was decided stands in the database, also when the time is just over.
		var job activities.ReportJob
		if err := workflow.ExecuteActivity(quick(ctx, "see what was decided"), do.ReportDecision, p.start).Get(ctx, &job); err != nil {
			return false, err
		}
		switch {
		case job.Signed:
			return true, nil
		case job.Status.Final():
			p.stage(ctx, string(job.Status), "The signatory declined.")
			return false, nil
		case job.DueAt.After(due): // one has signed, and the next has as much time; of one signatory this never is so
			due, expired = job.DueAt, false
			cancel()
			forget()
			deadline, cancel = workflow.WithCancel(ctx)
			timer = workflow.NewTimer(deadline, max(due.Sub(workflow.Now(ctx)), 0)+signingGrace)
			forget = p.remind(ctx, due)
			p.stage(ctx, "pending_signature", fmt.Sprintf("%d of %d have signed; waiting until the next signs or declines.", job.Signatures, job.Signatories))
		case expired:
			return false, temporal.NewNonRetryableApplicationError(late(&job), "SIGNATURE_EXPIRED", nil)
		}
	}
}

// late says whom the report waited for in vain.
func late(job *activities.ReportJob) string {
	days := int(audit.SignatureWait.Hours()) / 24
	if job.Signatures == 0 {
		return fmt.Sprintf("nobody signed within %d days", days)
	}
	return fmt.Sprintf("%d of %d signed, and the next did not within %d days", job.Signatures, job.Signatories, days)
}

// signingGrace is longer than the request of a signatory may take who began it in
// time: nothing is given up that somebody is just signing.
const signingGrace = 5 * time.Minute

// abandon ends a report that will not be published.
func (p *publication) abandon(ctx workflow.Context, cause error) error {
	var do *activities.Activities
	end := activities.EndReport{Start: p.start, Status: audit.ReportFailed, Reason: reason(cause)}
	if temporal.IsCanceledError(cause) {
		end.Status, end.Reason = audit.ReportCanceled, ""
	}
	var status audit.ReportStatus
	if err := workflow.ExecuteActivity(quick(ctx, "end the report"), do.EndReport, end).Get(ctx, &status); err != nil {
		return errors.Join(cause, err)
	}
	p.stage(ctx, string(status), end.Reason)
	return cause
}

// stage shows where the report is: to the status query, to searches and to whoever
// opens the workflow in Temporal's UI.
func (p *publication) stage(ctx workflow.Context, stage, detail string) {
	p.progress.Stage = stage
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("**%s** – %s of %s\n\n%s", stage, p.start.Type, p.start.Period, detail))
	if err := workflow.UpsertTypedSearchAttributes(ctx, AttributeStage.ValueSet(stage), AttributeItems.ValueSet(p.progress.Total)); err != nil {
		workflow.GetLogger(ctx).Warn("search attributes not set", "error", err)
	}
}
