package ledger

import (
	"context"
	"fmt"
	"iter"
	"sort"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// TypeClass is an event type with a class that entries of it have.
type TypeClass struct {
	EventType  string
	EventClass audit.EventClass
}

// Types lists the event types of a ledger's entries. It walks the index from
// type to type instead of reading every entry.
func (l *Log) Types(ctx context.Context, ledger int32) (types []TypeClass, err error) {
	err = l.read(ctx, ledger, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			with recursive t (event_type) as (
				(select event_type from payload where ledger = $1 order by event_type limit 1)
				union all
				select (select p.event_type from payload p where p.ledger = $1 and p.event_type > t.event_type order by p.event_type limit 1)
				from t where t.event_type is not null
			)
			select t.event_type, c.event_class from t
			cross join lateral (select distinct event_class from payload p where p.ledger = $1 and p.event_type = t.event_type) c
			where t.event_type is not null
			order by 1, 2`, ledger)
		if err != nil {
			return err
		}
		types, err = pgx.CollectRows(rows, pgx.RowToStructByName[TypeClass])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list event types: %w", err)
	}
	return types, nil
}

// Selection is what an export looks for: entries of certain types and classes,
// in a period, of certain repositories unless there are none.
type Selection struct {
	Types        []TypeClass
	Period       audit.Period
	Repositories []string
}

func (s *Selection) conditions(args pgx.NamedArgs) string {
	types, classes := make([]string, len(s.Types)), make([]string, len(s.Types))
	for i, t := range s.Types {
		types[i], classes[i] = t.EventType, string(t.EventClass)
	}
	args["types"], args["classes"] = types, classes
	where := conditions(audit.Filter{Period: s.Period}, args) +
		" and (p.event_type, p.event_class) in (select * from unnest(@types::text[], @classes::text[]))"
	if len(s.Repositories) > 0 {
		args["repositories"] = s.Repositories
		where += " and p.repository_id = any(@repositories)"
	}
	return where
}

// Count returns how many entries of [first, end) the searchable columns select.
func (l *Log) Count(ctx context.Context, ledger int32, first, end int64, s Selection) (n int64, err error) {
	args := pgx.NamedArgs{"ledger": ledger, "first": first, "end": end}
	where := s.conditions(args)
	err = l.read(ctx, ledger, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from payload p where `+where+` and p.seq >= @first and p.seq < @end`, args).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("count entries: %w", err)
	}
	return n, nil
}

// Matching streams the entries of [first, end) that the searchable columns
// select, in order. Pages are separate transactions, as for Rows.
func (l *Log) Matching(ctx context.Context, ledger int32, first, end int64, s Selection) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for next := first; ; {
			args := pgx.NamedArgs{"ledger": ledger, "next": next, "end": end, "limit": pageRows}
			sql := `
				select ` + rowColumns + `
				from (select * from payload p where ` + s.conditions(args) + ` and p.seq >= @next and p.seq < @end order by p.seq limit @limit) p
				join entry e on e.ledger = p.ledger and e.seq = p.seq
				order by e.seq`
			var page []Row
			err := l.read(ctx, ledger, func(tx pgx.Tx) error {
				rows, err := tx.Query(ctx, sql, binaryRows, args)
				if err != nil {
					return err
				}
				page, err = pgx.CollectRows(rows, collectRow)
				return err
			})
			if err != nil {
				yield(Row{}, fmt.Errorf("read entries: %w", err))
				return
			}
			for _, r := range page {
				if !yield(r, nil) {
					return
				}
				next = r.Seq + 1
			}
			if len(page) < pageRows {
				return
			}
		}
	}
}

// RecordedFrom returns the number of the first entry recorded at or after t,
// or size when there is none. It reads the hashed records, whose times never
// decrease.
func (l *Log) RecordedFrom(ctx context.Context, ledger int32, size int64, t time.Time) (int64, error) {
	var failed error
	n := sort.Search(int(size), func(i int) bool {
		if failed != nil {
			return true
		}
		row, err := l.Row(ctx, ledger, int64(i))
		if code := audit.CodeOf(err); err != nil && code != audit.Archived && code != audit.Destroyed { // the record is there
			failed = err
			return true
		}
		rec, err := ParseRecord(row.Record)
		if err != nil {
			failed = audit.Errorf(audit.Tampered, "entry %d: %v", i, err)
			return true
		}
		return !rec.RecordedAt.Before(t)
	})
	if failed != nil {
		return 0, fmt.Errorf("find entries recorded from %s: %w", t.Format(time.RFC3339), failed)
	}
	return int64(n), nil
}
