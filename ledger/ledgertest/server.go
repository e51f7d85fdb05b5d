package ledgertest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/internal/port"
	"github.com/sealbook/sealbook/ledger"
)

// The environment variables that say where Postgres' programs are, and the
// libraries of theirs that the system does not have. make test sets both.
const (
	ProgramsVariable  = "SEALBOOK_POSTGRES_BIN"
	LibrariesVariable = "SEALBOOK_TEST_POSTGRES_LIBS"
)

// serverTime bounds a start, with recovery, and a stop.
const serverTime = time.Minute

// Server is a Postgres of one test's own, which the test may stop and kill. It
// is as durable as the product demands: what a kill loses was never promised.
type Server struct {
	t        testing.TB
	home     string
	programs string
	env      []string
	account  *syscall.Credential // not root, which Postgres refuses
	port     string
	password string

	mu     sync.Mutex
	cmd    *exec.Cmd
	log    bytes.Buffer // of the process that runs; read after it has ended
	ending chan struct{}
}

// NewServer makes a cluster and starts it for the length of the test.
func NewServer(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, programs: os.Getenv(ProgramsVariable), password: rand.Text()}
	if s.programs == "" {
		t.Fatalf("%s is not set: run the tests with make test, which finds Postgres", ProgramsVariable)
	}
	s.env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=GMT"}
	if libs := os.Getenv(LibrariesVariable); libs != "" {
		s.env = append(s.env, "LD_LIBRARY_PATH="+libs)
	}
	if err := s.create(); err != nil {
		t.Fatalf("make a Postgres cluster: %v", err)
	}
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("the cluster of the failed test is kept: %s", s.home)
			return
		}
		os.RemoveAll(s.home)
	})
	s.Start()
	return s
}

func (s *Server) create() (err error) {
	// Not in the test's own folder, which other accounts cannot enter.
	if s.home, err = os.MkdirTemp("", "sealbook-server-"); err != nil {
		return err
	}
	secret := filepath.Join(s.home, "password")
	if err := os.WriteFile(secret, []byte(verifier(s.password)+"\n"), 0o600); err != nil {
		return err
	}
	if os.Geteuid() == 0 {
		if s.account, err = unprivileged(); err != nil {
			return err
		}
		for _, path := range []string{s.home, secret} {
			if err := os.Chown(path, int(s.account.Uid), int(s.account.Gid)); err != nil {
				return err
			}
		}
	}
	cmd := s.program("initdb", "--pgdata", s.data(), "--username", "postgres", "--pwfile", secret,
		"--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8", "--data-checksums", "--no-sync")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	n, err := port.Free("127.0.0.1")
	s.port = strconv.Itoa(n)
	return err
}

// verifier is what Postgres keeps of a password (RFC 5803). Rounds of hashing make up
// for the little that a password holds which people choose. This one is random, so that
// one is enough.
func verifier(password string) string {
	salt := make([]byte, 16)
	rand.Read(salt) // never returns an error
	mac := func(key []byte, text string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	salted := mac([]byte(password), string(salt)+"\x00\x00\x00\x01") // PBKDF2 of one round
	stored := sha256.Sum256(mac(salted, "Client Key"))
	b64 := base64.StdEncoding.EncodeToString
	return "SCRAM-SHA-256$1:" + b64(salt) + "$" + b64(stored[:]) + ":" + b64(mac(salted, "Server Key"))
}

// unprivileged is the account that root hands a server to.
func unprivileged() (*syscall.Credential, error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(uidErr, gidErr)
	}
	return nil, errors.New("there is neither an account postgres nor nobody")
}

func (s *Server) data() string { return filepath.Join(s.home, "cluster") }

func (s *Server) program(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.programs, name), args...)
	cmd.Env, cmd.Dir = s.env, s.home
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.account, Pdeathsig: syscall.SIGQUIT}
	return cmd
}

