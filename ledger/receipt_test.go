package ledger_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// sampleReceipt is of the entry vector in a tree of eight.
func sampleReceipt(t testing.TB) (r ledger.Receipt, vkey string) {
	t.Helper()
	tree, err := ledger.NewTree(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 7 {
		if err := tree.Append(leafOf(i)); err != nil {
			t.Fatal(err)
		}
	}
	data := vector.Encode()
	if err := tree.Append(ledger.LeafHash(data)); err != nil {
		t.Fatal(err)
	}
	root, err := tree.Root()
	if err != nil {
		t.Fatal(err)
	}
	hashes, err := tree.Prove(7)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := ledgertest.Key.Sign(ledger.Checkpoint{Origin: vector.Origin, Size: 8, Root: root})
	if err != nil {
		t.Fatal(err)
	}
	return ledger.Receipt{Record: data, Proof: ledger.Proof{Index: 7, Hashes: hashes, Checkpoint: signed}}, ledgertest.Key.VerifierKey(vector.Origin)
}

func TestReceipt(t *testing.T) {
	t.Parallel()
	r, vkey := sampleReceipt(t)
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back ledger.Receipt
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	rec, c, err := back.Check(vkey)
	if err != nil || rec != vector || c.Size != 8 {
		t.Fatalf("%+v %+v %v", rec, c, err)
	}
	// The checkpoint is a signed note that any C2SP implementation opens.
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := note.Open(r.Proof.Checkpoint, note.VerifierList(v)); err != nil {
		t.Fatal(err)
	}
}

func TestReceiptRefuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]struct {
		do   func(*ledger.Receipt)
		want string
	}{
		"another record": {func(r *ledger.Receipt) { r.Record = bytes.Replace(r.Record, []byte("scan"), []byte("scam"), 1) }, "inclusion of entry 7"},
		"another index":  {func(r *ledger.Receipt) { r.Proof.Index = 6 }, "the proof of entry 6"},
		"a hash missing": {func(r *ledger.Receipt) { r.Proof.Hashes = r.Proof.Hashes[1:] }, "inclusion of entry 7"},
		"a changed root": {func(r *ledger.Receipt) {
			r.Proof.Checkpoint = bytes.Replace(r.Proof.Checkpoint, []byte("\n8\n"), []byte("\n9\n"), 1)
		}, "checkpoint signature"},
		"no signature":     {func(r *ledger.Receipt) { r.Proof.Checkpoint = bytes.SplitAfter(r.Proof.Checkpoint, []byte("\n\n"))[0] }, "checkpoint signature"},
		"not a checkpoint": {func(r *ledger.Receipt) { r.Proof.Checkpoint = nil }, "checkpoint signature"},
		"not a record":     {func(r *ledger.Receipt) { r.Record = r.Record[1:] }, "record version"},
	} {
		r, vkey := sampleReceipt(t)
		change.do(&r)
		if _, _, err := r.Check(vkey); err == nil || !strings.Contains(err.Error(), change.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, change.want)
		}
	}
	r, _ := sampleReceipt(t)
	other, err := ledger.GenerateSigningKey()
	if err != nil {
		t.Fatal(err)
	}
	for name, vkey := range map[string]string{
		"another key": other.VerifierKey(vector.Origin), "another origin's key": ledgertest.Key.VerifierKey("ledger.example/org_2"), "no key": "x",
	} {
		if _, _, err := r.Check(vkey); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestParseProofRefuses(t *testing.T) {
	t.Parallel()
	r, _ := sampleReceipt(t)
	good := string(r.Proof.Encode())
	if p, err := ledger.ParseProof([]byte(strings.Replace(good, "index 7", "extra Zm9v\nindex 7", 1))); err != nil || p.Index != 7 {
		t.Errorf("an extra line: %+v %v", p, err)
	}
	for name, text := range map[string]string{
		"empty":          "",
		"future version": strings.Replace(good, "@v1", "@v2", 1),
		"no index":       strings.Replace(good, "index 7\n", "", 1),
		"leading zero":   strings.Replace(good, "index 7", "index 07", 1),
		"negative":       strings.Replace(good, "index 7", "index -7", 1),
		"no checkpoint":  strings.SplitAfter(good, "\n\n")[0][:len(strings.SplitAfter(good, "\n\n")[0])-1],
		"too many":       strings.Replace(good, "\n\n", strings.Repeat("\n"+strings.Repeat("A", 43)+"=", 64)+"\n\n", 1),
		"short hash":     strings.Replace(good, "\n\n", "\nAAAA\n\n", 1),
	} {
		if p, err := ledger.ParseProof([]byte(text)); err == nil {
			t.Errorf("%s: accepted as %+v", name, p)
		}
	}
}

func TestParseCheckpointRefuses(t *testing.T) {
	t.Parallel()
	good := ledger.Checkpoint{Origin: "a/b", Size: 8, Root: leafOf(1)}.Body()
	for name, text := range map[string]string{
		"empty": "", "extension line": good + "more\n", "no root": "a/b\n8\n\n", "leading zero": strings.Replace(good, "8", "08", 1),
		"negative": strings.Replace(good, "8", "-8", 1), "no origin": good[3:], "no line feed": strings.TrimSuffix(good, "\n"),
	} {
		if c, err := ledger.ParseCheckpoint(text); err == nil {
			t.Errorf("%s: accepted as %+v", name, c)
		}
	}
}

func TestSigningKeyFile(t *testing.T) {
	t.Parallel()
	text, err := ledgertest.Key.EncodePEM()
	if err != nil {
		t.Fatal(err)
	}
	k, err := ledger.ParseSigningKey(text)
	if err != nil || k.Fingerprint() != ledgertest.Key.Fingerprint() {
		t.Fatal(err)
	}
	f, err := ledger.KeyFingerprint(k.VerifierKey("a/b"))
	if err != nil || f != k.Fingerprint() {
		t.Errorf("%s %v, want %s", f, err, k.Fingerprint())
	}
	for _, bad := range []string{"", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if _, err := ledger.ParseSigningKey([]byte(bad)); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func FuzzReceipt(f *testing.F) {
	r, vkey := sampleReceipt(f)
	text, err := json.Marshal(r)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, data []byte) {
		var got ledger.Receipt
		if json.Unmarshal(data, &got) != nil {
			return
		}
		if rec, _, err := got.Check(vkey); err == nil && rec != vector {
			t.Fatalf("a forged receipt verifies: %s", data)
		}
	})
}
