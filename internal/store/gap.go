package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// Gap is a gap's row. Assessments own all but the last five fields, which are
// people's.
type Gap struct {
	Ledger      int32
	ID          string
	Kind        audit.GapKind
	Framework   audit.Framework
	Requirement string
	CheckID     string
	Title       string
	Severity    audit.Severity
	Major       bool
	Description string
	Entries     JSON[[]string]
	Failed      int64
	ThroughSeq  *int64
	SpanDays    int
	DetectedAt  time.Time
	OpenedBy    audit.AssessmentID
	SeenBy      audit.AssessmentID
	OpenedAt    time.Time
	ClosedAt    *time.Time

	Version int
	Status  audit.GapStatus
	Owner   *string
	Plan    *string
	DueAt   *time.Time
	Reason  *string
}

const gapColumns = `ledger, id, kind, framework, requirement, check_id, title, severity, major, description, entries, failed, through_seq, span_days,
	detected_at, opened_by, seen_by, opened_at, closed_at, version, status, owner, plan, due_at, reason`

// GapFilter selects gaps of one kind; what is empty selects all.
type GapFilter struct {
	Kind      audit.GapKind
	Framework audit.Framework
	Status    audit.GapStatus
	Living    bool // neither closed nor resolved
	Within    audit.Constraints
}

// coveredGap is what a reader who is limited may see: a gap of a covered framework whose
// entries and numbers are those of an assessment of a covered period. After a pass they
// are those of an assessment before the one that saw it last.
var coveredGap = ` and (@all or gap.passes = 0 and exists (select from assessment where assessment.id = gap.seen_by` + coveredResults("array[gap.framework]") + `))`

func (f GapFilter) where() (string, pgx.NamedArgs) {
	args := pgx.NamedArgs{"kind": f.Kind, "framework": f.Framework, "status": f.Status, "living": f.Living, "all": f.Within.Empty()}
	return ` from gap where ledger = @ledger and kind = @kind and (@framework = '' or framework = @framework) and (@status = '' or status = @status)
		and (not @living or closed_at is null)` + coveredGap, within(f.Within, args)
}

// Gap returns a gap of a kind that c covers, or NotFound.
func (s *Store) Gap(ctx context.Context, ledger int32, kind audit.GapKind, id string, c audit.Constraints) (Gap, error) {
	return one[Gap](ctx, s.pool, "read gap", `select `+gapColumns+` from gap where ledger = @ledger and kind = @kind and id = @id`+coveredGap,
		within(c, pgx.NamedArgs{"ledger": ledger, "kind": kind, "id": id, "all": c.Empty()}))
}

// Gaps lists an organisation's gaps, newest first, and counts them all.
func (s *Store) Gaps(ctx context.Context, ledger int32, f GapFilter, limit, offset int) (list []Gap, total int64, err error) {
	where, args := f.where()
	args["ledger"], args["limit"], args["offset"] = ledger, limit, offset
	rows, err := s.pool.Query(ctx, `select `+gapColumns+where+` order by opened_at desc, id desc limit @limit offset @offset`, args)
	if err != nil {
		return nil, 0, translate("list gaps", err)
	}
	if list, err = pgx.CollectRows(rows, pgx.RowToStructByName[Gap]); err != nil {
		return nil, 0, translate("list gaps", err)
	}
	err = s.pool.QueryRow(ctx, `select count(*)`+where, args).Scan(&total)
	return list, total, translate("count gaps", err)
}

// Risks counts the gaps of a framework, or of all, that nobody has accepted, by
// severity, as they were at a time.
func (s *Store) Risks(ctx context.Context, ledger int32, f audit.Framework, at time.Time) (map[audit.Severity]int, error) {
	rows, err := s.pool.Query(ctx, `
		select severity, count(*) from gap
		where ledger = $1 and ($2 = '' or framework = $2) and opened_at <= $3 and (closed_at is null or closed_at > $3) and status <> 'accepted'
		group by severity`, ledger, string(f), at)
	if err != nil {
		return nil, translate("count risks", err)
	}
	counts := map[audit.Severity]int{}
	var severity audit.Severity
	var n int
	_, err = pgx.ForEachRow(rows, []any{&severity, &n}, func() error {
		counts[severity] = n
		return nil
	})
	return counts, translate("count risks", err)
}

