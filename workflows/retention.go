package workflows

import (
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
)

// maxRetentionSteps bounds the history of a run before it goes on as a new one.
const maxRetentionSteps = 500

// EnforceRetention does what the policies of all organisations say, one ledger
// after the other:
//
//  1. archive what is due, segment by segment: file, check, registry
//  2. purge what is archived and on no hold
//  3. destroy files whose last promise has ended, if no hold covers them
//
// and then gives the space of emptied months back. Every step finds what is left to
// do by itself, so a crash, a Reset or a second run at the same time repeats
// nothing and loses nothing. A ledger with which it cannot go on, as one whose rows
// were tampered with, keeps its payloads and holds up no other; the run then fails
// at its end, so that somebody looks.
func EnforceRetention(ctx workflow.Context, run audit.RetentionRun) error {
	var a *activities.Activities
	for steps := 0; ; {
		ledgers := []int32{run.Only}
		if run.Only > 0 {
			if run.After >= run.Only {
				break
			}
		} else if err := workflow.ExecuteActivity(quick(ctx, "list the ledgers"), a.RetentionLedgers, run.After).Get(ctx, &ledgers); err != nil {
			return err
		}
		if len(ledgers) == 0 {
			break
		}
		for _, id := range ledgers {
			if steps > maxRetentionSteps {
				return workflow.NewContinueAsNewError(ctx, EnforceRetention, run)
			}
			n, more, err := retain(ctx, id, &run)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				if run.Failed++; run.Failed == 1 {
					run.Problem = fmt.Sprintf("ledger %d: %s", id, reason(err))
				}
				workflow.GetLogger(ctx).Error("retention of a ledger cannot go on", "ledger", id, "error", err)
			}
			if steps += n; !more {
				run.After = id
			} else {
				return workflow.NewContinueAsNewError(ctx, EnforceRetention, run)
			}
			workflow.SetCurrentDetails(ctx, retained(&run))
		}
	}
	var freed int64
	if err := workflow.ExecuteActivity(retaining(ctx, "give space back"), a.GiveSpaceBack).Get(ctx, &freed); err != nil {
		return err
	}
	workflow.SetCurrentDetails(ctx, retained(&run)+fmt.Sprintf(" Gave %d bytes back.", freed))
	if run.Failed > 0 {
		return temporal.NewNonRetryableApplicationError(fmt.Sprintf("retention could not go on in %d ledgers; %s", run.Failed, run.Problem), string(audit.InvalidState), nil)
	}
	return nil
}

func retained(r *audit.RetentionRun) string {
	return fmt.Sprintf("Archived %d payloads, purged %d, left %d to legal holds, destroyed %d files.", r.Archived, r.Purged, r.Held, r.Destroyed)
}

// retain does one ledger. more: it had so much to do that a new run goes on with it.
func retain(ctx workflow.Context, id int32, run *audit.RetentionRun) (steps int, more bool, err error) {
	var a *activities.Activities
	for {
		var one activities.ArchivedOne
		if err := workflow.ExecuteActivity(retaining(ctx, fmt.Sprintf("archive of ledger %d", id)), a.ArchiveSegment, activities.ArchiveOrder{Ledger: id, Before: run.Before}).Get(ctx, &one); err != nil {
			return steps, false, err
		}
		steps++
		run.Archived += one.Entries
		if one.Segment == "" {
			break
		}
		if steps >= maxRetentionSteps {
			return steps, true, nil
		}
	}
	var purged struct{ Entries, Held int64 }
	if err := workflow.ExecuteActivity(retaining(ctx, fmt.Sprintf("purge ledger %d", id)), a.PurgeSegments, id).Get(ctx, &purged); err != nil {
		return steps, false, err
	}
	run.Purged += purged.Entries
	run.Held += purged.Held
	if run.Before != nil { // to archive was asked for, and no more
		return steps + 1, false, nil
	}
	var destroyed int
	if err := workflow.ExecuteActivity(retaining(ctx, fmt.Sprintf("destroy expired files of ledger %d", id)), a.DestroySegments, id).Get(ctx, &destroyed); err != nil {
		return steps, false, err
	}
	run.Destroyed += destroyed
	return steps + 2, false, nil
}

// retaining is for a step of retention: a store that is full or away is tried for
// some hours; then the ledger waits for the next run.
func retaining(ctx workflow.Context, summary string) workflow.Context {
	o := workflow.GetActivityOptions(heavy(ctx, summary))
	o.ScheduleToCloseTimeout = RetentionFor
	return workflow.WithActivityOptions(ctx, o)
}

// RetrieveArchive brings archived payloads back, as another person than the one
// who asked has approved.
func RetrieveArchive(ctx workflow.Context, start audit.RetrievalStart) error {
	var a *activities.Activities
	err := workflow.ExecuteActivity(retaining(ctx, "bring payloads back"), a.RestoreRetrieval, start).Get(ctx, nil)
	return conclude(ctx, start.Ledger, err, func(ctx workflow.Context, cause error) error {
		failed := activities.FailedRetrieval{Start: start, Reason: reason(cause)}
		if err := workflow.ExecuteActivity(quick(ctx, "record the failure"), a.FailRetrieval, failed).Get(ctx, nil); err != nil {
			return err
		}
		return cause
	})
}
