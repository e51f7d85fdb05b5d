package ledger

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/sealbook/sealbook/audit"
)

type requestID struct {
	ledger     int32
	route, key string
}

type storedRequest struct {
	salt, digest []byte
	result       storedResult
}

// storedResult is what a request key was answered with.
type storedResult struct {
	Items []storedItem `json:"items"`
	Note  string       `json:"note,omitempty"`
}

type storedItem struct {
	Status  Status     `json:"status"`
	Seq     int64      `json:"seq"`
	Code    audit.Code `json:"code,omitempty"`
	Message string     `json:"message,omitempty"`
}

type externalID struct {
	ledger int32
	id     string
}

type storedExternal struct {
	seq          int64
	salt, digest []byte
}

const lockHeads = `
	select h.ledger, l.origin, h.size, h.last_leaf, h.last_time, h.edge
	from head h join ledger l on l.id = h.ledger
	where h.ledger = any($1)
	order by h.ledger
	for no key update of h`

const findRequests = `
	select r.ledger, r.route, r.key, r.salt, r.digest, r.result
	from request_key r join unnest($1::int[], $2::text[], $3::text[]) q (ledger, route, key) using (ledger, route, key)
	where r.created_at > $4`

const findExternal = `
	select e.ledger, e.external_id, e.seq, e.salt, e.digest
	from external_id e join unnest($1::int[], $2::text[]) q (ledger, external_id) using (ledger, external_id)`

// lock locks the heads of all ledgers that the batch writes to, in the order
// of their ids so that two committers cannot deadlock, and reads under the
// locks which keys are known.
func (b *batch) lock(ctx context.Context, submissions []*pending) error {
	var ledgers, requestLedgers, externalLedgers []int32
	var routes, keys, ids []string
	for _, p := range submissions {
		ledgers = append(ledgers, p.Ledger)
		if p.Request != nil {
			requestLedgers, routes, keys = append(requestLedgers, p.Ledger), append(routes, p.Request.Route), append(keys, p.Request.Key)
		}
		for i := range p.events {
			if id := p.events[i].event.ExternalID; id != "" {
				externalLedgers, ids = append(externalLedgers, p.Ledger), append(ids, id)
			}
		}
	}
	b.requests, b.external = map[requestID]storedRequest{}, map[externalID]storedExternal{}
	var q pgx.Batch
	q.Queue(lockHeads, ledgers).Query(func(rows pgx.Rows) error {
		var h head
		var leaf, edge []byte
		_, err := pgx.ForEachRow(rows, []any{&h.ledger, &h.origin, &h.size, &leaf, &h.lastTime, &edge}, func() error {
			next := h
			var err error
			if next.lastLeaf, err = hashFrom(leaf); err != nil {
				return err
			}
			if next.tree, err = treeFrom(h.size, edge); err != nil {
				return fmt.Errorf("ledger %d: %w", h.ledger, err)
			}
			next.lastTime = next.lastTime.UTC()
			b.heads[h.ledger] = &next
			return nil
		})
		return err
	})
	if len(keys) > 0 {
		q.Queue(findRequests, requestLedgers, routes, keys, b.now.Add(-RequestKeyLife)).Query(func(rows pgx.Rows) error {
			var id requestID
			var s storedRequest
			var result []byte
			_, err := pgx.ForEachRow(rows, []any{&id.ledger, &id.route, &id.key, &s.salt, &s.digest, &result}, func() error {
				known := storedRequest{salt: bytes.Clone(s.salt), digest: bytes.Clone(s.digest)}
				b.requests[id] = known
				if err := json.Unmarshal(result, &known.result); err != nil {
					return fmt.Errorf("result of request key: %w", err)
				}
				b.requests[id] = known
				return nil
			})
			return err
		})
	}
	if len(ids) > 0 {
		q.Queue(findExternal, externalLedgers, ids).Query(func(rows pgx.Rows) error {
			var id externalID
			var s storedExternal
			_, err := pgx.ForEachRow(rows, []any{&id.ledger, &id.id, &s.seq, &s.salt, &s.digest}, func() error {
				b.external[id] = storedExternal{s.seq, bytes.Clone(s.salt), bytes.Clone(s.digest)}
				return nil
			})
			return err
		})
	}
	if err := b.tx.SendBatch(ctx, &q).Close(); err != nil {
		return fmt.Errorf("lock heads: %w", err)
	}
	for _, h := range b.heads {
		if err := b.log.checkHead(h); err != nil {
			return err
		}
	}
	return nil
}

func treeFrom(size int64, edge []byte) (*Tree, error) {
	hashes := make([]Hash, len(edge)/len(Hash{}))
	for i := range hashes {
		copy(hashes[i][:], edge[i*len(Hash{}):])
	}
	return NewTree(size, hashes)
}

