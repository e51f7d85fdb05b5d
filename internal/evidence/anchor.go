package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/sealbook/sealbook/ledger"
)

// Anchor leads from what places outside hold to the package's ledger: they
// have a checkpoint of the registry, and an entry of the registry has a
// checkpoint of the ledger.
type Anchor struct {
	Entry  string        `json:"entry"`  // the registry's, as a line of entries.jsonl
	Hashes []ledger.Hash `json:"hashes"` // prove that the entry is in the registry's tree
	Note   []byte        `json:"note"`   // the registry's checkpoint, signed, as it was published
	Places []AnchorPlace `json:"places"`
}

// AnchorPlace is a place that has the registry's checkpoint, with what it gave
// for it.
type AnchorPlace struct {
	Place       string `json:"place"`                 // in words
	AnchoredAt  string `json:"anchored_at"`           // as the operator noted it
	Cosignature string `json:"cosignature,omitempty"` // a witness's signature lines (C2SP tlog-cosignature)
	Token       []byte `json:"token,omitempty"`       // an authority's time-stamp token in DER (RFC 3161)
	Object      string `json:"object,omitempty"`      // URL of the copy in an append-only bucket
}

// Cosigned is the note with the witnesses' cosignatures.
func (a *Anchor) Cosigned() []byte {
	out := bytes.Clone(a.Note)
	for _, p := range a.Places {
		out = append(out, p.Cosignature...)
	}
	return out
}

// maxPlaces bounds the places that a package can name.
const maxPlaces = 256

// anchored is an anchor with its texts parsed.
type anchored struct {
	*Anchor
	row      ledger.Row        // the registry's entry
	rec      ledger.Record     // its record
	registry ledger.Checkpoint // the registry's
	covers   ledger.Checkpoint // the package's ledger's, as the entry says
	unread   error             // why it says none
	proven   bool              // check found nothing wrong
}

// newAnchored parses an anchor and leaves hashes and signatures to check.
func newAnchored(a *Anchor) (*anchored, error) {
	out := &anchored{Anchor: a, row: *newRow()}
	line, ok := strings.CutSuffix(a.Entry, "\n")
	if !ok || strings.Contains(line, "\n") {
		return nil, fmt.Errorf("%s does not have one line", nameAnchorEntry)
	}
	err := parseEntryLine([]byte(line), &out.row)
	if err == nil {
		out.rec, err = ledger.ParseRecord(out.row.Record)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", nameAnchorEntry, err)
	}
	out.row.Seq, out.row.Leaf = out.rec.Seq, ledger.LeafHash(out.row.Record)
	out.covers, out.unread = out.row.RegisteredCheckpoint()
	body, _, _ := strings.Cut(string(a.Note), "\n\n")
	if out.registry, err = ledger.ParseCheckpoint(body + "\n"); err != nil {
		return nil, fmt.Errorf("%s: %w", nameRegistryNote, err)
	}
	if n := len(a.Places); n == 0 || n > maxPlaces {
		return nil, fmt.Errorf("%s names %d places, not 1 to %d", nameAnchors, n, maxPlaces)
	}
	for _, p := range a.Places {
		if p.Place != singleLine(p.Place) || p.Cosignature != "" && !strings.HasSuffix(p.Cosignature, "\n") {
			return nil, fmt.Errorf("%s: the place %.100q is not written as such files do", nameAnchors, p.Place)
		}
	}
	return out, nil
}

// check reports, with the file that is wrong, whether the anchor leads to a
// checkpoint of the package's ledger. Whether the ledger's tree is the one of
// that checkpoint is found when its leaves are read.
func (a *anchored) check(f *frame) error {
	covers := a.covers
	_, err := checkRow(&a.row)
	switch {
	case err != nil:
		return fault(nameAnchorEntry, "%s", message(err))
	case a.unread != nil:
		return fault(nameAnchorEntry, "%s", message(a.unread))
	case a.rec.Origin != a.registry.Origin:
		return fault(nameAnchorEntry, "the entry is of %s, the checkpoint of %s", a.rec.Origin, a.registry.Origin)
	case covers.Origin != f.origin() || !strings.HasPrefix(covers.Origin, a.registry.Origin+"/"):
		return fault(nameAnchorEntry, "the entry is about the ledger %.200s", covers.Origin)
	case covers.Size < max(f.First, 1) || covers.Size > f.End:
		return fault(nameAnchorEntry, "the entry is about the first %d entries, where the range cannot tell their root", covers.Size)
	}
	if err := a.signed(f); err != nil {
		return fault(nameRegistryNote, "%s", message(err))
	}
	proof := a.proof()
	if err := proof.CheckUnder(a.registry, a.row.Leaf); err != nil {
		return fault(nameAnchorProof, "%s", message(err))
	}
	a.proven = true
	return nil
}

