package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// Assessment is an assessment's row.
type Assessment struct {
	ID                audit.AssessmentID
	Ledger            int32
	Frameworks        []audit.Framework
	Catalogs          []audit.CatalogID // the organisation's own; none: by the shipped ones alone
	FromTime          time.Time
	UntilTime         time.Time
	PeriodName        string // as the request named it; "" when it gave bounds, or nothing
	RequestedBy       JSON[audit.Object]
	Status            audit.AssessmentStatus
	RunID             *string
	Error             *string
	Artifact          *JSON[audit.Artifact] // the whole result, of a completed one
	Summary           *json.RawMessage
	CancelRequestedAt *time.Time
	CreatedAt         time.Time
	CompletedAt       *time.Time
}

// Period is what is assessed.
func (a *Assessment) Period() audit.Period {
	return audit.Period{From: a.FromTime.UTC(), Until: a.UntilTime.UTC()}
}

const assessmentColumns = `id, ledger, frameworks, catalogs, from_time, until_time, period_name, requested_by, status, run_id, error, artifact, summary, cancel_requested_at, created_at, completed_at`

// Assessment returns an organisation's assessment, or NotFound.
func (s *Store) Assessment(ctx context.Context, ledger int32, id audit.AssessmentID) (Assessment, error) {
	return one[Assessment](ctx, s.pool, "read assessment", `select `+assessmentColumns+` from assessment where ledger = $1 and id = $2`, ledger, id)
}

// Covered reports whether who is limited by c may read the assessment. Rules of an
// organisation's own are of no framework that a limit names.
func (a *Assessment) Covered(c audit.Constraints) bool {
	return (len(a.Catalogs) == 0 || len(c.Frameworks) == 0) && c.CoversResult(a.Frameworks, a.Period())
}

// Assessments lists an organisation's assessments that c covers, newest first, and
// counts them all. Of one framework only, when it is named.
func (s *Store) Assessments(ctx context.Context, ledger int32, f audit.Framework, c audit.Constraints, limit, offset int) (list []Assessment, total int64, err error) {
	matching := ` from assessment where ledger = @ledger and (@framework = '' or @framework = any(frameworks))
		and (cardinality(@only::text[]) = 0 or cardinality(catalogs) = 0)` + coveredResults("frameworks")
	args := within(c, pgx.NamedArgs{"ledger": ledger, "framework": string(f), "limit": limit, "offset": offset})
	rows, err := s.pool.Query(ctx, `select `+assessmentColumns+matching+` order by created_at desc, id desc limit @limit offset @offset`, args)
	if err != nil {
		return nil, 0, translate("list assessments", err)
	}
	if list, err = pgx.CollectRows(rows, pgx.RowToStructByName[Assessment]); err != nil {
		return nil, 0, translate("list assessments", err)
	}
	err = s.pool.QueryRow(ctx, `select count(*)`+matching, args).Scan(&total)
	return list, total, translate("count assessments", err)
}

// InsertAssessment adds a queued assessment of an organisation together with the
// order to start its workflow.
func InsertAssessment(a Assessment, o audit.OrganisationID) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		by, err := json.Marshal(a.RequestedBy.V)
		if err != nil {
			return fmt.Errorf("encode requester: %w", err)
		}
		_, err = tx.Exec(ctx, `
			insert into assessment (id, ledger, frameworks, catalogs, from_time, until_time, period_name, requested_by, status, created_at)
			values (@id, @ledger, @frameworks, coalesce(@catalogs, '{}'::text[]), @from, @until, @name, @by, @status, @at)`, pgx.StrictNamedArgs{
			"id": a.ID, "ledger": a.Ledger, "frameworks": a.Frameworks, "catalogs": a.Catalogs, "from": a.FromTime, "until": a.UntilTime, "name": a.PeriodName, "by": string(by),
			"status": audit.AssessmentQueued, "at": a.CreatedAt,
		})
		if err != nil {
			return translate("store assessment", err)
		}
		return queue(ctx, tx, Start{Workflow: audit.AssessmentWorkflow, WorkflowID: string(a.ID), At: a.CreatedAt, Input: audit.AssessmentStart{
			ID: a.ID, Ledger: a.Ledger, Organisation: o, Frameworks: a.Frameworks, Period: a.Period().String(),
		}})
	}
}

// BeginAssessment marks a queued assessment as processing by a workflow run, and
// returns its row. A final one comes back as it is.
func (s *Store) BeginAssessment(ctx context.Context, ledger int32, id audit.AssessmentID, runID string) (Assessment, error) {
	if err := assessmentJob.begin(ctx, s.pool, ledger, string(id), runID); err != nil {
		return Assessment{}, err
	}
	return s.Assessment(ctx, ledger, id)
}

// Score is what an assessment says of a framework.
type Score struct {
	Framework audit.Framework
	Assessed  time.Time // the end of the period that was assessed
	Status    string
	Score     *float64 // percent, one decimal; nil when nothing could be assessed
	Coverage  float64  // percent
}

