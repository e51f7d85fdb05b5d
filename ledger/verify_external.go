package ledger

import (
	"bytes"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// claim is an entry's external id as its content says it.
type claim struct {
	row        *checkedRow
	externalID string
	payload    []byte // nil when a part of it was erased
}

// claim notes the external id of the row that was just checked, whose content
// is proven.
func (w *rowWorker) claim(c *checkedRow) {
	fields := w.stored.Fields
	id := externalIDOf(fields)
	if id == "" {
		return
	}
	at := len(w.payloads)
	if w.stored.plain {
		if joined, ok := joinPlain(w.payloads, fields); ok {
			w.payloads = joined // when it grows, the claims before keep the old memory
			w.claims = append(w.claims, claim{c, id, joined[at:len(joined):len(joined)]})
			return
		}
	}
	payload, withheld, err := Join(fields)
	if err != nil {
		c.find(HashMismatch, "entry %d: %v", c.seq, err)
		return
	}
	if len(withheld) > 0 {
		payload = nil
	}
	w.claims = append(w.claims, claim{c, id, payload})
}

func externalIDOf(fields []Field) string {
	for i := range fields {
		if fields[i].Path == "/external_id" && fields[i].Disclosed() {
			return textOf(fields[i].Value)
		}
	}
	return ""
}

// checkClaims compares the external ids of a page's entries with the rows that
// make a repeated event the same entry.
func (w *rowWorker) checkClaims(ctx context.Context, v *verifier, p *page) error {
	ids := make([]string, len(w.claims))
	for i := range w.claims {
		ids[i] = w.claims[i].externalID
	}
	stored := make(map[string]storedExternal, len(ids))
	var id string
	var s storedExternal
	v.conn.Lock()
	defer v.conn.Unlock()
	rows, err := v.tx.Query(ctx, `select external_id, seq, salt, digest from external_id where ledger = $1 and external_id = any($2)`, v.ledger, ids)
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&id, &s.seq, &s.salt, &s.digest}, func() error {
			stored[id] = storedExternal{s.seq, bytes.Clone(s.salt), bytes.Clone(s.digest)}
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("read external ids of entries %d to %d: %w", p.first, p.end-1, err)
	}
	for i := range w.claims {
		c := &w.claims[i]
		s, there := stored[c.externalID]
		c.compare(&s, there)
	}
	return nil
}

func (c *claim) compare(s *storedExternal, there bool) {
	r := c.row
	r.external = there && s.seq == r.seq
	switch {
	case !there:
		r.find(WrongColumn, "entry %d: the row of its external id is missing", r.seq)
	case s.seq != r.seq:
		r.find(WrongColumn, "entry %d: its external id stands for entry %d", r.seq, s.seq)
	case c.payload == nil: // erased in part: there is nothing that the digest could be compared with
	case s.salt == nil:
		r.find(WrongColumn, "entry %d: the salt of its external id is gone although nothing was erased", r.seq)
	case !bytes.Equal(s.digest, contentDigest(s.salt, r.record.EventType, emitted(c.payload))):
		r.find(WrongColumn, "entry %d: the digest of its external id is not of its content", r.seq)
	}
}

// strayExternal finds external ids that no entry bears. Each entry's own was
// looked up, so when a whole ledger was read and there are as many rows as
// were right, there are no others. The rows are not sorted by entry, which is
// why a part of a ledger says nothing of them.
func (v *verifier) strayExternal() error {
	r := &v.result
	if v.options.RecordsOnly || r.First > 0 || r.End < r.Checkpoint.Size {
		return nil
	}
	var n int64
	if err := v.tx.QueryRow(v.ctx, `select count(*) from external_id where ledger = $1`, v.ledger).Scan(&n); err != nil || n == v.rows.external {
		return err
	}
	for after, more := "", true; more; {
		rows, err := v.tx.Query(v.ctx, `
			select x.external_id, x.seq, p.seed, p.fields, p.salts, p.commitments
			from (select * from external_id where ledger = $1 and external_id > $2 order by external_id limit $3) x
			left join payload p on p.ledger = x.ledger and p.seq = x.seq
			order by x.external_id`, v.ledger, after, pageRows)
		if err != nil {
			return err
		}
		var seq int64
		var seed, fields, salts, commitments []byte
		more = false
		_, err = pgx.ForEachRow(rows, []any{&after, &seq, &seed, &fields, &salts, &commitments}, func() error {
			more = true
			content, err := decodeFields(seed, fields, salts, commitments)
			switch {
			case fields == nil && commitments == nil && v.offline.Contains(seq): // its content is in a segment file
			case err == nil && externalIDOf(content) == after, erased(content, "/external_id"):
			default:
				v.problem(ExtraEntry, seq, "", "an external id stands for entry %d, which does not bear it", seq)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func erased(fields []Field, path string) bool {
	for i := range fields {
		if fields[i].Path == path {
			return !fields[i].Disclosed()
		}
	}
	return false
}
