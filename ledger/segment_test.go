package ledger_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

func TestRanges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		first, end, width int64
		most              int
		want              string
	}{
		{0, 0, 256, 10, "[[0 0]]"},
		{7, 7, 256, 10, "[[7 7]]"},
		{0, 256, 256, 10, "[[0 256]]"},
		{0, 257, 256, 10, "[[0 256] [256 257]]"},
		{255, 513, 256, 10, "[[255 256] [256 512] [512 513]]"},
		{10, 20, 1, 10, "[[10 20]]"},                                       // borders are where tiles begin
		{0, 2000, 300, 10, "[[0 512] [512 1024] [1024 1536] [1536 2000]]"}, // and width is a whole number of them
		{100, 2000, 256, 4, "[[100 1024] [1024 2000]]"},
	} {
		if got := fmt.Sprint(ledger.Ranges(c.first, c.end, c.width, c.most)); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
	for _, size := range []int64{1, 1e6, 1e9, 1e12} {
		got := ledger.Ranges(13, 13+size, 1<<18, 100)
		at := int64(13)
		for _, r := range got {
			if r[0] != at || r[1] <= r[0] {
				t.Fatalf("%d: %v", size, got)
			}
			at = r[1]
		}
		if at != 13+size || len(got) > 100 {
			t.Errorf("%d: %d ranges end at %d", size, len(got), at)
		}
	}
}

// segments verifies a range in segments, each through its JSON.
func segments(t *testing.T, l *ledger.Log, id int32, first, end, width int64) []ledger.Segment {
	t.Helper()
	var out []ledger.Segment
	for _, r := range ledger.Ranges(first, end, width, 100) {
		s, err := l.VerifySegment(t.Context(), id, r[0], r[1])
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var kept ledger.Segment
		if err := json.Unmarshal(text, &kept); err != nil {
			t.Fatal(err)
		}
		out = append(out, kept)
	}
	return out
}

// Segments find together what one verification finds, whatever was done.
func TestSegmentsAddUp(t *testing.T) {
	t.Parallel()
	rewritten := func(seq int) []string {
		return []string{
			fmt.Sprintf(`update entry set record = convert_to(replace(convert_from(record, 'UTF8'), 'scan', 'skan'), 'UTF8') where seq = %d`, seq),
			fmt.Sprintf(`update entry set leaf = sha256('\x00'::bytea || record) where seq = %d`, seq),
		}
	}
	for name, statements := range map[string][]string{
		"nothing":                       nil,
		"a value":                       {`update payload set fields = replace(fields, 'event number 300', 'event number 999') where seq = 300`},
		"a column":                      {`update payload set actor_id = 'x' where seq in (10, 700)`},
		"an entry":                      {`delete from payload where seq = 600`, `delete from entry where seq = 600`},
		"the first of a segment":        {`delete from payload where seq = 512`, `delete from entry where seq = 512`},
		"the last of a segment":         {`delete from payload where seq = 511`, `delete from entry where seq = 511`},
		"the last of all":               {`delete from payload where seq = 799`, `delete from entry where seq = 799`},
		"rewritten at a border":         rewritten(255),
		"rewritten in the middle":       rewritten(300),
		"rewritten after a border":      rewritten(515),
		"a row beyond the head":         {`insert into entry select ledger, 5000, gen_random_uuid(), record, leaf from entry where seq = 4`},
		"many rows beyond the head":     {`insert into entry select ledger, 5000 + n, gen_random_uuid(), record, leaf from entry, generate_series(1, 1200) n where seq = 4`},
		"more problems than are listed": {`update payload set actor_id = 'x', category = 'x', severity = 'x' where seq < 700`},
		"a tile":                        {`update tile set root = sha256('x') where idx = 1 and level = 0`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, id, dsn := ledgertest.New(t)
			ledgertest.Append(t, l, id, 0, 800)
			if statements != nil {
				superuser(t, dsn, statements...)
			}
			whole, err := l.Verify(t.Context(), id, 0, 800, nil)
			if err != nil {
				t.Fatal(err)
			}
			if (statements == nil) != whole.OK() {
				t.Fatalf("%+v", whole)
			}
			parts := segments(t, l, id, 0, 800, 256)
			if len(parts) != 4 {
				t.Fatalf("%d segments", len(parts))
			}
			joined, err := ledger.JoinSegments(parts)
			if err != nil {
				t.Fatal(err)
			}
			if joined.Digest != whole.Digest || joined.Rows != whole.Rows || joined.First != 0 || joined.End != 800 || joined.Checkpoint != whole.Checkpoint || joined.OK() != whole.OK() {
				t.Errorf("%+v\n%+v", joined, whole)
			}
			// What is damaged inside one segment can also keep another from reading
			// the tree around it.
			more := max(joined.Counts[ledger.WrongTree]-whole.Counts[ledger.WrongTree], 0)
			if joined.Counts[ledger.WrongTree] -= more; joined.Counts[ledger.WrongTree] == 0 {
				delete(joined.Counts, ledger.WrongTree)
			}
			if !maps.Equal(joined.Counts, whole.Counts) {
				t.Errorf("counts %v, of the whole %v\n%+v\n%+v", joined.Counts, whole.Counts, joined.Problems, whole.Problems)
			}
			for _, p := range whole.Problems {
				if len(whole.Problems) < ledger.MaxProblems && !slices.ContainsFunc(joined.Problems, func(q ledger.Problem) bool { return reflect.DeepEqual(p, q) }) {
					t.Errorf("the segments do not find %+v", p)
				}
			}
			if n := len(joined.Problems); n != min(len(whole.Problems)+int(more), ledger.MaxProblems) {
				t.Errorf("%d problems, of the whole %d", n, len(whole.Problems))
			}
		})
	}
}

