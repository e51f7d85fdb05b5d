package evidence

import (
	"bytes"

	"github.com/sealbook/sealbook/ledger"
)

// readControls reads controls.json, which has one form. What it says of checks is
// the assessment's word; that its entries and its tree are the ledger's is told by
// the rows.
func (v *verifier) readControls() {
	if v.frame == nil || v.version == firstVersion {
		return
	}
	var c Controls
	if !v.decode(nameControls, &c) {
		return
	}
	if err := c.check(v.frame); err != nil {
		v.find(Finding{Verdict: Integrity, File: nameControls}, "the results do not hold together: %v", err)
		return
	}
	if !bytes.Equal(encodeDocument(&c), v.docs[nameControls]) {
		v.find(Finding{Verdict: Integrity, File: nameControls}, "it is not in its one form")
		return
	}
	v.controls = &c
}

// followAssessed compares the tree with the one that was assessed.
func (c *rowCheck) followAssessed() {
	c.excepted = c.controls.named()
	if c.controls == nil || c.controls.Assessment == nil {
		return
	}
	a := c.controls.Assessment
	proof := c.proof()
	proof.End, proof.Size = a.End, a.End
	root, err := ledger.NewRangeRoot(proof)
	if a.End < max(c.First, 1) || err != nil {
		c.report.Notes = append(c.report.Notes, "The tree that was assessed lies before the range and could not be compared.")
		return
	}
	c.known = append(c.known, &knownRoot{ledger.Checkpoint{Origin: c.origin(), Size: a.End, Root: a.Root}, root, "the assessment", nameControls})
}

// except compares an entry with what an exception calls it.
func (c *rowCheck) except(rec *ledger.Record) {
	if id, ok := c.excepted[rec.Seq]; ok && id != entryID(rec) {
		seq := rec.Seq
		c.find(Finding{Verdict: Integrity, File: nameControls, Seq: &seq, EntryID: entryID(rec)}, "an exception names the entry %.80q", id)
	}
}
