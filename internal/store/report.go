package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// Report is a report's row.
type Report struct {
	ID                audit.ReportID
	Ledger            int32
	Request           JSON[audit.ReportRequest]
	FromTime          time.Time
	UntilTime         time.Time
	RequestedBy       JSON[audit.Object]
	Signatory         *audit.PersonID  // who signs first
	Countersigners    []audit.PersonID // who sign then, in this order
	Status            audit.ReportStatus
	RunID             *string
	Error             *string
	Frozen            *JSON[audit.Artifact]
	Summary           *JSON[ReportSummary]
	Draft             *JSON[audit.Artifact]
	SignatureDueAt    *time.Time
	Artifact          *JSON[audit.Artifact]
	Seal              *JSON[ReportSeal]
	CancelRequestedAt *time.Time
	CreatedAt         time.Time
	CompletedAt       *time.Time
	LinksExpireAt     *time.Time
	ErasedAt          *time.Time // when the files were destroyed because they held what was erased
}

// Period is what the report is about.
func (r *Report) Period() audit.Period {
	return audit.Period{From: r.FromTime.UTC(), Until: r.UntilTime.UTC()}
}

// Signatory is one of those who shall sign a report.
type Signatory struct {
	Turn    int // from 1
	Person  audit.PersonID
	Meaning audit.SignatureMeaning
}

// Signatories are those who shall sign, in their order.
func (r *Report) Signatories() (list []Signatory) {
	if r.Signatory == nil {
		return nil
	}
	who := append([]audit.PersonID{*r.Signatory}, r.Countersigners...)
	for i, asked := range r.Request.V.Signature.All() {
		list = append(list, Signatory{i + 1, who[i], asked.Meaning})
	}
	return list
}

// Details are what every entry about the report says.
func (r *Report) Details() audit.Object {
	d := audit.Object{"report_id": r.ID, "report_type": r.Request.V.Type}
	if f := r.Request.V.Framework; f != "" {
		d["framework"] = f
	}
	if id := r.Request.V.Investigation; id != "" {
		d["investigation_id"] = id
	}
	return d
}

// ReportSummary is what a report's data come to.
type ReportSummary struct {
	Score       *float64 `json:"score"`
	ScoreReason string   `json:"score_reason,omitempty"` // why there is none
	Coverage    *float64 `json:"coverage"`
	Floor       *float64 `json:"floor"`
	Entries     int64    `json:"entries"` // of the scope, in the period
	Violations  int64    `json:"violations"`
	Critical    int64    `json:"critical_findings"`
	Remediated  int64    `json:"remediation_completed"`
	Pending     int64    `json:"pending_actions"`
	Sources     []string `json:"data_sources"`
	FirstSeq    int64    `json:"first_seq"`
	EndSeq      int64    `json:"end_seq"`
}

// ReportSeal says who sealed a PDF.
type ReportSeal struct {
	Fingerprint string     `json:"certificate_fingerprint"`
	Subject     string     `json:"certificate_subject"`
	StampedAt   *time.Time `json:"timestamped_at"` // by a time-stamp authority; nil when none is configured
	Development bool       `json:"development,omitempty"`
	Pages       int        `json:"pages"`
	Omitted     int64      `json:"rows_omitted,omitempty"`
}

const reportColumns = `id, ledger, request, from_time, until_time, requested_by, signatory, countersigners, status, run_id, error, frozen, summary, draft, signature_due_at,
	artifact, seal, cancel_requested_at, created_at, completed_at, links_expire_at, erased_at`

// Report returns an organisation's report, or NotFound.
func (s *Store) Report(ctx context.Context, ledger int32, id audit.ReportID) (Report, error) {
	return one[Report](ctx, s.pool, "read report", `select `+reportColumns+` from report where ledger = $1 and id = $2`, ledger, id)
}

// Covered reports whether who is limited by c may read the report.
func (r *Report) Covered(c audit.Constraints) bool {
	var about []audit.Framework
	if f := r.Request.V.Framework; f != "" {
		about = []audit.Framework{f}
	}
	return c.CoversResult(about, audit.Period{From: r.FromTime.UTC(), Until: r.UntilTime.UTC()})
}

// ReportFilter selects reports; what is empty selects all.
type ReportFilter struct {
	Type      audit.ReportType
	Framework audit.Framework
	Status    audit.ReportStatus
	Reader    CaseReader
	Within    audit.Constraints
}

// CaseReader is who reads, where reports of cases are among others: only those are
// selected whose case they may read.
type CaseReader struct {
	Cases   bool     // whether they may read cases at all
	Hidden  []string // names under which a case may be about them
	OwnOnly bool     // whether they may read nothing but reports of their own cases
	Own     []string // ids under which a case can be theirs
}

