package ledger_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// TestQueriesKnowConstraints: what a constrained list and range hold is exactly
// what audit.Constraints.Covers says of the hashed content.
func TestQueriesKnowConstraints(t *testing.T) {
	t.Parallel()
	l, id, _ := ledgertest.New(t)
	first := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	var events []audit.Event
	for i := range 96 {
		e := ledgertest.Event(i)
		at := first.Add(time.Duration(i%8) * 6 * time.Hour)
		if e.Timestamp = &at; i%7 == 0 {
			e.Timestamp = nil
		}
		e.Frameworks = [][]audit.Framework{nil, {audit.SOC2}, {audit.GDPR, audit.SOC2}, {audit.SOX}}[i%4]
		e.Repository = []audit.Object{nil, {"id": "r1"}, {"id": "r2", "name": "two"}}[i%3]
		events = append(events, e)
	}
	if _, err := l.Append(t.Context(), ledger.Submission{Ledger: id, Events: events}); err != nil {
		t.Fatal(err)
	}
	var all []audit.Entry
	for row, err := range l.Rows(t.Context(), id, 0, int64(len(events))) {
		if err != nil {
			t.Fatal(err)
		}
		e, err := row.Entry()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	sizes := map[int]bool{}
	for _, frameworks := range [][]audit.Framework{nil, {audit.SOC2}, {audit.SOX, audit.GDPR}, {audit.NISTCSF}} {
		for _, repositories := range [][]string{nil, {"r1"}, {"r1", "r2"}, {"r3"}} {
			for _, period := range [][2]string{{}, {"2025-01-01", "2025-01-01"}, {"2025-01-01T06:00:00Z", ""}, {"", "2025-01-01T12:00:00Z"}, {"2031-01-01", ""}} {
				c := audit.Constraints{Frameworks: frameworks, Repositories: repositories, From: period[0], To: period[1]}
				if !c.Empty() {
					if bad := c.Normalise(""); bad != nil {
						t.Fatal(bad)
					}
				}
				var want []int64
				for i := range all {
					if c.Covers(&all[i]) {
						want = append(want, all[i].Seq)
					}
				}
				list, err := l.List(t.Context(), id, audit.Filter{Within: c}, audit.Page{Limit: 200, Ascending: true, Total: true})
				if err != nil {
					t.Fatal(err)
				}
				var got []int64
				for _, r := range list.Rows {
					got = append(got, r.Seq)
				}
				if !slices.Equal(got, want) || list.Total != int64(len(want)) {
					t.Errorf("%s: the list has %v, and covered are %v", c, got, want)
				}
				from, end, count, err := l.Range(t.Context(), id, audit.Filter{Within: c})
				if err != nil || count != int64(len(want)) || count > 0 && (from != want[0] || end != want[count-1]+1) {
					t.Errorf("%s: the range is [%d, %d) of %d, %v", c, from, end, count, err)
				}
				sizes[len(want)] = true
			}
		}
	}
	if len(sizes) < 10 {
		t.Errorf("the constraints make no difference: %s", fmt.Sprint(sizes))
	}
	ledgertest.Check(t, l, id, int64(len(events)))
}