// replay answers a known request key: with the first answer if the body is the
// same.
func (b *batch) replay(t *taken, known storedRequest) error {
	if !bytes.Equal(known.digest, contentDigest(known.salt, t.p.Request.Route, t.p.Request.Body)) {
		return audit.Errorf(audit.IdempotencyKeyReused, "this Idempotency-Key was used for another request")
	}
	t.outcome = Outcome{Replayed: true, Note: known.result.Note}
	for _, i := range known.result.Items {
		item := Item{Status: i.Status}
		if i.Status == Rejected {
			item.Err = &audit.Error{Code: i.Code, Message: i.Message}
		}
		t.outcome.Items = append(t.outcome.Items, item)
		t.places = append(t.places, place{seq: i.Seq})
	}
	return nil
}

// rememberRequest makes the submission's request key answer the same from now
// on, in this batch and after it.
func (b *batch) rememberRequest(t *taken) error {
	if t.p.Request == nil {
		return nil
	}
	t.outcome.Note = t.p.Request.Note
	result := storedResult{Note: t.p.Request.Note}
	for i, item := range t.outcome.Items {
		s := storedItem{Status: item.Status, Seq: t.places[i].seq}
		if e, ok := item.Err.(*audit.Error); ok {
			s.Code, s.Message = e.Code, e.Message
		}
		result.Items = append(result.Items, s)
	}
	text, err := json.Marshal(result)
	if err != nil {
		return fmt.Errorf("encode result of request key: %w", err)
	}
	salt := make([]byte, SaltSize)
	rand.Read(salt)
	r := storedRequest{salt: salt, digest: contentDigest(salt, t.p.Request.Route, t.p.Request.Body), result: result}
	id := requestID{t.p.Ledger, t.p.Request.Route, t.p.Request.Key}
	b.requests[id] = r
	b.rows.requests = append(b.rows.requests, requestRow{id, r, string(text)})
	return nil
}

type requestRow struct {
	id     requestID
	stored storedRequest
	result string
}

// rows are a batch's rows by column, as unnest takes them.
type rows struct {
	ledger                       []int32
	seq                          []int64
	eventID                      []pgtype.UUID
	record, leaf, seed           [][]byte
	fields                       []string
	recordedAt                   []time.Time
	projected                    []Projection
	externalLedger               []int32
	externalID                   []string
	externalSeq                  []int64
	externalSalt, externalDigest [][]byte
	requests                     []requestRow
	rollups                      rollups // nil: nothing is counted
}

func (r *rows) add(ledger int32, rec *Record, data []byte, leaf Hash, e *prepared) {
	projected := e.projected
	if projected.EventTime.IsZero() { // the event names no time of its own
		projected.EventTime = rec.RecordedAt
	}
	r.ledger = append(r.ledger, ledger)
	r.seq = append(r.seq, rec.Seq)
	r.eventID = append(r.eventID, pgtype.UUID{Bytes: rec.EventID, Valid: true})
	r.record = append(r.record, data)
	r.leaf = append(r.leaf, leaf[:])
	r.seed = append(r.seed, e.seed)
	r.fields = append(r.fields, e.fields)
	r.recordedAt = append(r.recordedAt, rec.RecordedAt)
	r.projected = append(r.projected, projected)
	if r.rollups != nil {
		r.rollups.add(ledger, &projected)
	}
}

func (r *rows) addExternal(ledger int32, id string, s storedExternal) {
	r.externalLedger = append(r.externalLedger, ledger)
	r.externalID = append(r.externalID, id)
	r.externalSeq = append(r.externalSeq, s.seq)
	r.externalSalt = append(r.externalSalt, s.salt)
	r.externalDigest = append(r.externalDigest, s.digest)
}

const insertEntries = `
	insert into entry (ledger, seq, event_id, record, leaf)
	select * from unnest($1::int[], $2::bigint[], $3::uuid[], $4::bytea[], $5::bytea[])`

const insertPayloads = `
	insert into payload (ledger, seq, recorded_at, seed, fields, event_type, event_class, event_time, severity, category,
		actor_type, actor_id, actor_email, resource_type, resource_id, repository_id, repository_name, frameworks)
	select ledger, seq, recorded_at, seed, fields, event_type, event_class, event_time, severity, category,
		actor_type, actor_id, actor_email, resource_type, resource_id, repository_id, repository_name, string_to_array(frameworks, ',')
	from unnest($1::int[], $2::bigint[], $3::timestamptz[], $4::bytea[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::text[], $10::text[],
		$11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[])
		as t (ledger, seq, recorded_at, seed, fields, event_type, event_class, event_time, severity, category,
			actor_type, actor_id, actor_email, resource_type, resource_id, repository_id, repository_name, frameworks)`

