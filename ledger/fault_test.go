package ledger_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// The statements of a commit, as ledgertest.Proxy finds them.
const (
	begin    = `^begin`
	lock     = `for no key update of h`
	insert   = `insert into entry`
	commit   = `^commit$`
	rollback = `^rollback$`
	outcome  = `for no key update$` // the committer finds out about a lost commit
)

// fault is something that goes wrong once, while the first attempt of some
// callers is on its way.
type fault struct {
	name  string
	alter string            // a setting of the database, before anyone connects
	brief bool              // the committer soon stops to find out about a lost commit
	arm   func(*faultBench) // called when the next transaction is the callers'

	acked answers // who gets receipts at the first attempt
	there bool    // whether the first attempt leaves entries
}

type answers int

const (
	nobody answers = iota
	several
	everybody
)

// After a fault, whatever it was and whatever the caller then does, every
// acknowledged request has one entry, a repeat with a key gets the same
// receipt, no number is given twice, and every receipt holds.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, f := range []fault{
		{name: "lost before BEGIN", arm: at(ledgertest.Sent, begin, (*faultBench).cut)},
		{name: "lost before the heads are locked", arm: at(ledgertest.Sent, lock, (*faultBench).cut)},
		{name: "lost after the heads are locked", arm: at(ledgertest.Answered, lock, (*faultBench).cut)},
		{name: "lost after INSERT", arm: at(ledgertest.Answered, insert, (*faultBench).cut)},
		{name: "lost during COMMIT, not applied", arm: at(ledgertest.Sent, commit, (*faultBench).cut)},
		{name: "lost during COMMIT, applied", arm: at(ledgertest.Answered, commit, (*faultBench).cut), acked: everybody, there: true},
		{name: "not applied, outcome not to be learnt", brief: true, arm: at(ledgertest.Sent, commit, (*faultBench).refuse)},
		{name: "applied, outcome not to be learnt", brief: true, arm: at(ledgertest.Answered, commit, (*faultBench).refuse), there: true},
		{name: "applied, lost again on looking up the outcome", acked: everybody, there: true, arm: func(b *faultBench) {
			b.proxy.At(ledgertest.Answered, commit, b.cut)
			b.proxy.At(ledgertest.Answered, outcome, b.cut)
		}},
		{name: "callers gone after COMMIT", arm: at(ledgertest.Answered, commit, (*faultBench).leave), there: true},
		{name: "sessions ended before COMMIT", arm: at(ledgertest.Sent, commit, (*faultBench).terminate)},
		{name: "disk full at INSERT", arm: fullDisk("create trigger full_disk before insert on entry execute function full_disk()")},
		{name: "disk full at COMMIT", arm: fullDisk("create constraint trigger full_disk after insert on entry deferrable initially deferred for each row execute function full_disk()")},
		{name: "serialization failure", alter: "default_transaction_isolation = 'repeatable read'", arm: (*faultBench).collide, acked: several},
		{name: "deadlock", alter: "deadlock_timeout = '20ms'", arm: (*faultBench).embrace, acked: several},
		{name: "statement timeout", alter: "statement_timeout = '300ms'", arm: (*faultBench).block},
		{name: "clock a second back", brief: true, arm: stepBack(time.Second), there: true},
		{name: "clock an hour back", brief: true, arm: stepBack(time.Hour), there: true},
		{name: "clock across a month", brief: true, arm: stepBack(40 * 24 * time.Hour), there: true},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			f.run(t, ledgertest.Database(t))
		})
	}
}

// The same with a server of the test's own, which stops or dies.
func TestServerFaults(t *testing.T) {
	t.Parallel()
	server := ledgertest.NewServer(t)
	restart := func(end func()) func(*faultBench) bool {
		return func(*faultBench) bool { end(); server.Start(); return false }
	}
	for i, f := range []fault{
		{name: "restart before COMMIT", arm: at(ledgertest.Sent, commit, restart(server.Stop))},
		{name: "kill before COMMIT", arm: at(ledgertest.Sent, commit, restart(server.Kill))},
		{name: "kill after COMMIT", arm: at(ledgertest.Answered, commit, restart(server.Kill)), acked: everybody, there: true},
	} {
		t.Run(f.name, func(t *testing.T) { f.run(t, server.Database(fmt.Sprint("fault_", i))) })
	}
}

func (f *fault) run(t *testing.T, dsn string) {
	if f.alter != "" {
		conn := connect(t, dsn)
		var sql string
		if err := conn.QueryRow(t.Context(), `select format('alter database %I set ', current_database()) || $1`, f.alter).Scan(&sql); err != nil {
			t.Fatal(err)
		}
		mustExec(t, conn, sql)
	}
	for _, key := range []string{"request key", "external id", "no key"} {
		for _, n := range []int{1, 5} {
			t.Run(fmt.Sprintf("%s, %d in the batch", key, n), func(t *testing.T) {
				newFaultBench(t, dsn, f).try(key, n)
			})
		}
	}
}

// caller is somebody with a submission, and what he was told.
type caller struct {
	ledger.Submission
	receipts []ledger.Receipt // of his first answer; nil without one
}

