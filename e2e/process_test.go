// Package e2e runs the real programs as separate processes, with a real
// Postgres and a real Temporal, and treats them as production does: with
// requests, signals and kills. It guards what no single package can: that
// nothing acknowledged is lost and nothing ordered is forgotten.
package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/internal/port"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// binary is bin/sealbook, built once from the tree under test.
var binary string

func TestMain(m *testing.M) {
	code, err := build(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(code)
}

func build(m *testing.M) (int, error) {
	if os.Getenv("SEALBOOK_TEST_TEMPORAL") == "" {
		return 0, fmt.Errorf("SEALBOOK_TEST_TEMPORAL is not set: run the tests with make test, which builds the embedded Temporal")
	}
	dir, err := os.MkdirTemp("", "sealbook-e2e-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "sealbook")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "../cmd/sealbook")
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build sealbook: %w\n%s", err, out)
	}
	return m.Run(), nil
}

// installation is everything a running Sealbook consists of.
type installation struct {
	t        testing.TB
	dir      string
	dsn      string // superuser
	env      []string
	url, key string
	vkey     string
	temporal *process
	api      *process
	worker   *process
}

// install migrates a database, makes keys and starts all processes.
func install(t testing.TB) *installation {
	t.Helper()
	return installOn(t, ledgertest.Database(t))
}

func installOn(t testing.TB, dsn string) *installation {
	t.Helper()
	i := &installation{t: t, dir: t.TempDir(), dsn: dsn}
	port, temporalPort := freePort(t), freePort(t)
	i.url = "http://127.0.0.1:" + port
	app := i.login()
	i.env = append(os.Environ(),
		"SEALBOOK_DATABASE_URL="+app, "SEALBOOK_MIGRATE_DATABASE_URL="+i.dsn,
		"SEALBOOK_HTTP_ADDR=127.0.0.1:"+port, "SEALBOOK_PUBLIC_URL="+i.url, "SEALBOOK_ORIGIN=e2e.test",
		"SEALBOOK_SIGNER_KEY="+filepath.Join(i.dir, "signer.pem"), "SEALBOOK_PEPPER_FILE="+filepath.Join(i.dir, "pepper"),
		"SEALBOOK_ARTIFACTS=file://"+filepath.Join(i.dir, "artifacts"), "SEALBOOK_ASSESS_EVERY=0",
		"TEMPORAL_ADDRESS=127.0.0.1:"+temporalPort, "TEMPORAL_NAMESPACE=default",
		"SEALBOOK_URL="+i.url,
	)
	i.must("keygen", "--dir", i.dir)
	i.must("migrate")
	var key struct {
		Key         string `json:"key"`
		VerifierKey string `json:"verifier_key"`
	}
	out := i.must("apikey", "create", "--organisation", "E2E", "--create-organisation", "--name", "test", "--permissions", "all", "--json")
	if err := json.Unmarshal([]byte(out), &key); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	i.key, i.vkey = key.Key, key.VerifierKey
	i.env = append(i.env, "SEALBOOK_KEY="+i.key)
	i.temporal = i.process("temporal", os.Getenv("SEALBOOK_TEST_TEMPORAL"), "-port", temporalPort, "-headless", "-sqlite", filepath.Join(i.dir, "temporal.sqlite"))
	i.api = i.process("api", binary, "serve")
	i.worker = i.process("worker", binary, "worker")
	for _, p := range []*process{i.temporal, i.api, i.worker} {
		p.start()
	}
	i.ready()
	return i
}

// login makes a role as production has it: without any right of its own.
func (i *installation) login() string {
	i.t.Helper()
	u, err := url.Parse(i.dsn)
	if err != nil {
		i.t.Fatal(err)
	}
	role := "app_" + strings.TrimPrefix(u.Path, "/")
	conn, err := pgx.Connect(i.t.Context(), i.dsn)
	if err != nil {
		i.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(i.t.Context(), fmt.Sprintf(`create role %s login password 'app'`, role)); err != nil {
		i.t.Fatal(err)
	}
	i.t.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), i.dsn)
		if err != nil {
			return
		}
		defer conn.Close(context.Background())
		conn.Exec(context.Background(), fmt.Sprintf(`drop owned by %s; drop role %s`, role, role)) // the cluster goes anyway
	})
	u.User = url.UserPassword(role, "app")
	return u.String()
}

