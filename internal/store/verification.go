package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// Verification is a verification job's row.
type Verification struct {
	ID                audit.VerificationID
	Ledger            int32
	Request           JSON[audit.VerificationRequest]
	RequestedBy       JSON[audit.Object]
	Status            audit.VerificationStatus
	RunID             *string
	Frozen            *json.RawMessage // set once, when the range was found
	Result            *json.RawMessage // of a completed job
	Error             *string
	CancelRequestedAt *time.Time
	CreatedAt         time.Time
	CompletedAt       *time.Time
}

const verificationColumns = `id, ledger, request, requested_by, status, run_id, frozen, result, error, cancel_requested_at, created_at, completed_at`

// Verification returns an organisation's verification, or NotFound.
func (s *Store) Verification(ctx context.Context, ledger int32, id audit.VerificationID) (Verification, error) {
	return one[Verification](ctx, s.pool, "read verification", `select `+verificationColumns+` from verification where ledger = $1 and id = $2`, ledger, id)
}

// Verifications lists an organisation's verification jobs, newest first and
// without their results, and counts them all.
func (s *Store) Verifications(ctx context.Context, ledger int32, limit, offset int) (list []Verification, total int64, err error) {
	rows, err := s.pool.Query(ctx, `
		select id, ledger, request, requested_by, status, run_id, frozen, null as result, error, cancel_requested_at, created_at, completed_at
		from verification where ledger = $1 order by created_at desc, id desc limit $2 offset $3`, ledger, limit, offset)
	if err != nil {
		return nil, 0, translate("list verifications", err)
	}
	if list, err = pgx.CollectRows(rows, pgx.RowToStructByName[Verification]); err != nil {
		return nil, 0, translate("list verifications", err)
	}
	err = s.pool.QueryRow(ctx, `select count(*) from verification where ledger = $1`, ledger).Scan(&total)
	return list, total, translate("count verifications", err)
}

// InsertVerification adds a queued verification together with the order to
// start its workflow.
func InsertVerification(v Verification, start Start) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		request, err := json.Marshal(v.Request.V)
		if err != nil {
			return fmt.Errorf("encode verification request: %w", err)
		}
		by, err := json.Marshal(v.RequestedBy.V)
		if err != nil {
			return fmt.Errorf("encode requester: %w", err)
		}
		_, err = tx.Exec(ctx, `
			insert into verification (id, ledger, request, requested_by, status, created_at)
			values (@id, @ledger, @request, @by, @status, @at)`, pgx.StrictNamedArgs{
			"id": v.ID, "ledger": v.Ledger, "request": string(request), "by": string(by), "status": audit.VerificationQueued, "at": v.CreatedAt,
		})
		if err != nil {
			return translate("store verification", err)
		}
		return queue(ctx, tx, start)
	}
}

// BeginVerification marks a queued verification as processing by a workflow
// run, and returns its row. A final one comes back as it is: the run has
// nothing to do. An operator's Reset gives a new run, which takes over.
func (s *Store) BeginVerification(ctx context.Context, ledger int32, id audit.VerificationID, runID string) (Verification, error) {
	if err := verificationJob.begin(ctx, s.pool, ledger, string(id), runID); err != nil {
		return Verification{}, err
	}
	return s.Verification(ctx, ledger, id)
}

// FreezeVerification fixes what is verified, once: whoever comes later, a retry
// or another run, gets what the first one fixed.
func (s *Store) FreezeVerification(ctx context.Context, ledger int32, id audit.VerificationID, frozen json.RawMessage) (json.RawMessage, error) {
	var kept string
	err := s.pool.QueryRow(ctx, `
		update verification set frozen = coalesce(frozen, $3) where ledger = $1 and id = $2 and status = 'processing' returning frozen`,
		ledger, id, string(frozen)).Scan(&kept)
	return json.RawMessage(kept), translate("freeze verification", err)
}

// KeepSegment keeps what a segment of a running verification found, unless it
// is kept already. Of one that has ended nothing is kept.
func (s *Store) KeepSegment(ctx context.Context, ledger int32, id audit.VerificationID, index int, result json.RawMessage) error {
	_, err := s.pool.Exec(ctx, `
		insert into verification_segment (verification, ledger, idx, result)
		select id, ledger, $3, $4 from verification where ledger = $1 and id = $2 and status = 'processing' for share
		on conflict do nothing`, ledger, id, index, string(result))
	return translate("keep segment", err)
}

// HasSegment reports whether a segment's result is kept.
func (s *Store) HasSegment(ctx context.Context, ledger int32, id audit.VerificationID, index int) (has bool, err error) {
	err = s.pool.QueryRow(ctx, `
		select exists (select from verification_segment where ledger = $1 and verification = $2 and idx = $3)`, ledger, id, index).Scan(&has)
	return has, translate("look for segment", err)
}

// Segments returns what was kept of the segments, in their order.
func (s *Store) Segments(ctx context.Context, ledger int32, id audit.VerificationID) ([]json.RawMessage, error) {
	rows, err := s.pool.Query(ctx, `select result from verification_segment where ledger = $1 and verification = $2 order by idx`, ledger, id)
	if err != nil {
		return nil, translate("read segments", err)
	}
	kept, err := pgx.CollectRows(rows, pgx.RowTo[string])
	segments := make([]json.RawMessage, len(kept))
	for i, k := range kept {
		segments[i] = json.RawMessage(k)
	}
	return segments, translate("read segments", err)
}

// CompleteVerification gives a verification its result. Returns InvalidState
// when it was canceled or ended before: whichever commits first wins.
func CompleteVerification(ledger int32, id audit.VerificationID, result json.RawMessage, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		err := change(ctx, tx, "complete verification", `
			update verification set status = 'completed', result = $3, completed_at = $4
			where ledger = $1 and id = $2 and status = 'processing' and cancel_requested_at is null`, ledger, id, string(result), at)
		if err != nil {
			return err
		}
		return forgetSegments(ctx, tx, ledger, id)
	}
}

// EndVerification marks a verification that runs as failed or canceled.
func EndVerification(ledger int32, id audit.VerificationID, status audit.VerificationStatus, reason string) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		if err := verificationJob.end(ctx, tx, ledger, string(id), string(status), reason); err != nil {
			return err
		}
		return forgetSegments(ctx, tx, ledger, id)
	}
}

// CancelVerification notes that a verification shall stop, and orders its
// workflow to. Returns InvalidState when it is final or was asked before.
func CancelVerification(ledger int32, id audit.VerificationID, at time.Time, cancel Cancel) Statements {
	return verificationJob.cancel(ledger, string(id), at, cancel)
}

// UnfinishedVerifications returns verifications made before a time that have
// not ended and for which the outbox holds no order, oldest first.
func (s *Store) UnfinishedVerifications(ctx context.Context, before time.Time, limit int) ([]Verification, error) {
	return unfinished[Verification](ctx, s.pool, verificationJob, verificationColumns, before, limit)
}

func forgetSegments(ctx context.Context, tx pgx.Tx, ledger int32, id audit.VerificationID) error {
	_, err := tx.Exec(ctx, `delete from verification_segment where ledger = $1 and verification = $2`, ledger, id)
	return translate("forget segments", err)
}
