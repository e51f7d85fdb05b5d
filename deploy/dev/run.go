package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sealbook/sealbook/deploy/dev/child"
)

// errEnough ends a stack that has told its story and is not to stay.
var errEnough = errors.New("the story is told")

// runStack is make run: it stays up until it is interrupted.
func runStack(ctx context.Context) error {
	cfg, err := readSettings(os.Getenv)
	if err != nil {
		return err
	}
	s := newStack(cfg)
	return s.live(ctx, func(ctx context.Context) error {
		s.farewell()
		<-ctx.Done()
		return nil
	})
}

// runDemo is make demo: the same, somewhere else, for as long as the story
// takes. Whatever happens, the folder is removed.
func runDemo(ctx context.Context) (err error) {
	cfg, err := readSettings(os.Getenv)
	if err != nil {
		return err
	}
	if cfg.data, err = temporary("", "sealbook-demo-"); err != nil {
		return err
	}
	for _, l := range []*listener{&cfg.http, &cfg.temporal, &cfg.ui, &cfg.outbox} {
		l.host = "127.0.0.1"
		if err := l.anywhere(); err != nil {
			return err
		}
	}
	cfg.publicURL, cfg.origin = "http://"+cfg.http.String(), "sealbook.local"
	s := newStack(cfg)
	defer func() { err = errors.Join(err, s.vanish()) }()
	return s.live(ctx, func(context.Context) error {
		s.screen.line("\n%s everything above ran in %s, which is removed now.", s.screen.bold("That was Sealbook:"), s.data)
		return errEnough
	})
}

// temporary makes a folder that other accounts may pass, because the database
// of a stack that root starts belongs to one.
func temporary(under, pattern string) (string, error) {
	dir, err := os.MkdirTemp(under, pattern)
	if err != nil {
		return "", fmt.Errorf("make a temporary folder: %w", err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		return "", fmt.Errorf("make a temporary folder: %w", err)
	}
	return dir, nil
}

func newStack(cfg settings) *stack {
	return &stack{settings: cfg, screen: newScreen(os.Stdout), children: map[string]*child.Child{}}
}

// live brings everything up, tells the story and hands over to stay. It
// returns when everything is down again.
func (s *stack) live(ctx context.Context, stay func(context.Context) error) error {
	if _, err := os.Stat(s.sealbook); err != nil {
		return fmt.Errorf("%s is not there: run make build first", s.sealbook)
	}
	unlock, err := s.claim()
	if err != nil {
		return err
	}
	defer unlock()

	parent := ctx
	ctx, s.fail = context.WithCancelCause(parent)
	err = s.rise(ctx)
	if err == nil {
		err = stay(ctx)
	}
	// A child that ended by itself is the cause of whatever went wrong after.
	if cause := context.Cause(ctx); cause != nil && parent.Err() == nil {
		err = cause
	}
	s.fail(errEnough) // from here on, children end because they are told to
	if s.database != nil {
		s.screen.line("\n%s", s.screen.faint("Stopping the API, the worker, Temporal and Postgres."))
	}
	if stopErr := s.stop(); stopErr != nil {
		return errors.Join(err, stopErr)
	}
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// rise is the whole way up. Temporal may have to be built first, which takes
// minutes: the ledger does not wait for it.
func (s *stack) rise(ctx context.Context) error {
	s.headline()
	if err := s.startPostgres(ctx); err != nil {
		return err
	}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	if err := s.startOutbox(ctx); err != nil {
		return err
	}
	if err := s.startAPI(ctx); err != nil {
		return err
	}
	if err := s.writeEnv(); err != nil {
		return err
	}
	build := newTemporalBuild(s.root)
	built := make(chan error, 1)
	go func() { built <- build.run(ctx) }()

	if err := s.tell(ctx, partOne(s)); err != nil {
		return errors.Join(err, interrupted(ctx, built))
	}
	s.screen.line("")
	if err := s.screen.wait(ctx, build, func() error { return <-built }); err != nil {
		return err
	}
	if err := s.startTemporal(ctx, build.binary); err != nil {
		return err
	}
	if err := s.startWorker(ctx); err != nil {
		return err
	}
	if err := s.tell(ctx, partTwo(s)); err != nil {
		return err
	}
	if err := s.tellReport(ctx); err != nil {
		return err
	}
	return s.tellArchive(ctx)
}

// interrupted lets a build in the background end before the process does.
func interrupted(ctx context.Context, built <-chan error) error {
	if ctx.Err() == nil {
		return nil
	}
	return errors.Join(ctx.Err(), <-built)
}

// prepare brings the schema up to date and makes, once, the keys and the
// sample organisation with an API key.
func (s *stack) prepare(ctx context.Context) error {
	began := time.Now()
	if _, err := s.output(ctx, s.migration(), "migrate"); err != nil {
		return err
	}
	s.screen.done("schema", "up to date", began)

	began = time.Now()
	if _, err := s.output(ctx, s.program(), "keygen", "--dir", filepath.Join(s.data, "secrets"), "--if-missing"); err != nil {
		return err
	}
	if _, err := s.output(ctx, s.program(), "certificate", "--development", "--dir", filepath.Join(s.data, "secrets"), "--if-missing"); err != nil {
		return err
	}
	key, err := os.ReadFile(s.secret("api-key"))
	switch {
	case err == nil:
		s.key = string(key)
		return nil
	case !errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("read the API key: %w", err)
	}
	out, err := s.output(ctx, s.program(), "apikey", "create", "--organisation", organisation,
		"--create-organisation", "--name", "development", "--permissions", "all", "--json")
	if err != nil {
		return err
	}
	var made struct{ Key string }
	if err := json.Unmarshal(out, &made); err != nil || made.Key == "" {
		return fmt.Errorf("sealbook apikey create printed no key: %w", errors.Join(err, errors.New(string(out))))
	}
	if err := os.WriteFile(s.secret("api-key"), []byte(made.Key), 0o600); err != nil {
		return fmt.Errorf("keep the API key: %w", err)
	}
	s.key = made.Key
	if err := os.WriteFile(s.secret("mail-key"), []byte("the outbox asks for none\n"), 0o600); err != nil {
		return fmt.Errorf("keep the mail key: %w", err)
	}
	s.screen.done("keys", "signer, pepper and a development API key", began)
	return nil
}

// vanish removes all traces of a stopped stack.
func (s *stack) vanish() error {
	var errs []error
	if s.database != nil {
		errs = append(errs, s.database.Remove())
	}
	if err := os.RemoveAll(s.data); err != nil {
		errs = append(errs, fmt.Errorf("remove the temporary folder: %w", err))
	}
	return errors.Join(errs...)
}
