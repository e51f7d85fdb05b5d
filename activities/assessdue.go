package activities

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// DefaultAssessEvery is how often an organisation is assessed that asks for nothing.
const DefaultAssessEvery = 24 * time.Hour

// assessDue orders the assessment of the current year for each organisation that
// has entries and had none since the interval began. Two sweeps at once order one:
// the entry about it is keyed by the interval.
func (a *Activities) assessDue(ctx context.Context, now time.Time) (n int, err error) {
	if a.AssessEvery <= 0 {
		return 0, nil
	}
	period, name, err := audit.NamedPeriod("current_year", now)
	if err != nil {
		return 0, nil //nolint:nilerr // the year begins this very instant; the next sweep has a period
	}
	since := now.Truncate(a.AssessEvery)
	due, err := a.Store.Unassessed(ctx, since, sweepLimit)
	if err != nil {
		return 0, err
	}
	for _, o := range due {
		id := audit.AssessmentID("assess_" + strings.ToLower(ulid.MustNew(ulid.Timestamp(now), ulid.DefaultEntropy()).String()))
		row := store.Assessment{
			ID: id, Ledger: o.Ledger, Frameworks: audit.Frameworks, FromTime: period.From, UntilTime: period.Until, PeriodName: name, CreatedAt: now,
			RequestedBy: store.JSON[audit.Object]{V: store.ScheduledBy},
		}
		err := a.record(ctx, o.Ledger, fmt.Sprintf("assessment/scheduled/%s", audit.FormatTime(since)), audit.TypeAssessmentScheduled,
			audit.Object{"assessment_id": id, "period": name}, store.InsertAssessment(row, store.Start{
				Workflow: audit.AssessmentWorkflow, WorkflowID: string(id), At: now,
				Input: audit.AssessmentStart{ID: id, Ledger: o.Ledger, Organisation: o.ID, Frameworks: row.Frameworks,
					Period: period.From.Format(time.DateOnly) + " to " + period.Until.Add(-1).Format(time.DateOnly)},
			}))
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