// readable selects what belongs to no case, or to one that the arguments of a
// CaseReader allow. report is the table's name in the query, and @ledger
// the ledger.
const readable = ` and (report.request::jsonb ->> 'investigation_id' is null and not @own_only or (@cases and not exists (
	select from investigation i, jsonb_array_elements_text(coalesce(i.request::jsonb -> 'scope' -> 'potential_users', '[]')) u
	where i.ledger = @ledger and i.id = report.request::jsonb ->> 'investigation_id' and lower(u) = any (@hidden::text[])) and (not @own_only or exists (
	select from investigation i where i.ledger = @ledger and i.id = report.request::jsonb ->> 'investigation_id' and (i.investigator = any (@own::text[])
		or i.reviewer = any (@own::text[]) or i.hands && @own::text[] or i.opened_by::jsonb ->> 'id' = any (@own::text[]))))))`

func (c CaseReader) arguments(args pgx.NamedArgs) pgx.NamedArgs {
	args["cases"], args["hidden"] = c.Cases, lowered(c.Hidden)
	args["own_only"], args["own"] = c.OwnOnly, append([]string{}, c.Own...)
	return args
}

// Reports lists an organisation's reports, newest first, and counts them all.
func (s *Store) Reports(ctx context.Context, ledger int32, f ReportFilter, limit, offset int) (list []Report, total int64, err error) {
	matching := ` from report where ledger = @ledger and (@type = '' or request::jsonb ->> 'report_type' = @type)
		and (@framework = '' or request::jsonb ->> 'framework' = @framework) and (@status = '' or status = @status)` + readable +
		coveredResults(`array_remove(array[nullif(request::jsonb ->> 'framework', '')], null)`)
	args := within(f.Within, f.Reader.arguments(pgx.NamedArgs{"ledger": ledger, "type": f.Type, "framework": f.Framework, "status": f.Status, "limit": limit, "offset": offset}))
	rows, err := s.pool.Query(ctx, `select `+reportColumns+matching+` order by created_at desc, id desc limit @limit offset @offset`, args)
	if err != nil {
		return nil, 0, translate("list reports", err)
	}
	if list, err = pgx.CollectRows(rows, pgx.RowToStructByName[Report]); err != nil {
		return nil, 0, translate("list reports", err)
	}
	err = s.pool.QueryRow(ctx, `select count(*)`+matching, args).Scan(&total)
	return list, total, translate("count reports", err)
}

// InsertReport adds a queued report of an organisation together with the order to
// start its workflow.
func InsertReport(r Report, o audit.OrganisationID) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		request, err := json.Marshal(r.Request.V)
		if err != nil {
			return fmt.Errorf("encode report request: %w", err)
		}
		by, err := json.Marshal(r.RequestedBy.V)
		if err != nil {
			return fmt.Errorf("encode requester: %w", err)
		}
		_, err = tx.Exec(ctx, `
			insert into report (id, ledger, request, from_time, until_time, requested_by, signatory, countersigners, status, created_at)
			values (@id, @ledger, @request, @from, @until, @by, @signatory, coalesce(@countersigners, '{}'::text[]), @status, @at)`, pgx.StrictNamedArgs{
			"id": r.ID, "ledger": r.Ledger, "request": string(request), "from": r.FromTime, "until": r.UntilTime, "by": string(by),
			"signatory": r.Signatory, "countersigners": r.Countersigners, "status": audit.ReportQueued, "at": r.CreatedAt,
		})
		if err != nil {
			return translate("store report", err)
		}
		return queue(ctx, tx, Start{Workflow: audit.ReportWorkflow, WorkflowID: string(r.ID), At: r.CreatedAt, Input: audit.ReportStart{
			ID: r.ID, Ledger: r.Ledger, Organisation: o, Type: r.Request.V.Type, Framework: r.Request.V.Framework,
			Period: r.Period().String(), Format: r.Request.V.Format,
		}})
	}
}

// BeginReport marks a queued report as processing by a workflow run, and returns
// its row. One that waits for its signature goes on waiting, and a final one comes
// back as it is.
func (s *Store) BeginReport(ctx context.Context, ledger int32, id audit.ReportID, runID string) (Report, error) {
	_, err := s.pool.Exec(ctx, `
		update report set status = case status when 'queued' then 'processing' else status end, run_id = $3
		where ledger = $1 and id = $2 and status in `+unfinishedStates, ledger, id, runID)
	if err != nil {
		return Report{}, translate("begin report", err)
	}
	return s.Report(ctx, ledger, id)
}

