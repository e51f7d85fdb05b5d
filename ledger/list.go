package ledger

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// List is a page of entries.
type List struct {
	Rows       []Row
	Total      int64  // -1 when not counted
	More       bool   // whether there are entries after this page
	NextCursor string // asks for what comes after this page; "" when nothing ever will
}

// List returns the entries that match, by number: newest first, or oldest
// first. A cursor names the number after which the next page starts; since
// numbers are given in commit order, nothing can appear behind a cursor that
// was given. An ascending list therefore always has one: what is appended
// later comes after it. Returns InvalidCursor or PaginationTooDeep.
func (l *Log) List(ctx context.Context, ledger int32, f audit.Filter, p audit.Page) (List, error) {
	if p.Limit <= 0 {
		p.Limit = audit.DefaultPageLimit
	}
	p.Limit = min(p.Limit, audit.MaxPageLimit)
	if p.Offset > audit.MaxOffset {
		return List{}, audit.Errorf(audit.PaginationTooDeep, "a list can be entered at most %d entries deep by offset; use cursor", audit.MaxOffset)
	}
	args := pgx.NamedArgs{"ledger": ledger, "limit": p.Limit + 1, "offset": p.Offset}
	paged := conditions(f, args)
	order := "desc"
	if p.Ascending {
		order = "asc"
	}
	if p.Cursor != "" {
		after, err := parseCursor(p.Cursor, p.Ascending)
		if err != nil {
			return List{}, err
		}
		args["after"] = after
		paged += map[bool]string{true: " and p.seq > @after", false: " and p.seq < @after"}[p.Ascending]
	}
	out := List{Total: -1}
	var q pgx.Batch
	q.Queue(`
		select `+rowColumns+`
		from (select p.seq, p.recorded_at from payload p where `+paged+` order by p.seq `+order+` limit @limit offset @offset) found
		join payload p on p.ledger = @ledger and p.seq = found.seq and p.recorded_at = found.recorded_at
		join entry e on e.ledger = @ledger and e.seq = found.seq
		order by e.seq `+order, args).Query(func(rows pgx.Rows) (err error) {
		out.Rows, err = pgx.CollectRows(rows, collectRow)
		return err
	})
	if p.Total {
		queueTotal(&q, ledger, f, &out.Total)
	}
	if err := l.readOnce(ctx, ledger, &q); err != nil {
		return List{}, fmt.Errorf("list entries: %w", err)
	}
	if len(out.Rows) > p.Limit {
		out.Rows, out.More = out.Rows[:p.Limit], true
	}
	switch n := len(out.Rows); {
	case n > 0 && (out.More || p.Ascending):
		out.NextCursor = formatCursor(out.Rows[n-1].Seq, p.Ascending)
	case n == 0 && p.Ascending:
		out.NextCursor = p.Cursor
	}
	return out, nil
}

// queueTotal counts the entries that match, exactly. What the head or the
// roll-ups say is not counted again: all of a ledger, and types and periods.
func queueTotal(q *pgx.Batch, ledger int32, f audit.Filter, n *int64) {
	count := func(sql string, args pgx.NamedArgs) {
		args["ledger"] = ledger
		q.Queue(sql, args).QueryRow(func(row pgx.Row) error { return row.Scan(n) })
	}
	rest := f
	rest.Types, rest.Period, rest.EmailsMasked = nil, audit.Period{}, false
	p := f.Period
	switch {
	case !rest.Empty():
		args := pgx.NamedArgs{}
		count(`select count(*) from payload p where `+conditions(f, args), args)
	case len(f.Types) == 0 && p == (audit.Period{}):
		count(`select size - (select coalesce(sum(entries - held), 0)::bigint from archive_segment s where ledger = @ledger and is_offline(s)) from head where ledger = @ledger`, pgx.NamedArgs{})
	default:
		if p.From.IsZero() {
			p.From = firstMoment
		}
		if p.Until.IsZero() {
			p.Until = lastMoment
		}
		if !p.From.Before(p.Until) {
			*n = 0
			return
		}
		counts, args := countsOf(p, audit.Constraints{})
		args["kinds"] = []string{rollupType}
		of := ""
		if len(f.Types) > 0 {
			of, args["types"] = ` where name = any(@types)`, f.Types
		}
		one := conditions(f, args)
		count(`select case when exists (select from archive_segment s where ledger = @ledger and is_offline(s))
			then (select count(*) from payload p where `+one+`)
			else (select coalesce(sum(entries), 0)::bigint from (`+counts+`) counted`+of+`) end`, args)
	}
}

// Between these midnights lie all times that an event can have: RFC 3339 has
// years of four digits, and none is far in the future.
var (
	firstMoment = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, -2) // of year 0, in whatever zone it was written
	lastMoment  = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
)

// Range returns the smallest range that holds every entry that matches f, and
// how many match; first is -1 when none does. Returns Archived when entries of its
// period are in the archive alone.
func (l *Log) Range(ctx context.Context, ledger int32, f audit.Filter) (first, end, count int64, err error) {
	if err := l.Online(ctx, ledger, f.Period); err != nil {
		return 0, 0, 0, err
	}
	return l.OnlineRange(ctx, ledger, f)
}

