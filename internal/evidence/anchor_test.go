package evidence_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/anchor"
	"github.com/sealbook/sealbook/internal/anchor/anchortest"
	"github.com/sealbook/sealbook/internal/evidence"
	"github.com/sealbook/sealbook/ledger"
)

const installation = "ledger.example"

// registered makes the registry's word on the first size entries of the book,
// in a registry of 40 entries.
func (b *book) registered(size int64) ledger.Registered {
	b.tb.Helper()
	tree, _ := ledger.NewTree(0, nil)
	for _, row := range b.rows[:size] {
		if err := tree.Append(row.Leaf); err != nil {
			b.tb.Fatal(err)
		}
	}
	root, err := tree.Root()
	if err != nil {
		b.tb.Fatal(err)
	}
	registry := newBookOf(b.tb, installation).fill(25)
	registry.key = b.key
	entry := *registry.add(time.Hour, audit.Event{
		Type: ledger.CheckpointTaken, Class: audit.ClassSystem, Severity: audit.SeverityLow, Actor: audit.Object{"type": "system", "id": "sealbook"},
		Details: audit.Object{"origin": b.origin, "size": json.Number(strconv.FormatInt(size, 10)), "root": base64.StdEncoding.EncodeToString(root[:])},
	})
	registry.fill(14)
	return registry.proven(entry)
}

// proven proves an entry of the book in its tree.
func (b *book) proven(entry ledger.Row) ledger.Registered {
	b.tb.Helper()
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			out[i] = stored[x]
		}
		return out, nil
	})
	for i, row := range b.rows {
		hashes, err := tlog.StoredHashesForRecordHash(int64(i), row.Leaf, reader)
		if err != nil {
			b.tb.Fatal(err)
		}
		stored = append(stored, hashes...)
	}
	hashes, err := tlog.ProveRecord(b.tree.Size(), entry.Seq, reader)
	if err != nil {
		b.tb.Fatal(err)
	}
	return ledger.Registered{Entry: entry, Proof: ledger.Proof{Index: entry.Seq, Hashes: hashes, Checkpoint: b.checkpoint()}}
}

// places are a bucket and a witness for each cosignature.
func places(cosignatures ...[]byte) []evidence.AnchorPlace {
	out := []evidence.AnchorPlace{{Place: "bucket worm.example", AnchoredAt: "2026-01-03T10:00:00.000Z", Object: "file:///worm/ledger.example/26"}}
	for _, c := range cosignatures {
		out = append(out, evidence.AnchorPlace{Place: "witness w.example", AnchoredAt: "2026-01-03T10:00:01.000Z", Cosignature: string(c)})
	}
	return out
}

