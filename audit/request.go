package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Limits of an entry request, beside [MaxIdentifier] and [MaxFutureEvent].
// Those of identifiers and names count bytes, those of prose characters.
const (
	MaxName      = 1024 // names, roles, departments, operations, endpoints: bytes
	MaxCategory  = 128  // category: bytes
	MaxProse     = 4096 // description, a change's reason: characters
	MaxChanges   = 500  // action.changes
	MaxAffected  = 100  // affected_systems, downstream_effects: each
	MaxMetadata  = 64   // keys of metadata, because each is committed alone
	MaxBadFields = 100  // errors that one request is answered with
)

// ReservedExternalID starts the external ids of Sealbook's own entries.
const ReservedExternalID = "audit:"

// EntryRequest is one entry as it is submitted: the body of POST /entries, or
// an element of a bulk request. It takes both documents' shapes: flat ids and
// nested objects, user and actor. [EntryRequest.Event] makes one of them.
type EntryRequest struct{ body any }

// UnmarshalJSON takes any JSON value; what is wrong with it, Event says. The
// caller has checked that data is I-JSON.
func (r *EntryRequest) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(&r.body)
}

var entryKeys = []string{
	"event_type", "severity", "description", "category", "timestamp", "external_id",
	"user_id", "user", "actor", "resource_id", "resource", "repository",
	"action", "context", "details", "metadata", "compliance_frameworks", "impact_assessment",
	"electronic_signature", "requires_investigation", "auto_response",
}

// Event normalises the request. types finds a type that the organisation
// registered; now is the ledger's time. The event is valid when no field is
// bad; errors are sorted by field and at most [MaxBadFields].
func (r EntryRequest) Event(types func(name string) (EventType, bool), now time.Time) (Event, []FieldError) {
	f := &form{}
	top, ok := r.body.(map[string]any)
	if !ok {
		f.fail("", "type", "an entry is a JSON object")
		return Event{}, f.bad
	}
	f.closed(top, "", entryKeys)
	var e Event
	f.kind(&e, top, types)
	e.Timestamp = f.timestamp(top, now)
	e.Category, _ = f.text(top, "", "category", 1, MaxCategory)
	e.ExternalID, ok = f.text(top, "", "external_id", 1, MaxIdentifier)
	if ok && strings.HasPrefix(e.ExternalID, ReservedExternalID) {
		f.fail("/external_id", "reserved", "external ids that start with audit: are Sealbook's own")
	}
	e.Actor = f.actor(top)
	e.Resource = f.resource(top)
	if o, ok := f.object(top, "", "repository"); ok {
		f.closed(o, "/repository", []string{"id", "name"})
		f.text(o, "/repository", "id", 1, MaxIdentifier)
		f.text(o, "/repository", "name", 1, MaxName)
		e.Repository = o
	}
	e.Action = f.action(top)
	e.Context, e.Metadata = f.surroundings(top, e.Actor)
	e.Details, _ = f.object(top, "", "details")
	e.Frameworks = f.frameworks(top, e.Details)
	e.Impact = f.impact(top)
	e.Signature = f.signature(top)
	if o, ok := f.object(top, "", "auto_response"); ok {
		keys := []string{"ip_blocked", "admin_notified", "security_team_alerted"}
		f.closed(o, "/auto_response", keys)
		for _, k := range keys {
			f.flag(o, "/auto_response", k)
		}
		e.AutoResponse = o
	}
	e.RequiresInvestigation = f.flag(top, "", "requires_investigation")
	slices.SortStableFunc(f.bad, func(a, b FieldError) int { return strings.Compare(a.Field, b.Field) })
	return e, f.bad
}

// kind reads type, severity and description. Document B's own types demand
// what its table demands; document A's and registered ones have a default
// severity and need no description.
func (f *form) kind(e *Event, top Object, types func(string) (EventType, bool)) {
	e.Description, _ = f.prose(top, "", "description")
	severity, given := f.text(top, "", "severity", 1, MaxName)
	e.Severity = Severity(severity)
	if given && !slices.Contains(Severities, e.Severity) {
		f.fail("/severity", "invalid", "severity is one of low, medium, high, critical")
	}
	name, ok := f.text(top, "", "event_type", 1, MaxName)
	if !ok {
		f.require(top, "", "event_type")
		return
	}
	if strings.HasPrefix(name, ReservedPrefix) {
		f.fail("/event_type", "reserved", "types that start with audit. are Sealbook's own; they can be read and not submitted")
		return
	}
	t, known := BuiltinEventTypes[name]
	if !known && types != nil {
		t, known = types(name)
	}
	if !known {
		f.fail("/event_type", "unknown", "unknown event type; valid are %s and the types registered at /event-types",
			strings.Join(slices.Sorted(maps.Keys(BuiltinEventTypes)), ", "))
		return
	}
	e.Type, e.Class = name, t.Class
	if slices.Contains(EventClasses, EventClass(name)) {
		f.require(top, "", "description")
		f.require(top, "", "severity")
	} else if _, there := top["severity"]; !there {
		e.Severity = t.Severity
		if t.Severity == "" {
			f.require(top, "", "severity")
		}
	}
}

