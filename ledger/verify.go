package ledger

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// VerifyOptions say what is verified and against what.
type VerifyOptions struct {
	First, End int64 // entries [First, End); beyond the ledger means its end

	// Trusted are checkpoints of this ledger from outside the database, opened
	// with a key that the caller trusts. They outrank everything that is stored.
	Trusted []Checkpoint

	// RecordsOnly leaves payloads, searchable columns, external ids and roll-ups
	// out: records, chain, tree, tiles and checkpoints remain.
	RecordsOnly bool

	// Rollups counts the whole ledger again and compares its roll-ups, unless
	// something else is wrong; done anyway when the range is the whole ledger.
	Rollups bool

	// Each, if set, is called with every row in order. The row and its memory
	// are only lent.
	Each func(*Row)

	Workers int // that check rows at the same time; 0 is one for each core
}

// Verification is the result of checking a range of a ledger.
type Verification struct {
	First, End int64 // the range that was checked
	Rows       int64 // entries that were there
	Archived   int64 // of them, those whose payloads are in segment files alone
	Destroyed  int64 // of them, those whose payloads were destroyed when their retention ended
	FilesRead  int64 // segment files that were read, which is not done here
	Counts     map[ProblemKind]int64
	Problems   []Problem // at most MaxProblems
	Checkpoint Checkpoint
	Trusted    []Trust // of VerifyOptions.Trusted, by size
	Digest     string  // over ledger, range, rows and the last leaf: the same state gives the same
}

// Trust is what became of a trusted checkpoint: whether the ledger still has
// the tree that it describes.
type Trust struct {
	Checkpoint Checkpoint
	Holds      bool
}

// OK reports whether something was checked and nothing is wrong.
func (v *Verification) OK() bool { return v.Rows > 0 && len(v.Counts) == 0 }

// Verify checks the entries [first, end) of a ledger as VerifyWith does,
// against the ledger's own head. end beyond the ledger means its end. each, if
// set, is called with every row for the caller's own counting.
func (l *Log) Verify(ctx context.Context, ledger int32, first, end int64, each func(*Row)) (Verification, error) {
	return l.VerifyWith(ctx, ledger, VerifyOptions{First: first, End: end, Each: each})
}

// VerifyFrom checks what came after a trusted checkpoint, and costs only that:
// that the stored tree continues the checkpoint's, and every entry from there
// to the end.
func (l *Log) VerifyFrom(ctx context.Context, ledger int32, trusted Checkpoint, each func(*Row)) (Verification, error) {
	return l.VerifyWith(ctx, ledger, VerifyOptions{First: trusted.Size, End: 1 << 62, Trusted: []Checkpoint{trusted}, Each: each})
}

// VerifyWith checks a range of a ledger, in one snapshot and in constant
// memory: every record's form, number, hash and link, every field's
// commitment, every searchable column, external id, tile and checkpoint, and
// that the range and the rest of the tree lead to the root of the head and of
// every trusted checkpoint. Where they do not, it names the entries that were
// changed, or the smallest range of entries that still has a trusted hash. When
// the range is the whole ledger, its roll-ups are compared, too. Returns
// NotFound, or ValidationFailed for a trusted checkpoint of another ledger.
func (l *Log) VerifyWith(ctx context.Context, ledger int32, o VerifyOptions) (v Verification, err error) {
	err = l.read(ctx, ledger, func(tx pgx.Tx) error {
		v, err = verify(ctx, tx, ledger, o)
		return err
	})
	if err != nil {
		return v, fmt.Errorf("verify ledger %d: %w", ledger, err)
	}
	return v, nil
}

// verifier is one verification. Its methods run in the goroutine that called
// verify, except those of the reader and the workers (verify_rows.go), which
// share only the connection.
type verifier struct {
	ctx     context.Context
	ledger  int32
	options VerifyOptions
	result  Verification

	conn sync.Mutex // guards tx while reader and workers run
	tx   pgx.Tx

	genesis Genesis
	head    storedHead
	nodes   *nodes
	trees   verifiedTrees
	rows    rowSequence
	points  checkpointSequence
	offline Spans            // entries whose payloads may be in segment files, or destroyed
	gone    Spans            // of them, those that were destroyed
	named   map[int64]bool   // entries in Problems
	records map[int64][]Hash // by tile; see recordHashes
}

