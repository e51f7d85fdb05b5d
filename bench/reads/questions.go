package main

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// question is asked over HTTP and in SQL, with parameters of the same ranges.
type question struct {
	name   string
	target target
	ask    func(*rand.Rand) string // path and query, below the API's mount
	script string                  // of pgbench
	check  func(context.Context) error
}

// target is what has to be met. Zero is no bound.
type target struct {
	Ratio float64 `json:"of_sql_p50,omitempty"` // p50, divided by the statement's
	P99   float64 `json:"p99_ms,omitempty"`
}

func (t target) String() string {
	if t == (target{}) {
		return "–"
	}
	if t.Ratio > 0 {
		return fmt.Sprintf("p50 ≤ %g × SQL, p99 < %g ms", t.Ratio, t.P99)
	}
	return fmt.Sprintf("p99 ≤ %g ms", t.P99)
}

func (t target) met(l line) bool {
	return (t.Ratio == 0 || l.Ratio <= t.Ratio) && (t.P99 == 0 || l.API.P99 <= t.P99)
}

// pageLimit is the API's default.
const pageLimit = audit.DefaultPageLimit

// firstDay of the data; windows lie between it and the last year's end.
var (
	firstDay = time.Date(lastYear-years+1, 1, 1, 0, 0, 0, 0, time.UTC)
	endDay   = time.Date(lastYear+1, 1, 1, 0, 0, 0, 0, time.UTC)
	allDays  = int(endDay.Sub(firstDay) / (24 * time.Hour))
)

// drawn are parameters out of the data.
type drawn struct {
	*dataset
	server *server
	size   int64    // entries when the parameters were drawn
	ids    []string // of random entries
	rare   []string // words that a few entries have
	common []string // words that many have
	types  []string
}

// draws is how many ids and rare words are drawn.
const draws = 10_000

func (d *dataset) draw(ctx context.Context, s *server) (*drawn, error) {
	p := &drawn{dataset: d, server: s}
	if err := d.admin.QueryRow(ctx, `select size from head where ledger = $1`, d.state.Ledger).Scan(&p.size); err != nil {
		return nil, fmt.Errorf("draw parameters: %w", err)
	}
	random := rand.New(rand.NewPCG(seed, 0))
	seqs := make([]int64, draws)
	for i := range seqs {
		seqs[i] = random.Int64N(p.size)
	}
	for sql, into := range map[string]*[]string{
		`select 'audit_entry_' || to_char(p.recorded_at at time zone 'UTC', 'YYYYMMDD') || '_' || lpad(p.seq::text, greatest(6, length(p.seq::text)), '0')
			from unnest($2::bigint[]) s (seq) join payload p on p.ledger = $1 and p.seq = s.seq`: &p.ids,
		`select distinct split_part(resource_id, '_', 4) from unnest($2::bigint[]) s (seq) join payload p on p.ledger = $1 and p.seq = s.seq
			where p.event_type = 'scan.started'`: &p.rare,
		`select distinct event_type from unnest($2::bigint[]) s (seq) join payload p on p.ledger = $1 and p.seq = s.seq
			where p.event_type not like 'audit.%'`: &p.types,
	} {
		rows, err := d.admin.Query(ctx, sql, d.state.Ledger, seqs)
		if err != nil {
			return nil, fmt.Errorf("draw parameters: %w", err)
		}
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				return nil, err
			}
			*into = append(*into, s)
		}
		if err := rows.Err(); err != nil {
			return nil, fmt.Errorf("draw parameters: %w", err)
		}
	}
	p.common = []string{"engineer", "console", "scan", "approval"}
	return p, nil
}

func pick(r *rand.Rand, from []string) string { return from[r.IntN(len(from))] }

// list is a SQL array.
func list(words []string) string { return "array['" + strings.Join(words, "','") + "']" }

// cursorAt is a cursor as the API gives it: version, direction, number.
func cursorAt(seq int64) string {
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint64([]byte{1, 0}, uint64(seq)))
}

const entryColumns = `e.seq, e.event_id, e.record, e.leaf, p.recorded_at, p.seed, p.fields, p.event_time`

