package forensic

import (
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

	parts    [partCount]audit.Object
	name     string // the id, once it was asked for
	outcome  verdict
	memo     [][]string // by field of kinds
	known    []bool
	verdicts []verdict // by selection of kinds
	written  []change  // what changes returned
	changed  bool      // it was asked for them
	said     []string  // room for failure

	mark   func(*audit.Entry) bool // nil: none is marked
	marked verdict
}

// verdict is what is known of a yes or no.
type verdict byte

const (
	unknown verdict = iota
	yes
	no
)

func newView(k *kinds) *view {
	return &view{kinds: k, memo: make([][]string, len(k.places)), known: make([]bool, len(k.places)), verdicts: make([]verdict, len(k.tests))}
}

// set makes it a view of another entry.
func (v *view) set(e *audit.Entry) {
	v.Entry, v.at = e, e.Time().UTC()
	if v.user = e.Actor.String("id"); v.user == "" {
		v.user = first(e.Actor.String("email"), e.Actor.String("name"))
	}
	v.kind = v.kinds.of(e)
	v.parts = [partCount]audit.Object{e.Actor, e.Resource, e.Repository, e.Action, e.Context, e.Details, e.Metadata, e.Signature, e.Impact}
	v.name, v.outcome, v.marked, v.changed = "", unknown, unknown, false
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

// isMarked asks once an entry.
func (v *view) isMarked() bool {
	if v.marked == unknown {
		v.marked = no
		if v.mark != nil && v.mark(v.Entry) {
			v.marked = yes
		}
	}
	return v.marked == yes
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

// outcome is where an entry says how it ended, besides details.success.
var outcome = []location{
	locate("details.outcome"), locate("details.outcome.result"), locate("details.result"), locate("details.status"), locate("metadata.outcome"),
	locate("details.responseElements.ConsoleLogin"), locate("details.login_result"),
}

// failure: what says nothing about it counts as having succeeded. The text of a
// description decides only for a sign-in that has no other word about it.
func (v *view) failure() bool {
	said := false
	for i := range outcome {
		v.said = v.derive(&outcome[i], v.said[:0])
		for _, s := range v.said {
			said = true
			if failing[strings.ToLower(s)] {
				return true
			}
		}
	}
	for _, key := range []string{"success", "succeeded"} {
		if v.said = texts(v.said[:0], v.Details[key]); len(v.said) > 0 {
			return strings.ToLower(v.said[0]) == "false"
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

// change is one field that an entry says was written.
type change struct {
	field    string
	old, new any // as decoded: numbers are json.Number
	reason   string
}

// changes are read once an entry. The list is overwritten with the next one's.
func (v *view) changes() []change {
	if v.changed {
		return v.written
	}
	v.changed, v.written = true, v.written[:0]
	list, _ := v.Action["changes"].([]any)
	for _, x := range list {
		o, _ := x.(map[string]any)
		if c := (change{audit.Object(o).String("field"), o["old_value"], o["new_value"], audit.Object(o).String("change_reason")}); c.field != "" {
			v.written = append(v.written, c)
		}
	}
	return v.written
}
