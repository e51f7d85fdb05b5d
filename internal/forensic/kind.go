package forensic

import (
	"path"
	"slices"

	"github.com/sealbook/sealbook/audit"
)

// kinds are the kinds of entries that were seen, and for each what is left to
// ask of an entry of that kind. Most selections are about words of a type: they
// are decided once for a kind and not once for an entry.
type kinds struct {
	seen   map[kindKey]*kind
	index  map[string]int // number by field that selections and groups ask for
	places []location     // by that number
	tests  []*test        // by selection
	rules  []*running
	limits map[string]int // by field of changes: limitOf
}

type kindKey struct {
	eventType, operation, category string
	class                          audit.EventClass
	severity                       audit.Severity
}

// kind is what entries of the same type, operation, category, class and
// severity have in common.
type kind struct {
	words          map[string]bool // of type, operation and category
	failing        bool            // one of them says so
	operation      int             // class of operations, of those that succeeded
	tests          []*test         // by selection; nil: no entry of the kind is selected
	rules, arrival []*running      // that may select one
}

// maxKinds bounds what is remembered; beyond it kinds are made again each time.
const maxKinds = 10_000

func newKinds() *kinds {
	k := &kinds{seen: map[kindKey]*kind{}, index: map[string]int{}, limits: map[string]int{}}
	for _, name := range derivedNames { // first, so that detectors know their numbers
		k.field(name)
	}
	return k
}

// field gives a field its number.
func (k *kinds) field(name string) int {
	i, ok := k.index[name]
	if !ok {
		i = len(k.places)
		k.index[name] = i
		k.places = append(k.places, locate(name))
	}
	return i
}

func (k *kinds) of(e *audit.Entry) *kind {
	key := kindKey{e.Type, e.Action.String("operation"), e.Category, e.Class, e.Severity}
	if x := k.seen[key]; x != nil {
		return x
	}
	x := &kind{words: map[string]bool{}, tests: make([]*test, len(k.tests))}
	for _, name := range []string{key.eventType, key.operation, key.category} {
		split(name, x.words)
	}
	x.failing = failing.in(x.words)
	x.operation = operationOf(x.words, key.class)
	for i, t := range k.tests {
		x.tests[i] = t.of(x, &key)
	}
	for _, r := range k.rules {
		if !slices.ContainsFunc(r.selects, func(i int) bool { return x.tests[i] != nil }) {
			continue
		}
		if r.arrival {
			x.arrival = append(x.arrival, r)
		} else {
			x.rules = append(x.rules, r)
		}
	}
	if len(k.seen) < maxKinds {
		k.seen[key] = x
	}
	return x
}

// test is a selection with its fields numbered.
type test struct {
	*Selection
	where, unless    []wanted
	present, missing []int
	same, differ     [][2]int
	later            [][2]int
	any              []*test
}

type wanted struct {
	field  int
	values []string
}

func (k *kinds) test(s *Selection) *test {
	t := &test{Selection: s, where: k.wanted(s.Where), unless: k.wanted(s.Unless), present: k.numbers(s.Present), missing: k.numbers(s.Missing),
		same: k.pairs(s.Same), differ: k.pairs(s.Differ), later: k.pairs(s.Later)}
	for i := range s.Any {
		t.any = append(t.any, k.test(&s.Any[i]))
	}
	return t
}

func (k *kinds) wanted(fields map[string][]string) (out []wanted) {
	for name, values := range fields { // all must hold, in whatever order
		out = append(out, wanted{k.field(name), values})
	}
	return out
}

func (k *kinds) numbers(names []string) (out []int) {
	for _, name := range names {
		out = append(out, k.field(name))
	}
	return out
}

func (k *kinds) pairs(names [][2]string) (out [][2]int) {
	for _, pair := range names {
		out = append(out, [2]int{k.field(pair[0]), k.field(pair[1])})
	}
	return out
}

// of is what is left of a test for entries of a kind: without alternatives that
// none of them meets, or nil if none of them meets the test.
func (t *test) of(k *kind, key *kindKey) *test {
	is := func(glob string) bool {
		ok, _ := path.Match(glob, key.eventType) // globs were checked when they were loaded
		return ok
	}
	switch {
	case len(t.Types) > 0 && !slices.ContainsFunc(t.Types, is),
		slices.ContainsFunc(t.NotTypes, is),
		len(t.Classes) > 0 && !slices.Contains(t.Classes, key.class),
		len(t.Severities) > 0 && !slices.Contains(t.Severities, key.severity),
		len(t.Words) > 0 && !t.Words.in(k.words),
		len(t.AndWords) > 0 && !t.AndWords.in(k.words),
		t.NotWords.in(k.words):
		return nil
	}
	if len(t.any) == 0 {
		return t
	}
	left := *t
	left.any = nil
	for _, x := range t.any {
		if x := x.of(k, key); x != nil {
			left.any = append(left.any, x)
		}
	}
	if left.any == nil {
		return nil
	}
	return &left
}

// holds reports whether an entry of the kind that the test was made for is
// selected.
func (t *test) holds(v *view) bool {
	switch {
	case t.Outcome == "failure" && !v.failed(),
		t.Outcome == "success" && v.failed(),
		t.OffHours != nil && !t.OffHours.off(v.at),
		t.Unsigned && (!v.SignatureRequired() || len(v.Signature) > 0),
		t.NoReason && (!v.SignatureRequired() || !withoutReason(v)):
		return false
	}
	for _, w := range t.where {
		if !share(v.held(w.field), w.values) {
			return false
		}
	}
	for _, w := range t.unless {
		if share(v.held(w.field), w.values) {
			return false
		}
	}
	return t.compares(v) && (len(t.any) == 0 || slices.ContainsFunc(t.any, func(x *test) bool { return x.holds(v) }))
}

func (t *test) compares(v *view) bool {
	for _, field := range t.present {
		if len(v.held(field)) == 0 {
			return false
		}
	}
	for _, field := range t.missing {
		if len(v.held(field)) > 0 {
			return false
		}
	}
	for _, pair := range t.same {
		if !share(v.held(pair[0]), v.held(pair[1])) {
			return false
		}
	}
	for _, pair := range t.differ {
		if a, b := v.held(pair[0]), v.held(pair[1]); len(a) == 0 || len(b) == 0 || share(a, b) {
			return false
		}
	}
	for _, pair := range t.later {
		a, b := v.time(pair[0]), v.time(pair[1])
		if a.IsZero() || b.IsZero() || !a.After(b) {
			return false
		}
	}
	return true
}