// columns make the statements return what the API needs for the same answer.
func (p *drawn) questions() []question {
	l := p.state.Ledger
	day := func(r *rand.Rand, span int) time.Time { return firstDay.AddDate(0, 0, r.IntN(allDays-span)) }
	week := func(r *rand.Rand, more string) string {
		from := day(r, 7)
		return fmt.Sprintf("/logs?event_type=%s&from=%s&to=%s%s", pick(r, p.types), from.Format(time.DateOnly), from.AddDate(0, 0, 6).Format(time.DateOnly), more)
	}
	// Both ends are inside a day.
	year := func(r *rand.Rand) (from, until time.Time) {
		from = day(r, 366).Add(time.Duration(r.IntN(86_400)) * time.Second)
		return from, from.AddDate(0, 0, 365)
	}
	sets := fmt.Sprintf("\\set seq random(0, %d)\n\\set day random(0, %d)\n\\set second random(0, 86399)\n", p.size-1, allDays-8)
	sets += fmt.Sprintf("\\set type random(1, %d)\n\\set rare random(1, %d)\n\\set common random(1, %d)\n\\set start random(0, %d)\n", len(p.types), len(p.rare), len(p.common), allDays-367)
	inWeek := fmt.Sprintf(`p.ledger = %d and p.event_type = (%s)[:type] and p.event_time >= timestamptz '%s' + :day * interval '1 day' and p.event_time < timestamptz '%[3]s' + (:day + 7) * interval '1 day'`,
		l, list(p.types), firstDay.Format(time.DateOnly))
	page := func(where, more string) string {
		return fmt.Sprintf(`select %s%s from (select p.seq, p.recorded_at from payload p where %s order by p.seq desc limit %d) f
			join payload p on p.ledger = %d and p.seq = f.seq and p.recorded_at = f.recorded_at join entry e on e.ledger = %[5]d and e.seq = f.seq order by e.seq desc`,
			entryColumns, more, where, pageLimit+1, l)
	}
	searched := func(words string) string {
		return fmt.Sprintf(`with q as (select plainto_tsquery('simple', %s) as q),
			m as materialized (select t.seq, ts_rank_cd('{1,1,1,1}', t.sensitive, q.q, 32) as score
				from q, lateral (select seq, sensitive from search_text t where t.ledger = %d and t.sensitive @@ q.q order by t.seq desc limit %d) t)
			select (select count(*) from m), m.score, ts_headline('simple', p.fields, q.q), %s
			from q, (select * from m order by score desc, seq desc limit 20) m join payload p on p.ledger = %[2]d and p.seq = m.seq
			join entry e on e.ledger = %[2]d and e.seq = m.seq order by m.score desc, m.seq desc`, words, l, audit.MaxSearchMatches+1, entryColumns)
	}
	inYear := fmt.Sprintf(`ledger = %d and event_time >= timestamptz '%s' + :start * interval '1 day' + :second * interval '1 second' and event_time < timestamptz '%[2]s' + (:start + 365) * interval '1 day' + :second * interval '1 second'`,
		l, firstDay.Format(time.DateOnly))
	asSQL := target{Ratio: 2, P99: 25}
	counted := target{P99: 100}
	return []question{
		{ // what a request and a statement cost that read nothing
			name: "permissions", script: "select 1;\n",
			ask: func(*rand.Rand) string { return "/permissions" },
		},
		{
			name: "list, a type in a week, with its total", target: asSQL, script: sets + page(inWeek, ", (select count(*) from payload p where "+inWeek+")") + ";\n",
			ask: func(r *rand.Rand) string { return week(r, "") },
		},
		{
			name: "list, a type in a week", target: asSQL, script: sets + page(inWeek, "") + ";\n",
			ask: func(r *rand.Rand) string { return week(r, "&include_total=false") },
		},
		{
			name: "cursor, anywhere", target: asSQL, script: sets + page(fmt.Sprintf("p.ledger = %d and p.seq < :seq", l), "") + ";\n",
			ask: func(r *rand.Rand) string {
				return "/entries?include_total=false&cursor=" + cursorAt(r.Int64N(p.size))
			},
		},
		{
			name: "statistics of a year", target: counted, check: p.checkStatistics,
			ask: func(r *rand.Rand) string { return statisticsPath(year(r)) },
			script: sets + `select event_type, actor_type, coalesce(repository_name, repository_id), coalesce(actor_email, actor_id), count(*) from payload where ` + inYear + `
				group by grouping sets ((event_type), (actor_type), (coalesce(repository_name, repository_id)), (coalesce(actor_email, actor_id)));` + "\n",
		},
		{
			name: "history by week, a year of open issues", target: counted,
			ask: func(r *rand.Rand) string {
				from, until := year(r)
				return fmt.Sprintf("/history?metric=issues&interval=week&from=%s&to=%s", from.Format(time.DateOnly), until.Format(time.DateOnly))
			},
			script: sets + fmt.Sprintf(`select week, sum(n) over (order by week) from (
				select date_trunc('week', event_time) as week, count(*) filter (where event_type = 'issue.created') - count(*) filter (where event_type = 'issue.resolved') as n
				from payload where ledger = %d and event_type in ('issue.created', 'issue.resolved') and event_time < timestamptz '%s' + (:start + 365) * interval '1 day' group by 1) w order by week desc limit 53;`+"\n",
				l, firstDay.Format(time.DateOnly)),
		},
		{
			name: "search, a rare word", target: target{P99: 200}, script: sets + searched(fmt.Sprintf("(%s)[:rare]", list(p.rare))) + ";\n",
			ask: func(r *rand.Rand) string { return "/search?limit=20&q=" + url.QueryEscape(pick(r, p.rare)) },
		},
		{
			name: "search, a common word", target: target{P99: 1000}, script: sets + searched(fmt.Sprintf("(%s)[:common]", list(p.common))) + ";\n",
			ask: func(r *rand.Rand) string { return "/search?limit=20&q=" + url.QueryEscape(pick(r, p.common)) },
		},
		{
			name: "detail", target: asSQL,
			ask: func(r *rand.Rand) string { return "/entries/" + pick(r, p.ids) },
			script: sets + fmt.Sprintf("select %s from entry e join payload p on p.ledger = e.ledger and p.seq = e.seq where e.ledger = %d and e.seq = :seq and p.seq = :seq;\n",
				entryColumns, l),
		},
	}
}

