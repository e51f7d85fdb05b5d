package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sealbook/sealbook/internal/evidence"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// startTemporal runs the embedded Temporal, which make test builds.
func startTemporal(t testing.TB) (address string) {
	t.Helper()
	program := os.Getenv("SEALBOOK_TEST_TEMPORAL")
	if program == "" {
		t.Fatal("SEALBOOK_TEST_TEMPORAL is not set: run the tests with make test, which builds the embedded Temporal")
	}
	cmd := exec.Command(program, "-port", "0", "-headless")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	})
	lines := bufio.NewReader(out)
	line, err := lines.ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, lines)
	var ready struct{ Address string }
	if err := json.Unmarshal(line, &ready); err != nil {
		t.Fatal(err)
	}
	return ready.Address
}

// work runs the worker in this process for the length of the test.
func (i *installation) work(t testing.TB) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	log := &logLines{}
	var running sync.WaitGroup
	code := 0
	running.Go(func() { code = run(ctx, []string{"worker"}, strings.NewReader(""), &bytes.Buffer{}, log, i.env) })
	t.Cleanup(func() {
		stop()
		running.Wait()
		if code != exitOK {
			t.Errorf("worker ended with %d:\n%s", code, log)
		}
	})
}

// TestExportAndVerify goes the whole way: a recording in, a package out, and
// the package checked with every kind of key and after every kind of damage.
func TestExportAndVerify(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.env = append(i.env, "TEMPORAL_ADDRESS="+startTemporal(t))
	env := i.client(i.serve(t))
	invoke(t, env, "", "import", "--format", "cloudtrail", cloudTrailFixture).want(t, exitOK)
	invoke(t, env, "", "sample", "--entries", "300", "--year", "2023").want(t, exitOK)
	i.work(t) // the export starts when there is somebody to make it
	dir := t.TempDir()
	file := filepath.Join(dir, "evidence.zip")
	invoke(t, append(env, "SEALBOOK_TEMPORAL_UI_URL=http://127.0.0.1:8233"), "", "export", "--framework", "soc2", "--from", "2023-01-01", "--to", "2023-12-31", "--out", file).
		want(t, exitOK).says(t, "was started", "watch it at http://127.0.0.1:8233/namespaces/default/workflows/export_", "sha256:", file)
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("%v %v", left, err)
	}

	r := invoke(t, nil, "", "verify", file, "--key", i.key.VerifierKey, "--json").want(t, exitOK)
	var report evidence.Report
	if err := json.Unmarshal([]byte(r.stdout), &report); err != nil {
		t.Fatal(err)
	}
	if report.Counts.Shown["access_logs"] < 4 || report.Authenticity != evidence.OK || report.File != file {
		t.Errorf("%s", r.stdout)
	}
	fingerprint := report.Package.Fingerprint
	invoke(t, nil, "", "verify", file).want(t, exitOK).says(t, "authenticity  unpinned", fingerprint)
	invoke(t, []string{"SEALBOOK_TRUSTED_KEYS=" + filepath.Join(i.dir, verifierFile)}, "", "verify", file).want(t, exitOK).says(t, "authenticity  ok")
	invoke(t, nil, "", "verify", "--key", fingerprint, file).want(t, exitOK).says(t, "authenticity  ok", "VERIFIED")
	invoke(t, nil, "", "verify", file, "--key", ledgertest.Key.VerifierKey(i.key.Origin)).want(t, exitFailed).says(t, "none of the trusted keys")
	// The right key, vouched for as another ledger's.
	other := otherName(t, i.key.VerifierKey, "ledger.test/org_other")
	invoke(t, nil, "", "verify", file, "--key", other).want(t, exitFailed).says(t, "the trusted key is not of the ledger "+i.key.Origin, "FAILED")

	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	middle := slices.Clone(whole)
	middle[len(middle)/2] ^= 1
	for name, c := range map[string]struct {
		content []byte
		code    int
	}{
		"one bit": {middle, exitFailed}, "cut": {whole[:len(whole)-100], exitFailed}, "more": {append(slices.Clone(whole), 'x'), exitFailed},
		"nothing": {nil, exitUsage}, "text": {[]byte("hello"), exitFailed}, "other JSON": {[]byte(`{"a":1}`), exitUsage},
	} {
		bad := filepath.Join(dir, "bad.zip")
		if err := os.WriteFile(bad, c.content, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := invoke(t, nil, "", "verify", bad, "--key", i.key.VerifierKey); got.code != c.code || strings.Contains(got.stdout, "VERIFIED") {
			t.Errorf("%s: exit code %d\n%s%s", name, got.code, got.stdout, got.stderr)
		}
	}
	ledgertest.Check(t, ledgertest.Reader(t, i.dsn), 1, -1)
}

