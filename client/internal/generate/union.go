package main

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// union makes a type that holds one of several objects. What are not all objects
// are any.
func (g *types) union(parts []*yaml.Node, hint string, nullable bool) (goType, error) {
	parts, null, err := g.flatten(parts)
	if err != nil {
		return goType{}, err
	}
	nullable = nullable || null
	for _, p := range parts {
		at, _, err := g.document.follow(p)
		if err != nil {
			return goType{}, err
		}
		properties, _, err := g.properties(at)
		if err != nil {
			return goType{}, err
		}
		if len(properties) == 0 {
			return g.mixed(parts, nullable), nil
		}
	}
	name := g.reserve(hint)
	var fields, shapes, decodes, encodes strings.Builder
	for i, p := range parts {
		t, err := g.of(p, name+g.mark(p, i))
		if err != nil {
			return goType{}, err
		}
		field := t.text
		if rest := strings.TrimPrefix(field, name); rest != "" {
			field = rest
		}
		field = strings.TrimLeft(field, "[]*")
		fmt.Fprintf(&fields, "\t%s *%s\n", field, t.text)
		shape, err := g.shape(p)
		if err != nil {
			return goType{}, err
		}
		fmt.Fprintf(&shapes, "\t%s,\n", shape)
		fmt.Fprintf(&decodes, "\tcase %d:\n\t\treturn json.Unmarshal(raw, &u.%s)\n", i, field)
		fmt.Fprintf(&encodes, "\tcase u.%s != nil:\n\t\treturn json.Marshal(u.%s)\n", field, field)
	}
	var b strings.Builder
	comment(&b, "", name+" is one of its members; Other is what this package does not know.")
	fmt.Fprintf(&b, "type %s struct {\n%s\tOther json.RawMessage\n}\n\n", name, &fields)
	private := strings.ToLower(name[:1]) + name[1:] + "Shapes"
	fmt.Fprintf(&b, "var %s = []shape{\n%s}\n\n", private, &shapes)
	fmt.Fprintf(&b, "// UnmarshalJSON implements json.Unmarshaler.\nfunc (u *%s) UnmarshalJSON(raw []byte) error {\n\t*u = %s{}\n\tswitch choose(raw, %s) {\n%s\t}\n\tu.Other = bytes.Clone(raw)\n\treturn nil\n}\n\n", name, name, private, &decodes)
	fmt.Fprintf(&b, "// MarshalJSON implements json.Marshaler.\nfunc (u %s) MarshalJSON() ([]byte, error) {\n\tswitch {\n%s\tcase u.Other != nil:\n\t\treturn u.Other, nil\n\t}\n\treturn []byte(\"null\"), nil\n}\n", name, &encodes)
	g.source[name] = b.String()
	return goType{name, object, nullable}, nil
}

// flatten resolves unions of unions, and reports whether null was among them.
func (g *types) flatten(parts []*yaml.Node) (out []*yaml.Node, null bool, err error) {
	for _, p := range parts {
		at, _, err := g.document.follow(p)
		if err != nil {
			return nil, false, err
		}
		inner := append(list(at, "oneOf"), list(at, "anyOf")...)
		switch {
		case text(at, "type") == "null":
			null = true
		case len(inner) > 0 && get(at, "properties") == nil:
			more, also, err := g.flatten(inner)
			if err != nil {
				return nil, false, err
			}
			out, null = append(out, more...), null || also
		default:
			out = append(out, p)
		}
	}
	return out, null, nil
}

// mixed is the type of alternatives that are not all objects: that of all of
// them, if it is one, else any.
func (g *types) mixed(parts []*yaml.Node, nullable bool) goType {
	var all goType
	for i, p := range parts {
		at, _, err := g.document.follow(p)
		if err != nil {
			return goType{"any", many, nullable}
		}
		var t goType
		switch text(at, "type") {
		case "string":
			t = goType{"string", plain, nullable}
		case "integer", "number":
			t = goType{"float64", number, nullable}
		case "boolean":
			t = goType{"bool", truth, nullable}
		default:
			return goType{"any", many, nullable}
		}
		if i > 0 && t != all {
			return goType{"any", many, nullable}
		}
		all = t
	}
	return all
}

// mark tells an alternative without a name from the others.
func (g *types) mark(p *yaml.Node, i int) string {
	properties, required, err := g.properties(p)
	if err == nil {
		for _, m := range properties {
			if c := text(m.value, "const"); c != "" && c != "true" {
				return exported(c)
			}
		}
		for _, m := range properties {
			if required[m.name] {
				return exported(m.name)
			}
		}
	}
	return fmt.Sprintf("Form%d", i+1)
}

// shape writes how an alternative is recognised: by the members that it must
// have, and by those that can have one value only.
func (g *types) shape(p *yaml.Node) (string, error) {
	at, _, err := g.document.follow(p)
	if err != nil {
		return "", err
	}
	properties, required, err := g.properties(at)
	if err != nil {
		return "", err
	}
	var must []string
	fixed := ""
	for _, m := range properties {
		if required[m.name] {
			must = append(must, fmt.Sprintf("%q", m.name))
		}
		value, _, err := g.document.follow(m.value)
		if err != nil {
			return "", err
		}
		allowed := values(value, "enum")
		if c := get(value, "const"); c != nil {
			allowed = []string{c.Value}
		}
		// Several could become more; one is what tells it from the others.
		if len(allowed) == 1 && required[m.name] {
			fixed += fmt.Sprintf("%q: %s, ", m.name, strings.TrimPrefix(fmt.Sprintf("%#v", allowed), "[]string"))
		}
	}
	out := "{required: []string{" + strings.Join(must, ", ") + "}"
	if fixed != "" {
		out += ", fixed: map[string][]string{" + strings.TrimSuffix(fixed, ", ") + "}"
	}
	return out + "}", nil
}
