package ledger

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// Population is what a period of a ledger holds.
type Population struct {
	Entries int64
	Users   int64 // distinct actors of these entries, and of those that were named the ones that are none of them
}

// Population counts the entries that have their time in a period and the people
// and systems that they are of, by id, or by e-mail address where there is no id.
// Each one of them is looked at; that returns Unavailable after SearchTimeout.
func (l *Log) Population(ctx context.Context, ledger int32, p audit.Period, named []string) (c Population, err error) {
	if err := l.Online(ctx, ledger, p); err != nil {
		return c, err
	}
	var q pgx.Batch
	boundOnce(&q, l.config.SearchTimeout)
	q.Queue(`
		with actors as (
			select actor_id, actor_email, count(*) as entries from payload p where `+
		`p.ledger = @ledger and p.event_time >= @from and p.event_time < @until group by 1, 2
		)
		select coalesce(sum(entries), 0)::bigint, count(distinct coalesce(actor_id, actor_email)) + (
			select count(distinct lower(n)) from unnest(@named::text[]) n
			where not exists (select from actors a where lower(n) in (lower(a.actor_id), lower(a.actor_email))))
		from actors`, pgx.StrictNamedArgs{"ledger": ledger, "from": p.From, "until": p.Until, "named": named}).
		QueryRow(func(row pgx.Row) error { return row.Scan(&c.Entries, &c.Users) })
	err = l.readOnce(ctx, ledger, &q)
	if tooLong(err) {
		err = &audit.Error{Code: audit.Unavailable, Message: "counting takes too long; ask for a shorter period", Err: err}
	}
	if err != nil {
		return c, fmt.Errorf("count the entries of a period: %w", err)
	}
	return c, nil
}
