package ledger

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/oklog/ulid/v2"

	"github.com/sealbook/sealbook/audit"
)

// Submission is what one request appends in one transaction, together with its
// own statements.
type Submission struct {
	Ledger int32
	Events []audit.Event // 1 to MaxBulk, normalised and valid

	// Atomic refuses the whole submission when one of its events is rejected.
	// Without it, an event whose external id stands for other content is
	// rejected alone and the others are appended.
	Atomic bool

	// Request makes the whole submission idempotent for a day, unless it is
	// refused.
	Request *RequestKey

	// With, if set, runs in the same transaction, under a savepoint: an error
	// rejects this submission and no other, and reaches its caller as it is.
	// It does not run when every event turns out to be a duplicate.
	With func(context.Context, pgx.Tx) error

	// WithNew is like With, which runs before it, for statements that refer to
	// the new entries: it is told the place that each of them is given.
	WithNew func(context.Context, pgx.Tx, []audit.NewEntry) error
}

// RequestKey is a caller's Idempotency-Key.
type RequestKey struct {
	Route string // method and canonical path: the key's scope inside the organisation
	Key   string
	Body  []byte // what must be the same for the key to be the same request
	Note  string // kept beside the result and returned on a replay
}

// RequestKeyLife is how long a RequestKey is remembered.
const RequestKeyLife = 24 * time.Hour

// Status of one submitted event.
type Status string

// What became of an event.
const (
	Created   Status = "created"
	Duplicate Status = "duplicate" // it was there: same external id, same content
	Rejected  Status = "rejected"
)

// Item is what became of one event of a submission.
type Item struct {
	Status  Status
	Receipt *Receipt // nil when rejected, and for entries of the registry
	Err     error    // why it was rejected
}

// Outcome is what became of a submission; Items are in the events' order.
type Outcome struct {
	Items    []Item
	Refused  bool   // Atomic, and an item is rejected: nothing was appended
	Replayed bool   // the RequestKey was known: this is the first answer again
	Note     string // of the RequestKey
}

// pending is a submission on its way through the committer, which owns it from
// queueing until it sends on answer.
type pending struct {
	Submission
	ctx    context.Context // the caller's; the committer does not end with it
	events []prepared
	answer chan answered
}

// answered is what the committer sends: places holds the numbers of items whose
// receipts are of an earlier batch.
type answered struct {
	outcome Outcome
	places  []place
	err     error
}

// prepared is an event after the work that needs no lock.
type prepared struct {
	event   audit.Event
	id      ulid.ULID
	payload []byte
	seed    []byte
	fields  string // as they are stored
	root    Hash

	projected Projection // its EventTime is zero when it is the time of recording
}

// Append commits s and returns a receipt for each event, signed after the
// commit. An error concerns the submission as a whole; an event's own error is
// in its Item. Returns Unavailable when the queue is full or the outcome could
// not be learnt (repeat it with the same keys), IdempotencyKeyReused when the
// request key stands for another body, or whatever With returned. When ctx
// ends first, the submission may still be committed.
func (l *Log) Append(ctx context.Context, s Submission) (Outcome, error) {
	if len(s.Events) == 0 || len(s.Events) > MaxBulk {
		return Outcome{}, audit.Errorf(audit.ValidationFailed, "a submission has 1 to %d events, not %d", MaxBulk, len(s.Events))
	}
	p := &pending{Submission: s, ctx: ctx, events: make([]prepared, len(s.Events)), answer: make(chan answered, 1)}
	for i, e := range s.Events {
		var err error
		if p.events[i], err = l.prepare(e); err != nil {
			return Outcome{}, err
		}
	}
	if err := l.enqueue(p); err != nil {
		return Outcome{}, err
	}
	select {
	case a := <-p.answer:
		if a.err != nil {
			return Outcome{}, a.err
		}
		// Receipts of entries from before are read by whoever wants them and
		// not by the committer, for whom everyone waits.
		return a.outcome, l.fillReceipts(ctx, p.Ledger, a)
	case <-ctx.Done():
		return Outcome{}, audit.Errorf(audit.Unavailable, "the caller left before the commit was confirmed: %w", ctx.Err())
	}
}

