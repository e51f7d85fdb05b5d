package importer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"time"
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
	return records(r, delivered, cloudTrailItem)
}

// delivered is how a file starts in which the records are one array.
var delivered = regexp.MustCompile(`^(\x{feff})?\s*(\[|\{\s*"Records"\s*:\s*\[)`)

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
	fitRecord(record)

	entry["context"] = moved(record, map[string]string{"sourceIPAddress": "source_ip", "userAgent": "user_agent"})
	metadata := moved(record, map[string]string{"requestID": "request_id"})
	if identity != nil {
		metadata["user_identity"] = identity
		delete(record, "userIdentity")
	}
	entry["metadata"] = metadata
	dropEmpty(entry)
	entry["details"] = record
	return entry
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
	return describe(text)
}
