package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// Stream is a stream's row.
type Stream struct {
	ID             audit.StreamID
	Ledger         int32
	Name           string
	URL            string `db:"url"`
	Format         string
	Filter         JSON[audit.StreamFilter]
	Status         audit.StreamStatus
	Secret         []byte
	PreviousSecret []byte
	PreviousUntil  *time.Time
	NextSeq        int64
	PendingEnd     *int64
	Replays        int
	Version        int
	CreatedBy      string
	CreatedAt      time.Time
	ChangedAt      time.Time
	Delivered      int64
	Failures       int
	FailingSince   *time.Time
	SucceededAt    *time.Time
	FailedAt       *time.Time
	LastError      *string
}

const streamColumns = `id, ledger, name, url, format, filter, status, secret, previous_secret, previous_until, next_seq, pending_end, replays, version,
	created_by, created_at, changed_at, delivered, failures, failing_since, succeeded_at, failed_at, last_error`

// Stream returns an organisation's stream, or NotFound. One that was deleted is
// there, for its workflow.
func (s *Store) Stream(ctx context.Context, ledger int32, id audit.StreamID) (Stream, error) {
	return one[Stream](ctx, s.pool, "read stream", `select `+streamColumns+` from stream where ledger = $1 and id = $2`, ledger, id)
}

// Streams lists an organisation's streams, newest first.
func (s *Store) Streams(ctx context.Context, ledger int32) ([]Stream, error) {
	rows, err := s.pool.Query(ctx, `select `+streamColumns+` from stream where ledger = $1 and status <> 'deleted' order by created_at desc, id desc`, ledger)
	if err != nil {
		return nil, translate("list streams", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Stream])
	return list, translate("list streams", err)
}

// InsertStream adds a stream together with the order to start its workflow.
// Returns InvalidState when the organisation has audit.MaxStreams.
func InsertStream(x Stream, start Start) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		filter, err := json.Marshal(x.Filter.V)
		if err != nil {
			return fmt.Errorf("encode filter: %w", err)
		}
		// The transaction holds the lock of the ledger's head, so nobody counts beside it.
		tag, err := tx.Exec(ctx, `
			insert into stream (id, ledger, name, url, format, filter, status, secret, next_seq, created_by, created_at, changed_at)
			select @id, @ledger, @name, @url, @format, @filter, @status, @secret, @next, @by, @at, @at
			where (select count(*) from stream where ledger = @ledger and status <> 'deleted') < @most`, pgx.StrictNamedArgs{
			"id": x.ID, "ledger": x.Ledger, "name": x.Name, "url": x.URL, "format": x.Format, "filter": string(filter), "status": audit.StreamActive,
			"secret": x.Secret, "next": x.NextSeq, "by": x.CreatedBy, "at": x.CreatedAt, "most": audit.MaxStreams,
		})
		if err != nil {
			return translate("store stream", err)
		}
		if tag.RowsAffected() == 0 {
			return audit.Errorf(audit.InvalidState, "an organisation has at most %d streams", audit.MaxStreams)
		}
		return queue(ctx, tx, start)
	}
}

// ChangeStream stores what a person says of a stream, if nobody else has changed
// it since version was read. Returns InvalidState otherwise. What was under way is
// put together anew.
func ChangeStream(x Stream, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		filter, err := json.Marshal(x.Filter.V)
		if err != nil {
			return fmt.Errorf("encode filter: %w", err)
		}
		return change(ctx, tx, "change stream", `
			update stream set name = $4, url = $5, format = $6, filter = $7, status = $8, version = version + 1, changed_at = $9, pending_end = null, replays = replays + 1,
				failures = case when status = 'disabled' and $8 = 'active' then 0 else failures end,
				failing_since = case when status = 'disabled' and $8 = 'active' then null else failing_since end
			where ledger = $1 and id = $2 and version = $3 and status <> 'deleted'`,
			x.Ledger, x.ID, x.Version, x.Name, x.URL, x.Format, string(filter), x.Status, at)
	}
}

// DeleteStream ends a stream for good and forgets its secrets.
func DeleteStream(ledger int32, id audit.StreamID, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		return change(ctx, tx, "delete stream", `
			update stream set status = 'deleted', secret = '', previous_secret = null, previous_until = null, version = version + 1, changed_at = $3
			where ledger = $1 and id = $2 and status <> 'deleted'`, ledger, id, at)
	}
}

