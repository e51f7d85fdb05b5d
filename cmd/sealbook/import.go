package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/importer"
)

func importCommand() *command {
	return &command{
		name: "import", summary: "import a recording of another system",
		usage: []string{"--format cloudtrail|jsonl FILE [--json]"},
		about: `Appends what FILE holds (plain or packed with gzip; - is the standard input)
through POST /entries/bulk. Importing the same recording again adds nothing,
because every entry has an external_id that follows from the recording; so an
import that was interrupted is simply started again.

cloudtrail  AWS CloudTrail records, one a line or as AWS delivers them
            ({"Records":[…]}). Event names become event types "cloudtrail.…",
            which are registered first. Each record keeps its own time, and all
            of it is in the entry: what names a person where it can be
            withheld, the rest unchanged in details. Numbers beyond 2^53-1 are
            kept as strings and what is nested too deeply as JSON text, with a
            note in details.import_notes.
jsonl       entries as POST /entries takes them, one a line. A line without an
            external_id gets one that follows from its content.`,
		examples: `sealbook import --format cloudtrail cloudtrail-2023.jsonl.gz
zcat events.jsonl.gz | sealbook import --format jsonl - --json`,
		settings: clientSettings,
		exits:    "0  everything is in the ledger, whether it was before or not\n1  something was rejected, or the import did not come to its end\n2  wrong usage or settings",
		setup: func(set *flag.FlagSet) action {
			var o importOptions
			set.StringVar(&o.format, "format", "", "`FORMAT` of the recording: "+oneOf(slices.Sorted(maps.Keys(importer.Formats))))
			set.BoolVar(&o.json, "json", false, "print the summary as JSON, with every rejected line")
			return o.run
		},
	}
}

type importOptions struct {
	format string
	json   bool
}

func (o *importOptions) run(ctx context.Context, c *call, args []string) error {
	format, ok := importer.Formats[o.format]
	switch {
	case o.format == "":
		return usagef("say what the recording is: --format %s", oneOf(slices.Sorted(maps.Keys(importer.Formats))))
	case !ok:
		return usagef("%q is not a format; there are %s", o.format, oneOf(slices.Sorted(maps.Keys(importer.Formats))))
	case len(args) != 1:
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

// importing is one import on its way.
type importing struct {
	call  *call
	bulk  bulk
	items int
	types map[string]bool // that exist
	fresh int             // of them, registered now
}

func (im *importing) run(ctx context.Context, format importer.Format, in io.Reader, size int64) error {
	bar := newProgress(im.call.stderr, "importing", size, true)
	defer bar.end()
	read := &metered{r: in}
	im.bulk.away = func(err error) {
		bar.clear()
		fmt.Fprintf(im.call.stderr, "waiting: %s\n", sentence(err))
	}
	im.bulk.sent = func(int) { bar.to(read.done, size) }
	content, err := importer.Open(read)
	if err != nil {
		return err
	}
	for item, err := range format(content) {
		if err != nil {
			// What was read before it is sent all the same.
			return errors.Join(im.bulk.flush(ctx), err)
		}
		im.items++
		if item.Err != nil {
			im.bulk.reject(item.Line, audit.MalformedJSON, item.Err.Error())
			continue
		}
		if err := im.register(ctx, item.Type); err != nil {
			return err
		}
		if err := im.bulk.add(ctx, item.Line, item.Entry); err != nil {
			return err
		}
	}
	if err := im.bulk.flush(ctx); err != nil {
		return err
	}
	if im.items == 0 {
		return errors.New("the recording is empty")
	}
	return nil
}

// register makes an event type known unless it is. One that somebody has
// registered otherwise stays as it is.
func (im *importing) register(ctx context.Context, t audit.EventType) error {
	if t.Name == "" {
		return nil
	}
	api := im.bulk.api
	if im.types == nil {
		var known []audit.EventType
		err := repeat(ctx, im.bulk.patience, im.bulk.away, func(ctx context.Context) error {
			return api.call(ctx, request{method: http.MethodGet, path: "/event-types"}, &known)
		})
		// A key that may only write cannot ask; then every type is put.
		if err != nil && audit.CodeOf(err) != audit.Forbidden {
			return err
		}
		im.types = map[string]bool{}
		for _, k := range known {
			im.types[k.Name] = true
		}
	}
	if im.types[t.Name] {
		return nil
	}
	body := map[string]any{"class": t.Class, "severity": t.Severity, "description": t.Description}
	err := repeat(ctx, im.bulk.patience, im.bulk.away, func(ctx context.Context) error {
		return api.call(ctx, request{method: http.MethodPut, path: "/event-types/" + url.PathEscape(t.Name), body: body}, nil)
	})
	if err != nil {
		return fmt.Errorf("register the event type %s: %w", t.Name, err)
	}
	im.types[t.Name] = true
	im.fresh++
	return nil
}

// maxLinesTold bounds the rejected lines that are printed.
const maxLinesTold = 50

// tell prints the summary. Anything rejected makes the result a failure.
func (im *importing) tell(asJSON bool) error {
	b, c := &im.bulk, im.call
	if asJSON {
		if b.rejections == nil {
			b.rejections = []rejection{}
		}
		err := json.NewEncoder(c.stdout).Encode(map[string]any{
			"records": im.items, "created": b.created, "duplicate": b.duplicate, "rejected": b.rejected,
			"event_types_registered": im.fresh, "rejections": b.rejections,
		})
		if err != nil {
			return err
		}
	} else {
		for i, r := range b.rejections {
			if i == maxLinesTold {
				fmt.Fprintf(c.stderr, "… and %d more; --json lists them\n", b.rejected-maxLinesTold)
				break
			}
			fmt.Fprintf(c.stderr, "line %d: %s\n", r.Line, printable(r.Message))
		}
		fmt.Fprintf(c.stdout, "%d records: %d created, %d duplicate, %d rejected; %d event types registered\n",
			im.items, b.created, b.duplicate, b.rejected, im.fresh)
	}
	if b.rejected > 0 {
		return &verdict{exitFailed}
	}
	return nil
}
