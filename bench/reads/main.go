// Command reads measures how fast Sealbook answers over a large ledger, beside
// the best single SQL statement for the same answer. It guards the comparison:
// one data set, made through the real append path and kept; the same parameters
// for both, drawn from the data; the same number of clients; and both in the
// same run. make bench-api is its only caller.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"github.com/sealbook/sealbook/bench/program"
)

// options are the command line.
type options struct {
	entries  int
	clients  int
	window   time.Duration // that is measured of each question
	warm     time.Duration // before it, and not counted
	only     *regexp.Regexp
	build    bool
	rebuild  bool
	profile  string
	json     bool
	markdown bool
	program  string
	dir      string // where data sets and their secrets are kept
	database string // of a Postgres superuser
	postgres string // folder of its programs
}

// What -short sets: enough to see that everything still works.
const (
	shortEntries = 20_000
	shortWindow  = time.Second
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench-api:", err)
		os.Exit(1)
	}
}

func parse(args []string, stderr io.Writer) (o options, err error) {
	set := flag.NewFlagSet("bench-api", flag.ContinueOnError)
	set.SetOutput(stderr)
	short, only := false, ""
	set.IntVar(&o.entries, "entries", 10_000_000, "entries of the data set")
	set.IntVar(&o.clients, "clients", 32, "clients that ask at the same time")
	set.DurationVar(&o.window, "window", 10*time.Second, "how long a question is measured, of the API and of SQL each")
	set.DurationVar(&o.warm, "warm", 2*time.Second, "how long it is asked before that")
	set.StringVar(&only, "only", "", "regular expression of the questions to measure")
	set.BoolVar(&short, "short", false, fmt.Sprintf("%d entries and windows of %s, unless they are given", shortEntries, shortWindow))
	set.BoolVar(&o.build, "build", false, "make the data set, and measure nothing")
	set.BoolVar(&o.rebuild, "rebuild", false, "make the data set anew")
	set.BoolVar(&o.json, "json", false, "print JSON")
	set.BoolVar(&o.markdown, "markdown", false, "print the table of docs/performance.md")
	set.StringVar(&o.profile, "cpuprofile", "", "write a CPU profile of this process, which makes the data set itself")
	set.StringVar(&o.program, "sealbook", "bin/sealbook", "the program that is measured")
	set.StringVar(&o.dir, "dir", ".cache/bench-api", "where the data sets' keys and states are kept")
	if err := set.Parse(args); err != nil {
		return o, err
	}
	given := map[string]bool{}
	set.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if short {
		if !given["entries"] {
			o.entries = shortEntries
		}
		if !given["window"] {
			o.window = shortWindow
		}
		if !given["warm"] {
			o.warm = shortWindow / 4
		}
	}
	if o.entries < 1000 || o.clients < 1 || o.window <= 0 || o.warm < 0 || set.NArg() > 0 {
		return o, errors.New("see -help: at least 1,000 entries, one client, a window, no arguments")
	}
	if o.only, err = regexp.Compile(only); err != nil {
		return o, fmt.Errorf("-only: %w", err)
	}
	if o.program, err = filepath.Abs(o.program); err != nil {
		return o, err
	}
	if o.dir, err = filepath.Abs(o.dir); err != nil {
		return o, err
	}
	o.database, o.postgres = os.Getenv("SEALBOOK_TEST_DATABASE_URL"), os.Getenv("SEALBOOK_POSTGRES_BIN")
	if o.database == "" || o.postgres == "" {
		return o, errors.New("SEALBOOK_TEST_DATABASE_URL and SEALBOOK_POSTGRES_BIN are not set: make bench-api starts a Postgres")
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	stop, err := program.Profile(o.profile)
	if err != nil {
		return err
	}
	defer stop()
	d, err := openDataset(ctx, o, stderr)
	if err != nil {
		return err
	}
	defer d.close()
	if o.build {
		return d.describe(ctx, stdout)
	}
	rep, err := measureAll(ctx, o, d, stderr)
	if err != nil {
		return err
	}
	switch {
	case o.json:
		return rep.json(stdout)
	case o.markdown:
		return rep.markdown(stdout)
	}
	return rep.text(stdout)
}
