package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// Types of the registry's entries about segment files.
const (
	SegmentArchived  = "registry.segment_archived"  // origin, segment, digest, size_bytes, first, last, entries, seqs_sha256, kept_until
	SegmentErased    = "registry.segment_erased"    // origin, segment, digest, size_bytes, replaces: an erasure wrote the file anew
	SegmentDestroyed = "registry.segment_destroyed" // origin, segment, digest, destroyed_at
)

// WriteSegment writes the file of a plan. Every row is checked on its way:
// what is not what its record says is Tampered and stays where it is.
func (l *Log) WriteSegment(ctx context.Context, plan *ArchivePlan, w io.Writer, progress func(int64)) error {
	d, err := l.Descriptor(ctx, plan.Ledger)
	if err != nil {
		return err
	}
	h := headerOf(plan.ID(), d.Genesis.Origin, plan.Entries, plan.Seqs)
	out, err := newSegmentWriter(w, h)
	if err != nil {
		return fmt.Errorf("write segment: %w", err)
	}
	first, end := plan.Seqs[0].First, plan.Seqs[len(plan.Seqs)-1].End
	for at := first; at < end; at += pageRows {
		seqs := plan.Seqs.within(at, min(at+pageRows, end))
		if len(seqs) == 0 {
			continue
		}
		var page []ArchivedPayload
		err := l.read(ctx, plan.Ledger, func(tx pgx.Tx) (err error) {
			rows, err := tx.Query(ctx, `
				select e.seq, e.record, p.seed, p.fields, p.salts, p.commitments
				from entry e join (select * from payload where ledger = $1 and seq >= $2 and seq < $3 and recorded_at between $4 and $5) p on p.seq = e.seq
				where e.ledger = $1 and e.seq >= $2 and e.seq < $3 and e.seq = any ($6::bigint[]) order by e.seq`,
				plan.Ledger, at, min(at+pageRows, end), plan.RecordedFrom, plan.RecordedUntil, seqs)
			if err == nil {
				page, err = pgx.CollectRows(rows, scanPayload)
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("read what a segment takes: %w", err)
		}
		for i := range page {
			if _, _, err := page[i].check(h.Origin); err != nil {
				return err
			}
			if err := out.add(&page[i]); err != nil {
				return fmt.Errorf("write segment: %w", err)
			}
		}
		progress(int64(len(page)))
	}
	if err := out.close(); err != nil {
		return fmt.Errorf("write segment: %w", err)
	}
	return nil
}

func scanPayload(row pgx.CollectableRow) (p ArchivedPayload, err error) {
	var record []byte
	var fields, salts, commitments *string
	if err = row.Scan(&p.Seq, &record, &p.Seed, &fields, &salts, &commitments); err != nil {
		return p, err
	}
	p.Record = string(record)
	for _, x := range []struct {
		from *string
		to   *json.RawMessage
	}{{fields, &p.Fields}, {salts, &p.Salts}, {commitments, &p.Commitments}} {
		if x.from != nil {
			*x.to = json.RawMessage(*x.from)
		}
	}
	return p, nil
}

// CheckSegment reads a file to its end, as ReadSegment does, and compares it with
// the ledger: every record is the one that the tree holds at its place. each may be
// nil.
func (l *Log) CheckSegment(ctx context.Context, ledger int32, id string, seqs Spans, r io.Reader, each func(*ArchivedPayload, *Row, *Record) error) error {
	leaves := map[int64]Hash{}
	var until int64
	h, err := ReadSegment(r, func(p *ArchivedPayload, row *Row, rec *Record) error {
		if !seqs.Contains(p.Seq) {
			return audit.Errorf(audit.Tampered, "the segment file holds entry %d, which is not of the segment", p.Seq)
		}
		if p.Seq >= until {
			clear(leaves)
			until = p.Seq + pageRows
			if err := l.leaves(ctx, ledger, p.Seq, until, leaves); err != nil {
				return err
			}
		}
		if leaf, there := leaves[p.Seq]; !there || leaf != row.Leaf {
			return audit.Errorf(audit.Tampered, "the segment file's record of entry %d is not the one that the tree holds", p.Seq)
		}
		if each == nil {
			return nil
		}
		return each(p, row, rec)
	})
	if err != nil {
		return err
	}
	var n int64
	for _, x := range seqs {
		n += x.End - x.First
	}
	if h.Segment != id || h.Entries != n {
		return audit.Errorf(audit.Tampered, "the segment file says that it is %s of %d entries, not %s of %d", h.Segment, h.Entries, id, n)
	}
	return nil
}

func (l *Log) leaves(ctx context.Context, ledger int32, first, end int64, into map[int64]Hash) error {
	return l.read(ctx, ledger, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select seq, leaf from entry where ledger = $1 and seq >= $2 and seq < $3`, ledger, first, end)
		if err != nil {
			return err
		}
		var seq int64
		var leaf []byte
		_, err = pgx.ForEachRow(rows, []any{&seq, &leaf}, func() error {
			h, err := hashFrom(leaf)
			into[seq] = h
			return err
		})
		return err
	})
}

// RegisterSegment enters a file into the registry and into the table of segments,
// together. Only a file that was read back and checked may be registered: from then
// on its payloads may be purged. Doing so again has no effect.
func (l *Log) RegisterSegment(ctx context.Context, plan *ArchivePlan, a audit.Artifact) error {
	d, err := l.Descriptor(ctx, plan.Ledger)
	if err != nil {
		return err
	}
	artifact, err := json.Marshal(a)
	if err != nil {
		return err
	}
	now := audit.Instant(l.config.Clock())
	return l.register(ctx, registryEvent(SegmentArchived, segmentKey(d.Genesis.Origin, plan.ID()), audit.Object{
		"origin": d.Genesis.Origin, "segment": plan.ID(), "digest": a.Digest, "size_bytes": a.Size, "entries": plan.Entries,
		"first": plan.Seqs[0].First, "last": plan.Seqs[len(plan.Seqs)-1].End - 1, "seqs_sha256": plan.Seqs.digest(),
		"kept_until": plan.KeptUntil.Format(TimeFormat),
	}), func(ctx context.Context, tx pgx.Tx) error {
		// The file may hold what an erasure has taken out of the database since.
		var running bool
		var erasures int64
		err := tx.QueryRow(ctx, `select exists (select from erasure where ledger = $1 and status = 'running'), (`+countErasures+`)`, plan.Ledger).Scan(&running, &erasures)
		if err != nil {
			return err
		}
		if running || erasures != plan.erasures {
			return audit.Errorf(audit.Unavailable, "an erasure has begun since the segment was planned: it is planned anew")
		}
		_, err = tx.Exec(ctx, `
			insert into archive_segment (ledger, id, seqs, entries, recorded_from, recorded_until, event_from, event_until, kept_until, artifact, digest, archived_at)
			values (@ledger, @id, @seqs, @entries, @recorded_from, @recorded_until, @event_from, @event_until, @kept, @artifact, @digest, @at)`,
			pgx.StrictNamedArgs{
				"ledger": plan.Ledger, "id": plan.ID(), "seqs": plan.Seqs.multirange(), "entries": plan.Entries,
				"recorded_from": plan.RecordedFrom, "recorded_until": plan.RecordedUntil, "event_from": plan.EventFrom, "event_until": plan.EventUntil,
				"kept": plan.KeptUntil, "artifact": string(artifact), "digest": a.Digest, "at": now,
			})
		return err
	})
}

func segmentKey(origin, id string) string { return "segment " + origin + " " + id }

// digest stands for the ranges in the registry, where thousands would not fit.
func (s Spans) digest() string {
	sum := sha256.Sum256([]byte(s.describe()))
	return "sha256:" + hex.EncodeToString(sum[:])
}
