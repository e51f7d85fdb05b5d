package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/sealbook/sealbook/api"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/worker"
	"github.com/sealbook/sealbook/workflows"
)

func serveCommand() *command {
	return &command{
		name: "serve", summary: "serve the HTTP API",
		usage: []string{""},
		about: `Serves the API until SIGTERM or SIGINT, then takes no more connections, lets
the requests that it has come to their end, commits what was queued and exits:
no entry that was acknowledged is lost. A second signal ends it at once.

Temporal may be away: entries are appended and read all the same, and exports
that are asked for meanwhile start when it is there. Any number of processes
may serve one database.`,
		examples: `sealbook serve
SEALBOOK_HTTP_ADDR=127.0.0.1:9000 SEALBOOK_LOG_LEVEL=debug sealbook serve`,
		settings: append([]string{"SEALBOOK_HTTP_ADDR", "SEALBOOK_PUBLIC_URL", "SEALBOOK_CONTACT", "SEALBOOK_PEPPER_FILE"}, processSettings...),
		exits:    "0  stopped in order\n1  it could not start or go on\n2  wrong usage or settings",
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

// drainTime is how long requests may take to end once the process is told to.
const drainTime = 20 * time.Second

// apiWorkflows is the API's view of Temporal: questions go to it, orders wait
// in the outbox for the relay.
type apiWorkflows struct {
	*workflows.Client
	relay *worker.Relay
}

// Wake implements api.Workflows.
func (w apiWorkflows) Wake() { w.relay.Wake() }

func serve(ctx context.Context, c *call) error {
	if err := c.config.require("SEALBOOK_PEPPER_FILE"); err != nil {
		return err
	}
	pepper, err := readPepper(c.config.PepperFile)
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
		Log: s.log, Store: s.store, Artifacts: s.artifacts, Workflows: apiWorkflows{client, relay}, Pepper: pepper,
		PublicURL: c.config.PublicURL, Contact: c.config.Contact, Version: release(), Clock: audit.SystemClock, Logger: s.logger,
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
	stopRelay := relayed(ctx, relay)
	defer stopRelay()

	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	s.logger.Info("the API listens", "address", listener.Addr().String(), "url", c.config.PublicURL, "version", release())
	select {
	case err := <-failed:
		return fmt.Errorf("serve HTTP: %w", err)
	case <-ctx.Done():
	}
	s.logger.Info("stopping: requests come to their end")
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := server.Shutdown(drain); err != nil {
		s.logger.Warn("some requests did not end in time and are broken off", "error", err)
		server.Close() //nolint:errcheck // the process ends
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve HTTP: %w", err)
	}
	stopRelay()
	s.close()
	s.logger.Info("stopped")
	return nil
}

// relayed runs a relay until the returned function is called, which waits for
// it. The relay outlives ctx: what the last requests queue is for it, too.
func relayed(ctx context.Context, relay *worker.Relay) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { relay.Run(ctx) })
	return func() {
		cancel()
		running.Wait()
	}
}
