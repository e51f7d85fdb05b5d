package ledger

import (
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// storedHead is what the head row holds beside the checkpoint.
type storedHead struct {
	lastLeaf   Hash
	lastTime   time.Time
	size       int64
	edgeHashes []Hash
}

// edge returns the tree that the edge describes, or nil when it cannot be one
// of size entries.
func (h *storedHead) edge() *nodeStack {
	cover := subtrees(0, h.size)
	if len(cover) != len(h.edgeHashes) {
		return nil
	}
	var s nodeStack
	s.pushAll(cover, h.edgeHashes)
	return &s
}

func noRows(err error) bool { return err == pgx.ErrNoRows }

// readHead reads and checks what there is one row of: the ledger and its head.
// there is false when the head is gone, and with it the ledger's own word on
// how many entries there are.
func (v *verifier) readHead() (there bool, err error) {
	var organisation, genesis string
	var created time.Time
	var size *int64
	var root, leaf, edge []byte
	var at *time.Time
	c := &v.result.Checkpoint
	err = v.tx.QueryRow(v.ctx, `
		select l.organisation, l.origin, l.genesis, l.created_at, h.size, h.root, h.last_leaf, h.last_time, h.edge
		from ledger l left join head h on h.ledger = l.id where l.id = $1`, v.ledger).
		Scan(&organisation, &c.Origin, &genesis, &created, &size, &root, &leaf, &at, &edge)
	if noRows(err) {
		return false, unknownLedger(v.ledger)
	}
	if err != nil {
		return false, err
	}
	if v.genesis, err = ParseGenesis([]byte(genesis)); err != nil {
		v.general(WrongTree, "the ledger's genesis descriptor is not valid: %v", err)
	} else {
		v.checkLedger(organisation, created)
	}
	if size == nil {
		v.general(WrongTree, "the ledger has no head row: how many entries it had is not known")
		return false, nil
	}
	if c.Root, err = hashFrom(root); err != nil {
		return false, err
	}
	if v.head.lastLeaf, err = hashFrom(leaf); err != nil {
		return false, err
	}
	c.Size = *size
	v.head.size, v.head.lastTime, v.head.edgeHashes = *size, at.UTC(), hashesOf(nil, edge)
	if c.Size == 0 && (v.head.lastLeaf != v.genesis.Hash() || !v.head.lastTime.Equal(v.genesis.CreatedAt)) {
		v.general(WrongTree, "the head row of the empty ledger is not the one that it was made with")
	}
	return true, nil
}

// checkLedger compares the ledger's columns with the descriptor that its first
// entry is chained to.
func (v *verifier) checkLedger(organisation string, created time.Time) {
	origin := v.result.Checkpoint.Origin
	if v.genesis.Origin != origin {
		v.general(WrongTree, "the ledger's origin is %s, that of its genesis descriptor %s", origin, v.genesis.Origin)
	}
	if v.ledger == Registry && organisation != registryName || v.ledger != Registry && !strings.HasSuffix(v.genesis.Origin, "/"+organisation) {
		v.general(WrongTree, "the ledger is kept as that of the organisation %s, its origin is %s", organisation, v.genesis.Origin)
	}
	if !v.genesis.CreatedAt.Equal(created) {
		v.general(WrongTree, "the ledger's column created_at is not that of its genesis descriptor")
	}
}

// maxStrays bounds the stray rows of one kind that are looked up.
const maxStrays = 10_000

// strays finds rows that no append made: beyond the head, or payloads of
// entries that are not there.
func (v *verifier) strays() error {
	r := &v.result
	err := v.stray(`select seq, 'is beyond the head of the ledger' from entry where ledger = $1 and (seq >= $2 or seq < 0) order by seq limit $3`, r.Checkpoint.Size, maxStrays)
	if err != nil {
		return err
	}
	if err := v.strayPayloads(); err != nil {
		return err
	}
	if err := v.strayExternal(); err != nil {
		return err
	}
	rows, err := v.tx.Query(v.ctx, `
		select 'checkpoint of ' || size || ' entries' from checkpoint where ledger = $1 and (size > $2 or size <= 0)
		union all
		select 'tile ' || idx || ' at level ' || level from tile
		where ledger = $1 and (level not between 0 and 6 or idx < 0 or idx >= $2 >> (8 * (least(greatest(level, 0), 6) + 1)))
		limit $3`, v.ledger, r.Checkpoint.Size, maxStrays)
	if err != nil {
		return err
	}
	var what string
	_, err = pgx.ForEachRow(rows, []any{&what}, func() error {
		v.general(WrongTree, "there is a %s, which the ledger never had", what)
		return nil
	})
	return err
}

// strayPayloads looks for payloads without an entry, if there are more
// payloads in the range or beyond the head than entries have.
func (v *verifier) strayPayloads() error {
	r := &v.result
	if v.options.RecordsOnly {
		return nil
	}
	var n int64
	err := v.tx.QueryRow(v.ctx, `select count(*) from payload where ledger = $1 and (seq >= $2 and seq < $3 or seq >= $4 or seq < 0)`,
		v.ledger, r.First, r.End, r.Checkpoint.Size).Scan(&n)
	if err != nil || n == v.rows.payloads {
		return err
	}
	return v.stray(`
		select p.seq, 'has a payload but no entry' from payload p
		where p.ledger = $1 and (p.seq >= $2 and p.seq < $3 or p.seq >= $4 or p.seq < 0)
			and not exists (select from entry e where e.ledger = p.ledger and e.seq = p.seq)
		order by p.seq limit $5`, r.First, r.End, r.Checkpoint.Size, maxStrays)
}

// stray reports the entries that a query names with what is wrong.
func (v *verifier) stray(query string, args ...any) error {
	rows, err := v.tx.Query(v.ctx, query, append([]any{v.ledger}, args...)...)
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
