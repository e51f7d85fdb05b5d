package ledger_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// find searches and fails the test when that is an error.
func find(t *testing.T, l *ledger.Log, id int32, query string) ledger.Found {
	t.Helper()
	found, err := l.Search(t.Context(), id, ledger.Search{Query: query, Fields: audit.SearchAll, Everything: true, Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestIndexerFollows runs two indexers, as two processes do, while entries are
// appended: each is found soon, and once.
func TestIndexerFollows(t *testing.T) {
	t.Parallel()
	dsn := ledgertest.Database(t)
	state := t.TempDir() + "/state"
	shared := func(c *ledger.Config) { c.IndexEvery, c.SignerState = 20*time.Millisecond, state }
	a, b := ledgertest.Open(t, dsn, shared), ledgertest.Open(t, dsn, shared)
	d, err := a.Create(t.Context(), "org_test")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{}, 2)
	for _, l := range []*ledger.Log{a, b} {
		go func() {
			l.RunIndexer(ctx)
			ended <- struct{}{}
		}()
	}
	ledgertest.Append(t, b, d.ID, 0, 600) // more than two batches
	for wait := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		found := find(t, a, d.ID, `"event number 599"`)
		if found.Indexed == 600 {
			if found.Total != 1 || found.Matches[0].Seq != 599 || found.Size != 600 {
				t.Errorf("found %+v", found)
			}
			break
		}
		if time.Now().After(wait) {
			t.Fatalf("%d of 600 entries are indexed", found.Indexed)
		}
	}
	if found := find(t, a, d.ID, "event"); found.Total != 600 || len(found.Matches) != 10 || found.Matches[0].Seq != 599 {
		t.Errorf("%d entries found, the first is %d", found.Total, found.Matches[0].Seq)
	}
	stop()
	<-ended
	<-ended
	ledgertest.Check(t, a, d.ID, 600)
}

// TestErasureReachesTheIndex takes the redactor's way through the schema: what
// it removes stays removed, also when the indexer runs at the same time.
func TestErasureReachesTheIndex(t *testing.T) {
	t.Parallel()
	l, id, dsn := ledgertest.New(t)
	ledgertest.Append(t, l, id, 0, 10)
	redactor, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer redactor.Close(context.WithoutCancel(t.Context()))
	if _, err := redactor.Exec(t.Context(), `set role sealbook_redactor`); err != nil {
		t.Fatal(err)
	}
	if err := l.Index(t.Context()); err != nil {
		t.Fatal(err)
	}
	ledgertest.Append(t, l, id, 10, 10)
	tx, err := redactor.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.WithoutCancel(t.Context()))
	exec := func(sql string, args ...any) {
		if tag, err := tx.Exec(t.Context(), sql, args...); err != nil || tag.RowsAffected() != 1 {
			t.Fatalf("%s: %v, %v", sql, tag, err)
		}
	}
	exec(`select 1 from search_progress where ledger = $1 for update`, id)
	indexed := make(chan error, 1)
	go func() { indexed <- l.Index(context.WithoutCancel(t.Context())) }()
	awaitLock(t, dsn)                    // however far the indexer gets before it must wait
	for _, seq := range []int64{5, 15} { // one that is indexed, one that is about to be
		exec(`update payload set seed = null, fields = '{}', salts = '{}', commitments = '{}' where ledger = $1 and seq = $2`, id, seq)
	}
	exec(`delete from search_text where ledger = $1 and seq = 5`, id)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-indexed; err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{5, 15} {
		if found := find(t, l, id, fmt.Sprintf(`"event number %d"`, n)); found.Total != 0 || found.Indexed != 20 {
			t.Errorf("event %d is found: %+v", n, found)
		}
	}
	if found := find(t, l, id, `"event number 14"`); found.Total != 1 {
		t.Errorf("event 14 is not found")
	}
}

// awaitLock returns once somebody waits for a lock in the database.
func awaitLock(t *testing.T, dsn string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	for end, waits := time.Now().Add(time.Minute), false; !waits; time.Sleep(5 * time.Millisecond) {
		err := conn.QueryRow(t.Context(), `select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')`).Scan(&waits)
		if err != nil || time.Now().After(end) {
			t.Fatalf("nobody waits for a lock: %v", err)
		}
	}
}

