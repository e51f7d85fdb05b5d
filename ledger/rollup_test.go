package ledger_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// counted is what a test knows of an event that it appended.
type counted struct {
	ledger int32
	event  audit.Event
}

// randomEvent has every column or none, and a time near midnight more often
// than not.
func randomEvent(r *rand.Rand) audit.Event {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	e := ledgertest.Event(r.IntN(1000))
	e.Type = pick("issue.created", "issue.created", "issue.resolved", "fix.applied", "scan.completed", "x.custom")
	at := time.Date(2023, 12, 20+r.IntN(20), 0, 0, 0, 0, time.UTC)
	switch r.IntN(3) {
	case 0:
		at = at.Add(time.Duration(r.Int64N(86_400_000_000)) * time.Microsecond)
	case 1:
		at = at.Add(time.Duration(r.IntN(3)-1) * time.Microsecond)
	case 2:
		at = at.Add(time.Duration(r.IntN(4)*6) * time.Hour)
	}
	e.Timestamp = &at
	e.Actor, e.Repository, e.Frameworks = audit.Object{}, audit.Object{}, nil
	for into, values := range map[*audit.Object][]string{
		&e.Actor:      {"type=user", "type=system", fmt.Sprint("id=u", r.IntN(15)), fmt.Sprint("id=u", r.IntN(15)), "id=both@example.com", "email=a@example.com", "email=both@example.com", "name=n"},
		&e.Repository: {"id=r1", "id=r2", "name=acme/one", "name=acme/two"},
	} {
		for range r.IntN(4) {
			key, value, _ := strings.Cut(pick(values...), "=")
			(*into)[key] = value
		}
	}
	for _, f := range []audit.Framework{audit.SOC2, audit.GDPR} {
		if r.IntN(2) == 0 {
			e.Frameworks = append(e.Frameworks, f)
		}
	}
	return e
}

// expected counts what was appended, without any database.
func expected(all []counted, id int32, p audit.Period) ledger.Statistics {
	s := ledger.Statistics{ByType: map[string]int64{}, ByRepository: map[string]int64{}, ByActorType: map[string]int64{}, TopActors: []ledger.ActorCount{}}
	actors := map[string]*ledger.ActorCount{}
	for _, c := range all {
		e := &c.event
		if c.ledger != id || !p.Contains(*e.Timestamp) {
			continue
		}
		s.Total++
		s.ByType[e.Type]++
		s.ByRepository[cmp.Or(e.Repository.String("name"), e.Repository.String("id"))]++
		s.ByActorType[e.Actor.String("type")]++
		if name := cmp.Or(e.Actor.String("email"), e.Actor.String("id")); name != "" {
			a := actors[name]
			if a == nil {
				a = &ledger.ActorCount{Actor: name}
				actors[name] = a
			}
			a.Entries++
			a.IsEmail = a.IsEmail || e.Actor["email"] != nil
		}
	}
	for _, a := range actors {
		s.TopActors = append(s.TopActors, *a)
	}
	slices.SortFunc(s.TopActors, func(a, b ledger.ActorCount) int {
		return cmp.Or(cmp.Compare(b.Entries, a.Entries), strings.Compare(a.Actor, b.Actor))
	})
	s.TopActors = s.TopActors[:min(len(s.TopActors), ledger.MaxTopActors)]
	return s
}

func expectedDaily(all []counted, id int32, f audit.Filter, since time.Time) (out []ledger.DayCount) {
	counts := map[ledger.DayCount]int64{}
	for _, c := range all {
		e := &c.event
		if c.ledger == id && slices.Contains(f.Types, e.Type) && f.Period.Contains(*e.Timestamp) &&
			(f.RepositoryID == "" || e.Repository.String("id") == f.RepositoryID) && (f.Framework == "" || slices.Contains(e.Frameworks, f.Framework)) {
			day := e.Timestamp.Truncate(24 * time.Hour)
			if day.Before(since) {
				day = since
			}
			counts[ledger.DayCount{Day: day, Type: e.Type}]++
		}
	}
	for c, n := range counts {
		c.Entries = n
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b ledger.DayCount) int { return cmp.Or(a.Day.Compare(b.Day), strings.Compare(a.Type, b.Type)) })
	return out
}

