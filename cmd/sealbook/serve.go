package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/sealbook/sealbook/api"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/worker"
	"github.com/sealbook/sealbook/workflows"
)

func serveCommand() *command {
	return &command{
		name: "serve", summary: "serve the HTTP API",
		usage: []string{""},
		about: `Serves the API until SIGTERM or SIGINT, then takes no more connections, lets
the requests that it has come to their end, commits what was queued, records
what was read and exits: no entry that was acknowledged is lost. A second signal
ends it at once.

Temporal may be away: entries are appended and read all the same, and exports
that are asked for meanwhile start when it is there. Any number of processes
may serve one database.`,
		examples: `sealbook serve
SEALBOOK_HTTP_ADDR=127.0.0.1:9000 SEALBOOK_LOG_LEVEL=debug sealbook serve`,
		settings: append([]string{"SEALBOOK_HTTP_ADDR", "SEALBOOK_PUBLIC_URL", "SEALBOOK_CONTACT", "SEALBOOK_PEPPER_FILE", "SEALBOOK_RATE_LIMIT", "SEALBOOK_RATE_BURST", "SEALBOOK_READ_FLUSH", "SEALBOOK_CORS_ORIGINS",
			"SEALBOOK_TRUSTED_PROXIES", "SEALBOOK_STREAM_ALLOW", "SEALBOOK_ASSESS_EVERY", "SEALBOOK_SENDGRID_EVENT_KEY",
			"SEALBOOK_OIDC_ISSUER", "SEALBOOK_OIDC_AUDIENCE", "SEALBOOK_OIDC_ALGORITHMS", "SEALBOOK_OIDC_ORGANISATION_CLAIM", "SEALBOOK_OIDC_ROLES_CLAIM",
			"SEALBOOK_OIDC_ROLES", "SEALBOOK_OIDC_CONSTRAINTS_CLAIM", "SEALBOOK_OIDC_CLIENT_ID", "SEALBOOK_OIDC_STEP_UP_ACR"}, processSettings...),
		exits: "0  stopped in order\n1  it could not start or go on\n2  wrong usage or settings",
		setup: func(*flag.FlagSet) action {
			return func(ctx context.Context, c *call, args []string) error {
				if len(args) > 0 {
					return usagef("serve takes no arguments; see sealbook serve --help")
				}
				return serve(ctx, c)
			}
		},
	}
}

// drainTime is how long the process may take to end once it is told to. Requests
// have all of it but readsTime, which is kept for recording what was read.
const (
	drainTime = 20 * time.Second
	readsTime = 5 * time.Second
)

// apiWorkflows is the API's view of Temporal: questions go to it, orders wait
// in the outbox for the relay.
type apiWorkflows struct {
	*workflows.Client
	relay *worker.Relay
}

// Wake implements api.Workflows.
func (w apiWorkflows) Wake() { w.relay.Wake() }

// collectAt lets the heap grow to five times what is in use before garbage is
// collected, instead of twice: little is in use, some tens of megabytes, and
// every answer leaves garbage. Another GOGC than Go's own is minded, and
// GOMEMLIMIT bounds it all the same.
const (
	collectAt     = 400
	collectByGoAt = 100
)

