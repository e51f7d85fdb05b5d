package main

import (
	"context"
	"flag"
	"os"
	"slices"

	"github.com/sealbook/sealbook/internal/importer"
)

func importCommand() *command {
	return &command{
		name: "import", summary: "import a recording of another system",
		usage: []string{
			"--format cloudtrail|github|jsonl|okta FILE [--json]",
			"--format csv --mapping MAPPING FILE [--json]",
		},
		about: `Appends what FILE holds (plain or packed with gzip; - is the standard input)
through POST /entries/bulk. Importing the same recording again adds nothing,
because every entry has an external_id that follows from the recording; so an
import that was interrupted is simply started again.

cloudtrail  AWS CloudTrail records, one a line or as AWS delivers them
            ({"Records":[…]}).
github      the audit log of a GitHub organisation or enterprise, one JSON
            object a line or one JSON array.
okta        Okta's System Log, one event a line or one JSON array.
csv         rows of a CSV file (RFC 4180). The mapping, YAML or JSON, says which
            column is which field of an entry.
jsonl       entries as POST /entries takes them, one a line. A line without an
            external_id gets one that follows from its content.

Of the first three, names of events become event types "cloudtrail.…",
"github.…" and "okta.…", which are registered first. Each record keeps its own
time, and all of it is in the entry: what names a person where it can be
withheld and erased, the rest unchanged in details. Numbers beyond 2^53-1 are
kept as strings and what is nested too deeply as JSON text, with a note in
details.import_notes. Importing a record again adds nothing even if it comes in
another file. docs/importing.md says where each part of a record goes, and how
a mapping is written.

What cannot be imported is named by its line (an element of an array by its
number), a cell of a CSV file also by its column; the rest is imported.`,
		examples: `sealbook import --format cloudtrail cloudtrail-2023.jsonl.gz
sealbook import --format github audit-log.json
sealbook import --format csv --mapping payroll.yaml payroll-2025.csv
zcat events.jsonl.gz | sealbook import --format jsonl - --json`,
		settings: clientSettings,
		exits:    "0  everything is in the ledger, whether it was before or not\n1  something was rejected, or the import did not come to its end\n2  wrong usage or settings",
		setup: func(set *flag.FlagSet) action {
			var o importOptions
			set.StringVar(&o.format, "format", "", "`FORMAT` of the recording: "+oneOf(formatNames()))
			set.StringVar(&o.mapping, "mapping", "", "`MAPPING`, a file that says what the columns are (csv)")
			set.BoolVar(&o.json, "json", false, "print the summary as JSON, with every rejected line")
			return o.run
		},
	}
}

type importOptions struct {
	format  string
	mapping string
	json    bool
}

// csvFormat is the format that needs a mapping.
const csvFormat = "csv"

func formatNames() []string {
	return slices.Sorted(func(yield func(string) bool) {
		for name := range importer.Formats {
			if !yield(name) {
				return
			}
		}
		yield(csvFormat)
	})
}

// reader is the format that the flags name, with its mapping.
func (o *importOptions) reader() (importer.Format, error) {
	format, ok := importer.Formats[o.format]
	switch {
	case o.format == "":
		return nil, usagef("say what the recording is: --format %s", oneOf(formatNames()))
	case !ok && o.format != csvFormat:
		return nil, usagef("%q is not a format; there are %s", o.format, oneOf(formatNames()))
	case ok && o.mapping != "":
		return nil, usagef("--mapping is for --format %s", csvFormat)
	case ok:
		return format, nil
	case o.mapping == "":
		return nil, usagef("say what the columns are: --mapping MAPPING; docs/importing.md describes it")
	}
	f, err := os.Open(o.mapping)
	if err != nil {
		return nil, usagef("%s", err)
	}
	defer f.Close()
	m, err := importer.ReadMapping(f)
	if err != nil {
		return nil, usagef("%s: %s", o.mapping, err)
	}
	return importer.CSV(m), nil
}

func (o *importOptions) run(ctx context.Context, c *call, args []string) error {
	format, err := o.reader()
	if err != nil {
		return err
	}
	if len(args) != 1 {
		return usagef("name one FILE, or - for the standard input")
	}
	api, err := newClient(c)
	if err != nil {
		return err
	}
	in, size := c.stdin, int64(-1)
	if args[0] != "-" {
		f, err := os.Open(args[0])
		if err != nil {
			return usagef("%s", err)
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			size = info.Size()
		}
		in = f
	}
	im := &importing{call: c, bulk: bulk{api: api, patience: patience}}
	err = im.run(ctx, format, in, size)
	if told := im.tell(o.json); err == nil {
		err = told
	}
	return err
}
