package dataflow

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// at descends into an object; nil where there is nothing.
func at(o audit.Object, path ...string) any {
	var value any = map[string]any(o)
	for _, key := range path {
		o, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = o[key]
	}
	return value
}

// one is a value as text: "" unless it is a text, a number or a truth value.
func one(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case json.Number:
		return value.String()
	case bool:
		if value {
			return "true"
		}
		return "false"
	}
	return ""
}

// some are a value's texts: of a list those of its members.
func some(value any) (out []string) {
	list, ok := value.([]any)
	if !ok {
		if s := one(value); s != "" {
			out = []string{s}
		}
		return out
	}
	for _, v := range list {
		if s := one(v); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// firstIn is the text of the first key that has one.
func firstIn(o audit.Object, keys ...string) string {
	for _, k := range keys {
		if s := one(o[k]); s != "" {
			return s
		}
	}
	return ""
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func userOf(e *audit.Entry) string { return firstIn(e.Actor, "id", "email", "name") }

// emitterOf is who says what the entry says, "" if it does not tell.
func emitterOf(e *audit.Entry) string { return firstIn(e.Metadata, "emitter_id", "emitter") }

// credentialOf is what the actor proved itself with, by its id and never a
// secret: entries hold none.
func credentialOf(e *audit.Entry) string {
	return first(firstIn(e.Metadata, "credential_id", "api_key_id", "access_key_id"), firstIn(e.Actor, "api_key_id", "credential_id"),
		one(at(e.Metadata, "user_identity", "accessKeyId")), firstIn(e.Details, "credential_id"))
}

// targetsOf are the people whom the entry gives something to.
func targetsOf(e *audit.Entry) []string {
	for _, key := range []string{"subject", "target_user", "target_user_id", "user_id", "target", "account", "grantee"} {
		if found := some(e.Details[key]); len(found) > 0 {
			return found
		}
	}
	return some(at(e.Details, "requestParameters", "userName"))
}

// subjectOf is the node that an entry's resource is. Some kinds of resources are
// nodes of their own kind, however an entry comes to name them.
func subjectOf(e *audit.Entry) (Node, bool) {
	id := one(e.Resource["id"])
	if id == "" {
		return Node{}, false
	}
	switch kind := one(e.Resource["type"]); strings.ToLower(kind) {
	case "user", "person", "account", "user_account":
		return Node{Kind: User, Name: clip(id)}, true
	case "machine", "parent_machine", "equipment":
		return Node{Kind: Machine, Name: clip(id)}, true
	case "system":
		return Node{Kind: System, Name: clip(id)}, true
	case "session":
		return Node{Kind: Session, Name: clip(id)}, true
	default:
		return Node{Kind: Resource, Type: clip(kind), Name: clip(id)}, true
	}
}

// reference is how an entry is named without its text: most are never printed.
type reference struct {
	seq, recorded int64 // recorded in microseconds since 1970
	external      string
}

func referTo(e *audit.Entry) reference {
	if e.EventID != "" {
		return reference{seq: e.Seq, recorded: e.RecordedAt.UnixMicro()}
	}
	return reference{seq: e.Seq, external: clip(e.ExternalID)}
}

// id is the entry's id for entries of a ledger, else the external id, else its
// number.
func (r reference) id() string {
	switch {
	case r.external != "":
		return r.external
	case r.recorded != 0:
		return audit.EntryID(r.seq, time.UnixMicro(r.recorded))
	}
	return "seq " + strconv.FormatInt(r.seq, 10)
}
