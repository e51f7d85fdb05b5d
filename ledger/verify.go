package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// ProblemKind classifies what verification found.
type ProblemKind string

// The kinds.
const (
	HashMismatch ProblemKind = "hash_mismatch" // the entry's bytes do not hash to what is stored
	BrokenChain  ProblemKind = "broken_chain"  // the entry is not the one that the next entry was chained to
	MissingEntry ProblemKind = "missing"       // a number without an entry
	ExtraEntry   ProblemKind = "extra"         // a row that was never appended
	WrongColumn  ProblemKind = "wrong_column"  // a searchable column says something else than the hashed content
	WrongTree    ProblemKind = "wrong_tree"    // a stored node, root or head does not follow from the entries
)

// Problem is one thing that is wrong, by entry where it can be told.
type Problem struct {
	Kind    ProblemKind `json:"kind"`
	Seq     int64       `json:"seq"` // -1 when it concerns no single entry
	EntryID string      `json:"id,omitempty"`
	Message string      `json:"reason"`
}

// MaxProblems bounds the problems that a verification lists; it counts all.
const MaxProblems = 1000

// Verification is the result of checking a range of a ledger.
type Verification struct {
	First, End int64 // the range that was checked
	Rows       int64 // entries that were there
	Counts     map[ProblemKind]int64
	Problems   []Problem // at most MaxProblems
	Checkpoint Checkpoint
	Digest     string // over ledger, range, rows and the last leaf: the same state gives the same
}

// OK reports whether something was checked and nothing is wrong.
func (v *Verification) OK() bool { return v.Rows > 0 && len(v.Counts) == 0 }

// Verify checks the entries [first, end) of a ledger, in one snapshot and in
// constant memory: every record's form, number, hash and link, every field's
// commitment, every searchable column, the stored tiles, and that the range
// and the rest of the tree lead to the head's root. end beyond the ledger
// means its end. each, if set, is called with every row for the caller's own
// counting.
func (l *Log) Verify(ctx context.Context, ledger int32, first, end int64, each func(*Row)) (Verification, error) {
	v := &verifier{ctx: ctx, ledger: ledger, each: each}
	v.result.Counts = map[ProblemKind]int64{}
	err := l.read(ctx, ledger, func(tx pgx.Tx) error {
		v.tx = tx
		return v.run(first, end)
	})
	if err != nil {
		return v.result, fmt.Errorf("verify ledger %d: %w", ledger, err)
	}
	return v.result, nil
}

type verifier struct {
	ctx    context.Context
	tx     pgx.Tx
	ledger int32
	each   func(*Row)
	result Verification

	genesis  Genesis
	lastLeaf Hash // of the head row
	nodes    *nodes
	root     *RangeRoot // nil once the tree cannot be recomputed

	next     int64 // the number that must come now
	previous *Row  // the entry before, nil when it is missing or not in the range
	prevTime time.Time
	tile     []Hash // leaves since the last tile boundary; nil until the range meets one
}

func (v *verifier) problem(kind ProblemKind, seq int64, id, format string, args ...any) {
	v.result.Counts[kind]++
	if len(v.result.Problems) < MaxProblems {
		v.result.Problems = append(v.result.Problems, Problem{kind, seq, id, fmt.Sprintf(format, args...)})
	}
}

func (v *verifier) run(first, end int64) error {
	var genesis string
	var root, leaf []byte
	c := &v.result.Checkpoint
	err := v.tx.QueryRow(v.ctx, `
		select l.origin, l.genesis, h.size, h.root, h.last_leaf from head h join ledger l on l.id = h.ledger where h.ledger = $1`, v.ledger).
		Scan(&c.Origin, &genesis, &c.Size, &root, &leaf)
	if err == pgx.ErrNoRows {
		return audit.Errorf(audit.NotFound, "there is no ledger %d", v.ledger)
	}
	if err != nil {
		return err
	}
	if c.Root, err = hashFrom(root); err != nil {
		return err
	}
	if v.lastLeaf, err = hashFrom(leaf); err != nil {
		return err
	}
	if v.genesis, err = ParseGenesis([]byte(genesis)); err != nil || v.genesis.Origin != c.Origin {
		v.problem(WrongTree, -1, "", "the ledger's genesis descriptor is not valid: %v", err)
	}
	v.nodes = newNodes(v.ctx, v.tx, v.ledger, c.Size)
	v.result.First, v.result.End = max(first, 0), min(end, c.Size)
	v.result.End = max(v.result.End, v.result.First)
	v.next = v.result.First
	v.startTree()
	if v.result.First%TileWidth == 0 {
		v.tile = []Hash{}
	}
	if err := scanRange(v.ctx, v.tx, v.ledger, v.result.First, v.result.End, v.row); err != nil {
		return err
	}
	v.missing(v.result.End)
	if v.result.End == c.Size && v.previous != nil && v.previous.Leaf != v.lastLeaf {
		v.problem(BrokenChain, v.previous.Seq, v.id(v.previous), "the head row was written for a last entry with leaf %s", FormatHash(v.lastLeaf))
	}
	if err := v.strays(); err != nil {
		return err
	}
	if err := v.upperTiles(); err != nil {
		return err
	}
	v.finishTree()
	v.result.Digest = v.digest()
	return nil
}

