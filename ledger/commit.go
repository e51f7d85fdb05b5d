package ledger

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sealbook/sealbook/audit"
)

// commitLoop is the committer. It ends when the queue is closed and empty.
func (l *Log) commitLoop() {
	defer close(l.done)
	for first := range l.queue {
		batch, entries := []*pending{first}, len(first.events)
		for more := true; more && entries < l.config.BatchSize; {
			select {
			case p, open := <-l.queue:
				if !open {
					more = false
					break
				}
				batch = append(batch, p)
				entries += len(p.events)
			default:
				more = false
			}
		}
		l.commit(batch)
	}
}

// commit writes a batch in one transaction and answers every submission of it.
// If the transaction fails for a reason that one of several submissions can
// have caused, each is tried alone.
func (l *Log) commit(batch []*pending) {
	// The callers' contexts end with their requests; a transaction that many
	// share must not end with one of them.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(batch[0].ctx), l.config.OutcomeFor)
	defer cancel()
	err := l.tryCommit(ctx, batch)
	if err == nil {
		return
	}
	if audit.CodeOf(err) == audit.Tampered {
		l.halt(err)
		for _, p := range batch {
			p.answer <- answered{err: err}
		}
		return
	}
	var pg *pgconn.PgError
	if len(batch) > 1 && errors.As(err, &pg) && !serverTrouble(pg) {
		for _, p := range batch {
			l.commit([]*pending{p})
		}
		return
	}
	l.config.Logger.Error("batch not committed", "submissions", len(batch), "error", err)
	for _, p := range batch {
		p.answer <- answered{err: &audit.Error{Code: audit.Unavailable, Message: "the entries could not be written", Err: err, RetryAfter: time.Second}}
	}
}

// serverTrouble reports whether no submission can have caused an error: then
// trying each alone would only keep everybody else waiting, in the worst case
// for as long as a statement may take, each. The SQLSTATE classes are
// connection exception, insufficient resources, operator intervention (which
// shutdown and timeout are) and system error.
func serverTrouble(e *pgconn.PgError) bool {
	return len(e.Code) == 5 && slices.Contains([]string{"08", "53", "57", "58"}, e.Code[:2])
}

func (l *Log) tryCommit(ctx context.Context, batch []*pending) error {
	if err := l.ensureMonths(ctx); err != nil {
		return err
	}
	tx, err := l.writes.Begin(ctx)
	if err != nil {
		return fmt.Errorf("begin batch: %w", err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) // after a commit there is nothing to roll back
	b := newBatch(l, tx)
	if err := b.lock(ctx, batch); err != nil {
		return err
	}
	for _, p := range batch {
		if err := b.take(ctx, p); err != nil {
			return err
		}
	}
	if err := b.write(ctx); err != nil {
		return err
	}
	// If the process dies before this returns, the database alone knows
	// whether the batch is there; callers repeat with their keys and get the
	// same receipts.
	if err := tx.Commit(ctx); err != nil {
		var pg *pgconn.PgError
		if errors.As(err, &pg) || errors.Is(err, pgx.ErrTxCommitRollback) {
			return fmt.Errorf("commit batch: %w", err)
		}
		there, lookErr := l.outcome(ctx, b)
		if lookErr != nil {
			return fmt.Errorf("commit batch: %w; its outcome is unknown: %w", err, lookErr)
		}
		if !there {
			return fmt.Errorf("commit batch: %w", err)
		}
	}
	for id, h := range b.heads {
		l.seen[id] = h.tree.Size()
	}
	// Only now may the new trees be signed: what is signed is durable.
	b.answer()
	return nil
}

// outcome learns whether a commit whose answer was lost took effect. Locking a
// head waits for the lost transaction to end, if it still runs.
func (l *Log) outcome(ctx context.Context, b *batch) (there bool, err error) {
	if len(b.rows.seq) == 0 {
		return false, nil // nothing but duplicates: trying again is harmless
	}
	for wait := 50 * time.Millisecond; ; wait *= 2 {
		err = pgx.BeginFunc(ctx, l.writes, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, `select 1 from head where ledger = $1 for no key update`, b.rows.ledger[0]); err != nil {
				return err
			}
			return tx.QueryRow(ctx, `select exists (select from entry where ledger = $1 and event_id = $2)`,
				b.rows.ledger[0], b.rows.eventID[0]).Scan(&there)
		})
		if err == nil {
			return there, nil
		}
		select {
		case <-ctx.Done():
			return false, err
		case <-time.After(wait):
		}
	}
}

