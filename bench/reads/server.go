package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// origin is of the data sets' ledgers.
const origin = "ledger.bench"

// environment is the program's, for this data set. It does without Temporal,
// as all that is measured does.
func (d *dataset) environment(more ...string) []string {
	in := func(name string) string { return filepath.Join(d.folder, name) }
	return append(append(os.Environ(),
		"SEALBOOK_DATABASE_URL="+d.dsn(), "SEALBOOK_ORIGIN="+origin, "SEALBOOK_SIGNER_KEY="+in("signer.pem"), "SEALBOOK_PEPPER_FILE="+in("pepper"),
		"SEALBOOK_SIGNER_STATE="+in("signer.state"), "SEALBOOK_RATE_LIMIT=0", "SEALBOOK_LOG_LEVEL=info",
		"SEALBOOK_ARTIFACTS=file://"+in("artifacts"), "TEMPORAL_ADDRESS=127.0.0.1:1"), more...)
}

// sealbook runs a command of the program and returns what it printed.
func (d *dataset) sealbook(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, d.program, args...)
	cmd.Env = d.environment()
	out, err := cmd.Output()
	if err != nil {
		var failed *exec.ExitError
		errors.As(err, &failed)
		return nil, fmt.Errorf("sealbook %s: %w %s", strings.Join(args, " "), err, failed.Stderr)
	}
	return out, nil
}

// server is the API as it is deployed, in a process of its own.
type server struct {
	cmd     *exec.Cmd
	address string
	key     string
	logFile string
}

func (d *dataset) serve(ctx context.Context) (*server, error) {
	s := &server{key: d.state.Key, logFile: filepath.Join(d.folder, "server.log")}
	var err error
	if s.address, err = freeAddress(); err != nil {
		return nil, err
	}
	log, err := os.Create(s.logFile)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	s.cmd = exec.Command(d.program, "serve")
	s.cmd.Env = d.environment("SEALBOOK_HTTP_ADDR="+s.address, "SEALBOOK_PUBLIC_URL=http://"+s.address)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); pause(ctx, 20*time.Millisecond) {
		if c, err := net.Dial("tcp", s.address); err == nil {
			c.Close()
			return s, nil
		}
	}
	s.stop()
	return nil, fmt.Errorf("the server does not start\n%s", s.log())
}

// stop lets the server append what it still has to, as it does when it is
// deployed.
func (s *server) stop() {
	s.cmd.Process.Signal(syscall.SIGTERM) // it may be gone already
	s.cmd.Wait()                          // how it ended does not matter
}

// log is the end of what the server wrote.
func (s *server) log() string {
	text, err := os.ReadFile(s.logFile)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-4000):])
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
