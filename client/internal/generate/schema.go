package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// kind says how a Go type behaves where a value is missing.
type kind int

const (
	plain  kind = iota // "" is no value
	number             // 0 can be one
	truth              // false can be one
	when               // time.Time
	many               // a slice, a map or any: nil is no value
	object             // a struct
	file               // what is uploaded
)

// goType is what a schema is in Go.
type goType struct {
	text     string
	kind     kind
	nullable bool
}

// required is the type of a member or an item that is always there.
func (t goType) required() string {
	if t.nullable && t.kind != many {
		return "*" + t.text
	}
	return t.text
}

// types makes Go types of schemas, each when something first needs it.
type types struct {
	document *document
	names    map[string]bool // that are taken
	made     map[*yaml.Node]goType
	source   map[string]string // by name, its declaration
	patched  bool              // something is a Patch
}

// reserve finds a free name.
func (g *types) reserve(want string) string {
	name := want
	for i := 2; g.names[name]; i++ {
		name = fmt.Sprintf("%s%d", want, i)
	}
	g.names[name] = true
	return name
}

// of returns the type of a schema. hint is the name that it gets if it needs one
// and has none.
func (g *types) of(schema *yaml.Node, hint string) (goType, error) {
	s, name, err := g.document.follow(schema)
	if err != nil {
		return goType{}, err
	}
	if t, ok := g.made[s]; ok {
		return t, nil
	}
	if name != "" {
		hint = component(name)
	}
	t, err := g.build(s, hint)
	if err != nil {
		return goType{}, fmt.Errorf("%s: %w", hint, err)
	}
	g.made[s] = t
	return t, nil
}

func (g *types) build(s *yaml.Node, hint string) (goType, error) {
	kinds := values(s, "type")
	if k := text(s, "type"); k != "" {
		kinds = []string{k}
	}
	nullable := slices.Contains(kinds, "null")
	kinds = slices.DeleteFunc(kinds, func(k string) bool { return k == "null" })
	for _, word := range []string{"oneOf", "anyOf", "allOf"} {
		parts := list(s, word)
		if parts == nil {
			continue
		}
		rest := slices.DeleteFunc(slices.Clone(parts), func(p *yaml.Node) bool { return text(p, "type") == "null" })
		nullable = nullable || len(rest) < len(parts)
		switch {
		case len(rest) == 1:
			t, err := g.of(rest[0], hint)
			t.nullable = t.nullable || nullable
			return t, err
		case word == "allOf":
			return g.object(s, hint, nullable)
		default:
			return g.union(rest, hint, nullable)
		}
	}
	var k string
	if len(kinds) == 1 {
		k = kinds[0]
	}
	if c := get(s, "const"); c != nil && k == "" {
		k = map[string]string{"!!str": "string", "!!int": "integer", "!!float": "number", "!!bool": "boolean"}[c.Tag]
	}
	switch {
	case k == "object", k == "" && get(s, "properties") != nil:
		return g.object(s, hint, nullable)
	case k == "string":
		return g.string(s, hint, nullable), nil
	case k == "integer":
		return goType{"int64", number, nullable}, nil
	case k == "number":
		return goType{"float64", number, nullable}, nil
	case k == "boolean":
		return goType{"bool", truth, nullable}, nil
	case k == "array":
		item, err := g.of(get(s, "items"), singular(hint))
		return goType{"[]" + item.required(), many, nullable}, err
	}
	return goType{"any", many, nullable}, nil
}

func (g *types) string(s *yaml.Node, hint string, nullable bool) goType {
	var choices []string
	for _, e := range list(s, "enum") {
		if e.Tag == "!!null" {
			nullable = true
		} else {
			choices = append(choices, e.Value)
		}
	}
	switch {
	case text(s, "format") == "date-time":
		return goType{"time.Time", when, nullable}
	case text(s, "format") == "binary", text(s, "contentMediaType") != "":
		return goType{"File", file, nullable}
	case text(s, "contentEncoding") == "base64":
		return goType{"[]byte", many, nullable}
	case len(choices) < 2:
		return goType{"string", plain, nullable}
	}
	name := g.reserve(hint)
	var b strings.Builder
	comment(&b, "", name+" is one of these, or one that is newer than this package.")
	fmt.Fprintf(&b, "type %s string\n\n// The values of %s.\nconst (\n", name, name)
	for _, c := range choices {
		fmt.Fprintf(&b, "%s %s = %q\n", g.reserve(name+exported(c)), name, c)
	}
	b.WriteString(")\n")
	g.source[name] = b.String()
	return goType{name, plain, nullable}
}

