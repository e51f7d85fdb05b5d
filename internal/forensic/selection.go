package forensic

import (
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/sealbook/sealbook/audit"
)

// Selection says which entries a step of a rule looks at. All that is given
// must hold; within a list one is enough.
type Selection struct {
	Types      []string            `yaml:"types"` // globs, as of package path
	NotTypes   []string            `yaml:"not_types"`
	Classes    []audit.EventClass  `yaml:"classes"`
	Severities []audit.Severity    `yaml:"severities"`
	Words      Words               `yaml:"words"`     // of type, operation or category, in lower case
	AndWords   Words               `yaml:"and_words"` // one of these, too
	NotWords   Words               `yaml:"not_words"`
	Outcome    string              `yaml:"outcome"` // success or failure
	Where      map[string][]string `yaml:"where"`   // field: values
	Unless     map[string][]string `yaml:"unless"`  // field: values that it must not have
	Present    []string            `yaml:"present"` // fields that have a value
	Missing    []string            `yaml:"missing"` // fields that have none
	Same       [][2]string         `yaml:"same"`    // pairs of fields that share a value
	Differ     [][2]string         `yaml:"differ"`  // pairs of fields, both there, that share none
	Later      [][2]string         `yaml:"later"`   // pairs of times, both there, the first later; "time" is the entry's
	OffHours   *Hours              `yaml:"off_hours"`
	Any        []Selection         `yaml:"any"`       // one of them holds, too
	Unsigned   bool                `yaml:"unsigned"`  // policy asks for a signature and there is none
	NoReason   bool                `yaml:"no_reason"` // the same of a reason for each change
}

// Words is a set, written as a list. An entry has few words and a set many, so
// an entry's are looked up in the set.
type Words map[string]bool

// UnmarshalYAML reads a list.
func (w *Words) UnmarshalYAML(node *yaml.Node) error {
	var list []string
	if err := node.Decode(&list); err != nil {
		return err
	}
	*w = Words{}
	for _, word := range list {
		(*w)[word] = true
	}
	return nil
}

func (w Words) in(words map[string]bool) bool {
	for word := range words {
		if w[word] {
			return true
		}
	}
	return false
}

// Hours is the working time that a rule assumes, in UTC because entries name no
// time zone.
type Hours struct {
	From     int  `yaml:"from"`     // first working hour, 0 to 23
	To       int  `yaml:"to"`       // the hour in which no more is worked, 1 to 24
	Weekends bool `yaml:"weekends"` // Saturdays and Sundays are worked
}

func (h *Hours) off(t time.Time) bool {
	t = t.UTC()
	if d := t.Weekday(); !h.Weekends && (d == time.Saturday || d == time.Sunday) {
		return true
	}
	return t.Hour() < h.From || t.Hour() >= h.To
}

func share(a, b []string) bool {
	return slices.ContainsFunc(a, func(x string) bool { return slices.Contains(b, x) })
}

// time reads a field as a time; zero if it is none.
func (v *view) time(field int) time.Time {
	if v.kinds.places[field].field == "time" {
		return v.at
	}
	for _, s := range v.held(field) {
		if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
			return t
		}
	}
	return time.Time{}
}

// withoutReason: something was changed and no reason given, neither for each
// change nor for the whole. A first value obscures none that was there before,
// and needs no reason.
func withoutReason(v *view) bool {
	if len(v.held(reasonField)) > 0 {
		return false
	}
	changes := v.changes()
	return slices.ContainsFunc(changes, func(c change) bool { return c.reason == "" && c.old != nil })
}