const insertExternal = `
	insert into external_id (ledger, external_id, seq, salt, digest)
	select * from unnest($1::int[], $2::text[], $3::bigint[], $4::bytea[], $5::bytea[])`

const upsertRequest = `
	insert into request_key (ledger, route, key, salt, digest, result, created_at)
	values ($1, $2, $3, $4, $5, $6, $7)
	on conflict (ledger, route, key) do update
	set salt = excluded.salt, digest = excluded.digest, result = excluded.result, created_at = excluded.created_at`

const updateHeads = `
	update head set size = t.size, last_leaf = t.last_leaf, last_time = t.last_time, root = t.root, edge = t.edge
	from unnest($1::int[], $2::bigint[], $3::bytea[], $4::timestamptz[], $5::bytea[], $6::bytea[])
		as t (ledger, size, last_leaf, last_time, root, edge)
	where head.ledger = t.ledger`

const insertCheckpoints = `
	insert into checkpoint (ledger, size, root, created_at)
	select * from unnest($1::int[], $2::bigint[], $3::bytea[], $4::timestamptz[])`

// write sends every row of the batch in one round trip.
func (b *batch) write(ctx context.Context) error {
	var q pgx.Batch
	r := &b.rows
	for i := range r.requests {
		x := &r.requests[i]
		q.Queue(upsertRequest, x.id.ledger, x.id.route, x.id.key, x.stored.salt, x.stored.digest, x.result, b.now)
	}
	if len(r.seq) > 0 {
		q.Queue(insertEntries, r.ledger, r.seq, r.eventID, r.record, r.leaf)
		q.Queue(insertPayloads, append([]any{r.ledger, r.seq, r.recordedAt, r.seed, r.fields}, columns(r.projected)...)...)
		if r.rollups != nil {
			r.rollups.queue(&q)
		}
		if len(r.externalID) > 0 {
			q.Queue(insertExternal, r.externalLedger, r.externalID, r.externalSeq, r.externalSalt, r.externalDigest)
		}
		if err := b.queueHeads(&q); err != nil {
			return err
		}
	}
	if q.Len() == 0 {
		return nil
	}
	if err := b.tx.SendBatch(ctx, &q).Close(); err != nil {
		return fmt.Errorf("write batch: %w", err)
	}
	return nil
}

func (b *batch) queueHeads(q *pgx.Batch) error {
	var ledgers []int32
	var sizes []int64
	var leaves, roots, edges [][]byte
	var times []time.Time
	for _, h := range b.heads {
		if h.tree.Size() == h.size {
			continue
		}
		root, err := h.tree.Root()
		if err != nil {
			return fmt.Errorf("root of ledger %d: %w", h.ledger, err)
		}
		var edge []byte
		for _, e := range h.tree.Edge() {
			edge = append(edge, e[:]...)
		}
		ledgers, sizes, times = append(ledgers, h.ledger), append(sizes, h.tree.Size()), append(times, h.lastTime)
		leaves, roots, edges = append(leaves, bytes.Clone(h.lastLeaf[:])), append(roots, root[:]), append(edges, edge)
		queueTiles(q, h)
	}
	q.Queue(updateHeads, ledgers, sizes, leaves, times, roots, edges)
	q.Queue(insertCheckpoints, ledgers, sizes, roots, times)
	return nil
}

// ensureMonths makes the partitions that this batch can need: of now, and of
// tomorrow so that no batch crosses into a month that is not there.
func (l *Log) ensureMonths(ctx context.Context) error {
	now := l.config.Clock()
	for _, at := range []time.Time{now, now.Add(24 * time.Hour)} {
		month := time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
		if l.months[month] {
			continue
		}
		if _, err := l.writes.Exec(ctx, `select ensure_payload_month($1)`, month); err != nil {
			return fmt.Errorf("make partition of %s: %w", month.Format("2006-01"), err)
		}
		l.months[month] = true
	}
	return nil
}

// encodeFields writes the disclosed fields as one JSON object, path to value.
func encodeFields(fields []Field) (string, error) {
	size := 2
	for i := range fields {
		size += len(fields[i].Path) + len(fields[i].Value) + 4
	}
	b := append(make([]byte, 0, size+16), '{')
	for i := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = jsontext.AppendQuote(b, fields[i].Path); err != nil {
			return "", fmt.Errorf("encode field path: %w", err)
		}
		b = append(append(b, ':'), fields[i].Value...)
	}
	return string(append(b, '}')), nil
}