// head is a head row and the tree that grows from it.
type head struct {
	ledger   int32
	origin   string
	size     int64 // before the batch
	lastLeaf Hash
	lastTime time.Time
	tree     *Tree
	signed   []byte // the checkpoint, once committed
}

// batch is one transaction's work.
type batch struct {
	log      *Log
	tx       pgx.Tx
	now      time.Time
	heads    map[int32]*head
	requests map[requestID]storedRequest
	external map[externalID]storedExternal
	rows     rows
	answers  []*taken
}

// taken is a submission whose place in the batch is settled; its receipts can
// be made once the tree is durable.
type taken struct {
	p       *pending
	outcome Outcome
	places  []place
	err     error
}

// place is where an event stands; record is nil unless this submission put it
// there.
type place struct {
	seq    int64
	record []byte
}

func newBatch(l *Log, tx pgx.Tx) *batch {
	b := &batch{log: l, tx: tx, now: audit.Instant(l.config.Clock()), heads: map[int32]*head{}}
	if !l.config.skipRollups {
		b.rows.rollups = rollups{}
	}
	return b
}

// take settles one submission: a replay, a rejection, or new entries. An error
// is the transaction's; what is wrong with the submission goes to its answer.
func (b *batch) take(ctx context.Context, p *pending) error {
	t := &taken{p: p}
	b.answers = append(b.answers, t)
	h := b.heads[p.Ledger]
	if h == nil {
		t.err = audit.Errorf(audit.NotFound, "there is no ledger %d", p.Ledger)
		return nil
	}
	if p.Request != nil {
		if known, ok := b.requests[requestID{p.Ledger, p.Request.Route, p.Request.Key}]; ok {
			t.err = b.replay(t, known)
			return nil
		}
	}
	t.outcome.Items = make([]Item, len(p.events))
	t.places = make([]place, len(p.events))
	fresh := make([]int, 0, len(p.events))
	own := map[string]int{} // external ids used twice in this very submission
	latest := b.timeFor(h).Add(audit.MaxFutureEvent)
	for i := range p.events {
		e := &p.events[i]
		id := e.event.ExternalID
		if e.projected.EventTime.After(latest) {
			t.outcome.Items[i] = Item{Status: Rejected, Err: tooLate(e.projected.EventTime)}
			continue
		}
		if id == "" {
			fresh = append(fresh, i)
			continue
		}
		if first, twice := own[id]; twice {
			if p.events[first].event.Type != e.event.Type || !bytes.Equal(emitted(p.events[first].payload), emitted(e.payload)) {
				t.outcome.Items[i] = Item{Status: Rejected, Err: conflict(id)}
			} else {
				t.outcome.Items[i] = Item{Status: Duplicate}
				t.places[i].seq = -1 - int64(first) // resolved once first has its number
			}
			continue
		}
		own[id] = i
		known, ok := b.external[externalID{p.Ledger, id}]
		switch {
		case !ok:
			fresh = append(fresh, i)
		case known.salt == nil || !bytes.Equal(known.digest, contentDigest(known.salt, e.event.Type, emitted(e.payload))):
			t.outcome.Items[i] = Item{Status: Rejected, Err: conflict(id)}
		default:
			t.outcome.Items[i] = Item{Status: Duplicate}
			t.places[i] = place{seq: known.seq}
		}
	}
	if p.Atomic && slices.ContainsFunc(t.outcome.Items, func(i Item) bool { return i.Status == Rejected }) {
		t.outcome.Refused = true
		return nil
	}
	if len(fresh) > 0 && (p.With != nil || p.WithNew != nil) {
		if err := b.with(ctx, p, b.places(h, fresh)); err != nil {
			t.err = err
			return nil //nolint:nilerr // the submission's own error goes to its answer
		}
	}
	for _, i := range fresh {
		pl, err := b.number(h, &p.events[i])
		if err != nil {
			return err
		}
		t.outcome.Items[i] = Item{Status: Created}
		t.places[i] = pl
	}
	for i := range t.places {
		if n := t.places[i].seq; n < 0 {
			t.places[i] = t.places[-1-n]
			if t.outcome.Items[-1-n].Status == Rejected {
				t.outcome.Items[i] = t.outcome.Items[-1-n]
			}
		}
	}
	return b.rememberRequest(t)
}