func statisticsPath(from, until time.Time) string {
	last := until.Add(-time.Second) // it belongs to the period
	return fmt.Sprintf("/statistics?from=%s&to=%s", from.Format(time.RFC3339), last.Format(time.RFC3339))
}

// checkStatistics compares some answers with a full count: the roll-ups and the
// entries have to say the same.
func (p *drawn) checkStatistics(ctx context.Context) error {
	c, err := p.server.dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	random := rand.New(rand.NewPCG(seed, 1))
	for range 3 {
		from := firstDay.Add(time.Duration(random.IntN(allDays-366)) * 24 * time.Hour).Add(time.Duration(random.IntN(86_400)) * time.Second)
		until := from.AddDate(0, 0, 365)
		body, err := c.get(statisticsPath(from, until))
		if err != nil {
			return err
		}
		var answer struct {
			Data struct {
				Total int64            `json:"total_events"`
				Types map[string]int64 `json:"events_by_type"`
			}
		}
		if err := json.Unmarshal(body, &answer); err != nil {
			return fmt.Errorf("read statistics: %w", err)
		}
		rows, err := p.admin.Query(ctx, `select event_type, count(*) from payload where ledger = $1 and event_time >= $2 and event_time < $3 group by 1`, p.state.Ledger, from, until)
		if err != nil {
			return fmt.Errorf("count again: %w", err)
		}
		var total int64
		for rows.Next() {
			var eventType string
			var n int64
			if err := rows.Scan(&eventType, &n); err != nil {
				return err
			}
			if total += n; answer.Data.Types[eventType] != n {
				return fmt.Errorf("from %s to %s there are %d entries of %s, and the statistics say %d", from, until, n, eventType, answer.Data.Types[eventType])
			}
		}
		if err := rows.Err(); err != nil {
			return fmt.Errorf("count again: %w", err)
		}
		if total != answer.Data.Total {
			return fmt.Errorf("from %s to %s there are %d entries, and the statistics say %d", from, until, total, answer.Data.Total)
		}
	}
	return nil
}
