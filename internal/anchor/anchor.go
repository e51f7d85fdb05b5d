// Package anchor publishes registry checkpoints where the operator cannot take
// them back: at a time-stamp authority, in an append-only bucket, with
// witnesses. It guards that nothing is kept as evidence that would not convince
// somebody else: each answer is verified before it is returned, by the same
// pure functions that an auditor's program calls offline. The activities
// publish through it; the worker command makes the places from its settings.
package anchor

import (
	"context"

	"github.com/sealbook/sealbook/ledger"
)

// Kind of place, and so of evidence.
type Kind string

// The kinds. What each proves is in docs/anchors.md.
const (
	KindTimestamp Kind = "timestamp" // evidence is a time-stamp token in DER (RFC 3161)
	KindBucket    Kind = "bucket"    // evidence is the object's URL
	KindWitness   Kind = "witness"   // evidence is signature lines (C2SP tlog-cosignature)
)

// Place is where checkpoints are published. Its name is shown to people and
// identifies it for ever: it holds no credential.
type Place struct {
	Kind Kind   `json:"kind"`
	Name string `json:"name"`
}

// String says the place in words.
func (p Place) String() string {
	switch p.Kind {
	case KindTimestamp:
		return "time-stamp authority " + p.Name
	case KindBucket:
		return "bucket " + p.Name
	}
	return string(p.Kind) + " " + p.Name
}

// Statement is a registry checkpoint to publish.
type Statement struct {
	Checkpoint ledger.Checkpoint
	Note       []byte // the checkpoint, signed
	Last       int64  // size of the last checkpoint that this place took; 0 is none

	// Consistency proves that the tree of second entries begins with that of
	// first: 0 < first <= second.
	Consistency func(ctx context.Context, first, second int64) ([]ledger.Hash, error)
}
