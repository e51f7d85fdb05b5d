package ledger

import (
	"context"
	"fmt"
	"time"
)

// The names of the leases: of what only one process does at a time.
const (
	publisherLease = "publisher"
	indexerLease   = "indexer"
)

const takeLease = `
	insert into lease (name, holder, until) values ($1, $2, now() + $3::interval)
	on conflict (name) do update set holder = excluded.holder, until = excluded.until
	where lease.holder = excluded.holder or lease.until < now()`

// takeLease takes or renews a lease, by the database's clock. Two holders at
// once do no harm: the signer state lets one of them sign, and the rows of
// search_progress let one of them index.
func (l *Log) takeLease(ctx context.Context, name string, life time.Duration) (mine bool, err error) {
	tag, err := l.writes.Exec(ctx, takeLease, name, l.holder, life.String())
	if err != nil {
		return false, fmt.Errorf("take the lease: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

func (l *Log) yieldLease(ctx context.Context, name string) error {
	_, err := l.writes.Exec(ctx, `update lease set until = now() where name = $1 and holder = $2`, name, l.holder)
	if err != nil {
		return fmt.Errorf("give the lease back: %w", err)
	}
	return nil
}
