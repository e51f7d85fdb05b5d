package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/sealbook/sealbook/internal/evidence"
)

func verifyCommand() *command {
	return &command{
		name: "verify", summary: "check a package or a receipt offline, or a ledger where it is",
		usage: []string{
			"FILE [--key KEY]... [--json]",
			"--database [--json]",
			"--live [--from TIME] [--to TIME] [--json]",
		},
		about: `Checks FILE, an evidence package (zip) or a receipt (JSON, also several), with no
network and no account. It says separately whether nothing was changed
(integrity), nothing is left out (completeness, of a package) and who signed it
(authenticity), and names every file and entry that is wrong.

Who signed it can only be told with a key that you have from somewhere else
than the file: its owner prints the fingerprint with "sealbook keygen" and the
key with "sealbook apikey create". A key is a verifier key, a fingerprint
(SHA256:…, packages only), or a file with one a line. A package shows its key,
so without yours it can still be checked against itself; a receipt does not.

With --database, checks every row of every ledger in Postgres: the operator's
own check. With --live, asks the API to check your organisation's ledger.`,
		examples: `sealbook verify evidence.zip --key ledger.vkey
sealbook verify receipt.json --key "$VKEY" --json
sealbook verify --database
sealbook verify --live --from 2024-01-01 --to 2024-03-31`,
		settings: []string{"SEALBOOK_TRUSTED_KEYS", "SEALBOOK_DATABASE_URL", "SEALBOOK_URL", "SEALBOOK_KEY"},
		exits: `0  everything that was checked is as it should be
1  something was changed, is missing, or is signed by a key that is not trusted
2  it cannot be told: nothing to check, no key, no answer, wrong usage`,
		setup: func(set *flag.FlagSet) action {
			var o verifyOptions
			set.Var((*list)(&o.keys), "key", "trust `KEY`: a verifier key, a fingerprint, or a file of them; repeatable")
			set.BoolVar(&o.database, "database", false, "check every ledger in SEALBOOK_DATABASE_URL")
			set.BoolVar(&o.live, "live", false, "ask the API to check the organisation's ledger")
			set.StringVar(&o.from, "from", "", "with --live: only events from `TIME`, a date or RFC 3339")
			set.StringVar(&o.to, "to", "", "with --live: only events up to and including `TIME`")
			set.BoolVar(&o.json, "json", false, "print JSON")
			return o.run
		},
	}
}

type verifyOptions struct {
	keys           []string
	database, live bool
	from, to       string
	json           bool
}

// list is a flag that may be repeated.
type list []string

func (l *list) String() string { return "" }

func (l *list) Set(v string) error {
	*l = append(*l, v)
	return nil
}

func (o *verifyOptions) run(ctx context.Context, c *call, args []string) error {
	switch {
	case o.database && (o.live || len(args) > 0 || len(o.keys) > 0), o.live && (len(args) > 0 || len(o.keys) > 0):
		return usagef("give a FILE, or --database, or --live; see sealbook verify --help")
	case !o.live && (o.from != "" || o.to != ""):
		return usagef("--from and --to are for --live; a package has its own period")
	case o.database:
		return verifyDatabase(ctx, c, o.json)
	case o.live:
		return verifyLive(ctx, c, o)
	case len(args) != 1:
		return usagef("give one FILE; see sealbook verify --help")
	}
	t, err := readTrust(append(c.config.TrustedKeys, o.keys...))
	if err != nil {
		return err
	}
	return verifyFile(c, args[0], t, o.json)
}

// verifyFile tells a package from a receipt by its first bytes, not its name.
func verifyFile(c *call, name string, t trust, asJSON bool) error {
	f, err := os.Open(name)
	if err != nil {
		return &undecidedError{err}
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return &undecidedError{err}
	}
	if !info.Mode().IsRegular() {
		return &undecidedError{fmt.Errorf("%s is not a file", name)}
	}
	start, err := bufio.NewReader(io.NewSectionReader(f, 0, 512)).Peek(1)
	switch {
	case errors.Is(err, io.EOF):
		return &undecidedError{fmt.Errorf("%s is empty: there is nothing to check", name)}
	case err != nil:
		return &undecidedError{err}
	case start[0] == '{':
		return verifyReceipts(c, name, f, t, asJSON)
	}
	return verifyPackage(c, name, f, info.Size(), t, asJSON)
}

func verifyPackage(c *call, name string, r io.ReaderAt, size int64, t trust, asJSON bool) error {
	bar := newProgress(c.stderr, "verifying", size, true)
	report := evidence.Verify(r, size, evidence.VerifyOptions{Keys: t.fingerprints(), Progress: bar.to})
	bar.end()
	report.File = name
	// The key is trusted; is it for this ledger?
	if p := report.Package; p != nil && report.Authenticity == evidence.OK && !t.covers(p.Origin, p.Fingerprint) {
		report.Authenticity = evidence.Failed
		report.Findings = append(report.Findings, evidence.Finding{
			Verdict: evidence.Authenticity, Status: evidence.Failed,
			Message: fmt.Sprintf("the trusted key is not of the ledger %s", p.Origin),
		})
	}
	var err error
	if asJSON {
		e := json.NewEncoder(c.stdout)
		e.SetIndent("", "  ")
		err = e.Encode(report)
	} else {
		err = report.WriteText(c.stdout)
	}
	if err != nil {
		return err
	}
	if code := report.Exit(); code != exitOK {
		return &verdict{code}
	}
	return nil
}
