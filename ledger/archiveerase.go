package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// ErasedSegment is what an erasure found in a segment file.
type ErasedSegment struct {
	Erased
	Changed bool // something was erased

	actors   map[actorCount]int64 // how roll-ups change, of entries whose payloads the database does not have
	external []string             // emitters' ids of such entries
}

// actorCount is a roll-up row of an actor.
type actorCount struct {
	day        time.Time
	name, part string
}

func (e *ErasedSegment) count(p *Projection, n int64) {
	c := actorCount{day: timeOfDay(dayOf(p.EventTime))}
	switch {
	case p.ActorEmail != nil:
		c.name, c.part = *p.ActorEmail, "email"
	case p.ActorID != nil:
		c.name, c.part = *p.ActorID, "id"
	default:
		return
	}
	e.actors[c] += n
}

// EraseSegment writes a segment file anew without what is personal of a subject in
// entries that no hold keeps. Counts are of entries whose payloads the database does
// not have, which are counted there; Found names all. When nothing was erased, what
// was written is the same file again.
func (l *Log) EraseSegment(ctx context.Context, s *ArchivedSegment, subject *Subject, known []Hold, r io.Reader, w io.Writer) (e ErasedSegment, err error) {
	e.actors = map[actorCount]int64{}
	d, err := l.Descriptor(ctx, s.Ledger)
	if err != nil {
		return e, err
	}
	first, end := s.Seqs[0].First, s.Seqs[len(s.Seqs)-1].End
	there, err := l.present(ctx, s, first, end)
	if err != nil {
		return e, err
	}
	e.First, e.End = first, end
	out, err := newSegmentWriter(w, headerOf(s.ID, d.Genesis.Origin, s.Entries, s.Seqs))
	if err != nil {
		return e, fmt.Errorf("write segment: %w", err)
	}
	err = l.CheckSegment(ctx, s.Ledger, s.ID, s.Seqs, r, func(p *ArchivedPayload, row *Row, rec *Record) error {
		j := subject.judge(row.Fields)
		if !there[p.Seq] {
			for _, path := range j.kept {
				e.Counts.Add(&audit.ErasureCounts{Kept: map[string]int64{path: 1}})
			}
		}
		if len(j.erase) == 0 {
			return out.add(p)
		}
		entry, err := row.Entry()
		if err != nil {
			return err
		}
		held := false
		for i := range known {
			held = held || known[i].Keeps(&entry)
		}
		e.Found = append(e.Found, FoundEntry{p.Seq, entry.Time(), held})
		if held {
			return out.add(p)
		}
		e.Changed = true
		if !there[p.Seq] {
			e.Counts.Entries++
			e.Counts.Fields += int64(len(j.erase))
		}
		left, err := withoutFields(row.Fields, j.erase)
		if err != nil {
			return err
		}
		if !there[p.Seq] {
			if err := e.move(rec, row.Fields, left.fields); err != nil {
				return err
			}
		}
		return out.add(&ArchivedPayload{Seq: p.Seq, Record: p.Record, Fields: json.RawMessage(left.values), Salts: json.RawMessage(left.salts), Commitments: json.RawMessage(left.commitments)})
	})
	if err == nil {
		err = out.close()
	}
	return e, err
}

// move notes what follows from erased fields outside of the file.
func (e *ErasedSegment) move(rec *Record, before, after []Field) error {
	for n, fields := range map[int64][]Field{-1: before, 1: after} {
		p, _, err := project(rec, fields)
		if err != nil {
			return err
		}
		e.count(&p, n)
	}
	if id := externalIDOf(before); id != "" {
		e.external = append(e.external, id)
		e.Counts.ExternalIDs++
	}
	e.Counts.Rollups++
	return nil
}

