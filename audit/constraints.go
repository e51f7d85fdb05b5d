package audit

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Constraints narrow what a credential may read: every query of entries is
// restricted by all of them together. The zero value restricts nothing. They
// are kept and compared as they were given.
type Constraints struct {
	Frameworks   []Framework `json:"frameworks,omitempty"`   // an entry names one of these
	From         string      `json:"from,omitempty"`         // first moment of the event: a time or a date
	To           string      `json:"to,omitempty"`           // last moment, inclusive, as in [ParsePeriod]
	Repositories []string    `json:"repositories,omitempty"` // an entry is of one of these, by id
}

// MaxConstraintRepositories bounds the repositories of one credential.
const MaxConstraintRepositories = 100

// Empty reports whether everything may be read.
func (c Constraints) Empty() bool {
	return len(c.Frameworks) == 0 && c.From == "" && c.To == "" && len(c.Repositories) == 0
}

// Period is what From and To span. They must be valid.
func (c Constraints) Period() Period {
	p, _ := ParsePeriod(c.From, c.To)
	return p
}

// Normalise gives the frameworks their canonical names and returns every field
// that is wrong, by JSON Pointer below at.
func (c *Constraints) Normalise(at string) (bad []FieldError) {
	fail := func(field, code, message string) { bad = append(bad, FieldError{at + "/" + field, code, message}) }
	// A list that is there and empty may have meant nothing at all.
	if c.Frameworks != nil && len(c.Frameworks) == 0 {
		fail("frameworks", "required", "frameworks names at least one, or is left out")
	}
	if c.Repositories != nil && len(c.Repositories) == 0 {
		fail("repositories", "required", "repositories names at least one, or is left out")
	}
	for i, name := range c.Frameworks {
		f, ok := ParseFramework(string(name))
		switch {
		case !ok:
			fail("frameworks", "invalid", "a framework is one of SOC2, FDA_21CFR11, ISO_27001, GDPR, SOX, NIST_CSF")
		case slices.Contains(c.Frameworks[:i], f):
			fail("frameworks", "duplicate", string(f)+" is named twice")
		}
		c.Frameworks[i] = f
	}
	if _, err := ParsePeriod(c.From, c.To); err != nil {
		e := err.(*Error)
		fail(fmt.Sprint(e.Details["parameter"]), "invalid", e.Message)
	}
	if c.Empty() && bad == nil {
		bad = append(bad, FieldError{at, "required", "constraints restrict something, or are left out"})
	}
	if len(c.Repositories) > MaxConstraintRepositories {
		fail("repositories", "too_many", fmt.Sprintf("at most %d repositories", MaxConstraintRepositories))
	}
	for i, id := range c.Repositories[:min(len(c.Repositories), MaxConstraintRepositories)] {
		if id == "" || len(id) > MaxIdentifier {
			fail("repositories", "invalid", "a repository id has 1 to 256 bytes")
		} else if slices.Contains(c.Repositories[:i], id) {
			fail("repositories", "duplicate", id+" is named twice")
		}
	}
	return bad
}

// Covers reports whether e may be read. It is the same rule that package
// ledger puts into its queries.
func (c Constraints) Covers(e *Entry) bool {
	return c.Period().Contains(e.Time()) &&
		(len(c.Repositories) == 0 || slices.Contains(c.Repositories, e.Repository.String("id"))) &&
		(len(c.Frameworks) == 0 || slices.ContainsFunc(e.Frameworks, func(f Framework) bool { return slices.Contains(c.Frameworks, f) }))
}

// CoversResult reports whether what was made of entries of a period, about some
// frameworks, may be read: it must be about nothing else, and of no repository in
// particular, since results are not. What is about no framework is about any.
func (c Constraints) CoversResult(frameworks []Framework, p Period) bool {
	return len(c.Repositories) == 0 && narrower(frameworks, c.Frameworks) && p.Within(c.Period())
}

// Within reports whether everything that c lets read may be read under outer,
// too.
func (c Constraints) Within(outer Constraints) bool {
	return narrower(c.Frameworks, outer.Frameworks) && narrower(c.Repositories, outer.Repositories) && c.Period().Within(outer.Period())
}

func narrower[T comparable](inner, outer []T) bool {
	if len(outer) == 0 {
		return true
	}
	return len(inner) > 0 && !slices.ContainsFunc(inner, func(v T) bool { return !slices.Contains(outer, v) })
}

// String is the constraints' one spelling.
func (c Constraints) String() string {
	text, _ := json.Marshal(c) // strings always can
	return string(text)
}

// Intersect returns what lies in both periods; one that ends where it starts,
// or before, holds no moment.
func (p Period) Intersect(o Period) Period {
	if p.From.Before(o.From) {
		p.From = o.From
	}
	if p.Until.IsZero() || !o.Until.IsZero() && o.Until.Before(p.Until) {
		p.Until = o.Until
	}
	return p
}

// Within reports whether the whole period lies in outer.
func (p Period) Within(outer Period) bool {
	after := func(t, bound time.Time) bool { return bound.IsZero() || !t.IsZero() && !t.Before(bound) }
	before := func(t, bound time.Time) bool { return bound.IsZero() || !t.IsZero() && !t.After(bound) }
	return after(p.From, outer.From) && before(p.Until, outer.Until)
}
