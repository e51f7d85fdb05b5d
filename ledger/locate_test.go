package ledger_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// appendBatches appends n events in batches of size and returns the checkpoint
// of each.
func appendBatches(t testing.TB, l *ledger.Log, id int32, n, size int) (points []ledger.Checkpoint) {
	t.Helper()
	for first := 0; first < n; first += size {
		ledgertest.Append(t, l, id, first, size)
		c, _, err := l.Head(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		points = append(points, c)
	}
	return points
}

func forge(t testing.TB, dsn string, id int32, f forgery) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), `set session_replication_role = replica`); err != nil {
		t.Fatal(err)
	}
	f.apply(t, conn, id)
}

// what renders problems shortly: the kind and the entry or range.
func what(v *ledger.Verification) (out []string) {
	for _, p := range v.Problems {
		switch {
		case p.Seq >= 0:
			out = append(out, fmt.Sprintf("%s %d", p.Kind, p.Seq))
		case p.Range != nil:
			out = append(out, fmt.Sprintf("%s %d-%d", p.Kind, p.Range.First, p.Range.Last))
		default:
			out = append(out, string(p.Kind))
		}
	}
	return slices.Compact(out)
}

// A rewrite that leaves some copies behind is named by them, to the entry or
// to the smallest range that still has a trusted hash; one that leaves none is
// revealed by a checkpoint from outside.
func TestRewritesAreLocated(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		forgery
		found   []string // without anything from outside
		trusted []string // beside, with the checkpoints of 300 and 600 entries
	}{
		"without what follows":        {forgery{seq: 350, tiles: true, roots: true, head: true, points: true}, []string{"broken_chain 350"}, []string{"forked", "forked 300-599"}},
		"record and leaf":             {forgery{seq: 510, rechain: true}, []string{"wrong_tree 510", "wrong_tree 511", "broken_chain 599", "wrong_tree 256-511", "wrong_tree", "wrong_tree 512-575"}, nil},
		"the tile, not its root":      {forgery{seq: 350, rechain: true, tiles: true}, []string{"wrong_tree 256-511"}, []string{"forked", "forked 256-511"}},
		"the tiles, not the head":     {forgery{seq: 350, rechain: true, tiles: true, roots: true}, []string{"wrong_tree 0-511"}, nil},
		"all but the checkpoints":     {forgery{seq: 350, rechain: true, tiles: true, roots: true, head: true}, []string{"wrong_tree 300-399"}, []string{"forked 300-599"}},
		"all but the head":            {forgery{seq: 350, rechain: true, tiles: true, roots: true, points: true}, []string{"wrong_tree"}, []string{"forked", "forked 0-511"}},
		"everything":                  {everything.of(350), nil, []string{"forked", "forked 300-599"}},
		"everything, the last entry":  {everything.of(599), nil, []string{"forked", "forked 300-599"}},
		"everything, the first entry": {everything.of(0), nil, []string{"forked", "forked 0-299"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, id, dsn := ledgertest.New(t)
			points := appendBatches(t, l, id, 600, 100)
			ledgertest.Check(t, l, id, 600)
			forge(t, dsn, id, c.forgery)
			v, err := l.Verify(t.Context(), id, 0, 1<<62, nil)
			if err != nil {
				t.Fatal(err)
			}
			contains(t, what(&v), c.found)
			v, err = l.VerifyWith(t.Context(), id, ledger.VerifyOptions{End: 1 << 62, Trusted: []ledger.Checkpoint{points[5], points[2]}})
			if err != nil {
				t.Fatal(err)
			}
			contains(t, what(&v), append(slices.Clone(c.found), c.trusted...))
			if len(v.Trusted) != 2 || v.Trusted[0].Holds != (c.seq >= 300) || v.Trusted[1].Holds {
				t.Errorf("%+v", v.Trusted)
			}
		})
	}
}

func contains(t *testing.T, found, want []string) {
	t.Helper()
	if len(want) == 0 && len(found) > 0 {
		t.Errorf("found %v", found)
	}
	for _, w := range want {
		if !slices.Contains(found, w) {
			t.Errorf("no %q among %v", w, found)
		}
	}
}

