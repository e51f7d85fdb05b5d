package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func getenv(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

func TestReadSettings(t *testing.T) {
	s, err := readSettings(getenv(nil))
	if err != nil {
		t.Fatal(err)
	}
	if s.http.String() != "127.0.0.1:8080" || s.temporal.String() != "127.0.0.1:7233" || s.ui.String() != "127.0.0.1:8233" {
		t.Errorf("listeners are %v, %v, %v", s.http, s.temporal, s.ui)
	}
	if s.publicURL != "http://127.0.0.1:8080" || !strings.HasSuffix(s.data, "/.sealbook") {
		t.Errorf("public URL %s, data %s", s.publicURL, s.data)
	}

	s, err = readSettings(getenv(map[string]string{
		"SEALBOOK_HTTP_ADDR": "localhost:1", "SEALBOOK_TEMPORAL_PORT": "2", "SEALBOOK_TEMPORAL_UI_PORT": "3",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if s.http.String() != "127.0.0.1:1" || s.temporal.String() != "127.0.0.1:2" || s.ui.String() != "127.0.0.1:3" {
		t.Errorf("listeners are %v, %v, %v", s.http, s.temporal, s.ui)
	}

	for name, value := range map[string]string{
		"SEALBOOK_HTTP_ADDR": "8080", "TEMPORAL_ADDRESS": "127.0.0.1:http", "SEALBOOK_TEMPORAL_PORT": "0", "SEALBOOK_TEMPORAL_UI_PORT": "65536",
	} {
		if _, err := readSettings(getenv(map[string]string{name: value})); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%s: error %v, want one that names the variable", name, value, err)
		}
	}
}

func TestEnvironment(t *testing.T) {
	s := settings{inherited: []string{"HOME=/home/ada", "SEALBOOK_LOG_LEVEL=debug", "SEALBOOK_KEY=stale", "PGHOST=elsewhere", "TEMPORAL_ADDRESS=elsewhere:1"}}
	got := s.environment(map[string]string{"SEALBOOK_URL": "http://x"})
	if want := []string{"HOME=/home/ada", "SEALBOOK_LOG_LEVEL=debug", "SEALBOOK_URL=http://x"}; !slices.Equal(got, want) {
		t.Errorf("environment is %v, want %v", got, want)
	}
}

func TestEnvFileSurvivesAnyValue(t *testing.T) {
	value := `it's "$HOME" \ ` + "`id`" + ` & more`
	path := filepath.Join(t.TempDir(), "dev.env")
	if err := os.WriteFile(path, []byte(envFile("dev.env", map[string]string{"V": value})), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("sh", "-c", `. "$1"; printf %s "$V"`, "sh", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	if string(out) != value {
		t.Errorf("the shell read %q, want %q", out, value)
	}
}

func TestStampFollowsTheSources(t *testing.T) {
	root := t.TempDir()
	module := filepath.Join(root, "deploy", "dev")
	write := func(name, content string) {
		t.Helper()
		path := filepath.Join(module, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module m\n\ngo 1.26\n")
	write("go.sum", "")
	write("temporal/main.go", "package main\n")
	b := newTemporalBuild(root)
	fingerprint := func() string {
		t.Helper()
		f, err := b.fingerprint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	first := fingerprint()
	if again := fingerprint(); again != first {
		t.Error("the same sources have two fingerprints")
	}
	write("temporal/main.go", "package main\n\n// changed\n")
	if fingerprint() == first {
		t.Error("a changed source has the same fingerprint")
	}
	write("temporal/main.go", "package main\n")
	write("go.sum", "changed")
	if fingerprint() == first {
		t.Error("a changed go.sum has the same fingerprint")
	}
	if fresh, _, err := b.current(t.Context()); err != nil || fresh {
		t.Errorf("a binary that does not exist is current: %v %v", fresh, err)
	}
}

func TestLockNamesItsHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := tryLock(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tryLock(path); err == nil || !strings.Contains(err.Error(), "process ") {
		t.Errorf("second lock = %v, want a refusal that names the holder", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := lock(ctx, path); err == nil {
		t.Error("waiting for a lock outlived its context")
	}
	unlock()
	again, err := tryLock(path)
	if err != nil {
		t.Fatal(err)
	}
	again()
}
