// Package child starts, watches and stops the processes of the development
// stack.
// It guards two promises: a child never outlives its supervisor unnoticed, and
// nothing ever gets a signal that this folder's own record does not name.
// The stack and its private Postgres use it; it needs Linux.
package child

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Spec describes one process.
type Spec struct {
	Name    string // as people and log files call it
	Path    string
	Args    []string
	Env     []string // the whole environment
	Dir     string
	Account *syscall.Credential // nil: the supervisor's own

	LogFile string    // receives standard error, and standard output unless Stdout is set
	Stdout  io.Writer // for a child that reports on its standard output
	RunDir  string    // where the record of the process is kept

	Stop  syscall.Signal // asks for a graceful end; SIGTERM when zero
	Grace time.Duration  // after it the process is killed; 15 s when zero
}

// Child is a process that was started.
type Child struct {
	Spec
	cmd  *exec.Cmd
	done chan struct{}
	err  error // of Wait; valid once done is closed
}

// Start starts the process in a group of its own: Ctrl-C at the terminal
// reaches the supervisor only, which then stops everything in order.
func Start(s Spec) (*Child, error) {
	if s.Stop == 0 {
		s.Stop = syscall.SIGTERM
	}
	if s.Grace == 0 {
		s.Grace = 15 * time.Second
	}
	for _, dir := range []string{filepath.Dir(s.LogFile), s.RunDir} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("start %s: %w", s.Name, err)
		}
	}
	log, err := os.OpenFile(s.LogFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", s.Name, err)
	}
	defer log.Close() // the child has its own descriptor

	c := &Child{Spec: s, done: make(chan struct{})}
	c.cmd = exec.Command(s.Path, s.Args...)
	c.cmd.Env, c.cmd.Dir = s.Env, s.Dir
	c.cmd.Stdout, c.cmd.Stderr = log, log
	if s.Stdout != nil {
		c.cmd.Stdout = s.Stdout
	}
	c.cmd.SysProcAttr = &syscall.SysProcAttr{
		Setpgid:    true,
		Credential: s.Account,
		// If the supervisor is killed, the kernel asks the child to stop. What
		// is still there at the next start is found by its record.
		Pdeathsig: s.Stop,
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", s.Name, err)
	}
	go func() {
		c.err = c.cmd.Wait()
		close(c.done)
	}()
	if err := writeRecord(s, c.cmd.Process.Pid); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", s.Name, err), c.Close())
	}
	return c, nil
}

// Done is closed when the process has ended, for whatever reason.
func (c *Child) Done() <-chan struct{} { return c.done }

// PID is the process id.
func (c *Child) PID() int { return c.cmd.Process.Pid }

// Close ends the process: gracefully first, by force after the grace. It
// returns an error only when force was needed.
func (c *Child) Close() error {
	select {
	case <-c.done:
		return c.forget()
	default:
	}
	// An error means that the process ended a moment ago.
	_ = c.cmd.Process.Signal(c.Stop)
	select {
	case <-c.done:
		return c.forget()
	case <-time.After(c.Grace):
	}
	_ = syscall.Kill(-c.PID(), syscall.SIGKILL) // the group: also what the child started
	<-c.done
	return errors.Join(fmt.Errorf("stop %s: it did not end within %s and was killed", c.Name, c.Grace), c.forget())
}

func (c *Child) forget() error {
	if err := os.Remove(recordPath(c.RunDir, c.Name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("forget %s: %w", c.Name, err)
	}
	return nil
}

// Gone says in one sentence that the process ended by itself, with the end of
// its log. It must be called after Done only.
func (c *Child) Gone() error {
	how := "ended"
	if c.err != nil {
		how = "ended with " + c.err.Error()
	}
	return c.withTail(fmt.Errorf("%s %s", c.Name, how))
}

func (c *Child) withTail(err error) error {
	if tail := Tail(c.LogFile, 12); tail != "" {
		return fmt.Errorf("%w; the end of %s:\n%s", err, c.LogFile, tail)
	}
	return err
}

// Until waits for a condition of the process, which probe reports. It returns
// Gone when the process ends first.
func (c *Child) Until(ctx context.Context, probe func() bool) error {
	const pause = 25 * time.Millisecond
	for !probe() {
		select {
		case <-c.done:
			return c.Gone()
		case <-ctx.Done():
			return c.withTail(fmt.Errorf("wait for %s: %w", c.Name, ctx.Err()))
		case <-time.After(pause):
		}
	}
	return nil
}

// Tail returns the last lines of a file, indented, or "" when there are none.
func Tail(path string, lines int) string {
	const most = 16 << 10
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > most {
		if _, err := f.Seek(-most, io.SeekEnd); err != nil {
			return ""
		}
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return ""
	}
	all := strings.Split(strings.TrimRight(string(b), "\n"), "\n")
	if len(all) > lines {
		all = all[len(all)-lines:]
	}
	if text := strings.Join(all, "\n    "); text != "" {
		return "    " + text
	}
	return ""
}
