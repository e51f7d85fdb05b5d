package audit

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// SearchFields says which part of the entries a search looks at.
type SearchFields string

// The parts that document A names.
const (
	SearchAll     SearchFields = "all"
	SearchDetails SearchFields = "details" // what document A shows as details
	SearchActor   SearchFields = "actor"
)

// SearchFieldsList lists the valid values.
var SearchFieldsList = []SearchFields{SearchAll, SearchDetails, SearchActor}

// Limits of a search.
const (
	MaxSearchQuery   = 500       // characters of a query
	MaxSearchMatches = MaxOffset // matches that are ranked and counted: the newest
	MaxSearchText    = 64 << 10  // bytes of each part of an entry that can be searched; what comes after is not found
)

// TypeSearched is the type of the entry about a search.
const TypeSearched = "audit.searched"

// SearchText is the text of an entry that can be searched: its values, without
// the keys that they stand under.
type SearchText struct {
	Actor   string
	Details string
	Rest    string
}

// Of returns the text that a search of these fields looks at.
func (t SearchText) Of(fields SearchFields) string {
	switch fields {
	case SearchActor:
		return t.Actor
	case SearchDetails:
		return t.Details
	}
	return joinText(t.Details, t.Actor, t.Rest)
}

// SearchText returns what can be searched of e; of a masked entry, what its
// reader can see. The entry about a search has none: every search would find
// the ones before it.
func (e *Entry) SearchText() SearchText {
	if e.Type == TypeSearched {
		return SearchText{}
	}
	b := &textBuilder{}
	var out SearchText
	b.add(e.Description)
	b.add(map[string]any(e.Action))
	b.add(map[string]any(e.Details))
	out.Details = b.take()
	b.add(map[string]any(e.Actor))
	out.Actor = b.take()
	b.add(e.Type)
	b.add(e.Category)
	b.add(string(e.Severity))
	for _, f := range e.Frameworks {
		b.add(string(f))
	}
	b.add(e.ExternalID)
	for _, o := range []Object{e.Resource, e.Repository, e.Context, e.Metadata, e.Impact, e.Signature} {
		b.add(map[string]any(o))
	}
	out.Rest = b.take()
	return out
}

// textSeparator stands between values that are shown together.
const textSeparator = " · "

func joinText(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), textSeparator)
}

// textBuilder collects texts and numbers out of JSON values, in an order that
// does not change, up to [MaxSearchText].
type textBuilder struct {
	parts []string
	size  int
}

func (b *textBuilder) take() string {
	s := joinText(b.parts...)
	*b = textBuilder{}
	return s
}

func (b *textBuilder) add(v any) {
	switch v := v.(type) {
	case string:
		b.text(v)
	case json.Number:
		b.text(v.String())
	case float64, int, int64:
		b.text(fmt.Sprint(v))
	case Object:
		b.add(map[string]any(v))
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			b.add(v[k])
		}
	case []any:
		for _, child := range v {
			b.add(child)
		}
	}
}

func (b *textBuilder) text(s string) {
	left := MaxSearchText - b.size
	if s == "" || s == Masked || left <= 0 {
		return
	}
	if len(s) > left {
		s = strings.ToValidUTF8(s[:left], "")
	}
	b.size += len(s)
	b.parts = append(b.parts, s)
}

// SearchParts returns the parts of the words of s that have several: of
// dev@acme.com, "dev acme com". Whoever remembers a part of an address, a path
// or an id finds it by that.
func SearchParts(s string) string {
	var out []string
	for _, word := range strings.Fields(s) {
		parts := strings.FieldsFunc(word, func(c rune) bool { return !unicode.In(c, unicode.L, unicode.N, unicode.M) })
		if len(parts) > 1 || len(parts) == 1 && len(parts[0]) != len(word) {
			out = append(out, parts...)
		}
	}
	return strings.Join(out, " ")
}
