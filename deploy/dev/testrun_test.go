package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestCommandPassesTheExitCodeOn(t *testing.T) {
	err := command(t.Context(), []string{"sh", "-c", "exit 7"}, os.Environ())
	var failed *exec.ExitError
	if !errors.As(err, &failed) || failed.ExitCode() != 7 {
		t.Errorf("command = %v, want exit code 7", err)
	}
}

func TestCommandTakesItsDescendantsAlong(t *testing.T) {
	for name, script := range map[string]string{
		"when it is stopped": `sleep 600 & echo $! >"$1"; wait`,
		"when it ends":       `sleep 600 & echo $! >"$1"`,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			file := filepath.Join(t.TempDir(), "pid")
			ended := make(chan error, 1)
			go func() { ended <- command(ctx, []string{"sh", "-c", script, "sh", file}, os.Environ()) }()
			var pid int
			for pid == 0 {
				if b, err := os.ReadFile(file); err == nil {
					pid, _ = strconv.Atoi(strings.TrimSpace(string(b)))
				}
				time.Sleep(10 * time.Millisecond)
			}
			stop()
			<-ended
			for range 100 {
				if !running(pid) {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
			t.Errorf("process %d outlived its command", pid)
			_ = syscall.Kill(pid, syscall.SIGKILL)
		})
	}
}

// running tells a process from one that only waits to be taken notice of.
func running(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(b), ") Z ")
}
