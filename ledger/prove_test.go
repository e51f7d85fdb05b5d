package ledger_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// Every proof that the ledger gives verifies with the public key alone, after
// a round trip through its text, and only what was acknowledged is signed.
func TestProofsOfALedger(t *testing.T) {
	t.Parallel()
	l, id, _ := ledgertest.New(t)
	if c, err := l.Checkpoint(t.Context(), id, ledger.Newest); err != nil || c.Size != 0 {
		t.Errorf("of an empty ledger: %+v %v", c, err)
	}
	for what, err := range map[string]error{
		"entry": second(l.ProveEntry(t.Context(), id, 0, ledger.Newest)), "range": second(l.ProveRange(t.Context(), id, 0, 0, ledger.Newest)),
		"consistency": second(l.ProveConsistency(t.Context(), id, ledger.Newest, ledger.Newest)),
	} {
		if code := audit.CodeOf(err); code != audit.InvalidParameter && code != audit.NotFound {
			t.Errorf("%s of an empty ledger: %v", what, err)
		}
	}
	sizes := []int64{1, 2, 5, 256, 257, 600}
	var leaves []ledger.Hash
	for _, size := range sizes {
		for _, r := range ledgertest.Append(t, l, id, len(leaves), int(size)-len(leaves)) {
			leaves = append(leaves, ledger.LeafHash(r.Record))
		}
	}
	origin := ledgertest.Origin + "/org_test"
	vkey := ledgertest.Key.VerifierKey(origin)

	list, err := l.Checkpoints(t.Context(), id, 4, "")
	if err != nil || len(list.Checkpoints) != 4 || list.NextCursor == "" {
		t.Fatalf("%+v %v", list, err)
	}
	rest, err := l.Checkpoints(t.Context(), id, 4, list.NextCursor)
	if err != nil || len(rest.Checkpoints) != 2 || rest.NextCursor != "" {
		t.Fatalf("%+v %v", rest, err)
	}
	for i, listed := range append(list.Checkpoints, rest.Checkpoints...) {
		size := sizes[len(sizes)-1-i]
		c, err := l.Checkpoint(t.Context(), id, size)
		if err != nil {
			t.Fatal(err)
		}
		opened, err := ledger.OpenCheckpoint(c.Note, vkey)
		if err != nil || opened != c.Checkpoint || listed.Checkpoint != c.Checkpoint || c.Size != size || c.Origin != origin || !listed.CreatedAt.Equal(c.CreatedAt) {
			t.Errorf("%+v is listed as %+v, signed as %+v: %v", c, listed, opened, err)
		}
	}
	for _, size := range []int64{0, 3, 255, 599, 601, 1 << 40} {
		if _, err := l.Checkpoint(t.Context(), id, size); audit.CodeOf(err) != audit.NotFound {
			t.Errorf("%d entries: %v", size, err)
		}
	}

	for _, size := range append(sizes, ledger.Newest) {
		covered := size
		if size == ledger.Newest {
			covered = 600
		}
		for _, seq := range []int64{0, 4, 255, 256, 599} {
			p, err := l.ProveEntry(t.Context(), id, seq, size)
			if seq >= covered {
				if audit.CodeOf(err) != audit.InvalidParameter {
					t.Errorf("entry %d in a tree of %d: %v", seq, size, err)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			back, err := ledger.ParseProof(p.Encode())
			if err != nil {
				t.Fatal(err)
			}
			if c, err := back.Check(leaves[seq], vkey); err != nil || c.Size != covered {
				t.Errorf("entry %d in a tree of %d: %+v %v", seq, size, c, err)
			}
			if _, err := back.Check(leaves[(seq+1)%600], vkey); err == nil {
				t.Errorf("entry %d in a tree of %d: another leaf is accepted", seq, size)
			}
		}
		for _, first := range sizes {
			p, err := l.ProveConsistency(t.Context(), id, first, size)
			if first > covered {
				if audit.CodeOf(err) != audit.InvalidParameter {
					t.Errorf("from %d to %d: %v", first, size, err)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			var back ledger.ConsistencyProof
			throughJSON(t, p, &back)
			if a, b, err := back.Check(vkey); err != nil || a.Size != first || b.Size != covered {
				t.Errorf("from %d to %d: %+v %+v %v", first, size, a, b, err)
			}
		}
		for _, r := range [][2]int64{{0, 1}, {0, 5}, {3, 4}, {1, 255}, {255, 257}, {0, 600}, {599, 600}, {4, 4}, {5, 4}, {600, 601}} {
			p, err := l.ProveRange(t.Context(), id, r[0], r[1], size)
			if r[0] >= r[1] || r[1] > covered {
				if audit.CodeOf(err) != audit.InvalidParameter {
					t.Errorf("%v of %d: %v", r, size, err)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			var back ledger.SignedRange
			throughJSON(t, p, &back)
			if _, err := back.Check(vkey, slices.Values(leaves[r[0]:r[1]])); err != nil {
				t.Errorf("%v of %d: %v", r, size, err)
			}
		}
	}
	ledgertest.Check(t, l, id, 600)
}

func throughJSON(t *testing.T, from, to any) {
	t.Helper()
	text, err := json.Marshal(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, to); err != nil {
		t.Fatal(err)
	}
}
