package ledger

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// Place is where an entry is: enough to find it again without a look into every
// month's partition.
type Place struct {
	Seq        int64
	RecordedAt time.Time
}

// The payloads are found before they are joined, by their own index: see selectRange.
const selectPlaces = `
	from (select * from entry where ledger = $1 and seq = any($2)) e
	left join (select * from payload where ledger = $1 and seq = any($2) and recorded_at >= $3 and recorded_at <= $4) p on p.seq = e.seq`

// RowsAt streams entries in the order in which they are asked for, whatever it is,
// each asked for once. It is for what has to be read in another order than the
// ledger's: where entries are near each other in both, a page is nearly a range.
// Errors are those of [Log.Rows].
func (l *Log) RowsAt(ctx context.Context, ledger int32, places []Place) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for wanted := range slices.Chunk(places, pageRows) {
			page, err := l.rowsAt(ctx, ledger, wanted)
			for i := range wanted {
				if err == nil && page[i].Bare { // or its column says another time
					page[i], err = l.Row(ctx, ledger, wanted[i].Seq)
				}
				if err == nil && page[i].Record == nil {
					err = audit.Errorf(audit.Tampered, "entry %d is missing", wanted[i].Seq).With(MissingSeq, wanted[i].Seq)
				}
				if err != nil {
					yield(Row{}, err)
					return
				}
				if !yield(page[i], nil) {
					return
				}
			}
		}
	}
}

func (l *Log) rowsAt(ctx context.Context, ledger int32, wanted []Place) (page []Row, err error) {
	at, seqs := make(map[int64]int, len(wanted)), make([]int64, len(wanted))
	from, until := wanted[0].RecordedAt, wanted[0].RecordedAt
	for i, p := range wanted {
		at[p.Seq], seqs[i] = i, p.Seq
		if p.RecordedAt.Before(from) {
			from = p.RecordedAt
		}
		if p.RecordedAt.After(until) {
			until = p.RecordedAt
		}
	}
	err = l.read(ctx, ledger, func(tx pgx.Tx) error {
		page = make([]Row, len(wanted))
		if _, err := tx.Exec(ctx, `set local enable_nestloop = off`); err != nil { // as in scanRange
			return err
		}
		rows, err := tx.Query(ctx, `select `+rowColumns+selectPlaces, binaryRows, ledger, seqs, from, until)
		if err != nil {
			return err
		}
		found, err := pgx.CollectRows(rows, collectRow)
		for _, r := range found {
			page[at[r.Seq]] = r
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read entries: %w", err)
	}
	return page, nil
}
