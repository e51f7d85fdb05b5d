package ledger

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// How the text index follows the ledgers. Appending does not wait for it: what
// was appended can be found a round later.
const (
	DefaultIndexEvery = 500 * time.Millisecond
	indexBatch        = 2048             // entries of one transaction
	indexPart         = 512              // entries of one statement: the next are read while Postgres makes vectors of these
	indexLease        = 10 * time.Second // longer than a batch takes
	indexTimeout      = 30 * time.Second // of a transaction
)

// RunIndexer keeps the text index up with the ledgers until ctx ends. Of all
// processes the one that holds the lease does so. What goes wrong is logged,
// once until it changes, and tried again.
func (l *Log) RunIndexer(ctx context.Context) {
	said := ""
	ticks := time.NewTicker(l.config.IndexEvery)
	defer ticks.Stop()
	for {
		switch err := l.Index(ctx); {
		case ctx.Err() != nil:
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), indexLease)
			defer cancel()
			if err := l.yieldLease(last, indexerLease); err != nil { // it ends by itself
				l.config.Logger.Warn("the indexer's lease is kept", "error", err)
			}
			return
		case err == nil:
			said = ""
		case err.Error() != said:
			said = err.Error()
			l.config.Logger.Warn("entries are not indexed for searching", "error", said)
		}
		select {
		case <-ctx.Done():
		case <-ticks.C:
		}
	}
}

// behind is a ledger with entries that are not indexed.
type behind struct {
	Ledger int32
	Size   int64
}

const selectBehind = `
	select h.ledger, h.size from head h left join search_progress p on p.ledger = h.ledger
	where h.ledger <> $1 and h.size > coalesce(p.size, 0)
	order by h.ledger`

// Index brings the index of every ledger to its head, a batch of each in turn,
// if no other process is doing so.
func (l *Log) Index(ctx context.Context) error {
	for {
		if mine, err := l.takeLease(ctx, indexerLease, indexLease); err != nil || !mine {
			return err
		}
		rows, err := l.writes.Query(ctx, selectBehind, Registry)
		if err != nil {
			return fmt.Errorf("find ledgers to index: %w", err)
		}
		ledgers, err := pgx.CollectRows(rows, pgx.RowToStructByName[behind])
		if err != nil {
			return fmt.Errorf("find ledgers to index: %w", err)
		}
		if len(ledgers) == 0 {
			return nil
		}
		for _, b := range ledgers {
			if err := l.indexBatch(ctx, b); err != nil {
				return fmt.Errorf("index ledger %d: %w", b.Ledger, err)
			}
		}
	}
}

// Where masking changes nothing, the vector of everything is the basic one. The
// offset keeps Postgres from making a vector each time it is named.
const vectorsOfTexts = `
	select seq, ba || bd || br as basic, coalesce(sa, ba) || coalesce(sd, bd) || coalesce(sr, br) as sensitive
	from (
		select seq,
			setweight(to_tsvector('simple', ba), 'A') as ba, setweight(to_tsvector('simple', bd), 'B') as bd, setweight(to_tsvector('simple', br), 'C') as br,
			setweight(to_tsvector('simple', sa), 'A') as sa, setweight(to_tsvector('simple', sd), 'B') as sd, setweight(to_tsvector('simple', sr), 'C') as sr
		from unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[]) as t (seq, ba, bd, br, sa, sd, sr)
		offset 0
	) v`

const insertTexts = `
	insert into search_text (ledger, seq, basic, sensitive)
	select $1, seq, basic, sensitive from (` + vectorsOfTexts + `) v
	on conflict (ledger, seq) do update set basic = excluded.basic, sensitive = excluded.sensitive`

