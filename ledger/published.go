package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// PublicationOf returns the published checkpoint of the registry with this
// size, or NotFound.
func (l *Log) PublicationOf(ctx context.Context, size int64) (p Publication, err error) {
	var note string
	err = l.read(ctx, Registry, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select note, created_at from publication where size = $1`, size).Scan(&note, &p.At)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return p, audit.Errorf(audit.NotFound, "no checkpoint of the registry with %d entries was published", size)
	}
	if err != nil {
		return p, fmt.Errorf("read the publication: %w", err)
	}
	p.Note, p.At = []byte(note), p.At.UTC()
	p.Checkpoint, err = readCheckpoint(note)
	return p, err
}
