package ledger

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// Kinds of problems that only the registry reveals, beside Forked and LostTail.
// The Seq of each is of its entry.
const (
	LostLedger    ProblemKind = "lost_ledger"    // a ledger that the registry names is not there
	WrongRegistry ProblemKind = "wrong_registry" // a table of the registry is not what its entries say
)

// VerifyRegistry checks the registry as VerifyWith does, and then everything in the
// database against what its entries say: that every ledger is there and goes on
// from every checkpoint it ever had, and that keys and publications are those
// that were recorded. Its memory grows with the number of ledgers and keys, not
// of entries. Another ledger's own entries are for VerifyWith; this takes the
// number of the registry and the whole of it, whatever the range in o.
func (l *Log) VerifyRegistry(ctx context.Context, ledger int32, o VerifyOptions) (Verification, error) {
	o.First, o.End = 0, 1<<62
	var result Verification
	// One snapshot for all of it, in which the registry and what it names belong
	// together, and as the committer's role sees every ledger.
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, l.writes, options, func(tx pgx.Tx) (err error) {
		if result, err = verify(ctx, tx, ledger, o); err != nil {
			return err
		}
		if _, err = tx.Exec(ctx, `set local enable_nestloop = on`); err != nil {
			return err // a page of checkpoints is looked up, not joined with all
		}
		result, err = verifyRegistry(ctx, tx, result)
		return err
	})
	if err != nil {
		return result, fmt.Errorf("verify the registry: %w", err)
	}
	return result, nil
}

// verifyRegistry goes on from the verification of the registry's own entries.
func verifyRegistry(ctx context.Context, tx pgx.Tx, result Verification) (Verification, error) {
	v := &registryVerifier{
		verifier: verifier{ctx: ctx, tx: tx, ledger: Registry, result: result, named: map[int64]bool{}},
		ledgers:  map[string]*registeredLedger{}, keys: map[string]*Key{}, segments: map[string]*registeredSegment{}, published: -1,
	}
	err := v.run()
	return v.result, err
}

type registryVerifier struct {
	verifier
	ledgers      map[string]*registeredLedger  // by origin
	keys         map[string]*Key               // by vkey under the registry's origin
	segments     map[string]*registeredSegment // by origin and segment
	registered   int64                         // registrations that follow from entries
	tree         *Tree
	publications []storedPublication // the next ones, by size
	published    int64               // the size of the last one read
}

type registeredLedger struct {
	id    int32 // 0 when the ledger is not there
	size  int64 // of the head
	entry int64 // of the registry, about its creation; -1 without one
}

type storedPublication struct {
	Size int64
	Root []byte
	Note string
}