// ChangeGap stores what people say of a gap that has the version, as of a time.
// Returns PreconditionFailed when it has another one, and InvalidState when it
// cannot be open because a later violation of the same rule is.
func ChangeGap(g Gap, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			update gap set status = $4, owner = $5, plan = $6, due_at = $7, reason = $8, version = version + 1,
				closed_at = case when $4 = 'resolved' then $9::timestamptz end
			where ledger = $1 and id = $2 and version = $3 and status <> 'closed'`,
			g.Ledger, g.ID, g.Version, g.Status, g.Owner, g.Plan, g.DueAt, g.Reason, at)
		if err == nil && tag.RowsAffected() == 0 {
			return audit.Errorf(audit.PreconditionFailed, "it was changed since it was read; get it again")
		}
		return translate("change gap", err)
	}
}

// Assessed is what an assessment says of gaps.
type Assessed struct {
	Gaps   []Gap    // findings and violations as they are now; ids and what is people's are not set
	Passed []Passed // requirements that hold
}

// Passed is a requirement that holds over a number of days.
type Passed struct {
	Framework   audit.Framework
	Requirement string
	SpanDays    int
}

// Of assessments that close a finding.
const (
	closingPasses   = 2  // in a row
	closingSpanDays = 90 // a pass counts over a period as long as that in which it was found, or over this
)

// ApplyAssessed opens, updates and closes gaps. It runs in the transaction that
// holds the ledger's head, so numbers are given one after the other.
func ApplyAssessed(ledger int32, id audit.AssessmentID, found Assessed, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		for _, g := range found.Gaps {
			g.Ledger, g.OpenedBy, g.OpenedAt = ledger, id, at
			var err error
			if g.Kind == audit.FindingGap {
				err = openFinding(ctx, tx, g)
			} else {
				err = openViolation(ctx, tx, g)
			}
			if err != nil {
				return err
			}
		}
		for _, p := range found.Passed {
			_, err := tx.Exec(ctx, `
				update gap set passes = passes + 1, seen_by = $5,
					status = case when passes + 1 >= $6 then 'closed' else status end, closed_at = case when passes + 1 >= $6 then $7::timestamptz end
				where ledger = $1 and kind = 'finding' and framework = $2 and requirement = $3 and status <> 'closed' and least(span_days, $8) <= $4`,
				ledger, p.Framework, p.Requirement, p.SpanDays, id, closingPasses, at, closingSpanDays)
			if err != nil {
				return translate("close finding", err)
			}
		}
		return nil
	}
}

var findingPrefixes = map[audit.Framework]string{
	audit.FDA21CFR11: "FDA", audit.SOC2: "SOC2", audit.ISO27001: "ISO", audit.GDPR: "GDPR", audit.SOX: "SOX", audit.NISTCSF: "NIST",
}

const insertGap = `
	insert into gap (ledger, id, kind, number, framework, requirement, check_id, title, severity, major, status, description, entries, failed, through_seq,
		span_days, detected_at, opened_by, seen_by, opened_at, due_at)
	select @ledger, @prefix || '_' || lpad(n::text, greatest(3, length(n::text)), '0'), @kind, n, @framework, @requirement, @check, @title, @severity, @major, 'open',
		@description, @entries, @failed, @through, @span, @detected, @assessment, @assessment, @at, @due `

func (g *Gap) arguments(prefix string) (pgx.NamedArgs, error) {
	entries, err := json.Marshal(g.Entries.V)
	if err != nil {
		return nil, fmt.Errorf("encode entries: %w", err)
	}
	return pgx.NamedArgs{
		"ledger": g.Ledger, "prefix": prefix, "kind": g.Kind, "framework": g.Framework, "requirement": g.Requirement, "check": g.CheckID, "title": g.Title,
		"severity": g.Severity, "major": g.Major, "description": g.Description, "entries": string(entries), "failed": g.Failed, "through": g.ThroughSeq,
		"span": g.SpanDays, "detected": g.DetectedAt, "assessment": g.OpenedBy, "at": g.OpenedAt, "due": g.DueAt,
	}, nil
}

const updateGap = ` do update set title = excluded.title, severity = excluded.severity, major = excluded.major, description = excluded.description,
	entries = excluded.entries, failed = excluded.failed, through_seq = excluded.through_seq, span_days = excluded.span_days, seen_by = excluded.seen_by, passes = 0`

func openFinding(ctx context.Context, tx pgx.Tx, g Gap) error {
	args, err := g.arguments(findingPrefixes[g.Framework])
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, insertGap+`
		from (select coalesce(max(number), 0) + 1 as n from gap where ledger = @ledger and kind = 'finding' and framework = @framework) as next
		on conflict (ledger, framework, requirement) where kind = 'finding' and status <> 'closed'`+updateGap, args)
	return translate("open finding", err)
}

// openViolation leaves alone what a person has resolved or accepted: a violation
// is opened for entries that came after those. What has no entry, as a ledger
// that does not verify, is there again as long as it is found.
func openViolation(ctx context.Context, tx pgx.Tx, g Gap) error {
	args, err := g.arguments("viol_" + g.DetectedAt.UTC().Format("20060102"))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, insertGap+`
		from (select coalesce(max(number), 0) + 1 as n from gap where ledger = @ledger and kind = 'violation' and id like replace(@prefix, '_', '\_') || '\_%') as next
		where @through::bigint is null or not exists (
			select from gap old where old.ledger = @ledger and old.kind = 'violation' and old.framework = @framework and old.requirement = @requirement
				and old.check_id = @check and old.status in ('resolved', 'accepted') and old.through_seq >= @through)
		on conflict (ledger, framework, requirement, check_id) where kind = 'violation' and status in ('open', 'in_progress')`+updateGap, args)
	return translate("open violation", err)
}
