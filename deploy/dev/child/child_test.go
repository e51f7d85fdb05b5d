package child_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sealbook/sealbook/deploy/dev/child"
)

func spec(t *testing.T, script string) child.Spec {
	t.Helper()
	dir := t.TempDir()
	return child.Spec{
		Name: "thing", Path: "/bin/sh", Args: []string{"-c", script}, Env: os.Environ(),
		LogFile: filepath.Join(dir, "logs", "thing.log"), RunDir: filepath.Join(dir, "run"),
		Grace: time.Second,
	}
}

func start(t *testing.T, s child.Spec) *child.Child {
	t.Helper()
	c, err := child.Start(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestClose(t *testing.T) {
	t.Run("asks first", func(t *testing.T) {
		c := start(t, spec(t, `trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done`))
		waitForLog(t, c, "up")
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if log := child.Tail(c.LogFile, 5); !strings.Contains(log, "bye") {
			t.Errorf("the child was not asked to stop; log: %q", log)
		}
	})
	t.Run("kills what does not listen", func(t *testing.T) {
		c := start(t, spec(t, `trap '' TERM; echo up; while :; do sleep 0.05; done`))
		waitForLog(t, c, "up")
		if err := c.Close(); err == nil || !strings.Contains(err.Error(), "was killed") {
			t.Errorf("Close = %v, want word of the kill", err)
		}
	})
}

func TestGoneTellsTheEndOfTheLog(t *testing.T) {
	c := start(t, spec(t, `echo the disk is full >&2; exit 3`))
	<-c.Done()
	got := c.Gone().Error()
	for _, want := range []string{"thing ended with exit status 3", "the disk is full"} {
		if !strings.Contains(got, want) {
			t.Errorf("Gone() = %q, want it to contain %q", got, want)
		}
	}
}

func TestReap(t *testing.T) {
	t.Run("ends an orphan", func(t *testing.T) {
		c := start(t, spec(t, `exec sleep 600`))
		if err := child.Reap(c.RunDir, c.Name, time.Second); err != nil {
			t.Fatal(err)
		}
		select {
		case <-c.Done():
		case <-time.After(time.Second):
			t.Error("the orphan is still running")
		}
	})
	t.Run("spares a stranger with the same process id", func(t *testing.T) {
		stranger := exec.Command("sleep", "600")
		if err := stranger.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = stranger.Process.Kill(); _ = stranger.Wait() })
		c := start(t, spec(t, `exec sleep 600`))
		record := filepath.Join(c.RunDir, "thing.pid")
		b, err := os.ReadFile(record)
		if err != nil {
			t.Fatal(err)
		}
		f := strings.Fields(string(b))
		forged := strings.Join([]string{strconv.Itoa(stranger.Process.Pid), "1", f[2], f[3]}, " ")
		if err := os.WriteFile(record, []byte(forged), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := child.Reap(c.RunDir, c.Name, time.Second); err != nil {
			t.Fatal(err)
		}
		if err := stranger.Process.Signal(syscall.Signal(0)); err != nil {
			t.Errorf("the stranger was ended: %v", err)
		}
		if _, err := os.Stat(record); !os.IsNotExist(err) {
			t.Errorf("the stale record is still there: %v", err)
		}
	})
}

func waitForLog(t *testing.T, c *child.Child, text string) {
	t.Helper()
	err := c.Until(t.Context(), func() bool { return strings.Contains(child.Tail(c.LogFile, 50), text) })
	if err != nil {
		t.Fatal(err)
	}
}
