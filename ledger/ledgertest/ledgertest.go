// Package ledgertest gives every test a database and ledgers of its own, and
// the oracle that says whether a ledger is whole. It guards tests against each
// other and against the absence of Postgres, which is a failure and never a
// skip. Tests of all packages that touch the ledger use it.
package ledgertest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// DatabaseVariable names the environment variable with the URL of a Postgres
// superuser, which make test sets.
const DatabaseVariable = "SEALBOOK_TEST_DATABASE_URL"

var (
	template     string
	templateErr  error
	templateOnce sync.Once
	databases    atomic.Int64
)

// Database makes a database with the current schema for one test, drops it
// when the test passes, and keeps it and logs its URL when the test fails.
func Database(t testing.TB) (dsn string) {
	t.Helper()
	admin := os.Getenv(DatabaseVariable)
	if admin == "" {
		t.Fatalf("%s is not set: run the tests with make test, which starts a private Postgres", DatabaseVariable)
	}
	templateOnce.Do(func() { template, templateErr = makeTemplate(admin) })
	if templateErr != nil {
		t.Fatalf("make template database: %v", templateErr)
	}
	name := fmt.Sprintf("test_%d_%d", os.Getpid(), databases.Add(1))
	administer(t, "create database "+name+" template "+template+" strategy file_copy") // the cheapest in memory
	dsn = withDatabase(admin, name)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the database of the failed test is kept: %s", dsn)
			return
		}
		administer(t, "drop database "+name+" with (force)")
	})
	return dsn
}

// Copy makes a copy of a database that nobody is connected to, as a backup that
// was restored is.
func Copy(t testing.TB, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	admin := os.Getenv(DatabaseVariable)
	name := fmt.Sprintf("copy_%d_%d", os.Getpid(), databases.Add(1))
	administer(t, "create database "+name+" template "+strings.TrimPrefix(u.Path, "/"))
	t.Cleanup(func() { administer(t, "drop database "+name+" with (force)") })
	return withDatabase(admin, name)
}

// makeTemplate migrates a database once for each set of migrations; several
// test processes may come here at the same time.
func makeTemplate(admin string) (string, error) {
	ctx := context.Background()
	hash := sha256.New()
	names, err := fs.Glob(ledger.SchemaFiles(), "*.sql")
	if err != nil {
		return "", err
	}
	for _, n := range names {
		b, err := fs.ReadFile(ledger.SchemaFiles(), n)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(hash, "%s %d\n%s", n, len(b), b)
	}
	name := "template_" + hex.EncodeToString(hash.Sum(nil)[:8])
	conn, err := pgx.Connect(ctx, admin)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, `select pg_advisory_lock(7361)`); err != nil {
		return "", err
	}
	defer conn.Exec(ctx, `select pg_advisory_unlock(7361)`) // closing the connection unlocks too
	var ready bool
	if err := conn.QueryRow(ctx, `select exists (select from pg_database where datname = $1 and datistemplate)`, name).Scan(&ready); err != nil || ready {
		return name, err
	}
	// A half-made one of a killed run is not marked as template.
	for _, sql := range []string{"drop database if exists " + name, "create database " + name} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return "", err
		}
	}
	fresh, err := pgx.Connect(ctx, withDatabase(admin, name))
	if err != nil {
		return "", err
	}
	_, _, err = ledger.Migrate(ctx, fresh)
	fresh.Close(ctx)
	if err != nil {
		return "", err
	}
	_, err = conn.Exec(ctx, "alter database "+name+" is_template true")
	return name, err
}

func withDatabase(dsn, name string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		panic(err)
	}
	u.Path = "/" + name
	return u.String()
}

// administrators are connections of this process that make and drop databases. A
// connection costs the server as much as a small database does.
var administrators = sync.OnceValues(func() (*pgxpool.Pool, error) {
	c, err := pgxpool.ParseConfig(os.Getenv(DatabaseVariable))
	if err != nil {
		return nil, err
	}
	c.MinConns, c.MaxConns = 0, 2
	return pgxpool.NewWithConfig(context.Background(), c)
})

