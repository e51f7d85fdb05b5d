package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"

	"github.com/sealbook/sealbook/audit"
)

// What a file is found to be, beside sound.
const (
	FileLost    = "lost"    // it is not in the artifact store
	FileDamaged = "damaged" // its bytes are not those that were registered, or do not belong to the ledger
)

// SegmentFault is what is wrong with a segment file.
type SegmentFault struct {
	State  string // FileLost or FileDamaged
	Found  string // the digest of what is there; "" of nothing
	Reason string
}

// String is how a fault is kept: its state comes first.
func (f *SegmentFault) String() string { return f.State + ": " + f.Reason }

// Problem is the fault as verification lists it.
func (f *SegmentFault) Problem(s *ArchivedSegment) Problem {
	return Problem{Kind: ArchiveFile, Seq: -1, Range: &SeqRange{s.First(), s.Last()}, Message: fmt.Sprintf("the file of the segment %s is %s", s.ID, f)}
}

// SegmentFiles lists segments whose files hold payloads that the database need not
// have, and that a verification of [of.First, of.End) reads together with its part
// [part.First, part.End): each file belongs to one part, that of its first entry in
// the range. They come in the order of their first entries, behind after.
func (l *Log) SegmentFiles(ctx context.Context, ledger int32, of, part Span, after int64, limit int) ([]ArchivedSegment, error) {
	return l.segments(ctx, ledger, `purge_began is not null and destroyed_at is null and seqs && int8range($2, $3)
		and greatest(lower(seqs), $2) >= $4 and greatest(lower(seqs), $2) < $5 and lower(seqs) > $6 order by lower(seqs) limit $7`,
		of.First, of.End, part.First, part.End, after, limit)
}

// fileState is what a kept problem says of the file's state; "" is sound.
func fileState(problem *string) string {
	if problem == nil {
		return ""
	}
	state, _, _ := strings.Cut(*problem, ":")
	return state
}

// CheckSegmentFile reads a segment's file to its end, which open opens by its key: that
// its digest is the one that is compared with the registry, that every record is the
// one that the tree holds and every payload the one that its record commits to. A
// fault is nil when nothing is wrong, and when the segment was destroyed meanwhile; the segment becomes the one
// that was compared, because an erasure may write its file anew. An error means that
// it cannot be told, as when the store fails. between is called every now and then.
func (l *Log) CheckSegmentFile(ctx context.Context, s *ArchivedSegment, open func(key string) (io.ReadCloser, error), between func(seq int64) error) (*SegmentFault, error) {
	for {
		fault, err := l.readFile(ctx, s, open, between)
		if err != nil {
			return nil, fmt.Errorf("check the file of %s: %w", s.ID, err)
		}
		if fault == nil {
			return nil, nil
		}
		now, err := l.SegmentByID(ctx, s.Ledger, s.ID)
		if err != nil {
			return nil, err
		}
		if now.DestroyedAt != nil {
			*s = now
			return nil, nil
		}
		if now.Digest == s.Digest {
			return fault, nil
		}
		*s = now
	}
}

func (l *Log) readFile(ctx context.Context, s *ArchivedSegment, open func(key string) (io.ReadCloser, error), between func(int64) error) (*SegmentFault, error) {
	file, err := open(s.Artifact.Key)
	if audit.CodeOf(err) == audit.NotFound {
		return &SegmentFault{State: FileLost, Reason: "the file is not in the artifact store"}, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	in := &segmentBytes{from: file, hash: sha256.New()}
	wrong := l.CheckSegment(ctx, s.Ledger, s.ID, s.Seqs, in, func(p *ArchivedPayload, _ *Row, _ *Record) error {
		if p.Seq%1000 == 0 {
			return between(p.Seq)
		}
		return nil
	})
	if in.failed == nil && (wrong == nil || audit.CodeOf(wrong) == audit.Tampered) {
		_, err = io.Copy(io.Discard, in) // what is behind a fault is part of the digest
	}
	switch {
	case in.failed != nil:
		return nil, in.failed
	case wrong != nil && audit.CodeOf(wrong) != audit.Tampered:
		return nil, wrong
	case err != nil:
		return nil, err
	}
	fault := &SegmentFault{State: FileDamaged, Found: "sha256:" + hex.EncodeToString(in.hash.Sum(nil))}
	switch {
	case fault.Found != s.Digest:
		fault.Reason = fmt.Sprintf("the file has the digest %s, not %s", fault.Found, s.Digest)
		if wrong != nil {
			fault.Reason += ": " + faultOf(wrong)
		}
	case wrong != nil: // the file is the registered one: then it is the ledger that changed
		fault.Reason = faultOf(wrong)
	default:
		return nil, nil
	}
	return fault, nil
}

// faultOf is what an error says of a file, without what lies below it: that may have
// parts of the file's content in it.
func faultOf(err error) string {
	var e *audit.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}

// segmentBytes hashes what is read, and tells a store that fails from a file that
// is damaged.
type segmentBytes struct {
	from   io.Reader
	hash   hash.Hash
	failed error
}

func (b *segmentBytes) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	b.hash.Write(p[:n])
	if err != nil && !errors.Is(err, io.EOF) {
		b.failed = err
	}
	return n, err
}
