package importer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// Okta reads Okta's System Log as its API gives it: one JSON array, or one
// event a line. Where an event's parts go:
//
//	eventType              event_type, as "okta." and the type; action.operation
//	published              timestamp
//	uuid                   external_id, as "okta:" and the id
//	actor                  actor, and whole as metadata.actor
//	client                 context, as far as that has a place for it, and whole as metadata.client
//	target                 resource; whole in metadata if it names a person, else in details
//	request, device, debugContext, securityContext, authenticationContext
//	                       metadata, unchanged
//	everything else        details, unchanged: outcome, severity, displayMessage, …
//
// So every member of the event is in the entry once, whole, and what names a
// person stands where it can be withheld or erased.
func Okta(r io.Reader) iter.Seq2[Item, error] { return records(r, bareArray, oktaItem) }

func oktaItem(line int, v any) Item {
	item := Item{Line: line}
	record, ok := v.(map[string]any)
	if !ok {
		item.Err = errors.New("an event of Okta's System Log is a JSON object")
		return item
	}
	for _, need := range []struct {
		key  string
		most int
	}{{"uuid", audit.MaxIdentifier - len("okta:")}, {"eventType", audit.MaxName}, {"published", audit.MaxName}} {
		if s := text(record[need.key]); s == "" || len(s) > need.most {
			item.Err = fmt.Errorf("the event has no %s of at most %d bytes, so it is not one of Okta", need.key, need.most)
			return item
		}
	}
	item.Type = oktaType(text(record["eventType"]))
	item.Entry, item.Err = json.Marshal(oktaEntry(record, item.Type))
	return item
}

func oktaEntry(record map[string]any, t audit.EventType) map[string]any {
	who := oktaActor(object(record["actor"]))
	entry := map[string]any{
		"event_type":  t.Name,
		"severity":    oktaSeverity(t, record),
		"description": oktaDescription(record, who),
		"external_id": "okta:" + text(record["uuid"]),
		"timestamp":   record["published"],
		"actor":       who,
		"resource":    oktaResource(record),
		"action":      map[string]any{"operation": record["eventType"]},
		"context":     oktaContext(object(record["client"])),
	}
	delete(record, "uuid")
	delete(record, "eventType")
	// A time that the ledger would give back in another form stays as it is too.
	published := text(record["published"])
	if at, err := time.Parse(time.RFC3339, published); err == nil && at.UTC().Format(milliseconds) == published {
		delete(record, "published")
	}
	fitRecord(record)
	metadata := map[string]any{}
	movedWhole(record, metadata, "actor", "client", "request", "device", "debugContext", "securityContext", "authenticationContext")
	if oktaNamesPeople(record["target"]) {
		movedWhole(record, metadata, "target")
	}
	entry["metadata"], entry["details"] = metadata, record
	dropEmpty(entry)
	return entry
}

// oktaActor says who acted: users are users, tokens are API keys, everything
// else is a system.
func oktaActor(actor map[string]any) map[string]any {
	id := first(text(actor["id"]))
	if id == "" {
		return map[string]any{"type": "system", "id": "okta", "name": "Okta"}
	}
	out := map[string]any{"type": "system", "id": id}
	switch text(actor["type"]) {
	case "User":
		out["type"] = "user"
	case "ApiToken", "Token":
		out["type"] = "api_key"
	}
	out["name"] = first(text(actor["displayName"]), text(actor["alternateId"]), id)
	if mail := first(text(actor["alternateId"])); strings.Contains(mail, "@") {
		out["email"] = mail
	}
	return out
}

// oktaContext is what the context has a place for.
func oktaContext(client map[string]any) map[string]any {
	out := map[string]any{}
	put := func(key, value string) {
		if value != "" && len(value) <= audit.MaxProse {
			out[key] = value
		}
	}
	put("source_ip", text(client["ipAddress"]))
	put("user_agent", text(object(client["userAgent"])["rawUserAgent"]))
	where := object(client["geographicalContext"])
	var place []string
	for _, key := range []string{"city", "state", "country"} {
		if s := text(where[key]); s != "" {
			place = append(place, s)
		}
	}
	put("location", strings.Join(place, ", "))
	return out
}

// oktaImpersonal are the kinds of targets that are no person and no thing of
// one person.
var oktaImpersonal = []string{
	"AppInstance", "AppGroup", "UserGroup", "Policy", "PolicyEntity", "PolicyRule", "Rule", "NetworkZone", "Zone", "AuthorizationServer",
	"IdentityProvider", "EventHook", "InlineHook", "LogStream", "Org", "Role", "ResourceSet", "AuthenticatorEnrollmentPolicy",
}

func oktaNamesPeople(target any) bool {
	list, ok := target.([]any)
	if !ok {
		return target != nil
	}
	return slices.ContainsFunc(list, func(t any) bool { return !slices.Contains(oktaImpersonal, text(object(t)["type"])) })
}

// oktaResource says what was acted on: the first target that is a thing, else
// the first of all, else Okta. A resource cannot be erased, so of a person it
// has Okta's id only.
func oktaResource(record map[string]any) map[string]any {
	list, _ := record["target"].([]any)
	var found map[string]any
	for _, element := range list {
		target := object(element)
		id, kind := first(text(target["id"])), first(text(target["type"]))
		// Some targets, such as addresses that nobody has, have an address for an id.
		if id == "" || kind == "" || len("okta.")+len(kind) > audit.MaxIdentifier || strings.Contains(id, "@") {
			continue
		}
		resource := map[string]any{"type": "okta." + kind, "id": id}
		if slices.Contains(oktaImpersonal, kind) {
			if name := first(text(target["displayName"])); name != "" {
				resource["name"] = name
			}
			return resource
		}
		if found == nil {
			found = resource
		}
	}
	if found == nil {
		found = map[string]any{"type": "okta.Org", "id": "okta"}
	}
	return found
}

func oktaDescription(record map[string]any, who map[string]any) string {
	what := fmt.Sprintf("%s: %s", who["name"], first(text(record["displayMessage"]), text(record["eventType"])))
	outcome := object(record["outcome"])
	if result := text(outcome["result"]); result != "" {
		what += "; " + result
		if reason := text(outcome["reason"]); reason != "" {
			what += ", " + reason
		}
	}
	return describe(what)
}