// exports is an API that shows one job in the states that a test gives it.
type exports struct {
	mu       sync.Mutex
	states   []string // of GET, the last for ever
	content  string
	canceled bool
	started  int
}

func (e *exports) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case r.Method == http.MethodPost:
		e.started++
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, `{"data":{"job_id":"export_1","status":"queued"}}`)
	case r.Method == http.MethodDelete:
		e.canceled = true
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, `{"data":{"job_id":"export_1","status":"processing"}}`)
	case strings.HasSuffix(r.URL.Path, "/download"):
		fmt.Fprint(w, e.content)
	default:
		fmt.Fprintf(w, `{"data":{"job_id":"export_1",%s}}`, e.states[0])
		if len(e.states) > 1 {
			e.states = e.states[1:]
		}
	}
}

func TestExportStates(t *testing.T) {
	t.Parallel()
	i := install(t)
	digest := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte("package")))
	completed := `"status":"completed","sha256":"` + digest + `"`
	running := `"status":"processing","progress":{"stage":"collecting","entries_done":1,"entries_total":2}`
	ask := []string{"export", "--framework", "soc2", "--from", "2024-01-01", "--to", "2024-12-31", "--out"}
	for name, c := range map[string]struct {
		states  []string
		content string
		more    []string
		code    int
		says    string
	}{
		"all goes well":       {[]string{`"status":"queued"`, running, completed}, "package", nil, exitOK, digest},
		"partial":             {[]string{`"status":"completed","sha256":"` + digest + `","failures":["access_logs could not be collected"]`}, "package", nil, exitOK, "the package is partial: access_logs"},
		"as JSON":             {[]string{completed}, "package", []string{"--json"}, exitOK, `{"job_id":"export_1","status":"completed"`},
		"another file":        {[]string{completed}, "pockage", nil, exitFailed, "the file was not kept"},
		"failed":              {[]string{running, `"status":"failed","error":"entry 7 is missing"`}, "", nil, exitFailed, "the export failed: entry 7 is missing"},
		"canceled by another": {[]string{`"status":"canceled"`}, "", nil, exitFailed, "the export is canceled"},
		"expired":             {[]string{`"status":"expired"`}, "", nil, exitFailed, "the export is expired"},
		"too slow":            {[]string{running}, "", []string{"--timeout", "1ms"}, exitFailed, "it goes on, and --job export_1 waits for it"},
	} {
		api := &exports{states: c.states, content: c.content}
		s := httptest.NewServer(api)
		dir := t.TempDir()
		file := filepath.Join(dir, "e.zip")
		r := invoke(t, i.client(s.URL), "", append(append(ask[:len(ask):len(ask)], file), c.more...)...)
		s.Close()
		if r.code != c.code || !strings.Contains(r.stdout+r.stderr, c.says) || api.started != 1 {
			t.Errorf("%s: exit code %d\n%s%s", name, r.code, r.stdout, r.stderr)
		}
		files, err := os.ReadDir(dir)
		if err != nil || (len(files) == 1) != (c.code == exitOK) || len(files) > 1 {
			t.Errorf("%s: %v %v", name, files, err)
		}
	}

	// A job that was started before is waited for and not started again.
	api := &exports{states: []string{completed}, content: "package"}
	s := httptest.NewServer(api)
	defer s.Close()
	invoke(t, i.client(s.URL), "", "export", "--job", "export_1", "--out", filepath.Join(t.TempDir(), "e.zip")).want(t, exitOK)
	if api.started != 0 {
		t.Error("an export was started")
	}
}

// TestExportInterrupted: Ctrl-C ends the waiting, and the export only when
// that was asked for.
func TestExportInterrupted(t *testing.T) {
	t.Parallel()
	i := install(t)
	for _, cancels := range []bool{false, true} {
		api := &exports{states: []string{`"status":"processing"`}}
		s := httptest.NewServer(api)
		args := []string{"export", "--framework", "soc2", "--from", "2024-01-01", "--to", "2024-12-31", "--out", filepath.Join(t.TempDir(), "e.zip")}
		says := "but the export goes on; sealbook export --job export_1 --out "
		if cancels {
			args, says = append(args, "--cancel-on-interrupt"), "the export export_1 is being canceled"
		}
		ctx, interrupt := context.WithTimeout(t.Context(), 500*time.Millisecond)
		var stdout, stderr bytes.Buffer
		code := run(ctx, args, strings.NewReader(""), &stdout, &stderr, i.client(s.URL))
		interrupt()
		s.Close()
		if code != exitFailed || !strings.Contains(stderr.String(), says) || api.canceled != cancels {
			t.Errorf("code %d, canceled %t: %s", code, api.canceled, stderr.String())
		}
	}
}
