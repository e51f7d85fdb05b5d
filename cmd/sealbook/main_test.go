package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// binary is the program, built once for the tests that need a process.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "sealbook-test-*")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "sealbook")
		if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", binary, ".").CombinedOutput(); err != nil {
			panic(fmt.Sprintf("%v\n%s", err, out))
		}
		return m.Run()
	}())
}

// apiMount is where the API is served.
const apiMount = "/api/v1/audit"

// result is what a run left.
type result struct {
	code           int
	stdout, stderr string
}

// invoke runs the program in this process.
func invoke(t testing.TB, env []string, stdin string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), args, strings.NewReader(stdin), &stdout, &stderr, env)
	return result{code, stdout.String(), stderr.String()}
}

// want checks the exit code and returns the result.
func (r result) want(t testing.TB, code int) result {
	t.Helper()
	if r.code != code {
		t.Fatalf("exit code %d, not %d\n%s%s", r.code, code, r.stdout, r.stderr)
	}
	return r
}

// says checks that both outputs together hold every part.
func (r result) says(t testing.TB, parts ...string) result {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(r.stdout+r.stderr, p) {
			t.Errorf("%q is not in\n%s%s", p, r.stdout, r.stderr)
		}
	}
	return r
}

// installation is a Sealbook with a database and keys of its own, and one
// organisation.
type installation struct {
	dir, dsn string
	env      []string // of an operator: everything but an API key
	key      struct {
		Key, KeyID, Organisation, Origin string
		VerifierKey                      string `json:"verifier_key"`
	}
}

func install(t testing.TB) *installation {
	t.Helper()
	i := &installation{dir: t.TempDir(), dsn: ledgertest.Database(t)}
	i.env = []string{
		"SEALBOOK_DATABASE_URL=" + i.dsn, "SEALBOOK_MIGRATE_DATABASE_URL=" + i.dsn, "SEALBOOK_ORIGIN=ledger.test",
		"SEALBOOK_SIGNER_KEY=" + filepath.Join(i.dir, signerFile), "SEALBOOK_PEPPER_FILE=" + filepath.Join(i.dir, pepperFile),
		"SEALBOOK_ARTIFACTS=file://" + filepath.Join(i.dir, "artifacts"), "SEALBOOK_HTTP_ADDR=127.0.0.1:0",
		"TEMPORAL_ADDRESS=127.0.0.1:1", // nothing listens there
	}
	invoke(t, i.env, "", "keygen", "--dir", i.dir).want(t, exitOK)
	made := invoke(t, i.env, "", "apikey", "create", "--organisation", "Test", "--create-organisation", "--name", "test", "--permissions", "all", "--json").want(t, exitOK)
	if err := json.Unmarshal([]byte(made.stdout), &i.key); err != nil {
		t.Fatal(err)
	}
	return i
}

// client is the environment of somebody with the API key.
func (i *installation) client(url string) []string {
	return []string{"SEALBOOK_URL=" + url, "SEALBOOK_KEY=" + i.key.Key}
}

// serve runs the API in this process for the length of the test, and returns
// its URL.
func (i *installation) serve(t testing.TB) (url string) {
	t.Helper()
	url, _ = i.serveUntil(t)
	return url
}

// serveUntil serves until stop is called, or the test ends.
func (i *installation) serveUntil(t testing.TB) (url string, stopped func()) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	log := &logLines{}
	var running sync.WaitGroup
	code := 0
	running.Go(func() { code = run(ctx, []string{"serve"}, strings.NewReader(""), &bytes.Buffer{}, log, i.env) })
	stopped = sync.OnceFunc(func() {
		stop()
		running.Wait()
		if code != exitOK {
			t.Errorf("serve ended with %d:\n%s", code, log)
		}
	})
	t.Cleanup(stopped)
	return "http://" + log.address(t), stopped
}

// logLines is where a process writes its log.
type logLines struct {
	mu    sync.Mutex
	bytes bytes.Buffer
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes.Write(p)
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes.String()
}

// address waits for the line that says where the API listens.
func (l *logLines) address(t testing.TB) string {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		for line := range strings.Lines(l.String()) {
			var said struct{ Msg, Address string }
			if json.Unmarshal([]byte(line), &said) == nil && said.Address != "" {
				return said.Address
			}
		}
	}
	t.Fatalf("the API does not say where it listens:\n%s", l)
	return ""
}

// entry is a body of POST /entries.
func entry(n int) string {
	return fmt.Sprintf(`{"event_type":"access.granted","external_id":"entry-%d","user_id":"ada","resource_id":"vault","details":{"n":%d}}`, n, n)
}
