package ledger

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// restoreRows is how many payloads one statement of a retrieval puts back.
const restoreRows = 1_000

const insertRestored = `
	insert into payload (ledger, seq, recorded_at, seed, fields, salts, commitments, event_type, event_class, event_time, severity, category,
		actor_type, actor_id, actor_email, resource_type, resource_id, repository_id, repository_name, frameworks)
	select @ledger, seq, recorded_at, seed, fields, salts, commitments, event_type, event_class, event_time, severity, category,
		actor_type, actor_id, actor_email, resource_type, resource_id, repository_id, repository_name, string_to_array(frameworks, ',')
	from unnest(@seqs::bigint[], @recorded::timestamptz[], @seeds::bytea[], @fields::text[], @salts::text[], @commitments::text[],
		@c0::text[], @c1::text[], @c2::timestamptz[], @c3::text[], @c4::text[], @c5::text[], @c6::text[], @c7::text[], @c8::text[], @c9::text[],
		@c10::text[], @c11::text[], @c12::text[])
		as t (seq, recorded_at, seed, fields, salts, commitments, event_type, event_class, event_time, severity, category,
			actor_type, actor_id, actor_email, resource_type, resource_id, repository_id, repository_name, frameworks)
	where exists (select from archive_segment s where s.ledger = @ledger and s.id = @id and s.digest = @digest and s.online_until is not null and s.destroyed_at is null)
	on conflict (ledger, seq, recorded_at) do nothing`

// RestoreSegment puts the payloads of a file back until a time, each after it was
// compared with the tree, and indexes their text again. Payloads that are there stay
// as they are, so it can be done again. Statistics never left. Returns Tampered when
// the file is not the one that was registered, Destroyed when it is gone for good.
func (l *Log) RestoreSegment(ctx context.Context, s *ArchivedSegment, until time.Time, r io.Reader, between func(int64) error) (restored int64, err error) {
	// Before the first row comes back, so that no purge takes it away again.
	tag, err := l.writes.Exec(ctx, `
		update archive_segment set online_until = greatest(online_until, $3) where ledger = $1 and id = $2 and destroyed_at is null and purge_began is not null`, s.Ledger, s.ID, until)
	if err != nil {
		return 0, fmt.Errorf("restore %s: %w", s.ID, err)
	}
	if tag.RowsAffected() == 0 {
		now, err := l.SegmentByID(ctx, s.Ledger, s.ID)
		if err == nil && now.DestroyedAt != nil {
			err = now.Gone()
		}
		return 0, err // what was never purged is online
	}
	if _, err := l.writes.Exec(ctx, `select ensure_payload_month($1)`, s.RecordedFrom); err != nil { // a segment is of one month
		return 0, fmt.Errorf("make partition of %s: %w", s.RecordedFrom.Format("2006-01"), err)
	}
	var b restoring
	flush := func() error {
		if len(b.seqs) == 0 {
			return nil
		}
		seqs := b.seqs
		n, err := b.insert(ctx, l, s)
		if err == nil {
			err = l.indexAgain(ctx, s.Ledger, seqs)
		}
		if err != nil {
			return fmt.Errorf("restore %s: %w", s.ID, err)
		}
		restored += n
		return between(n)
	}
	err = l.CheckSegment(ctx, s.Ledger, s.ID, s.Seqs, r, func(p *ArchivedPayload, row *Row, rec *Record) error {
		if err := b.add(p, row, rec); err != nil || len(b.seqs) < restoreRows {
			return err
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	if err == nil {
		var now ArchivedSegment
		if now, err = l.SegmentByID(ctx, s.Ledger, s.ID); err == nil && now.Artifact.Digest != s.Artifact.Digest {
			err = audit.Errorf(audit.Unavailable, "the file of %s was written anew meanwhile", s.ID)
		}
	}
	if err == nil { // until now, what needs all entries of the period does not count on them
		_, err = l.writes.Exec(ctx, `update archive_segment set online_from = coalesce(online_from, $3) where ledger = $1 and id = $2 and online_until is not null`,
			s.Ledger, s.ID, audit.Instant(l.config.Clock()))
	}
	return restored, err
}

// restoring are rows by column, as unnest takes them.
type restoring struct {
	seqs                       []int64
	recorded                   []time.Time
	seeds                      [][]byte
	fields, salts, commitments []*string
	projected                  []Projection
}

func (b *restoring) add(p *ArchivedPayload, row *Row, rec *Record) error {
	projection, _, err := project(rec, row.Fields)
	if err != nil {
		return audit.Errorf(audit.Tampered, "entry %d: %v", p.Seq, err)
	}
	b.seqs = append(b.seqs, p.Seq)
	b.recorded = append(b.recorded, rec.RecordedAt)
	b.seeds = append(b.seeds, p.Seed)
	b.fields = append(b.fields, optional(string(p.Fields)))
	b.salts = append(b.salts, optional(string(p.Salts)))
	b.commitments = append(b.commitments, optional(string(p.Commitments)))
	b.projected = append(b.projected, projection)
	return nil
}

func (b *restoring) insert(ctx context.Context, l *Log, s *ArchivedSegment) (int64, error) {
	args := pgx.StrictNamedArgs{"ledger": s.Ledger, "id": s.ID, "digest": s.Artifact.Digest, "seqs": b.seqs, "recorded": b.recorded, "seeds": b.seeds, "fields": b.fields, "salts": b.salts, "commitments": b.commitments}
	for i, c := range columns(b.projected) {
		args[fmt.Sprintf("c%d", i)] = c
	}
	tag, err := l.writes.Exec(ctx, insertRestored, args)
	*b = restoring{}
	return tag.RowsAffected(), err
}