func verify(ctx context.Context, tx pgx.Tx, ledger int32, o VerifyOptions) (Verification, error) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	v := &verifier{ctx: ctx, tx: tx, ledger: ledger, options: o, named: map[int64]bool{}, records: map[int64][]Hash{}}
	v.result.Counts = map[ProblemKind]int64{}
	if err := v.run(); err != nil {
		return v.result, err
	}
	return v.result, nil
}

func (v *verifier) run() error {
	if there, err := v.readHead(); err != nil || !there {
		return err
	}
	size := v.result.Checkpoint.Size
	v.result.First = max(v.options.First, 0)
	v.result.End = max(min(v.options.End, size), v.result.First)
	if err := v.startTrust(); err != nil {
		return err
	}
	if err := v.startTree(); err != nil {
		return err
	}
	v.trustLeft()
	var err error
	if v.offline, v.gone, err = offline(v.ctx, v.tx, v.ledger); err != nil {
		return err
	}
	v.rows.start(v.result.First)
	v.points.start(v.result.First)
	// A page joins thousands of rows with thousands. Before a new table has
	// been analyzed, the planner may expect a few and compare each with each.
	if _, err := v.tx.Exec(v.ctx, `set local enable_nestloop = off`); err != nil {
		return err
	}
	if err := v.scan(v.result.First, v.result.End); err != nil {
		return err
	}
	v.missing(v.result.End)
	v.checkLast()
	for _, check := range []func() error{v.strays, v.upperTiles, v.finishTree, v.finishTrust, v.checkRollups} {
		if err := check(); err != nil {
			return err
		}
	}
	v.result.Digest = v.digest()
	return nil
}

func (v *verifier) digest() string {
	var last *Hash
	if p := v.rows.previous; p != nil {
		last = &p.leaf
	}
	r := &v.result
	return rangeDigest(r.Checkpoint.Origin, r.First, r.End, r.Rows, last)
}

// Orphans lists the numbers under which rows stand although there is no such
// ledger: what is left of one that was deleted, or was moved there.
func (l *Log) Orphans(ctx context.Context) ([]int32, error) {
	var found []int32
	err := pgx.BeginTxFunc(ctx, l.writes, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) (err error) {
		found, err = orphans(ctx, tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for rows of no ledger: %w", err)
	}
	return found, nil
}

// orphans walks each table's index from ledger to ledger instead of reading
// every row.
func orphans(ctx context.Context, tx pgx.Tx) ([]int32, error) {
	rows, err := tx.Query(ctx, `
		with recursive
		entries (id) as (select min(ledger) from entry union all select (select min(ledger) from entry where ledger > id) from entries where id is not null),
		payloads (id) as (select min(ledger) from payload union all select (select min(ledger) from payload where ledger > id) from payloads where id is not null),
		externals (id) as (select min(ledger) from external_id union all select (select min(ledger) from external_id where ledger > id) from externals where id is not null),
		tiles (id) as (select min(ledger) from tile union all select (select min(ledger) from tile where ledger > id) from tiles where id is not null),
		checkpoints (id) as (select min(ledger) from checkpoint union all select (select min(ledger) from checkpoint where ledger > id) from checkpoints where id is not null),
		rollups (id) as (select min(ledger) from rollup union all select (select min(ledger) from rollup where ledger > id) from rollups where id is not null)
		select id from (
			select id from entries union select id from payloads union select id from externals union select id from tiles
			union select id from checkpoints union select id from rollups union select ledger from head
		) mentioned
		where id is not null and not exists (select from ledger l where l.id = mentioned.id)
		order by id`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int32])
}

// unknownLedger is NotFound.
func unknownLedger(ledger int32) error {
	return audit.Errorf(audit.NotFound, "there is no ledger %d", ledger)
}
