package dataflow

import (
	"strings"
	"unicode"

	"github.com/sealbook/sealbook/audit"
)

// sense is what the words of a name say.
type sense uint16

const (
	failing   sense = 1 << iota // what was tried did not succeed
	giving                      // with ofAccess: access is given
	ofAccess                    // what giving gives
	reading                     //
	exporting                   // data leaves
	writing                     // of an entry whose class does not say it
	undone                      // what the other words say was called off or has run out
)

var senses = map[string]sense{}

func init() {
	for s, words := range map[sense]string{
		failing:   "failure failed fail denied deny error rejected refused unauthorized forbidden invalid",
		giving:    "grant granted attach attached add added assign assigned elevate elevated promote promoted",
		ofAccess:  "access role permission permissions policy privilege privileges admin owner member",
		reading:   "read reads view viewed get list listed describe head lookup download downloaded accessed query queried search searched",
		exporting: "export exported send sent share shared transfer transferred distribute distributed",
		writing: "create created update updated put write written set change changed modify modified delete deleted remove removed add added " +
			"start started stop stopped enable enabled disable disabled upload uploaded import imported purge purged restore restored",
		undone: "cancel canceled expire expired declined revoke revoked",
	} {
		for word := range strings.FieldsSeq(words) {
			senses[word] |= s
		}
	}
}

// sensed is what is known of names already: emitters use few, so that hardly any
// is split twice.
type sensed map[string]sense

const maxSensed = 10_000

func (known sensed) of(name string) sense {
	if s, there := known[name]; there {
		return s
	}
	s := senseOf(name)
	if len(known) < maxSensed {
		known[strings.Clone(name)] = s
	}
	return s
}

// senseOf reads the words of snake_case, dotted.names and CamelCase alike.
func senseOf(name string) (s sense) {
	var word []rune
	end := func() {
		s |= senses[strings.ToLower(string(word))]
		word = word[:0]
	}
	var before rune
	for _, r := range name {
		if letter := unicode.IsLetter(r) || unicode.IsDigit(r); !letter || unicode.IsUpper(r) && unicode.IsLower(before) {
			end()
			if letter {
				word = append(word, r)
			}
		} else {
			word = append(word, r)
		}
		before = r
	}
	end()
	return s
}

// outcomes are where emitters say how it went.
var outcomes = [][]string{{"outcome"}, {"outcome", "result"}, {"result"}, {"status"}, {"responseElements", "ConsoleLogin"}, {"login_result"}}

// failed reports whether the entry says that what was tried did not succeed.
// What says nothing about it counts as having succeeded, except that of a
// sign-in with no word about it the description decides.
func failed(e *audit.Entry, names sense) bool {
	said := false
	bad := func(v any) bool {
		s := one(v)
		said = said || s != ""
		return senses[strings.ToLower(s)]&failing != 0
	}
	for _, path := range outcomes {
		if bad(at(e.Details, path...)) {
			return true
		}
	}
	if bad(e.Metadata["outcome"]) {
		return true
	}
	for _, key := range []string{"success", "succeeded"} {
		if s := one(e.Details[key]); s != "" {
			return strings.EqualFold(s, "false")
		}
	}
	if e.Details.String("errorCode") != "" || e.Details.String("errorMessage") != "" || names&failing != 0 {
		return true
	}
	return !said && e.Class == audit.ClassLogin && senseOf(e.Description)&failing != 0
}
