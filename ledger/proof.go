package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
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
	head, checkpoint, ok := strings.Cut(string(data), "\n\n")
	lines := strings.Split(head, "\n")
	if !ok || lines[0] != ProofVersion {
		return p, fmt.Errorf("a proof starts with %s and holds a checkpoint after an empty line", ProofVersion)
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
		return p, fmt.Errorf("a proof has at most %d hashes", maxProofHashes)
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
	if p.Index >= c.Size {
		return c, fmt.Errorf("the proof is of entry %d, the checkpoint covers %d entries", p.Index, c.Size)
	}
	if err := tlog.CheckRecord(p.Hashes, c.Size, c.Root, p.Index, leaf); err != nil {
		return c, fmt.Errorf("inclusion of entry %d: %w", p.Index, err)
	}
	return c, nil
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

// UnmarshalJSON reads what MarshalJSON writes.
func (r *Receipt) UnmarshalJSON(data []byte) error {
	var j jsonReceipt
	if err := json.Unmarshal(data, &j); err != nil {
		return err
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
