// Package program runs what is measured: a server as a process of its own, that
// dies with the benchmark and whose last words are there when it does not start.
// It guards that a benchmark leaves no process behind. Both benchmarks use it.
package program

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime/pprof"
	"strconv"
	"syscall"
	"time"

	"github.com/sealbook/sealbook/internal/port"
)

// Server is a process that listens at an address.
type Server struct {
	Address string
	cmd     *exec.Cmd
	logFile string
}

// Start starts a server, whose environment says where it listens, and waits until
// it does.
func Start(ctx context.Context, address, logFile string, env []string, program string, args ...string) (*Server, error) {
	log, err := os.Create(logFile)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	s := &Server{Address: address, cmd: exec.Command(program, args...), logFile: logFile}
	s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr = env, log, log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return s, nil
		}
	}
	s.Stop(syscall.SIGKILL)
	return nil, fmt.Errorf("the server does not start\n%s", s.Log())
}

// Stop ends the server: SIGTERM lets it append what it still has to, as it does
// when it is deployed.
func (s *Server) Stop(with syscall.Signal) {
	s.cmd.Process.Signal(with) // it may be gone already
	s.cmd.Wait()               // how it ended does not matter
}

// PID is the process's id.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Log is the end of what the server wrote.
func (s *Server) Log() string {
	text, err := os.ReadFile(s.logFile)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-4000):])
}

// FreeAddress finds an address on this machine at which nobody listens.
func FreeAddress() (string, error) {
	n, err := port.Free("127.0.0.1")
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(n)), err
}

// Profile writes a CPU profile of the benchmark itself until stop; "" writes none.
func Profile(file string) (stop func(), err error) {
	if file == "" {
		return func() {}, nil
	}
	f, err := os.Create(file)
	if err == nil {
		err = pprof.StartCPUProfile(f)
	}
	if err != nil {
		return nil, fmt.Errorf("CPU profile: %w", err)
	}
	return func() { pprof.StopCPUProfile(); f.Close() }, nil
}
