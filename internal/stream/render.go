package stream

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/sealbook/sealbook/audit"
)

// Render writes as many of the entries, from the front, as one message may
// hold: at most [MaxBatchEntries], and [MaxBatchBytes] of body, but always one.
// n says how many. Origin names the ledger that they are from; CloudEvents and
// OCSF name it. What a receiver may not see must have been masked.
func Render(f Format, origin string, entries []audit.Entry) (body []byte, contentType string, n int, err error) {
	if len(entries) == 0 {
		return nil, "", 0, fmt.Errorf("render %s: no entries", f)
	}
	var one func(*audit.Entry) any
	open, between, end := "", "\n", "\n"
	switch f {
	case NDJSON:
		contentType = "application/x-ndjson"
		one = func(e *audit.Entry) any { return lineOf(e) }
	case OCSF:
		contentType = "application/x-ndjson"
		one = func(e *audit.Entry) any { return ocsfOf(origin, e) }
	case CloudEvents:
		contentType = "application/cloudevents-batch+json"
		open, between, end = "[", ",", "]"
		one = func(e *audit.Entry) any { return cloudEventOf(origin, e) }
	default:
		return nil, "", 0, fmt.Errorf("render: unknown format %q", f)
	}
	body = append(body, open...)
	for n < min(len(entries), MaxBatchEntries) {
		text, err := encode(one(&entries[n]))
		if err != nil {
			return nil, "", 0, fmt.Errorf("render entry %d as %s: %w", entries[n].Seq, f, err)
		}
		if n > 0 {
			if len(body)+len(between)+len(text)+len(end) > MaxBatchBytes {
				break
			}
			body = append(body, between...)
		}
		body = append(body, text...)
		n++
	}
	return append(body, end...), contentType, n, nil
}

// encode gives JSON on one line. It leaves <, > and & as they are: receivers
// show text, and the escapes would be counted as bytes that nobody wrote.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	w := json.NewEncoder(&b)
	w.SetEscapeHTML(false)
	if err := w.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
