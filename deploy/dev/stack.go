package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sealbook/sealbook/deploy/dev/child"
	"github.com/sealbook/sealbook/deploy/dev/postgres"
)

const (
	readyLimit = 60 * time.Second
	// apiGrace and workerGrace are longer than the programs' own limits, so
	// that their word counts: requests in flight and activities come to an end.
	apiGrace    = 30 * time.Second
	workerGrace = 45 * time.Second
)

// stack is a running system. Its parts come up in the order of the methods
// below and go down in the opposite one.
type stack struct {
	settings
	screen *screen

	database *postgres.Server
	logins   postgres.Logins
	key      string // the development API key
	eventKey string // verifies what the outbox reports

	codeEvery time.Duration // of the officer's one-time codes; 0 is as authenticators have it
	first     bool          // whether this folder was empty before

	mu       sync.Mutex
	children map[string]*child.Child
	fail     context.CancelCauseFunc // ends everything when a child ends by itself
}

// stopOrder is how a system goes down without losing anything: first who takes
// requests, then who works on them, then what both stand on.
var stopOrder = []string{"api", "worker", "temporal", "outbox"}

// claim takes the folder and clears what an earlier, killed supervisor left,
// so that only strangers can still hold a port.
func (s *stack) claim() (unlock func(), err error) {
	// Others may pass: root gives the database to an account that must reach
	// it. What lies in the folder is for its owner only.
	if err := os.MkdirAll(s.data, 0o711); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	for _, dir := range []string{"artifacts", "secrets", "story"} {
		if err := os.MkdirAll(filepath.Join(s.data, dir), 0o700); err != nil {
			return nil, fmt.Errorf("make the data folder: %w", err)
		}
	}
	unlock, err = tryLock(filepath.Join(s.data, "lock"))
	if errors.Is(err, errLocked) {
		return nil, fmt.Errorf("this stack runs already on %s: %w", s.data, err)
	}
	if err != nil {
		return nil, err
	}
	for _, name := range stopOrder {
		if err := child.Reap(filepath.Join(s.data, "run"), name, workerGrace); err != nil {
			unlock()
			return nil, err
		}
	}
	for _, l := range []listener{s.http, s.temporal, s.ui, s.outbox} {
		if err := l.free(); err != nil {
			unlock()
			return nil, err
		}
	}
	_, err = os.Stat(s.secret("api-key"))
	s.first = errors.Is(err, os.ErrNotExist)
	return unlock, nil
}

func (s *stack) secret(name string) string { return filepath.Join(s.data, "secrets", name) }

// startPostgres brings up the database with its roles.
func (s *stack) startPostgres(ctx context.Context) error {
	began := time.Now()
	var err error
	s.database, err = postgres.Start(ctx, postgres.Options{
		Data: s.data, Binaries: s.postgresBin, Dist: s.postgresDist,
		Say: func(format string, args ...any) { s.screen.note("postgres", fmt.Sprintf(format, args...)) },
	})
	if err != nil {
		return err
	}
	if s.logins, err = s.database.Provision(ctx, filepath.Join(s.root, "deploy", "roles.sql")); err != nil {
		return err
	}
	s.watch(s.database.Process())
	where := ""
	if s.database.Home != filepath.Join(s.data, "postgres") {
		where = ", kept in " + s.database.Home
	}
	s.screen.done("postgres", s.database.Version+" on "+s.database.Address()+where, began)
	return nil
}

// program are the settings of the API, the worker and the commands. Only
// migrate gets the owner's connection.
func (s *stack) program() map[string]string {
	vars := map[string]string{
		"SEALBOOK_DATABASE_URL":    s.database.URL("sealbook_app", s.logins.App, "sealbook"),
		"SEALBOOK_HTTP_ADDR":       s.http.String(),
		"SEALBOOK_PUBLIC_URL":      s.publicURL,
		"SEALBOOK_ORIGIN":          s.origin,
		"SEALBOOK_SIGNER_KEY":      s.secret("signer.pem"),
		"SEALBOOK_PEPPER_FILE":     s.secret("pepper"),
		"SEALBOOK_ARTIFACTS":       "file://" + filepath.Join(s.data, "artifacts"),
		"SEALBOOK_TEMPORAL_UI_URL": "http://" + s.ui.String(),
		"TEMPORAL_ADDRESS":         s.temporal.String(),
		"TEMPORAL_NAMESPACE":       "default",

		"SEALBOOK_DEVELOPMENT":        "true",
		"SEALBOOK_REPORT_CERTIFICATE": s.secret("report.pem"),
		"SEALBOOK_REPORT_KEY":         s.secret("report-key.pem"),
		"SEALBOOK_MAIL_FROM":          "sealbook@example.com",
		"SEALBOOK_SENDGRID_KEY_FILE":  s.secret("mail-key"), // the outbox asks for none
		"SEALBOOK_SENDGRID_URL":       "http://" + s.outbox.String(),
	}
	if s.eventKey != "" {
		vars["SEALBOOK_SENDGRID_EVENT_KEY"] = s.eventKey
	}
	return vars
}

