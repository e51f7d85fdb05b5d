package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// Segment is the verification of one of several adjacent ranges. It is kept as
// JSON until all of them are joined.
type Segment struct {
	First    int64                 `json:"first"`
	End      int64                 `json:"end"`
	Rows     int64                 `json:"rows"`
	Archived int64                 `json:"archived,omitempty"` // of them, those whose payloads are in segment files alone
	Gone     int64                 `json:"gone,omitempty"`     // of them, those whose payloads were destroyed
	Files    int64                 `json:"files,omitempty"`    // segment files that were read
	Counts   map[ProblemKind]int64 `json:"counts,omitempty"`
	Problems []Problem             `json:"problems,omitempty"` // at most MaxProblems
	Origin   string                `json:"origin"`
	TreeSize int64                 `json:"tree_size"` // of the snapshot that the segment was checked in
	TreeRoot Hash                  `json:"tree_root"`
	Left     *joint                `json:"left,omitempty"`  // its first entry; nil when missing or unsound
	Right    *joint                `json:"right,omitempty"` // its last entry; nil when missing
}

// joint is what the entries on both sides of a border must agree on.
type joint struct {
	Seq  int64     `json:"seq"`
	ID   string    `json:"id"`
	Prev Hash      `json:"prev"`
	Leaf Hash      `json:"leaf"`
	At   time.Time `json:"at"`
}

// Add adds a problem that was found beside the segments.
func (v *Verification) Add(p Problem) {
	v.Counts[p.Kind]++
	if len(v.Problems) < MaxProblems {
		v.Problems = append(v.Problems, p)
	}
}

// Tree is the ledger as the segment saw it.
func (s *Segment) Tree() Checkpoint { return Checkpoint{s.Origin, s.TreeSize, s.TreeRoot} }

// Ranges cuts [first, end) into at most most adjacent ranges of at least width
// entries, but for the outer two. Borders are where a stored tile begins, so
// that each is compared as a whole. An empty range is one range.
func Ranges(first, end, width int64, most int) [][2]int64 {
	width = max((width+TileWidth-1)/TileWidth, 1) * TileWidth
	for (end-first)/width+2 > int64(most) {
		width *= 2
	}
	var out [][2]int64
	for at := first; at < end; {
		next := min((at/width+1)*width, end)
		out = append(out, [2]int64{at, next})
		at = next
	}
	if out == nil {
		out = [][2]int64{{first, end}}
	}
	return out
}

// VerifySegment verifies [first, end) as Verify does, against the head of its
// own snapshot, and keeps what JoinSegments needs.
func (l *Log) VerifySegment(ctx context.Context, ledger int32, first, end int64) (Segment, error) {
	s := Segment{First: first, End: end}
	v, err := l.VerifyWith(ctx, ledger, VerifyOptions{First: first, End: end, Rollups: first == 0, Each: func(r *Row) {
		if r.Seq == first {
			if rec, err := r.Check(); err == nil {
				s.Left = newJoint(r, &rec)
			}
		}
		if r.Seq == end-1 {
			rec, _ := ParseRecord(r.Record) // an unsound one is in the problems
			s.Right = newJoint(r, &rec)
		}
	}})
	if err != nil {
		return s, err
	}
	s.Rows, s.Archived, s.Gone, s.Counts, s.Problems = v.Rows, v.Archived, v.Destroyed, v.Counts, v.Problems
	s.Origin, s.TreeSize, s.TreeRoot = v.Checkpoint.Origin, v.Checkpoint.Size, v.Checkpoint.Root
	if v.Checkpoint.Size < end {
		s.problem(LostTail, -1, "", "the ledger has %d entries, and it had at least %d when the verification began", v.Checkpoint.Size, end)
	}
	return s, nil
}

func newJoint(r *Row, rec *Record) *joint {
	j := &joint{Seq: r.Seq, Prev: rec.Prev, Leaf: r.Leaf, At: rec.RecordedAt}
	if !j.At.IsZero() {
		j.ID = audit.EntryID(r.Seq, j.At)
	}
	return j
}

func (s *Segment) problem(kind ProblemKind, seq int64, id, format string, args ...any) {
	s.Add(Problem{Kind: kind, Seq: seq, EntryID: id, Message: fmt.Sprintf(format, args...)})
}

