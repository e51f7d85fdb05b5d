package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/client"
	"github.com/sealbook/sealbook/internal/importer"
)

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
		im.bulk.columns = item.Columns
		if item.Err != nil {
			code := audit.MalformedJSON
			if item.Columns != nil {
				code = audit.ValidationFailed
			}
			im.bulk.reject(item.Line, code, item.Err.Error())
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
	api, patient := im.bulk.api, patiently(im.bulk.patience, im.bulk.away)
	if im.types == nil {
		known, err := api.ListEventTypes(ctx, patient)
		// A key that may only write cannot ask; then every type is put.
		if err = apiError(err); err != nil && audit.CodeOf(err) != audit.Forbidden {
			return err
		}
		im.types = map[string]bool{}
		if err == nil {
			for _, k := range known.Data {
				im.types[k.Name] = true
			}
		}
	}
	if im.types[t.Name] {
		return nil
	}
	body := client.EventTypeRequest{Class: client.EventClass(t.Class), Severity: client.Severity(t.Severity), Description: t.Description}
	if _, err := api.PutEventType(ctx, t.Name, body, patient); err != nil {
		return fmt.Errorf("register the event type %s: %w", t.Name, apiError(err))
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
