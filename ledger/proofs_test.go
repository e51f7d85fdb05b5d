package ledger_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/sealbook/sealbook/ledger"
)

const sampleOrigin = "ledger.example/org_1"

// sampleKey is the same in every process, as the seeds in testdata need it.
var sampleKey = func() *ledger.SigningKey {
	der, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		panic(err)
	}
	k, err := ledger.ParseSigningKey(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if err != nil {
		panic(err)
	}
	return k
}()

// grown is a tree of n leaves, all of them from leaf.
func grown(t testing.TB, n int, leaf func(int) ledger.Hash) reference {
	t.Helper()
	var r reference
	for i := range n {
		hashes, err := tlog.StoredHashesForRecordHash(int64(i), leaf(i), r)
		if err != nil {
			t.Fatal(err)
		}
		r = append(r, hashes...)
	}
	return r
}

// signedNote signs the checkpoint of the first n leaves of a tree.
func signedNote(t testing.TB, r reference, n int64, origin string) []byte {
	t.Helper()
	root, err := tlog.TreeHash(n, r)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := sampleKey.Sign(ledger.Checkpoint{Origin: origin, Size: n, Root: root})
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func sampleConsistency(t testing.TB, r reference, first, second int64) ledger.ConsistencyProof {
	t.Helper()
	hashes, err := tlog.ProveTree(second, first, r)
	if err != nil {
		t.Fatal(err)
	}
	return ledger.ConsistencyProof{First: signedNote(t, r, first, sampleOrigin), Second: signedNote(t, r, second, sampleOrigin), Hashes: hashes}
}

func TestConsistencyProofRefuses(t *testing.T) {
	t.Parallel()
	tree := grown(t, 20, leafOf)
	fork := grown(t, 20, func(i int) ledger.Hash { // another fourth leaf
		if i == 3 {
			i = -3
		}
		return leafOf(i)
	})
	other, err := ledger.GenerateSigningKey()
	if err != nil {
		t.Fatal(err)
	}
	vkey := sampleKey.VerifierKey(sampleOrigin)
	for name, c := range map[string]struct {
		first, second int64
		change        func(*ledger.ConsistencyProof)
		vkey, want    string
	}{
		"unknown key":   {7, 13, nil, other.VerifierKey(sampleOrigin), "unknown key"},
		"wrong origin":  {7, 13, nil, sampleKey.VerifierKey("ledger.example/org_2"), "wrong origin: the checkpoint is of ledger.example/org_1, the key of ledger.example/org_2"},
		"mixed origins": {7, 13, func(p *ledger.ConsistencyProof) { p.Second = signedNote(t, tree, 13, "ledger.example/org_2") }, vkey, "second checkpoint: checkpoint signature: wrong origin"},
		"a changed signature": {7, 13, func(p *ledger.ConsistencyProof) {
			p.First = []byte(strings.Replace(string(p.First), "\n7\n", "\n8\n", 1))
		}, vkey, "first checkpoint: checkpoint signature: invalid signature"},
		"forked":           {7, 13, func(p *ledger.ConsistencyProof) { p.First = signedNote(t, fork, 7, sampleOrigin) }, vkey, "forked checkpoint: the tree of 13"},
		"forked, one size": {13, 13, func(p *ledger.ConsistencyProof) { p.Second = signedNote(t, fork, 13, sampleOrigin) }, vkey, "forked checkpoint: two trees of 13"},
		"forked or not":    {8, 13, func(p *ledger.ConsistencyProof) { p.First = signedNote(t, fork, 8, sampleOrigin) }, vkey, "the proof is of another tree"},
		"of another tree":  {7, 13, func(p *ledger.ConsistencyProof) { p.Hashes = sampleConsistency(t, fork, 7, 13).Hashes }, vkey, "the proof is of another tree"},
		"of other sizes":   {7, 13, func(p *ledger.ConsistencyProof) { p.Hashes = sampleConsistency(t, tree, 7, 14).Hashes }, vkey, "the proof is of another tree"},
		"a hash missing":   {7, 13, func(p *ledger.ConsistencyProof) { p.Hashes = p.Hashes[1:] }, vkey, "the proof is of another tree"},
		"a hash too many":  {7, 13, func(p *ledger.ConsistencyProof) { p.Hashes = append(p.Hashes, leafOf(1)) }, vkey, "the proof is of another tree"},
		"no hashes":        {7, 13, func(p *ledger.ConsistencyProof) { p.Hashes = nil }, vkey, "the proof is of another tree"},
		"backwards":        {7, 13, func(p *ledger.ConsistencyProof) { p.First, p.Second = p.Second, p.First }, vkey, "no proof leads from a tree of 13 entries to one of 7"},
	} {
		p := sampleConsistency(t, tree, c.first, c.second)
		if _, _, err := p.Check(vkey); err != nil {
			t.Fatalf("%s: before: %v", name, err)
		}
		if c.change != nil {
			c.change(&p)
		}
		if _, _, err := p.Check(c.vkey); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	empty := ledger.ConsistencyProof{First: signedNote(t, tree, 0, sampleOrigin), Second: signedNote(t, tree, 3, sampleOrigin)}
	if _, _, err := empty.Check(vkey); err == nil {
		t.Error("the empty tree has a proof")
	}
}

// A fork is named as one whenever the proof can show it, and a proof that holds
// is never refused: the two computations of the roots agree.
func TestConsistencyOfAllSmallTrees(t *testing.T) {
	t.Parallel()
	tree, fork := grown(t, 34, leafOf), grown(t, 34, func(i int) ledger.Hash { return leafOf(i + 1000) })
	vkey := sampleKey.VerifierKey(sampleOrigin)
	for second := int64(1); second <= 34; second++ {
		for first := int64(1); first <= second; first++ {
			p := sampleConsistency(t, tree, first, second)
			if a, b, err := p.Check(vkey); err != nil || a.Size != first || b.Size != second {
				t.Fatalf("%d to %d: %v", first, second, err)
			}
			p.First = signedNote(t, fork, first, sampleOrigin)
			_, _, err := p.Check(vkey)
			if provable := first == second || bits.OnesCount64(uint64(first)) > 1; err == nil || strings.Contains(err.Error(), "forked") != provable {
				t.Fatalf("a fork at %d of %d: %v", first, second, err)
			}
		}
	}
}

func sampleRange(t testing.TB, r reference, first, end, size int64) ledger.SignedRange {
	t.Helper()
	p := ledger.SignedRange{First: first, End: end, Checkpoint: signedNote(t, r, size, sampleOrigin)}
	p.Left, p.Right = sides(t, r, first, end, size)
	return p
}

// sides takes a range proof's hashes from the inclusion proofs of the range's
// first and last leaf, as RFC 6962 has them: a hash covers what lies left of
// the leaf, or right of it.
func sides(t testing.TB, r tlog.HashReader, first, end, size int64) (left, right []ledger.Hash) {
	t.Helper()
	a, err := tlog.ProveRecord(size, first, r)
	if err != nil {
		t.Fatal(err)
	}
	b, err := tlog.ProveRecord(size, end-1, r)
	if err != nil {
		t.Fatal(err)
	}
	for i, isLeft := range leftSiblings(0, size, first) {
		if isLeft {
			left = append([]ledger.Hash{a[i]}, left...)
		}
	}
	for i, isLeft := range leftSiblings(0, size, end-1) {
		if !isLeft {
			right = append(right, b[i])
		}
	}
	return left, right
}

// leftSiblings tells of each hash of leaf n's inclusion proof in the tree
// [lo, hi) whether it stands left of the leaf.
func leftSiblings(lo, hi, n int64) []bool {
	if hi-lo == 1 {
		return nil
	}
	split := lo + 1<<(bits.Len64(uint64(hi-lo-1))-1)
	if n < split {
		return append(leftSiblings(lo, split, n), false)
	}
	return append(leftSiblings(split, hi, n), true)
}

// Whatever is proven of a small tree verifies, and not of other leaves.
func TestSignedRangesOfAllSmallTrees(t *testing.T) {
	t.Parallel()
	tree := grown(t, 20, leafOf)
	vkey := sampleKey.VerifierKey(sampleOrigin)
	var leaves []ledger.Hash
	for i := range 20 {
		leaves = append(leaves, leafOf(i))
	}
	for size := int64(1); size <= 20; size++ {
		for end := int64(1); end <= size; end++ {
			for first := range end {
				p := sampleRange(t, tree, first, end, size)
				if _, err := p.Check(vkey, slices.Values(leaves[first:end])); err != nil {
					t.Fatalf("[%d,%d) of %d: %v", first, end, size, err)
				}
				changed := slices.Clone(leaves[first:end])
				changed[len(changed)/2] = leafOf(99)
				if _, err := p.Check(vkey, slices.Values(changed)); err == nil {
					t.Fatalf("[%d,%d) of %d: another leaf is accepted", first, end, size)
				}
			}
		}
	}
}

func TestSignedRangeRefuses(t *testing.T) {
	t.Parallel()
	tree, fork := grown(t, 20, leafOf), grown(t, 20, func(i int) ledger.Hash { return leafOf(i + 1000) })
	other, err := ledger.GenerateSigningKey()
	if err != nil {
		t.Fatal(err)
	}
	vkey := sampleKey.VerifierKey(sampleOrigin)
	var leaves []ledger.Hash
	for i := range 20 {
		leaves = append(leaves, leafOf(i))
	}
	for name, c := range map[string]struct {
		change     func(*ledger.SignedRange)
		leaves     []ledger.Hash
		vkey, want string
	}{
		"unknown key":        {nil, leaves[5:11], other.VerifierKey(sampleOrigin), "unknown key"},
		"wrong origin":       {nil, leaves[5:11], sampleKey.VerifierKey("a/b"), "wrong origin"},
		"of another tree":    {func(p *ledger.SignedRange) { *p = sampleRange(t, fork, 5, 11, 19) }, leaves[5:11], vkey, "of another tree"},
		"another checkpoint": {func(p *ledger.SignedRange) { p.Checkpoint = signedNote(t, tree, 20, sampleOrigin) }, leaves[5:11], vkey, "of another tree"},
		"a smaller one":      {func(p *ledger.SignedRange) { p.Checkpoint = signedNote(t, tree, 16, sampleOrigin) }, leaves[5:11], vkey, "3 hashes on its right, not 2 as in a tree of 16"},
		"a leaf changed":     {nil, append([]ledger.Hash{leafOf(99)}, leaves[6:11]...), vkey, "of another tree"},
		"two leaves swapped": {nil, []ledger.Hash{leaves[6], leaves[5], leaves[7], leaves[8], leaves[9], leaves[10]}, vkey, "of another tree"},
		"a leaf missing":     {nil, leaves[5:10], vkey, "the range ends at 10, not at 11"},
		"a leaf too many":    {nil, leaves[5:12], vkey, "more leaves than the range"},
		"a hash missing":     {func(p *ledger.SignedRange) { p.Left = p.Left[1:] }, leaves[5:11], vkey, "hashes on its left, not 2"},
		"beyond the tree":    {func(p *ledger.SignedRange) { p.End = 21 }, leaves[5:11], vkey, "is not in a tree of 19"},
	} {
		p := sampleRange(t, tree, 5, 11, 19)
		if _, err := p.Check(vkey, slices.Values(leaves[5:11])); err != nil {
			t.Fatalf("%s: before: %v", name, err)
		}
		if c.change != nil {
			c.change(&p)
		}
		if _, err := p.Check(c.vkey, slices.Values(c.leaves)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// synthetic is a tree too large to be stored. Its hashes stand for themselves.
type synthetic struct{}

func (synthetic) ReadHashes(indexes []int64) ([]ledger.Hash, error) {
	out := make([]ledger.Hash, len(indexes))
	for i, index := range indexes {
		out[i] = ledger.LeafHash(fmt.Append(nil, index))
	}
	return out, nil
}

// maxRangeProof is what a range proof may take in a tree of 2^30 leaves, in
// bytes of its JSON form.
const maxRangeProof = 4 << 10

func TestARangeProofIsShort(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("o", 200) // the longest origin
	signed, err := sampleKey.Sign(ledger.Checkpoint{Origin: longest, Size: 1 << 30, Root: leafOf(0)})
	if err != nil {
		t.Fatal(err)
	}
	worst := 0
	measure := func(t testing.TB, first, end, size int64) {
		t.Helper()
		p := ledger.SignedRange{First: first, End: end, Checkpoint: signed}
		p.Left, p.Right = sides(t, synthetic{}, first, end, size)
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		worst = max(worst, len(text))
		if len(text) > maxRangeProof {
			t.Fatalf("[%d,%d) of %d takes %d bytes", first, end, size, len(text))
		}
	}
	// The sides are longest where a bound is one off a power of two.
	var edges []int64
	for level := range 31 {
		for _, d := range []int64{-1, 1} {
			edges = append(edges, min(max(1<<level+d, 0), 1<<30), min(max(1<<30-1<<level+d, 0), 1<<30))
		}
	}
	slices.Sort(edges)
	edges = slices.Compact(edges)
	for _, first := range edges {
		for _, end := range edges {
			for _, size := range []int64{1 << 30, 1<<30 - 1, 1<<30 - 2, 1<<29 + 1} {
				if first < end && end <= size {
					measure(t, first, end, size)
				}
			}
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		size := rapid.Int64Range(1, 1<<30).Draw(r, "size")
		end := rapid.Int64Range(1, size).Draw(r, "end")
		measure(t, rapid.Int64Range(0, end-1).Draw(r, "first"), end, size)
	})
	t.Logf("at most %d bytes", worst)
}

func TestProofsAreReadStrictly(t *testing.T) {
	t.Parallel()
	tree := grown(t, 20, leafOf)
	consistency, err := json.Marshal(sampleConsistency(t, tree, 7, 13))
	if err != nil {
		t.Fatal(err)
	}
	ranged, err := json.Marshal(sampleRange(t, tree, 5, 11, 19))
	if err != nil {
		t.Fatal(err)
	}
	many := `["` + strings.Repeat(strings.Repeat("A", 43)+`=","`, 126) + strings.Repeat("A", 43) + `="]`
	for name, c := range map[string]struct{ text, old, new, want string }{
		"consistency: future version": {string(consistency), "sealbook/v1", "sealbook/v2", "consistency proof version"},
		"consistency: short hash":     {string(consistency), `"hashes":["`, `"hashes":["AAAA","`, "is not a base64 SHA-256 hash"},
		"consistency: too many":       {string(consistency), `"hashes":[`, `"hashes":` + many + `,"x":[`, "oversized proof: it has more than 64 hashes"},
		"consistency: too long":       {string(consistency), `"hashes":[`, `"x":"` + strings.Repeat("x", ledger.MaxProofSize) + `","hashes":[`, "oversized proof: it has more than 65536 bytes"},
		"range: future version":       {string(ranged), "sealbook/v1", "sealbook/v2", "range proof version"},
		"consistency: other case":     {string(consistency), `"second"`, `"Second"`, "it has no member second"},
		"range: not a number":         {string(ranged), `"first":5`, `"first":"5"`, "range proof: member first"},
		"range: negative":             {string(ranged), `"first":5`, `"first":-5`, "is not a range"},
		"range: empty":                {string(ranged), `"first":5`, `"first":11`, "is not a range"},
		"range: too many":             {string(ranged), `"right":[`, `"right":` + many + `,"x":[`, "oversized proof: it has more than 63 hashes"},
		"range: too long":             {string(ranged), `"left":[`, `"x":"` + strings.Repeat("x", ledger.MaxProofSize) + `","left":[`, "oversized proof"},
		"range: a hash spelled twice": {string(ranged), `"left":["`, `"left":["` + strings.Repeat("A", 42) + `B=","`, "is not a base64 SHA-256 hash"},
	} {
		text := strings.Replace(c.text, c.old, c.new, 1)
		var err error
		if strings.HasPrefix(name, "range") {
			err = json.Unmarshal([]byte(text), &ledger.SignedRange{})
		} else {
			err = json.Unmarshal([]byte(text), &ledger.ConsistencyProof{})
		}
		if text == c.text || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if err := json.Unmarshal([]byte(`[]`), &ledger.SignedRange{}); err == nil {
		t.Error("a list is a range proof")
	}
	r, _ := sampleReceipt(t)
	text := append(r.Proof.Encode(), make([]byte, ledger.MaxProofSize)...)
	if _, err := ledger.ParseProof(text); err == nil || !strings.Contains(err.Error(), "oversized proof") {
		t.Errorf("an inclusion proof: %v", err)
	}
}

// The seeds in testdata are of one tree of 300 leaves. A proof of it that
// verifies is the one that the tree gives: there is no other.
func FuzzConsistencyProof(f *testing.F) {
	tree := grown(f, 300, leafOf)
	vkey := sampleKey.VerifierKey(sampleOrigin)
	text, err := json.Marshal(sampleConsistency(f, tree, 7, 13))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, data []byte) {
		var p ledger.ConsistencyProof
		if json.Unmarshal(data, &p) != nil {
			return
		}
		first, second, err := p.Check(vkey)
		if err == nil && !slices.Equal(p.Hashes, sampleConsistency(t, tree, first.Size, second.Size).Hashes) {
			t.Fatalf("a forged proof verifies: %s", data)
		}
	})
}

func FuzzRangeProof(f *testing.F) {
	tree := grown(f, 300, leafOf)
	vkey := sampleKey.VerifierKey(sampleOrigin)
	text, err := json.Marshal(sampleRange(f, tree, 5, 11, 19))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, data []byte) {
		var p ledger.SignedRange
		if json.Unmarshal(data, &p) != nil || p.End-p.First > 300 {
			return
		}
		leaves := make([]ledger.Hash, p.End-p.First)
		if _, err := p.Check(vkey, slices.Values(leaves)); err == nil {
			t.Fatalf("leaves that are not in the tree verify: %s", data)
		}
		for i := range leaves {
			leaves[i] = leafOf(int(p.First) + i)
		}
		c, err := p.Check(vkey, slices.Values(leaves))
		if err != nil {
			return
		}
		if left, right := sides(t, tree, p.First, p.End, c.Size); !slices.Equal(p.Left, left) || !slices.Equal(p.Right, right) {
			t.Fatalf("a forged proof verifies: %s", data)
		}
	})
}

// The vectors of docs/ledger-format.md: leaf n is the leaf hash of n in decimal.
func TestProofVectors(t *testing.T) {
	t.Parallel()
	tree := grown(t, 13, leafOf)
	for name, c := range map[string]struct {
		got  []ledger.Hash
		want []string
	}{
		"consistency": {sampleConsistency(t, tree, 7, 13).Hashes, []string{
			"O/nIHCMcrnC2eNPzA4+fT21rnXrc+bN48lkZrlPRdoY=", "eXQnz4NoBR/nuOPp1a3pxbydDPlvTz+tKh4deEg2gYg=", "0nN9zop98dfVz01fUtJ0gCxxv+IKLgeGguccGC05jJA=",
			"n0o/wg1BYtw31OI9kHhIcxp2BD//9taSiL8av7z/R44=", "lrKcl0YcDB3/eh4FKLL4DtcOel02OhJn9J9qqCLOIK4=",
		}},
		"left":  {sampleRange(t, tree, 5, 11, 13).Left, []string{"n0o/wg1BYtw31OI9kHhIcxp2BD//9taSiL8av7z/R44=", "EeH1WCI/THG2vhzs/R8N6HFG0llId8J7KexRn5BAITw="}},
		"right": {sampleRange(t, tree, 5, 11, 13).Right, []string{"IlqTEeaKGmHeR4eHzF+lY62Rxonms5YCBumQzYLPO3Y=", "FNf/Bsl9rs+tenSfTlkGp0roYG1y0Mkml7f5/oxaa7Q="}},
	} {
		var got []string
		for _, h := range c.got {
			got = append(got, h.String())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
	for size, want := range map[int64]string{7: "o+I7Msy2v5bQktFl2KpUbgmCnejwOw6JV1gdHha5K98=", 13: "JSDh8gh6Q+7wEv6kd03BVoyHEKnPp/flCUcl+efqGaI="} {
		if root, err := tlog.TreeHash(size, tree); err != nil || root.String() != want {
			t.Errorf("root of %d: %s %v", size, root, err)
		}
	}
}
