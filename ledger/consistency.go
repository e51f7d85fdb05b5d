package ledger

import (
	"encoding/json"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// ConsistencyVersion stands in a consistency proof's JSON form.
const ConsistencyVersion = "sealbook/v1"

// ConsistencyProof shows that a ledger only grew from one signed checkpoint to
// another: the first tree is the start of the second (RFC 6962 section 2.1.2).
// It can be checked offline with the ledger's public key alone.
type ConsistencyProof struct {
	First, Second []byte // signed notes
	Hashes        []Hash
}

type jsonConsistency struct {
	Version string   `json:"consistency"`
	First   string   `json:"first"`
	Second  string   `json:"second"`
	Hashes  []string `json:"hashes"`
}

// MarshalJSON writes {"consistency","first","second","hashes"}, the notes
// verbatim and the hashes in base64.
func (p ConsistencyProof) MarshalJSON() ([]byte, error) {
	return json.Marshal(jsonConsistency{ConsistencyVersion, string(p.First), string(p.Second), encodeHashes(p.Hashes)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (p *ConsistencyProof) UnmarshalJSON(data []byte) error {
	var j jsonConsistency
	err := readMembers(data, map[string]any{"consistency": &j.Version, "first": &j.First, "second": &j.Second, "hashes": &j.Hashes})
	if err != nil {
		return fmt.Errorf("consistency proof: %w", err)
	}
	if j.Version != ConsistencyVersion {
		return fmt.Errorf("consistency proof version %.64q is not one that this program knows (%s)", j.Version, ConsistencyVersion)
	}
	hashes, err := decodeHashes(j.Hashes, maxProofHashes+1)
	if err != nil {
		return fmt.Errorf("consistency proof: %w", err)
	}
	p.First, p.Second, p.Hashes = []byte(j.First), []byte(j.Second), hashes
	return nil
}

// Check verifies that both checkpoints are signed by vkey and that the second
// tree goes on from the first, and returns them, the first first. A fork is
// told from a proof that does not fit when the proof itself shows it: two trees
// of one size, or a second tree that holds another beginning than the first.
func (p *ConsistencyProof) Check(vkey string) (first, second Checkpoint, err error) {
	if first, err = OpenCheckpoint(p.First, vkey); err != nil {
		return first, second, fmt.Errorf("first checkpoint: %w", err)
	}
	if second, err = OpenCheckpoint(p.Second, vkey); err != nil {
		return first, second, fmt.Errorf("second checkpoint: %w", err)
	}
	switch {
	case first.Size == 0 || first.Size > second.Size:
		return first, second, fmt.Errorf("no proof leads from a tree of %d entries to one of %d", first.Size, second.Size)
	case first.Size == second.Size && first.Root != second.Root:
		return first, second, fmt.Errorf("forked checkpoint: two trees of %d entries are signed", first.Size)
	case tlog.CheckTree(p.Hashes, second.Size, second.Root, first.Size, first.Root) == nil:
		return first, second, nil
	}
	if older, newer, ok := p.roots(first, second); ok && newer == second.Root && older != first.Root {
		return first, second, fmt.Errorf("forked checkpoint: the tree of %d entries does not go on from the one of %d that is signed", second.Size, first.Size)
	}
	return first, second, fmt.Errorf("the proof is of another tree: it does not lead from the root of %d entries to that of %d", first.Size, second.Size)
}

// roots computes both roots from the proof (RFC 9162 section 2.1.4.2). If it
// leads to the newer root, every hash of it is of the newer tree, so what it
// says of the older root holds. The root of a tree whose size is a power of two
// is not in its proof, but taken from the checkpoint.
func (p *ConsistencyProof) roots(first, second Checkpoint) (older, newer Hash, ok bool) {
	path := p.Hashes
	if first.Size&(first.Size-1) == 0 {
		path = append([]Hash{first.Root}, path...)
	}
	if len(path) == 0 {
		return older, newer, false
	}
	f, s := first.Size-1, second.Size-1
	for f&1 == 1 {
		f, s = f>>1, s>>1
	}
	older, newer = path[0], path[0]
	for _, h := range path[1:] {
		if s == 0 {
			return older, newer, false
		}
		if f&1 == 1 || f == s {
			older, newer = tlog.NodeHash(h, older), tlog.NodeHash(h, newer)
			for f&1 == 0 && f != 0 {
				f, s = f>>1, s>>1
			}
		} else {
			newer = tlog.NodeHash(newer, h)
		}
		f, s = f>>1, s>>1
	}
	return older, newer, s == 0
}
