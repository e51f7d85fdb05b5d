package evidence

import (
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"fmt"
	"hash"
	"time"
)

// Skeleton is the part that lists every entry of the range; the other parts
// are categories.
const Skeleton = "skeleton"

// ChunkEntries is how many entries a chunk object holds at most.
const ChunkEntries = 5000

// ChunkName returns the name of a part's chunk object; kind is "jsonl" or
// "csv". Names do not depend on who writes, so that a retry overwrites what an
// attempt before it left.
func ChunkName(part string, ordinal int, kind string) string {
	return fmt.Sprintf("%s/%06d.%s", part, ordinal, kind)
}

// File describes the concatenation of a part's chunks of one kind.
type File struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // 64 hex digits
}

// Stats sum up the entries of a category. Pointers are nil when it has none.
type Stats struct {
	Entries   int64      `json:"entries"`
	FirstSeq  *int64     `json:"first_seq"`
	LastSeq   *int64     `json:"last_seq"`
	FirstTime *time.Time `json:"min_event_time"`
	LastTime  *time.Time `json:"max_event_time"`
	Withheld  int64      `json:"entries_with_erased_fields"`
}

func (s *Stats) add(e *entry) {
	seq, at := e.rec.Seq, e.time.UTC()
	s.Entries++
	if s.FirstSeq == nil {
		s.FirstSeq = &seq
	}
	s.LastSeq = &seq
	if s.FirstTime == nil || at.Before(*s.FirstTime) {
		s.FirstTime = &at
	}
	if s.LastTime == nil || at.After(*s.LastTime) {
		s.LastTime = &at
	}
	if len(e.withheld) > 0 {
		s.Withheld++
	}
}

// Part is what a Collector hands to Build: what its chunks hold. It has a
// constant size.
type Part struct {
	Name   string `json:"name"` // a category, or Skeleton
	Chunks int    `json:"chunks"`
	JSONL  File   `json:"jsonl"`
	CSV    *File  `json:"csv,omitempty"`   // of categories
	Stats  Stats  `json:"stats"`           // of categories
	Tally  *Tally `json:"tally,omitempty"` // of the skeleton
}

// ChunkNames lists the part's objects.
func (p *Part) ChunkNames() (names []string) {
	for _, kind := range p.kinds() {
		for i := range p.Chunks {
			names = append(names, ChunkName(p.Name, i, kind))
		}
	}
	return names
}

func (p *Part) kinds() []string {
	if p.Name == Skeleton {
		return []string{"jsonl"}
	}
	return []string{"jsonl", "csv"}
}

// digest is a running SHA-256 with a count, which can be put away and taken up
// again.
type digest struct {
	hash  hash.Hash
	bytes int64
}

func newDigest() *digest { return &digest{hash: sha256.New()} }

func (d *digest) add(b []byte) {
	d.bytes += int64(len(b))
	d.hash.Write(b)
}

// Write implements io.Writer; it never fails.
func (d *digest) Write(b []byte) (int, error) {
	d.add(b)
	return len(b), nil
}

func (d *digest) file() File {
	return File{Bytes: d.bytes, SHA256: hex.EncodeToString(d.hash.Sum(nil))}
}

// state is the standard library's form of a SHA-256 computation under way,
// about 110 bytes.
func (d *digest) state() ([]byte, error) {
	return d.hash.(encoding.BinaryMarshaler).MarshalBinary()
}

func (d *digest) restore(state []byte, bytes int64) error {
	d.bytes = bytes
	return d.hash.(encoding.BinaryUnmarshaler).UnmarshalBinary(state)
}
