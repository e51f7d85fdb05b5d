package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/artifact"
	"github.com/sealbook/sealbook/ledger"
)

// databaseReport is what verify --database says of one ledger.
type databaseReport struct {
	Ledger   int32                        `json:"ledger"`
	Origin   string                       `json:"origin"`
	Entries  int64                        `json:"entries"`
	Rows     int64                        `json:"rows"`
	Archived int64                        `json:"archived"`   // rows whose content is in files of the archive alone
	Gone     int64                        `json:"destroyed"`  // rows whose content was destroyed when their retention ended
	Files    int64                        `json:"files_read"` // of the archive
	OK       bool                         `json:"ok"`
	Counts   map[ledger.ProblemKind]int64 `json:"counts"`
	Problems []ledger.Problem             `json:"problems"`
	Trusted  []trustReport                `json:"trusted"`         // checkpoints from outside
	Reached  int64                        `json:"trusted_entries"` // that those cover which hold
	Root     string                       `json:"root"`
	Digest   string                       `json:"verification_hash"`
}

// databaseCheck is one run over every ledger in a database.
type databaseCheck struct {
	*call
	log     *ledger.Log
	points  trustedPoints
	asJSON  bool
	bar     *progress
	total   int64 // entries of all ledgers
	done    int64
	ledgers int64
	entries int64
	reached int64 // entries that trusted checkpoints cover

	archive  *artifact.Store // its files are read; nil: they are not
	archived int64           // entries whose content is in files of the archive
	gone     int64           // entries whose content was destroyed
	files    int64           // that were read
	bad      int64           // ledgers in which something is wrong
}

// verifyDatabase checks every ledger in one database, row by row, and against
// the checkpoints that were kept outside of it.
func verifyDatabase(ctx context.Context, c *call, o *verifyOptions) error {
	if err := c.config.require("SEALBOOK_DATABASE_URL"); err != nil {
		return err
	}
	t, err := readTrust(append(c.config.TrustedKeys, o.keys...))
	if err != nil {
		return err
	}
	points, err := readTrusted(o.trusted, t)
	if err != nil {
		return err
	}
	l, err := ledger.Open(ctx, ledger.Config{Database: c.config.DatabaseURL, Origin: c.config.Origin, Clock: audit.SystemClock})
	if err != nil {
		return &undecidedError{err}
	}
	defer l.Close()
	d := &databaseCheck{call: c, log: l, points: points, asJSON: o.json}
	if o.archive != "" {
		if d.archive, err = openArchive(ctx, o.archive); err != nil {
			return err
		}
		defer d.archive.Close() //nolint:errcheck // it was only read
	}
	if err := d.run(ctx); err != nil {
		return err
	}
	return d.conclude()
}

func (d *databaseCheck) run(ctx context.Context) error {
	ids, err := d.log.Ledgers(ctx)
	if err != nil {
		return &undecidedError{err}
	}
	origins := map[int32]string{}
	for _, id := range ids {
		head, _, err := d.log.Head(ctx, id)
		if err != nil && audit.CodeOf(err) != audit.NotFound {
			return &undecidedError{err}
		}
		d.total += head.Size
		if origins[id] = head.Origin; err != nil { // the head row is gone
			if descriptor, err := d.log.Descriptor(ctx, id); err == nil {
				origins[id] = descriptor.Genesis.Origin
			}
		}
	}
	if !slices.Contains(ids, ledger.Registry) && len(ids) > 0 {
		if err := d.lost(ledger.Registry, "", "the registry, which names all ledgers, is missing", nil); err != nil {
			return err
		}
	}
	d.bar = newProgress(d.stderr, "verifying", d.total, false)
	defer d.bar.end()
	for _, id := range ids {
		if err := d.ledger(ctx, id, origins[id]); err != nil {
			return err
		}
		delete(d.points, origins[id])
	}
	orphans, err := d.log.Orphans(ctx)
	if err != nil {
		return &undecidedError{err}
	}
	for _, id := range orphans {
		if err := d.lost(id, "", "rows stand under this number, but there is no such ledger", nil); err != nil {
			return err
		}
	}
	// What is left was signed for ledgers that are not here.
	for _, origin := range slices.Sorted(maps.Keys(d.points)) {
		var size int64
		for _, p := range d.points[origin] {
			size = max(size, p.checkpoint.Size)
		}
		message := fmt.Sprintf("the whole ledger is missing: a trusted checkpoint covers %s of it", counted(size, "entry", "entries"))
		if err := d.lost(noLedger, origin, message, d.points[origin]); err != nil {
			return err
		}
	}
	return nil
}

