package activities

import (
	"context"
	"fmt"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// BaselineTime is how much of the time before a scope says what is usual.
const BaselineTime = 90 * 24 * time.Hour

// scopeSpan is the time of the scope, up to where the scope was fixed. It returns
// Archived when entries of it are in the archive alone: an analysis of a part would
// be no analysis of the scope.
func (a *Activities) scopeSpan(ctx context.Context, row *store.Investigation) (s caseSpan, err error) {
	s.period = row.Period()
	s.first, s.end, _, err = a.Log.Range(ctx, row.Ledger, audit.Filter{Period: s.period})
	s.fix(row)
	return s, err
}

// fix makes a span end where the scope was fixed.
func (s *caseSpan) fix(row *store.Investigation) {
	if row.EndSeq != nil {
		s.end = min(s.end, *row.EndSeq)
	}
}

// baselineSpan is the time before a scope that says what is usual. It is shorter than
// BaselineTime where something of it is in the archive or destroyed, or has more than
// MaxCaseEntries; why says that. Of a time that is partly archived nothing is taken
// before the latest archived entry: what a legal hold kept of it is not what was usual.
func (a *Activities) baselineSpan(ctx context.Context, row *store.Investigation) (s caseSpan, why string, err error) {
	until := row.Period().From
	s = caseSpan{period: audit.Period{From: until.Add(-BaselineTime), Until: until}, first: -1, partly: true}
	gone, err := a.Log.Offline(ctx, row.Ledger, s.period)
	if err != nil {
		return s, "", err
	}
	if gone.Segments > 0 || gone.Lost > 0 {
		s.period.From = gone.Last.Add(time.Microsecond) // which is included
		where := "in the archive"
		if gone.Segments == 0 {
			where = "destroyed after their retention"
		}
		why = fmt.Sprintf("up to %d entries of the %d days before the scope are %s", gone.Entries+gone.Lost, BaselineTime/(24*time.Hour), where)
		if !s.period.From.Before(until) {
			s.period.From = until
			return s, "there is no baseline: " + why, nil
		}
		why = fmt.Sprintf("the baseline begins at %s: %s", audit.FormatTime(s.period.From), why)
	}
	for {
		var count int64
		if s.first, s.end, count, err = a.Log.OnlineRange(ctx, row.Ledger, audit.Filter{Period: s.period}); err != nil || count <= MaxCaseEntries {
			break
		}
		s.period.From = s.period.From.Add(until.Sub(s.period.From) / 2).Truncate(time.Microsecond)
		why = fmt.Sprintf("the baseline begins at %s: the time before has too many entries", audit.FormatTime(s.period.From))
	}
	s.fix(row)
	return s, why, err
}

// firstOf is where the first of spans begins in the ledger.
func firstOf(spans ...caseSpan) int64 {
	for _, s := range spans {
		if s.first >= 0 {
			return s.first
		}
	}
	return 0
}
