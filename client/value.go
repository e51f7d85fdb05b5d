package client

import (
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"time"
)

// texts are the values of a parameter or a field of a form: none if v is the
// zero value of its type, several if it is a list.
func texts(v any) []string {
	r := reflect.ValueOf(v)
	if !r.IsValid() || r.IsZero() {
		return nil
	}
	if r.Kind() == reflect.Pointer {
		r = r.Elem()
	}
	if t, ok := r.Interface().(time.Time); ok {
		return []string{t.Format(time.RFC3339Nano)}
	}
	if r.Kind() != reflect.Slice {
		return []string{fmt.Sprint(r.Interface())}
	}
	var out []string
	for i := range r.Len() {
		out = append(out, fmt.Sprint(r.Index(i).Interface()))
	}
	return out
}

// parameters are of a query or of headers: both are maps from names to values.
type parameters map[string][]string

// put adds a parameter unless its value is missing.
func (p *parameters) put(name string, value any) {
	if values := texts(value); len(values) > 0 {
		if *p == nil {
			*p = parameters{}
		}
		(*p)[name] = values
	}
}

// segment is a value in a path.
func segment(value any) string {
	text := fmt.Sprint(value)
	if text == "." || text == ".." { // which URLs take for folders
		return strings.ReplaceAll(text, ".", "%2E")
	}
	return url.PathEscape(text)
}

// segments is a value in a path whose slashes stay.
func segments(value any) string {
	parts := strings.Split(fmt.Sprint(value), "/")
	for i, p := range parts {
		parts[i] = segment(p)
	}
	return strings.Join(parts, "/")
}

// shape is how one of several schemas is recognised.
type shape struct {
	required []string
	fixed    map[string][]string // members that have one of these values
}

// choose returns the number of the shape that fits a value best: the one of
// which most is there; -1 if none fits.
func choose(raw []byte, shapes []shape) int {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return -1
	}
	best, most := -1, -1
	for i, s := range shapes {
		if n := s.fits(members); n > most {
			best, most = i, n
		}
	}
	return best
}

// fits counts what of the shape is there; -1 says that something is not.
func (s shape) fits(members map[string]json.RawMessage) int {
	n := 0
	for _, name := range s.required {
		if _, there := members[name]; !there {
			return -1
		}
		n++
	}
	for name, allowed := range s.fixed {
		raw, there := members[name]
		if !there {
			continue
		}
		var text string
		if json.Unmarshal(raw, &text) != nil {
			text = string(raw)
		}
		fits := false
		for _, a := range allowed {
			fits = fits || a == text
		}
		if !fits {
			return -1
		}
		n++
	}
	return n
}
