package ledger_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// TestQueriesKnowConstraints: what a constrained list and range hold, what is
// found and what is counted is exactly what audit.Constraints.Covers says of the
// hashed content.
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
		if i%5 == 0 {
			e.Type = ledger.FixApplied
		}
		e.Frameworks = [][]audit.Framework{nil, {audit.SOC2}, {audit.GDPR, audit.SOC2}, {audit.SOX}}[i%4]
		e.Repository = []audit.Object{nil, {"id": "r1"}, {"id": "r2", "name": "two"}}[i%3]
		events = append(events, e)
	}
	if _, err := l.Append(t.Context(), ledger.Submission{Ledger: id, Events: events}); err != nil {
		t.Fatal(err)
	}
	if err := l.Index(t.Context()); err != nil {
		t.Fatal(err)
	}
	ever := audit.Period{From: first.AddDate(-1, 0, 0), Until: first.AddDate(20, 0, 0)}
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

				byType, fixes := map[string]int64{}, int64(0)
				for _, seq := range want {
					byType[all[seq].Type]++
					if all[seq].Type == ledger.FixApplied {
						fixes++
					}
				}
				s, err := l.Statistics(t.Context(), id, ever, c)
				if err != nil || s.Total != int64(len(want)) || !maps.Equal(s.ByType, byType) {
					t.Errorf("%s: statistics have %d, %v and covered are %v: %v", c, s.Total, s.ByType, byType, err)
				}
				days, err := l.CountDaily(t.Context(), id, audit.Filter{Types: []string{ledger.FixApplied}, Within: c}, first.AddDate(-10, 0, 0))
				for _, d := range days {
					fixes -= d.Entries
				}
				if err != nil || fixes != 0 {
					t.Errorf("%s: by day there are %v, %d too few: %v", c, days, fixes, err)
				}
				tallies, err := l.Tallies(t.Context(), id, ever, c, [][]audit.Selector{{{}}})
				if err != nil || tallies[0].Count != int64(len(want)) {
					t.Errorf("%s: the tally is %v, and covered are %v: %v", c, tallies, want, err)
				}
				found, err := l.Search(t.Context(), id, ledger.Search{Query: "event", Fields: audit.SearchAll, Everything: true, Within: c, Limit: 200})
				matched := []int64{}
				for _, m := range found.Matches {
					matched = append(matched, m.Seq)
				}
				slices.Sort(matched)
				if err != nil || found.Total != int64(len(want)) || !slices.Equal(matched, want) {
					t.Errorf("%s: the search finds %v of %d, and covered are %v: %v", c, matched, found.Total, want, err)
				}
			}
		}
	}
	if len(sizes) < 10 {
		t.Errorf("the constraints make no difference: %s", fmt.Sprint(sizes))
	}
	ledgertest.Check(t, l, id, int64(len(events)))
}
