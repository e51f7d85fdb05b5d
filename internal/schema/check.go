package schema

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/sealbook/sealbook/audit"
)

// Budget is the work that a request may still cause; it starts with MaxWork.
type Budget int64

// Check holds an entry, canonical JSON as it was submitted, against the schema
// and returns what is wrong with it, at most audit.MaxBadFields. Messages name
// the rule and never the value, because they are logged. An entry for which
// the budget does not suffice is refused unread.
func (s *Schema) Check(entry []byte, left *Budget) []audit.FieldError {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(entry))
	if err != nil {
		return []audit.FieldError{{Code: "type", Message: "an entry is a JSON object"}}
	}
	work := s.work(value, len(entry))
	if work > *left {
		return []audit.FieldError{{Code: "too_complex", Message: "the schema of " + s.name + " has too many rules for so many values; send fewer entries, or smaller ones"}}
	}
	*left -= work
	err = s.compiled.Validate(value)
	var wrong *jsonschema.ValidationError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &wrong):
		return []audit.FieldError{{Code: "schema", Message: "it could not be held against the schema of " + s.name}}
	}
	var bad []audit.FieldError
	s.leaves(wrong, &bad)
	slices.SortStableFunc(bad, func(a, b audit.FieldError) int {
		return cmp.Or(strings.Compare(a.Field, b.Field), strings.Compare(a.Message, b.Message))
	})
	return slices.Compact(bad)
}

// work bounds what holding an entry against the schema takes, in units of
// about 10 nanoseconds: every rule meets every value at most once, and every
// step of a pattern every byte.
func (s *Schema) work(value any, size int) Budget {
	return Budget(10*s.cost.rules*values(value) + s.cost.steps*int64(size))
}

// values counts the values in a JSON value, itself included, and its keys.
func values(v any) int64 {
	n := int64(1)
	switch v := v.(type) {
	case map[string]any:
		for _, child := range v {
			n += 1 + values(child)
		}
	case []any:
		for _, child := range v {
			n += values(child)
		}
	}
	return n
}

// leaves gathers the rules that were broken. Of alternatives it names the rule
// that offers them: which of them was meant is not known.
func (s *Schema) leaves(e *jsonschema.ValidationError, bad *[]audit.FieldError) {
	add := func(code string, steps []string, more ...string) {
		if len(*bad) >= audit.MaxBadFields {
			return
		}
		at := ""
		for _, step := range steps {
			at += "/" + escape(shorten(step))
		}
		message := "it does not satisfy " + s.rule(e)
		if more != nil {
			message += ", which wants " + strings.Join(more, " or ")
		}
		*bad = append(*bad, audit.FieldError{Field: at, Code: code, Message: message})
	}
	switch k := e.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf, *kind.Not, *kind.Contains, *kind.MinContains, *kind.MaxContains:
		add("schema", e.InstanceLocation)
	case *kind.Required:
		for _, name := range k.Missing {
			add("required", append(slices.Clone(e.InstanceLocation), name))
		}
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			add("unknown", append(slices.Clone(e.InstanceLocation), name))
		}
	case *kind.Type:
		add("type", e.InstanceLocation, k.Want...)
	default:
		if len(e.Causes) == 0 {
			add("schema", e.InstanceLocation)
		}
		for _, c := range e.Causes {
			s.leaves(c, bad)
		}
	}
}

// rule names what was broken: a pointer into the schema.
func (s *Schema) rule(e *jsonschema.ValidationError) string {
	_, at, _ := strings.Cut(e.SchemaURL, "#")
	if path := e.ErrorKind.KeywordPath(); len(path) > 0 {
		at += "/" + path[0]
	}
	return "#" + at + " of the schema " + s.name
}

// shorten bounds the names that a client chose.
func shorten(step string) string {
	const most = 128
	if len(step) > most {
		return strings.ToValidUTF8(step[:most], "") + "…"
	}
	return step
}

// invalidSchema says where a schema breaks the rules for schemas.
func invalidSchema(at string, err error) []audit.FieldError {
	field := audit.FieldError{Field: at, Code: "invalid", Message: "it is not a schema of draft 2020-12"}
	var meta *jsonschema.SchemaValidationError
	var wrong *jsonschema.ValidationError
	if errors.As(err, &meta) && errors.As(meta.Err, &wrong) {
		for len(wrong.Causes) > 0 {
			wrong = wrong.Causes[0]
		}
		for _, step := range wrong.InstanceLocation {
			field.Field += "/" + escape(shorten(step))
		}
	}
	return []audit.FieldError{field}
}
