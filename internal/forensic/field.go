package forensic

import (
	"encoding/json"
	"slices"
	"strings"
)

// derived are the fields whose place depends on the emitter; the first that is
// there counts, except in approver, where all do.
var derived = map[string][]string{
	"location":  {"context.location"},
	"reason":    {"details.reason", "details.change_reason", "context.business_justification"},
	"source":    {"context.source_ip", "metadata.ip_address"},
	"session":   {"actor.session_id", "metadata.session_id"},
	"agent":     {"context.user_agent", "metadata.user_agent"},
	"machine":   {"resource.parent_machine", "resource.machine_id", "resource.id"},
	"target":    {"details.subject", "details.target_user", "details.target_user_id", "details.user_id", "details.target", "details.account", "details.grantee", "details.requestParameters.userName"},
	"approval":  {"details.approval_id", "details.approval_ref", "details.approval_reference", "details.change_request", "details.change_ticket", "details.ticket", "details.pull_request", "metadata.approval_id", "metadata.change_ticket", "context.approval_reference", "context.approval_id"},
	"reference": {"details.change_id", "details.approval_id", "details.approval_ref", "details.approval_reference", "details.change_request", "details.change_ticket", "details.ticket", "metadata.approval_id", "metadata.change_ticket", "context.approval_reference"},
	"approver":  {"details.approved_by", "details.approver", "details.approver_id"},
	"requester": {"details.requested_by", "details.requester", "details.implemented_by", "details.author"},
	"recipient": {"details.recipient", "details.recipients"},
	"emitter":   {"metadata.emitter_id", "metadata.emitter"},
	"number":    {"metadata.emitter_seq", "metadata.sequence"},
}

// values returns what stands in a field: nothing, one text, or several.
func (v *view) values(field string) []string {
	if i, ok := v.kinds.index[field]; ok {
		return v.held(i)
	}
	return v.find(field)
}

// held returns what stands in a field that rules ask for, by its number.
func (v *view) held(field int) []string {
	if !v.known[field] {
		v.memo[field] = v.derive(&v.kinds.places[field])
		v.known[field] = true
	}
	return v.memo[field]
}

func (v *view) find(field string) []string {
	l := locate(field)
	return v.derive(&l)
}

// location is where a field is: of several places, the first that has it.
type location struct {
	field  string
	places []place
}

type place struct {
	part int // of partNames; -1: there is no such part
	path []string
}

const partCount = 9

// partNames begin paths; the order is that of view.parts.
var partNames = [partCount]string{"actor", "resource", "repository", "action", "context", "details", "metadata", "signature", "impact"}

func locate(field string) location {
	l := location{field: field}
	paths, ok := derived[field]
	if !ok {
		paths = []string{field}
	}
	for _, path := range paths {
		segments := strings.Split(path, ".")
		l.places = append(l.places, place{slices.Index(partNames[:], segments[0]), segments[1:]})
	}
	return l
}

func (v *view) derive(l *location) []string {
	switch l.field {
	case "user":
		return some(v.user)
	case "type":
		return some(v.Type)
	case "category":
		return some(v.ShownCategory())
	case "changed":
		var names []string
		for _, c := range v.changes() {
			names = append(names, c.field)
		}
		return names
	case "rewritten": // what had a value before
		var names []string
		for _, c := range v.changes() {
			if c.old != nil {
				names = append(names, c.field)
			}
		}
		return names
	case "written":
		var writes []string
		for _, c := range v.changes() {
			for _, to := range texts(c.new) {
				writes = append(writes, strings.ToLower(c.field+"="+to))
			}
		}
		return writes
	case "target":
		// An entry about a person's account names the person as its resource.
		if t := v.Resource.String("type"); t == "user" || t == "person" || t == "account" || t == "user_account" {
			if id := v.Resource.String("id"); id != "" {
				return []string{id}
			}
		}
	}
	for i := range l.places {
		p := &l.places[i]
		if p.part < 0 || len(v.parts[p.part]) == 0 {
			continue
		}
		if found := texts(descend(map[string]any(v.parts[p.part]), p.path)); len(found) > 0 {
			return found
		}
	}
	return nil
}

func some(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func descend(value any, path []string) any {
	for _, key := range path {
		o, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = o[key]
	}
	return value
}

func texts(value any) (out []string) {
	switch value := value.(type) {
	case string:
		return some(value)
	case json.Number:
		return some(value.String())
	case bool:
		if value {
			return []string{"true"}
		}
		return []string{"false"}
	case []any:
		for _, x := range value {
			out = append(out, texts(x)...)
		}
	}
	return out
}