func mustAnchor(tb testing.TB, r ledger.Registered, at []evidence.AnchorPlace) *evidence.Anchor {
	tb.Helper()
	a, err := evidence.NewAnchor(r, at)
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

// A package says through which entry others saw the history, and the verifier
// believes those that it is told to believe.
func TestAnchored(t *testing.T) {
	b := newBook(t).fill(40)
	r := b.registered(30)
	w := anchortest.NewWitness(t, "w.example")
	text, _, _ := strings.Cut(string(r.Proof.Checkpoint), "\n\n")
	cosignature := w.Cosign([]byte(text+"\n"), bookStart)
	for _, first := range []int64{0, 10} {
		s := b.scope(allCategories(audit.FormatZIP), first)
		s.Anchor = mustAnchor(t, r, places(cosignature))
		data := b.build(s)
		got := verify(t, data, b.genesis.Key)
		expect(t, got, evidence.OK, evidence.OK, evidence.OK, 0, "anchored      through entry 29, not checked", "bucket worm.example, witness w.example", "the last 10")
		if a := got.Anchored; a == nil || a.Through != 29 || a.RegistrySize != 40 || a.Registry != installation || len(a.Places) != 2 || len(a.VouchedBy) != 0 {
			t.Errorf("from %d: %+v", first, a)
		}

		judge := func(v evidence.Vouching) *evidence.Report {
			return evidence.Verify(bytes.NewReader(data), int64(len(data)), evidence.VerifyOptions{Keys: []string{b.genesis.Key}, Vouch: func(a evidence.Anchor) evidence.Vouching {
				if by, err := anchor.VerifyCosignature(a.Cosigned(), w.Key(t)); err != nil || !by.Equal(bookStart.Truncate(time.Second)) {
					t.Errorf("the witness's cosignature does not reach the judge: %v %v", by, err)
				}
				return v
			}})
		}
		expect(t, judge(evidence.Vouching{By: []string{"witness w.example"}, Enough: true}), evidence.OK, evidence.OK, evidence.OK, 0,
			"anchored      through entry 29\n", "anchored outside through entry 29: vouched for by witness w.example; the operator alone attests to the last 10")
		for name, v := range map[string]evidence.Vouching{"too few": {By: []string{"x"}}, "none": {Enough: true}} {
			got := judge(v)
			expect(t, got, evidence.OK, evidence.OK, evidence.CannotTell, 2, "do not vouch for the registry's checkpoint of 40 entries")
			if t.Failed() {
				t.Fatal(name)
			}
		}
	}
	// Who asks for a word and gets none cannot tell.
	data := b.build(b.scope(allCategories(audit.FormatZIP), 0))
	got := evidence.Verify(bytes.NewReader(data), int64(len(data)), evidence.VerifyOptions{Keys: []string{b.genesis.Key}, Vouch: func(evidence.Anchor) evidence.Vouching {
		t.Error("asked about nothing")
		return evidence.Vouching{}
	}})
	expect(t, got, evidence.OK, evidence.OK, evidence.CannotTell, 2, "anchored      no", "does not say that any place outside has a checkpoint")
}

// An anchor that does not lead to the package's ledger is refused by who
// builds, and found by who verifies.
func TestFalseAnchor(t *testing.T) {
	b := newBook(t).fill(40)
	good := b.registered(30)
	stranger, err := ledger.GenerateSigningKey()
	if err != nil {
		t.Fatal(err)
	}
	other := newBookOf(t, testOrigin+"2").fill(40)
	rewritten := newBook(t).fill(39)
	rewritten.fill(1)
	rewritten.rewrite(20, func(r *ledger.Record) { r.EventType = "logout" })
	foreign := newBook(t).fill(40)
	foreign.key = stranger
	flipped := b.registered(30)
	flipped.Proof.Hashes = slices.Clone(flipped.Proof.Hashes)
	flipped.Proof.Hashes[1][0] ^= 1
	edited := b.registered(30)
	edited.Entry.Fields = slices.Clone(edited.Entry.Fields)
	for i, f := range edited.Entry.Fields {
		if f.Path == "/details" {
			edited.Entry.Fields[i].Value = bytes.Replace(f.Value, []byte(`"size":30`), []byte(`"size":31`), 1)
		}
	}
	registry := newBookOf(t, installation).fill(8)
	OK, Failed := evidence.OK, evidence.Failed
	for name, tt := range map[string]struct {
		registered   ledger.Registered
		authenticity evidence.Status
		file, says   string
		builds       bool // only the leaves show that it is false
	}{
		"another ledger's":         {other.registered(30), Failed, "entry.jsonl", "is about the ledger", false},
		"of another history":       {rewritten.registered(30), OK, "entry.jsonl", "the ledger's history was rewritten", true},
		"signed by a stranger":     {foreign.registered(30), Failed, "registry.note", "", false},
		"with a proof that is not": {flipped, Failed, "entry.tlog-proof", "leads to another root", false},
		"edited":                   {edited, Failed, "entry.jsonl", "hash to", false},
		"another kind of entry":    {registry.proven(registry.rows[3]), Failed, "entry.jsonl", "not a registry.checkpoint", false},
		"of the ledger itself":     {b.proven(b.rows[3]), Failed, "entry.jsonl", "not a registry.checkpoint", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := b.scope(allCategories(audit.FormatZIP), 0)
			s.Anchor = mustAnchor(t, good, places())
			data := b.build(s)
			s.Anchor = mustAnchor(t, tt.registered, places())
			if _, err := evidence.NewCollector(s, evidence.Skeleton, nil, nil); (err == nil) != tt.builds {
				t.Errorf("collected with %v", err)
			}
			folder, files := unzip(t, data)
			f := &forged{book: b, scope: s, folder: folder, files: files, seal: b.seal}
			files["data/ledger/anchors/entry.jsonl"] = []byte(s.Anchor.Entry)
			proof := ledger.Proof{Index: tt.registered.Entry.Seq, Hashes: s.Anchor.Hashes, Checkpoint: s.Anchor.Note}
			files["data/ledger/anchors/entry.tlog-proof"] = proof.Encode()
			files["data/ledger/anchors/registry.note"] = s.Anchor.Note
			r := verify(t, f.pack(), b.genesis.Key)
			if r.Exit() != 1 || r.Authenticity != tt.authenticity {
				t.Errorf("authenticity %s, exit %d", r.Authenticity, r.Exit())
			}
			if !slices.ContainsFunc(r.Findings, func(f evidence.Finding) bool {
				return f.File == "data/ledger/anchors/"+tt.file && strings.Contains(f.Message, tt.says)
			}) {
				t.Errorf("not found: %+v", r.Findings)
			}
		})
	}
}

// The anchor's files stand and fall together.
func TestAnchorFiles(t *testing.T) {
	b := newBook(t).fill(40)
	s := b.scope(allCategories(audit.FormatZIP), 0)
	s.Anchor = mustAnchor(t, b.registered(40), []evidence.AnchorPlace{{Place: "time-stamp authority tsa.example", AnchoredAt: "2026-01-03T10:00:00.000Z", Token: []byte("token")}})
	folder, files := unzip(t, b.build(s))
	const at = "data/ledger/anchors/"
	for _, name := range []string{"anchors.json", "entry.jsonl", "entry.tlog-proof", "registry.note", "token-1.tsr"} {
		if files[at+name] == nil {
			t.Fatalf("there is no %s", name)
		}
		f := &forged{book: b, scope: s, folder: folder, files: clone(files), seal: b.seal}
		delete(f.files, at+name)
		if r := verify(t, f.pack(), b.genesis.Key); r.Exit() != 1 {
			t.Errorf("without %s: exit %d", name, r.Exit())
		}
		f = &forged{book: b, scope: s, folder: folder, files: clone(files), seal: b.seal}
		f.files[at+name] = append(bytes.Clone(f.files[at+name]), "\n"...)
		if r := verify(t, f.pack(), b.genesis.Key); r.Exit() != 1 {
			t.Errorf("with a longer %s: exit %d", name, r.Exit())
		}
	}
	f := &forged{book: b, scope: s, folder: folder, files: clone(files), seal: b.seal}
	f.files[at+"token-2.tsr"] = []byte("token")
	expect(t, verify(t, f.pack(), b.genesis.Key), evidence.Failed, evidence.CannotTell, evidence.OK, 1, "not part of such a package")
}
