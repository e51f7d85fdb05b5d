package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Start orders a workflow to be started.
type Start struct {
	Workflow   string // registered name
	WorkflowID string
	Input      any
	At         time.Time
}

// Cancel orders a workflow to be canceled.
type Cancel struct {
	WorkflowID string
	At         time.Time
}

// Signal orders a signal to a running workflow. It carries nothing but its name:
// what it is about stands in the database.
type Signal struct {
	WorkflowID string
	Name       string
	At         time.Time
}

// Order is an outbox row: something that Temporal has yet to be told.
type Order struct {
	ID         int64
	Kind       string // "start", "cancel" or "signal"
	WorkflowID string
	Workflow   string // of a signal, its name
	Input      string
	Attempts   int32
	CreatedAt  time.Time
}

// queue adds an order in the transaction of the job it belongs to.
func queue(ctx context.Context, tx pgx.Tx, order any) error {
	const insert = `insert into outbox (kind, workflow_id, workflow, input, next_at, created_at) values ($1, $2, $3, $4, $5, $5)`
	var err error
	switch o := order.(type) {
	case Start:
		var input []byte
		if input, err = json.Marshal(o.Input); err != nil {
			return fmt.Errorf("encode workflow input: %w", err)
		}
		_, err = tx.Exec(ctx, insert, "start", o.WorkflowID, o.Workflow, string(input), o.At)
	case Cancel:
		_, err = tx.Exec(ctx, insert, "cancel", o.WorkflowID, "", "", o.At)
	case Signal:
		_, err = tx.Exec(ctx, insert, "signal", o.WorkflowID, o.Name, "", o.At)
	default:
		err = fmt.Errorf("an order is a Start, a Cancel or a Signal, not %T", order)
	}
	return translate("queue order", err)
}

// TakeOrders leases up to limit due orders for as long as lease: no other relay
// sees them meanwhile, and if this one dies they become due again. A workflow's
// orders come one at a time and in the order in which they were queued.
func (s *Store) TakeOrders(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]Order, error) {
	rows, err := s.pool.Query(ctx, `
		with due as (
			select o.id from outbox o
			where o.next_at <= $1 and not exists (select from outbox e where e.workflow_id = o.workflow_id and e.id < o.id)
			order by o.id limit $3
			for update skip locked
		)
		update outbox set next_at = $2, attempts = attempts + 1 from due where outbox.id = due.id
		returning outbox.id, kind, workflow_id, workflow, input, attempts, created_at`, now, now.Add(lease), limit)
	if err != nil {
		return nil, translate("take orders", err)
	}
	orders, err := pgx.CollectRows(rows, pgx.RowToStructByName[Order])
	return orders, translate("take orders", err)
}

// OrderDone removes an order that Temporal has accepted.
func (s *Store) OrderDone(ctx context.Context, id int64) error {
	_, err := s.pool.Exec(ctx, `delete from outbox where id = $1`, id)
	return translate("remove order", err)
}

// RetryOrder makes an order due again at a time.
func (s *Store) RetryOrder(ctx context.Context, id int64, at time.Time) error {
	_, err := s.pool.Exec(ctx, `update outbox set next_at = $2 where id = $1`, id, at)
	return translate("postpone order", err)
}

// PruneRequestKeys forgets request keys that are older than before.
func (s *Store) PruneRequestKeys(ctx context.Context, before time.Time) (int64, error) {
	tag, err := s.pool.Exec(ctx, `delete from request_key where created_at < $1`, before)
	return tag.RowsAffected(), translate("prune request keys", err)
}

// Starting is the statement that orders a workflow in somebody else's transaction.
func Starting(start Start) Statements {
	return func(ctx context.Context, tx pgx.Tx) error { return queue(ctx, tx, start) }
}
