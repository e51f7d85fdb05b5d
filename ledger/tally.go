package ledger

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// Tally is how many entries a match selects, and the times of the first and
// the last event among them; nil when there is none.
type Tally struct {
	Count       int64
	First, Last *time.Time
}

// Tallies counts what each of several matches selects of the events in a
// period that the constraints cover, in one pass over them. An entry is selected when one selector of a
// match does. Returns Unavailable when it takes longer than SearchTimeout.
func (l *Log) Tallies(ctx context.Context, ledger int32, period audit.Period, c audit.Constraints, matches [][]audit.Selector) ([]Tally, error) {
	if len(matches) == 0 {
		return nil, nil
	}
	if err := l.Online(ctx, ledger, period); err != nil {
		return nil, err
	}
	args := pgx.NamedArgs{"ledger": ledger}
	var counts, firsts, lasts []string
	for _, selectors := range matches {
		some := make([]string, len(selectors))
		for i := range selectors {
			some[i] = selects(&selectors[i], args)
		}
		where := ` filter (where ` + strings.Join(some, " or ") + `)`
		counts, firsts, lasts = append(counts, "count(*)"+where), append(firsts, "min(event_time)"+where), append(lasts, "max(event_time)"+where)
	}
	sql := fmt.Sprintf(`select array[%s], array[%s], array[%s] from payload p where %s`,
		strings.Join(counts, ", "), strings.Join(firsts, ", "), strings.Join(lasts, ", "), conditions(audit.Filter{Period: period, Within: c}, args))
	var n []int64
	var first, last []*time.Time
	err := l.read(ctx, ledger, func(tx pgx.Tx) error {
		if err := bound(ctx, tx, l.config.SearchTimeout); err != nil {
			return err
		}
		return tx.QueryRow(ctx, sql, args).Scan(&n, &first, &last)
	})
	if tooLong(err) {
		err = &audit.Error{Code: audit.Unavailable, Message: "counting takes too long; ask for a shorter period", Err: err}
	}
	if err != nil {
		return nil, fmt.Errorf("count evidence: %w", err)
	}
	out := make([]Tally, len(matches))
	for i := range out {
		out[i] = Tally{n[i], first[i], last[i]}
	}
	return out, nil
}

// selects turns a selector into SQL over payload p, with its values in args.
func selects(s *audit.Selector, args pgx.NamedArgs) string {
	where := []string{"true"}
	add := func(condition string, n int, value any) {
		if n > 0 {
			name := fmt.Sprintf("s%d", len(args))
			args[name] = value
			where = append(where, strings.ReplaceAll(condition, "@", "@"+name))
		}
	}
	const family = "split_part(p.event_type, '.', 1)"
	add("p.event_type = any(@)", len(s.Types), s.Types)
	add("p.event_type <> all(@)", len(s.NotTypes), s.NotTypes)
	add(family+" = any(@)", len(s.Families), s.Families)
	add(family+" <> all(@)", len(s.NotFamilies), s.NotFamilies)
	add("p.event_class = any(@)", len(s.Classes), s.Classes)
	add("p.category = any(@)", len(s.Categories), s.Categories)
	add("p.severity = any(@)", len(s.Severities), s.Severities)
	add("p.frameworks && @", len(s.Frameworks), s.Frameworks)
	if len(s.Types) == 0 && len(s.Families) == 0 {
		where = append(where, family+" <> 'audit'")
	}
	return "(" + strings.Join(where, " and ") + ")"
}
