package ledger_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// faultBench is a ledger behind a proxy, and what can be done to it.
type faultBench struct {
	testing.TB
	fault *fault
	dsn   string
	proxy *ledgertest.Proxy
	log   *ledger.Log
	d     ledger.Descriptor
	other *pgx.Conn // somebody else's session

	mu     sync.Mutex
	now    time.Time
	left   context.CancelFunc // ends the callers' contexts
	gone   sync.WaitGroup     // callers
	busy   sync.WaitGroup     // what else runs
	acting sync.RWMutex       // held shared while a rule of at acts
	undo   []func()
}

// briefOutcomeFor is longer than a commit takes, and not long to wait for.
const briefOutcomeFor = 700 * time.Millisecond

func newFaultBench(t *testing.T, dsn string, f *fault) *faultBench {
	b := &faultBench{TB: t, fault: f, dsn: dsn, proxy: ledgertest.NewProxy(t, dsn), now: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)}
	b.log = ledgertest.Open(t, b.proxy.URL(), func(c *ledger.Config) {
		c.Clock = func() time.Time { b.mu.Lock(); defer b.mu.Unlock(); return b.now }
		c.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
		if f.brief {
			c.OutcomeFor = briefOutcomeFor
		}
	})
	var err error
	if b.d, err = b.log.Create(t.Context(), audit.OrganisationID(fmt.Sprint("org_", time.Now().UnixNano()))); err != nil {
		t.Fatal(err)
	}
	b.other = connect(t, dsn)
	// It wins every deadlock and outwaits every statement.
	mustExec(t, b.other, `set deadlock_timeout = '1h'; set statement_timeout = 0`)
	return b
}

func connect(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func mustExec(t testing.TB, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Errorf("%s: %v", sql, err)
	}
}

// gather holds the committer until n submissions wait, which then make one
// batch, and arms the fault when that is next.
func (b *faultBench) gather(n int) {
	s := one(b.d.ID, ledgertest.Event(99))
	held, release := make(chan struct{}), make(chan struct{})
	s.With = func(context.Context, pgx.Tx) error { close(held); <-release; return nil }
	b.busy.Go(func() {
		if _, err := b.log.Append(context.Background(), s); err != nil {
			b.Errorf("the submission that holds the committer: %v", err)
		}
	})
	<-held
	b.proxy.At(ledgertest.Answered, commit, func() bool { b.fault.arm(b); return true })
	b.busy.Go(func() {
		for b.log.Waiting() < n {
			time.Sleep(time.Millisecond)
		}
		close(release)
	})
}

// attempt lets every caller send his submission once.
func (b *faultBench) attempt(callers []*caller) {
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	b.left = cancel
	for _, c := range callers {
		b.gone.Go(func() { b.send(ctx, c) })
	}
	b.gone.Wait()
	b.acting.Lock()   // a client can learn what happens before the rule is through
	b.acting.Unlock() //nolint:staticcheck // nothing is guarded
	b.busy.Wait()
}

// after ends the fault.
func (b *faultBench) after() {
	for _, f := range b.undo {
		f()
	}
	b.undo = nil
	b.proxy.Reset()
}

