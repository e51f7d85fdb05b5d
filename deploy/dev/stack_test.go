package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// The test binary plays two more parts: the program under supervision, and a
// supervisor that can be killed.
func TestMain(m *testing.M) {
	switch os.Getenv("STACK_PART") {
	case "sealbook":
		os.Exit(playSealbook(os.Args[1:]))
	case "supervisor":
		os.Exit(playSupervisor(os.Args[1]))
	}
	os.Exit(m.Run())
}

// playSealbook notes each call and answers like the program does.
func playSealbook(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	note, err := os.OpenFile(os.Getenv("STACK_NOTES"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer note.Close()
	owner := os.Getenv("SEALBOOK_MIGRATE_DATABASE_URL") != ""
	fmt.Fprintf(note, "%s owner=%t\n", args[0], owner)
	switch args[0] {
	case "apikey":
		fmt.Printf(`{"key":"sk_%d"}`, time.Now().UnixNano())
	case "serve":
		s := http.Server{Addr: os.Getenv("SEALBOOK_HTTP_ADDR"), Handler: http.HandlerFunc(playOfficersAPI)}
		context.AfterFunc(ctx, func() { _ = s.Close() })
		_ = s.ListenAndServe()
		fmt.Fprintln(note, "serve ends")
	case "outbox": // --dir DIR --addr ADDRESS --events URL
		if err := os.MkdirAll(args[2], 0o700); err == nil {
			_ = os.WriteFile(filepath.Join(args[2], "events.pub"), []byte("key"), 0o600)
		}
		s := http.Server{Addr: args[4]}
		context.AfterFunc(ctx, func() { _ = s.Close() })
		_ = s.ListenAndServe()
		fmt.Fprintln(note, "outbox ends")
	case "person":
		fmt.Print(`{"enrolment_code":"AAAA"}`)
	case "worker":
		fmt.Fprintln(os.Stderr, "the worker's last words")
		<-ctx.Done()
		fmt.Fprintln(note, "worker ends")
	}
	return 0
}

// approved: somebody has approved the retrieval.
var approved atomic.Bool

// playArchive answers about two entries: one that a hold keeps, and one that is
// archived until it is retrieved.
func playArchive(w http.ResponseWriter, r *http.Request) bool {
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/decision"):
		approved.Store(true)
		fmt.Fprint(w, `{"data":{}}`)
	case strings.HasSuffix(path, "/archive/retrievals"):
		fmt.Fprint(w, `{"data":{"retrieval_id":"retrieval_1"}}`)
	case strings.HasSuffix(path, "/entries"):
		body, _ := io.ReadAll(r.Body)
		id := "free"
		if strings.Contains(string(body), "vault") {
			id = "held"
		}
		fmt.Fprintf(w, `{"data":{"id":%q,"receipt":{}}}`, id)
	case strings.HasSuffix(path, "/entries/free") && !approved.Load():
		w.WriteHeader(http.StatusGone)
		fmt.Fprint(w, `{"error":{"code":"AUDIT_DATA_ARCHIVED","details":{}}}`)
	case strings.Contains(path, "/entries/"), strings.HasSuffix(path, "/legal-holds"), strings.HasSuffix(path, "/archive/runs"):
		fmt.Fprint(w, `{"data":{}}`)
	default:
		return false
	}
	return true
}

// playOfficersAPI says what the officer needs to enrol, to sign and to investigate.
func playOfficersAPI(w http.ResponseWriter, r *http.Request) {
	if playArchive(w, r) {
		return
	}
	if strings.Contains(r.URL.Path, "/investigations") {
		fmt.Fprint(w, `{"data":{"investigation_id":"inv_1","stage":"findings_review","evidence_collection":{"audit_entries_collected":1,"chain_of_custody_verified":true}}}`)
		return
	}
	if r.URL.RawQuery != "" { // the list of reports that wait
		fmt.Fprint(w, `{"data":[{"report_id":"report_1"}]}`)
		return
	}
	fmt.Fprint(w, `{"data":{"totp_secret":"GEZDGNBVGY3TQOJQ","token":"t","nonce":"n","digest":"d","signature_meaning":"approval"}}`)
}

func playSupervisor(data string) int {
	s, err := testStack(data)
	if err == nil {
		err = s.live(context.Background(), func(ctx context.Context) error {
			fmt.Println("up")
			<-ctx.Done()
			return nil
		})
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// testStack is a stack on free ports whose program is this test binary.
func testStack(data string) (*stack, error) {
	cfg, err := readSettings(func(name string) string { return map[string]string{"SEALBOOK_DATA": data}[name] })
	if err != nil {
		return nil, err
	}
	for _, l := range []*listener{&cfg.http, &cfg.temporal, &cfg.ui, &cfg.outbox} {
		if err := l.anywhere(); err != nil {
			return nil, err
		}
	}
	cfg.publicURL = "http://" + cfg.http.String()
	cfg.postgresBin = os.Getenv("SEALBOOK_POSTGRES_BIN")
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cfg.sealbook = filepath.Join(data, "sealbook")
	script := fmt.Sprintf("#!/bin/sh\nSTACK_PART=sealbook STACK_NOTES=%s exec %s \"$@\"\n", filepath.Join(data, "notes"), self)
	if err := os.WriteFile(cfg.sealbook, []byte(script), 0o700); err != nil {
		return nil, err
	}
	s := newStack(cfg)
	s.codeEvery = 100 * time.Millisecond
	null, err := os.OpenFile(filepath.Join(data, "screen"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	s.screen = newScreen(null)
	return s, err
}

func folder(t *testing.T) string {
	t.Helper()
	if os.Getenv("SEALBOOK_TEST_TEMPORAL") == "" {
		t.Skip("the embedded Temporal may have to be built, which takes minutes: run make test")
	}
	dir, err := os.MkdirTemp("/tmp", "sealbook-stack-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func newTestStack(t *testing.T, data string) *stack {
	t.Helper()
	s, err := testStack(data)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func notes(t *testing.T, data string) string {
	t.Helper()
	path := filepath.Join(data, "notes")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

func TestLife(t *testing.T) {
	data := folder(t)
	enough := func(context.Context) error { return errEnough }

	s := newTestStack(t, data)
	if err := s.live(t.Context(), enough); err != nil {
		t.Fatal(err)
	}
	want := `migrate owner=true
keygen owner=false
certificate owner=false
apikey owner=false
outbox owner=false
serve owner=false
sample owner=false
append owner=false
verify owner=false
verify owner=false
worker owner=false
export owner=false
verify owner=false
person owner=false
report owner=false
verify owner=false
apikey owner=false
apikey owner=false
verify owner=false
person owner=false
serve ends
worker ends
outbox ends`
	if got := notes(t, data); got != want {
		t.Errorf("calls were\n%s\nwant\n%s", got, want)
	}
	for _, l := range []listener{s.http, s.temporal, s.ui, s.outbox} {
		if err := l.free(); err != nil {
			t.Errorf("after the end: %v", err)
		}
	}

	t.Run("dev.env works in a shell", func(t *testing.T) {
		path := filepath.Join(data, "dev.env")
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, want 0600", info.Mode())
		}
		out, err := exec.Command("sh", "-c", `set -a; . "$1"; set +a; env`, "sh", path).Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"SEALBOOK_URL=" + s.publicURL, "SEALBOOK_KEY=" + s.key, "SEALBOOK_ADMIN_DATABASE_URL=postgres://postgres:"} {
			if !strings.Contains("\n"+string(out), "\n"+want) {
				t.Errorf("the shell did not get %s", want)
			}
		}
	})

	t.Run("a second start finds everything", func(t *testing.T) {
		again := newTestStack(t, data)
		if err := again.live(t.Context(), enough); err != nil {
			t.Fatal(err)
		}
		if again.key != s.key {
			t.Errorf("key %q, want %q as before", again.key, s.key)
		}
		if got := notes(t, data); strings.Contains(got, "sample") || strings.Contains(got, "apikey") {
			t.Errorf("the second start repeats what is for the first:\n%s", got)
		}
	})

	t.Run("a child that ends by itself ends the stack", func(t *testing.T) {
		s := newTestStack(t, data)
		err := s.live(t.Context(), func(ctx context.Context) error {
			if err := syscall.Kill(s.children["worker"].PID(), syscall.SIGKILL); err != nil {
				t.Error(err)
			}
			<-ctx.Done()
			return nil
		})
		if err == nil || !strings.Contains(err.Error(), "worker ended with signal: killed") || !strings.Contains(err.Error(), "the worker's last words") {
			t.Errorf("live = %v, want the worker's end with its last words", err)
		}
		if got := notes(t, data); !strings.Contains(got, "serve ends") {
			t.Errorf("the API was not stopped:\n%s", got)
		}
	})
}

func TestSupervisorKilled(t *testing.T) {
	data := folder(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	victim := exec.Command(self, data)
	victim.Env = append(os.Environ(), "STACK_PART=supervisor")
	victim.Stderr = os.Stderr
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 2)); err != nil {
		t.Fatalf("the supervisor did not come up: %v", err)
	}

	other := newTestStack(t, data)
	enough := func(context.Context) error { return errEnough }
	if err := other.live(t.Context(), enough); err == nil || !strings.Contains(err.Error(), "runs already") {
		t.Errorf("a second supervisor on the folder: %v, want a refusal", err)
	}
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait()
	if err := other.live(t.Context(), enough); err != nil {
		t.Errorf("the start after the kill: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(data, "run", "*")); err != nil || len(left) > 0 {
		t.Errorf("records of processes are left: %v %v", left, err)
	}
}

func TestTakenPort(t *testing.T) {
	data := folder(t)
	s := newTestStack(t, data)
	l, err := net.Listen("tcp", s.ui.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	err = s.live(t.Context(), func(context.Context) error { return errEnough })
	want := fmt.Sprintf("port %d on 127.0.0.1 is taken", s.ui.port)
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "SEALBOOK_TEMPORAL_UI_PORT") {
		t.Errorf("live = %v, want %q and the variable's name", err, want)
	}
	if _, err := os.Stat(filepath.Join(data, "postgres")); !os.IsNotExist(err) {
		t.Errorf("something was started before: %v", err)
	}
}