// CompleteAssessment gives an assessment its result. Returns InvalidState when it
// was canceled or ended before: whichever commits first wins. What it found moves
// gaps; nil moves none.
func CompleteAssessment(ledger int32, id audit.AssessmentID, artifact audit.Artifact, summary json.RawMessage, scores []Score, found *Assessed, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		where, err := json.Marshal(artifact)
		if err != nil {
			return fmt.Errorf("encode artifact: %w", err)
		}
		err = change(ctx, tx, "complete assessment", `
			update assessment set status = 'completed', artifact = $3, summary = $4, completed_at = $5
			where ledger = $1 and id = $2 and status = 'processing' and cancel_requested_at is null`, ledger, id, string(where), string(summary), at)
		if err != nil {
			return err
		}
		for _, s := range scores {
			_, err := tx.Exec(ctx, `
				insert into assessment_score (assessment, ledger, framework, assessed, status, score, coverage)
				values ($1, $2, $3, $4, $5, round($6::float8 * 10), round($7::float8 * 10))`,
				id, ledger, s.Framework, s.Assessed, s.Status, s.Score, s.Coverage)
			if err != nil {
				return translate("store score", err)
			}
		}
		if found == nil {
			return nil
		}
		return ApplyAssessed(ledger, id, *found, at)(ctx, tx)
	}
}

// EndAssessment marks an assessment that runs as failed or canceled.
func EndAssessment(ledger int32, id audit.AssessmentID, status audit.AssessmentStatus, reason string) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		return assessmentJob.end(ctx, tx, ledger, string(id), string(status), reason)
	}
}

// CancelAssessment notes that an assessment shall stop, and orders its workflow
// to. Returns InvalidState when it is final or was asked before.
func CancelAssessment(ledger int32, id audit.AssessmentID, at time.Time, cancel Cancel) Statements {
	return assessmentJob.cancel(ledger, string(id), at, cancel)
}

// UnfinishedAssessments returns assessments made before a time that have not
// ended and for which the outbox holds no order, oldest first.
func (s *Store) UnfinishedAssessments(ctx context.Context, before time.Time, limit int) ([]Assessment, error) {
	return unfinished[Assessment](ctx, s.pool, assessmentJob, assessmentColumns, before, limit)
}

// Scores returns what completed assessments say of a framework, of periods that
// ended until then, oldest first.
func (s *Store) Scores(ctx context.Context, ledger int32, f audit.Framework, until time.Time) ([]Score, error) {
	rows, err := s.pool.Query(ctx, `
		select framework, assessed, status, score / 10::float8 as score, coverage / 10::float8 as coverage from assessment_score
		where ledger = $1 and framework = $2 and assessed <= $3 order by assessed, assessment`, ledger, f, until)
	if err != nil {
		return nil, translate("read scores", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Score])
	return list, translate("read scores", err)
}

// NewestAssessment returns the completed assessment of the latest period that
// covers the frameworks by the shipped catalogues, or NotFound: of the periods that were asked for by this
// name, or of this period, or of any.
func (s *Store) NewestAssessment(ctx context.Context, ledger int32, frameworks []audit.Framework, name string, p audit.Period) (Assessment, error) {
	return one[Assessment](ctx, s.pool, "read assessment", `
		select `+assessmentColumns+` from assessment
		where ledger = @ledger and status = 'completed' and catalogs = '{}' and frameworks @> @frameworks
			and case when @name <> '' then period_name = @name
				else @from::timestamptz is null or from_time = @from and until_time = @until end
		order by until_time desc, created_at desc limit 1`, pgx.NamedArgs{
		"ledger": ledger, "frameworks": frameworks, "name": name, "from": optional(p.From), "until": optional(p.Until),
	})
}

// AssessmentOf returns the newest completed assessment of a framework, by the shipped
// catalogue, and exactly a period, or NotFound. One that was asked for while the period lasted, and so ends
// when it was asked for, is of the period, too.
func (s *Store) AssessmentOf(ctx context.Context, ledger int32, f audit.Framework, p audit.Period) (Assessment, error) {
	return one[Assessment](ctx, s.pool, "read assessment", `
		select `+assessmentColumns+` from assessment
		where ledger = $1 and status = 'completed' and catalogs = '{}' and $2 = any(frameworks) and from_time = $3
			and (until_time = $4 or until_time < $4 and until_time = created_at)
		order by created_at desc, id desc limit 1`, ledger, string(f), p.From, p.Until)
}

// FirstAssessed is when an organisation's first assessment was completed, or nil.
func (s *Store) FirstAssessed(ctx context.Context, ledger int32) (at *time.Time, err error) {
	err = s.pool.QueryRow(ctx, `select min(completed_at) from assessment where ledger = $1 and status = 'completed'`, ledger).Scan(&at)
	return at, translate("find the first assessment", err)
}

// ScheduledBy is the requester of assessments that nobody asked for.
var ScheduledBy = audit.Object{"type": "system", "id": "sealbook"}

// Due is an organisation that has entries and no scheduled assessment.
type Due struct {
	ID     audit.OrganisationID
	Ledger int32
}

// Unassessed returns organisations for which no assessment was scheduled since a
// time, in the order of their ledgers.
func (s *Store) Unassessed(ctx context.Context, since time.Time, limit int) ([]Due, error) {
	by, err := json.Marshal(ScheduledBy)
	if err != nil {
		return nil, fmt.Errorf("encode requester: %w", err)
	}
	rows, err := s.pool.Query(ctx, `
		select o.id, o.ledger from organisation o join head h on h.ledger = o.ledger
		where h.size > 0 and not exists (
			select from assessment a where a.ledger = o.ledger and a.created_at >= $1 and a.requested_by = $2)
		order by o.ledger limit $3`, since, string(by), limit)
	if err != nil {
		return nil, translate("list organisations to assess", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Due])
	return list, translate("list organisations to assess", err)
}