// object makes a struct, or a map of what has no members of its own.
func (g *types) object(s *yaml.Node, hint string, nullable bool) (goType, error) {
	properties, required, err := g.properties(s)
	if err != nil {
		return goType{}, err
	}
	more := get(s, "additionalProperties")
	switch {
	case more != nil && more.Kind == yaml.ScalarNode && more.Value == "true", len(properties) == 0 && more == nil:
		return goType{"map[string]any", many, nullable}, nil // it is free, whatever keys have a meaning
	case len(properties) == 0 && more.Kind == yaml.MappingNode:
		item, err := g.of(more, singular(hint))
		return goType{"map[string]" + item.required(), many, nullable}, err
	}
	name := g.reserve(hint)
	// Set before its members are, which may hold it.
	g.made[s] = goType{name, object, nullable}
	return g.made[s], g.declare(name, text(s, "description"), properties, required, false)
}

// properties are an object's own and those of all that it is composed of.
func (g *types) properties(s *yaml.Node) (all []member, required map[string]bool, err error) {
	required = map[string]bool{}
	for _, r := range values(s, "required") {
		required[r] = true
	}
	add := func(more []member) {
		for _, m := range more {
			if !slices.ContainsFunc(all, func(a member) bool { return a.name == m.name }) {
				all = append(all, m)
			}
		}
	}
	for _, part := range list(s, "allOf") {
		at, _, err := g.document.follow(part)
		if err != nil {
			return nil, nil, err
		}
		p, r, err := g.properties(at)
		if err != nil {
			return nil, nil, err
		}
		add(p)
		for name := range r {
			required[name] = true
		}
	}
	add(members(get(s, "properties")))
	return all, required, nil
}

// declare writes a struct. Of a patch, a member that is not set stays as it is.
func (g *types) declare(name, description string, properties []member, required map[string]bool, patch bool) error {
	var b strings.Builder
	if description != "" {
		comment(&b, "", name+": "+lowerFirst(description))
	}
	fmt.Fprintf(&b, "type %s struct {\n", name)
	taken := map[string]bool{}
	for _, p := range properties {
		t, err := g.of(p.value, name+exported(p.name))
		if err != nil {
			return err
		}
		at, _, err := g.document.follow(p.value)
		if err != nil {
			return err
		}
		field := exported(p.name)
		for taken[field] {
			field += "Value"
		}
		taken[field] = true
		expression, tag := t.required(), p.name
		if !required[p.name] {
			var option string
			expression, option = g.optional(t, at, patch)
			tag += "," + option
		}
		d := text(p.value, "description")
		if t.kind != when && g.source[t.text] == "" { // those have comments of their own
			d = cmp.Or(d, text(at, "description"))
		}
		if d != "" {
			comment(&b, "\t", d)
		}
		fmt.Fprintf(&b, "\t%s %s `json:%q`\n", field, expression, tag)
	}
	b.WriteString("}\n")
	g.source[name] = b.String()
	return nil
}

// optional is the type of a member that may be missing, and what leaves it out.
func (g *types) optional(t goType, s *yaml.Node, patch bool) (expression, option string) {
	switch {
	case patch && t.nullable:
		g.patched = true
		return "Patch[" + t.text + "]", "omitzero"
	case patch && t.kind != many && t.kind != file:
		return "*" + t.text, "omitzero"
	case t.nullable && t.kind != many:
		return "*" + t.text, "omitzero"
	case t.kind == object, t.kind == number && !neverZero(s), t.kind == truth && text(s, "default") != "false":
		return "*" + t.text, "omitzero"
	}
	return t.text, "omitzero"
}

// neverZero reports whether 0 is no value of a number, or the same as none.
func neverZero(s *yaml.Node) bool {
	least := text(s, "minimum")
	return least != "" && least != "0" && !strings.HasPrefix(least, "-") || text(s, "exclusiveMinimum") == "0" || text(s, "default") == "0"
}

// patch declares the body of a PATCH, whose members are changes.
func (g *types) patch(schema *yaml.Node, hint string) (goType, error) {
	s, name, err := g.document.follow(schema)
	if err != nil {
		return goType{}, err
	}
	properties, required, err := g.properties(s)
	if err != nil || len(properties) == 0 {
		return goType{"map[string]any", many, false}, err
	}
	if name != "" {
		hint = component(name)
	}
	if _, ok := g.made[s]; ok {
		hint += "Changes" // what it changes has the same schema
	}
	name = g.reserve(hint)
	return goType{name, object, false}, g.declare(name, text(s, "description"), properties, required, true)
}