func administer(t testing.TB, sql string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	pool, err := administrators()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func execute(t testing.TB, dsn, sql string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// Key signs the checkpoints of test ledgers.
var Key = func() *ledger.SigningKey {
	k, err := ledger.GenerateSigningKey()
	if err != nil {
		panic(err)
	}
	return k
}()

// Origin is the prefix of test ledgers' origins.
const Origin = "ledger.test"

// Open opens a Log on dsn for the length of the test.
func Open(t testing.TB, dsn string, change ...func(*ledger.Config)) *ledger.Log {
	t.Helper()
	c := ledger.Config{
		Database: dsn, Key: Key, Origin: Origin, Clock: audit.SystemClock, SignerState: filepath.Join(t.TempDir(), "signer.state"),
	}
	for _, f := range change {
		f(&c)
	}
	l, err := ledger.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// Reader opens a Log that only reads, as verification does, with nobody's key.
func Reader(t testing.TB, dsn string) *ledger.Log {
	t.Helper()
	return Open(t, dsn, func(c *ledger.Config) { c.Key = nil })
}

// New makes a database, opens a Log on it and creates one ledger.
func New(t testing.TB) (l *ledger.Log, id int32, dsn string) {
	t.Helper()
	dsn = Database(t)
	l = Open(t, dsn)
	d, err := l.Create(t.Context(), "org_test")
	if err != nil {
		t.Fatal(err)
	}
	return l, d.ID, dsn
}

// Check is the oracle: the ledger is whole and has size entries. A size of -1
// is not compared.
func Check(t testing.TB, l *ledger.Log, id int32, size int64) ledger.Verification {
	t.Helper()
	v, err := l.Verify(context.WithoutCancel(t.Context()), id, 0, 1<<62, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range v.Problems {
		t.Errorf("%s: %s", p.Kind, p.Message)
	}
	if size >= 0 && v.Checkpoint.Size != size {
		t.Errorf("the ledger has %d entries, not %d", v.Checkpoint.Size, size)
	}
	if v.Rows != v.Checkpoint.Size {
		t.Errorf("the ledger has %d rows and a head of %d", v.Rows, v.Checkpoint.Size)
	}
	return v
}

// Event is a plausible event; n varies it.
func Event(n int) audit.Event {
	types := []string{"scan.completed", "issue.created", "fix.applied", "access.granted", "config.changed"}
	t := audit.BuiltinEventTypes[types[n%len(types)]]
	at := time.Date(2024, 1, 1, 0, 0, n, 123456000, time.UTC)
	return audit.Event{
		Type: t.Name, Class: t.Class, Severity: t.Severity, Timestamp: &at,
		Description: fmt.Sprintf("event number %d", n),
		Actor:       audit.Object{"type": "user", "id": fmt.Sprintf("user_%d", n%7), "email": fmt.Sprintf("u%d@example.com", n%7)},
		Resource:    audit.Object{"type": "issue", "id": fmt.Sprintf("issue_%d", n), "name": "Missing encryption"},
		Repository:  audit.Object{"id": fmt.Sprintf("repo_%d", n%3), "name": fmt.Sprintf("acme/app-%d", n%3)},
		Context:     audit.Object{"source_ip": "203.0.113.1", "location": "Plant A", "approval": "CR-1"},
		Details:     audit.Object{"number": n, "ratio": 0.25, "nested": map[string]any{"list": []any{1, "two", nil}}},
		Frameworks:  []audit.Framework{audit.SOC2, audit.GDPR},
	}
}

// Append appends n events, one submission each, and returns their receipts.
func Append(t testing.TB, l *ledger.Log, id int32, first, n int) []ledger.Receipt {
	t.Helper()
	out := make([]ledger.Receipt, 0, n)
	for len(out) < n {
		s := ledger.Submission{Ledger: id}
		for i := len(out); i < n && len(s.Events) < ledger.MaxBulk; i++ {
			s.Events = append(s.Events, Event(first+i))
		}
		o, err := l.Append(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range o.Items {
			if item.Status != ledger.Created {
				t.Fatalf("%s: %v", item.Status, item.Err)
			}
			out = append(out, *item.Receipt)
		}
	}
	return out
}