// tooLate refuses an event from the future. Where the entries of a period can
// stand rests on this bound, so it is held here, against the time of recording,
// and not only where requests come in.
func tooLate(at time.Time) error {
	return audit.Errorf(audit.ValidationFailed, "the event's time %s is more than %s ahead of the ledger's", audit.FormatTime(at), audit.MaxFutureEvent)
}

func conflict(externalID string) error {
	return audit.Errorf(audit.ExternalIDConflict, "external_id %.80q stands for an entry with other content", externalID)
}

// places tells where number will put the fresh events of a submission: nothing
// comes between under the head's lock.
func (b *batch) places(h *head, fresh []int) []audit.NewEntry {
	out := make([]audit.NewEntry, len(fresh))
	for n, i := range fresh {
		out[n] = audit.NewEntry{Index: i, Seq: h.tree.Size() + int64(n), RecordedAt: b.timeFor(h)}
	}
	return out
}

// with runs a submission's own statements so that their failure undoes them
// alone.
func (b *batch) with(ctx context.Context, p *pending, entries []audit.NewEntry) error {
	inner, err := b.tx.Begin(ctx) // a savepoint
	if err != nil {
		return err
	}
	if p.With != nil {
		err = p.With(ctx, inner)
	}
	if err == nil && p.WithNew != nil {
		err = p.WithNew(ctx, inner, entries)
	}
	if err != nil {
		if rollbackErr := inner.Rollback(ctx); rollbackErr != nil {
			return fmt.Errorf("%w; roll back to savepoint: %w", err, rollbackErr)
		}
		return err
	}
	return inner.Commit(ctx)
}

// timeFor is the time of recording. When the clock stepped back, the ledger's
// time does not.
func (b *batch) timeFor(h *head) time.Time {
	if b.now.Before(h.lastTime) {
		return h.lastTime
	}
	return b.now
}

// number gives an event its place at the end of the tree.
func (b *batch) number(h *head, e *prepared) (place, error) {
	at := b.timeFor(h)
	rec := Record{
		Origin: h.origin, Seq: h.tree.Size(), Prev: h.lastLeaf, RecordedAt: at,
		EventType: e.event.Type, EventID: e.id, PayloadRoot: e.root,
	}
	data := rec.Encode()
	leaf := LeafHash(data)
	if err := h.tree.Append(leaf); err != nil {
		return place{}, err
	}
	h.lastLeaf, h.lastTime = leaf, at
	b.rows.add(h.ledger, &rec, data, leaf, e)
	if id := e.event.ExternalID; id != "" {
		salt := make([]byte, SaltSize)
		rand.Read(salt)
		s := storedExternal{seq: rec.Seq, salt: salt, digest: contentDigest(salt, e.event.Type, emitted(e.payload))}
		b.external[externalID{h.ledger, id}] = s
		b.rows.addExternal(h.ledger, id, s)
	}
	return place{seq: rec.Seq, record: data}, nil
}

// answer signs the new trees and sends every submission its receipts.
func (b *batch) answer() {
	for _, h := range b.heads {
		if h.tree.Size() == h.size || h.ledger == Registry { // whose checkpoints the publisher signs
			continue
		}
		root, err := h.tree.Root()
		if err == nil {
			h.signed, err = b.log.config.Key.Sign(Checkpoint{Origin: h.origin, Size: h.tree.Size(), Root: root})
		}
		if err != nil { // the entries are durable; a repeated request gets its receipt
			b.log.config.Logger.Error("checkpoint not signed", "ledger", h.ledger, "error", err)
		}
	}
	for _, t := range b.answers {
		if t.err == nil {
			t.err = b.receipts(t)
		}
		t.p.answer <- answered{t.outcome, t.places, t.err}
	}
}

// receipts makes the receipts of what this batch appended.
func (b *batch) receipts(t *taken) error {
	h := b.heads[t.p.Ledger]
	for i := range t.outcome.Items {
		pl := t.places[i]
		if pl.record == nil || h.ledger == Registry {
			continue
		}
		if h.signed == nil {
			return audit.Errorf(audit.Unavailable, "the entry is written but its checkpoint could not be signed")
		}
		hashes, err := h.tree.Prove(pl.seq)
		if err != nil {
			return fmt.Errorf("prove entry %d: %w", pl.seq, err)
		}
		t.outcome.Items[i].Receipt = &Receipt{Record: pl.record, Proof: Proof{Index: pl.seq, Hashes: hashes, Checkpoint: h.signed}}
	}
	return nil
}
