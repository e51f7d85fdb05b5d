package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// ProofVersion is the first line of an inclusion proof (C2SP tlog-proof).
const ProofVersion = "c2sp.org/tlog-proof@v1"

// maxProofHashes is the height of the largest tree that an int64 can index.
const maxProofHashes = 63

// Proof shows that a leaf is in a tree whose checkpoint is signed. It can be
// checked offline with the ledger's public key alone.
type Proof struct {
	Index      int64
	Hashes     []Hash
	Checkpoint []byte // a signed note
}

// Encode returns the proof's text:
//
//	c2sp.org/tlog-proof@v1
//	index <seq>
//	<base64 hash>…
//	<empty line>
//	<signed checkpoint>
func (p *Proof) Encode() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\nindex %d\n", ProofVersion, p.Index)
	for _, h := range p.Hashes {
		b.WriteString(encodeHash(h) + "\n")
	}
	b.WriteByte('\n')
	b.Write(p.Checkpoint)
	return b.Bytes()
}

// ParseProof reads a proof. An "extra" line, which nothing authenticates, is
// skipped.
func ParseProof(data []byte) (p Proof, err error) {
	if err := checkProofSize(data); err != nil {
		return p, err
	}
	head, checkpoint, ok := strings.Cut(string(data), "\n\n")
	lines := strings.Split(head, "\n")
	if lines[0] != ProofVersion {
		return p, fmt.Errorf("proof version %.64q is not one that this program knows (%s)", lines[0], ProofVersion)
	}
	if !ok {
		return p, fmt.Errorf("a proof holds a checkpoint after an empty line")
	}
	lines = lines[1:]
	if len(lines) > 0 && strings.HasPrefix(lines[0], "extra ") {
		lines = lines[1:]
	}
	if len(lines) == 0 || !strings.HasPrefix(lines[0], "index ") {
		return p, fmt.Errorf("a proof has an index line")
	}
	index := strings.TrimPrefix(lines[0], "index ")
	if p.Index, err = strconv.ParseInt(index, 10, 64); err != nil || p.Index < 0 || strconv.FormatInt(p.Index, 10) != index {
		return p, fmt.Errorf("proof index %.64q", index)
	}
	if len(lines)-1 > maxProofHashes {
		return p, fmt.Errorf("oversized proof: it has more than %d hashes", maxProofHashes)
	}
	for _, l := range lines[1:] {
		h, err := decodeHash(l)
		if err != nil {
			return p, fmt.Errorf("proof: %w", err)
		}
		p.Hashes = append(p.Hashes, h)
	}
	p.Checkpoint = []byte(checkpoint)
	return p, nil
}

// Check verifies that leaf stands at the proof's index in the tree that the
// checkpoint, signed by vkey, describes.
func (p *Proof) Check(leaf Hash, vkey string) (Checkpoint, error) {
	c, err := OpenCheckpoint(p.Checkpoint, vkey)
	if err != nil {
		return c, err
	}
	return c, p.CheckUnder(c, leaf)
}

// CheckUnder verifies that leaf stands at the proof's index in the tree that c
// describes, whoever signed c.
func (p *Proof) CheckUnder(c Checkpoint, leaf Hash) error {
	if p.Index >= c.Size {
		return fmt.Errorf("the proof is of entry %d, the checkpoint covers %d entries", p.Index, c.Size)
	}
	// The path from the entry meets the path from the tree's last leaf at some
	// level. Each level below adds a hash, each above only if something lies on
	// the left (RFC 9162 section 2.1.3).
	below := bits.Len64(uint64(p.Index ^ (c.Size - 1)))
	if want := below + bits.OnesCount64(uint64(p.Index)>>below); len(p.Hashes) != want {
		return fmt.Errorf("inclusion of entry %d: the proof has %d hashes, not %d", p.Index, len(p.Hashes), want)
	}
	if err := tlog.CheckRecord(p.Hashes, c.Size, c.Root, p.Index, leaf); err != nil {
		return fmt.Errorf("inclusion of entry %d: the proof leads to another root", p.Index)
	}
	return nil
}

// Receipt is what the ledger gives for an entry: the record and the proof that
// it is in a signed tree. Whoever keeps it can show for ever that the entry
// was acknowledged.
type Receipt struct {
	Record []byte
	Proof  Proof
}

type jsonReceipt struct {
	Version string `json:"receipt"`
	Record  string `json:"record"`
	Proof   string `json:"proof"`
}

// ReceiptVersion stands in a receipt's JSON form.
const ReceiptVersion = "sealbook/v1"

// MarshalJSON writes {"receipt","record","proof"}, the texts verbatim.
func (r Receipt) MarshalJSON() ([]byte, error) {
	return json.Marshal(jsonReceipt{ReceiptVersion, string(r.Record), string(r.Proof.Encode())})
}

// UnmarshalJSON reads what MarshalJSON writes. Members are found by their exact
// names, as every other reader finds them, and others are ignored.
func (r *Receipt) UnmarshalJSON(data []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return err
	}
	var j jsonReceipt
	for name, into := range map[string]*string{"receipt": &j.Version, "record": &j.Record, "proof": &j.Proof} {
		if text, ok := members[name]; ok {
			if err := json.Unmarshal(text, into); err != nil {
				return fmt.Errorf("receipt, member %s: %w", name, err)
			}
		}
	}
	if j.Version != ReceiptVersion {
		return fmt.Errorf("receipt version %.64q is not one that this program knows (%s)", j.Version, ReceiptVersion)
	}
	p, err := ParseProof([]byte(j.Proof))
	if err != nil {
		return err
	}
	r.Record, r.Proof = []byte(j.Record), p
	return nil
}

// Check verifies the receipt against the ledger's verifier key.
func (r *Receipt) Check(vkey string) (Record, Checkpoint, error) {
	rec, err := ParseRecord(r.Record)
	if err != nil {
		return rec, Checkpoint{}, err
	}
	if rec.Seq != r.Proof.Index {
		return rec, Checkpoint{}, fmt.Errorf("the record is entry %d, the proof of entry %d", rec.Seq, r.Proof.Index)
	}
	c, err := r.Proof.Check(LeafHash(r.Record), vkey)
	if err == nil && c.Origin != rec.Origin {
		err = fmt.Errorf("the record is of %s, the checkpoint of %s", rec.Origin, c.Origin)
	}
	return rec, c, err
}
