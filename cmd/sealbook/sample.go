package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"time"

	"github.com/sealbook/sealbook/internal/sample"
)

func sampleCommand() *command {
	return &command{
		name: "sample", summary: "load a sample organisation's year of events",
		usage: []string{"[--entries N] [--year YEAR] [--seed S] [--json]"},
		about: `Appends a realistic, invented year through the API: scans of several
repositories, the issues they find, fixes, access and its reviews, sign-ins and
configuration changes, by people with example.com addresses. The same numbers
give the same events, and loading them again adds nothing.`,
		examples: `sealbook sample
sealbook sample --entries 100000 --seed 7
sealbook export --framework soc2 --from 2025-01-01 --to 2025-12-31 --out evidence.zip`,
		settings: clientSettings,
		setup: func(set *flag.FlagSet) action {
			entries := set.Int("entries", 2000, "how `MANY` entries")
			year := set.Int("year", 0, "the calendar `YEAR` of the events (default: the last one)")
			seed := set.Uint64("seed", 1, "another `NUMBER` gives another organisation's year")
			asJSON := set.Bool("json", false, "print the summary as JSON")
			return func(ctx context.Context, c *call, args []string) error {
				last := time.Now().UTC().Year() - 1
				if *year == 0 {
					*year = last
				}
				switch {
				case len(args) > 0:
					return usagef("%q is not a flag; see sealbook sample --help", args[0])
				case *entries < 1 || *entries > maxSample:
					return usagef("--entries is 1 to %d", maxSample)
				case *year < 1970 || *year > last:
					return usagef("--year is 1970 to %d: a year that is over", last)
				}
				return loadSample(ctx, c, *entries, *year, *seed, *asJSON)
			}
		},
	}
}

// maxSample bounds what is made in memory.
const maxSample = 1_000_000

func loadSample(ctx context.Context, c *call, entries, year int, seed uint64, asJSON bool) error {
	api, err := newClient(c)
	if err != nil {
		return err
	}
	began := time.Now()
	bar := newProgress(c.stderr, "loading", int64(entries), false)
	defer bar.end()
	done := int64(0)
	b := bulk{
		api: api, patience: patience, away: func(err error) { bar.say(sentence(err)) },
		sent: func(n int) {
			done += int64(n)
			bar.to(done, int64(entries))
		},
	}
	for i, e := range sample.Year(entries, year, seed) {
		encoded, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("encode entry: %w", err)
		}
		if err := b.add(ctx, i+1, encoded); err != nil {
			return err
		}
	}
	if err := b.flush(ctx); err != nil {
		return err
	}
	bar.end()
	if b.rejected > 0 {
		return fmt.Errorf("%d sample entries were rejected, the first because: %s", b.rejected, b.rejections[0].Message)
	}
	if asJSON {
		return json.NewEncoder(c.stdout).Encode(map[string]any{"year": year, "seed": seed, "created": b.created, "duplicate": b.duplicate})
	}
	_, err = fmt.Fprintf(c.stdout, "%d events of the year %d: %d created, %d there before (%s)\n",
		entries, year, b.created, b.duplicate, time.Since(began).Round(10*time.Millisecond))
	return err
}
