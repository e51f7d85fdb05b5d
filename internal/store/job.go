package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// job is the table of one kind of job that a workflow works on. All kinds begin,
// end and are canceled alike.
type job string

const (
	exportJob       job = "export"
	verificationJob job = "verification"
	assessmentJob   job = "assessment"
	reportJob       job = "report"
)

// unfinishedStates are those of jobs that have not ended; only reports wait for a
// signature.
const unfinishedStates = `('queued', 'processing', 'pending_signature')`

// begin marks a queued job as processing by a workflow run. A final one is left
// alone: the run has nothing to do. An operator's Reset gives a new run, which
// takes over.
func (j job) begin(ctx context.Context, pool *pgxpool.Pool, ledger int32, id, runID string) error {
	_, err := pool.Exec(ctx, fmt.Sprintf(`
		update %s set status = 'processing', run_id = $3 where ledger = $1 and id = $2 and status in ('queued', 'processing')`, j), ledger, id, runID)
	return translate("begin "+string(j), err)
}

// end marks a job that runs as failed or canceled. Returns InvalidState when it
// has ended.
func (j job) end(ctx context.Context, tx pgx.Tx, ledger int32, id, status, reason string) error {
	return change(ctx, tx, "end "+string(j), fmt.Sprintf(`
		update %s set status = $3, error = nullif($4, '') where ledger = $1 and id = $2 and status in %s`, j, unfinishedStates), ledger, id, status, reason)
}

// cancel notes that a job shall stop, and orders its workflow to. Returns
// InvalidState when it is final or was asked before.
func (j job) cancel(ledger int32, id string, at time.Time, order Cancel) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		err := change(ctx, tx, "cancel "+string(j), fmt.Sprintf(`
			update %s set cancel_requested_at = $3
			where ledger = $1 and id = $2 and status in %s and cancel_requested_at is null`, j, unfinishedStates), ledger, id, at)
		if err != nil {
			return err
		}
		return queue(ctx, tx, order)
	}
}

// unfinished returns jobs made before a time that have not ended and for which
// the outbox holds no order, oldest first.
func unfinished[T any](ctx context.Context, pool *pgxpool.Pool, j job, columns string, before time.Time, limit int) ([]T, error) {
	what := "list unfinished " + string(j) + "s"
	rows, err := pool.Query(ctx, fmt.Sprintf(`
		select %s from %s j
		where status in %s and created_at < $1 and not exists (select from outbox o where o.workflow_id = j.id)
		order by created_at limit $2`, columns, j, unfinishedStates), before, limit)
	if err != nil {
		return nil, translate(what, err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[T])
	return list, translate(what, err)
}
