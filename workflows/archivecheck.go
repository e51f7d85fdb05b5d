package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
)

// CheckArchive reads files of the archive again, those of each organisation that
// were read the longest ago, and tells in the organisation's ledger what is lost,
// damaged or sound again. What is wrong is a result and no failure of the run: the
// run fails at its end when files could not be read, so that nothing is known of
// them. Files that were read are not due any more, so a crash, a Reset or a second
// run at the same time reads few twice and tells nothing twice.
func CheckArchive(ctx workflow.Context, run audit.ArchiveCheckRun) (audit.ArchiveCheckRun, error) {
	var a *activities.Activities
	for steps := 0; ; {
		var found activities.ArchiveFilesDue
		if err := workflow.ExecuteActivity(quick(ctx, "look for files to read"), a.ArchiveFilesDue, run.After).Get(ctx, &found); err != nil {
			return run, err
		}
		if found.Last == 0 {
			break
		}
		for _, order := range found.Due {
			id := order.Due.Ledger
			if steps > maxRetentionSteps {
				return run, workflow.NewContinueAsNewError(ctx, CheckArchive, run)
			}
			n, more, err := readAgain(ctx, order, &run)
			if ctx.Err() != nil {
				return run, ctx.Err()
			}
			if err != nil {
				if run.Failed++; run.Problem == "" {
					run.Problem = fmt.Sprintf("ledger %d: %s", id, reason(err))
				}
				workflow.GetLogger(ctx).Error("the archive of a ledger cannot be checked", "ledger", id, "error", err)
			}
			workflow.SetCurrentDetails(ctx, checked(&run))
			if steps += n; more { // what was read is not due in the new run
				return run, workflow.NewContinueAsNewError(ctx, CheckArchive, run)
			}
			run.After = id
		}
		run.After = found.Last
	}
	workflow.SetCurrentDetails(ctx, checked(&run))
	if run.Failed > 0 || run.Unread > 0 {
		return run, temporal.NewNonRetryableApplicationError(fmt.Sprintf("%s The first that failed: %s", checked(&run), run.Problem), string(audit.Unavailable), nil, run)
	}
	return run, nil
}

// readAgain does one ledger. more: it has so many files that a new run goes on with it.
func readAgain(ctx workflow.Context, order activities.CheckFiles, run *audit.ArchiveCheckRun) (steps int, more bool, err error) {
	var a *activities.Activities
	var last activities.CheckedFiles // its counts are of all before it, too
	for {
		var done activities.CheckedFiles
		if err = workflow.ExecuteActivity(retaining(ctx, fmt.Sprintf("read files of ledger %d", order.Due.Ledger)), a.CheckArchiveFiles, order).Get(ctx, &done); err != nil {
			break
		}
		steps++
		last = done
		run.Unread += done.Unread
		if run.Problem == "" {
			run.Problem = done.Problem
		}
		if done.Next == nil {
			break
		}
		order.After = *done.Next
		if more = steps > maxRetentionSteps; more {
			break
		}
	}
	run.Read += last.Read
	run.Bad += last.Bad
	run.Names = append(run.Names, last.Names[:min(len(last.Names), audit.MaxBadNames-len(run.Names))]...)
	return steps, more, err
}

// checked says in a sentence or two what a run has found.
func checked(r *audit.ArchiveCheckRun) string {
	text := fmt.Sprintf("Read %d files of the archive again; %d are lost or damaged", r.Read, r.Bad)
	if len(r.Names) > 0 {
		text += ": " + strings.Join(r.Names, ", ")
	}
	if more := r.Bad - int64(len(r.Names)); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	text += "."
	if r.Unread > 0 {
		text += fmt.Sprintf(" %d could not be read.", r.Unread)
	}
	if r.Failed > 0 {
		text += fmt.Sprintf(" With %d ledgers it could not go on.", r.Failed)
	}
	return text
}
