package schema

import (
	"fmt"
	"maps"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"

	"github.com/sealbook/sealbook/audit"
)

// How keywords of draft 2020-12 hold subschemas, if they do. A keyword that is
// not here is refused unless it starts with x-: a typing error in a rule would
// be a rule that is not there.
type holds int

const (
	nothing  holds = iota
	one            // a schema
	list           // an array of them
	members        // an object of them
	apart          // an object of them that only $ref applies
	aRef           // $ref
	aDialect       // $schema
)

var keywords = map[string]holds{
	"$ref": aRef, "$schema": aDialect, "$defs": apart, "$comment": nothing,
	"allOf": list, "anyOf": list, "oneOf": list, "prefixItems": list,
	"not": one, "if": one, "then": one, "else": one, "items": one, "contains": one,
	"additionalProperties": one, "propertyNames": one, "unevaluatedItems": one, "unevaluatedProperties": one,
	"properties": members, "patternProperties": members, "dependentSchemas": members,
	"type": nothing, "enum": nothing, "const": nothing, "multipleOf": nothing,
	"maximum": nothing, "exclusiveMaximum": nothing, "minimum": nothing, "exclusiveMinimum": nothing,
	"maxLength": nothing, "minLength": nothing, "pattern": nothing,
	"maxItems": nothing, "minItems": nothing, "uniqueItems": nothing, "maxContains": nothing, "minContains": nothing,
	"maxProperties": nothing, "minProperties": nothing, "required": nothing, "dependentRequired": nothing,
	"title": nothing, "description": nothing, "default": nothing, "deprecated": nothing, "readOnly": nothing, "writeOnly": nothing,
	"examples": nothing, "format": nothing, "contentEncoding": nothing, "contentMediaType": nothing,
}

// cost is what a schema can cause at one place of an event, each part counted
// wherever a $ref puts it. Sums end one above MaxRules.
type cost struct {
	rules int64 // JSON values in the schema
	steps int64 // of the programs that patterns become, for each byte of a text
}

func (c *cost) add(more cost) {
	c.rules, c.steps = min(c.rules+more.rules, MaxRules+1), min(c.steps+more.steps, MaxRules+1)
}

// walk visits a schema's subschemas, adds up their costs and notes what is
// refused.
type walk struct {
	defs  map[string]any
	known map[string]*cost // of definitions; nil while it is added up
	bad   []audit.FieldError
}

// measure returns what a schema costs and what is wrong with it.
func measure(root map[string]any) (cost, []audit.FieldError) {
	w := &walk{known: map[string]*cost{}}
	w.defs, _ = root["$defs"].(map[string]any)
	c := w.schema(root, "", true)
	slices.SortStableFunc(w.bad, func(a, b audit.FieldError) int { return strings.Compare(a.Field, b.Field) })
	return c, w.bad
}

func (w *walk) fail(at, code, format string, args ...any) {
	if len(w.bad) < audit.MaxBadFields {
		w.bad = append(w.bad, audit.FieldError{Field: at, Code: code, Message: fmt.Sprintf(format, args...)})
	}
}

func (w *walk) schema(v any, at string, root bool) cost {
	c := cost{rules: 1}
	o, ok := v.(map[string]any)
	if _, trivial := v.(bool); !ok && !trivial {
		w.fail(at, "type", "a schema is an object, true or false")
	}
	for _, k := range slices.Sorted(maps.Keys(o)) {
		c.add(w.keyword(o[k], k, at+"/"+escape(k), root))
	}
	return c
}

// keyword returns what a keyword adds.
func (w *walk) keyword(v any, k, at string, root bool) (c cost) {
	kind, known := keywords[k]
	switch {
	case !known && !strings.HasPrefix(k, "x-"):
		w.fail(at, "unknown", "there is no such keyword here; your own start with x-")
	case !root && (k == "$defs" || k == "$schema"):
		w.fail(at, "misplaced", "%s stands at the top of a schema only", k)
	case kind == aDialect && v != Dialect:
		w.fail(at, "invalid", "schemas are of %s", Dialect)
	case kind == aRef:
		return w.ref(v, at)
	case kind == one:
		return w.schema(v, at, false)
	case kind == list:
		elements, ok := v.([]any)
		if !ok {
			w.fail(at, "type", "%s is an array of schemas", k)
		}
		for i, e := range elements {
			c.add(w.schema(e, at+"/"+strconv.Itoa(i), false))
		}
	case kind == members, kind == apart:
		return w.members(v, k, at)
	case k == "pattern":
		pattern, _ := v.(string)
		c = w.pattern(pattern, at)
	default:
		c.rules = values(v)
	}
	return c
}

func (w *walk) members(v any, k, at string) (c cost) {
	o, ok := v.(map[string]any)
	if !ok {
		w.fail(at, "type", "%s is an object of schemas", k)
	}
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if k == "$defs" {
			w.definition(name)
			continue
		}
		below := at + "/" + escape(name)
		if k == "patternProperties" {
			c.add(w.pattern(name, below))
		}
		c.add(w.schema(o[name], below, false))
	}
	return c
}

// ref allows nothing but a definition of the same schema that does not come
// back to itself: what it costs can then be added up.
func (w *walk) ref(v any, at string) cost {
	s, _ := v.(string)
	name, ok := strings.CutPrefix(s, "#/$defs/")
	if !ok || strings.ContainsAny(name, "/%") {
		w.fail(at, "reference", "a $ref is #/$defs/ and the name of a definition of the same schema")
		return cost{}
	}
	name = strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~")
	if _, there := w.defs[name]; !there {
		w.fail(at, "reference", "there is no such definition")
		return cost{}
	}
	c := w.definition(name)
	if c == nil {
		w.fail(at, "recursion", "a schema cannot contain itself")
		return cost{}
	}
	return *c
}

func (w *walk) definition(name string) *cost {
	if c, visited := w.known[name]; visited {
		return c
	}
	w.known[name] = nil
	c := w.schema(w.defs[name], "/$defs/"+escape(name), false)
	w.known[name] = &c
	return &c
}

// pattern counts the steps of a pattern's program. RE2 takes at most all of
// them for each byte, and knows no other way to be slow.
func (w *walk) pattern(text, at string) cost {
	c := cost{rules: 1}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		w.fail(at, "pattern", "a pattern is a regular expression as RE2 takes it, without look-around and back-references")
		return c
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil || len(program.Inst) > MaxPattern {
		w.fail(at, "pattern", "the pattern becomes a program of more than %d steps", MaxPattern)
		return c
	}
	c.steps = int64(len(program.Inst))
	return c
}

func escape(step string) string {
	return strings.ReplaceAll(strings.ReplaceAll(step, "~", "~0"), "/", "~1")
}
