package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/sealbook/sealbook/deploy/dev/postgres"
)

// errCommand marks the end of a test command, whose exit code is passed on.
var errCommand = errors.New("the command did not succeed")

// runTest gives a command a real Postgres of its own, whose data are in a folder
// under the given one, and the embedded Temporal's binary, and removes everything
// after it. The database flushes as the product's does: a test that is faster
// because it may lose data would test another system. What a flush costs is
// another matter: where under is in memory, it costs little.
func runTest(ctx context.Context, under string, args []string) (err error) {
	cfg, err := readSettings(os.Getenv)
	if err != nil {
		return err
	}
	screen := newScreen(os.Stderr)
	build := newTemporalBuild(cfg.root)
	if err := screen.wait(ctx, build, func() error { return build.run(ctx) }); err != nil {
		return err
	}

	data, err := temporary(under, "sealbook-test-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(data)) }()
	server, err := startPostgres(ctx, cfg, screen, data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop(), server.Remove()) }()
	temp := filepath.Join(data, "tmp")
	if err := os.Mkdir(temp, 0o711); err != nil { // as the folder above, which tests' servers of other accounts enter
		return fmt.Errorf("make the tests' temporary folder: %w", err)
	}
	return beside(ctx, cfg, server, map[string]string{
		"SEALBOOK_TEST_TEMPORAL": build.binary,
		"TMPDIR":                 temp,
		"GOTMPDIR":               cmp.Or(os.Getenv("GOTMPDIR"), os.TempDir()), // what Go builds stays on the disk
	}, args)
}

// runKept gives a command a real Postgres whose data stay in a folder: for a
// benchmark whose data set takes longer to make than to measure. Nothing of it
// needs Temporal.
func runKept(ctx context.Context, data string, args []string) (err error) {
	cfg, err := readSettings(os.Getenv)
	if err != nil {
		return err
	}
	if data, err = filepath.Abs(data); err != nil {
		return fmt.Errorf("the folder to keep: %w", err)
	}
	if err := os.MkdirAll(data, 0o755); err != nil { // the server's account has to get in
		return fmt.Errorf("make the folder to keep: %w", err)
	}
	unlock, err := lock(ctx, filepath.Join(data, "lock"))
	if err != nil {
		return err
	}
	defer unlock()
	server, err := startPostgres(ctx, cfg, newScreen(os.Stderr), data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	return beside(ctx, cfg, server, map[string]string{"SEALBOOK_TEST_TEMPORAL": ""}, args)
}

func startPostgres(ctx context.Context, cfg settings, screen *screen, data string) (*postgres.Server, error) {
	return postgres.Start(ctx, postgres.Options{
		Data: data, Binaries: cfg.postgresBin, Dist: cfg.postgresDist,
		Say: func(format string, args ...any) { screen.note("postgres", fmt.Sprintf(format, args...)) },
	})
}

// beside runs a command that is told of the server in its environment, which vars are
// added to.
func beside(ctx context.Context, cfg settings, server *postgres.Server, vars map[string]string, args []string) error {
	vars["SEALBOOK_TEST_DATABASE_URL"] = server.AdminURL("postgres")
	vars["SEALBOOK_POSTGRES_BIN"] = server.Programs() // for tests that run servers of their own
	vars["SEALBOOK_TEST_POSTGRES_LIBS"] = server.Libraries()
	if err := command(ctx, args, cfg.environment(vars)); err != nil {
		return fmt.Errorf("%w: %w", errCommand, err)
	}
	return nil
}

// command runs in a group of its own: go test does not pass a signal on to the
// tests, nor those to what they have started, so a stop is sent to all of them.
// What is left in the group after the end was forgotten, and goes too.
func command(ctx context.Context, args, env []string) error {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = env
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	if err := cmd.Start(); err != nil {
		return err
	}
	err := cmd.Wait()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // fails when nothing is left, as it should be
	return errors.Join(err, ctx.Err())
}
