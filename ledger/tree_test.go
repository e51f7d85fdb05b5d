package ledger_test

import (
	"fmt"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/sealbook/sealbook/ledger"
)

// reference keeps every node, as golang.org/x/mod/sumdb/tlog defines them.
type reference []ledger.Hash

func (r *reference) add(leaf ledger.Hash) {
	n := int64(0)
	for tlog.StoredHashCount(n) < int64(len(*r)) {
		n++
	}
	hashes, err := tlog.StoredHashesForRecordHash(n, leaf, *r)
	if err != nil {
		panic(err)
	}
	*r = append(*r, hashes...)
}

func (r reference) ReadHashes(indexes []int64) ([]ledger.Hash, error) {
	var out []ledger.Hash
	for _, i := range indexes {
		out = append(out, r[i])
	}
	return out, nil
}

func leafOf(i int) ledger.Hash { return ledger.LeafHash(fmt.Append(nil, i)) }

func TestTreeAgreesWithTheReference(t *testing.T) {
	t.Parallel()
	var want reference
	tree, err := ledger.NewTree(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 600 {
		want.add(leafOf(i))
		if err := tree.Append(leafOf(i)); err != nil {
			t.Fatal(err)
		}
		root, err := tree.Root()
		wanted, wantErr := tlog.TreeHash(int64(i+1), want)
		if err != nil || wantErr != nil || root != wanted {
			t.Fatalf("root of %d: %s %v, want %s %v", i+1, root, err, wanted, wantErr)
		}
		if i%7 == 0 { // a process takes over from the stored edge
			if tree, err = ledger.NewTree(tree.Size(), tree.Edge()); err != nil {
				t.Fatal(err)
			}
		}
		if i%11 == 0 {
			tree.Trim()
		}
	}
}

func TestNewTreeRefusesAWrongEdge(t *testing.T) {
	t.Parallel()
	if _, err := ledger.NewTree(5, make([]ledger.Hash, 3)); err == nil {
		t.Error("a tree of 5 leaves has 2 hashes on its edge")
	}
}

func TestRangeRoot(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 700).Draw(t, "size")
		first := rapid.IntRange(0, size).Draw(t, "first")
		end := rapid.IntRange(first, size).Draw(t, "end")
		var all reference
		for i := range size {
			all.add(leafOf(i))
		}
		want, err := tlog.TreeHash(int64(size), all)
		if err != nil {
			t.Fatal(err)
		}
		// The sides of the proof, each leaf tree computed on its own.
		left, err := ledger.NewTree(0, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range first {
			if err := left.Append(leafOf(i)); err != nil {
				t.Fatal(err)
			}
		}
		proof := ledger.RangeProof{First: int64(first), End: int64(end), Size: int64(size), Left: left.Edge()}
		proof.Right = behind(proof.End, proof.Size)
		got, err := rangeRoot(proof, leafOf)
		if err != nil || got != want {
			t.Fatalf("[%d,%d) of %d: %s %v, want %s", first, end, size, got, err, want)
		}
		if end > first {
			changed := rapid.IntRange(first, end-1).Draw(t, "changed")
			got, err := rangeRoot(proof, func(i int) ledger.Hash {
				if i == changed {
					return leafOf(-1)
				}
				return leafOf(i)
			})
			if err == nil && got == want {
				t.Fatalf("entry %d was changed and the root is the same", changed)
			}
		}
		for _, side := range []*[]ledger.Hash{&proof.Left, &proof.Right} {
			if len(*side) > 0 {
				kept := slices.Clone(*side)
				*side = (*side)[1:]
				if _, err := ledger.NewRangeRoot(proof); err == nil {
					t.Fatal("a proof with a hash missing is accepted")
				}
				*side = kept
			}
		}
	})
}

func rangeRoot(p ledger.RangeProof, leaf func(int) ledger.Hash) (ledger.Hash, error) {
	r, err := ledger.NewRangeRoot(p)
	if err != nil {
		return ledger.Hash{}, err
	}
	for i := p.First; i < p.End; i++ {
		if err := r.Add(leaf(int(i))); err != nil {
			return ledger.Hash{}, err
		}
	}
	return r.Root()
}