// rfc3339 refuses what time.Parse takes beside it, such as T1:00:00 and a
// decimal comma.
var rfc3339 = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`)

func (f *form) timestamp(top Object, now time.Time) *time.Time {
	s, ok := f.text(top, "", "timestamp", 1, MaxName)
	if !ok {
		return nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || !rfc3339.MatchString(s) {
		f.fail("/timestamp", "invalid", "timestamp is a time as in RFC 3339, such as 2025-08-26T14:25:30.789Z")
		return nil
	}
	t = Instant(t)
	switch {
	case !inRange(t):
		f.fail("/timestamp", "out_of_range", "the year is 1970 to 9999")
	case t.After(now.Add(MaxFutureEvent)):
		f.fail("/timestamp", "future", "the event lies more than %s ahead of the ledger's clock", MaxFutureEvent)
	}
	return &t
}

// actor joins user_id, user and actor.
func (f *form) actor(top Object) Object {
	out := Object{}
	if a, ok := f.object(top, "", "actor"); ok {
		keys := []string{"type", "id", "name", "email", "role", "department", "session_id"}
		f.closed(a, "/actor", keys)
		f.require(a, "/actor", "type")
		for _, k := range keys {
			if s, ok := f.text(a, "/actor", k, 1, nameOrID(k)); ok {
				out[k] = s
			}
		}
		if t, ok := out["type"]; ok && t != "user" && t != "system" && t != "api_key" {
			f.fail("/actor/type", "invalid", "an actor's type is one of user, system, api_key")
		}
	}
	if u, ok := f.object(top, "", "user"); ok && len(u) > 0 {
		names := []string{"user_id", "username", "email", "role", "department", "session_id"}
		f.closed(u, "/user", names)
		f.same(out, "type", "user", "/user", "/actor/type")
		for _, k := range names {
			to := map[string]string{"user_id": "id", "username": "name"}[k]
			if to == "" {
				to = k
			}
			if s, ok := f.text(u, "/user", k, 1, nameOrID(to)); ok {
				f.same(out, to, s, "/user/"+k, "/actor/"+to)
			}
		}
	}
	if id, ok := f.text(top, "", "user_id", 1, MaxIdentifier); ok {
		f.same(out, "id", id, "/user_id", "the nested id")
		if _, given := out["type"]; !given {
			out["type"] = "user"
		}
	}
	return orNil(out)
}

// resource joins resource_id and both spellings of the nested object; members
// that neither document names pass.
func (f *form) resource(top Object) Object {
	in, _ := f.object(top, "", "resource")
	out := Object{}
	for k, v := range in {
		out[k] = v
	}
	for _, k := range []string{"type", "id", "name"} {
		delete(out, "resource_"+k)
		if s, ok := f.text(in, "/resource", k, 1, nameOrID(k)); ok {
			out[k] = s
		}
		if s, ok := f.text(in, "/resource", "resource_"+k, 1, nameOrID(k)); ok {
			f.same(out, k, s, "/resource/resource_"+k, "/resource/"+k)
		}
	}
	if id, ok := f.text(top, "", "resource_id", 1, MaxIdentifier); ok {
		f.same(out, "id", id, "/resource_id", "the nested id")
	}
	return orNil(out)
}

func (f *form) action(top Object) Object {
	o, ok := f.object(top, "", "action")
	if !ok {
		return nil
	}
	f.closed(o, "/action", []string{"operation", "method", "endpoint", "changes"})
	f.text(o, "/action", "operation", 1, MaxName)
	f.text(o, "/action", "method", 1, MaxName)
	f.text(o, "/action", "endpoint", 1, MaxName)
	changes, _ := f.list(o, "/action", "changes", MaxChanges)
	for i, v := range changes {
		at := fmt.Sprintf("/action/changes/%d", i)
		c, ok := v.(map[string]any)
		if !ok {
			f.fail(at, "type", "a change is an object")
			continue
		}
		f.closed(c, at, []string{"field", "old_value", "new_value", "change_reason"})
		f.require(c, at, "field")
		f.text(c, at, "field", 1, MaxName)
		f.prose(c, at, "change_reason")
	}
	return o
}

// surroundings reads context and metadata, in which both documents say where
// an event came from.
func (f *form) surroundings(top, actor Object) (context, metadata Object) {
	context, _ = f.object(top, "", "context")
	metadata, _ = f.object(top, "", "metadata")
	if len(metadata) > MaxMetadata {
		f.fail("/metadata", "too_many", "metadata has at most %d keys", MaxMetadata)
	}
	for _, k := range []string{"source_ip", "user_agent", "location"} {
		f.text(context, "/context", k, 0, MaxProse)
	}
	for _, k := range []string{"ip_address", "user_agent", "session_id", "request_id"} {
		f.text(metadata, "/metadata", k, 0, MaxProse)
	}
	for _, pair := range []struct {
		other   Object
		key, at string
		mine    string
	}{
		{context, "source_ip", "/context/source_ip", "ip_address"},
		{context, "user_agent", "/context/user_agent", "user_agent"},
		{actor, "session_id", "the actor's session_id", "session_id"},
	} {
		a, inOther := pair.other[pair.key].(string)
		b, inMine := metadata[pair.mine].(string)
		if inOther && inMine && a != b {
			f.contradiction("/metadata/"+pair.mine, pair.at)
		}
	}
	return orNil(context), orNil(metadata)
}

// frameworks canonicalises compliance_frameworks. Document A names a
// framework in details instead; one that Sealbook knows counts.
func (f *form) frameworks(top, details Object) (out []Framework) {
	list, given := f.list(top, "", "compliance_frameworks", len(Frameworks))
	for i, v := range list {
		at := fmt.Sprintf("/compliance_frameworks/%d", i)
		s, ok := v.(string)
		name, known := ParseFramework(s)
		switch {
		case !ok:
			f.fail(at, "type", "a framework's name is a string")
		case !known:
			f.fail(at, "unknown", "a framework is one of SOC2, FDA_21CFR11, ISO_27001, GDPR, SOX, NIST_CSF")
		case slices.Contains(out, name):
			f.fail(at, "duplicate", "%s is named twice", name)
		default:
			out = append(out, name)
		}
	}
	if name, known := ParseFramework(details.String("framework")); known {
		if given && !slices.Contains(out, name) {
			f.contradiction("/details/framework", "/compliance_frameworks")
		} else if !given {
			out = []Framework{name}
		}
	}
	return out
}

func (f *form) impact(top Object) Object {
	o, ok := f.object(top, "", "impact_assessment")
	if !ok {
		return nil
	}
	levels, lists := []string{"safety_impact", "operational_impact", "compliance_impact"}, []string{"affected_systems", "downstream_effects"}
	f.closed(o, "/impact_assessment", append(levels, lists...))
	for _, k := range levels {
		if s, ok := f.text(o, "/impact_assessment", k, 1, MaxName); ok && s != "none" && !slices.Contains(Severities, Severity(s)) {
			f.fail("/impact_assessment/"+k, "invalid", "an impact is one of none, low, medium, high, critical")
		}
	}
	for _, k := range lists {
		list, _ := f.list(o, "/impact_assessment", k, MaxAffected)
		for i, v := range list {
			if s, ok := v.(string); !ok || s == "" || len(s) > MaxName {
				f.fail(fmt.Sprintf("/impact_assessment/%s/%d", k, i), "invalid", "a system or effect is a string of 1 to %d bytes", MaxName)
			}
		}
	}
	return o
}

func (f *form) signature(top Object) Object {
	o, ok := f.object(top, "", "electronic_signature")
	if !ok {
		return nil
	}
	const at = "/electronic_signature"
	f.closed(o, at, []string{"signature_id", "meaning", "signature_meaning"})
	f.require(o, at, "signature_id")
	out := Object{}
	if s, ok := f.text(o, at, "signature_id", 1, MaxIdentifier); ok {
		out["signature_id"] = s
	}
	for _, k := range []string{"meaning", "signature_meaning"} {
		if s, ok := f.text(o, at, k, 1, MaxName); ok {
			f.same(out, "meaning", s, at+"/"+k, at+"/meaning")
		}
	}
	return out
}

func nameOrID(key string) int {
	if key == "id" || key == "type" || key == "email" || key == "session_id" {
		return MaxIdentifier
	}
	return MaxName
}

func orNil(o Object) Object {
	if len(o) == 0 {
		return nil
	}
	return o
}
