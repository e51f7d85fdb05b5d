package importer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"sort"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sealbook/sealbook/audit"
)

// CloudTrail reads AWS CloudTrail records: one a line, or as the log files
// that AWS delivers, {"Records":[…]}, or as a plain JSON array. Where a
// record's parts go:
//
//	eventName                    event_type, as "cloudtrail." and its name in snake case; action.operation
//	eventSource                  action.endpoint
//	eventTime                    timestamp
//	eventID                      external_id, as "cloudtrail:" and the id
//	userIdentity                 actor, and whole as metadata.user_identity
//	requestID                    metadata.request_id
//	sourceIPAddress, userAgent   context.source_ip, context.user_agent
//	resources, requestParameters resource, and whole in details
//	everything else              details, unchanged
//
// So every member of the record is in the entry once, whole, and what names a
// person stands where it can be withheld or erased.
func CloudTrail(r io.Reader) iter.Seq2[Item, error] {
	b := bufio.NewReaderSize(r, 64<<10)
	start, _ := b.Peek(256) // an error comes again when it is read
	if wrapped.Match(start) {
		return cloudTrailElements(b)
	}
	return func(yield func(Item, error) bool) {
		for n, line := range lines(b) {
			if line.end != nil {
				yield(Item{}, line.end)
				return
			}
			item := Item{Line: n, Err: line.bad}
			if item.Err == nil {
				var v any
				if v, item.Err = decode(line.text); item.Err == nil {
					item = cloudTrailItem(n, v)
				}
			}
			if !yield(item, nil) {
				return
			}
		}
	}
}

var wrapped = regexp.MustCompile(`^(\x{feff})?\s*(\[|\{\s*"Records"\s*:\s*\[)`)

// cloudTrailElements reads the records of one array.
func cloudTrailElements(r *bufio.Reader) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		if mark, _ := r.Peek(3); bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
			r.Discard(len(mark)) //nolint:errcheck // they were peeked
		}
		d := jsontext.NewDecoder(r)
		for {
			t, err := d.ReadToken() // up to the array's bracket, which was seen
			if err != nil {
				yield(Item{}, fmt.Errorf("read recording: %w", plain(err)))
				return
			}
			if t.Kind() == '[' {
				break
			}
		}
		n := 1
		for ; d.PeekKind() != ']'; n++ {
			v, err := readValue(d)
			if err != nil {
				yield(Item{}, fmt.Errorf("read record %d: %w", n, plain(err)))
				return
			}
			if !yield(cloudTrailItem(n, v), nil) {
				return
			}
		}
		// What follows the array, down to the file's end.
		for {
			if _, err := d.ReadToken(); errors.Is(err, io.EOF) && d.StackDepth() == 0 {
				return
			} else if err != nil {
				yield(Item{}, fmt.Errorf("read what follows record %d: %w", n-1, plain(err)))
				return
			}
		}
	}
}

func cloudTrailItem(line int, v any) Item {
	item := Item{Line: line}
	record, ok := v.(map[string]any)
	if !ok {
		item.Err = errors.New("a CloudTrail record is a JSON object")
		return item
	}
	for _, key := range []string{"eventID", "eventTime", "eventName", "eventSource"} {
		if s, _ := record[key].(string); s == "" {
			item.Err = fmt.Errorf("the record has no %s, so it is not one of CloudTrail", key)
			return item
		}
	}
	item.Type = cloudTrailType(record["eventName"].(string))
	item.Entry, item.Err = json.Marshal(cloudTrailEntry(record, item.Type.Name))
	return item
}

// eventTimeForm is how CloudTrail writes times.
const eventTimeForm = "2006-01-02T15:04:05Z"

// maxDetailDepth leaves room in the ledger's 16 levels for the payload and for
// the list of a bulk request.
const maxDetailDepth = 12

func cloudTrailEntry(record map[string]any, eventType string) map[string]any {
	name, source := record["eventName"].(string), record["eventSource"].(string)
	identity, _ := record["userIdentity"].(map[string]any)
	who := cloudTrailActor(identity)
	entry := map[string]any{
		"event_type":  eventType,
		"severity":    cloudTrailSeverity(name, record, identity),
		"description": cloudTrailDescription(record, who),
		"external_id": "cloudtrail:" + record["eventID"].(string),
		"actor":       who,
		"resource":    cloudTrailResource(record),
		"action":      map[string]any{"operation": name, "endpoint": source},
	}
	for _, key := range []string{"eventID", "eventName", "eventSource"} {
		delete(record, key)
	}
	// A time that the ledger would give back in another form stays as it is too.
	entry["timestamp"] = record["eventTime"]
	if t, err := time.Parse(eventTimeForm, record["eventTime"].(string)); err == nil && t.Format(eventTimeForm) == record["eventTime"] {
		delete(record, "eventTime")
	}
	var notes []any
	note := func(place, what string) { notes = append(notes, place+": "+what) }
	fit(record, maxDetailDepth, "", note)

	entry["context"] = moved(record, map[string]string{"sourceIPAddress": "source_ip", "userAgent": "user_agent"})
	metadata := moved(record, map[string]string{"requestID": "request_id"})
	if identity != nil {
		metadata["user_identity"] = identity
		delete(record, "userIdentity")
	}
	entry["metadata"] = metadata
	for _, key := range []string{"context", "metadata"} {
		if len(entry[key].(map[string]any)) == 0 {
			delete(entry, key)
		}
	}
	if notes != nil {
		sort.Slice(notes, func(i, j int) bool { return notes[i].(string) < notes[j].(string) })
		record["import_notes"] = notes
	}
	entry["details"] = record
	return entry
}

// moved takes the members that are texts out of a record, under new names. One
// that is too long for its place stays where it is.
func moved(record map[string]any, names map[string]string) map[string]any {
	out := map[string]any{}
	for from, to := range names {
		if s, ok := record[from].(string); ok && len(s) <= audit.MaxProse {
			out[to] = s
			delete(record, from)
		}
	}
	return out
}

func cloudTrailDescription(record map[string]any, who map[string]any) string {
	region, _ := record["awsRegion"].(string)
	text := fmt.Sprintf("%s called %s of %s", who["name"], record["eventName"], record["eventSource"])
	if record["eventType"] == "AwsServiceEvent" {
		text = fmt.Sprintf("%s reported %s", who["name"], record["eventName"])
	}
	if region != "" {
		text += " in " + region
	}
	if code, ok := record["errorCode"].(string); ok {
		text += "; refused or failed: " + code
	}
	const most = 1000 // runes, far below the limit in bytes
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return strings.TrimSpace(text)
}
