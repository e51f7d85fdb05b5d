package audit

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// form gathers what is wrong with a request. Its methods read one member of
// an object that stands at a JSON Pointer; ok means there and of that type.
type form struct{ bad []FieldError }

func (f *form) fail(at, code, format string, args ...any) {
	if len(f.bad) < MaxBadFields {
		f.bad = append(f.bad, FieldError{at, code, fmt.Sprintf(format, args...)})
	}
}

func (f *form) contradiction(at, other string) {
	f.fail(at, "contradiction", "it says something else than %s", other)
}

func (f *form) require(o Object, at, key string) {
	if _, there := o[key]; !there {
		f.fail(at+"/"+key, "required", "%s is required", key)
	}
}

func (f *form) closed(o Object, at string, keys []string) {
	for _, k := range slices.Sorted(maps.Keys(o)) {
		if !slices.Contains(keys, k) {
			f.fail(at+"/"+pointerStep(k), "unknown", "this key has no meaning here; known are %s", strings.Join(keys, ", "))
		}
	}
}

// pointerStep escapes a key, and shortens one that would swell the answer.
func pointerStep(key string) string {
	const most = 128
	if len(key) > most {
		key = strings.ToValidUTF8(key[:most], "") + "…"
	}
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}

func (f *form) text(o Object, at, key string, least, most int) (string, bool) {
	v, there := o[key]
	if !there {
		return "", false
	}
	s, ok := v.(string)
	switch {
	case !ok:
		f.fail(at+"/"+key, "type", "%s is a string", key)
	case len(s) < least || len(s) > most:
		f.fail(at+"/"+key, "length", "%s has %d to %d bytes", key, least, most)
	}
	return s, ok
}

func (f *form) prose(o Object, at, key string) (string, bool) {
	s, ok := f.text(o, at, key, 1, utf8.UTFMax*MaxProse)
	if ok && utf8.RuneCountInString(s) > MaxProse {
		f.fail(at+"/"+key, "length", "%s has 1 to %d characters", key, MaxProse)
	}
	return s, ok
}

func (f *form) flag(o Object, at, key string) bool {
	b, ok := o[key].(bool)
	if _, there := o[key]; there && !ok {
		f.fail(at+"/"+key, "type", "%s is true or false", key)
	}
	return b
}

func (f *form) object(o Object, at, key string) (Object, bool) {
	v, there := o[key]
	m, ok := v.(map[string]any)
	if there && !ok {
		f.fail(at+"/"+key, "type", "%s is an object", key)
	}
	return m, ok
}

func (f *form) list(o Object, at, key string, most int) ([]any, bool) {
	v, there := o[key]
	list, ok := v.([]any)
	switch {
	case there && !ok:
		f.fail(at+"/"+key, "type", "%s is a list", key)
	case len(list) > most:
		f.fail(at+"/"+key, "too_many", "%s has at most %d elements", key, most)
		return nil, false
	}
	return list, ok
}

// same sets a member that two shapes of a request can both give.
func (f *form) same(o Object, key, value, at, other string) {
	if was, given := o[key]; given && was != value {
		f.contradiction(at, other)
		return
	}
	o[key] = value
}
