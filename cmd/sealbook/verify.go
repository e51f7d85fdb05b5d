package main

import (
	"bufio"
	"bytes"
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
		name: "verify", summary: "check a package, a receipt, a report or a segment file offline, or a ledger where it is",
		usage: []string{
			"FILE [--key KEY]... [--witnesses FILE] [--tsa-roots FILE] [--json]",
			"FILE.pdf [--roots FILE] [--tsa-roots FILE] [--json]",
			"SEGMENT [--digest DIGEST] [--json]",
			"--database [--archive DIR|URL] [--trusted FILE]... [--key KEY]... [--json]",
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

A package says who else saw the ledger's history, and brings the evidence. It is
checked when you say whom you believe: --witnesses names a policy (C2SP
tlog-policy), --tsa-roots the root certificates of time-stamp authorities.

Of a report (PDF), checks every electronic signature: whether it is valid, covers
the whole document, and is of somebody whom you believe. --roots names the root
certificates of signers, --tsa-roots those of time-stamp authorities; without
them they are the machine's.

Of a segment file of the archive, checks that it holds the entries that it names and
that each payload is the one that its record commits to. Whether the records are the
ledger's only its registry can tell: --digest is the digest that it names, as "GET
/archive/segments" shows it.

With --database, checks every row of every ledger in Postgres: the operator's
own check. Someone who owns the database can rewrite all of it so that it fits;
that shows only against what is kept elsewhere. Name it with --trusted: a
receipt, a .tlog-proof or a signed checkpoint, or several in a file, with the key
that signed them. Content that has moved to the archive is checked, too, with
--archive: the artifact store as a folder or as SEALBOOK_ARTIFACTS has it, whose
files are all read. With --live, asks the API to check your organisation's ledger.`,
		examples: `sealbook verify evidence.zip --key ledger.vkey
sealbook verify receipt.json --key "$VKEY" --json
sealbook verify report.pdf --roots signers.pem
sealbook verify segment.jsonl.gz --digest "sha256:$DIGEST"
sealbook verify --database
sealbook verify --database --archive file:///var/lib/sealbook/artifacts
sealbook verify --database --trusted receipts.json --key ledger.vkey
sealbook verify --live --from 2024-01-01 --to 2024-03-31`,
		settings: []string{"SEALBOOK_TRUSTED_KEYS", "SEALBOOK_DATABASE_URL", "SEALBOOK_URL", "SEALBOOK_KEY"},
		exits: `0  everything that was checked is as it should be
1  something was changed, is missing, or is signed by a key that is not trusted
2  it cannot be told: nothing to check, no key, no trusted signer, no answer, wrong usage`,
		setup: func(set *flag.FlagSet) action {
			var o verifyOptions
			set.Var((*list)(&o.keys), "key", "trust `KEY`: a verifier key, a fingerprint, or a file of them; repeatable")
			set.StringVar(&o.witnesses, "witnesses", "", "a package's history must be cosigned as the policy in `FILE` asks")
			set.StringVar(&o.roots, "tsa-roots", "", "time stamps, of a package's history or in a report, must lead to a root certificate in `FILE` (PEM)")
			set.StringVar(&o.signers, "roots", "", "a report's signatures must lead to a root certificate in `FILE` (PEM)")
			set.StringVar(&o.digest, "digest", "", "a segment file must have the `DIGEST` that the registry names, sha256:…")
			set.Var((*list)(&o.trusted), "trusted", "with --database: compare with the signed checkpoints in `FILE`; repeatable")
			set.StringVar(&o.archive, "archive", "", "with --database: read the archive's files in `DIR`, a folder or the URL of an artifact store")
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
	keys, trusted  []string
	database, live bool
	from, to       string
	witnesses      string
	roots          string // of time-stamp authorities
	signers        string // roots of those who sign reports
	digest         string // of a segment file
	archive        string // artifact store
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
	case o.database && (o.live || len(args) > 0), o.live && (len(args) > 0 || len(o.keys) > 0):
		return usagef("give a FILE, or --database, or --live; see sealbook verify --help")
	case !o.database && len(o.trusted) > 0:
		return usagef("--trusted is for --database: a FILE is checked against keys")
	case !o.database && o.archive != "":
		return usagef("--archive is for --database: give a file of the archive as FILE")
	case o.database && len(o.keys) > 0 && len(o.trusted) == 0:
		return usagef("with --database, --key is for the checkpoints of --trusted")
	case !o.live && (o.from != "" || o.to != ""):
		return usagef("--from and --to are for --live; a package has its own period")
	case (o.database || o.live) && (o.witnesses != "" || o.roots != "" || o.signers != ""):
		return usagef("--roots is for a report, --witnesses and --tsa-roots are for a package; docs/anchors.md says how a ledger's anchors are checked")
	case (o.database || o.live) && o.digest != "":
		return usagef("--digest is for a segment file of the archive")
	case o.database:
		return verifyDatabase(ctx, c, o)
	case o.live:
		return verifyLive(ctx, c, o)
	case len(args) != 1:
		return usagef("give one FILE; see sealbook verify --help")
	}
	t, err := readTrust(append(c.config.TrustedKeys, o.keys...))
	if err != nil {
		return err
	}
	vouch, err := readVouching(o.witnesses, o.roots)
	if err != nil {
		return err
	}
	return verifyFile(c, args[0], t, vouch, o)
}

// verifyFile tells packages, receipts, reports and segments apart by their first bytes,
// not their names.
func verifyFile(c *call, name string, t trust, vouch vouching, o *verifyOptions) error {
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
	start, err := bufio.NewReader(io.NewSectionReader(f, 0, 512)).Peek(len(pdfStart))
	switch {
	case len(start) == 0 && errors.Is(err, io.EOF):
		return &undecidedError{fmt.Errorf("%s is empty: there is nothing to check", name)}
	case err != nil && !errors.Is(err, io.EOF):
		return &undecidedError{err}
	case string(start) != pdfStart && o.signers != "":
		return usagef("%s is not a PDF: --roots is for the signatures of a report", name)
	case bytes.HasPrefix(start, []byte(gzipStart)):
		return verifySegment(c, name, f, o)
	case o.digest != "":
		return usagef("%s is no segment file: --digest is for those of the archive", name)
	case string(start) == pdfStart:
		return verifyReport(c, name, f, o)
	case start[0] == '{':
		if vouch != nil {
			return usagef("%s holds receipts: --witnesses and --tsa-roots are for a package", name)
		}
		return verifyReceipts(c, name, f, t, o.json)
	}
	return verifyPackage(c, name, f, info.Size(), t, vouch, o.json)
}

func verifyPackage(c *call, name string, r io.ReaderAt, size int64, t trust, vouch vouching, asJSON bool) error {
	bar := newProgress(c.stderr, "verifying", size, true)
	report := evidence.Verify(r, size, evidence.VerifyOptions{Keys: t.fingerprints(), Vouch: vouch, Progress: bar.to})
	bar.end()
	report.File = name
	// The key is trusted; is it for this ledger?
	if p := report.Package; p != nil && report.Authenticity == evidence.OK && !t.covers(p.Origin, report.Trusted) {
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
