package forensic

import (
	"encoding/json"
	"maps"
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

// derivedNames give the derived fields the same numbers in all kinds.
var derivedNames = slices.Sorted(maps.Keys(derived))

// The numbers of fields that detectors ask for by themselves.
var (
	sourceField   = derivedField("source")
	sessionField  = derivedField("session")
	locationField = derivedField("location")
	agentField    = derivedField("agent")
	reasonField   = derivedField("reason")
	approvalField = derivedField("approval")
	approverField = derivedField("approver")
	emitterField  = derivedField("emitter")
	numberField   = derivedField("number")
)

func derivedField(name string) int {
	i, ok := slices.BinarySearch(derivedNames, name)
	if !ok {
		panic("there is no derived field " + name)
	}
	return i
}

// held returns what stands in a field, by its number: nothing, one text, or several.
// The list is overwritten when the view is set to the next entry; its texts are not.
func (v *view) held(field int) []string {
	if !v.known[field] {
		v.memo[field] = v.derive(&v.kinds.places[field], v.memo[field][:0])
		v.known[field] = true
	}
	return v.memo[field]
}

// one is the first text of a field, or "".
func (v *view) one(field int) string {
	if list := v.held(field); len(list) > 0 {
		return list[0]
	}
	return ""
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

// derive appends what stands in a field.
func (v *view) derive(l *location, to []string) []string {
	switch l.field {
	case "user":
		return some(to, v.user)
	case "type":
		return some(to, v.Type)
	case "category":
		return some(to, v.ShownCategory())
	case "changed":
		for _, c := range v.changes() {
			to = append(to, c.field)
		}
		return to
	case "rewritten": // what had a value before
		for _, c := range v.changes() {
			if c.old != nil {
				to = append(to, c.field)
			}
		}
		return to
	case "written":
		for _, c := range v.changes() {
			before := len(to)
			to = texts(to, c.new)
			for i := before; i < len(to); i++ {
				to[i] = strings.ToLower(c.field + "=" + to[i])
			}
		}
		return to
	case "target":
		// An entry about a person's account names the person as its resource.
		if t := v.Resource.String("type"); t == "user" || t == "person" || t == "account" || t == "user_account" {
			if id := v.Resource.String("id"); id != "" {
				return append(to, id)
			}
		}
	}
	for i := range l.places {
		p := &l.places[i]
		if p.part < 0 || len(v.parts[p.part]) == 0 {
			continue
		}
		if found := texts(to, descend(map[string]any(v.parts[p.part]), p.path)); len(found) > len(to) {
			return found
		}
	}
	return to
}

func some(to []string, s string) []string {
	if s == "" {
		return to
	}
	return append(to, s)
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

// texts appends a value as text; a list as those of what is in it.
func texts(to []string, value any) []string {
	switch value := value.(type) {
	case string:
		return some(to, value)
	case json.Number:
		return some(to, value.String())
	case bool:
		if value {
			return append(to, "true")
		}
		return append(to, "false")
	case []any:
		for _, x := range value {
			to = texts(to, x)
		}
	}
	return to
}