// repeat lets every caller send his submission until he has an answer.
func (b *faultBench) repeat(callers []*caller) {
	for i, c := range callers {
		for tries := 0; !b.send(b.Context(), c); tries++ {
			if tries == 20 {
				b.Fatalf("caller %d still has no answer", i)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

func (b *faultBench) send(ctx context.Context, c *caller) (answered bool) {
	o, err := b.log.Append(ctx, c.Submission)
	var known *audit.Error
	if err != nil {
		if errors.As(err, &known) && known.Code != audit.Unavailable {
			b.Errorf("a caller is told: %v", err)
		}
		return false
	}
	var receipts []ledger.Receipt
	for _, item := range o.Items {
		if item.Receipt == nil {
			b.Errorf("%s %v", item.Status, item.Err)
			return true
		}
		receipts = append(receipts, *item.Receipt)
	}
	if c.receipts == nil {
		c.receipts = receipts
	}
	before, _ := json.Marshal(c.receipts)
	if now, _ := json.Marshal(receipts); !bytes.Equal(before, now) {
		b.Errorf("a caller has other receipts now:\n%s\n%s", before, now)
	}
	return true
}

// hold checks receipts offline and against the present tree, and that no two
// are of one number.
func hold(t testing.TB, l *ledger.Log, d ledger.Descriptor, receipts []ledger.Receipt) {
	t.Helper()
	var trees []ledger.Checkpoint
	taken := map[int64]bool{}
	for _, r := range receipts {
		rec, c, err := r.Check(d.Genesis.Key)
		if err != nil {
			t.Errorf("receipt of entry %d: %v", r.Proof.Index, err)
		}
		if taken[rec.Seq] {
			t.Errorf("entry %d was acknowledged twice", rec.Seq)
		}
		taken[rec.Seq] = true
		trees = append(trees, c)
	}
	if err := l.Grows(t.Context(), d.ID, trees); err != nil {
		t.Errorf("a receipt's tree is not the beginning of the present one: %v", err)
	}
}

// at arms something at a statement of the callers' transaction.
func at(m ledgertest.Moment, statement string, do func(*faultBench) bool) func(*faultBench) {
	return func(b *faultBench) {
		b.proxy.At(m, statement, func() bool {
			b.acting.RLock()
			defer b.acting.RUnlock()
			return do(b)
		})
	}
}

func (b *faultBench) cut() bool { return false }

// refuse is as if the server went away and stayed away.
func (b *faultBench) refuse() bool {
	b.proxy.Refuse(true)
	return false
}

// leave lets all callers give up.
func (b *faultBench) leave() bool {
	b.left()
	b.gone.Wait()
	return true
}

// terminate ends the ledger's sessions as a shutdown does: each is told so
// (57P01) in the place of an answer.
func (b *faultBench) terminate() bool {
	const sessions = `from pg_stat_activity where datname = current_database() and application_name like 'sealbook_%'`
	mustExec(b, b.other, `select pg_terminate_backend(pid) `+sessions)
	for count(b, b.dsn, `select count(*) `+sessions) > 0 {
		time.Sleep(time.Millisecond)
	}
	return true
}

// fullDisk is a trigger that says what a full disk says (53100), until there
// is room again. A disk that is full for the write-ahead log stops the whole
// server instead, which TestServerFaults covers.
func fullDisk(trigger string) func(*faultBench) {
	return func(b *faultBench) {
		mustExec(b, b.other, `create or replace function full_disk() returns trigger language plpgsql as
			$$ begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$;`+trigger)
		b.undo = append(b.undo, func() { mustExec(b, b.other, `drop trigger full_disk on entry`) })
	}
}

// collide changes the head while the committer, whose snapshot is older, waits
// for it (40001).
func (b *faultBench) collide() {
	mustExec(b, b.other, `begin isolation level read committed`)
	mustExec(b, b.other, fmt.Sprintf(`update head set size = size where ledger = %d`, b.d.ID))
	b.busy.Go(func() {
		for waits := false; !waits; time.Sleep(time.Millisecond) {
			const blocked = `select exists (select from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid)))`
			if err := b.other.QueryRow(b.Context(), blocked).Scan(&waits); err != nil {
				b.Error(err)
				break
			}
		}
		mustExec(b, b.other, `commit`)
	})
}

// embrace makes a deadlock that the committer loses (40P01): it has the head
// and wants to insert, the other keeps inserts out and wants the head. The
// committer goes on once the other is through.
func (b *faultBench) embrace() {
	mustExec(b, b.other, `begin; lock table entry in share mode`)
	through := make(chan struct{})
	b.proxy.At(ledgertest.Answered, lock, func() bool {
		b.busy.Go(func() {
			mustExec(b, b.other, fmt.Sprintf(`select from head where ledger = %d for update`, b.d.ID))
			mustExec(b, b.other, `rollback`)
			close(through)
		})
		for count(b, b.dsn, fmt.Sprintf(`select count(*) from pg_locks where not granted and pid = %d`, b.other.PgConn().PID())) == 0 {
			time.Sleep(time.Millisecond)
		}
		return true
	})
	b.proxy.At(ledgertest.Sent, rollback, func() bool { <-through; return true })
}

// block keeps the head locked for longer than a statement may take (57014).
func (b *faultBench) block() {
	mustExec(b, b.other, fmt.Sprintf(`begin; select from head where ledger = %d for update`, b.d.ID))
	b.undo = append(b.undo, func() { mustExec(b, b.other, `rollback`) })
}

// stepBack moves the clock after entries were acknowledged and then loses the
// answer, so that keys are looked up under the earlier time.
func stepBack(d time.Duration) func(*faultBench) {
	return func(b *faultBench) {
		b.mu.Lock()
		b.now = b.now.Add(-d)
		b.mu.Unlock()
		b.proxy.At(ledgertest.Answered, commit, b.refuse)
	}
}
