package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// Export is an evidence export's row.
type Export struct {
	ID                  audit.ExportID
	Ledger              int32
	Request             JSON[audit.ExportRequest]
	RequestedBy         JSON[audit.Object]
	RetryOf             *audit.ExportID
	Status              audit.ExportStatus
	RunID               *string
	Frozen              *json.RawMessage // set once, when the ledger was frozen for it
	EstimatedBytes      *int64
	EstimatedCompletion *time.Time
	Artifact            *JSON[audit.Artifact]
	Failures            *JSON[[]string]
	Error               *string
	CancelRequestedAt   *time.Time
	CreatedAt           time.Time
	CompletedAt         *time.Time
	ArtifactExpiresAt   *time.Time
	ErasedAt            *time.Time // when the package was destroyed because it held what was erased
}

// JSON is a value kept as JSON text.
type JSON[T any] struct{ V T }

// Scan implements sql.Scanner.
func (j *JSON[T]) Scan(src any) error {
	text, ok := src.(string)
	if !ok {
		return fmt.Errorf("a JSON column holds %T, not text", src)
	}
	return json.Unmarshal([]byte(text), &j.V)
}

const exportColumns = `id, ledger, request, requested_by, retry_of, status, run_id, frozen, estimated_bytes, estimated_completion,
	artifact, failures, error, cancel_requested_at, created_at, completed_at, artifact_expires_at, erased_at`

// Export returns an organisation's export, or NotFound.
func (s *Store) Export(ctx context.Context, ledger int32, id audit.ExportID) (Export, error) {
	return one[Export](ctx, s.pool, "read export", `select `+exportColumns+` from export where ledger = $1 and id = $2`, ledger, id)
}

// Exports lists an organisation's exports, newest first, and counts them all.
func (s *Store) Exports(ctx context.Context, ledger int32, limit, offset int) (list []Export, total int64, err error) {
	return s.exports(ctx, `ledger = @ledger`, pgx.NamedArgs{"ledger": ledger, "limit": limit, "offset": offset})
}

// ExportsBy is Exports for those alone that somebody asked for.
func (s *Store) ExportsBy(actor audit.Object) func(ctx context.Context, ledger int32, limit, offset int) ([]Export, int64, error) {
	return func(ctx context.Context, ledger int32, limit, offset int) ([]Export, int64, error) {
		return s.exports(ctx, `ledger = @ledger and requested_by::jsonb ->> 'type' = @type and requested_by::jsonb ->> 'id' = @id`, pgx.NamedArgs{
			"ledger": ledger, "type": actor.String("type"), "id": actor.String("id"), "limit": limit, "offset": offset,
		})
	}
}

func (s *Store) exports(ctx context.Context, where string, args pgx.NamedArgs) (list []Export, total int64, err error) {
	rows, err := s.pool.Query(ctx, `
		select `+exportColumns+` from export where `+where+` order by created_at desc, id desc limit @limit offset @offset`, args)
	if err != nil {
		return nil, 0, translate("list exports", err)
	}
	if list, err = pgx.CollectRows(rows, pgx.RowToStructByName[Export]); err != nil {
		return nil, 0, translate("list exports", err)
	}
	err = s.pool.QueryRow(ctx, `select count(*) from export where `+where, args).Scan(&total)
	return list, total, translate("count exports", err)
}

// ExpiredExports returns completed exports whose packages have outlived their
// time, oldest first.
func (s *Store) ExpiredExports(ctx context.Context, at time.Time, limit int) ([]Export, error) {
	rows, err := s.pool.Query(ctx, `
		select `+exportColumns+` from export where status = 'completed' and artifact_expires_at <= $1 order by artifact_expires_at limit $2`, at, limit)
	if err != nil {
		return nil, translate("list expired exports", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Export])
	return list, translate("list expired exports", err)
}

