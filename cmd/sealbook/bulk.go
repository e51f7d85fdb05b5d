package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/client"
	"github.com/sealbook/sealbook/ledger"
)

// maxBatchBytes keeps a bulk request far below the API's limit on its body.
const maxBatchBytes = 4 << 20

// bulk sends entries in batches. Each entry has an external id, so a batch
// whose answer was lost is sent again and adds nothing twice.
type bulk struct {
	api      *client.Client
	patience time.Duration
	away     func(error)
	sent     func(n int)       // after every batch
	columns  map[string]string // which column of a file a field is from, by JSON Pointer; nil if it has none

	created, duplicate, rejected int
	rejections                   []rejection

	entries []json.RawMessage
	lines   []int
	size    int
}

// rejection is an entry that the ledger does not take.
type rejection struct {
	Line    int        `json:"line"`
	Code    audit.Code `json:"code"`
	Message string     `json:"message"`
}

// maxRejections bounds the rejections that are listed; all are counted.
const maxRejections = 1000

func (b *bulk) reject(line int, code audit.Code, message string) {
	b.rejected++
	if len(b.rejections) < maxRejections {
		b.rejections = append(b.rejections, rejection{line, code, message})
	}
}

// add queues an entry and sends the batch when it is full.
func (b *bulk) add(ctx context.Context, line int, entry json.RawMessage) error {
	if len(b.entries) == ledger.MaxBulk || b.size+len(entry) > maxBatchBytes {
		if err := b.flush(ctx); err != nil {
			return err
		}
	}
	b.entries, b.lines, b.size = append(b.entries, entry), append(b.lines, line), b.size+len(entry)+1
	return nil
}

// flush sends what is queued.
func (b *bulk) flush(ctx context.Context) error {
	entries, lines := b.entries, b.lines
	b.entries, b.lines, b.size = nil, nil, 0
	if len(entries) == 0 {
		return nil
	}
	return b.send(ctx, entries, lines)
}

// send appends a batch. One that is refused as a whole is halved until the
// entry is found that the API cannot even read.
func (b *bulk) send(ctx context.Context, entries []json.RawMessage, lines []int) error {
	body, err := json.Marshal(map[string]any{"entries": entries})
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	params := client.CreateEntriesParams{Receipts: client.CreateEntriesReceiptsNone}
	answer, err := b.api.CreateEntries(ctx, client.CreateEntriesRequest{}, params, client.RawBody(body), patiently(b.patience, b.away))
	err = apiError(err)
	switch audit.CodeOf(err) {
	case audit.MalformedJSON, audit.PayloadTooLarge, audit.ValidationFailed:
		if len(entries) == 1 {
			b.reject(lines[0], audit.CodeOf(err), sentence(err))
			b.tell(1)
			return nil
		}
		half := len(entries) / 2
		if err := b.send(ctx, entries[:half], lines[:half]); err != nil {
			return err
		}
		return b.send(ctx, entries[half:], lines[half:])
	}
	if err != nil {
		return err
	}
	if len(answer.Data.Results) != len(entries) {
		return fmt.Errorf("the API answered for %d of %d entries", len(answer.Data.Results), len(entries))
	}
	for i, item := range answer.Data.Results {
		switch {
		case item.Index != int64(i):
			return fmt.Errorf("the API answered out of order")
		case item.Status == client.BulkItemStatusCreated:
			b.created++
		case item.Status == client.BulkItemStatusDuplicate:
			b.duplicate++
		case item.Error == nil:
			b.reject(lines[i], audit.Internal, "rejected without a reason")
		default:
			b.reject(lines[i], audit.Code(item.Error.Code), b.sentence(item.Error))
		}
	}
	b.tell(len(entries))
	return nil
}

// sentence says what is wrong with an entry, and in which columns.
func (b *bulk) sentence(refusal *client.ErrorBody) string {
	e := &audit.Error{Message: refusal.Message}
	if refusal.Details != nil {
		for _, f := range refusal.Details.Fields {
			if column, known := b.columns[f.Field]; known {
				f.Message += " (" + column + ")"
			}
			e.Fields = append(e.Fields, audit.FieldError(f))
		}
	}
	return sentence(e)
}

func (b *bulk) tell(n int) {
	if b.sent != nil {
		b.sent(n)
	}
}