// row checks one stored row.
func (v *verifier) row(s *storedRow) error {
	if s.Seq < v.next { // the join found a second payload
		v.problem(ExtraEntry, s.Seq, "", "entry %d has more than one payload", s.Seq)
		return nil
	}
	v.missing(s.Seq)
	v.next = s.Seq + 1
	v.result.Rows++
	rec, err := s.Check()
	id := ""
	if rec.Seq == s.Seq && !rec.RecordedAt.IsZero() {
		id = audit.EntryID(s.Seq, rec.RecordedAt)
	}
	sound := err == nil
	if !sound {
		e, _ := err.(*audit.Error)
		v.problem(HashMismatch, s.Seq, id, "%s", e.Message)
	} else {
		v.link(s, &rec, id)
		v.columns(s, &rec, id)
	}
	if v.root != nil {
		if err := v.root.Add(s.Leaf); err != nil {
			return err
		}
	}
	if err := v.tileLeaf(s, id); err != nil {
		return err
	}
	if v.each != nil {
		v.each(&s.Row)
	}
	row := s.Row
	v.previous, v.prevTime = &row, rec.RecordedAt
	return nil
}

// missing reports the numbers between what must come and what came.
func (v *verifier) missing(seq int64) {
	for ; v.next < seq; v.next++ {
		v.problem(MissingEntry, v.next, "", "entry %d is missing", v.next)
		v.previous, v.root, v.tile = nil, nil, nil
	}
}

// link checks the chain between an entry that hashes as it should and the one
// before. If they do not fit, it is the one before that was changed: this
// one's link is inside its own hash.
func (v *verifier) link(s *storedRow, rec *Record, id string) {
	if rec.Origin != v.genesis.Origin {
		v.problem(HashMismatch, s.Seq, id, "entry %d: its record is of the ledger %s", s.Seq, rec.Origin)
	}
	switch {
	case s.Seq == 0 && rec.Prev != v.genesis.Hash():
		v.problem(BrokenChain, 0, id, "entry 0 does not follow the ledger's genesis")
	case v.previous != nil && rec.Prev != v.previous.Leaf:
		v.problem(BrokenChain, v.previous.Seq, v.id(v.previous), "entry %d is not the one that entry %d was chained to", v.previous.Seq, s.Seq)
	case v.previous != nil && rec.RecordedAt.Before(v.prevTime):
		v.problem(BrokenChain, s.Seq, id, "entry %d is dated before the entry it follows", s.Seq)
	}
}

// columns compares what is searched with what is hashed.
func (v *verifier) columns(s *storedRow, rec *Record, id string) {
	if s.eventID != [16]byte(rec.EventID) {
		v.problem(WrongColumn, s.Seq, id, "entry %d: column event_id is not the record's", s.Seq)
	}
	if s.recordedAt == nil {
		v.problem(HashMismatch, s.Seq, id, "entry %d: its payload is missing", s.Seq)
		return
	}
	if !s.recordedAt.Equal(rec.RecordedAt) {
		v.problem(WrongColumn, s.Seq, id, "entry %d: column recorded_at is not the record's", s.Seq)
	}
	want, erased, err := project(rec, s.Fields)
	if err != nil {
		v.problem(HashMismatch, s.Seq, id, "entry %d: %v", s.Seq, err)
		return
	}
	for _, name := range want.differs(&s.projection) {
		if !slices.Contains(erased, name) {
			v.problem(WrongColumn, s.Seq, id, "entry %d: column %s is not what the hashed content says", s.Seq, name)
		}
	}
}

func (v *verifier) id(r *Row) string {
	if rec, err := ParseRecord(r.Record); err == nil {
		return audit.EntryID(r.Seq, rec.RecordedAt)
	}
	return ""
}

// strays finds rows that no append made: beyond the head, or payloads of
// entries that are not there.
func (v *verifier) strays() error {
	rows, err := v.tx.Query(v.ctx, `
		select seq, 'is beyond the head of the ledger' from entry where ledger = $1 and seq >= $2
		union all
		select p.seq, 'has a payload but no entry' from payload p
		where p.ledger = $1 and not exists (select from entry e where e.ledger = p.ledger and e.seq = p.seq)
		order by 1 limit 10000`, v.ledger, v.result.Checkpoint.Size)
	if err != nil {
		return err
	}
	var seq int64
	var what string
	_, err = pgx.ForEachRow(rows, []any{&seq, &what}, func() error {
		v.problem(ExtraEntry, seq, "", "entry %d %s", seq, what)
		return nil
	})
	return err
}

