package stream

import (
	"maps"
	"net/netip"
	"strings"

	"github.com/sealbook/sealbook/audit"
)

func ocsfMetadata(origin string, e *audit.Entry) audit.Object {
	out := audit.Object{
		"version": ocsfVersion, "product": audit.Object{"name": "Sealbook", "vendor_name": "Sealbook"},
		"uid": e.EntryID(), "event_code": e.Type, "log_provider": origin, "sequence": e.Seq,
		"original_time": audit.FormatTime(e.Time()), "logged_time": e.RecordedAt.UnixMilli(),
	}
	if len(e.Frameworks) > 0 {
		out["labels"] = e.Frameworks
	}
	if id := firstShown(e.Metadata["request_id"]); id != "" {
		out["correlation_uid"] = id
	}
	return out
}

// ocsfActor gives the actor, and what of it OCSF has no place for.
func ocsfActor(from audit.Object) (actor, rest audit.Object) {
	rest = maps.Clone(from)
	user := audit.Object{}
	take(user, "name", rest, "name")
	take(user, "uid", rest, "id")
	take(user, "email_addr", rest, "email")
	if user["name"] == nil && user["uid"] == nil { // OCSF wants one of them
		user["name"] = firstShown(user["email_addr"], unknown)
	}
	switch t := from.String("type"); t {
	case "user":
		user["type_id"], user["type"] = 1, "User"
	case "system":
		user["type_id"], user["type"] = 3, "System"
	case "":
		user["type_id"], user["type"] = 0, unknown
	default:
		user["type_id"], user["type"] = other, t
	}
	delete(rest, "type")
	actor = audit.Object{"user": user}
	session := audit.Object{}
	if take(session, "uid", rest, "session_id"); len(session) > 0 {
		actor["session"] = session
	}
	return actor, rest
}

// ocsfGrantee is whose access changed: the resource, if it is an account, or
// the subject in the details. Who changed it is the actor; that it was the
// actor's own access is not assumed.
func ocsfGrantee(e *audit.Entry) audit.Object {
	switch strings.ToLower(e.Resource.String("type")) {
	case "user", "account", "user_account", "service_account", "api_key":
		return named(e.Resource)
	}
	return named(audit.Object{"id": e.Details["subject"]})
}

// ocsfResource gives the resource, and what of it OCSF has no place for.
func ocsfResource(from audit.Object) (resource, rest audit.Object) {
	rest, resource = maps.Clone(from), audit.Object{}
	take(resource, "uid", rest, "id")
	take(resource, "name", rest, "name")
	take(resource, "type", rest, "type")
	return resource, rest
}

// ocsfSource is where the event came from, if that is an address: emitters may
// have written something else there, and a mask is none.
func ocsfSource(e *audit.Entry) audit.Object {
	ip, err := netip.ParseAddr(firstShown(e.Context["source_ip"], e.Metadata["ip_address"]))
	if err != nil || ip.Zone() != "" {
		return nil
	}
	return audit.Object{"ip": ip.String()}
}

// ocsfUnmapped is what of the entry has no attribute.
func ocsfUnmapped(e *audit.Entry, actor, resource audit.Object) audit.Object {
	out := audit.Object{"log_id": e.LogID(), "class": e.Class, "hash": e.Hash, "previous_hash": e.Previous}
	if c := e.ShownCategory(); c != "" {
		out["category"] = c
	}
	for k, o := range map[string]audit.Object{
		"actor": actor, "resource": resource, "repository": e.Repository, "action": e.Action,
		"context": e.Context, "details": e.Details, "metadata": e.Metadata,
	} {
		putObject(out, k, o)
	}
	return out
}

// take moves a text that is there and not masked.
func take(to audit.Object, as string, from audit.Object, key string) {
	if s := firstShown(from[key]); s != "" {
		to[as] = s
		delete(from, key)
	}
}

// firstShown is the first text that says something: not empty, not masked.
func firstShown(values ...any) string {
	for _, v := range values {
		if s, ok := v.(string); ok && s != "" && s != audit.Masked {
			return s
		}
	}
	return ""
}

// named is the name and id of the first object that has one of them, and else
// of something unknown: the classes of OCSF want them.
func named(objects ...audit.Object) audit.Object {
	for _, from := range objects {
		out := audit.Object{}
		for as, key := range map[string]string{"uid": "id", "name": "name"} {
			if s := firstShown(from[key]); s != "" {
				out[as] = s
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return audit.Object{"name": unknown}
}

// listed is a list of one resource, or none.
func listed(resource audit.Object) []audit.Object {
	if len(resource) == 0 {
		return nil
	}
	if resource["uid"] == nil && resource["name"] == nil { // OCSF wants one of them
		resource["name"] = unknown
	}
	return []audit.Object{resource}
}

func putObject(to audit.Object, key string, o audit.Object) {
	if len(o) > 0 {
		to[key] = o
	}
}
