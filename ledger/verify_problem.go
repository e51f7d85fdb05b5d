package ledger

import (
	"fmt"

	"github.com/sealbook/sealbook/audit"
)

// ProblemKind classifies what verification found.
type ProblemKind string

// The kinds.
const (
	HashMismatch ProblemKind = "hash_mismatch" // the entry's bytes do not hash to what is stored
	BrokenChain  ProblemKind = "broken_chain"  // the entry is not the one that the next entry was chained to
	MissingEntry ProblemKind = "missing"       // a number without an entry
	ExtraEntry   ProblemKind = "extra"         // a row that was never appended
	WrongColumn  ProblemKind = "wrong_column"  // a searchable column or an external id says something else than the hashed content
	WrongTree    ProblemKind = "wrong_tree"    // a stored node, root, checkpoint or head does not follow from the entries
	WrongRollup  ProblemKind = "wrong_rollup"  // a count is not the one that the entries give
	Forked       ProblemKind = "forked"        // the tree is not the one that a trusted checkpoint describes
	ArchiveFile  ProblemKind = "archive_file"  // a segment file is lost, or is not what was registered
	LostTail     ProblemKind = "lost_tail"     // there are fewer entries than a trusted checkpoint covers
)

// Problem is one thing that is wrong, by entry where it can be told, otherwise
// by the smallest range of entries that it can lie in.
type Problem struct {
	Kind    ProblemKind `json:"kind"`
	Seq     int64       `json:"seq"` // -1 when it concerns no single entry
	EntryID string      `json:"id,omitempty"`
	Message string      `json:"reason"`
	Range   *SeqRange   `json:"range,omitempty"`
}

// SeqRange is the entries from First to Last, both included.
type SeqRange struct {
	First int64 `json:"first_seq"`
	Last  int64 `json:"last_seq"`
}

// MaxProblems bounds the problems that a verification lists; it counts all.
const MaxProblems = 1000

func (v *verifier) add(p Problem) {
	v.result.Counts[p.Kind]++
	if len(v.result.Problems) < MaxProblems {
		v.result.Problems = append(v.result.Problems, p)
		if p.Seq >= 0 {
			v.named[p.Seq] = true
		}
	}
}

// problem is about the entry seq.
func (v *verifier) problem(kind ProblemKind, seq int64, id, format string, args ...any) {
	v.add(Problem{Kind: kind, Seq: seq, EntryID: id, Message: fmt.Sprintf(format, args...)})
}

// general is about no single entry.
func (v *verifier) general(kind ProblemKind, format string, args ...any) {
	v.add(Problem{Kind: kind, Seq: -1, Message: fmt.Sprintf(format, args...)})
}

// within is about some of the entries [first, end), which start the message.
func (v *verifier) within(kind ProblemKind, first, end int64, format string, args ...any) {
	v.add(Problem{
		Kind: kind, Seq: -1, Range: &SeqRange{first, end - 1},
		Message: fmt.Sprintf("entries %d to %d: ", first, end-1) + fmt.Sprintf(format, args...),
	})
}

func entryID(rec *Record) string {
	if rec.RecordedAt.IsZero() {
		return ""
	}
	return audit.EntryID(rec.Seq, rec.RecordedAt)
}