// Add adds a problem that was found beside the entries.
func (s *Segment) Add(p Problem) {
	if s.Counts == nil {
		s.Counts = map[ProblemKind]int64{}
	}
	s.Counts[p.Kind]++
	if len(s.Problems) < MaxProblems {
		s.Problems = append(s.Problems, p)
	}
}

// JoinSegments adds adjacent segments up to what one verification of the whole
// range finds. Every segment looks at the whole ledger for rows that nobody
// appended and at the upper tiles, so what several of them list in the same
// words counts once. The checkpoint is the tree that the last segment saw.
func JoinSegments(segments []Segment) (Verification, error) {
	v := Verification{Counts: map[ProblemKind]int64{}}
	if len(segments) == 0 {
		return v, fmt.Errorf("join segments: there is none")
	}
	last := segments[len(segments)-1]
	v.First, v.End, v.Checkpoint = segments[0].First, last.End, last.Tree()
	j := joiner{into: &v, seen: map[sameFinding]bool{}}
	for i := range segments {
		s := &segments[i]
		if i > 0 {
			if segments[i-1].End != s.First {
				return v, fmt.Errorf("join segments: entry %d follows entry %d", s.First, segments[i-1].End)
			}
			s.link(segments[i-1].Right)
		}
		v.Rows += s.Rows
		v.Archived += s.Archived
		v.Destroyed += s.Gone
		v.FilesRead += s.Files
		j.add(s)
	}
	if j.strays > 0 {
		v.Counts[ExtraEntry] += j.strays
	}
	others := maps.Clone(v.Counts)
	delete(others, WrongRollup)
	delete(others, ArchiveFile)
	if len(others) > 0 { // counts are compared by the first segment, and are news only when nothing else is wrong with the entries
		delete(v.Counts, WrongRollup)
		v.Problems = slices.DeleteFunc(v.Problems, func(p Problem) bool { return p.Kind == WrongRollup })
	}
	var leaf *Hash
	if last.Right != nil {
		leaf = &last.Right.Leaf
	}
	v.Digest = rangeDigest(v.Checkpoint.Origin, v.First, v.End, v.Rows, leaf)
	return v, nil
}

// link checks the chain over the border to the segment before.
func (s *Segment) link(before *joint) {
	switch {
	case before == nil || s.Left == nil:
	case s.Left.Prev != before.Leaf:
		s.problem(BrokenChain, before.Seq, before.ID, "entry %d is not the one that entry %d was chained to", before.Seq, s.Left.Seq)
	case s.Left.At.Before(before.At):
		s.problem(BrokenChain, s.Left.Seq, s.Left.ID, "entry %d is dated before the entry it follows", s.Left.Seq)
	}
}

// sameFinding tells whether two segments found the same.
type sameFinding struct {
	kind    ProblemKind
	seq     int64
	message string
}

type joiner struct {
	into   *Verification
	seen   map[sameFinding]bool
	strays int64 // extra entries beyond those that a segment lists: the most of any, since all see the same
}

func (j *joiner) add(s *Segment) {
	unlisted := map[ProblemKind]int64{}
	for kind, n := range s.Counts {
		unlisted[kind] = n
	}
	for _, p := range s.Problems {
		unlisted[p.Kind]--
		f := sameFinding{p.Kind, p.Seq, p.Message}
		if j.seen[f] {
			continue
		}
		j.seen[f] = true
		j.into.Add(p)
	}
	for kind, n := range unlisted {
		switch {
		case n == 0:
		case kind == ExtraEntry:
			j.strays = max(j.strays, n)
		default:
			j.into.Counts[kind] += n
		}
	}
}

// rangeDigest is the verification hash: over the ledger, the range, the rows
// that were there and the last of their leaves, nil when that entry is missing.
func rangeDigest(origin string, first, end, rows int64, leaf *Hash) string {
	var last string
	if leaf != nil {
		last = FormatHash(*leaf)
	}
	h := sha256.Sum256(fmt.Appendf(nil, "sealbook-verification/v1\n%s\n%d\n%d\n%d\n%s\n", origin, first, end, rows, last))
	return "sha256:" + hex.EncodeToString(h[:])
}