// ReplayStream sets where a stream goes on.
func ReplayStream(ledger int32, id audit.StreamID, seq int64, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		return change(ctx, tx, "replay stream", `
			update stream set next_seq = $3, pending_end = null, replays = replays + 1, version = version + 1, changed_at = $4
			where ledger = $1 and id = $2 and status <> 'deleted'`, ledger, id, seq, at)
	}
}

// RotateStream gives a stream another secret; the one before signs, too, until a
// time.
func RotateStream(ledger int32, id audit.StreamID, secret []byte, until, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		return change(ctx, tx, "rotate secret of stream", `
			update stream set previous_secret = secret, previous_until = $4, secret = $3, version = version + 1, changed_at = $5
			where ledger = $1 and id = $2 and status <> 'deleted'`, ledger, id, secret, until, at)
	}
}

// FixMessage fixes the end of the message that begins at next, once: whoever comes
// later gets what the first one fixed. NotFound when the stream has moved on.
func (s *Store) FixMessage(ctx context.Context, x Stream, end int64) (fixed int64, err error) {
	err = s.pool.QueryRow(ctx, `
		update stream set pending_end = coalesce(pending_end, $4) where ledger = $1 and id = $2 and next_seq = $3 and replays = $5 and status = 'active' returning pending_end`,
		x.Ledger, x.ID, x.NextSeq, end, x.Replays).Scan(&fixed)
	return fixed, translate("fix message", err)
}

// SkipEntries moves a stream over entries that it does not deliver.
func (s *Store) SkipEntries(ctx context.Context, x Stream, to int64) error {
	_, err := s.pool.Exec(ctx, `
		update stream set next_seq = $4 where ledger = $1 and id = $2 and next_seq = $3 and replays = $5 and pending_end is null`, x.Ledger, x.ID, x.NextSeq, to, x.Replays)
	return translate("skip entries", err)
}

// DeliveryDone moves a stream on after its receiver took n entries. If somebody
// moved it meanwhile, as a replay does, it stays where they put it.
func (s *Store) DeliveryDone(ctx context.Context, x Stream, to int64, n int, at time.Time) error {
	_, err := s.pool.Exec(ctx, `
		update stream set next_seq = case when next_seq = $3 and replays = $6 then $4 else next_seq end,
			pending_end = case when next_seq = $3 and replays = $6 then null else pending_end end,
			delivered = delivered + $5, failures = 0, failing_since = null, succeeded_at = $7
		where ledger = $1 and id = $2`, x.Ledger, x.ID, x.NextSeq, to, n, x.Replays, at)
	return translate("note delivery", err)
}

// DeliveryFailed notes a failure and returns since when there were only failures.
func (s *Store) DeliveryFailed(ctx context.Context, x Stream, why string, at time.Time) (since time.Time, err error) {
	err = s.pool.QueryRow(ctx, `
		update stream set failures = failures + 1, failing_since = coalesce(failing_since, $3), failed_at = $3, last_error = $4
		where ledger = $1 and id = $2 returning failing_since`, x.Ledger, x.ID, at, why).Scan(&since)
	return since, translate("note failure", err)
}

// LivingStream is a stream that is not deleted, with its organisation.
type LivingStream struct {
	Stream
	Organisation audit.OrganisationID
}

// LivingStreams returns the streams of all organisations made before a time that
// are not deleted and for which the outbox holds no order, after the one with an
// id, in the order of ids.
func (s *Store) LivingStreams(ctx context.Context, before time.Time, after audit.StreamID, limit int) ([]LivingStream, error) {
	rows, err := s.pool.Query(ctx, `
		select x.*, o.id as organisation from (select `+streamColumns+` from stream) x join organisation o on o.ledger = x.ledger
		where x.status <> 'deleted' and x.created_at < $1 and x.id > $2 and not exists (select from outbox w where w.workflow_id = x.id)
		order by x.id limit $3`, before, string(after), limit)
	if err != nil {
		return nil, translate("list living streams", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[LivingStream])
	return list, translate("list living streams", err)
}

// OrderStart queues the order to start a workflow that should run and does not.
func (s *Store) OrderStart(ctx context.Context, start Start) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return queue(ctx, tx, start) })
}

// DisableStream stops a stream that cannot be delivered. InvalidState when it is
// not active any more.
func DisableStream(ledger int32, id audit.StreamID, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		return change(ctx, tx, "disable stream", `
			update stream set status = 'disabled', version = version + 1, changed_at = $3 where ledger = $1 and id = $2 and status = 'active'`, ledger, id, at)
	}
}
