package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// Retrieval is a request to bring archived payloads back for a time.
type Retrieval struct {
	ID          audit.RetrievalID
	Ledger      int32
	Status      audit.RetrievalStatus
	FromTime    time.Time // of the entries' own times
	UntilTime   time.Time
	Reason      string
	Days        int
	Segments    []string
	Entries     int64
	RequestedBy JSON[audit.Object]
	Requester   audit.PersonID // behind it; "" is nobody of the directory
	RequestedAt time.Time
	DecidedBy   *JSON[audit.Object]
	DecidedAt   *time.Time
	Refusal     *string
	AvailableAt *time.Time
	ExpiresAt   *time.Time
	EndedAt     *time.Time
	Problem     *string // of a failed one
}

const retrievalColumns = `id, ledger, status, from_time, until_time, reason, days, segments, entries, requested_by, requester, requested_at,
	decided_by, decided_at, refusal, available_at, expires_at, ended_at, problem`

// Retrieval returns an organisation's retrieval, or NotFound.
func (s *Store) Retrieval(ctx context.Context, ledger int32, id audit.RetrievalID) (Retrieval, error) {
	return one[Retrieval](ctx, s.pool, "read retrieval", `select `+retrievalColumns+` from archive_retrieval where ledger = $1 and id = $2`, ledger, id)
}

// Retrievals lists an organisation's retrievals, newest first, and counts them all.
// status "" is any.
func (s *Store) Retrievals(ctx context.Context, ledger int32, status audit.RetrievalStatus, limit, offset int) (list []Retrieval, total int64, err error) {
	const matching = ` from archive_retrieval where ledger = $1 and ($2 = '' or status = $2)`
	rows, err := s.pool.Query(ctx, `select `+retrievalColumns+matching+` order by requested_at desc, id desc limit $3 offset $4`, ledger, status, limit, offset)
	if err != nil {
		return nil, 0, translate("list retrievals", err)
	}
	if list, err = pgx.CollectRows(rows, pgx.RowToStructByName[Retrieval]); err != nil {
		return nil, 0, translate("list retrievals", err)
	}
	err = s.pool.QueryRow(ctx, `select count(*)`+matching, ledger, status).Scan(&total)
	return list, total, translate("count retrievals", err)
}

// RetrievalTime is how long the last retrievals of an organisation took from their
// approval until their payloads were there: the median of at most twenty; nil when
// there was none.
func (s *Store) RetrievalTime(ctx context.Context, ledger int32) (median *time.Duration, err error) {
	err = s.pool.QueryRow(ctx, `
		select percentile_cont(0.5) within group (order by available_at - decided_at) from (
			select available_at, decided_at from archive_retrieval where ledger = $1 and available_at is not null order by requested_at desc limit 20
		) last`, ledger).Scan(&median)
	return median, translate("measure retrievals", err)
}

// InsertRetrieval stores a request.
func InsertRetrieval(v Retrieval) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		by, err := encoded("requester", v.RequestedBy.V)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			insert into archive_retrieval (id, ledger, status, from_time, until_time, reason, days, segments, entries, requested_by, requester, requested_at)
			values (@id, @ledger, 'requested', @from, @until, @reason, @days, @segments, @entries, @by, @requester, @at)`, pgx.StrictNamedArgs{
			"id": v.ID, "ledger": v.Ledger, "from": v.FromTime, "until": v.UntilTime, "reason": v.Reason, "days": v.Days, "segments": v.Segments,
			"entries": v.Entries, "by": by, "requester": v.Requester, "at": v.RequestedAt,
		})
		return translate("store retrieval", err)
	}
}

// ApproveRetrieval orders the work. Returns InvalidState when somebody decided.
func ApproveRetrieval(ledger int32, id audit.RetrievalID, by audit.Object, at time.Time, start Start) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		who, err := encoded("decider", by)
		if err != nil {
			return err
		}
		err = change(ctx, tx, "approve retrieval", `
			update archive_retrieval set status = 'restoring', decided_by = $3, decided_at = $4 where ledger = $1 and id = $2 and status = 'requested'`, ledger, id, who, at)
		if err != nil {
			return err
		}
		return queue(ctx, tx, start)
	}
}

// RefuseRetrieval ends a request. Returns InvalidState when somebody decided.
func RefuseRetrieval(ledger int32, id audit.RetrievalID, by audit.Object, reason string, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		who, err := encoded("decider", by)
		if err != nil {
			return err
		}
		return change(ctx, tx, "refuse retrieval", `
			update archive_retrieval set status = 'refused', decided_by = $3, decided_at = $4, refusal = $5, ended_at = $4
			where ledger = $1 and id = $2 and status = 'requested'`, ledger, id, who, at, reason)
	}
}

// CompleteRetrieval notes that the payloads are there until a time.
func CompleteRetrieval(ledger int32, id audit.RetrievalID, at, until time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		return change(ctx, tx, "complete retrieval", `
			update archive_retrieval set status = 'available', available_at = $3, expires_at = $4
			where ledger = $1 and id = $2 and status = 'restoring'`, ledger, id, at, until)
	}
}

// EndRetrieval ends one that was approved: as expired, or as failed with what went
// wrong.
func EndRetrieval(ledger int32, id audit.RetrievalID, status audit.RetrievalStatus, problem string, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		return change(ctx, tx, "end retrieval", `
			update archive_retrieval set status = $3, problem = nullif($4, ''), ended_at = $5
			where ledger = $1 and id = $2 and status in ('restoring', 'available')`, ledger, id, status, problem, at)
	}
}

// ExpiredRetrievals are those whose time is over, oldest first.
func (s *Store) ExpiredRetrievals(ctx context.Context, now time.Time, limit int) ([]Retrieval, error) {
	return s.retrievals(ctx, `status = 'available' and expires_at <= $1 order by expires_at limit $2`, now, limit)
}

// UnfinishedRetrievals were approved before a time and are still worked on, with
// no order in the outbox.
func (s *Store) UnfinishedRetrievals(ctx context.Context, before time.Time, limit int) ([]Retrieval, error) {
	return s.retrievals(ctx, `status = 'restoring' and decided_at < $1 and not exists (select from outbox o where o.workflow_id = archive_retrieval.id) order by decided_at limit $2`, before, limit)
}

func (s *Store) retrievals(ctx context.Context, where string, args ...any) ([]Retrieval, error) {
	rows, err := s.pool.Query(ctx, `select `+retrievalColumns+` from archive_retrieval where `+where, args...)
	if err != nil {
		return nil, translate("list retrievals", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Retrieval])
	return list, translate("list retrievals", err)
}