// The border between two segments is checked like every other link. Everything
// else about this ledger fits: its tree was built over the wrong chain.
func TestSegmentsAreLinked(t *testing.T) {
	t.Parallel()
	l, id, _ := ledgertest.New(t)
	ledgertest.Append(t, l, id, 0, 600)
	parts := segments(t, l, id, 0, 600, 256)
	parts[1].Left.Prev = ledger.Hash{1}
	parts[2].Left.At = parts[1].Right.At.AddDate(-1, 0, 0)
	v, err := ledger.JoinSegments(parts)
	if err != nil || v.Counts[ledger.BrokenChain] != 2 || v.Problems[0].Seq != 255 || v.Problems[1].Seq != 512 || v.Problems[1].EntryID == "" {
		t.Errorf("%+v %v", v, err)
	}
	if _, err := ledger.JoinSegments(parts[:1:1]); err != nil {
		t.Error(err)
	}
	if _, err := ledger.JoinSegments([]ledger.Segment{parts[0], parts[2]}); err == nil {
		t.Error("a segment is left out, and nobody minds")
	}
	if _, err := ledger.JoinSegments(nil); err == nil {
		t.Error("nothing is joined to something")
	}
}

// The ledger grows, or is cut, while its segments are verified.
func TestSegmentsOfAMovingLedger(t *testing.T) {
	t.Parallel()
	l, id, dsn := ledgertest.New(t)
	ledgertest.Append(t, l, id, 0, 300)
	before, err := l.Verify(t.Context(), id, 0, 300, nil)
	if err != nil {
		t.Fatal(err)
	}
	first, err := l.VerifySegment(t.Context(), id, 0, 256)
	if err != nil {
		t.Fatal(err)
	}
	ledgertest.Append(t, l, id, 300, 400)
	second, err := l.VerifySegment(t.Context(), id, 256, 300)
	if err != nil {
		t.Fatal(err)
	}
	v, err := ledger.JoinSegments([]ledger.Segment{first, second})
	if err != nil || !v.OK() || v.Digest != before.Digest || v.Checkpoint.Size != 700 {
		t.Errorf("%+v %v", v, err)
	}
	for _, tree := range []ledger.Checkpoint{first.Tree(), second.Tree()} {
		if e, err := l.Extension(t.Context(), id, tree); err != nil || !e.Holds() {
			t.Errorf("%+v %v", e, err)
		}
	}
	ledgertest.Check(t, l, id, 700)
	superuser(t, dsn, `delete from payload where seq >= 280`, `delete from entry where seq >= 280`, `update head set size = 280`)
	second, err = l.VerifySegment(t.Context(), id, 256, 300)
	if err != nil || second.Counts[ledger.LostTail] != 1 || second.End != 300 {
		t.Errorf("%+v %v", second, err)
	}
}