// commandTime bounds a command, so that one that hangs is named.
const commandTime = 3 * time.Minute

// command runs the program to its end.
func (i *installation) command(args ...string) (stdout, stderr string, code int) {
	i.t.Helper()
	ctx, cancel := context.WithTimeout(i.t.Context(), commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = i.env
	var out, err strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &err
	runErr := cmd.Run()
	if cmd.ProcessState == nil {
		i.t.Fatal(runErr)
	}
	return out.String(), err.String(), cmd.ProcessState.ExitCode()
}

func (i *installation) must(args ...string) string {
	i.t.Helper()
	out, stderr, code := i.command(args...)
	if code != 0 {
		i.t.Fatalf("sealbook %s: exit %d\n%s%s", strings.Join(args, " "), code, out, stderr)
	}
	return out
}

// ready waits until every part says so.
func (i *installation) ready() {
	i.t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		r, err := http.Get(i.url + "/readyz")
		if err != nil {
			continue
		}
		r.Body.Close()
		if r.StatusCode == http.StatusOK {
			return
		}
	}
	i.t.Fatalf("the system does not become ready\n%s", i.logs())
}

func (i *installation) logs() string {
	var all strings.Builder
	for _, p := range []*process{i.temporal, i.api, i.worker} {
		if p != nil {
			fmt.Fprintf(&all, "--- %s\n%s\n", p.name, p.tail())
		}
	}
	return all.String()
}

// post sends a JSON body; a status of 0 means that no answer came.
func (i *installation) post(client *http.Client, path, body string, header ...string) (status int, answer []byte) {
	req, err := http.NewRequest(http.MethodPost, i.url+"/api/v1/audit"+path, strings.NewReader(body))
	if err != nil {
		i.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+i.key)
	req.Header.Set("Content-Type", "application/json")
	for n := 0; n+1 < len(header); n += 2 {
		req.Header.Set(header[n], header[n+1])
	}
	r, err := client.Do(req)
	if err != nil {
		return 0, nil
	}
	defer r.Body.Close()
	answer, err = io.ReadAll(r.Body)
	if err != nil {
		return 0, nil
	}
	return r.StatusCode, answer
}

// process is a program that can be killed and started again.
type process struct {
	t    testing.TB
	name string
	args []string
	env  []string
	mu   sync.Mutex
	cmd  *exec.Cmd
	log  []string // the last lines
	bad  []string // the last lines about errors that are nobody's doing outside
}

// maxLog is how many lines of each kind are kept of a process.
const maxLog = 60

func keep(lines []string, line string) []string {
	if lines = append(lines, line); len(lines) > maxLog {
		lines = lines[1:]
	}
	return lines
}

func (i *installation) process(name string, args ...string) *process {
	p := &process{t: i.t, name: name, args: args, env: i.env}
	i.t.Cleanup(func() {
		p.kill()
		if i.t.Failed() {
			i.t.Logf("--- %s\n%s", p.name, p.tail())
		}
	})
	return p
}

func (p *process) start() {
	p.t.Helper()
	cmd := exec.Command(p.args[0], p.args[1:]...)
	cmd.Env = p.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	p.cmd = cmd
	p.mu.Unlock()
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			p.mu.Lock()
			p.log = keep(p.log, s.Text())
			if strings.Contains(s.Text(), `"code":"INTERNAL"`) || strings.Contains(s.Text(), `"code":"TAMPERED"`) {
				p.bad = keep(p.bad, s.Text())
			}
			p.mu.Unlock()
		}
	}()
}

func (p *process) tail() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(append(slices.Clone(p.bad), p.log...), "\n")
}

// kill ends the process as a power cut would.
func (p *process) kill() { p.end(syscall.SIGKILL) }

// stop ends it as an operator does, and returns its exit code.
func (p *process) stop() int { return p.end(syscall.SIGTERM) }

func (p *process) end(signal syscall.Signal) int {
	p.mu.Lock()
	cmd := p.cmd
	p.cmd = nil
	p.mu.Unlock()
	if cmd == nil {
		return 0
	}
	cmd.Process.Signal(signal) // it may be gone already
	cmd.Wait()                 // the exit code tells
	return cmd.ProcessState.ExitCode()
}

func freePort(t testing.TB) string {
	t.Helper()
	n, err := port.Free("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(n)
}