// signed reports whether the installation's key signed the registry's
// checkpoint: the package's key, or one before it.
func (a *anchored) signed(f *frame) error {
	var wrong []error
	for _, k := range f.keys() {
		vkey, err := ledger.KeyUnder(k, a.registry.Origin)
		if err == nil {
			_, err = ledger.OpenCheckpoint(a.Note, vkey)
		}
		if err == nil {
			return nil
		}
		wrong = append(wrong, err)
	}
	return wrong[0]
}

// proof is the tlog-proof, whose checkpoint has the cosignatures.
func (a *anchored) proof() *ledger.Proof {
	return &ledger.Proof{Index: a.rec.Seq, Hashes: a.Hashes, Checkpoint: a.Cosigned()}
}

// anchorsDocument is anchors.json.
type anchorsDocument struct {
	Registry string        `json:"registry"`
	Size     int64         `json:"size"` // of the registry's tree
	Places   []AnchorPlace `json:"places"`
}

// documents returns the files of data/ledger/anchors. A token is there for
// itself, too, for other programs than this one.
func (a *anchored) documents() []document {
	docs := []document{
		{nameAnchors, encodeDocument(anchorsDocument{a.registry.Origin, a.registry.Size, a.Places})},
		{nameAnchorEntry, []byte(a.Entry)},
		{nameAnchorProof, a.proof().Encode()},
		{nameRegistryNote, a.Note},
	}
	for i, p := range a.Places {
		if p.Token != nil {
			docs = append(docs, document{tokenName(i), p.Token})
		}
	}
	return docs
}

func tokenName(place int) string { return fmt.Sprintf("data/ledger/anchors/token-%d.tsr", place+1) }

// isToken tells the names that tokenName gives.
func isToken(name string) bool {
	number := strings.TrimSuffix(strings.TrimPrefix(name, "data/ledger/anchors/token-"), ".tsr")
	n, err := strconv.Atoi(number)
	return err == nil && n >= 1 && n <= maxPlaces && name == tokenName(n-1)
}

// Through is the last entry that the anchored checkpoint covers.
func (a *anchored) Through() int64 { return a.covers.Size - 1 }

// places names them for people.
func (a *anchored) places() string {
	names := make([]string, len(a.Places))
	for i, p := range a.Places {
		names[i] = p.Place
	}
	return strings.Join(names, ", ")
}

// NewAnchor makes a package's anchor of the registry's word on its ledger.
func NewAnchor(r ledger.Registered, places []AnchorPlace) (*Anchor, error) {
	line, err := appendEntryLine(nil, &r.Entry)
	if err != nil {
		return nil, err
	}
	return &Anchor{string(line), r.Proof.Hashes, r.Proof.Checkpoint, places}, nil
}

// readAnchor puts the anchor together again from the package's files; nil when
// it has none.
func (v *verifier) readAnchor() (*Anchor, error) {
	content, ok := v.docs[nameAnchors]
	if !ok {
		return nil, nil
	}
	var d anchorsDocument
	if err := json.Unmarshal(content, &d); err != nil {
		return nil, fmt.Errorf("it cannot be decoded: %.200w", err)
	}
	proof, err := ledger.ParseProof(v.docs[nameAnchorProof])
	if err != nil {
		return nil, errors.New("the proof beside it cannot be read: " + message(err))
	}
	return &Anchor{string(v.docs[nameAnchorEntry]), proof.Hashes, v.docs[nameRegistryNote], d.Places}, nil
}