// indexBatch indexes a ledger's next entries. Their payloads are read under
// the lock on its progress, so that an erasure is either before the reading or
// finds the text that it removes.
func (l *Log) indexBatch(ctx context.Context, b behind) error {
	ctx, cancel := context.WithTimeout(ctx, indexTimeout)
	defer cancel()
	return pgx.BeginFunc(ctx, l.writes, func(tx pgx.Tx) error {
		from, err := lockProgress(ctx, tx, b.Ledger)
		if err != nil {
			return err
		}
		end := min(from+indexBatch, b.Size)
		if end <= from {
			return nil
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		for part := range l.textsOf(ctx, b.Ledger, from, end) {
			if part.err != nil {
				return part.err
			}
			if _, err := tx.Exec(ctx, insertTexts, append([]any{b.Ledger, part.seq}, part.columns()...)...); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `select sort_in_search_text()`); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `update search_progress set size = $2 where ledger = $1`, b.Ledger, end)
		return err
	})
}

// lockProgress keeps others from indexing a ledger and from erasing in it until the
// transaction ends, and returns how far the index is.
func lockProgress(ctx context.Context, tx pgx.Tx, ledger int32) (size int64, err error) {
	if _, err = tx.Exec(ctx, `insert into search_progress (ledger, size) values ($1, 0) on conflict do nothing`, ledger); err == nil {
		err = tx.QueryRow(ctx, `select size from search_progress where ledger = $1 for update`, ledger).Scan(&size)
	}
	return size, err
}

// indexAgain indexes entries, in their order, whose payloads have come back. It can
// be done again.
func (l *Log) indexAgain(ctx context.Context, ledger int32, seqs []int64) error {
	ctx, cancel := context.WithTimeout(ctx, indexTimeout)
	defer cancel()
	return pgx.BeginFunc(ctx, l.writes, func(tx pgx.Tx) error {
		if _, err := lockProgress(ctx, tx, ledger); err != nil {
			return err
		}
		for len(seqs) > 0 {
			n, _ := slices.BinarySearch(seqs, seqs[0]+indexPart)
			part, err := l.texts(ctx, ledger, seqs[0], seqs[n-1]+1)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, insertTexts, append([]any{ledger, part.seq}, part.columns()...)...); err != nil {
				return err
			}
			seqs = seqs[n:]
		}
		return nil
	})
}

// textsOf reads the entries [first, end) part by part, one ahead of who takes
// them, until ctx ends. A part with an error is the last.
func (l *Log) textsOf(ctx context.Context, ledger int32, first, end int64) <-chan texts {
	out := make(chan texts, 1)
	go func() {
		defer close(out)
		for ; first < end; first += indexPart {
			t, err := l.texts(ctx, ledger, first, min(first+indexPart, end))
			t.err = err
			select {
			case out <- t:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return out
}

// texts are the texts of entries by column, as unnest takes them.
type texts struct {
	seq   []int64
	parts [6][]*string
	err   error // why there are no more
}

func (t *texts) columns() []any {
	out := make([]any, len(t.parts))
	for i, p := range t.parts {
		out[i] = p
	}
	return out
}

// texts reads the entries [first, end). What is missing or cannot be read is
// for verification to tell, and stops nobody from finding the others.
func (l *Log) texts(ctx context.Context, ledger int32, first, end int64) (t texts, err error) {
	err = l.read(ctx, ledger, func(tx pgx.Tx) error {
		return scanRange(ctx, tx, ledger, first, end, func(s *storedRow) error {
			e, err := s.Entry()
			if err != nil {
				return nil //nolint:nilerr // see above
			}
			t.add(&e)
			return nil
		})
	})
	return t, err
}

func (t *texts) add(e *audit.Entry) {
	full, masked := e.SearchText(), audit.Mask(*e)
	if full == (audit.SearchText{}) { // a row, even an empty one, is found by what must not be in it
		return
	}
	t.seq = append(t.seq, e.Seq)
	basic := masked.SearchText()
	for i, part := range []struct{ basic, full string }{{basic.Actor, full.Actor}, {basic.Details, full.Details}, {basic.Rest, full.Rest}} {
		t.parts[i] = append(t.parts[i], indexed(part.basic))
		var more *string
		if part.full != part.basic {
			more = indexed(part.full)
		}
		t.parts[3+i] = append(t.parts[3+i], more)
	}
}

func indexed(text string) *string {
	text += "\n" + audit.SearchParts(text)
	return &text
}
