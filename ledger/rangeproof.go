package ledger

import (
	"encoding/json"
	"fmt"
	"iter"
	"math/bits"
)

// RangeVersion stands in a range proof's JSON form.
const RangeVersion = "sealbook/v1"

// SignedRange ties the leaves [First, End) to a signed checkpoint. Whoever
// holds the records of the range can check offline, with the ledger's public
// key alone, that they are these and no others, in this order and without a
// gap. It takes less than 4 KiB of a tree of 2^30 leaves, however long the
// range is.
//
// Its hashes are those that the inclusion proofs of the range's first and last
// leaf (RFC 6962 section 2.1.1) have on their outer sides.
type SignedRange struct {
	First      int64  // of the range
	End        int64  // one past the range's last; more than First
	Left       []Hash // roots of the complete subtrees that cover [0, First), from left to right
	Right      []Hash // of the subtrees that cover [End, size); see rightSide
	Checkpoint []byte // a signed note
}

// rightSide returns the complete subtrees by which a tree of end leaves grows
// towards size, each as large as fits there, until the next is too large. From
// rest on, what is missing has one hash: that of a tree of its own.
func rightSide(end, size int64) (cover []subtree, rest int64) {
	for rest = end; 0 < rest && rest < size; {
		level := bits.TrailingZeros64(uint64(rest))
		if size-rest < 1<<level {
			break
		}
		cover = append(cover, subtree{level, rest >> level})
		rest += 1 << level
	}
	return cover, rest
}

// checkRight compares the number of hashes with what the right side takes.
func checkRight(right []Hash, end, size int64) error {
	cover, rest := rightSide(end, size)
	want := len(cover)
	if rest < size {
		want++
	}
	if len(right) != want {
		return fmt.Errorf("the range proof has %d hashes on its right, not %d as in a tree of %d", len(right), want, size)
	}
	return nil
}

// join adds the right side to the stack of a tree of s.size leaves, which must
// not be pushed to afterwards.
func (s *nodeStack) join(right []Hash, size int64) error {
	if err := checkRight(right, s.size, size); err != nil {
		return err
	}
	cover, rest := rightSide(s.size, size)
	s.pushAll(cover, right)
	if rest < size {
		s.nodes = append(s.nodes, node{-1, right[len(cover)]}) // merges with nothing
	}
	return nil
}

// root returns the root that the proof leads to with inside, the roots of the
// complete subtrees that cover the range.
func (p *SignedRange) root(inside []Hash, size int64) (Hash, error) {
	var s nodeStack
	s.pushAll(subtrees(0, p.First), p.Left)
	s.pushAll(subtrees(p.First, p.End), inside)
	if err := s.join(p.Right, size); err != nil {
		return Hash{}, err
	}
	return s.root(), nil
}

type jsonRange struct {
	Version    string   `json:"range"`
	First      int64    `json:"first"`
	End        int64    `json:"end"`
	Left       []string `json:"left"`
	Right      []string `json:"right"`
	Checkpoint string   `json:"checkpoint"`
}

// MarshalJSON writes {"range","first","end","left","right","checkpoint"}, the
// note verbatim and the hashes in base64. The tree's size is the checkpoint's.
func (p SignedRange) MarshalJSON() ([]byte, error) {
	return json.Marshal(jsonRange{
		RangeVersion, p.First, p.End, encodeHashes(p.Left), encodeHashes(p.Right), string(p.Checkpoint),
	})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (p *SignedRange) UnmarshalJSON(data []byte) error {
	var j jsonRange
	err := readMembers(data, map[string]any{
		"range": &j.Version, "first": &j.First, "end": &j.End, "left": &j.Left, "right": &j.Right, "checkpoint": &j.Checkpoint,
	})
	if err != nil {
		return fmt.Errorf("range proof: %w", err)
	}
	if j.Version != RangeVersion {
		return fmt.Errorf("range proof version %.64q is not one that this program knows (%s)", j.Version, RangeVersion)
	}
	if j.First < 0 || j.First >= j.End {
		return fmt.Errorf("range proof: [%d,%d) is not a range", j.First, j.End)
	}
	left, err := decodeHashes(j.Left, maxProofHashes)
	if err != nil {
		return fmt.Errorf("left side of the range proof: %w", err)
	}
	right, err := decodeHashes(j.Right, maxProofHashes)
	if err != nil {
		return fmt.Errorf("right side of the range proof: %w", err)
	}
	*p = SignedRange{j.First, j.End, left, right, []byte(j.Checkpoint)}
	return nil
}

// Check verifies that leaves, which are those of the range in order, lead to
// the root of the checkpoint, signed by vkey.
func (p *SignedRange) Check(vkey string, leaves iter.Seq[Hash]) (Checkpoint, error) {
	c, err := OpenCheckpoint(p.Checkpoint, vkey)
	if err != nil {
		return c, err
	}
	if p.First >= p.End {
		return c, fmt.Errorf("[%d,%d) is not a range", p.First, p.End)
	}
	r, err := NewRangeRoot(RangeProof{p.First, p.End, c.Size, p.Left, p.Right})
	if err != nil {
		return c, err
	}
	for leaf := range leaves {
		if err := r.Add(leaf); err != nil {
			return c, err
		}
	}
	root, err := r.Root()
	if err != nil {
		return c, err
	}
	if root != c.Root {
		return c, fmt.Errorf("the entries [%d,%d) or the proof are of another tree: they do not lead to the root of %d entries", p.First, p.End, c.Size)
	}
	return c, nil
}