func (s *stack) migration() map[string]string {
	vars := s.program()
	vars["SEALBOOK_MIGRATE_DATABASE_URL"] = s.database.URL("sealbook_owner", s.logins.Owner, "sealbook")
	return vars
}

// startOutbox runs what stands in for the mail provider.
func (s *stack) startOutbox(ctx context.Context) error {
	began := time.Now()
	dir := filepath.Join(s.data, "outbox")
	c, err := s.start(child.Spec{
		Name: "outbox", Path: s.sealbook, Dir: s.root, Env: s.environment(nil),
		Args: []string{"outbox", "--dir", dir, "--addr", s.outbox.String(), "--events", "http://" + s.http.String() + "/webhooks/sendgrid"},
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	if err := c.Until(ctx, func() bool { return s.outbox.free() != nil }); err != nil {
		return err
	}
	key, err := os.ReadFile(filepath.Join(dir, "events.pub"))
	if err != nil {
		return fmt.Errorf("read the outbox's key: %w", err)
	}
	s.eventKey = strings.TrimSpace(string(key))
	s.screen.done("outbox", "http://"+s.outbox.String()+"/outbox", began)
	return nil
}

func (s *stack) startAPI(ctx context.Context) error {
	began := time.Now()
	c, err := s.start(child.Spec{
		Name: "api", Path: s.sealbook, Args: []string{"serve"}, Env: s.environment(s.program()), Dir: s.root, Grace: apiGrace,
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	if err := c.Until(ctx, func() bool { return appends("http://" + s.http.String()) }); err != nil {
		return err
	}
	s.screen.done("api", "http://"+s.http.String(), began)
	return nil
}

// startTemporal runs the server and waits for the one line that it prints when
// it can be used.
func (s *stack) startTemporal(ctx context.Context, binary string) error {
	began := time.Now()
	said := &firstLine{}
	c, err := s.start(child.Spec{
		Name: "temporal", Path: binary, Dir: s.root, Stdout: said,
		Args: []string{
			"--ip", s.temporal.host, "--port", strconv.Itoa(s.temporal.port), "--ui-port", strconv.Itoa(s.ui.port),
			"--postgres", s.database.Address(), "--postgres-user", "sealbook_temporal",
		},
		Env: s.environment(map[string]string{"PGPASSWORD": s.logins.Temporal}),
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	if err := c.Until(ctx, said.ready); err != nil {
		return err
	}
	s.screen.done("temporal", s.temporal.String()+", Web UI http://"+s.ui.String(), began)
	return nil
}

func (s *stack) startWorker(ctx context.Context) error {
	began := time.Now()
	c, err := s.start(child.Spec{
		Name: "worker", Path: s.sealbook, Args: []string{"worker"}, Env: s.environment(s.program()), Dir: s.root, Grace: workerGrace,
	})
	if err != nil {
		return err
	}
	// A worker listens to nobody; one that has lived a moment has its
	// connections, and the export below shows the rest.
	settled := time.Now().Add(500 * time.Millisecond)
	if err := c.Until(ctx, func() bool { return time.Now().After(settled) }); err != nil {
		return err
	}
	s.screen.done("worker", "polls Temporal", began)
	return nil
}

// start starts a child whose unexpected end ends the stack.
func (s *stack) start(spec child.Spec) (*child.Child, error) {
	spec.LogFile = filepath.Join(s.data, "logs", spec.Name+".log")
	spec.RunDir = filepath.Join(s.data, "run")
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := child.Start(spec)
	if err != nil {
		return nil, err
	}
	s.children[spec.Name] = c
	s.watch(c)
	return c, nil
}

func (s *stack) watch(c *child.Child) {
	go func() {
		<-c.Done()
		s.fail(c.Gone()) // no effect after the first cause, such as a stop that was asked for
	}()
}

// stop brings everything down that is up. It returns what had to be killed.
func (s *stack) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, name := range stopOrder {
		if c := s.children[name]; c != nil {
			errs = append(errs, c.Close())
		}
	}
	if s.database != nil {
		errs = append(errs, s.database.Stop())
	}
	return errors.Join(errs...)
}