func expectedTotal(all []counted, id int32, f audit.Filter) (n int64) {
	for _, c := range all {
		e := &c.event
		if c.ledger == id && (len(f.Types) == 0 || slices.Contains(f.Types, e.Type)) && f.Period.Contains(*e.Timestamp) &&
			(f.Severity == "" || e.Severity == f.Severity) {
			n++
		}
	}
	return n
}

// appendRandomly lets several writers in two processes append to all ledgers at
// once, and returns what was acknowledged.
func appendRandomly(t *testing.T, logs []*ledger.Log, ids []int32, seed uint64, submissions int) []counted {
	t.Helper()
	var mu sync.Mutex
	var all []counted
	var wg sync.WaitGroup
	for w := range 6 {
		r := rand.New(rand.NewPCG(seed, uint64(w)))
		wg.Go(func() {
			for n := range submissions {
				s := ledger.Submission{Ledger: ids[r.IntN(len(ids))]}
				for range 1 + r.IntN(12) {
					s.Events = append(s.Events, randomEvent(r))
				}
				if r.IntN(4) == 0 { // once more, which must not count twice
					s.Events[0].ExternalID = fmt.Sprintf("id-%d-%d", w, n)
					s.Events = append(s.Events, s.Events[0])
				}
				out, err := logs[w%len(logs)].Append(context.Background(), s)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for i, item := range out.Items {
					if item.Status == ledger.Created {
						all = append(all, counted{s.Ledger, s.Events[i]})
					}
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return all
}

// TestWhatAnEdgeTakesOffSaysNothing: a name that is an e-mail address in another part
// of the day alone is none in this one.
func TestWhatAnEdgeTakesOffSaysNothing(t *testing.T) {
	t.Parallel()
	log := ledgertest.Open(t, ledgertest.Database(t))
	d, err := log.Create(t.Context(), "org")
	if err != nil {
		t.Fatal(err)
	}
	event := func(at time.Time, actor audit.Object) audit.Event {
		return audit.Event{Type: "x.custom", Class: audit.ClassSystem, Severity: audit.SeverityLow, Actor: actor, Timestamp: &at}
	}
	day := time.Date(2023, 12, 20, 0, 0, 0, 0, time.UTC)
	out, err := log.Append(t.Context(), ledger.Submission{Ledger: d.ID, Events: []audit.Event{
		event(day.Add(time.Hour), audit.Object{"type": "user", "email": "both@example.com"}), event(day.Add(12*time.Hour), audit.Object{"type": "user", "id": "both@example.com"}),
	}})
	if err != nil || out.Items[1].Err != nil {
		t.Fatal(err, out.Items[1].Err)
	}
	got, err := log.Statistics(t.Context(), d.ID, audit.Period{From: day.Add(2 * time.Hour), Until: day.AddDate(0, 0, 2)}, audit.Constraints{})
	if want := []ledger.ActorCount{{Actor: "both@example.com", Entries: 1}}; err != nil || !slices.Equal(got.TopActors, want) {
		t.Errorf("%+v, %v", got.TopActors, err)
	}
}

func TestStatisticsAreWhatWasAppended(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 100))
	dsn := ledgertest.Database(t)
	logs := []*ledger.Log{ledgertest.Open(t, dsn)}
	ids := make([]int32, 3)
	for i := range ids {
		d, err := logs[0].Create(t.Context(), audit.OrganisationID(fmt.Sprint("org", i)))
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = d.ID
	}
	logs = append(logs, ledgertest.Open(t, dsn, func(c *ledger.Config) { c.SignerState += "2" }))
	all := appendRandomly(t, logs, ids, seed, 40)
	moment := func() time.Time {
		at := time.Date(2023, 12, 18+r.IntN(24), 0, 0, 0, 0, time.UTC)
		if r.IntN(2) == 0 {
			return at.Add(time.Duration(r.IntN(24*3600*10)) * 100 * time.Millisecond)
		}
		return at.Add(time.Duration(r.IntN(3)-1) * time.Microsecond)
	}
	for range 150 {
		id, p := ids[r.IntN(len(ids))], audit.Period{From: moment(), Until: moment()}
		if !p.From.Before(p.Until) {
			p.From, p.Until = p.Until, p.From.Add(time.Microsecond)
		}
		got, err := logs[0].Statistics(t.Context(), id, p, audit.Constraints{})
		if err != nil {
			t.Fatal(err)
		}
		if want := expected(all, id, p); !reflect.DeepEqual(got, want) {
			t.Fatalf("%v:\n%+v, not\n%+v", p, got, want)
		}
		f := audit.Filter{Types: []string{ledger.IssueCreated, ledger.FixApplied}}
		if r.IntN(2) == 0 {
			f.Types = []string{ledger.IssueResolved}
		}
		if r.IntN(2) == 0 {
			f.RepositoryID = fmt.Sprint("r", 1+r.IntN(2))
		}
		if r.IntN(3) == 0 {
			f.Framework = audit.GDPR
		}
		f.Period.Until = p.Until.Truncate(24 * time.Hour)
		if from := p.From.Truncate(24 * time.Hour); r.IntN(2) == 0 && from.Before(f.Period.Until) {
			f.Period.From = from
		}
		listed := audit.Filter{Period: p}
		if r.IntN(3) > 0 {
			listed.Types = f.Types
		}
		if r.IntN(4) == 0 {
			listed.Period.From = time.Time{}
		}
		if r.IntN(4) == 0 {
			listed.Period.Until = time.Time{}
		}
		if r.IntN(8) == 0 { // counted one by one
			listed.Severity = audit.SeverityLow
		}
		list, err := logs[0].List(t.Context(), id, listed, audit.Page{Total: true})
		if err != nil {
			t.Fatal(err)
		}
		if want := expectedTotal(all, id, listed); list.Total != want {
			t.Fatalf("%+v: a total of %d, not %d", listed, list.Total, want)
		}
		since := time.Time{}.AddDate(1, 0, 0)
		if r.IntN(2) == 0 {
			since = p.From.Truncate(24 * time.Hour)
		}
		daily, err := logs[0].CountDaily(t.Context(), id, f, since)
		if err != nil {
			t.Fatal(err)
		}
		if want := expectedDaily(all, id, f, since); !slices.Equal(daily, want) {
			t.Fatalf("%+v:\n%v, not\n%v", f, daily, want)
		}
	}
	before := rollups(t, dsn)
	asOwner(t, dsn, `select recount_rollups()`) // as the migration does with what was there before it
	if after := rollups(t, dsn); after != before {
		t.Errorf("a recount gives other rows:\n%s\nnot\n%s", after, before)
	}
	for _, id := range append(ids, ledger.Registry) {
		ledgertest.Check(t, logs[0], id, -1)
	}
}

// rollups are all rows, as text.
func rollups(t *testing.T, dsn string) (s string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), `select string_agg(r::text, E'\n' order by r::text) from rollup r`).Scan(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

// asOwner runs statements as the tables' owner.
func asOwner(t *testing.T, dsn string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, sql := range statements {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// Blanking columns, as an erasure does, takes a person's name out of the
// roll-ups and leaves every other count.
func TestErasureMovesCounts(t *testing.T) {
	t.Parallel()
	l, id, dsn := ledgertest.New(t)
	ledgertest.Append(t, l, id, 0, 14) // two of each of seven actors
	p := audit.Period{From: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), Until: time.Date(2024, 1, 2, 0, 0, 0, 0, time.UTC)}
	before, err := l.Statistics(t.Context(), id, p, audit.Constraints{})
	if err != nil {
		t.Fatal(err)
	}
	names := func() int64 {
		return count(t, dsn, `select count(*) from rollup where ledger = 1 and name in ('u3@example.com', 'user_3')`)
	}
	if names() != 1 {
		t.Fatal("there is nothing to erase")
	}
	asOwner(t, dsn, `set role sealbook_redactor`, `update payload set actor_email = null where ledger = 1 and seq = 3`)
	got, err := l.Statistics(t.Context(), id, p, audit.Constraints{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []ledger.ActorCount{{Actor: "u3@example.com", IsEmail: true, Entries: 1}, {Actor: "user_3", Entries: 1}} {
		if !slices.Contains(got.TopActors, want) {
			t.Errorf("%+v lacks %+v", got.TopActors, want)
		}
	}
	asOwner(t, dsn, `set role sealbook_redactor`,
		`update payload set actor_email = null, actor_id = null, repository_name = null, repository_id = null where ledger = 1 and seq in (3, 10)`)
	if n := names(); n != 0 {
		t.Errorf("%d rows still name the person", n)
	}
	if got, err = l.Statistics(t.Context(), id, p, audit.Constraints{}); err != nil {
		t.Fatal(err)
	}
	want := before
	want.TopActors = slices.DeleteFunc(slices.Clone(before.TopActors), func(a ledger.ActorCount) bool { return a.Actor == "u3@example.com" })
	want.ByRepository = map[string]int64{"acme/app-0": 4, "acme/app-1": 4, "acme/app-2": 4, "": 2}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, not %+v", got, want)
	}
	v, err := l.Verify(t.Context(), id, 0, 1<<62, nil)
	if err != nil || v.Counts[ledger.WrongRollup] != 0 { // the columns were blanked and the fields not, which it does find
		t.Errorf("%v %v", v.Problems, err)
	}
}

// Neither waits for the other in a circle, and none loses the other's count.
func TestErasureWhileAppending(t *testing.T) {
	t.Parallel()
	l, id, dsn := ledgertest.New(t)
	ledgertest.Append(t, l, id, 0, 70)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var appending sync.WaitGroup
	for w := range 4 {
		appending.Go(func() {
			for n := range 30 {
				if _, err := l.Append(context.Background(), one(id, ledgertest.Event(100*w+n))); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for n := range 14 { // five rows each time, in no order
		err := pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), `set local role sealbook_redactor`); err != nil {
				return err
			}
			for _, seq := range rand.Perm(70)[:5] {
				if _, err := tx.Exec(t.Context(), `update payload set actor_email = null, repository_name = null where ledger = $1 and seq = $2`, id, (seq+n)%70); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	appending.Wait()
	v, err := l.Verify(t.Context(), id, 0, 1<<62, nil)
	if err != nil || v.Rows != 190 || v.Counts[ledger.WrongRollup] != 0 {
		t.Errorf("%d rows, %v %v", v.Rows, v.Counts, err)
	}
}

func TestFalsifiedCountsAreFound(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"raised":            `update rollup set entries = entries + 1 where ledger = 1 and kind = 'actor' and name = 'u3@example.com'`,
		"removed":           `delete from rollup where ledger = 1 and kind = 'type' and name = 'fix.applied'`,
		"invented":          `insert into rollup values (1, 'metric', '2024-01-01', 'repo_9', 'fix.applied', 3)`,
		"on another day":    `update rollup set day = '2024-01-02' where ledger = 1 and kind = 'repository' and name = 'acme/app-1'`,
		"of another person": `update rollup set name = 'x@example.com' where ledger = 1 and name = 'u3@example.com'`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, id, dsn := ledgertest.New(t)
			ledgertest.Append(t, l, id, 0, 300)
			asOwner(t, dsn, `set session_replication_role = replica`, sql)
			v, err := l.Verify(t.Context(), id, 0, 1<<62, nil)
			if err != nil || v.OK() || v.Counts[ledger.WrongRollup] == 0 || len(v.Counts) != 1 {
				t.Errorf("%v %v", v.Counts, err)
			}
			if s := v.Summary(300, 10, time.Now()); s.Verified || !s.ChainValid {
				t.Errorf("%+v", s)
			}
			for _, p := range v.Problems {
				if strings.Contains(p.Message, "@") || strings.Contains(p.Message, "repo_") {
					t.Errorf("the finding names whom or what it is about: %s", p.Message)
				}
			}
			// A job finds it in its first segment, and once.
			var segments []ledger.Segment
			for _, r := range ledger.Ranges(0, 300, 256, 10) {
				s, err := l.VerifySegment(t.Context(), id, r[0], r[1])
				if err != nil {
					t.Fatal(err)
				}
				segments = append(segments, s)
			}
			joined, err := ledger.JoinSegments(segments)
			if err != nil || !reflect.DeepEqual(joined.Counts, v.Counts) {
				t.Errorf("%v %v, not %v", joined.Counts, err, v.Counts)
			}
			asOwner(t, dsn, `select recount_rollups()`)
			ledgertest.Check(t, l, id, 300)
		})
	}
}
