package ledger_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// registered is an installation with one ledger and a signer state that tests
// can open again.
type registered struct {
	t     testing.TB
	dsn   string
	state string
	log   *ledger.Log
	id    int32
}

func newRegistered(t testing.TB) *registered {
	t.Helper()
	r := &registered{t: t, dsn: ledgertest.Database(t), state: filepath.Join(t.TempDir(), "signer.state")}
	r.log = r.open()
	d, err := r.log.Create(t.Context(), "org_test")
	if err != nil {
		t.Fatal(err)
	}
	r.id = d.ID
	return r
}

func (r *registered) open(change ...func(*ledger.Config)) *ledger.Log {
	r.t.Helper()
	return ledgertest.Open(r.t, r.dsn, append(change, func(c *ledger.Config) { c.SignerState = r.state })...)
}

// refused expects that the installation cannot be opened.
func (r *registered) refused(dsn string, want string, change ...func(*ledger.Config)) {
	r.t.Helper()
	c := ledger.Config{Database: dsn, Key: ledgertest.Key, Origin: ledgertest.Origin, Clock: audit.SystemClock, SignerState: r.state}
	for _, f := range change {
		f(&c)
	}
	l, err := ledger.Open(r.t.Context(), c)
	if err == nil {
		l.Close()
	}
	if err == nil || !strings.Contains(err.Error(), want) {
		r.t.Errorf("opened with %v, not refused with %q", err, want)
	}
}

