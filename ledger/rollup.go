package ledger

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// Kinds of roll-up rows. What name and part are of each says the table's
// comment in the schema.
const (
	rollupType       = "type"
	rollupRepository = "repository"
	rollupActor      = "actor"
	rollupMetric     = "metric"
)

// Types that the history counts: issues that are open, and fixes.
const (
	IssueCreated  = "issue.created"
	IssueResolved = "issue.resolved"
	FixApplied    = "fix.applied"
)

// metricTypes are counted by repository.
var metricTypes = []string{IssueCreated, IssueResolved, FixApplied}

// The parts of an actor's row.
const (
	actorByEmail = "email"
	actorByID    = "id"
)

// rollupKey names one row of the roll-ups.
type rollupKey struct {
	ledger int32
	kind   string
	day    int64 // since 1970-01-01
	name   string
	part   string
}

// rollups are the counts of a batch, which make one row of many entries.
type rollups map[rollupKey]int64

const secondsPerDay = 24 * 60 * 60

// dayOf is the day in UTC, as a number.
func dayOf(t time.Time) int64 {
	s := t.Unix()
	if s < 0 {
		s -= secondsPerDay - 1 // rounds down, as for the days from 1970 on
	}
	return s / secondsPerDay
}

func timeOfDay(day int64) time.Time { return time.Unix(day*secondsPerDay, 0).UTC() }

// add counts an entry, under the same rows as rollup_keys in the schema.
func (r rollups) add(ledger int32, p *Projection) {
	k := rollupKey{ledger: ledger, day: dayOf(p.EventTime)}
	count := func(kind, name, part string) {
		k.kind, k.name, k.part = kind, name, part
		r[k]++
	}
	count(rollupType, p.EventType, valueOf(p.ActorType))
	count(rollupRepository, cmp.Or(valueOf(p.RepositoryName), valueOf(p.RepositoryID)), "")
	switch {
	case p.ActorEmail != nil:
		count(rollupActor, *p.ActorEmail, actorByEmail)
	case p.ActorID != nil:
		count(rollupActor, *p.ActorID, actorByID)
	}
	if p.RepositoryID != nil && slices.Contains(metricTypes, p.EventType) {
		count(rollupMetric, *p.RepositoryID, p.EventType)
	}
}

// valueOf is the inverse of optional.
func valueOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func compareRollups(a, b rollupKey) int {
	return cmp.Or(cmp.Compare(a.ledger, b.ledger), cmp.Compare(a.kind, b.kind), cmp.Compare(a.day, b.day),
		cmp.Compare(a.name, b.name), cmp.Compare(a.part, b.part))
}

const upsertRollups = `
	insert into rollup (ledger, kind, day, name, part, entries)
	select * from unnest($1::int[], $2::text[], $3::date[], $4::text[], $5::text[], $6::bigint[])
	on conflict (ledger, kind, day, name, part) do update set entries = rollup.entries + excluded.entries`

// queue adds the counts to what a batch writes. The head's lock keeps everyone
// else from the rows of a ledger; they are sorted all the same, so that no two
// transactions could ever wait for each other, and neighbours share pages.
func (r rollups) queue(q *pgx.Batch) {
	keys := slices.SortedFunc(maps.Keys(r), compareRollups)
	ledgers, counts, days := make([]int32, len(keys)), make([]int64, len(keys)), make([]time.Time, len(keys))
	kinds, names, parts := make([]string, len(keys)), make([]string, len(keys)), make([]string, len(keys))
	for i, k := range keys {
		ledgers[i], kinds[i], days[i], names[i], parts[i], counts[i] = k.ledger, k.kind, timeOfDay(k.day), k.name, k.part, r[k]
	}
	q.Queue(upsertRollups, ledgers, kinds, days, names, parts, counts)
}

// keysOfPayload lists, for each payload row p, the roll-up rows k that it
// counts under.
const keysOfPayload = `cross join lateral rollup_keys(p.event_type, p.actor_type, p.actor_email, p.actor_id, p.repository_name, p.repository_id) k`

const compareWithRecount = `
	select coalesce(r.kind, c.kind), coalesce(r.day, c.day), coalesce(r.name, c.name), coalesce(r.entries, 0), coalesce(c.entries, 0)
	from (select kind, day, name, part, entries from rollup where ledger = $1) r
	full join (
		select k.kind, p.day, k.name, k.part, sum(p.entries)::bigint as entries
		from (
			select (event_time at time zone 'UTC')::date as day, event_type, actor_type, actor_email, actor_id, repository_name, repository_id, count(*) as entries
			from payload where ledger = $1 group by 1, 2, 3, 4, 5, 6, 7
		) p ` + keysOfPayload + `
		group by 1, 2, 3, 4
	) c using (kind, day, name, part)
	where %s
	order by 1, 2, 3 limit $2`

// checkRollups counts the ledger's payload rows again, whose columns have been
// compared with the hashed content, and compares. The counts are of the whole
// ledger and not of a range. Where entries are wrong, counts are a consequence
// and no news.
func (v *verifier) checkRollups() error {
	whole := v.result.First == 0 && v.result.End == v.result.Checkpoint.Size
	if v.options.RecordsOnly || !whole && !v.options.Rollups || len(v.result.Counts) > 0 {
		return nil
	}
	differs := "r.entries is distinct from c.entries"
	if len(v.offline) > 0 {
		var there int64
		if err := v.tx.QueryRow(v.ctx, `select count(*) from payload where ledger = $1`, v.ledger).Scan(&there); err != nil {
			return fmt.Errorf("count the payloads: %w", err)
		}
		if there < v.result.Checkpoint.Size {
			// What is in segment files is counted, and not there to be counted
			// again: no count may be less than that of the rest, and all types
			// together are all entries.
			differs = "coalesce(r.entries, 0) < coalesce(c.entries, 0)"
			if err := v.countTypes(); err != nil {
				return err
			}
		}
	}
	// Counting keeps a group for every row; with little memory it would write
	// them to the disk and sort.
	if _, err := v.tx.Exec(v.ctx, `set local work_mem = '64MB'`); err != nil {
		return fmt.Errorf("recount the roll-ups: %w", err)
	}
	rows, err := v.tx.Query(v.ctx, fmt.Sprintf(compareWithRecount, differs), v.ledger, maxStrays)
	if err != nil {
		return fmt.Errorf("recount the roll-ups: %w", err)
	}
	var kind, name string
	var day time.Time
	var stored, counted int64
	_, err = pgx.ForEachRow(rows, []any{&kind, &day, &name, &stored, &counted}, func() error {
		of := ""
		if kind == rollupType { // the other names can be personal data
			of = fmt.Sprintf(" %.64q", name)
		}
		v.general(WrongRollup, "the roll-up by %s%s of %s counts %d entries, there are %d", kind, of, day.Format(time.DateOnly), stored, counted)
		return nil
	})
	if err != nil {
		return fmt.Errorf("recount the roll-ups: %w", err)
	}
	return nil
}

func (v *verifier) countTypes() error {
	var n, size int64
	err := v.tx.QueryRow(v.ctx, `
		select (select coalesce(sum(entries), 0)::bigint from rollup where ledger = $1 and kind = $2), (select size from head where ledger = $1)`, v.ledger, rollupType).Scan(&n, &size)
	if err != nil {
		return fmt.Errorf("recount the roll-ups: %w", err)
	}
	if n != size {
		v.general(WrongRollup, "the roll-ups by type count %d entries, there are %d", n, size)
	}
	return nil
}
