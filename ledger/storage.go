package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// Bytes measures what a ledger's organisation holds in the database: every row
// of it, as it is stored, without indexes and pages' free room. It reads all of
// them; returns Unavailable when that takes longer than limit.
func (l *Log) Bytes(ctx context.Context, ledger int32, limit time.Duration) (n int64, err error) {
	err = l.read(ctx, ledger, func(tx pgx.Tx) error {
		if err := bound(ctx, tx, limit); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `select ledger_bytes()`).Scan(&n)
	})
	if tooLong(err) {
		err = &audit.Error{Code: audit.Unavailable, Message: "measuring takes too long", Err: err}
	}
	if err != nil {
		return 0, fmt.Errorf("measure ledger: %w", err)
	}
	return n, nil
}

// Oldest returns the time of the event that lies furthest back, or nil when
// there is no entry.
func (l *Log) Oldest(ctx context.Context, ledger int32) (at *time.Time, err error) {
	err = l.read(ctx, ledger, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `
			select least((select min(event_time) from payload where ledger = $1),
				(select min(event_from) from archive_segment where ledger = $1 and destroyed_at is null))`, ledger).Scan(&at)
	})
	if err != nil {
		return nil, fmt.Errorf("find oldest entry: %w", err)
	}
	return at, nil
}

// Carried lists the frameworks that entries carry. It reads the frameworks of
// all of them; returns Unavailable when that takes longer than limit.
func (l *Log) Carried(ctx context.Context, ledger int32, limit time.Duration) (list []audit.Carried, err error) {
	err = l.read(ctx, ledger, func(tx pgx.Tx) error {
		if err := bound(ctx, tx, limit); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `
			select distinct f, p.event_type like 'scan.%' from payload p, unnest(p.frameworks) f where p.ledger = $1 order by 1, 2`, ledger)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[audit.Carried])
		return err
	})
	if tooLong(err) {
		err = &audit.Error{Code: audit.Unavailable, Message: "finding the frameworks of all entries takes too long", Err: err}
	}
	if err != nil {
		return nil, fmt.Errorf("list frameworks of entries: %w", err)
	}
	return list, nil
}
