package ledger

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// redactions are changed rows of payload by column, as unnest takes them, and what
// follows from them elsewhere.
type redactions struct {
	seq                        []int64
	recordedAt                 []time.Time
	fields, salts, commitments []string
	columns                    [6][]*string // in the order of the statement
	external                   []string
	texts                      texts
	moved                      int64
}

// leftFields are what stays of an entry's fields, as the columns of a payload hold
// them.
type leftFields struct {
	fields                     []Field
	values, salts, commitments string
}

// withoutFields takes values and salts of some fields away; their commitments stay.
func withoutFields(fields []Field, erase []int) (l leftFields, err error) {
	l.fields = slices.Clone(fields)
	for _, i := range erase {
		c := l.fields[i].Commit()
		l.fields[i] = Field{Path: l.fields[i].Path, Commitment: &c}
	}
	salts, commitments := map[string]string{}, map[string]string{}
	var disclosed []Field
	for i := range l.fields {
		f := &l.fields[i]
		if f.Disclosed() {
			disclosed = append(disclosed, *f)
			salts[f.Path] = base64.StdEncoding.EncodeToString(f.Salt)
		} else {
			commitments[f.Path] = encodeHash(*f.Commitment)
		}
	}
	if l.values, err = encodeFields(disclosed); err != nil {
		return l, err
	}
	saltText, err := json.Marshal(salts)
	if err != nil {
		return l, fmt.Errorf("encode salts: %w", err)
	}
	commitmentText, err := json.Marshal(commitments)
	if err != nil {
		return l, fmt.Errorf("encode commitments: %w", err)
	}
	l.salts, l.commitments = string(saltText), string(commitmentText)
	return l, nil
}

// add notes what a row becomes without some of its fields.
func (r *redactions) add(s *storedRow, rec *Record, before *Projection, erase []int) error {
	left, err := withoutFields(s.Fields, erase)
	if err != nil {
		return fmt.Errorf("entry %d: %w", s.Seq, err)
	}
	if got := PayloadRoot(left.fields); got != rec.PayloadRoot {
		return audit.Errorf(audit.Tampered, "entry %d: without the erased fields it has another root", s.Seq)
	}
	after, _, err := project(rec, left.fields)
	if err != nil {
		return err
	}
	r.seq, r.recordedAt = append(r.seq, s.Seq), append(r.recordedAt, rec.RecordedAt)
	r.fields, r.salts, r.commitments = append(r.fields, left.values), append(r.salts, left.salts), append(r.commitments, left.commitments)
	for i, v := range []*string{after.Category, after.ActorID, after.ActorEmail, after.ResourceID, after.RepositoryID, after.RepositoryName} {
		r.columns[i] = append(r.columns[i], v)
	}
	if !sameText(before.ActorID, after.ActorID) || !sameText(before.ActorEmail, after.ActorEmail) ||
		!sameText(before.RepositoryID, after.RepositoryID) || !sameText(before.RepositoryName, after.RepositoryName) {
		r.moved++
	}
	if id := externalIDOf(left.fields); id != "" {
		r.external = append(r.external, id)
	}
	row := Row{Seq: s.Seq, Record: s.Record, Leaf: s.Leaf, Fields: left.fields}
	e, err := row.Entry()
	if err != nil {
		return err
	}
	r.texts.add(&e)
	return nil
}

func sameText(a, b *string) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}

// The trigger on payload moves the roll-ups.
const redactPayloads = `
	update payload p set seed = null, fields = t.fields, salts = t.salts, commitments = t.commitments, category = t.category,
		actor_id = t.actor_id, actor_email = t.actor_email, resource_id = t.resource_id, repository_id = t.repository_id, repository_name = t.repository_name
	from unnest($2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[])
		as t (seq, recorded_at, fields, salts, commitments, category, actor_id, actor_email, resource_id, repository_id, repository_name)
	where p.ledger = $1 and p.seq = t.seq and p.recorded_at = t.recorded_at`

const updateTexts = `
	update search_text x set basic = v.basic, sensitive = v.sensitive
	from (` + vectorsOfTexts + `) v
	where x.ledger = $1 and x.seq = v.seq`

// write changes the rows, in the transaction that holds the locks of
// begin_erasure.
func (r *redactions) write(ctx context.Context, tx pgx.Tx, ledger int32, counts *audit.ErasureCounts) error {
	if len(r.seq) == 0 {
		return nil
	}
	args := []any{ledger, r.seq, r.recordedAt, r.fields, r.salts, r.commitments}
	for _, c := range r.columns {
		args = append(args, c)
	}
	tag, err := tx.Exec(ctx, redactPayloads, args...)
	if err == nil && tag.RowsAffected() != int64(len(r.seq)) {
		err = fmt.Errorf("%d of %d rows were changed", tag.RowsAffected(), len(r.seq))
	}
	if err != nil {
		return fmt.Errorf("redact payloads: %w", err)
	}
	counts.Rollups += r.moved
	if tag, err = tx.Exec(ctx, updateTexts, append([]any{ledger, r.texts.seq}, r.texts.columns()...)...); err != nil {
		return fmt.Errorf("index what is left: %w", err)
	}
	counts.SearchTexts += tag.RowsAffected()
	// An entry that has no text left has no row either.
	gone := slices.DeleteFunc(slices.Clone(r.seq), func(seq int64) bool { return slices.Contains(r.texts.seq, seq) })
	if tag, err = tx.Exec(ctx, `delete from search_text where ledger = $1 and seq = any($2)`, ledger, gone); err != nil {
		return fmt.Errorf("remove from the text index: %w", err)
	}
	counts.SearchTexts += tag.RowsAffected()
	tag, err = tx.Exec(ctx, `update external_id set salt = null where ledger = $1 and external_id = any($2) and seq = any($3) and salt is not null`, ledger, r.external, r.seq)
	if err != nil {
		return fmt.Errorf("redact external ids: %w", err)
	}
	counts.ExternalIDs += tag.RowsAffected()
	return nil
}
