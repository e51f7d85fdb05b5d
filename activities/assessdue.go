package activities

import (
	"context"
	"crypto/sha256"
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
// the assessment's id follows from the interval, and the entry from the id.
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
		row := store.Assessment{
			ID: scheduledID(o.Ledger, since), Ledger: o.Ledger, Frameworks: audit.Frameworks, FromTime: period.From, UntilTime: period.Until,
			PeriodName: name, CreatedAt: now, RequestedBy: store.JSON[audit.Object]{V: store.ScheduledBy},
		}
		err := a.record(ctx, o.Ledger, assessmentKey(row.ID)+"/scheduled", audit.TypeAssessmentScheduled,
			audit.Object{"assessment_id": row.ID, "period": name}, store.InsertAssessment(row, o.ID))
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// scheduledID is an id of the usual form, made of the ledger and the interval.
func scheduledID(ledger int32, since time.Time) audit.AssessmentID {
	var id ulid.ULID
	id.SetTime(ulid.Timestamp(since)) //nolint:errcheck // the error is of times after the year 10889
	sum := sha256.Sum256(fmt.Appendf(nil, "scheduled assessment of ledger %d", ledger))
	id.SetEntropy(sum[:10]) //nolint:errcheck // it has the length that it must have
	return audit.AssessmentID("assess_" + strings.ToLower(id.String()))
}
