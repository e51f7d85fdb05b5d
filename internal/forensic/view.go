package forensic

import (
	"encoding/json"
	"strings"
	"time"
	"unicode"

	"github.com/sealbook/sealbook/audit"
)

// view is an entry as rules see it. Emitters name the same thing differently,
// so rules ask for what is derived here: user, source, target and so on. What
// is derived is kept until the view is set to the next entry.
type view struct {
	*audit.Entry
	at    time.Time
	user  string
	kind  *kind
	kinds *kinds

	name     string // the id, once it was asked for
	outcome  verdict
	memo     [][]string // by field of kinds
	known    []bool
	verdicts []verdict // by selection of kinds
}

// verdict is what is known of a yes or no.
type verdict byte

const (
	unknown verdict = iota
	yes
	no
)

func newView(k *kinds) *view {
	return &view{kinds: k, memo: make([][]string, len(k.fields)), known: make([]bool, len(k.fields)), verdicts: make([]verdict, len(k.tests))}
}

// set makes it a view of another entry.
func (v *view) set(e *audit.Entry) {
	v.Entry, v.at = e, e.Time().UTC()
	v.user = first(e.Actor.String("id"), e.Actor.String("email"), e.Actor.String("name"))
	v.kind = v.kinds.of(e)
	v.name, v.outcome = "", unknown
	clear(v.known)
	clear(v.verdicts)
}

// id is the external id; of a ledger's entry that of the record.
func (v *view) id() string {
	if v.name == "" {
		v.name = v.ExternalID
		if v.EventID != "" {
			v.name = v.EntryID()
		}
	}
	return v.name
}

// failed reports whether the entry says that what was tried did not succeed.
func (v *view) failed() bool {
	if v.outcome == unknown {
		v.outcome = no
		if v.failure() {
			v.outcome = yes
		}
	}
	return v.outcome == yes
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// split adds the lower-case words of a name: of snake_case, dotted.names and
// CamelCase alike.
func split(name string, into map[string]bool) {
	var word []rune
	end := func() {
		if len(word) > 0 {
			into[strings.ToLower(string(word))] = true
		}
		word = word[:0]
	}
	var before rune
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			end()
		case unicode.IsUpper(r) && unicode.IsLower(before):
			end()
			word = append(word, r)
		default:
			word = append(word, r)
		}
		before = r
	}
	end()
}

var failing = Words{"failure": true, "failed": true, "fail": true, "denied": true, "deny": true, "error": true, "rejected": true,
	"refused": true, "unauthorized": true, "forbidden": true, "invalid": true}

// outcomes are where an entry says how it ended, besides details.success.
var outcomes = []struct{ part, path string }{
	{"details", "outcome"}, {"details", "outcome.result"}, {"details", "result"}, {"details", "status"}, {"metadata", "outcome"},
	{"details", "responseElements.ConsoleLogin"}, {"details", "login_result"},
}

// failure: what says nothing about it counts as having succeeded. The text of a
// description decides only for a sign-in that has no other word about it.
func (v *view) failure() bool {
	said := false
	for _, x := range outcomes {
		part := v.part(x.part)
		if len(part) == 0 {
			continue
		}
		for _, s := range texts(descend(map[string]any(part), x.path)) {
			said = true
			if failing[strings.ToLower(s)] {
				return true
			}
		}
	}
	for _, key := range []string{"success", "succeeded"} {
		if found := texts(v.Details[key]); len(found) > 0 {
			return strings.ToLower(found[0]) == "false"
		}
	}
	if v.Details.String("errorCode") != "" || v.Details.String("errorMessage") != "" {
		return true
	}
	if v.kind.failing {
		return true
	}
	if said || v.Class != audit.ClassLogin {
		return false
	}
	words := map[string]bool{}
	split(v.Description, words)
	return failing.in(words)
}

// derived are the fields whose place depends on the emitter; the first that is
// there counts, except in approver, where all do.
var derived = map[string][]string{
	"source":    {"context.source_ip", "metadata.ip_address"},
	"session":   {"actor.session_id", "metadata.session_id"},
	"agent":     {"context.user_agent", "metadata.user_agent"},
	"machine":   {"resource.parent_machine", "resource.machine_id", "resource.id"},
	"target":    {"details.subject", "details.target_user", "details.target_user_id", "details.user_id", "details.target", "details.account", "details.grantee", "details.requestParameters.userName"},
	"approval":  {"details.approval_id", "details.approval_ref", "details.approval_reference", "details.change_request", "details.change_ticket", "details.ticket", "details.pull_request", "metadata.approval_id", "metadata.change_ticket"},
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
		v.memo[field] = v.find(v.kinds.fields[field])
		v.known[field] = true
	}
	return v.memo[field]
}

func (v *view) find(field string) []string {
	switch field {
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
	if places, ok := derived[field]; ok {
		for _, place := range places {
			if found := v.find(place); len(found) > 0 {
				return found
			}
		}
		return nil
	}
	root, path, _ := strings.Cut(field, ".")
	return texts(descend(map[string]any(v.part(root)), path))
}

// part is an object of the entry, by the name that paths begin with.
func (v *view) part(name string) audit.Object {
	switch name {
	case "actor":
		return v.Actor
	case "resource":
		return v.Resource
	case "repository":
		return v.Repository
	case "action":
		return v.Action
	case "context":
		return v.Context
	case "details":
		return v.Details
	case "metadata":
		return v.Metadata
	case "signature":
		return v.Signature
	case "impact":
		return v.Impact
	}
	return nil
}

func some(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func descend(value any, path string) any {
	for path != "" {
		o, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		var key string
		key, path, _ = strings.Cut(path, ".")
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

// change is one field that an entry says was written.
type change struct {
	field    string
	old, new any // as decoded: numbers are json.Number
	reason   string
}

func (v *view) changes() (out []change) {
	list, _ := v.Action["changes"].([]any)
	for _, x := range list {
		o, _ := x.(map[string]any)
		if c := (change{audit.Object(o).String("field"), o["old_value"], o["new_value"], audit.Object(o).String("change_reason")}); c.field != "" {
			out = append(out, c)
		}
	}
	return out
}