// URL connects to a database as the superuser.
func (s *Server) URL(database string) string {
	return (&url.URL{
		Scheme: "postgres", User: url.UserPassword("postgres", s.password),
		Host: "127.0.0.1:" + s.port, Path: "/" + database, RawQuery: "sslmode=disable",
	}).String()
}

// Database makes a database with the current schema.
func (s *Server) Database(name string) (dsn string) {
	s.t.Helper()
	execute(s.t, s.URL("postgres"), "create database "+name)
	dsn = s.URL(name)
	conn, err := pgx.Connect(s.t.Context(), dsn)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, _, err := ledger.Migrate(s.t.Context(), conn); err != nil {
		s.t.Fatal(err)
	}
	return dsn
}

// Start starts a server that does not run and returns once it takes
// connections, which after a kill is after its recovery.
func (s *Server) Start() {
	s.t.Helper()
	for deadline := time.Now().Add(serverTime); ; {
		said, err := s.launch(deadline)
		if err == nil {
			return
		}
		// Processes of a server that was killed can take a moment to go.
		if !strings.Contains(said, "still in use") || time.Now().After(deadline) {
			s.t.Fatalf("start Postgres: %v\n%s", err, said)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (s *Server) launch(deadline time.Time) (said string, err error) {
	cmd := s.program("postgres", "-D", s.data(), "-c", "listen_addresses=127.0.0.1", "-c", "port="+s.port,
		"-c", "unix_socket_directories=", "-c", "shared_buffers=64MB", "-c", "max_connections=100",
		"-c", "checkpoint_timeout=30s", "-c", "jit=off", "-c", "timezone=GMT", "-c", "log_timezone=GMT")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.Reset()
	cmd.Stdout, cmd.Stderr = &s.log, &s.log
	if err := cmd.Start(); err != nil {
		return "", err
	}
	ending := make(chan struct{})
	s.cmd, s.ending = cmd, ending
	go func() {
		cmd.Wait() // whoever ends it knows why
		close(ending)
	}()
	for time.Now().Before(deadline) {
		select {
		case <-ending:
			s.cmd = nil
			return s.log.String(), errors.New("the server ended")
		case <-time.After(5 * time.Millisecond):
		}
		if s.ready(cmd.Process.Pid) {
			return "", nil
		}
	}
	return "", errors.New("the server does not become ready")
}

// ready reads what the server says of itself in its pid file.
func (s *Server) ready(pid int) bool {
	b, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	lines := strings.Split(string(b), "\n")
	return err == nil && len(lines) >= 8 && lines[0] == strconv.Itoa(pid) && strings.TrimSpace(lines[7]) == "ready"
}

// Kill ends the server and all its processes at once, as a power cut does. It
// returns when they are gone.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	// Stopped, it can neither start further processes nor notice that some are
	// dying before all are.
	s.cmd.Process.Signal(syscall.SIGSTOP)
	children := childrenOf(s.cmd.Process.Pid)
	for _, pid := range append(children, s.cmd.Process.Pid) {
		syscall.Kill(pid, syscall.SIGKILL) // it may have ended by itself
	}
	<-s.ending
	s.cmd = nil
	for _, pid := range children {
		for running(pid) {
			time.Sleep(time.Millisecond)
		}
	}
}

// Stop ends the server as an operator does who does not wait for clients:
// their transactions are rolled back and a checkpoint is written.
func (s *Server) Stop() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	s.cmd.Process.Signal(syscall.SIGINT)
	select {
	case <-s.ending:
		s.cmd = nil
	case <-time.After(serverTime):
		s.t.Errorf("Postgres does not stop")
	}
}

// childrenOf lists the processes that a process has started.
func childrenOf(parent int) (pids []int) {
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range all {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if fields := status(pid); err == nil && len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// running reports whether a process still holds anything: one that only waits
// for its parent to take note does not.
func running(pid int) bool {
	fields := status(pid)
	return len(fields) > 0 && fields[0] != "Z" && fields[0] != "X"
}

// status returns a process's state, parent and so on, as proc(5) lists them
// after the name; nothing when there is no such process.
func status(pid int) []string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	return strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])) // a name may hold anything
}