// present tells which payloads of a segment the database has.
func (l *Log) present(ctx context.Context, s *ArchivedSegment, first, end int64) (map[int64]bool, error) {
	there := map[int64]bool{}
	err := l.read(ctx, s.Ledger, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select seq from payload where ledger = $1 and seq >= $2 and seq < $3 and recorded_at between $4 and $5`,
			s.Ledger, first, end, s.RecordedFrom, s.RecordedUntil)
		if err != nil {
			return err
		}
		var seq int64
		_, err = pgx.ForEachRow(rows, []any{&seq}, func() error { there[seq] = true; return nil })
		return err
	})
	return there, err
}

// ReplaceSegment enters into the registry that an erasure wrote a segment's file
// anew, of whose erased entries none of known keeps any. with runs in the same
// transaction. InvalidState: a hold was set since, or somebody else replaced it.
func (l *Log) ReplaceSegment(ctx context.Context, s *ArchivedSegment, a audit.Artifact, e *ErasedSegment, known []Hold, with func(context.Context, pgx.Tx) error) error {
	d, err := l.Descriptor(ctx, s.Ledger)
	if err != nil {
		return err
	}
	artifact, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return l.register(ctx, registryEvent(SegmentErased, "erased "+a.Digest+" "+segmentKey(d.Genesis.Origin, s.ID), audit.Object{
		"origin": d.Genesis.Origin, "segment": s.ID, "digest": a.Digest, "size_bytes": a.Size, "replaces": s.Artifact.Digest,
	}), func(ctx context.Context, tx pgx.Tx) error {
		if err := unchangedHolds(ctx, tx, s.Ledger, known); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `
			update archive_segment set artifact = $3, digest = $4, replaces = artifact
			where ledger = $1 and id = $2 and digest = $5 and replaces is null and destroyed_at is null`,
			s.Ledger, s.ID, string(artifact), a.Digest, s.Artifact.Digest)
		if err == nil && tag.RowsAffected() == 0 {
			err = audit.Errorf(audit.InvalidState, "the file of the segment %s was replaced or destroyed since", s.ID)
		}
		if err == nil {
			err = e.write(ctx, tx, s.Ledger)
		}
		if err == nil {
			err = with(ctx, tx)
		}
		return err
	})
}

// write changes roll-ups and emitters' ids as the file was changed.
func (e *ErasedSegment) write(ctx context.Context, tx pgx.Tx, ledger int32) error {
	var days []time.Time
	var names, parts []string
	var deltas []int64
	for c, n := range e.actors {
		if n != 0 {
			days, names, parts, deltas = append(days, c.day), append(names, c.name), append(parts, c.part), append(deltas, n)
		}
	}
	if _, err := tx.Exec(ctx, `select move_archived_rollups($1, $2, $3, $4, $5)`, ledger, days, names, parts, deltas); err != nil || len(e.external) == 0 {
		return err
	}
	// The redactor alone may take a salt away.
	if _, err := tx.Exec(ctx, `set local role sealbook_redactor`); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `update external_id set salt = null where ledger = $1 and external_id = any ($2)`, ledger, e.external); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `set local role sealbook_committer`)
	return err
}

// Replaced lists segments of which an erasure replaced the file and did not come to
// delete it.
func (l *Log) Replaced(ctx context.Context, ledger int32, limit int) ([]ArchivedSegment, error) {
	return l.segments(ctx, ledger, `replaces is not null order by lower(seqs) limit $2`, limit)
}

// ReplacedDeleted notes that the file is deleted that an erasure replaced.
func (l *Log) ReplacedDeleted(ctx context.Context, s *ArchivedSegment) error {
	if _, err := l.writes.Exec(ctx, `update archive_segment set replaces = null where ledger = $1 and id = $2`, s.Ledger, s.ID); err != nil {
		return fmt.Errorf("note that a replaced file is deleted: %w", err)
	}
	return nil
}

// unchangedHolds keeps the holds as they are until the transaction ends, and returns
// InvalidState when there is one that known does not have.
func unchangedHolds(ctx context.Context, tx pgx.Tx, ledger int32, known []Hold) error {
	if _, err := tx.Exec(ctx, `select freeze_legal_holds()`); err != nil {
		return err
	}
	current, err := holdsInForce(ctx, tx, ledger)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, h := range known {
		seen[h.ID] = true
	}
	for _, h := range current {
		if !seen[h.ID] {
			return audit.Errorf(audit.InvalidState, "the legal hold %s was set since", h.ID)
		}
	}
	return nil
}
