package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/forensic"
	"github.com/sealbook/sealbook/internal/forensic/eval/synthetic"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// apart has one reading do for entries that are so far apart only.
func apart(t *testing.T, n int) {
	was := nearbyEntries
	nearbyEntries = n
	t.Cleanup(func() { nearbyEntries = was })
}

// TestListenersHearTheOrderOfTime: whether one reading does or not, each entry is
// heard once in the order of the ledger, and once in that of time, ties by number.
func TestListenersHearTheOrderOfTime(t *testing.T) {
	log, id, _ := ledgertest.New(t)
	a := &Activities{Log: log}
	start := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 3 {
		events := make([]audit.Event, 1000)
		for n := range events {
			events[n] = ledgertest.Event(1000*i + n)
			at := start.Add(time.Duration((1000*i+n)*7919%500) * time.Hour)
			events[n].Timestamp = &at
		}
		if _, err := log.Append(t.Context(), ledger.Submission{Ledger: id, Events: events}); err != nil {
			t.Fatal(err)
		}
	}
	end := int64(2990) // where the scope was fixed
	row := &store.Investigation{Ledger: id, FromTime: start.Add(100 * time.Hour), UntilTime: start.Add(400 * time.Hour), EndSeq: &end}
	for _, c := range []struct{ nearby, readings int }{{5000, 1}, {5, 2}} {
		t.Run(fmt.Sprint(c.nearby), func(t *testing.T) {
			apart(t, c.nearby)
			during, err := a.scopeSpan(t.Context(), row)
			if err != nil {
				t.Fatal(err)
			}
			before, why, err := a.baselineSpan(t.Context(), row)
			if err != nil || why != "" {
				t.Fatal(why, err)
			}
			var arrived, heard []audit.Entry
			begun := 0
			err = a.listen(t.Context(), row, []caseSpan{before, during}, func() listener {
				begun++
				arrived, heard = nil, nil
				return listener{func(e *audit.Entry) { arrived = append(arrived, *e) }, func(e *audit.Entry) error { heard = append(heard, *e); return nil }}
			})
			if err != nil || begun != c.readings {
				t.Fatal(begun, err)
			}
			want := 0
			for n := range int(end) {
				if n*7919%500 < 400 {
					want++
				}
			}
			if len(arrived) != want || len(heard) != want {
				t.Fatalf("%d and %d entries, not %d", len(arrived), len(heard), want)
			}
			if !slices.IsSortedFunc(heard, func(a, b audit.Entry) int {
				if c := a.Time().Compare(b.Time()); c != 0 {
					return c
				}
				return int(a.Seq - b.Seq)
			}) {
				t.Error("not in the order of time")
			}
		})
	}
}

// TestAnalysesOfALedgerAreThoseOfAList: what is streamed gives the bytes that the
// same entries give in memory, and gives them again.
func TestAnalysesOfALedgerAreThoseOfAList(t *testing.T) {
	log, id, dsn := ledgertest.New(t)
	cases, err := store.Open(t.Context(), dsn, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer cases.Close()
	a := &Activities{Log: log, Store: cases}
	corpus, err := synthetic.Splits[0].NewSplit(9_990_001).Attacked(1)
	if err != nil {
		t.Fatal(err)
	}
	list, err := corpus.Entries()
	if err != nil {
		t.Fatal(err)
	}
	for part := range slices.Chunk(list, 1000) {
		events := make([]audit.Event, len(part))
		for i := range part {
			events[i] = part[i].Event
		}
		if _, err := log.Append(t.Context(), ledger.Submission{Ledger: id, Events: events}); err != nil {
			t.Fatal(err)
		}
	}
	window := audit.Period{From: synthetic.Splits[0].Start.AddDate(0, 0, 40), Until: synthetic.Splits[0].Start.AddDate(0, 0, 60)}
	row := &store.Investigation{Ledger: id, FromTime: window.From, UntilTime: window.Until}
	row.Request.V.Scope.Users = []string{list[0].Actor.String("id"), list[len(list)/2].Actor.String("id")}
	stored := wholeLedger(t, log, id)
	inside := slices.DeleteFunc(slices.Clone(stored), func(e audit.Entry) bool { return !window.Contains(e.Time()) })
	covered := map[string]bool{}
	for i := range inside {
		if row.Request.V.Scope.Covers(&inside[i]) {
			covered[inside[i].EntryID()] = true
		}
	}
	names := func(f forensic.Finding) bool {
		return slices.ContainsFunc(f.EntryIDs, func(id string) bool { return covered[id] })
	}
	rules, err := forensic.Load()
	if err != nil {
		t.Fatal(err)
	}
	patterns := forensic.Analyse(rules, inside)
	patterns.Findings = slices.DeleteFunc(patterns.Findings, func(f forensic.Finding) bool { return !names(f) })
	before := slices.DeleteFunc(slices.Clone(stored), func(e audit.Entry) bool { return !e.Time().Before(window.Until) })
	slices.SortStableFunc(before, func(a, b audit.Entry) int { return a.Time().Compare(b.Time()) })
	behaviour, err := forensic.Behave(func(yield func(*audit.Entry) bool) {
		for i := range before {
			if !yield(&before[i]) {
				return
			}
		}
	}, forensic.Options{Window: window})
	if err != nil {
		t.Fatal(err)
	}
	behaviour.Findings = slices.DeleteFunc(behaviour.Findings, func(f forensic.Finding) bool { return !names(f) && len(f.EntryIDs) > 0 })
	if len(patterns.Findings) == 0 || behaviour.Judged == 0 {
		t.Fatalf("%d findings, %d days judged: there is nothing to compare", len(patterns.Findings), behaviour.Judged)
	}
	for _, nearby := range []int{nearbyEntries, 3} {
		apart(t, nearby)
		for name, c := range map[string]struct {
			run  func(context.Context, *store.Investigation) (analysed, error)
			want any
		}{"patterns": {a.detectPatterns, patterns}, "behaviour": {a.analyseBehaviour, behaviour}} {
			got, err := c.run(t.Context(), row)
			if err != nil {
				t.Fatal(name, err)
			}
			want, err := json.MarshalIndent(c.want, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			if string(got.files[0].content) != string(want) {
				t.Errorf("%s, %d apart: other bytes than of a list", name, nearby)
			}
			if n := len(inside); got.entries != n {
				t.Errorf("%s: %d entries, not %d", name, got.entries, n)
			}
		}
		if nearby == 3 {
			continue
		}
		once, err := a.mapDataFlow(t.Context(), row)
		if err != nil {
			t.Fatal(err)
		}
		apart(t, 3)
		twice, err := a.mapDataFlow(t.Context(), row)
		if err != nil || string(once.files[0].content) != string(twice.files[0].content) {
			t.Error("the map depends on how it was read", err)
		}
	}
}

func wholeLedger(t *testing.T, log *ledger.Log, id int32) (list []audit.Entry) {
	t.Helper()
	head, _, err := log.Head(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for r, err := range log.Rows(t.Context(), id, 0, head.Size) {
		var e audit.Entry
		if err == nil {
			e, err = r.Entry()
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, e)
	}
	return list
}
