// Command sealbook-temporal is a complete Temporal cluster and its Web UI in
// one process, for development and for tests.
// It guards the promise that a workflow outlives its server: with Postgres as
// its store, a restart finds every open execution again.
// The development stack and the end-to-end tests start it as a child; nothing
// in production does.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// startLimit bounds everything up to the ready line: two schemas, four
// services, one namespace. A second is usual.
const startLimit = 90 * time.Second

// ready is the one line on standard output that says the cluster can be used.
// A parent reads it, and with it the ports that were chosen for zero.
type ready struct {
	Ready     bool   `json:"ready"`
	Address   string `json:"address"`
	UI        string `json:"ui,omitempty"`
	HTTP      string `json:"http"`
	Namespace string `json:"namespace"`
	Store     string `json:"store"`
	Millis    int64  `json:"start_ms"`
}

func main() {
	err := run(os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "sealbook-temporal:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	opts, err := parse(args)
	if err != nil {
		return err
	}
	// Signals are taken before anything starts, so that one which arrives in
	// the middle of the start still stops what is up by then.
	signals, done := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer done()

	began := time.Now()
	starting, cancel := context.WithTimeout(signals, startLimit)
	defer cancel()
	c, err := start(starting, opts)
	if err != nil {
		return err
	}
	if err := c.prepare(starting); err != nil {
		return errors.Join(err, c.stop())
	}
	line, err := json.Marshal(ready{
		Ready:     true,
		Address:   c.address(),
		UI:        c.uiURL(),
		HTTP:      c.httpAddress(),
		Namespace: opts.namespace,
		Store:     opts.store(),
		Millis:    time.Since(began).Milliseconds(),
	})
	if err != nil {
		return errors.Join(fmt.Errorf("write ready line: %w", err), c.stop())
	}
	fmt.Println(string(line))

	select {
	case <-signals.Done():
	case err = <-c.uiFailed:
	}
	return errors.Join(err, c.stop())
}

// options are the flags. Zero ports mean "choose one that is free".
type options struct {
	ip        string
	port      int
	uiPort    int
	headless  bool
	namespace string
	retention time.Duration
	logLevel  string

	postgres     string // host:port; empty means SQLite
	postgresUser string
	database     string
	sqlite       string // file; empty means memory
}

func (o options) store() string {
	switch {
	case o.postgres != "":
		return "postgres"
	case o.sqlite != "":
		return "sqlite file"
	}
	return "sqlite in memory"
}

func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("sealbook-temporal", flag.ContinueOnError)
	f.StringVar(&o.ip, "ip", "127.0.0.1", "`address` to listen on")
	f.IntVar(&o.port, "port", 7233, "gRPC `port`; 0 chooses a free one")
	f.IntVar(&o.uiPort, "ui-port", 8233, "Web UI `port`; 0 chooses a free one")
	f.BoolVar(&o.headless, "headless", false, "run without the Web UI")
	f.StringVar(&o.namespace, "namespace", "default", "`name` of the namespace to register")
	f.DurationVar(&o.retention, "retention", 30*24*time.Hour, "how long closed workflows stay visible")
	f.StringVar(&o.logLevel, "log-level", "warn", "debug, info, warn or error")
	f.StringVar(&o.postgres, "postgres", "", "keep state in the Postgres at `host:port`; the password is read from PGPASSWORD")
	f.StringVar(&o.postgresUser, "postgres-user", "temporal", "`role` that may create databases")
	f.StringVar(&o.database, "database", "temporal", "`name` of the Postgres database; visibility goes to <name>_visibility")
	f.StringVar(&o.sqlite, "sqlite", "", "keep state in this `file` when no Postgres is given; empty keeps it in memory")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q; run with --help to see the flags", f.Arg(0))
	}
	if o.postgres != "" && o.sqlite != "" {
		return o, errors.New("choose one of --postgres and --sqlite")
	}
	return o, nil
}
