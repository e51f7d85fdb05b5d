package evidence_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/evidence"
	"github.com/sealbook/sealbook/ledger"
)

// A package signed by a newer key than the ledger's first verifies for whoever
// trusts either, and only when introductions lead from one to the other.
func TestIntroducedKey(t *testing.T) {
	const installation = "ledger.example"
	generate := func() *ledger.SigningKey {
		k, err := ledger.GenerateSigningKey()
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	second, third, stranger := generate(), generate(), generate()
	introduce := func(old, next *ledger.SigningKey) string {
		note, err := old.Introduce(installation, next, bookStart.Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		return string(note)
	}
	b := newBook(t).fill(40)
	first := b.key
	toSecond, toThird := introduce(first, second), introduce(second, third)
	b.key = third
	s := b.scope(allCategories(audit.FormatZIP), 0)
	s.VerifierKey, s.Introductions = third.VerifierKey(testOrigin), []string{toSecond, toThird}
	data := b.build(s)
	OK, Failed := evidence.OK, evidence.Failed
	expect(t, verify(t, data), OK, OK, evidence.Unpinned, 0, third.Fingerprint())
	for name, k := range map[string]*ledger.SigningKey{"first": first, "second": second, "third": third} {
		for _, pin := range []string{k.Fingerprint(), k.VerifierKey(testOrigin)} {
			r := verify(t, data, pin)
			expect(t, r, OK, OK, OK, 0)
			if r.Trusted != k.Fingerprint() {
				t.Errorf("%s: trusted is %s", name, r.Trusted)
			}
		}
	}
	expect(t, verify(t, data, stranger.Fingerprint()), OK, OK, Failed, 1, "none of the trusted keys")

	for name, introductions := range map[string][]string{
		"none": nil, "a gap": {toThird}, "out of order": {toThird, toSecond}, "by a stranger": {introduce(stranger, third)},
	} {
		s.Introductions = introductions
		if _, err := evidence.NewCollector(s, evidence.Skeleton, nil, nil); err == nil {
			t.Errorf("%s: collected", name)
		}
	}

	// Whoever makes a package of his own can introduce himself to himself, but
	// not to the key that the ledger was founded with.
	folder, files := unzip(t, data)
	f := &forged{book: b, scope: s, folder: folder, files: files, seal: b.seal}
	line, err := json.Marshal(introduce(stranger, third))
	if err != nil {
		t.Fatal(err)
	}
	f.files["keys/introductions.jsonl"] = append(line, '\n')
	expect(t, verify(t, f.pack()), OK, OK, Failed, 1, "no introduction leads from it")
	f.files["keys/introductions.jsonl"] = []byte("x\n")
	expect(t, verify(t, f.pack()), Failed, evidence.CannotTell, evidence.CannotTell, 1, "line 1 is not a JSON string")
}
