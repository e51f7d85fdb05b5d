package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

func one(id int32, e audit.Event) ledger.Submission {
	return ledger.Submission{Ledger: id, Events: []audit.Event{e}}
}

func TestReceiptsHoldAndComeAgain(t *testing.T) {
	t.Parallel()
	l, id, _ := ledgertest.New(t)
	d, err := l.Descriptor(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	size := 0
	for _, n := range []int{1, 1, 254, 1, 1, 700} { // over tile boundaries, one by one and at once
		for i, r := range ledgertest.Append(t, l, id, size, n) {
			rec, _, err := r.Check(d.Genesis.Key)
			if err != nil {
				t.Fatal(err)
			}
			if rec.Seq != int64(size+i) {
				t.Fatalf("entry %d came as %d", size+i, rec.Seq)
			}
			again, err := l.Receipt(t.Context(), id, rec.Seq)
			if err != nil {
				t.Fatal(err)
			}
			sameReceipt(t, &r, &again)
		}
		size += n
		ledgertest.Check(t, l, id, int64(size))
	}
}

func sameReceipt(t *testing.T, a, b *ledger.Receipt) {
	t.Helper()
	x, _ := a.MarshalJSON()
	y, _ := b.MarshalJSON()
	if string(x) != string(y) {
		t.Fatalf("another receipt:\n%s\n%s", x, y)
	}
}

func TestExternalIDs(t *testing.T) {
	t.Parallel()
	l, id, _ := ledgertest.New(t)
	e, other := ledgertest.Event(1), ledgertest.Event(2)
	e.ExternalID, other.ExternalID = "x-1", "x-1"
	third := ledgertest.Event(3)
	third.ExternalID = "x-3"
	retyped := e
	retyped.Type = "issue.updated"

	first, err := l.Append(t.Context(), one(id, e))
	if err != nil || first.Items[0].Status != ledger.Created {
		t.Fatalf("%+v %v", first, err)
	}
	again, err := l.Append(t.Context(), one(id, e))
	if err != nil || again.Items[0].Status != ledger.Duplicate {
		t.Fatalf("%+v %v", again, err)
	}
	sameReceipt(t, first.Items[0].Receipt, again.Items[0].Receipt)
	for _, c := range []audit.Event{other, retyped} {
		conflict, err := l.Append(t.Context(), one(id, c))
		if err != nil || conflict.Items[0].Status != ledger.Rejected || audit.CodeOf(conflict.Items[0].Err) != audit.ExternalIDConflict {
			t.Fatalf("%+v %v", conflict, err)
		}
	}
	// In one submission: known, conflicting, new, new again, new with other content.
	altered := third
	altered.Description = "altered"
	mixed, err := l.Append(t.Context(), ledger.Submission{Ledger: id, Events: []audit.Event{e, other, third, third, altered}})
	if err != nil {
		t.Fatal(err)
	}
	want := []ledger.Status{ledger.Duplicate, ledger.Rejected, ledger.Created, ledger.Duplicate, ledger.Rejected}
	for i, item := range mixed.Items {
		if item.Status != want[i] {
			t.Errorf("item %d: %s %v, want %s", i, item.Status, item.Err, want[i])
		}
	}
	sameReceipt(t, mixed.Items[2].Receipt, mixed.Items[3].Receipt)
	ledgertest.Check(t, l, id, 2)

	// Atomic: one conflict refuses all, and its request key is free again.
	fresh := ledgertest.Event(4)
	s := ledger.Submission{Ledger: id, Events: []audit.Event{fresh, other}, Atomic: true, Request: &ledger.RequestKey{Route: "r", Key: "k", Body: []byte("b")}}
	for range 2 {
		refused, err := l.Append(t.Context(), s)
		if err != nil || !refused.Refused || refused.Replayed || refused.Items[1].Status != ledger.Rejected || refused.Items[0].Receipt != nil {
			t.Fatalf("%+v %v", refused, err)
		}
	}
	ledgertest.Check(t, l, id, 2)
	s.Events[1] = e
	if all, err := l.Append(t.Context(), s); err != nil || all.Refused || all.Items[0].Status != ledger.Created || all.Items[1].Status != ledger.Duplicate {
		t.Fatalf("%+v %v", all, err)
	}
	ledgertest.Check(t, l, id, 3)
}

func TestRequestKeys(t *testing.T) {
	t.Parallel()
	dsn := ledgertest.Database(t)
	now := audit.SystemClock()
	var mu sync.Mutex
	l := ledgertest.Open(t, dsn, func(c *ledger.Config) {
		c.Clock = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	})
	d, err := l.Create(t.Context(), "org")
	if err != nil {
		t.Fatal(err)
	}
	submit := func(key, body string) (ledger.Outcome, error) {
		s := one(d.ID, ledgertest.Event(1))
		s.Request = &ledger.RequestKey{Route: "POST /entries", Key: key, Body: []byte(body), Note: "note of " + body}
		return l.Append(context.Background(), s)
	}
	first, err := submit("k", "a")
	if err != nil || first.Replayed {
		t.Fatalf("%+v %v", first, err)
	}
	again, err := submit("k", "a")
	if err != nil || !again.Replayed || again.Note != "note of a" || again.Items[0].Status != ledger.Created {
		t.Fatalf("%+v %v", again, err)
	}
	sameReceipt(t, first.Items[0].Receipt, again.Items[0].Receipt)
	if _, err := submit("k", "b"); audit.CodeOf(err) != audit.IdempotencyKeyReused {
		t.Fatal(err)
	}
	ledgertest.Check(t, l, d.ID, 1)
	mu.Lock()
	now = now.Add(ledger.RequestKeyLife + time.Second)
	mu.Unlock()
	if late, err := submit("k", "b"); err != nil || late.Replayed {
		t.Fatalf("a key is remembered for longer than a day: %+v %v", late, err)
	}
	ledgertest.Check(t, l, d.ID, 2)
	// Many at once are one.
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			if _, err := submit("many", "c"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	ledgertest.Check(t, l, d.ID, 3)
}

func TestStatementsCommitWithTheirEntry(t *testing.T) {
	t.Parallel()
	l, id, dsn := ledgertest.New(t)
	with := func(sql string) func(context.Context, pgx.Tx) error {
		return func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, sql, id, fmt.Sprint("type-", rand.Int()), time.Now())
			return err
		}
	}
	const good = `insert into event_type (ledger, name, class, severity, description, created_at) values ($1, $2, 'c', 's', '', $3)`
	const bad = `insert into no_such_table values ($1, $2, $3)`
	refused := audit.Errorf(audit.InvalidState, "not now")
	// Mixed into one stream of submissions, each failure is its own.
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			s := one(id, ledgertest.Event(i))
			switch i % 3 {
			case 0:
				s.With = with(good)
			case 1:
				s.With = with(bad)
			case 2:
				s.With = func(context.Context, pgx.Tx) error { return refused }
			}
			_, err := l.Append(t.Context(), s)
			switch {
			case i%3 == 0 && err != nil, i%3 == 1 && err == nil, i%3 == 2 && !errors.Is(err, refused):
				t.Errorf("submission %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	ledgertest.Check(t, l, id, 20)
	if n := count(t, dsn, `select count(*) from event_type`); n != 20 {
		t.Errorf("%d statements took effect, not 20", n)
	}
	// A duplicate's statements do not run again.
	s := one(id, ledgertest.Event(0))
	s.Events[0].ExternalID = "once"
	s.With = with(good)
	for range 2 {
		if _, err := l.Append(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, dsn, `select count(*) from event_type`); n != 21 {
		t.Errorf("%d statements took effect, not 21", n)
	}
}

func TestManyWritersOfManyLedgers(t *testing.T) {
	t.Parallel()
	dsn := ledgertest.Database(t)
	logs := []*ledger.Log{ledgertest.Open(t, dsn), ledgertest.Open(t, dsn)} // as two processes
	var ids []int32
	for i := range 5 {
		d, err := logs[0].Create(t.Context(), audit.OrganisationID(fmt.Sprint("org_", i)))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, d.ID)
	}
	const writers, each = 16, 30
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				l, id := logs[(w+i)%2], ids[(w*each+i)%len(ids)]
				if _, err := l.Append(t.Context(), one(id, ledgertest.Event(i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for _, id := range ids {
		ledgertest.Check(t, logs[0], id, writers*each/int64(len(ids)))
	}
}

func TestTheLedgersTimeNeverStepsBack(t *testing.T) {
	t.Parallel()
	dsn := ledgertest.Database(t)
	at := time.Date(2026, 2, 28, 23, 59, 59, 0, time.UTC)
	clock := make(chan time.Time, 1)
	clock <- at
	l := ledgertest.Open(t, dsn, func(c *ledger.Config) {
		c.Clock = func() time.Time { // nanoseconds that Postgres cannot keep
			now := <-clock
			clock <- now
			return now.Add(time.Duration(rand.IntN(1000)))
		}
	})
	d, err := l.Create(t.Context(), "org")
	if err != nil {
		t.Fatal(err)
	}
	for i, step := range []time.Duration{time.Second, -time.Hour, 40 * 24 * time.Hour, -50 * 24 * time.Hour, time.Nanosecond} {
		at = at.Add(step)
		<-clock
		clock <- at
		ledgertest.Append(t, l, d.ID, i, 1)
		ledgertest.Check(t, l, d.ID, int64(i+1))
	}
}

func TestAFullQueueSaysSo(t *testing.T) {
	t.Parallel()
	dsn := ledgertest.Database(t)
	l := ledgertest.Open(t, dsn, func(c *ledger.Config) { c.QueueSize, c.BatchSize = 1, 1 })
	d, err := l.Create(t.Context(), "org")
	if err != nil {
		t.Fatal(err)
	}
	hold := make(chan struct{})
	held := make(chan struct{})
	s := one(d.ID, ledgertest.Event(0))
	s.With = func(context.Context, pgx.Tx) error { close(held); <-hold; return nil }
	var wg sync.WaitGroup
	wg.Go(func() { l.Append(context.Background(), s) }) // only its waiting matters
	<-held
	wg.Go(func() { l.Append(context.Background(), one(d.ID, ledgertest.Event(1))) }) // it fills the queue
	var refused error
	for refused == nil {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		_, err := l.Append(ctx, one(d.ID, ledgertest.Event(2)))
		cancel()
		var e *audit.Error
		if errors.As(err, &e) && e.RetryAfter > 0 {
			refused = err
		}
	}
	close(hold)
	wg.Wait()
	ledgertest.Check(t, l, d.ID, -1)
}

func TestCloseCommitsWhatWasTaken(t *testing.T) {
	t.Parallel()
	l, id, dsn := ledgertest.New(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	acknowledged := int64(0)
	for w := range 20 {
		wg.Go(func() {
			for i := 0; ; i++ {
				_, err := l.Append(context.Background(), one(id, ledgertest.Event(w)))
				if err != nil {
					if audit.CodeOf(err) != audit.Unavailable {
						t.Error(err)
					}
					return
				}
				mu.Lock()
				acknowledged++
				mu.Unlock()
			}
		})
	}
	time.Sleep(50 * time.Millisecond)
	l.Close()
	wg.Wait()
	ledgertest.Check(t, ledgertest.Open(t, dsn), id, acknowledged)
}

func TestAppendRefuses(t *testing.T) {
	t.Parallel()
	l, id, _ := ledgertest.New(t)
	big := ledgertest.Event(0)
	big.Details = audit.Object{"text": string(make([]byte, 0))}
	big.Details["text"] = fmt.Sprintf("%*d", ledger.MaxPayload, 1)
	for name, c := range map[string]struct {
		s    ledger.Submission
		code audit.Code
	}{
		"no events":       {ledger.Submission{Ledger: id}, audit.ValidationFailed},
		"too many events": {ledger.Submission{Ledger: id, Events: make([]audit.Event, ledger.MaxBulk+1)}, audit.ValidationFailed},
		"no such ledger":  {one(id+1, ledgertest.Event(0)), audit.NotFound},
		"bad type":        {one(id, audit.Event{Type: "Bad Type"}), audit.ValidationFailed},
		"big payload":     {one(id, big), audit.PayloadTooLarge},
	} {
		if _, err := l.Append(t.Context(), c.s); audit.CodeOf(err) != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	ledgertest.Check(t, l, id, 0)
}

func TestEventsFromTheFutureAreRejected(t *testing.T) {
	t.Parallel()
	dsn := ledgertest.Database(t)
	now := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	l := ledgertest.Open(t, dsn, func(c *ledger.Config) { c.Clock = func() time.Time { return now } })
	d, err := l.Create(t.Context(), "org")
	if err != nil {
		t.Fatal(err)
	}
	for ahead, want := range map[time.Duration]ledger.Status{
		audit.MaxFutureEvent: ledger.Created, audit.MaxFutureEvent + time.Microsecond: ledger.Rejected, time.Hour: ledger.Rejected, -time.Hour: ledger.Created,
	} {
		e := ledgertest.Event(0)
		at := now.Add(ahead)
		e.Timestamp = &at
		out, err := l.Append(t.Context(), one(d.ID, e))
		if err != nil || out.Items[0].Status != want {
			t.Errorf("%s ahead: %+v %v, want %s", ahead, out, err, want)
		}
	}
	ledgertest.Check(t, l, d.ID, 2)
}

func count(t testing.TB, dsn, sql string) (n int64) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