func (v *registryVerifier) run() error {
	steps := []func() error{v.readLedgers, v.readKeys, v.readEntries, v.checkPublications, v.checkLedgers, v.checkKeys, v.checkSegments}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (v *registryVerifier) readLedgers() error {
	rows, err := v.tx.Query(v.ctx, `select l.origin, l.id, coalesce(h.size, 0) from ledger l left join head h on h.ledger = l.id where l.id <> $1`, Registry)
	if err != nil {
		return err
	}
	var origin string
	var g registeredLedger
	_, err = pgx.ForEachRow(rows, []any{&origin, &g.id, &g.size}, func() error {
		v.ledgers[origin] = &registeredLedger{id: g.id, size: g.size, entry: -1}
		return nil
	})
	return err
}

// readKeys starts with the key that the registry was founded with.
func (v *registryVerifier) readKeys() error {
	var text string
	if err := v.tx.QueryRow(v.ctx, `select genesis from ledger where id = $1`, Registry).Scan(&text); err != nil {
		return err
	}
	g, err := ParseGenesis([]byte(text))
	if err != nil {
		return nil //nolint:nilerr // was found when the ledger itself was verified
	}
	v.genesis = g
	first, err := publicOf(g.Key)
	if err != nil {
		v.general(WrongRegistry, "the registry's genesis names no key: %v", err)
		return nil
	}
	v.keys[g.Key] = &Key{Public: first, AddedAt: g.CreatedAt}
	return nil
}

// readEntries replays the registry, page by page.
func (v *registryVerifier) readEntries() (err error) {
	if v.tree, err = NewTree(0, nil); err != nil {
		return err
	}
	if err := v.nextPublications(); err != nil {
		return err
	}
	var page []checkpointEntry
	err = scanRange(v.ctx, v.tx, Registry, 0, v.result.Checkpoint.Size, func(s *storedRow) error {
		if err := v.grow(s.Leaf); err != nil {
			return err
		}
		entry, err := s.Entry()
		if err != nil || !entry.Verified {
			return nil //nolint:nilerr // was found when the ledger itself was verified
		}
		switch entry.Type {
		case LedgerCreated:
			v.created(&entry)
		case KeyAdded:
			v.keyAdded(&entry)
		case KeyRetired:
			at, err := time.Parse(TimeFormat, entry.Details.String("retired_at"))
			if k := v.keys[entry.Details.String("key")]; k != nil && err == nil {
				k.RetiredAt = &at
			}
		case SegmentArchived, SegmentErased, SegmentDestroyed:
			v.segment(&entry)
		case CheckpointTaken:
			if c, ok := v.checkpointOf(&entry); ok {
				page = append(page, c)
			}
		}
		if len(page) < pageRows {
			return nil
		}
		err = v.checkPage(page)
		page = page[:0]
		return err
	})
	if err != nil {
		return err
	}
	return v.checkPage(page)
}

// created notes a ledger. One that is not there was removed with everything.
func (v *registryVerifier) created(e *audit.Entry) {
	origin := e.Details.String("origin")
	g := v.ledgers[origin]
	if g == nil {
		g = &registeredLedger{}
		v.ledgers[origin] = g
		v.problem(LostLedger, e.Seq, e.EntryID(), "the ledger %.200s, which entry %d of the registry names, is not there", origin, e.Seq)
	}
	g.entry = e.Seq
	if g.id != 0 {
		v.registered++
	}
}

func (v *registryVerifier) keyAdded(e *audit.Entry) {
	introduction := e.Details.String("introduction")
	for _, older := range v.keys {
		if older.RetiredAt != nil {
			continue
		}
		if in, err := OpenIntroduction([]byte(introduction), older.VerifierKey(v.genesis.Origin)); err == nil {
			public, _ := publicOf(in.Key) // opening has checked it
			v.keys[in.Key] = &Key{Public: public, AddedAt: in.At, Introduction: &introduction}
			return
		}
	}
	v.problem(WrongRegistry, e.Seq, e.EntryID(), "entry %d of the registry adds a key that no key before it introduces", e.Seq)
}

// checkpointEntry is an entry about a checkpoint of a ledger that is there.
type checkpointEntry struct {
	seq    int64
	id     string
	ledger int32
	size   int64
	root   Hash
}

func (v *registryVerifier) checkpointOf(e *audit.Entry) (c checkpointEntry, ok bool) {
	taken, err := checkpointIn(e)
	origin, size := taken.Origin, taken.Size
	g := v.ledgers[origin]
	switch {
	case err != nil || g == nil:
		v.problem(WrongRegistry, e.Seq, e.EntryID(), "entry %d of the registry is not the checkpoint of a ledger that it names", e.Seq)
		return c, false
	case g.id == 0:
		return c, false // said once
	case g.size < size:
		v.problem(LostTail, e.Seq, e.EntryID(), "the ledger %.200s has %d entries; entry %d of the registry holds its checkpoint of %d: the entries %d to %d are gone", origin, g.size, e.Seq, size, g.size, size-1)
		v.registered++
		return c, false
	}
	v.registered++
	return checkpointEntry{e.Seq, e.EntryID(), g.id, size, taken.Root}, true
}

const selectCheckpointPage = `
	select n, c.root, r.size is not null
	from unnest($1::int[], $2::bigint[]) with ordinality q (ledger, size, n)
	left join checkpoint c using (ledger, size)
	left join registration r using (ledger, size)`

// checkPage compares checkpoints with those that the ledgers have. That these
// follow from the entries is found when each ledger is verified.
func (v *registryVerifier) checkPage(page []checkpointEntry) error {
	ledgers, sizes := make([]int32, len(page)), make([]int64, len(page))
	for i, c := range page {
		ledgers[i], sizes[i] = c.ledger, c.size
	}
	rows, err := v.tx.Query(v.ctx, selectCheckpointPage, ledgers, sizes)
	if err != nil {
		return err
	}
	var n int64
	var root []byte
	var registered bool
	_, err = pgx.ForEachRow(rows, []any{&n, &root, &registered}, func() error {
		c := &page[n-1]
		if !bytes.Equal(root, c.root[:]) {
			v.problem(Forked, c.seq, c.id, "ledger %d had the root %s at %d entries, as entry %d of the registry says, and has another now", c.ledger, FormatHash(c.root), c.size, c.seq)
		}
		if !registered {
			v.problem(WrongRegistry, c.seq, c.id, "table registration lacks ledger %d at %d entries", c.ledger, c.size)
		}
		return nil
	})
	return err
}

// grow adds a leaf and compares the root where one was published.
func (v *registryVerifier) grow(leaf Hash) error {
	if err := v.comparePublication(); err != nil { // of the size before
		return err
	}
	if err := v.tree.Append(leaf); err != nil {
		return err
	}
	if v.tree.Size()%1024 == 0 {
		v.tree.Trim()
	}
	return v.comparePublication()
}

func (v *registryVerifier) comparePublication() error {
	for len(v.publications) > 0 && v.publications[0].Size == v.tree.Size() {
		p := v.publications[0]
		v.publications = v.publications[1:]
		root, err := v.tree.Root()
		if err != nil {
			return err
		}
		if c, err := readCheckpoint(p.Note); err != nil || c.Size != p.Size || c.Root != root || !bytes.Equal(p.Root, root[:]) || !v.signed(p.Note) {
			v.general(Forked, "what was published of the registry at %d entries is not what is stored", p.Size)
		}
		if len(v.publications) == 0 {
			if err := v.nextPublications(); err != nil {
				return err
			}
		}
	}
	return nil
}

// signed reports whether one of the keys so far has signed a publication.
func (v *registryVerifier) signed(note string) bool {
	for vkey := range v.keys {
		if _, err := OpenCheckpoint([]byte(note), vkey); err == nil {
			return true
		}
	}
	return false
}

func (v *registryVerifier) nextPublications() error {
	rows, err := v.tx.Query(v.ctx, `select size, root, note from publication where size > $1 order by size limit $2`, v.published, pageRows)
	if err != nil {
		return err
	}
	if v.publications, err = pgx.CollectRows(rows, pgx.RowToStructByName[storedPublication]); err != nil {
		return err
	}
	if n := len(v.publications); n > 0 {
		v.published = v.publications[n-1].Size
	}
	return nil
}

func (v *registryVerifier) checkPublications() error {
	if len(v.publications) > 0 {
		v.general(LostTail, "the registry has %d entries and was published with %d", v.tree.Size(), v.publications[0].Size)
	}
	return nil
}

func (v *registryVerifier) checkLedgers() error {
	for origin, g := range v.ledgers {
		if g.entry < 0 {
			v.general(WrongRegistry, "the ledger %.200s is not named by the registry", origin)
		}
	}
	var stored int64
	if err := v.tx.QueryRow(v.ctx, `select count(*) from registration`).Scan(&stored); err != nil {
		return err
	}
	if stored > v.registered {
		v.general(WrongRegistry, "table registration has %d rows, %d follow from the registry", stored, v.registered)
	}
	return nil
}

func (v *registryVerifier) checkKeys() error {
	rows, err := v.tx.Query(v.ctx, `select public, added_at, introduction, retired_at from signing_key`)
	if err != nil {
		return err
	}
	stored, err := pgx.CollectRows(rows, pgx.RowToStructByName[Key])
	if err != nil {
		return err
	}
	for _, s := range stored {
		vkey := verifierKey(v.genesis.Origin, ed25519.PublicKey(s.Public))
		k := v.keys[vkey]
		delete(v.keys, vkey)
		switch {
		case k == nil:
			v.general(WrongRegistry, "table signing_key has the key %s, which the registry does not name", s.Fingerprint())
		case (k.RetiredAt == nil) != (s.RetiredAt == nil), k.RetiredAt != nil && !k.RetiredAt.Equal(*s.RetiredAt), !s.AddedAt.Equal(k.AddedAt), (k.Introduction == nil) != (s.Introduction == nil),
			k.Introduction != nil && *k.Introduction != *s.Introduction:
			v.general(WrongRegistry, "table signing_key says something else of the key %s than the registry", s.Fingerprint())
		}
	}
	for _, k := range v.keys {
		v.general(WrongRegistry, "table signing_key lacks the key %s", k.Fingerprint())
	}
	return nil
}
