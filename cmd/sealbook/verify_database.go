package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// databaseReport is what verify --database says of one ledger.
type databaseReport struct {
	Ledger   int32                        `json:"ledger"`
	Origin   string                       `json:"origin"`
	Entries  int64                        `json:"entries"`
	Rows     int64                        `json:"rows"`
	OK       bool                         `json:"ok"`
	Counts   map[ledger.ProblemKind]int64 `json:"counts"`
	Problems []ledger.Problem             `json:"problems"`
	Root     string                       `json:"root"`
	Digest   string                       `json:"verification_hash"`
}

// verifyDatabase checks every ledger in one database, row by row.
func verifyDatabase(ctx context.Context, c *call, asJSON bool) error {
	if err := c.config.require("SEALBOOK_DATABASE_URL"); err != nil {
		return err
	}
	// Verifying signs nothing, so the key that signs is not needed here.
	key, err := ledger.GenerateSigningKey()
	if err != nil {
		return err
	}
	l, err := ledger.Open(ctx, ledger.Config{Database: c.config.DatabaseURL, Key: key, Origin: c.config.Origin, Clock: audit.SystemClock})
	if err != nil {
		return &undecidedError{err}
	}
	defer l.Close()
	ids, err := l.Ledgers(ctx)
	if err != nil {
		return &undecidedError{err}
	}
	var total int64
	for _, id := range ids {
		head, _, err := l.Head(ctx, id)
		if err != nil && audit.CodeOf(err) != audit.NotFound {
			return &undecidedError{err}
		}
		total += head.Size
	}
	bar := newProgress(c.stderr, "verifying", total, false)
	defer bar.end()
	var done, entries int64
	bad := 0
	for _, id := range ids {
		v, err := l.Verify(ctx, id, 0, 1<<62, func(*ledger.Row) {
			done++
			bar.to(done, total)
		})
		if err != nil && audit.CodeOf(err) == audit.NotFound {
			v.Problems = append(v.Problems, ledger.Problem{Kind: ledger.WrongTree, Seq: -1, Message: "the ledger has no head row"})
			v.Counts, err = map[ledger.ProblemKind]int64{ledger.WrongTree: 1}, nil
		}
		if err != nil {
			return &undecidedError{err}
		}
		if len(v.Counts) > 0 {
			bad++
		}
		entries += v.Rows
		bar.clear()
		if err := tellLedger(c, id, v, asJSON); err != nil {
			return err
		}
	}
	bar.end()
	switch {
	case bad > 0:
		if !asJSON {
			fmt.Fprintf(c.stdout, "\nFAILED: %s not what was written.\n", counted(int64(bad), "ledger is", "ledgers are"))
		}
		return &verdict{exitFailed}
	case entries == 0:
		return &undecidedError{errors.New("there is no entry in this database, so there is nothing to check")}
	}
	if !asJSON {
		fmt.Fprintf(c.stdout, "\nVERIFIED: %s of %s, every row and every hash.\n",
			counted(entries, "entry", "entries"), counted(int64(len(ids)), "ledger", "ledgers"))
	}
	return nil
}

func tellLedger(c *call, id int32, v ledger.Verification, asJSON bool) error {
	if asJSON {
		problems := v.Problems
		if problems == nil {
			problems = []ledger.Problem{}
		}
		return json.NewEncoder(c.stdout).Encode(databaseReport{
			Ledger: id, Origin: v.Checkpoint.Origin, Entries: v.Checkpoint.Size, Rows: v.Rows, OK: len(v.Counts) == 0,
			Counts: v.Counts, Problems: problems, Root: ledger.FormatHash(v.Checkpoint.Root), Digest: v.Digest,
		})
	}
	state := "ok"
	switch {
	case len(v.Counts) > 0:
		state = "FAILED"
	case v.Rows == 0:
		state = "empty"
	}
	fmt.Fprintf(c.stdout, "ledger %d  %s  %s  %s\n", id, printable(v.Checkpoint.Origin), counted(v.Rows, "entry", "entries"), state)
	var found int64
	for _, n := range v.Counts {
		found += n
	}
	tellProblems(c.stdout, v.Problems, found)
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