// With tiles of two levels, only the tile that was changed is named among 257.
func TestRewritesAreLocatedInUpperTiles(t *testing.T) {
	t.Parallel()
	l, id, dsn := ledgertest.New(t)
	const n = 65_536 + 300
	var events []audit.Event
	for range n {
		events = append(events, audit.Event{Type: "scan.completed", Class: audit.ClassSystem, Severity: audit.SeverityLow})
	}
	for batch := range slices.Chunk(events, ledger.MaxBulk) {
		if _, err := l.Append(t.Context(), ledger.Submission{Ledger: id, Events: batch}); err != nil {
			t.Fatal(err)
		}
	}
	ledgertest.Check(t, l, id, n)
	c, _, err := l.Head(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	superuser(t, dsn, `update entry set leaf = sha256('x') where seq = 40000`)
	forge(t, dsn, id, forgery{seq: 30_000, tiles: true})
	v, err := l.VerifyWith(t.Context(), id, ledger.VerifyOptions{End: 1 << 62, Trusted: []ledger.Checkpoint{c}})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(what(&v))
	contains(t, what(&v), []string{"broken_chain 30000", "hash_mismatch 40000", "forked 29952-30207"})
}

// A checkpoint from outside reveals a tail that is gone, however well the rest
// was made to fit.
func TestALostTailIsNamed(t *testing.T) {
	t.Parallel()
	l, id, dsn := ledgertest.New(t)
	points := appendBatches(t, l, id, 300, 100)
	// The attacker restores what the database was before the last batch.
	root := points[1].Root
	tree, err := ledger.NewTree(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	var last ledger.Row
	for row, err := range l.Rows(t.Context(), id, 0, 200) {
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.Append(row.Leaf); err != nil {
			t.Fatal(err)
		}
		last = row
	}
	rec, err := ledger.ParseRecord(last.Record)
	if err != nil {
		t.Fatal(err)
	}
	var edge []byte
	for _, h := range tree.Edge() {
		edge = append(edge, h[:]...)
	}
	superuser(t, dsn, `delete from entry where seq >= 200`, `delete from payload where seq >= 200`, `delete from checkpoint where size > 200`, `delete from tile`,
		`select recount_rollups()`,
		fmt.Sprintf(`update head set size = 200, root = '\x%x', edge = '\x%x', last_leaf = '\x%x', last_time = '%s'`,
			root[:], edge, last.Leaf[:], rec.RecordedAt.Format(ledger.TimeFormat)))
	if v := ledgertest.Check(t, l, id, 200); !v.OK() {
		t.Fatal("the rest does not fit")
	}
	v, err := l.VerifyWith(t.Context(), id, ledger.VerifyOptions{End: 1 << 62, Trusted: points})
	if err != nil {
		t.Fatal(err)
	}
	contains(t, what(&v), []string{"lost_tail 200-299"})
	if len(v.Problems) != 1 || v.Problems[0].Message != "entries 200 to 299 are missing: the trusted checkpoint covers 300" ||
		!v.Trusted[0].Holds || !v.Trusted[1].Holds || v.Trusted[2].Holds {
		t.Errorf("%+v %+v", v.Problems, v.Trusted)
	}
}

// What came after a trusted checkpoint can be verified alone.
func TestVerifyFrom(t *testing.T) {
	t.Parallel()
	l, id, dsn := ledgertest.New(t)
	points := appendBatches(t, l, id, 700, 100)
	for _, c := range points[:6] {
		v, err := l.VerifyFrom(t.Context(), id, c, nil)
		if err != nil || !v.OK() || v.Rows != 700-c.Size || !v.Trusted[0].Holds {
			t.Errorf("from %d: %+v %v", c.Size, v, err)
		}
		// Any range can be tied to any checkpoint.
		for _, r := range [][2]int64{{0, 50}, {250, 260}, {300, 512}, {650, 700}} {
			v, err := l.VerifyWith(t.Context(), id, ledger.VerifyOptions{First: r[0], End: r[1], Trusted: points})
			if err != nil || !v.OK() || slices.ContainsFunc(v.Trusted, func(t ledger.Trust) bool { return !t.Holds }) {
				t.Errorf("%v: %+v %v", r, v, err)
			}
		}
	}
	v, err := l.VerifyFrom(t.Context(), id, points[6], nil)
	if err != nil || v.OK() || len(v.Problems) > 0 || !v.Trusted[0].Holds {
		t.Errorf("nothing new: %+v %v", v, err)
	}
	other := points[3]
	other.Origin = "ledger.test/other"
	if _, err := l.VerifyFrom(t.Context(), id, other, nil); audit.CodeOf(err) != audit.ValidationFailed {
		t.Errorf("a checkpoint of another ledger: %v", err)
	}
	other = points[3]
	other.Root[0] ^= 1
	if v, err = l.VerifyFrom(t.Context(), id, other, nil); err != nil {
		t.Fatal(err)
	}
	contains(t, what(&v), []string{"forked", "forked 0-399"})

	forge(t, dsn, id, everything.of(350))
	if v, err = l.VerifyFrom(t.Context(), id, points[3], nil); err != nil {
		t.Fatal(err)
	}
	contains(t, what(&v), []string{"forked", "forked 0-399"})
	v, err = l.VerifyWith(t.Context(), id, ledger.VerifyOptions{First: 600, End: 700, Trusted: points})
	if err != nil || v.Trusted[2].Holds != true || v.Trusted[3].Holds != false {
		t.Errorf("%+v %v", v, err)
	}
	contains(t, what(&v), []string{"forked", "forked 300-399"})
}