// OnlineRange is Range among the entries whose payloads are in the database.
func (l *Log) OnlineRange(ctx context.Context, ledger int32, f audit.Filter) (first, end, count int64, err error) {
	args := pgx.NamedArgs{"ledger": ledger}
	err = l.read(ctx, ledger, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select coalesce(min(p.seq), -1), coalesce(max(p.seq), -2) + 1, count(*) from payload p where `+conditions(f, args), args).
			Scan(&first, &end, &count)
	})
	if err != nil {
		return 0, 0, 0, fmt.Errorf("find range: %w", err)
	}
	return first, end, count, nil
}

// WindowRange is OnlineRange, and takes in what of the period is not in the database:
// segments as a whole, because what their entries are is in their files. Of entries
// that a credential does not cover nothing is told, so constraints leave them out.
func (l *Log) WindowRange(ctx context.Context, ledger int32, f audit.Filter) (first, end, count int64, err error) {
	first, end, count, err = l.OnlineRange(ctx, ledger, f)
	if err != nil || !f.Within.Empty() {
		return first, end, count, err
	}
	err = l.read(ctx, ledger, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `
			select coalesce(least(nullif($4::bigint, -1), min(lower(seqs))), -1), greatest($5::bigint, coalesce(max(upper(seqs)), -1))
			from archive_segment s where ledger = $1 and event_from < $2 and event_until >= $3 and is_offline(s)`,
			ledger, orLast(f.Period.Until), orFirst(f.Period.From), first, end).Scan(&first, &end)
	})
	if err != nil {
		return 0, 0, 0, fmt.Errorf("find range: %w", err)
	}
	return first, end, count, nil
}

// conditions turns f into SQL over payload p, with its values in args.
func conditions(f audit.Filter, args pgx.NamedArgs) string {
	where := []string{"p.ledger = @ledger"}
	add := func(condition, name string, value any) {
		where = append(where, condition)
		args[name] = value
	}
	if !f.Period.From.IsZero() {
		add("p.event_time >= @from", "from", f.Period.From)
	}
	if !f.Period.Until.IsZero() {
		add("p.event_time < @until", "until", f.Period.Until)
	}
	if f.OnHold {
		add("is_held(p, @holds::text[])", "holds", append([]string{}, f.HeldBy...))
	}
	if len(f.Types) > 0 {
		add("p.event_type = any(@types)", "types", f.Types)
	}
	switch {
	case f.Actor != "" && f.EmailsMasked:
		add("@actor in (p.actor_type, p.actor_id)", "actor", f.Actor)
	case f.Actor != "":
		add("@actor in (p.actor_type, p.actor_id, p.actor_email)", "actor", f.Actor)
	}
	if f.Framework != "" {
		add("@framework = any(p.frameworks)", "framework", string(f.Framework))
	}
	within(f.Within, add)
	if f.Category != "" { // what is shown as the category: see audit.Event.ShownCategory
		add("(p.category = @category or p.category is null and p.event_type = @category and p.event_type <> p.event_class)", "category", f.Category)
	}
	for _, equal := range []struct{ column, value string }{
		{"event_class", string(f.Class)}, {"actor_id", f.UserID},
		{"resource_type", f.ResourceType}, {"resource_id", f.ResourceID}, {"repository_id", f.RepositoryID},
		{"severity", string(f.Severity)},
	} {
		if equal.value != "" {
			add("p."+equal.column+" = @"+equal.column, equal.column, equal.value)
		}
	}
	return strings.Join(where, " and ")
}

// within is [audit.Constraints.Covers] as SQL. A page, its total and the range
// that a filter spans all know it, so what is not covered cannot be counted
// either.
func within(c audit.Constraints, add func(condition, name string, value any)) {
	if c.Empty() {
		return
	}
	period := c.Period()
	if !period.From.IsZero() {
		add("p.event_time >= @within_from", "within_from", period.From)
	}
	if !period.Until.IsZero() {
		add("p.event_time < @within_until", "within_until", period.Until)
	}
	if len(c.Frameworks) > 0 {
		add("p.frameworks && @within_frameworks::text[]", "within_frameworks", c.Frameworks)
	}
	if len(c.Repositories) > 0 {
		add("p.repository_id = any(@within_repositories)", "within_repositories", c.Repositories)
	}
}

// A cursor is a version byte, the direction and the last number shown. It is
// opaque so that its content can change.
const cursorVersion = 1

func formatCursor(seq int64, ascending bool) string {
	b := []byte{cursorVersion, 0}
	if ascending {
		b[1] = 1
	}
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint64(b, uint64(seq)))
}

func parseCursor(s string, ascending bool) (int64, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != 10 || b[0] != cursorVersion || !slices.Contains([]byte{0, 1}, b[1]) {
		return 0, audit.Errorf(audit.InvalidCursor, "the cursor is not one that this API gave")
	}
	if (b[1] == 1) != ascending {
		return 0, audit.Errorf(audit.InvalidCursor, "the cursor is of a list in the other order")
	}
	seq := int64(binary.BigEndian.Uint64(b[2:]))
	if seq < 0 {
		return 0, audit.Errorf(audit.InvalidCursor, "the cursor is not one that this API gave")
	}
	return seq, nil
}