// tileLeaf gathers leaves and compares them with the stored tile whenever one
// is full: a third copy of each leaf, which tells an entry that was rewritten
// with its hash.
func (v *verifier) tileLeaf(s *storedRow, id string) error {
	if s.Seq%TileWidth == 0 {
		v.tile = []Hash{}
	}
	if v.tile == nil {
		return nil
	}
	v.tile = append(v.tile, s.Leaf)
	if len(v.tile) < TileWidth {
		return nil
	}
	leaves := v.tile
	v.tile = []Hash{}
	index := s.Seq / TileWidth
	var hashes, root []byte
	err := v.tx.QueryRow(v.ctx, `select hashes, root from tile where ledger = $1 and level = 0 and idx = $2`, v.ledger, index).Scan(&hashes, &root)
	if err == pgx.ErrNoRows {
		v.problem(WrongTree, -1, "", "tile %d at level 0 is missing", index)
		return nil
	}
	if err != nil {
		return err
	}
	for i, leaf := range leaves {
		if at := i * len(leaf); len(hashes) < at+len(leaf) || !bytes.Equal(hashes[at:at+len(leaf)], leaf[:]) {
			seq := index*TileWidth + int64(i)
			v.problem(WrongTree, seq, "", "entry %d: its leaf differs from the stored tile's", seq)
		}
	}
	if r := fold(leaves); !bytes.Equal(r[:], root) {
		v.problem(WrongTree, -1, "", "tile %d at level 0 has a root that does not follow from its entries", index)
	}
	return nil
}

// upperTiles checks every tile above level 0 against the roots below it. There
// is one for each 65,536 entries, so all are checked whatever the range.
func (v *verifier) upperTiles() error {
	for level := 1; v.result.Checkpoint.Size>>(tileHeight*(level+1)) > 0; level++ {
		for i := range v.result.Checkpoint.Size >> (tileHeight * (level + 1)) {
			var hashes, root, below []byte
			err := v.tx.QueryRow(v.ctx, `
				select t.hashes, t.root, (select string_agg(b.root, ''::bytea order by b.idx) from tile b
					where b.ledger = $1 and b.level = $2 - 1 and b.idx >= $3 * 256 and b.idx < ($3 + 1) * 256)
				from tile t where t.ledger = $1 and t.level = $2 and t.idx = $3`, v.ledger, level, i).Scan(&hashes, &root, &below)
			if err == pgx.ErrNoRows {
				v.problem(WrongTree, -1, "", "tile %d at level %d is missing", i, level)
				continue
			}
			if err != nil {
				return err
			}
			var nodes []Hash
			for p := below; len(p) >= len(Hash{}); p = p[len(Hash{}):] {
				nodes = append(nodes, Hash(p[:len(Hash{})]))
			}
			if !bytes.Equal(hashes, below) || len(nodes) != TileWidth {
				v.problem(WrongTree, -1, "", "tile %d at level %d does not hold the roots of the tiles below it", i, level)
			} else if r := fold(nodes); !bytes.Equal(r[:], root) {
				v.problem(WrongTree, -1, "", "tile %d at level %d has a wrong root", i, level)
			}
		}
	}
	return nil
}

// startTree reads the tree to both sides of the range. What cannot be read is
// damaged, and said so.
func (v *verifier) startTree() {
	p := RangeProof{First: v.result.First, End: v.result.End, Size: v.result.Checkpoint.Size}
	var err error
	if p.Left, err = v.nodes.cover(0, p.First); err == nil {
		if p.Right, err = v.nodes.cover(p.End, p.Size); err == nil {
			v.root, err = NewRangeRoot(p)
		}
	}
	if err != nil {
		v.problem(WrongTree, -1, "", "the tree around the range cannot be read: %v", err)
	}
}

// finishTree compares the recomputed root with the head's and the checkpoint's.
func (v *verifier) finishTree() {
	c := v.result.Checkpoint
	if v.root != nil {
		if root, err := v.root.Root(); err != nil || root != c.Root {
			v.problem(WrongTree, -1, "", "the entries lead to the root %s, the head row says %s", FormatHash(root), FormatHash(c.Root))
		}
	}
	if c.Size == 0 {
		return
	}
	var stored []byte
	err := v.tx.QueryRow(v.ctx, `select root from checkpoint where ledger = $1 and size = $2`, v.ledger, c.Size).Scan(&stored)
	if err != nil || !bytes.Equal(stored, c.Root[:]) {
		v.problem(WrongTree, -1, "", "the head's root is not the one of the checkpoint of %d entries", c.Size)
	}
}

func (v *verifier) digest() string {
	var last string
	if v.previous != nil {
		last = FormatHash(v.previous.Leaf)
	}
	h := sha256.Sum256(fmt.Appendf(nil, "sealbook-verification/v1\n%s\n%d\n%d\n%d\n%s\n", v.result.Checkpoint.Origin, v.result.First, v.result.End, v.result.Rows, last))
	return "sha256:" + hex.EncodeToString(h[:])
}
