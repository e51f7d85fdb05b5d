// Command bench measures how fast Sealbook appends, beside what it must be
// compared with: plain INSERTs, a chain that takes a transaction for each
// entry, and Tessera. It guards the comparison: all rows in one run on one
// machine, in turns, with the same bodies, durability on, only acknowledged
// entries counted, and what each acknowledgement promises said beside it.
// make bench-ledger is its only caller; it is a module of its own so that the
// product does not depend on what it is compared with.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"

	"github.com/sealbook/sealbook/bench/program"
)

// options are the command line.
type options struct {
	runs     int
	window   time.Duration // that is measured of each row
	warm     time.Duration // before it, and not counted
	only     *regexp.Regexp
	short    bool
	json     bool
	markdown bool
	program  string
	profile  string
	database string // of a Postgres superuser
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse(args []string, stderr io.Writer) (o options, err error) {
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	set.SetOutput(stderr)
	only := ""
	set.IntVar(&o.runs, "runs", 5, "how often every row is measured; medians are shown")
	set.DurationVar(&o.window, "window", 4*time.Second, "how long a row is measured")
	set.DurationVar(&o.warm, "warm", time.Second, "how long it runs before that")
	set.StringVar(&only, "only", "", "regular expression of the rows to measure")
	set.BoolVar(&o.short, "short", false, "leave out what takes long by its nature")
	set.BoolVar(&o.json, "json", false, "print JSON")
	set.BoolVar(&o.markdown, "markdown", false, "print the tables of docs/performance.md")
	set.StringVar(&o.program, "sealbook", "../bin/sealbook", "the program that is measured over HTTP")
	set.StringVar(&o.profile, "cpuprofile", "", "write a CPU profile of this process")
	if err := set.Parse(args); err != nil {
		return o, err
	}
	if o.runs < 1 || o.window <= 0 || o.warm < 0 || set.NArg() > 0 {
		return o, errors.New("see -help: at least one run, a window, no arguments")
	}
	if o.only, err = regexp.Compile(only); err != nil {
		return o, fmt.Errorf("-only: %w", err)
	}
	if o.database = os.Getenv("SEALBOOK_TEST_DATABASE_URL"); o.database == "" {
		return o, errors.New("SEALBOOK_TEST_DATABASE_URL is not set: make bench-ledger starts a Postgres")
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
	b, err := newBench(ctx, o)
	if err != nil {
		return err
	}
	defer b.close()
	report, err := b.all(ctx, stderr)
	if err != nil {
		return err
	}
	switch {
	case o.json:
		return report.json(stdout)
	case o.markdown:
		return report.markdown(stdout)
	}
	return report.text(stdout)
}

// all measures every row once, then every row again: what disturbs the machine
// for a while does not fall on one row alone.
func (b *bench) all(ctx context.Context, progress io.Writer) (*report, error) {
	var chosen []row
	for _, r := range rows {
		if b.only.MatchString(r.name) && (!b.short || !r.slow) {
			chosen = append(chosen, r)
		}
	}
	samples := map[string][]sample{}
	for n := range b.runs {
		for _, r := range chosen {
			s, err := r.measure(ctx, b, r)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", r.name, err)
			}
			samples[r.name] = append(samples[r.name], s)
			fmt.Fprintf(progress, "run %d/%d  %-40s %9.0f/s\n", n+1, b.runs, r.name, s.rate())
		}
	}
	return b.report(chosen, samples), nil
}