// try sends n submissions into one transaction that the fault hits, and then
// has every caller repeat his until he has an answer.
func (b *faultBench) try(key string, n int) {
	entries := int64(0)
	warm := ledgertest.Append(b, b.log, b.d.ID, 0, 3)
	entries += 3
	callers := make([]*caller, n)
	events := int64(0)
	for i := range callers {
		c := &caller{Submission: ledger.Submission{Ledger: b.d.ID}}
		for e := range 1 + 2*(i%2) { // every other one is a bulk
			event := ledgertest.Event(10*i + e)
			if key == "external id" {
				event.ExternalID = fmt.Sprintf("external-%d-%d", i, e)
			}
			c.Events = append(c.Events, event)
		}
		if key == "request key" {
			c.Request = &ledger.RequestKey{Route: "POST /entries", Key: fmt.Sprint("key-", i), Body: fmt.Append(nil, i)}
		}
		events += int64(len(c.Events))
		callers[i] = c
	}
	if n == 1 {
		b.fault.arm(b)
	} else {
		b.gather(n)
		entries++ // the one that held the committer up
	}
	b.attempt(callers)
	b.after()

	acked := b.fault.acked == everybody || b.fault.acked == several && n > 1
	for i, c := range callers {
		if (c.receipts != nil) != acked {
			b.Errorf("caller %d has %d receipts after the first attempt", i, len(c.receipts))
		}
	}
	if acked || b.fault.there {
		entries += events
	}
	if got := count(b, b.dsn, fmt.Sprintf(`select count(*) from entry where ledger = %d`, b.d.ID)); got != entries {
		b.Errorf("there are %d entries after the first attempt, not %d", got, entries)
	}
	// An impatient caller repeats what was answered, too, if he has a key.
	if key == "no key" {
		if !acked {
			b.repeat(callers)
			entries += events
		}
	} else {
		b.repeat(callers)
		b.repeat(callers)
		if !acked && !b.fault.there {
			entries += events
		}
	}
	all := warm
	for i, c := range callers {
		if c.receipts == nil {
			b.Fatalf("caller %d still has no answer", i)
		}
		all = append(all, c.receipts...)
	}
	all = append(all, ledgertest.Append(b, b.log, b.d.ID, 100, 1)...)
	hold(b, b.log, b.d, all)
	ledgertest.Check(b, b.log, b.d.ID, entries+1)
}

// The first entry cannot be older than its ledger, whose month may be one that
// the clock, now that it is right again, has not reached.
func TestTheClockStepsBackAfterALedgersBirth(t *testing.T) {
	t.Parallel()
	dsn := ledgertest.Database(t)
	born := time.Date(2031, 3, 2, 12, 0, 0, 0, time.UTC)
	for _, step := range []time.Duration{0, -40 * 24 * time.Hour} {
		l := ledgertest.Open(t, dsn, func(c *ledger.Config) { c.Clock = func() time.Time { return born.Add(step) } })
		d, err := l.Create(t.Context(), "org")
		if err != nil {
			t.Fatal(err)
		}
		if step == 0 {
			continue
		}
		for i, r := range ledgertest.Append(t, l, d.ID, 0, 2) {
			if rec, _, err := r.Check(d.Genesis.Key); err != nil || !rec.RecordedAt.Equal(born) {
				t.Errorf("entry %d: %+v %v", i, rec, err)
			}
		}
		ledgertest.Check(t, l, d.ID, 2)
	}
}

// Connections break anywhere while many clients append through two processes.
// Nothing acknowledged is lost, nothing is there twice, and the order of
// numbers is the order of real time.
func TestConnectionsBreakAnywhere(t *testing.T) {
	t.Parallel()
	dsn := ledgertest.Database(t)
	const clients, each, breaks = 8, 30, 60
	var logs []*ledger.Log
	var left atomic.Int64 // connections to break
	left.Store(breaks)
	for range 2 {
		proxy := ledgertest.NewProxy(t, dsn)
		logs = append(logs, ledgertest.Open(t, proxy.URL()))
		var again func()
		again = func() {
			m := ledgertest.Moment(rand.IntN(2))
			skip := rand.IntN(15)
			var rule func() bool
			rule = func() bool {
				switch {
				case left.Load() <= 0:
					return true
				case skip > 0:
					skip--
					proxy.At(m, `begin|select|insert|update|commit`, rule)
					return true
				}
				left.Add(-1)
				again()
				return false
			}
			proxy.At(m, `begin|select|insert|update|commit`, rule)
		}
		again()
	}
	direct := ledgertest.Open(t, dsn)
	d, err := direct.Create(t.Context(), "org")
	if err != nil {
		t.Fatal(err)
	}
	var history ledgertest.History
	var mu sync.Mutex
	var receipts []ledger.Receipt
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			for n := range each {
				s := one(d.ID, ledgertest.Event(n))
				s.Events[0].ExternalID = fmt.Sprintf("%d-%d", c, n)
				for began := time.Now(); ; time.Sleep(time.Millisecond) {
					o, err := logs[rand.IntN(2)].Append(t.Context(), s)
					if err != nil {
						continue
					}
					r := *o.Items[0].Receipt
					history.Acknowledged(fmt.Sprint("client ", c), began, time.Now(), r.Proof.Index)
					mu.Lock()
					receipts = append(receipts, r)
					mu.Unlock()
					break
				}
			}
		})
	}
	wg.Wait()
	if left.Load() > 0 {
		t.Logf("%d connections were not broken", left.Load())
	}
	history.Check(t)
	hold(t, direct, d, receipts)
	ledgertest.Check(t, direct, d.ID, clients*each)
}