// TestSearchIsFenced asks as the reader, for another ledger than its own.
func TestSearchIsFenced(t *testing.T) {
	t.Parallel()
	l, id, dsn := ledgertest.New(t)
	ledgertest.Append(t, l, id, 0, 3)
	if err := l.Index(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	count := func(setting string) (n int) {
		t.Helper()
		err := conn.QueryRow(t.Context(), `select count(*) from search_sensitive('event', 'event', 10, 10, 100), unnest(seqs) where set_config('sealbook.ledger', $1, false) is not null`, setting).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, sql := range []string{`set role sealbook_reader`, `select set_config('sealbook.ledger', '` + fmt.Sprint(id) + `', false)`} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(fmt.Sprint(id)); n != 3 {
		t.Errorf("the reader finds %d of its 3 entries", n)
	}
	for _, other := range []string{"", "999"} {
		if _, err := conn.Exec(t.Context(), `select set_config('sealbook.ledger', $1, false)`, other); err != nil {
			t.Fatal(err)
		}
		if n := count(other); n != 0 {
			t.Errorf("a reader of ledger %q finds %d entries of another", other, n)
		}
	}
	if _, err := conn.Exec(t.Context(), `select basic from search_text`); err == nil {
		t.Error("the reader reads the index around the fence")
	}
}

// TestIndexTakesAnyText indexes the longest text, made to need the most room.
func TestIndexTakesAnyText(t *testing.T) {
	t.Parallel()
	l, id, _ := ledgertest.New(t)
	word := func(n int) string { return fmt.Sprintf("%c%c%c", 'a'+n%26, 'a'+n/26%26, 'a'+n/676%26) }
	var b strings.Builder
	for n := 0; b.Len() < 240<<10; n++ {
		fmt.Fprintf(&b, "%s-%s.%s ", word(n), word(n*7+3), word(n/17576+n))
	}
	e := ledgertest.Event(0)
	e.Details["text"] = b.String()
	long := ledgertest.Event(1)
	long.Details["text"] = strings.Repeat("x", 200<<10)
	marks := ledgertest.Event(2)
	marks.Details["text"] = strings.Repeat("\u0301\u200d\U0001F600 \ue000 ", 5_000)
	if _, err := l.Append(t.Context(), ledger.Submission{Ledger: id, Events: []audit.Event{e, long, marks}}); err != nil {
		t.Fatal(err)
	}
	if err := l.Index(t.Context()); err != nil {
		t.Fatal(err)
	}
	if found := find(t, l, id, `"event number"`); found.Total != 3 {
		t.Errorf("%d of 3 entries found", found.Total)
	}
	if _, err := l.Highlight(t.Context(), id, "event", []string{b.String(), "", strings.Repeat("<b>", 20_000)}); err != nil {
		t.Error(err)
	}
}

// TestNoQueryIsAnError asks at random with what has a meaning in queries.
func TestNoQueryIsAnError(t *testing.T) {
	t.Parallel()
	l, id, _ := ledgertest.New(t)
	ledgertest.Append(t, l, id, 0, 3)
	if err := l.Index(t.Context()); err != nil {
		t.Fatal(err)
	}
	pieces := []string{"-", `"`, " ", "or", " or ", "a", "event", "'", `\`, "(", ")", "|", "&", "!", ":*", ":A", "<->", "<2>", "é", "😀", "@", "/", ".", "1", "-1", "e5", "\u00a0", "<b>", "&amp;", "http://x.y/"}
	random := rand.New(rand.NewPCG(1, 2))
	for range 1500 {
		var q strings.Builder
		for range 1 + random.IntN(60) {
			q.WriteString(pieces[random.IntN(len(pieces))])
		}
		s := ledger.Search{Query: q.String(), Fields: audit.SearchFieldsList[random.IntN(3)], Limit: 2}
		found, err := l.Search(t.Context(), id, s)
		if err == nil {
			_, err = l.Highlight(t.Context(), id, s.Query, []string{"one event <b>", "é"})
		}
		if err != nil && audit.CodeOf(err) != audit.InvalidParameter {
			t.Fatalf("%q: %v", s.Query, err)
		}
		for _, m := range found.Matches {
			if m.Score < 0 || m.Score > 1 {
				t.Errorf("%q: score %v", s.Query, m.Score)
			}
		}
	}
}

// TestSearchIsBounded has more matches than are ranked, and too little time.
func TestSearchIsBounded(t *testing.T) {
	t.Parallel()
	dsn := ledgertest.Database(t)
	state := t.TempDir() + "/state"
	l := ledgertest.Open(t, dsn, func(c *ledger.Config) { c.SignerState = state })
	d, err := l.Create(t.Context(), "org_test")
	if err != nil {
		t.Fatal(err)
	}
	const n = audit.MaxSearchMatches + 20
	ledgertest.Append(t, l, d.ID, 0, n)
	if err := l.Index(t.Context()); err != nil {
		t.Fatal(err)
	}
	if found := find(t, l, d.ID, "event"); !found.Capped || found.From != n-audit.MaxSearchMatches || found.Total != audit.MaxSearchMatches || found.Matches[0].Seq != n-1 {
		t.Errorf("%d entries found, capped: %t", found.Total, found.Capped)
	}
	if found := find(t, l, d.ID, `"number 3"`); found.Capped || found.From != 0 || found.Total != 1 {
		t.Errorf("%d entries found, capped: %t", found.Total, found.Capped)
	}
	frugal := ledgertest.Open(t, dsn, func(c *ledger.Config) { c.SignerState, c.SearchWork = state, 100 })
	covered := ledger.Search{Query: "event", Fields: audit.SearchAll, Everything: true, Within: audit.Constraints{From: "2000-01-01"}, Limit: 1}
	if bad := covered.Within.Normalise(""); bad != nil {
		t.Fatal(bad)
	}
	within, err := frugal.Search(t.Context(), d.ID, covered)
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range []ledger.Found{find(t, frugal, d.ID, "event"), within} { // the newest window is the first that can be too much
		if !found.Capped || found.From != 8192 || found.Total != n-8192 || found.Matches[0].Seq != n-1 {
			t.Errorf("%d entries found from %d on, capped: %t", found.Total, found.From, found.Capped)
		}
	}
	if found := find(t, frugal, d.ID, `"number 4321"`); found.Capped || found.From != 0 || found.Total != 1 {
		t.Errorf("a rare word: %d entries found from %d on, capped: %t", found.Total, found.From, found.Capped)
	}
	if _, err := l.Search(t.Context(), d.ID, ledger.Search{Query: "event", Limit: 1, Offset: audit.MaxOffset + 1}); audit.CodeOf(err) != audit.PaginationTooDeep {
		t.Error(err)
	}
	hurried := ledgertest.Open(t, dsn, func(c *ledger.Config) { c.SignerState, c.SearchTimeout = state, time.Millisecond })
	if _, err := hurried.Search(t.Context(), d.ID, ledger.Search{Query: "event", Limit: 1}); audit.CodeOf(err) != audit.Unavailable {
		t.Errorf("a search that takes too long: %v", err)
	}
	if _, err := hurried.Tallies(t.Context(), d.ID, audit.Period{}, audit.Constraints{}, [][]audit.Selector{{{}}}); audit.CodeOf(err) != audit.Unavailable {
		t.Errorf("a count that takes too long: %v", err)
	}
}

// TestTallies counts with the searchable columns and compares with the entries
// themselves.
func TestTallies(t *testing.T) {
	t.Parallel()
	l, id, _ := ledgertest.New(t)
	const n = 300
	var events []audit.Event
	for i := range n {
		events = append(events, attackedEvent(i))
	}
	own := audit.Event{Type: "audit.test", Class: audit.ClassSystem, Severity: audit.SeverityLow, Timestamp: events[7].Timestamp}
	events = append(events, own)
	if _, err := l.Append(t.Context(), ledger.Submission{Ledger: id, Events: events}); err != nil {
		t.Fatal(err)
	}
	period := audit.Period{From: *events[5].Timestamp, Until: *events[250].Timestamp}
	family := func(e *audit.Event) string { f, _, _ := strings.Cut(e.Type, "."); return f }
	for i, c := range []struct {
		match []audit.Selector
		want  func(*audit.Event) bool
	}{
		{[]audit.Selector{{}}, func(e *audit.Event) bool { return family(e) != "audit" }},
		{[]audit.Selector{{Types: []string{"audit.test"}}}, func(e *audit.Event) bool { return e.Type == "audit.test" }},
		{[]audit.Selector{{Families: []string{"scan", "audit"}}}, func(e *audit.Event) bool { return family(e) == "scan" || family(e) == "audit" }},
		{[]audit.Selector{{Types: []string{"fix.applied"}, Severities: []audit.Severity{"high"}}}, func(e *audit.Event) bool { return e.Type == "fix.applied" && e.Severity == "high" }},
		{[]audit.Selector{{Classes: []audit.EventClass{audit.ClassChange}, NotFamilies: []string{"fix"}, NotTypes: []string{"config.changed"}}}, func(e *audit.Event) bool { return e.Type == "issue.created" }},
		{[]audit.Selector{{Categories: []string{"category-1"}}, {Frameworks: []audit.Framework{audit.GDPR, audit.SOX}}},
			func(e *audit.Event) bool { return e.Category == "category-1" || len(e.Frameworks) > 1 }},
		{[]audit.Selector{{Categories: []string{"none"}}}, func(*audit.Event) bool { return false }},
	} {
		tallies, err := l.Tallies(t.Context(), id, period, audit.Constraints{}, [][]audit.Selector{c.match, {{}}})
		if err != nil {
			t.Fatal(err)
		}
		var want ledger.Tally
		for j := range events {
			if e := &events[j]; period.Contains(*e.Timestamp) && c.want(e) {
				want.Count++
				if want.First == nil || e.Timestamp.Before(*want.First) {
					want.First = e.Timestamp
				}
			}
		}
		got := tallies[0]
		if got.Count != want.Count || (got.First == nil) != (want.First == nil) || got.First != nil && !got.First.Equal(*want.First) {
			t.Errorf("match %d: %d from %v, not %d from %v", i, got.Count, got.First, want.Count, want.First)
		}
	}
}