// InsertExport adds a queued export together with the order to start its
// workflow.
func InsertExport(e Export, start Start) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		request, err := json.Marshal(e.Request.V)
		if err != nil {
			return fmt.Errorf("encode export request: %w", err)
		}
		by, err := json.Marshal(e.RequestedBy.V)
		if err != nil {
			return fmt.Errorf("encode requester: %w", err)
		}
		_, err = tx.Exec(ctx, `
			insert into export (id, ledger, request, requested_by, retry_of, status, estimated_bytes, estimated_completion, created_at)
			values (@id, @ledger, @request, @by, @retry, @status, @bytes, @completion, @at)`, pgx.StrictNamedArgs{
			"id": e.ID, "ledger": e.Ledger, "request": string(request), "by": string(by), "retry": e.RetryOf, "status": audit.ExportQueued,
			"bytes": e.EstimatedBytes, "completion": e.EstimatedCompletion, "at": e.CreatedAt,
		})
		if err != nil {
			return translate("store export", err)
		}
		return queue(ctx, tx, start)
	}
}

// BeginExport marks a queued export as processing by a workflow run, and
// returns its row. A final export comes back as it is: the run has nothing to
// do. An operator's Reset gives a new run, which takes over.
func (s *Store) BeginExport(ctx context.Context, ledger int32, id audit.ExportID, runID string) (Export, error) {
	if err := exportJob.begin(ctx, s.pool, ledger, string(id), runID); err != nil {
		return Export{}, err
	}
	return s.Export(ctx, ledger, id)
}

// FreezeExport fixes what the package will hold, once: whoever comes later,
// a retry or another run, gets what the first one fixed.
func (s *Store) FreezeExport(ctx context.Context, ledger int32, id audit.ExportID, frozen json.RawMessage) (json.RawMessage, error) {
	var kept string
	err := s.pool.QueryRow(ctx, `
		update export set frozen = coalesce(frozen, $3) where ledger = $1 and id = $2 and status = 'processing' returning frozen`,
		ledger, id, string(frozen)).Scan(&kept)
	return json.RawMessage(kept), translate("freeze export", err)
}

// EstimateExport notes what the package will probably weigh and when it will
// be there.
func (s *Store) EstimateExport(ctx context.Context, ledger int32, id audit.ExportID, bytes int64, at time.Time) error {
	_, err := s.pool.Exec(ctx, `
		update export set estimated_bytes = $3, estimated_completion = $4 where ledger = $1 and id = $2 and status = 'processing'`, ledger, id, bytes, at)
	return translate("estimate export", err)
}

// CompleteExport publishes a package. Returns InvalidState when the export was
// canceled or ended before: whichever commits first wins.
func CompleteExport(ledger int32, id audit.ExportID, a audit.Artifact, failures []string, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		artifact, err := json.Marshal(a)
		if err != nil {
			return fmt.Errorf("encode artifact: %w", err)
		}
		var failed *string
		if len(failures) > 0 {
			text, err := json.Marshal(failures)
			if err != nil {
				return fmt.Errorf("encode failures: %w", err)
			}
			f := string(text)
			failed = &f
		}
		// The package lives as long as the policy of this moment says.
		return change(ctx, tx, "complete export", `
			update export set status = 'completed', artifact = $3, failures = $4, completed_at = $5,
				artifact_expires_at = $5::timestamptz + interval '24 hours' * coalesce(
					(select evidence_export_days from retention_policy r where r.ledger = $1 order by version desc limit 1), $6)
			where ledger = $1 and id = $2 and status = 'processing' and cancel_requested_at is null`,
			ledger, id, string(artifact), failed, at, audit.DefaultRetention.EvidenceExports.RetentionDays)
	}
}

// EndExport marks an export that runs as failed or canceled.
func EndExport(ledger int32, id audit.ExportID, status audit.ExportStatus, reason string) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		return exportJob.end(ctx, tx, ledger, string(id), string(status), reason)
	}
}

// CancelExport notes that an export shall stop, and orders its workflow to.
// Returns InvalidState when it is final or was asked before.
func CancelExport(ledger int32, id audit.ExportID, at time.Time, cancel Cancel) Statements {
	return exportJob.cancel(ledger, string(id), at, cancel)
}

// ExpireExport marks a completed export as expired; its package is gone.
func ExpireExport(ledger int32, id audit.ExportID) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		return change(ctx, tx, "expire export", `update export set status = 'expired' where ledger = $1 and id = $2 and status = 'completed'`, ledger, id)
	}
}

// UnfinishedExports returns exports made before a time that have not ended and
// for which the outbox holds no order, oldest first.
func (s *Store) UnfinishedExports(ctx context.Context, before time.Time, limit int) ([]Export, error) {
	return unfinished[Export](ctx, s.pool, exportJob, exportColumns, before, limit)
}
