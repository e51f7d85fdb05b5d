package ledger_test

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/sealbook/sealbook/ledger"
)

// The fuzz targets of the formats start from docs/vectors.json, the good
// vectors and the bad ones. Those of records, receipts and JSON are beside
// their tests.

func readVectors(tb testing.TB) (v vectors) {
	tb.Helper()
	text, err := os.ReadFile(vectorsFile)
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

func FuzzGenesis(f *testing.F) {
	for _, v := range readVectors(f).Geneses {
		f.Add([]byte(v.Genesis))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if g, err := ledger.ParseGenesis(data); err == nil && !bytes.Equal(g.Encode(), data) {
			t.Fatalf("%q is accepted but encodes as %q", data, g.Encode())
		}
	})
}

// FuzzCheckpoint: nothing but what the key signed opens as a checkpoint.
func FuzzCheckpoint(f *testing.F) {
	all := readVectors(f)
	want := ledger.Checkpoint{Origin: all.Checkpoints[0].Origin, Size: all.Checkpoints[0].Size, Root: all.Checkpoints[0].Root}
	for _, v := range all.Checkpoints {
		f.Add([]byte(v.Note))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := ledger.OpenCheckpoint(data, all.Key.VerifierKey); err == nil && c != want {
			t.Fatalf("a forged checkpoint verifies: %s", data)
		}
	})
}

func FuzzProof(f *testing.F) {
	for _, v := range readVectors(f).Proofs {
		f.Add([]byte(v.Proof))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ledger.ParseProof(data)
		if err != nil || bytes.Contains(data, []byte("\nextra ")) {
			return
		}
		if !bytes.Equal(p.Encode(), data) {
			t.Fatalf("%q is accepted but encodes as %q", data, p.Encode())
		}
	})
}

// FuzzRange: of all range proofs, only the right hashes lead to the root.
func FuzzRange(f *testing.F) {
	all := readVectors(f)
	want := map[int64]ledger.Hash{}
	for _, v := range all.Ranges {
		if text, err := json.Marshal(v); err == nil {
			f.Add(text)
		}
		if v.Error == "" {
			want[v.Size] = v.Root
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var p ledger.RangeProof
		if json.Unmarshal(data, &p) != nil || p.End-p.First > 2000 {
			return
		}
		root, err := vectorRoot(p)
		whole, known := want[p.Size]
		if err != nil || !known || root != whole {
			return
		}
		left, right := cover(0, p.First), behind(p.End, p.Size)
		if !slices.Equal(p.Left, left) || !slices.Equal(p.Right, right) {
			t.Fatalf("a forged range proof leads to the root: %s", data)
		}
	})
}