func (r *registered) publish() ledger.Publication {
	r.t.Helper()
	if err := r.log.Publish(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	p, err := r.log.Publication(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// entries returns the registry's entries.
func (r *registered) entries() (all []audit.Entry) {
	r.t.Helper()
	for row, err := range r.log.Rows(r.t.Context(), ledger.Registry, 0, ledgertest.Check(r.t, r.log, ledger.Registry, -1).Rows) {
		if err != nil {
			r.t.Fatal(err)
		}
		e, err := row.Entry()
		if err != nil {
			r.t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// backup copies the database as it is.
func (r *registered) backup() (dsn string) {
	r.t.Helper()
	return ledgertest.Copy(r.t, r.dsn)
}

// The registry names every ledger and its checkpoints, and what is published
// of it verifies with the installation's key.
func TestRegistry(t *testing.T) {
	t.Parallel()
	r := newRegistered(t)
	ledgertest.Append(t, r.log, r.id, 0, 30)
	first := r.publish()
	if again := r.publish(); string(again.Note) != string(first.Note) {
		t.Errorf("published again without a change:\n%s%s", first.Note, again.Note)
	}
	ledgertest.Append(t, r.log, r.id, 30, 5)
	if _, err := r.log.Create(t.Context(), "org_second"); err != nil {
		t.Fatal(err)
	}
	second := r.publish()
	c, err := ledger.OpenCheckpoint(second.Note, ledgertest.Key.VerifierKey(ledgertest.Origin))
	if err != nil || c != second.Checkpoint || c.Size != 4 {
		t.Errorf("%+v %v", c, err)
	}
	if _, err := r.log.PublicationConsistency(t.Context(), first.Size, second.Size); err != nil {
		t.Error(err)
	}
	var got []string
	for _, e := range r.entries() {
		size, _ := e.Details["size"].(json.Number)
		got = append(got, strings.TrimSpace(e.Type+" "+e.Details.String("origin")+" "+size.String()))
	}
	want := []string{
		"registry.ledger_created ledger.test/org_test", "registry.checkpoint ledger.test/org_test 30",
		"registry.ledger_created ledger.test/org_second", "registry.checkpoint ledger.test/org_test 35",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the registry holds\n%s", strings.Join(got, "\n"))
	}
	d, err := r.log.Create(t.Context(), "org_second") // again
	if err != nil || d.ID != 2 {
		t.Errorf("%+v %v", d, err)
	}
}

// A database from a backup has forgotten what was published. It is refused
// before anything is signed, at the start and while a process runs.
func TestRestoredBackup(t *testing.T) {
	t.Parallel()
	r := newRegistered(t)
	ledgertest.Append(t, r.log, r.id, 0, 10)
	r.publish()
	r.log.Close()
	old := r.backup()
	superuser(t, r.dsn, `update lease set until = now()`)
	r.log = r.open()
	ledgertest.Append(t, r.log, r.id, 10, 10)
	r.publish()
	r.refused(old, "the registry has 2 entries and was published with 3")

	// The same history and then another one, of the same length: whoever makes
	// it needs a state of its own.
	superuser(t, old, `update lease set until = now()`, `delete from publication`)
	l := ledgertest.Open(t, old)
	ledgertest.Append(t, l, r.id, 100, 10)
	if err := l.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.Close()
	r.refused(old, "its history was rewritten")
	ledgertest.Check(t, r.log, r.id, 20)
}

// A process notices that the database went back while it ran: the committer at
// the next batch, the publisher at its next round.
func TestRollbackUnderARunningProcess(t *testing.T) {
	t.Parallel()
	t.Run("the committer", func(t *testing.T) {
		t.Parallel()
		r := newRegistered(t)
		ledgertest.Append(t, r.log, r.id, 0, 8)
		superuser(t, r.dsn, `delete from entry where ledger = 1`, `delete from payload where ledger = 1`, `update head set size = 0, edge = '' where ledger = 1`)
		_, err := r.log.Append(t.Context(), one(r.id, ledgertest.Event(9)))
		if audit.CodeOf(err) != audit.Tampered {
			t.Errorf("appended to a ledger that went back: %v", err)
		}
		if _, err := r.log.Append(t.Context(), one(r.id, ledgertest.Event(10))); audit.CodeOf(err) != audit.Tampered {
			t.Errorf("a halted log appends: %v", err)
		}
	})
	t.Run("the publisher", func(t *testing.T) {
		t.Parallel()
		r := newRegistered(t)
		ledgertest.Append(t, r.log, r.id, 0, 8)
		r.publish()
		superuser(t, r.dsn, `update head set size = 0, edge = '' where ledger = 0`)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		if err := r.log.RunPublisher(ctx); audit.CodeOf(err) != audit.Tampered {
			t.Errorf("the publisher went on: %v", err)
		}
		if _, err := r.log.Append(t.Context(), one(r.id, ledgertest.Event(9))); audit.CodeOf(err) != audit.Tampered {
			t.Errorf("a halted log appends: %v", err)
		}
	})
	t.Run("a changed entry of the registry", func(t *testing.T) {
		t.Parallel()
		r := newRegistered(t)
		r.publish()
		ledgertest.Append(t, r.log, r.id, 0, 8)
		if _, err := r.log.Create(t.Context(), "org_second"); err != nil {
			t.Fatal(err)
		}
		superuser(t, r.dsn, `update entry set record = convert_to(replace(convert_from(record, 'UTF8'), 'ledger_created', 'ledger_recreated'), 'UTF8') where ledger = 0 and seq = 1`)
		if err := r.log.Publish(t.Context()); audit.CodeOf(err) != audit.Tampered {
			t.Errorf("published: %v", err)
		}
	})
}

// Without its state a signer does not know what it must not contradict.
func TestLostSignerState(t *testing.T) {
	t.Parallel()
	r := newRegistered(t)
	ledgertest.Append(t, r.log, r.id, 0, 300)
	before := r.publish()
	if err := os.Remove(r.state); err != nil {
		t.Fatal(err)
	}
	r.refused(r.dsn, "is missing although 2 entries of the registry were published")
	reader := ledgertest.Reader(t, r.dsn)
	if _, err := reader.Append(t.Context(), one(r.id, ledgertest.Event(1))); audit.CodeOf(err) != audit.InvalidState {
		t.Errorf("a log without a key appends: %v", err)
	}
	c := ledger.Config{Database: r.dsn, Origin: ledgertest.Origin, Clock: audit.SystemClock, SignerState: r.state}
	if err := ledger.AdoptState(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if err := ledger.AdoptState(t.Context(), c); audit.CodeOf(err) != audit.InvalidState {
		t.Errorf("adopted twice: %v", err)
	}
	if adopted, err := r.log.RecordAdoption(t.Context()); err != nil || adopted != before.Checkpoint {
		t.Fatalf("%+v %v", adopted, err)
	}
	if p := r.publish(); p.Size != before.Size+1 {
		t.Errorf("published at %d", p.Size)
	}
	r.log.Close()
	r.open()

	for name, content := range map[string]string{
		"a hash too few": "sealbook-signer/v1\nledger.test\n1\n" + strings.Repeat("A", 43) + "=\n", "empty": "", "another version": "sealbook-signer/v2\nx\n0\n\n",
	} {
		if err := os.WriteFile(r.state, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Log(name)
		r.refused(r.dsn, "signer state")
	}
}

// Of two processes one publishes; when it is gone the other does.
func TestPublishersTakeTurns(t *testing.T) {
	t.Parallel()
	r := newRegistered(t)
	other := r.open()
	r.publish()
	ledgertest.Append(t, other, r.id, 0, 5)
	if err := other.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p, err := other.Publication(t.Context()); err != nil || p.Size != 1 {
		t.Fatalf("the one without the lease has published: %+v %v", p, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.log.RunPublisher(ctx); err != nil { // a stop in order: one last round
		t.Fatal(err)
	}
	if p, err := other.Publication(t.Context()); err != nil || p.Size != 2 {
		t.Fatalf("%+v %v", p, err)
	}
	ledgertest.Append(t, other, r.id, 5, 5)
	if err := other.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p, err := other.Publication(t.Context()); err != nil || p.Size != 3 {
		t.Fatalf("the lease was not given back: %+v %v", p, err)
	}
	// Both at once: the lease says nothing any more, the signer state decides.
	for n := range 20 {
		ledgertest.Append(t, other, r.id, 10+n, 1)
		superuser(t, r.dsn, `update lease set until = now()`)
		errs := make(chan error, 2)
		for _, l := range []*ledger.Log{r.log, other} {
			go func() { errs <- l.Publish(t.Context()) }()
		}
		for range 2 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
	}
	ledgertest.Check(t, r.log, ledger.Registry, -1)
}

// A key is replaced without a gap: the old one introduces the new one, both
// sign for a while, and whoever trusts the old one learns the new one offline.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	r := newRegistered(t)
	ledgertest.Append(t, r.log, r.id, 0, 3)
	next, err := ledger.GenerateSigningKey()
	if err != nil {
		t.Fatal(err)
	}
	both := next.Joined(ledgertest.Key)
	r.refused(r.dsn, "does not know the signing key", func(c *ledger.Config) { c.Key = both })
	for range 2 { // again has no effect
		if err := r.log.AddKey(t.Context(), next); err != nil {
			t.Fatal(err)
		}
	}
	l := r.open(func(c *ledger.Config) { c.Key = both })
	receipt := ledgertest.Append(t, l, r.id, 3, 1)[0]
	origin := ledgertest.Origin + "/org_test"
	for _, vkey := range []string{ledgertest.Key.VerifierKey(origin), next.VerifierKey(origin)} {
		if _, _, err := receipt.Check(vkey); err != nil {
			t.Errorf("during the overlap: %v", err)
		}
	}
	if err := l.RetireKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.refused(r.dsn, "is retired", func(c *ledger.Config) { c.Key = both })
	r.refused(r.dsn, "is retired")
	l = r.open(func(c *ledger.Config) { c.Key = next })
	receipt = ledgertest.Append(t, l, r.id, 4, 1)[0]
	if _, _, err := receipt.Check(ledgertest.Key.VerifierKey(origin)); err == nil {
		t.Error("a retired key signs")
	}
	if _, _, err := receipt.Check(next.VerifierKey(origin)); err != nil {
		t.Error(err)
	}
	introductions, err := l.Introductions(t.Context())
	if err != nil || len(introductions) != 1 {
		t.Fatalf("%q %v", introductions, err)
	}
	if err := ledger.FollowIntroductions(ledgertest.Key.VerifierKey(origin), next.VerifierKey("x"), introductions); err != nil {
		t.Error(err)
	}
	stranger, err := ledger.GenerateSigningKey()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		from, to string
		notes    [][]byte
	}{
		"backwards":   {next.VerifierKey(origin), ledgertest.Key.VerifierKey(origin), introductions},
		"a stranger":  {stranger.VerifierKey(origin), next.VerifierKey(origin), introductions},
		"no note":     {ledgertest.Key.VerifierKey(origin), next.VerifierKey(origin), nil},
		"not a key":   {"x", next.VerifierKey(origin), introductions},
		"another day": {ledgertest.Key.VerifierKey(origin), next.VerifierKey(origin), [][]byte{[]byte(strings.Replace(string(introductions[0]), "T", "t", 1))}},
	} {
		if err := ledger.FollowIntroductions(c.from, c.to, c.notes); err == nil {
			t.Errorf("%s: followed", name)
		}
	}
	ledgertest.Check(t, l, r.id, 5)
	ledgertest.Check(t, l, ledger.Registry, -1)
}

// Another installation's settings do not write into this database.
func TestForeignRegistry(t *testing.T) {
	t.Parallel()
	r := newRegistered(t)
	r.refused(r.dsn, "belongs to the installation ledger.test", func(c *ledger.Config) { c.Origin = "ledger.other" })
	stranger, err := ledger.GenerateSigningKey()
	if err != nil {
		t.Fatal(err)
	}
	r.refused(r.dsn, "does not know the signing key", func(c *ledger.Config) { c.Key = stranger })
	r.refused(r.dsn, "needs the file of its signer state", func(c *ledger.Config) { c.SignerState = "" })

	// A ledger from before there was a registry is recorded at the next start.
	r.log.Close()
	superuser(t, r.dsn, `delete from registration`, `delete from signing_key`, `delete from external_id where ledger = 0`, `delete from entry where ledger = 0`,
		`delete from payload where ledger = 0`, `delete from rollup where ledger = 0`, `delete from checkpoint where ledger = 0`, `delete from head where ledger = 0`, `delete from ledger where id = 0`)
	r.log = r.open()
	if n := len(r.entries()); n != 1 {
		t.Errorf("the registry has %d entries", n)
	}
}

// Whoever anchored the registry vouches for what its entries hold of a ledger.
func TestAnchored(t *testing.T) {
	t.Parallel()
	r := newRegistered(t)
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for _, size := range []int{10, 20, 30} {
		ledgertest.Append(t, r.log, r.id, size-10, 10)
		r.publish() // its entries 1, 2 and 3
	}
	ledgertest.Append(t, r.log, r.id, 30, 5)
	for registered, want := range map[int64]int64{0: 0, 1: 0, 2: 10, 3: 20, 4: 30, 9: 30} {
		s, err := r.log.Anchored(t.Context(), r.id, 35, registered, at)
		if err != nil {
			t.Fatal(err)
		}
		through := int64(0)
		if s.Through != nil {
			through = *s.Through + 1
		}
		if through != want || s.OperatorAttested != 35-want || (s.Reason == "") != (want > 0) {
			t.Errorf("%d entries of the registry: %+v, want %d", registered, s, want)
		}
	}
}

// A database that goes away while it is compared with the signer state has
// contradicted nothing: the next round goes on.
func TestGuardSurvivesALostConnection(t *testing.T) {
	t.Parallel()
	r := newRegistered(t)
	ledgertest.Append(t, r.log, r.id, 0, 5)
	r.publish()
	r.log.Close()
	superuser(t, r.dsn, `update lease set until = now()`)
	proxy := ledgertest.NewProxy(t, r.dsn)
	l := ledgertest.Open(t, proxy.URL(), func(c *ledger.Config) { c.SignerState = r.state })
	proxy.At(ledgertest.Sent, `select leaf from entry`, func() bool { return false })
	if err := l.Publish(t.Context()); err == nil || audit.CodeOf(err) == audit.Tampered {
		t.Errorf("the round ended with %v", err)
	}
	ledgertest.Append(t, l, r.id, 5, 1)
	if err := l.Publish(t.Context()); err != nil {
		t.Error(err)
	}
}

// The registry grows every second. What is published while it is verified is no
// contradiction.
func TestRegistryIsVerifiedInOneSnapshot(t *testing.T) {
	t.Parallel()
	r := newRegistered(t)
	ledgertest.Append(t, r.log, r.id, 0, 5)
	r.publish()
	proxy := ledgertest.NewProxy(t, r.dsn)
	l := ledgertest.Open(t, proxy.URL(), func(c *ledger.Config) { c.Key = nil })
	var once sync.Once
	proxy.At(ledgertest.Sent, `select 'checkpoint of '`, func() bool { // one of the last about the registry's own entries
		once.Do(func() {
			ledgertest.Append(t, r.log, r.id, 5, 3)
			r.publish()
		})
		return true
	})
	v, err := l.VerifyRegistry(t.Context(), ledger.Registry, ledger.VerifyOptions{})
	if err != nil || len(v.Problems) > 0 {
		t.Errorf("%v %+v", err, v.Problems)
	}
	if now, _, err := r.log.Head(t.Context(), ledger.Registry); err != nil || now.Size <= v.Checkpoint.Size {
		t.Errorf("nothing was published meanwhile: %d %d %v", now.Size, v.Checkpoint.Size, err)
	}
}