func (d *databaseCheck) ledger(ctx context.Context, id int32, origin string) error {
	check := d.log.VerifyWith
	if id == ledger.Registry {
		check = d.log.VerifyRegistry
	}
	v, err := check(ctx, id, ledger.VerifyOptions{End: 1 << 62, Trusted: d.points.of(origin), Each: func(*ledger.Row) {
		d.done++
		d.bar.to(d.done, d.total)
	}})
	if err != nil {
		return &undecidedError{err}
	}
	d.ledgers++
	d.entries += v.Rows
	d.reached += reach(&v)
	d.archived += v.Archived
	d.gone += v.Destroyed
	if d.archive != nil {
		if err := d.readFiles(ctx, id, &v); err != nil {
			return &undecidedError{err}
		}
		d.files += v.FilesRead
	}
	return d.tell(id, &v, d.points.report(&v))
}

// noLedger stands for the number of a ledger that has none.
const noLedger = -1

// lost reports a ledger that is not there.
func (d *databaseCheck) lost(id int32, origin, message string, points []trustedPoint) error {
	kind := ledger.ExtraEntry
	reports := []trustReport{}
	for _, p := range points {
		kind = ledger.LostTail
		reports = append(reports, trustReport{File: p.file, Size: p.checkpoint.Size, Root: ledger.FormatHash(p.checkpoint.Root)})
	}
	v := ledger.Verification{Counts: map[ledger.ProblemKind]int64{kind: 1}, Problems: []ledger.Problem{{Kind: kind, Seq: -1, Message: message}}}
	v.Checkpoint.Origin = origin
	return d.tell(id, &v, reports)
}

// conclude says what all of it comes to.
func (d *databaseCheck) conclude() error {
	say := func(format string, args ...any) {
		if !d.asJSON {
			fmt.Fprintf(d.stdout, format, args...)
		}
	}
	switch {
	case d.bad > 0:
		say("\nFAILED: %s not what was written.\n", counted(d.bad, "ledger is", "ledgers are"))
		return &verdict{exitFailed}
	case d.entries == 0:
		return &undecidedError{errors.New("there is no entry in this database, so there is nothing to check")}
	}
	say("\nVERIFIED: %s of %s, every row and every hash.\n", counted(d.entries, "entry", "entries"), counted(d.ledgers, "ledger", "ledgers"))
	switch {
	case d.archived > 0 && d.archive == nil:
		say("The content of %s in files of the archive that the registry names; these were not read.\n", counted(d.archived, "entry is", "entries is"))
	case d.archive != nil:
		say("The content of %s in files of the archive: %s read, and all is as it was written.\n", counted(d.archived, "entry is", "entries is"), counted(d.files, "file was", "files were"))
	}
	if !d.asJSON {
		tellDestroyed(d.stdout, d.gone)
	}
	if d.reached < d.entries {
		say("%s not covered by a checkpoint from outside: a rewrite of everything would show only\nagainst one, such as a receipt, given with --trusted.\n",
			counted(d.entries-d.reached, "entry is", "entries are"))
	}
	return nil
}

func (d *databaseCheck) tell(id int32, v *ledger.Verification, trusted []trustReport) error {
	if len(v.Counts) > 0 {
		d.bad++
	}
	d.bar.clear()
	if d.asJSON {
		problems := v.Problems
		if problems == nil {
			problems = []ledger.Problem{}
		}
		return json.NewEncoder(d.stdout).Encode(databaseReport{
			Ledger: id, Origin: v.Checkpoint.Origin, Entries: v.Checkpoint.Size, Rows: v.Rows, Archived: v.Archived, Gone: v.Destroyed, Files: v.FilesRead, OK: len(v.Counts) == 0,
			Counts: v.Counts, Problems: problems, Trusted: trusted, Reached: reach(v),
			Root: ledger.FormatHash(v.Checkpoint.Root), Digest: v.Digest,
		})
	}
	state := "ok"
	switch {
	case len(v.Counts) > 0:
		state = "FAILED"
	case v.Rows == 0:
		state = "empty"
	}
	name := fmt.Sprintf("ledger %d", id)
	if id < 0 {
		name = "no ledger"
	}
	fmt.Fprintf(d.stdout, "%s  %s  %s  %s\n", name, printable(v.Checkpoint.Origin), counted(v.Rows, "entry", "entries"), state)
	var found int64
	for _, n := range v.Counts {
		found += n
	}
	tellProblems(d.stdout, v.Problems, found)
	tellTrust(d.stdout, trusted, v.Checkpoint.Size, reach(v))
	return nil
}

// tellProblems lists what is wrong, of found problems in all.
func tellProblems(w io.Writer, problems []ledger.Problem, found int64) {
	for _, p := range problems {
		where := p.EntryID
		if where != "" {
			where += ": "
		}
		fmt.Fprintf(w, "  %-14s %s%s\n", p.Kind, printable(where), printable(p.Message))
	}
	if more := found - int64(len(problems)); more > 0 {
		fmt.Fprintf(w, "  … and %d more\n", more)
	}
}

func counted(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
