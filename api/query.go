package api

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sealbook/sealbook/audit"
)

// query reads a request's parameters strictly: a name that the endpoint does
// not know would silently widen what the caller gets, so it is an error. The
// first error is kept, and err tells it.
type query struct {
	values url.Values
	err    error
}

func parseQuery(r *http.Request, known []string) *query {
	q := &query{}
	if q.values, q.err = url.ParseQuery(r.URL.RawQuery); q.err != nil {
		q.err = audit.Errorf(audit.InvalidParameter, "the query is not well-formed")
		return q
	}
	for _, name := range slices.Sorted(maps.Keys(q.values)) {
		values := q.values[name]
		switch {
		case !slices.Contains(known, name):
			q.fail(name, append([]string{}, known...), "there is no parameter %.80q here", name)
		case len(values) > 1:
			q.fail(name, nil, "%s is given %d times", name, len(values))
		case len(values[0]) > MaxParameter, !utf8.ValidString(values[0]), strings.ContainsRune(values[0], 0):
			q.fail(name, nil, "%s is at most %d bytes of UTF-8", name, MaxParameter)
		}
	}
	return q
}

func (q *query) fail(name string, allowed []string, format string, args ...any) {
	if q.err != nil {
		return
	}
	e := audit.Errorf(audit.InvalidParameter, format, args...).With("parameter", strings.ToValidUTF8(name, "\uFFFD"))
	if allowed != nil {
		e = e.With("allowed", allowed)
	}
	q.err = e
}

// text returns a parameter, or "" when it is not given. Given and empty is an
// error: it would filter nothing while it seems to.
func (q *query) text(name string) string {
	v, given := q.values[name]
	if !given {
		return ""
	}
	if v[0] == "" {
		q.fail(name, nil, "%s is given without a value", name)
	}
	return v[0]
}

// identifier is a text as long as identifiers are.
func (q *query) identifier(name string) string {
	s := q.text(name)
	if len(s) > audit.MaxIdentifier {
		q.fail(name, nil, "%s has at most %d bytes", name, audit.MaxIdentifier)
	}
	return s
}

func (q *query) oneOf(name string, allowed ...string) string {
	s := q.text(name)
	if s != "" && !slices.Contains(allowed, s) {
		q.fail(name, allowed, "%s is one of %s", name, strings.Join(allowed, ", "))
	}
	return s
}

func (q *query) number(name string, standard, least, most int) int {
	s := q.text(name)
	if s == "" {
		return standard
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < least || n > most || strconv.Itoa(n) != s {
		q.fail(name, nil, "%s is a whole number from %d to %d", name, least, most)
	}
	return n
}

func (q *query) flag(name string, standard bool) bool {
	switch q.oneOf(name, "true", "false") {
	case "true":
		return true
	case "false":
		return false
	}
	return standard
}

func (q *query) framework(name string) audit.Framework {
	s := q.text(name)
	f, ok := audit.ParseFramework(s)
	if s != "" && !ok {
		q.fail(name, texts(audit.Frameworks), "%s is one of %s", name, strings.Join(texts(audit.Frameworks), ", "))
	}
	return f
}

// period reads two inclusive bounds under their names here.
func (q *query) period(from, until string) audit.Period {
	p, err := audit.ParsePeriod(q.text(from), q.text(until))
	if err != nil && q.err == nil {
		e := err.(*audit.Error)
		if e.Details["parameter"] == "to" {
			from = until
		}
		q.err = e.With("parameter", from)
	}
	return p
}

func texts[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}
