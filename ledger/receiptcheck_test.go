package ledger_test

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

func TestOldReceiptsHold(t *testing.T) {
	t.Parallel()
	l, id, _ := ledgertest.New(t)
	var receipts []ledger.Receipt
	for _, n := range []int{1, 2, 255, 1, 300, 40} { // trees of every shape
		receipts = append(receipts, ledgertest.Append(t, l, id, len(receipts), n)...)
	}
	head, _, err := l.Head(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, seq := range []int{0, 1, 2, 100, 257, 258, 259, 511, 512, 558, 559, 598} {
		c, err := l.CheckReceipt(t.Context(), id, &receipts[seq])
		if err != nil {
			t.Fatal(err)
		}
		if !c.OK() || !c.Genuine() || !c.Current || !c.Holds() || c.Present != head {
			t.Errorf("entry %d: %+v", seq, c)
		}
		if err := tlog.CheckTree(c.Proof, head.Size, head.Root, c.Tree.Size, c.Tree.Root); err != nil {
			t.Errorf("entry %d: %v", seq, err)
		}
		v, err := l.Verify(t.Context(), id, int64(seq), int64(seq)+1, nil)
		if err != nil || v.Digest != c.Digest {
			t.Errorf("entry %d: digest %s, verifying the entry gives %s: %v", seq, c.Digest, v.Digest, err)
		}
		if s := c.Summary(audit.SystemClock()); !s.Verified || s.Checked != 1 || !s.ChainValid || s.Severity() != audit.SeverityLow {
			t.Errorf("entry %d: %+v", seq, s)
		}
	}
	ledgertest.Check(t, l, id, 599)
}

// What is wrong with a receipt says nothing against the ledger.
func TestForgedReceipts(t *testing.T) {
	t.Parallel()
	l, id, _ := ledgertest.New(t)
	receipts := ledgertest.Append(t, l, id, 0, 9)
	ledgertest.Append(t, l, id, 9, 5)
	other, err := l.Create(t.Context(), "org_other")
	if err != nil {
		t.Fatal(err)
	}
	foreign := ledgertest.Append(t, l, other.ID, 0, 3)[1]
	stranger, err := ledger.GenerateSigningKey()
	if err != nil {
		t.Fatal(err)
	}
	good := receipts[4]
	checkpoint, err := ledger.OpenCheckpoint(good.Proof.Checkpoint, l.Key(ledgertest.Origin+"/org_test"))
	if err != nil {
		t.Fatal(err)
	}
	byStranger, err := stranger.Sign(checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	larger := checkpoint
	larger.Size++
	unheardOf, err := stranger.Sign(larger)
	if err != nil {
		t.Fatal(err)
	}
	change := func(f func(*ledger.Receipt)) ledger.Receipt {
		r := ledger.Receipt{Record: bytes.Clone(good.Record), Proof: good.Proof}
		f(&r)
		return r
	}
	for name, c := range map[string]struct {
		receipt ledger.Receipt
		kind    ledger.ProblemKind
		current bool
		extends bool
	}{
		"of another ledger": {foreign, ledger.OtherLedger, false, false},
		"record changed": {change(func(r *ledger.Receipt) {
			r.Record = bytes.Replace(r.Record, []byte("config.changed"), []byte("config.chanted"), 1)
		}), ledger.Forged, false, true},
		"another entry's record":  {change(func(r *ledger.Receipt) { r.Record = receipts[5].Record }), ledger.Forged, true, true},
		"another entry's proof":   {change(func(r *ledger.Receipt) { r.Proof = receipts[5].Proof }), ledger.Forged, true, true},
		"proof too short":         {change(func(r *ledger.Receipt) { r.Proof.Hashes = r.Proof.Hashes[1:] }), ledger.Forged, true, true},
		"signed by somebody else": {change(func(r *ledger.Receipt) { r.Proof.Checkpoint = byStranger }), ledger.Forged, true, true},
		"a tree that never was":   {change(func(r *ledger.Receipt) { r.Proof.Checkpoint = unheardOf }), ledger.Forged, true, false},
	} {
		found, err := l.CheckReceipt(t.Context(), id, &c.receipt)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if found.OK() || found.Genuine() || len(found.Problems) != 1 || found.Problems[0].Kind != c.kind || found.Current != c.current || found.Holds() != c.extends {
			t.Errorf("%s: %+v", name, found)
		}
		if s := found.Summary(audit.SystemClock()); s.Verified || s.ProblemCount != 1 || s.Severity() != audit.SeverityLow || s.Mismatches != 0 {
			t.Errorf("%s: %+v", name, s)
		}
	}
	for name, r := range map[string]ledger.Receipt{
		"half a record":      change(func(r *ledger.Receipt) { r.Record = r.Record[:50] }),
		"record of a future": change(func(r *ledger.Receipt) { r.Record = bytes.Replace(r.Record, []byte("entry/v1"), []byte("entry/v9"), 1) }),
		"no checkpoint":      change(func(r *ledger.Receipt) { r.Proof.Checkpoint = nil }),
		"half a checkpoint":  change(func(r *ledger.Receipt) { r.Proof.Checkpoint = r.Proof.Checkpoint[:len(r.Proof.Checkpoint)/2] }),
		"no signature":       change(func(r *ledger.Receipt) { r.Proof.Checkpoint = []byte(checkpoint.Body()) }),
	} {
		if _, err := l.CheckReceipt(t.Context(), id, &r); audit.CodeOf(err) != audit.ValidationFailed {
			t.Errorf("%s: %v", name, err)
		}
	}
	ledgertest.Check(t, l, id, 14)
}

// A genuine receipt shows what a superuser did, even when everything that is
// stored fits together again.
func TestReceiptsTellOfARewrittenLedger(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		statements []string
		kinds      []ledger.ProblemKind
		current    bool
	}{
		"its content": {[]string{`update payload set fields = replace(fields, 'event number 4"', 'event number 5"') where seq = 4`}, []ledger.ProblemKind{ledger.HashMismatch}, false},
		"its record": {[]string{`update entry set record = convert_to(replace(convert_from(record, 'UTF8'), 'config.changed', 'config.chanted'), 'UTF8') where seq = 4`,
			`update entry set leaf = sha256('\x00'::bytea || record) where seq = 4`}, []ledger.ProblemKind{ledger.HashMismatch, ledger.Forked}, false},
		"another entry": {[]string{`update entry set leaf = sha256('x') where seq = 7`}, []ledger.ProblemKind{ledger.Forked}, true},
		"it is gone":    {[]string{`delete from payload where seq = 4`, `delete from entry where seq = 4`}, []ledger.ProblemKind{ledger.MissingEntry, ledger.WrongTree}, false},
		"the end is gone": {[]string{`delete from payload where seq >= 3`, `delete from entry where seq >= 3`, `delete from checkpoint where size > 3`,
			`update head set size = 3, root = (select root from checkpoint where size = 3), last_leaf = (select leaf from entry where seq = 2)`},
			[]ledger.ProblemKind{ledger.MissingEntry, ledger.LostTail}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, id, dsn := ledgertest.New(t)
			var receipts []ledger.Receipt
			for n := range 12 {
				receipts = append(receipts, ledgertest.Append(t, l, id, n, 1)...)
			}
			superuser(t, dsn, c.statements...)
			r := receipts[4]
			if name == "another entry" { // a tree that holds the entry that was changed
				r = receipts[9]
			}
			found, err := l.CheckReceipt(t.Context(), id, &r)
			if err != nil {
				t.Fatal(err)
			}
			var kinds []string
			for _, p := range found.Problems {
				kinds = append(kinds, string(p.Kind))
			}
			var want []string
			for _, k := range c.kinds {
				want = append(want, string(k))
			}
			if strings.Join(kinds, " ") != strings.Join(want, " ") || found.OK() || !found.Genuine() || found.Current != c.current {
				t.Errorf("%v, not %v: %+v", kinds, want, found)
			}
			if s := found.Summary(audit.SystemClock()); s.Verified || s.Severity() != audit.SeverityCritical {
				t.Errorf("%+v", s)
			}
		})
	}
}