func serve(ctx context.Context, c *call) error {
	if before := debug.SetGCPercent(collectAt); before != collectByGoAt {
		debug.SetGCPercent(before)
	}
	if err := c.config.require("SEALBOOK_PEPPER_FILE"); err != nil {
		return err
	}
	pepper, err := readPepper(c.config.PepperFile)
	if err != nil {
		return err
	}
	people, err := c.config.identity()
	if err != nil {
		return err
	}
	s, err := connect(ctx, c)
	if err != nil {
		return err
	}
	defer s.close() // last: it commits what the handlers have queued
	client := workflows.NewClient(s.temporal)
	relay := worker.NewRelay(s.store, client, s.logger, audit.SystemClock)
	handler, err := api.New(api.Config{
		Log: s.log, Store: s.store, Artifacts: s.artifacts, Workflows: apiWorkflows{client, relay}, Pepper: pepper, Identity: people, TrustedProxies: c.config.TrustedProxies,
		PublicURL: c.config.PublicURL, Contact: c.config.Contact, Version: release(), Clock: audit.SystemClock, Logger: s.logger,
		RateLimit: c.config.RateLimit, RateBurst: c.config.RateBurst, ReadFlushEvery: c.config.ReadFlush, CORSOrigins: c.config.CORSOrigins,
		StreamAllow: c.config.StreamAllow, AssessEvery: c.config.AssessEvery, MailEvents: c.config.MailEvents,
	})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.config.HTTPAddr)
	if err != nil {
		return fmt.Errorf("SEALBOOK_HTTP_ADDR: %w", err)
	}
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: api.ReadHeaderTimeout, ReadTimeout: api.ReadTimeout, WriteTimeout: api.WriteTimeout,
		IdleTimeout: api.IdleTimeout, MaxHeaderBytes: api.MaxHeaderBytes, ErrorLog: slog.NewLogLogger(s.logger.Handler(), slog.LevelWarn),
	}
	server.RegisterOnShutdown(handler.EndStreams)
	stopRelay := relayed(ctx, relay)
	defer stopRelay()
	publisher := published(ctx, s.log)
	defer publisher.stop() //nolint:errcheck // the calls below tell
	stopIndexer := running(ctx, s.log.RunIndexer)
	defer stopIndexer()
	stopReads := running(context.WithoutCancel(ctx), handler.Run)
	defer stopReads()

	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	s.logger.Info("the API listens", "address", listener.Addr().String(), "url", c.config.PublicURL, "version", release())
	select {
	case err := <-failed:
		return fmt.Errorf("serve HTTP: %w", err)
	case <-publisher.ended: // the database contradicts what was published
		server.Close() //nolint:errcheck // the process ends
		stopReads()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if err := handler.Close(last); err != nil {
			s.logger.Error("what was read last is not in the ledgers", "error", err)
		}
		return publisher.stop()
	case <-ctx.Done():
	}
	s.logger.Info("stopping: requests come to their end")
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	requests, cancelRequests := context.WithTimeout(drain, drainTime-readsTime)
	defer cancelRequests()
	if err := server.Shutdown(requests); err != nil {
		s.logger.Warn("some requests did not end in time and are broken off", "error", err)
		server.Close() //nolint:errcheck // the process ends
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve HTTP: %w", err)
	}
	stopReads()
	unrecorded := handler.Close(drain)
	stopRelay()
	stopIndexer()
	err = errors.Join(unrecorded, publisher.stop())
	s.close()
	s.logger.Info("stopped")
	return err
}

// publishing is a running publisher of the registry.
type publishing struct {
	ended  chan struct{} // closed when it has returned, of its own or because it was stopped
	cancel context.CancelFunc
	err    error
}

// published runs the publisher until it is stopped, beyond ctx: the last round
// comes after the last requests.
func published(ctx context.Context, l *ledger.Log) *publishing {
	p := &publishing{ended: make(chan struct{})}
	ctx, p.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer close(p.ended)
		p.err = l.RunPublisher(ctx)
	}()
	return p
}

// stop lets it publish once more and returns what went wrong.
func (p *publishing) stop() error {
	p.cancel()
	<-p.ended
	return p.err
}

// relayed runs a relay until the returned function is called, which waits for
// it. The relay outlives ctx: what the last requests queue is for it, too.
func relayed(ctx context.Context, relay *worker.Relay) (stop func()) {
	return running(context.WithoutCancel(ctx), relay.Run)
}

// running runs do until ctx ends or the returned function is called, which
// waits for it.
func running(ctx context.Context, do func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	group.Go(func() { do(ctx) })
	return func() {
		cancel()
		group.Wait()
	}
}