// FreezeReport fixes the data of a report, once: whoever comes later gets what the
// first one fixed.
func (s *Store) FreezeReport(ctx context.Context, ledger int32, id audit.ReportID, data audit.Artifact, summary ReportSummary) (Report, error) {
	return s.fixReport(ctx, "freeze report", `
		update report set frozen = coalesce(frozen, $3), summary = coalesce(summary, $4)
		where ledger = $1 and id = $2 and status in ('processing', 'pending_signature')`, ledger, id, data, summary)
}

// FinishReportFile fixes the file of a report, likewise: a document that was sealed
// is not sealed again.
func (s *Store) FinishReportFile(ctx context.Context, ledger int32, id audit.ReportID, file audit.Artifact, seal *ReportSeal) (Report, error) {
	return s.fixReport(ctx, "finish report", `
		update report set artifact = coalesce(artifact, $3), seal = case when artifact is null then nullif($4, 'null') else seal end
		where ledger = $1 and id = $2 and status in ('processing', 'pending_signature')`, ledger, id, file, seal)
}

func (s *Store) fixReport(ctx context.Context, what, sql string, ledger int32, id audit.ReportID, a audit.Artifact, with any) (Report, error) {
	artifact, err := json.Marshal(a)
	if err != nil {
		return Report{}, fmt.Errorf("encode artifact: %w", err)
	}
	text, err := json.Marshal(with)
	if err != nil {
		return Report{}, fmt.Errorf("%s: encode: %w", what, err)
	}
	if _, err := s.pool.Exec(ctx, sql, ledger, id, string(artifact), string(text)); err != nil {
		return Report{}, translate(what, err)
	}
	return s.Report(ctx, ledger, id)
}

// CompleteReport publishes a report whose file is there, and queues its
// distribution when there is one. Returns InvalidState when it was canceled or
// ended before, or lacks a signature: whichever commits first wins.
func CompleteReport(ledger int32, id audit.ReportID, at time.Time, d *Distribution) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		err := change(ctx, tx, "complete report", `
			update report set status = 'generated', completed_at = $3, links_expire_at = $4
			where ledger = $1 and id = $2 and status in ('processing', 'pending_signature') and cancel_requested_at is null and artifact is not null
				and (signatory is null or (select count(*) from signature s where s.report = report.id) = 1 + cardinality(countersigners))`,
			ledger, id, at, at.Add(audit.ReportDownloadLife))
		if err != nil || d == nil {
			return err
		}
		return InsertDistribution(*d)(ctx, tx)
	}
}

// EndReport marks a report that has not ended as failed or canceled.
func EndReport(ledger int32, id audit.ReportID, status audit.ReportStatus, reason string) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		return reportJob.end(ctx, tx, ledger, string(id), string(status), reason)
	}
}

// CancelReport notes that a report shall stop, and orders its workflow to.
// Returns InvalidState when it is final or was asked before.
func CancelReport(ledger int32, id audit.ReportID, at time.Time, cancel Cancel) Statements {
	return reportJob.cancel(ledger, string(id), at, cancel)
}

// RenewReportLinks gives the links of a generated report a new life.
func RenewReportLinks(ledger int32, id audit.ReportID, until time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		return change(ctx, tx, "renew links", `update report set links_expire_at = $3 where ledger = $1 and id = $2 and status = 'generated'`, ledger, id, until)
	}
}

// UnfinishedReports returns reports made before a time that have not ended and for
// which the outbox holds no order, oldest first. One that waits for its signatory is
// among them once the time to sign was over before then.
func (s *Store) UnfinishedReports(ctx context.Context, before time.Time, limit int) ([]Report, error) {
	rows, err := s.pool.Query(ctx, `
		select `+reportColumns+` from report r
		where status in `+unfinishedStates+` and created_at < $1 and (status <> 'pending_signature' or signature_due_at < $1)
			and not exists (select from outbox o where o.workflow_id = r.id)
		order by created_at limit $2`, before, limit)
	if err != nil {
		return nil, translate("list unfinished reports", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Report])
	return list, translate("list unfinished reports", err)
}

// ReportByDigest returns the report whose file has a digest, or NotFound.
func (s *Store) ReportByDigest(ctx context.Context, ledger int32, digest string) (Report, error) {
	return one[Report](ctx, s.pool, "find report", `
		select `+reportColumns+` from report where ledger = $1 and status = 'generated' and artifact::jsonb ->> 'digest' = $2 order by created_at limit 1`, ledger, digest)
}
