package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
)

// Runs that began to wait before there were reminders go on without: their histories
// have no timers for them.
const (
	remindersChange  = "signature-reminders"
	remindersVersion = 1
)

// remind reminds the signatory who can sign until due, beside whatever else the
// report waits for, until the returned function is called. A mail is put on its way
// and is sent by a workflow of its own (DistributeReport), so that no provider holds
// the ceremony up, and no failure of a reminder ends it.
func (p *publication) remind(ctx workflow.Context, due time.Time) (cancel func()) {
	if workflow.GetVersion(ctx, remindersChange, workflow.DefaultVersion, remindersVersion) == workflow.DefaultVersion {
		return func() {}
	}
	ctx, cancel = workflow.WithCancel(ctx)
	workflow.Go(ctx, func(ctx workflow.Context) {
		var do *activities.Activities
		list := audit.Reminders(due.Add(-audit.SignatureWait), due)
		for i, r := range list {
			if workflow.Sleep(ctx, r.At.Sub(workflow.Now(ctx))) != nil {
				return // they have decided, or the report has ended
			}
			// After an outage the next one may be due already: one of both is enough.
			if i+1 < len(list) && list[i+1].At.Sub(workflow.Now(ctx)) < audit.SignatureReminderGap {
				continue
			}
			about := activities.RemindSignatory{Start: p.start, Notice: r.Notice, DueAt: due}
			if err := workflow.ExecuteActivity(quick(ctx, "remind the signatory"), do.RemindSignatory, about).Get(ctx, nil); err != nil && ctx.Err() == nil {
				workflow.GetLogger(ctx).Warn("signatory not reminded", "notice", r.Notice, "error", err)
			}
		}
	})
	return cancel
}