// enqueue never waits: a full queue means that the database cannot keep up,
// and waiting would only hide it.
func (l *Log) enqueue(p *pending) error {
	l.closing.RLock()
	defer l.closing.RUnlock()
	if l.halted != nil {
		return l.halted
	}
	if l.closed {
		return &audit.Error{Code: audit.Unavailable, Message: "the ledger is shutting down", RetryAfter: time.Second}
	}
	select {
	case l.queue <- p:
		return nil
	default:
		return &audit.Error{Code: audit.Unavailable, Message: "too many entries are waiting to be written", RetryAfter: time.Second}
	}
}

// prepare canonicalises an event and commits to its fields.
func (l *Log) prepare(e audit.Event) (p prepared, err error) {
	if !audit.ValidEventTypeName(e.Type) {
		return p, audit.Errorf(audit.ValidationFailed, "event type %.80q", e.Type)
	}
	p.event = e
	if p.payload, err = encodePayload(&e); err != nil {
		return p, err
	}
	if len(p.payload) > MaxPayload {
		return p, audit.Errorf(audit.PayloadTooLarge, "an event has at most %d bytes", MaxPayload)
	}
	p.seed = make([]byte, SeedSize)
	rand.Read(p.seed)
	fields, err := Split(p.payload, p.seed, PersonalPaths)
	if err != nil {
		return p, err
	}
	p.root = PayloadRoot(fields)
	if p.projected, _, err = project(&Record{EventType: e.Type}, fields); err != nil {
		return p, err
	}
	if p.fields, err = encodeFields(fields); err != nil {
		return p, err
	}
	if p.id, err = ulid.New(ulid.Timestamp(l.config.Clock()), rand.Reader); err != nil {
		return p, fmt.Errorf("make event id: %w", err)
	}
	return p, nil
}

// contentDigest compares contents without keeping one that could be guessed.
func contentDigest(salt []byte, eventType string, content []byte) []byte {
	m := hmac.New(sha256.New, salt)
	m.Write([]byte(eventType + "\n"))
	m.Write(content)
	return m.Sum(nil)
}

// emitted is the part of a canonical payload that comes from its emitter: all
// but the schema that it was held against here. Another version of that must
// not turn a repeated event into other content.
func emitted(payload []byte) []byte {
	if !bytes.Contains(payload, []byte(`"schema":`)) {
		return payload
	}
	rest := append(make([]byte, 0, len(payload)), '{')
	s := scanner{text: payload}
	err := s.members(func(name, value []byte) error {
		if string(name) == `"schema"` {
			return nil
		}
		if len(rest) > 1 {
			rest = append(rest, ',')
		}
		rest = append(append(append(rest, name...), ':'), value...)
		return nil
	})
	if err != nil { // it cannot be taken apart, and stands for itself
		return payload
	}
	return append(rest, '}')
}

// fillReceipts makes the receipts that the committer did not.
func (l *Log) fillReceipts(ctx context.Context, ledger int32, a answered) error {
	if a.outcome.Refused || ledger == Registry {
		return nil
	}
	var seqs []int64
	for i, item := range a.outcome.Items {
		if item.Status != Rejected && item.Receipt == nil {
			seqs = append(seqs, a.places[i].seq)
		}
	}
	if seqs == nil {
		return nil
	}
	receipts, err := l.Receipts(ctx, ledger, seqs)
	if err != nil {
		return err
	}
	for i := range a.outcome.Items {
		if item := &a.outcome.Items[i]; item.Status != Rejected && item.Receipt == nil {
			r := receipts[a.places[i].seq]
			item.Receipt = &r
		}
	}
	return nil
}
