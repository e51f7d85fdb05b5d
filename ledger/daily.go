package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// DayCount is how many entries of a type have their time on a day.
type DayCount struct {
	Day     time.Time // midnight in UTC
	Type    string
	Entries int64
}

// CountDaily counts the entries of the metrics' types (IssueCreated,
// IssueResolved, FixApplied) by day and type, for days that have any, in the
// order of days. Of f, it takes Types, RepositoryID, Framework, Within and Period,
// whose bounds are midnights in UTC or open. What was before since, a midnight,
// counts as of that day. Roll-ups answer it unless there is a framework, by which
// they do not count, or a constraint; then the entries are counted one by one, with
// the same result, or Unavailable after SearchTimeout.
func (l *Log) CountDaily(ctx context.Context, ledger int32, f audit.Filter, since time.Time) (counts []DayCount, err error) {
	if f.Framework != "" || !f.Within.Empty() {
		if err := l.Online(ctx, ledger, f.Period); err != nil {
			return nil, err
		}
	}
	args := pgx.NamedArgs{"ledger": ledger, "types": f.Types, "since": since}
	var sql string
	switch {
	case f.Framework != "" || !f.Within.Empty():
		f = audit.Filter{Period: f.Period, Types: f.Types, RepositoryID: f.RepositoryID, Framework: f.Framework, Within: f.Within}
		sql = `select greatest((p.event_time at time zone 'UTC')::date, @since::date), p.event_type, count(*) from payload p where ` + conditions(f, args) + ` group by 1, 2 order by 1, 2`
	case f.RepositoryID != "":
		args["repository"] = f.RepositoryID
		sql = `select greatest(day, @since::date), part, sum(entries)::bigint from rollup where ledger = @ledger and kind = 'metric' and name = @repository and part = any(@types)` +
			days(f.Period, args) + ` group by 1, 2 order by 1, 2`
	default:
		sql = `select greatest(day, @since::date), name, sum(entries)::bigint from rollup where ledger = @ledger and kind = 'type' and name = any(@types)` +
			days(f.Period, args) + ` group by 1, 2 order by 1, 2`
	}
	var q pgx.Batch
	boundOnce(&q, l.config.SearchTimeout)
	q.Queue(sql, args).Query(func(rows pgx.Rows) (err error) {
		counts, err = pgx.CollectRows(rows, pgx.RowToStructByPos[DayCount])
		return err
	})
	err = l.readOnce(ctx, ledger, &q)
	if tooLong(err) {
		err = &audit.Error{Code: audit.Unavailable, Message: "counting takes too long; ask for a shorter period", Err: err}
	}
	if err != nil {
		return nil, fmt.Errorf("count entries by day: %w", err)
	}
	return counts, nil
}

// days restricts roll-up rows to a period of whole days.
func days(p audit.Period, args pgx.NamedArgs) (where string) {
	if !p.From.IsZero() {
		where, args["from"] = where+" and day >= @from::date", p.From
	}
	if !p.Until.IsZero() {
		where, args["until"] = where+" and day < @until::date", p.Until
	}
	return where
}
