package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// temporalFlags must be the same wherever the embedded Temporal is compiled,
// else Go's cache is of no use. Without optimisation and inlining the 1,800
// packages compile in a good half of the time; nobody measures this server.
var temporalFlags = []string{"-buildvcs=false", "-gcflags=all=-N -l"}

// temporalPackages is how many packages the build prints from an empty cache.
const temporalPackages = 1788

// temporalBuild builds the embedded Temporal, at low priority, when its
// sources have changed.
type temporalBuild struct {
	dir    string // the nested module
	binary string
	stamp  string

	began time.Time
	built atomic.Int64
	last  atomic.Value // string: the package being compiled
}

func newTemporalBuild(root string) *temporalBuild {
	bin := filepath.Join(root, ".cache", "bin")
	return &temporalBuild{
		dir:    filepath.Join(root, "deploy", "dev"),
		binary: filepath.Join(bin, "sealbook-temporal"),
		stamp:  filepath.Join(bin, "sealbook-temporal.stamp"),
		began:  time.Now(),
	}
}

// now reports 99 % at most: linking comes after the last package.
func (b *temporalBuild) now() (float64, string) {
	n := b.built.Load()
	if n == 0 {
		return 0, "building, the first time takes some minutes"
	}
	last, _ := b.last.Load().(string)
	share := min(float64(n)/temporalPackages, 0.99)
	return share, fmt.Sprintf("%d of %d packages, %s  %s", n, temporalPackages, time.Since(b.began).Round(time.Second), shorten(last, 32))
}

func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return "…" + s[len(s)-n+1:]
}

// current reports whether the binary was built from what is there now.
func (b *temporalBuild) current(ctx context.Context) (bool, string, error) {
	want, err := b.fingerprint(ctx)
	if err != nil {
		return false, "", err
	}
	have, err := os.ReadFile(b.stamp)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return false, "", fmt.Errorf("read the build stamp: %w", err)
	}
	_, err = os.Stat(b.binary)
	return err == nil && strings.TrimSpace(string(have)) == want, want, nil
}

// run builds if need be. Another process may be building the same: then this
// one waits and finds the work done.
func (b *temporalBuild) run(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Dir(b.binary), 0o755); err != nil {
		return fmt.Errorf("build temporal: %w", err)
	}
	unlock, err := lock(ctx, b.stamp+".lock")
	if err != nil {
		return fmt.Errorf("build temporal: %w", err)
	}
	defer unlock()
	fresh, want, err := b.current(ctx)
	if err != nil || fresh {
		return err
	}
	if err := b.compile(ctx); err != nil {
		return fmt.Errorf("build temporal: %w", err)
	}
	if err := os.WriteFile(b.stamp, []byte(want+"\n"), 0o644); err != nil {
		return fmt.Errorf("write the build stamp: %w", err)
	}
	return nil
}

func (b *temporalBuild) compile(ctx context.Context) error {
	// A running server keeps its file: the new one takes its name when whole.
	fresh := b.binary + ".new"
	args := append([]string{"-n", "10", "go", "build", "-v", "-o", fresh}, temporalFlags...)
	cmd := exec.CommandContext(ctx, "nice", append(args, "./temporal")...)
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	names, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	faults := b.follow(names)
	if err := cmd.Wait(); err != nil {
		return errors.Join(ctx.Err(), fmt.Errorf("go build: %w\n%s", err, faults))
	}
	return os.Rename(fresh, b.binary)
}

// follow counts the packages that go build names, one a line, and returns the
// lines that are none.
func (b *temporalBuild) follow(r io.Reader) string {
	var faults bytes.Buffer
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		switch line := lines.Text(); {
		case strings.HasPrefix(line, "go: downloading "):
			b.last.Store(strings.TrimPrefix(line, "go: "))
		case strings.ContainsAny(line, " \t:"):
			faults.WriteString(line + "\n")
		default:
			b.built.Add(1)
			b.last.Store(line)
		}
	}
	return faults.String()
}

// fingerprint covers all that decides what the binary does: sources, versions
// of dependencies, compiler, flags.
func (b *temporalBuild) fingerprint(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "env", "GOVERSION", "GOOS", "GOARCH", "GOFLAGS", "GOEXPERIMENT")
	cmd.Dir = b.dir
	toolchain, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("ask go for its version: %w", err)
	}
	files, err := filepath.Glob(filepath.Join(b.dir, "temporal", "*.go"))
	if err != nil {
		return "", fmt.Errorf("list the sources of temporal: %w", err)
	}
	files = append(files, filepath.Join(b.dir, "go.mod"), filepath.Join(b.dir, "go.sum"))
	sort.Strings(files)
	sum := sha256.New()
	fmt.Fprintf(sum, "%s%q\n", toolchain, temporalFlags)
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			return "", fmt.Errorf("read the sources of temporal: %w", err)
		}
		fmt.Fprintf(sum, "%s %d\n", filepath.Base(name), len(content))
		sum.Write(content)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
