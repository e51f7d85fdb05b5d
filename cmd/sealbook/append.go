package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/sealbook/sealbook/client"
	"github.com/sealbook/sealbook/internal/evidence"
	"github.com/sealbook/sealbook/ledger"
)

func appendCommand() *command {
	return &command{
		name: "append", summary: "append entries and keep their receipts",
		usage: []string{"[--file FILE] [--receipt FILE] [--json]"},
		about: `Sends entries to the API, one by one, and prints where each stands in the ledger.
An entry is a body of POST /entries; several follow each other, as in JSONL, and
are sent as they are read. The first that is refused ends the command; those
before it are appended.

The receipt of an entry shows for ever that it was acknowledged: keep it. It is
checked when it comes; with SEALBOOK_TRUSTED_KEYS, its signature is checked too.`,
		examples: `echo '{"event_type":"access.granted","user_id":"ada","resource_id":"vault"}' |
    sealbook append --receipt receipt.json
sealbook verify receipt.json --key ledger.vkey`,
		settings: append(clientSettings[:2:2], "SEALBOOK_TRUSTED_KEYS"),
		exits:    "0  everything was appended, or was there before with the same external_id\n1  something was refused, or there was no answer\n2  wrong usage or settings",
		setup: func(set *flag.FlagSet) action {
			var o appendOptions
			set.StringVar(&o.file, "file", "-", "`FILE` of entries; - is the standard input")
			set.StringVar(&o.receipt, "receipt", "", "write the receipt to `FILE`; of several entries, one a line")
			set.BoolVar(&o.json, "json", false, "print the API's answers, one a line")
			return o.run
		},
	}
}

type appendOptions struct {
	file, receipt string
	json          bool
	trust         trust
}

// appendPatience is how long one entry is sent again while there is no answer.
const appendPatience = 30 * time.Second

func (o *appendOptions) run(ctx context.Context, c *call, args []string) (err error) {
	if len(args) > 0 {
		return usagef("%q is not a flag; a file of entries is named with --file", args[0])
	}
	api, err := newClient(c)
	if err != nil {
		return err
	}
	if o.trust, err = readTrust(c.config.TrustedKeys); err != nil {
		return err
	}
	in := c.stdin
	if o.file != "-" {
		f, err := os.Open(o.file)
		if err != nil {
			return usagef("%s", err)
		}
		defer f.Close()
		in = f
	}
	receipts, keep, err := o.receipts()
	if err != nil {
		return err
	}
	// What was acknowledged is kept, whatever became of the rest.
	defer func() { err = errors.Join(err, keep()) }()
	n := 0
	for d := json.NewDecoder(in); ; n++ {
		var entry json.RawMessage
		if err := d.Decode(&entry); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("entry %d is not JSON: %w", n+1, err)
		}
		if err := o.send(ctx, c, api, entry, receipts); err != nil {
			if n > 0 || d.More() {
				err = fmt.Errorf("entry %d: %w", n+1, err)
			}
			return err
		}
	}
	if n == 0 {
		return errors.New("there was no entry to append")
	}
	return nil
}

// send appends one entry. Its Idempotency-Key is the same however often it is
// sent, so an answer that was lost costs nothing.
func (o *appendOptions) send(ctx context.Context, c *call, api *client.Client, entry json.RawMessage, receipts io.Writer) error {
	away := func(err error) { fmt.Fprintf(c.stderr, "waiting: %s\n", sentence(err)) }
	made, err := api.CreateEntry(ctx, client.EntryRequest{}, client.RawBody(entry), patiently(appendPatience, away))
	if err != nil {
		return apiError(err)
	}
	// The receipt is checked as it came, not as the client understood it.
	var answer struct {
		Receipt json.RawMessage `json:"receipt"`
	}
	if err := json.Unmarshal(made.Raw, &answer); err != nil || answer.Receipt == nil {
		return errors.New("the answer holds no receipt")
	}
	report, err := checkReceipt(answer.Receipt, o.trust)
	if err != nil {
		return err
	}
	if report.Integrity == evidence.Failed || report.Authenticity == evidence.Failed {
		return fmt.Errorf("the entry was acknowledged with a receipt that does not hold: %s", report.Findings[0])
	}
	var receipt ledger.Receipt
	if err := json.Unmarshal(answer.Receipt, &receipt); err != nil {
		return err
	}
	if err := json.NewEncoder(receipts).Encode(receipt); err != nil {
		return fmt.Errorf("write the receipt: %w", err)
	}
	if o.json {
		_, err = fmt.Fprintf(c.stdout, "%s\n", made.Raw)
		return err
	}
	was := "appended"
	if made.Status == http.StatusOK {
		was = "was there before"
	}
	_, err = fmt.Fprintf(c.stdout, "%s  %s\n  entry %d of %s\n  %s\n", report.EntryID, was, *report.Seq, report.Origin, report.Hash)
	return err
}

// receipts opens the file of receipts, which takes its name when keep is
// called; without one, receipts go nowhere.
func (o *appendOptions) receipts() (w io.Writer, keep func() error, err error) {
	if o.receipt == "" {
		return io.Discard, func() error { return nil }, nil
	}
	f, err := os.CreateTemp(filepath.Dir(o.receipt), "."+filepath.Base(o.receipt)+".*")
	if err != nil {
		return nil, nil, usagef("the receipt cannot be written: %s", err)
	}
	return f, func() error {
		defer os.Remove(f.Name()) //nolint:errcheck // mostly it has another name by then
		info, err := f.Stat()
		if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
			return fmt.Errorf("write the receipt: %w", err)
		}
		if info.Size() == 0 {
			return nil
		}
		if err := os.Rename(f.Name(), o.receipt); err != nil {
			return fmt.Errorf("write the receipt: %w", err)
		}
		return nil
	}, nil
}
