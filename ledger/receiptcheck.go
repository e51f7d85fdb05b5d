package ledger

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/sealbook/sealbook/audit"
)

// What can be wrong with a receipt itself.
const (
	OtherLedger ProblemKind = "other_ledger" // the receipt is of another ledger
	Forged      ProblemKind = "forged"       // this installation never gave this receipt
)

// ReceiptCheck compares an old receipt with the ledger as it is now.
type ReceiptCheck struct {
	Record  Record     // what the receipt is of
	Leaf    Hash       // of the receipt's record
	Tree    Checkpoint // what the receipt was signed for
	Key     string     // the installation's verifier key that signed it; "" when none did
	Proven  bool       // the receipt's own proof leads from its record to its tree
	Current bool       // the record is still entry Record.Seq
	Extension

	Gone     *audit.Error // why the entry's content is not here any more; nil while it is
	Problems []Problem    // what is wrong, the receipt first
	Digest   string       // the same as that of verifying the entry alone
}

// Genuine reports whether this installation gave the receipt. Only of a
// genuine one does a difference say something about the ledger.
func (c *ReceiptCheck) Genuine() bool { return c.Key != "" && c.Proven }

// OK reports whether the receipt still holds.
func (c *ReceiptCheck) OK() bool { return c.Genuine() && c.Current && len(c.Problems) == 0 }

// CheckReceipt checks whether a receipt is one that this installation gave for
// the ledger, whether its record is still the entry that it was, whole, and
// whether the present tree extends the receipt's. Reads O(log n) of the ledger.
// Returns ValidationFailed when record or checkpoint cannot be read.
func (l *Log) CheckReceipt(ctx context.Context, ledger int32, r *Receipt) (c ReceiptCheck, err error) {
	if c.Record, err = ParseRecord(r.Record); err != nil {
		return c, unreadable("/receipt/record", err)
	}
	if c.Tree, err = unverifiedCheckpoint(r.Proof.Checkpoint); err != nil {
		return c, unreadable("/receipt/proof", err)
	}
	d, err := l.Descriptor(ctx, ledger)
	if err != nil {
		return c, err
	}
	c.Leaf = LeafHash(r.Record)
	c.Digest = rangeDigest(d.Genesis.Origin, c.Record.Seq, c.Record.Seq, 0, nil)
	if c.Record.Origin != d.Genesis.Origin || c.Tree.Origin != d.Genesis.Origin {
		c.problem(OtherLedger, -1, "", "the receipt is of the ledger %s, this is %s", c.Record.Origin, d.Genesis.Origin)
		return c, nil
	}
	for _, vkey := range l.keysOf(d.Genesis) {
		if _, err := OpenCheckpoint(r.Proof.Checkpoint, vkey); err == nil {
			c.Key = vkey
			break
		}
	}
	c.Proven = c.Record.Seq == r.Proof.Index && c.Record.Seq < c.Tree.Size &&
		tlog.CheckRecord(r.Proof.Hashes, c.Tree.Size, c.Tree.Root, c.Record.Seq, c.Leaf) == nil
	switch {
	case c.Key == "":
		c.problem(Forged, c.Record.Seq, "", "no key of this installation has signed the receipt's checkpoint: it was changed, or somebody else signed it")
	case !c.Proven:
		c.problem(Forged, c.Record.Seq, "", "the receipt's record is not entry %d of the tree that was signed: record or proof was changed", c.Record.Seq)
	}
	return c, c.compare(ctx, l, ledger)
}

// compare looks at the entry and at the tree. What a receipt says that is not
// genuine cannot be held against the ledger.
func (c *ReceiptCheck) compare(ctx context.Context, l *Log, ledger int32) error {
	seq, id := c.Record.Seq, audit.EntryID(c.Record.Seq, c.Record.RecordedAt)
	row, err := l.Row(ctx, ledger, seq)
	var gone *audit.Error
	if errors.As(err, &gone) && (gone.Code == audit.Archived || gone.Code == audit.Destroyed) {
		// Record and leaf stay for ever, and they are what a receipt is about.
		c.Gone, err = gone, nil
	}
	switch {
	case audit.CodeOf(err) == audit.NotFound:
		if c.Genuine() {
			c.problem(MissingEntry, seq, id, "entry %d is missing", seq)
		}
	case err != nil:
		return err
	default:
		_, _, damage := row.checkRecord()
		if damage == nil && c.Gone == nil {
			_, damage = row.Check()
		}
		c.Current = row.Leaf == c.Leaf && damage == nil
		switch {
		case damage != nil:
			c.problem(HashMismatch, seq, id, "%s", damage.(*audit.Error).Message)
		case !c.Current && c.Genuine():
			c.problem(HashMismatch, seq, id, "entry %d is not the one that the receipt was given for: its leaf was %s and is %s", seq, FormatHash(c.Leaf), FormatHash(row.Leaf))
		}
		c.Digest = rangeDigest(c.Record.Origin, seq, seq+1, 1, &row.Leaf)
	}
	if c.Tree.Size < 1 { // it was signed by nobody here
		return nil
	}
	if c.Extension, err = l.Extension(ctx, ledger, c.Tree); err != nil {
		return err
	}
	if c.Fault != nil && c.Genuine() {
		c.Problems = append(c.Problems, *c.Fault)
	}
	return nil
}

func (c *ReceiptCheck) problem(kind ProblemKind, seq int64, id, format string, args ...any) {
	c.Problems = append(c.Problems, Problem{Kind: kind, Seq: seq, EntryID: id, Message: fmt.Sprintf(format, args...)})
}

// keysOf are the verifier keys whose signatures this installation stands by:
// the one that signs now, and the one that the ledger began with.
func (l *Log) keysOf(g Genesis) []string {
	keys := []string{l.Key(g.Origin)}
	if g.Key != keys[0] {
		keys = append(keys, g.Key)
	}
	return keys
}

// unverifiedCheckpoint reads a whole signed note, whoever signed it.
func unverifiedCheckpoint(signed []byte) (Checkpoint, error) {
	_, err := note.Open(signed, note.VerifierList())
	var n *note.UnverifiedNoteError
	if !errors.As(err, &n) {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w", err)
	}
	return ParseCheckpoint(n.Note.Text)
}

func unreadable(field string, err error) error {
	return &audit.Error{Code: audit.ValidationFailed, Message: "the receipt cannot be read",
		Fields: []audit.FieldError{{Field: field, Code: "malformed", Message: err.Error()}}}
}
