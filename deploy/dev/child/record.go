package child

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A record names one process for ever: process ids are used again, but not
// with the same start time in the same boot. The file holds one line of
//
//	pid start-time boot-id stop-signal
func recordPath(dir, name string) string { return filepath.Join(dir, name+".pid") }

func writeRecord(s Spec, pid int) error {
	started, ok := startTime(pid)
	if !ok {
		return nil // it has ended already; there is nothing to find later
	}
	line := fmt.Sprintf("%d %s %s %d\n", pid, started, bootID(), s.Stop)
	if err := os.WriteFile(recordPath(s.RunDir, s.Name), []byte(line), 0o600); err != nil {
		return fmt.Errorf("record its process id: %w", err)
	}
	return nil
}

// Reap ends what an earlier supervisor left running when it was killed. Only
// processes that its own record names, and that are still the same process,
// are touched. It returns when they are gone.
func Reap(runDir, name string, grace time.Duration) error {
	path := recordPath(runDir, name)
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for an earlier %s: %w", name, err)
	}
	if pid, stop, ok := parseRecord(string(b)); ok {
		if err := end(pid, stop, grace); err != nil {
			return fmt.Errorf("stop the %s that an earlier start left running (process %d): %w", name, pid, err)
		}
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("forget an earlier %s: %w", name, err)
	}
	return nil
}

// parseRecord returns the process of a record if it is still the one recorded.
func parseRecord(line string) (pid int, stop syscall.Signal, ok bool) {
	f := strings.Fields(line)
	if len(f) != 4 || f[2] != bootID() {
		return 0, 0, false
	}
	pid, err := strconv.Atoi(f[0])
	if err != nil || pid <= 1 {
		return 0, 0, false
	}
	n, err := strconv.Atoi(f[3])
	if err != nil || n <= 0 {
		return 0, 0, false
	}
	started, alive := startTime(pid)
	return pid, syscall.Signal(n), alive && started == f[1]
}

func end(pid int, stop syscall.Signal, grace time.Duration) error {
	before, _ := startTime(pid)
	gone := func(within time.Duration) bool {
		for deadline := time.Now().Add(within); time.Now().Before(deadline); time.Sleep(25 * time.Millisecond) {
			if now, alive := startTime(pid); !alive || now != before {
				return true
			}
		}
		return false
	}
	if err := syscall.Kill(pid, stop); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	if gone(grace) {
		return nil
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	if !gone(grace) {
		return errors.New("it does not end")
	}
	return nil
}

// startTime is field 22 of /proc/PID/stat, in clock ticks since the boot. It
// reports false for a process that is gone, or is only waiting for its parent
// to take notice.
func startTime(pid int) (string, bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", false
	}
	// The second field is the name in parentheses and may hold anything.
	_, rest, ok := strings.Cut(string(b[strings.LastIndexByte(string(b), ')')+1:]), " ")
	if !ok {
		return "", false
	}
	f := strings.Fields(rest) // f[0] is field 3, the state
	if len(f) < 20 || f[0] == "Z" || f[0] == "X" {
		return "", false
	}
	return f[19], true
}

func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(b))
}
