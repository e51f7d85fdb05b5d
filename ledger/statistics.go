package ledger

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// Statistics says how many entries of a ledger have their time in a period, and
// of which kinds. Each of the maps sums to Total; the key "" stands for entries
// that name no repository, or no type of actor.
type Statistics struct {
	Total        int64
	ByType       map[string]int64 // by verbatim event type
	ByRepository map[string]int64 // by name, or by id where there is no name
	ByActorType  map[string]int64
	TopActors    []ActorCount // MaxTopActors at most, by count and then by name
}

// ActorCount is how many entries name an actor: by e-mail address, or by id
// where there is none.
type ActorCount struct {
	Actor   string
	IsEmail bool // some of the entries know the actor under this name as an e-mail address
	Entries int64
}

// MaxTopActors bounds Statistics.TopActors.
const MaxTopActors = 10

// Statistics counts the entries of a period, both of whose bounds are set. It
// adds the roll-ups of whole days; entries of days that are only partly inside
// are counted one by one, half a day of them at each end at most, or a day
// of them in all. The counts are exact, of one snapshot. Constraints on
// frameworks or repositories, by which roll-ups do not count, have every entry
// of the period looked at; that returns Unavailable after SearchTimeout.
func (l *Log) Statistics(ctx context.Context, ledger int32, p audit.Period, c audit.Constraints) (s Statistics, err error) {
	if err := l.countable(ctx, ledger, p, c); err != nil {
		return s, err
	}
	counts, args := countsOf(p, c)
	args["ledger"] = ledger
	kinds := func(k ...string) pgx.NamedArgs {
		own := maps.Clone(args)
		own["kinds"], own["top"] = k, MaxTopActors
		return own
	}
	// Each sums thousands of rows up, the actors' with a limit of their own:
	// there can be many.
	var q pgx.Batch
	boundOnce(&q, l.config.SearchTimeout)
	q.Queue(`select kind, name, part, sum(entries)::bigint from (`+counts+`) counted group by kind, name, part having sum(entries) > 0`, kinds(rollupType, rollupRepository)).
		Query(func(rows pgx.Rows) error {
			s.ByType, s.ByRepository, s.ByActorType, s.Total = map[string]int64{}, map[string]int64{}, map[string]int64{}, 0
			var kind, name, part string
			var n int64
			_, err := pgx.ForEachRow(rows, []any{&kind, &name, &part, &n}, func() error {
				s.add(kind, name, part, n)
				return nil
			})
			return err
		})
	q.Queue(`
		select name, bool_or(part = 'email'), sum(entries)::bigint from (
			-- what an edge takes off a whole day leaves a part with nothing: it says nothing of the name
			select name, part, sum(entries) as entries from (`+counts+`) counted group by name, part having sum(entries) <> 0
		) parts
		group by name having sum(entries) > 0 order by 3 desc, name collate "C" limit @top`, kinds(rollupActor)).
		Query(func(rows pgx.Rows) (err error) {
			s.TopActors, err = pgx.CollectRows(rows, pgx.RowToStructByPos[ActorCount])
			return err
		})
	err = l.readOnce(ctx, ledger, &q)
	if tooLong(err) {
		err = &audit.Error{Code: audit.Unavailable, Message: "counting takes too long; ask for a shorter period", Err: err}
	}
	if err != nil {
		return s, fmt.Errorf("count entries: %w", err)
	}
	return s, nil
}

// countable returns Archived when entries would have to be counted one by one that
// are in the archive. Whole days without constraints never have to.
func (l *Log) countable(ctx context.Context, ledger int32, p audit.Period, c audit.Constraints) error {
	if len(c.Frameworks) > 0 || len(c.Repositories) > 0 {
		return l.Online(ctx, ledger, p)
	}
	_, _, edges := split(p.Intersect(c.Period()))
	for _, e := range edges {
		if err := l.Online(ctx, ledger, e.Period); err != nil {
			return err
		}
	}
	return nil
}

func (s *Statistics) add(kind, name, part string, n int64) {
	if kind == rollupRepository {
		s.ByRepository[name] += n
		return
	}
	s.Total += n
	s.ByType[name] += n
	s.ByActorType[part] += n
}

// edge is a span of time inside one or two days, whose entries are counted one
// by one and added, or taken off.
type edge struct {
	audit.Period
	sign int
}

// split divides a period into the days [first, end), counted by roll-ups, and
// edges. At a bound that is no midnight the smaller part of the day is an edge:
// added, or taken off the whole day.
func split(p audit.Period) (first, end time.Time, edges []edge) {
	const day = 24 * time.Hour
	if p.Until.Sub(p.From) < day {
		return p.From, p.From, []edge{{p, 1}}
	}
	if first = timeOfDay(dayOf(p.From)); first.Before(p.From) {
		if next := first.Add(day); next.Sub(p.From) <= day/2 {
			first = next
			edges = append(edges, edge{audit.Period{From: p.From, Until: next}, 1})
		} else {
			edges = append(edges, edge{audit.Period{From: first, Until: p.From}, -1})
		}
	}
	if end = timeOfDay(dayOf(p.Until)); end.Before(p.Until) {
		if next := end.Add(day); p.Until.Sub(end) <= day/2 {
			edges = append(edges, edge{audit.Period{From: end, Until: p.Until}, 1})
		} else {
			end = next
			edges = append(edges, edge{audit.Period{From: p.Until, Until: next}, -1})
		}
	}
	return first, end, edges
}

// countsOf is a statement for rows of kind, name, part and entries that add up
// to the counts of a period, of the kinds in @kinds and the ledger @ledger.
func countsOf(p audit.Period, c audit.Constraints) (sql string, args pgx.NamedArgs) {
	if len(c.Frameworks) > 0 || len(c.Repositories) > 0 {
		args = pgx.NamedArgs{}
		return `select k.kind, k.name, k.part, 1::bigint as entries from payload p ` + keysOfPayload +
			` where k.kind = any(@kinds) and ` + conditions(audit.Filter{Period: p, Within: c}, args), args
	}
	p = p.Intersect(c.Period())
	first, end, edges := split(p)
	args = pgx.NamedArgs{"first": first, "end": end}
	var parts []string
	if first.Before(end) {
		parts = append(parts, `
			select r.kind, r.name, r.part, r.entries from rollup r
			where r.ledger = @ledger and r.kind = any(@kinds) and r.day >= @first::date and r.day < @end::date`)
	}
	for i, e := range edges {
		from, until := fmt.Sprint("from", i), fmt.Sprint("until", i)
		args[from], args[until] = e.From, e.Until
		parts = append(parts, fmt.Sprintf(`
			select k.kind, k.name, k.part, %d::bigint as entries from payload p %s
			where p.ledger = @ledger and p.event_time >= @%s and p.event_time < @%s and k.kind = any(@kinds)`, e.sign, keysOfPayload, from, until))
	}
	return strings.Join(parts, " union all "), args
}
