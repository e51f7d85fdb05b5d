package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// methods are the members of a path that are operations.
const methods = "get put post patch delete head options"

// answerKind is how an operation answers.
type answerKind int

const (
	nothing answerKind = iota
	download
	envelope // success, data, metadata
	page     // the same with pagination
	bare     // JSON without an envelope
)

// operation is one of the document.
type operation struct {
	name, method, path string
	mount              string // the document's first server, or the path's own
	open, keyed        bool   // without a credential; with an Idempotency-Key
	conditional        bool   // under If-Match
	summary, about     string
	parameters         []parameter
	limit              string // the largest page, "" if there is no such parameter
	params             string // the type of those that are not in the path, "" if there are none
	body               *goType
	patch              *yaml.Node // its schema, of a PATCH
	form               []member   // of a multipart body, instead
	formName           string

	kind                       answerKind
	data, metadata, pagination goType
	items                      string // the list in data, as ".Results"; "" if data is the list
	item                       string // its type
}

type parameter struct {
	name, field, where string // path, query or header
	expression         string // its type
	description        string
	several            bool // its slashes stay
}

// operations reads all of the document.
func (g *types) operations() (all []operation, err error) {
	for _, path := range members(get(g.document.root, "paths")) {
		for _, m := range members(path.value) {
			if !slices.Contains(strings.Fields(methods), m.name) {
				continue
			}
			o, err := g.operation(path.name, path.value, m.name, m.value)
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", strings.ToUpper(m.name), path.name, err)
			}
			all = append(all, o)
		}
	}
	// Last, so that what a schema is elsewhere keeps its name.
	for i := range all {
		o := &all[i]
		if o.patch == nil {
			continue
		}
		t, err := g.patch(o.patch, o.name+"Request")
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", o.method, o.path, err)
		}
		o.body = &t
	}
	return all, nil
}

func (g *types) operation(path string, item *yaml.Node, method string, n *yaml.Node) (o operation, err error) {
	id := text(n, "operationId")
	if id == "" {
		return o, fmt.Errorf("there is no operationId")
	}
	o = operation{
		name: exported(id), method: strings.ToUpper(method), path: path,
		summary: text(n, "summary"), about: text(n, "description"),
	}
	servers := list(g.document.root, "servers")
	if own := append(list(n, "servers"), list(item, "servers")...); len(own) > 0 {
		servers = own
	}
	if len(servers) > 0 {
		o.mount = strings.TrimSuffix(text(servers[0], "url"), "/")
	}
	if s := get(n, "security"); s != nil && len(s.Content) == 0 {
		o.open = true
	}
	if err := g.parameters(&o, append(list(item, "parameters"), list(n, "parameters")...)); err != nil {
		return o, err
	}
	if err := g.requestBody(&o, get(n, "requestBody")); err != nil {
		return o, fmt.Errorf("body: %w", err)
	}
	if err := g.responses(&o, get(n, "responses")); err != nil {
		return o, fmt.Errorf("answer: %w", err)
	}
	return o, nil
}

func (g *types) parameters(o *operation, nodes []*yaml.Node) error {
	for _, n := range nodes {
		at, shared, err := g.document.follow(n)
		if err != nil {
			return err
		}
		p := parameter{name: text(at, "name"), where: text(at, "in"), several: text(at, "x-several-segments") == "true"}
		switch {
		case p.name == "X-Request-Id" || p.where == "cookie": // of every call, as an option
			continue
		case p.name == "Idempotency-Key":
			o.keyed = true
			continue
		case p.name == "If-Match":
			o.conditional = true
		}
		schema, _, err := g.document.follow(get(at, "schema"))
		if err != nil {
			return err
		}
		p.field = exported(p.name)
		hint := o.name + p.field
		if shared != "" {
			hint = component(shared)
		}
		t, err := g.of(get(at, "schema"), hint)
		if err != nil {
			return err
		}
		p.description = cmp.Or(text(at, "description"), text(schema, "description"))
		p.expression = t.text
		if p.where != "path" {
			p.expression, _ = g.optional(t, schema, false)
		}
		if p.name == "limit" {
			o.limit = cmp.Or(text(schema, "maximum"), "0")
		}
		o.parameters = append(o.parameters, p)
		if p.where != "path" && o.params == "" {
			o.params = g.reserve(o.name + "Params")
		}
	}
	return nil
}

func (g *types) requestBody(o *operation, n *yaml.Node) error {
	at, _, err := g.document.follow(n)
	if err != nil || at == nil {
		return err
	}
	hint := o.name + "Request"
	if schema := get(at, "content", "multipart/form-data", "schema"); schema != nil {
		s, name, err := g.document.follow(schema)
		if err != nil {
			return err
		}
		properties, required, err := g.properties(s)
		if err != nil {
			return err
		}
		o.form = properties
		if name != "" {
			hint = component(name)
		}
		o.formName = g.reserve(hint)
		return g.declare(o.formName, text(s, "description"), properties, required, false)
	}
	content := members(get(at, "content"))
	i := slices.IndexFunc(content, func(m member) bool { return strings.HasSuffix(m.name, "json") })
	if i < 0 {
		return fmt.Errorf("it is neither JSON nor a form")
	}
	schema := get(content[i].value, "schema")
	s, _, err := g.document.follow(schema)
	if err != nil {
		return err
	}
	if text(s, "additionalProperties") == "false" && get(s, "properties") == nil {
		return nil // there is nothing to say
	}
	if o.method == "PATCH" {
		o.patch = schema
		return nil
	}
	t, err := g.of(schema, hint)
	o.body = &t
	return err
}

// responses finds out how the operation answers. Successes with different data
// make a union of them.
func (g *types) responses(o *operation, n *yaml.Node) error {
	var data []*yaml.Node
	var owner string
	var metadata, pagination *yaml.Node
	for _, r := range members(n) {
		if !strings.HasPrefix(r.name, "2") {
			continue
		}
		at, _, err := g.document.follow(r.value)
		if err != nil {
			return err
		}
		content := members(get(at, "content"))
		i := slices.IndexFunc(content, func(m member) bool { return m.name == "application/json" })
		// JSON without a schema is a file that happens to be JSON.
		schema := (*yaml.Node)(nil)
		if i >= 0 {
			schema = get(content[i].value, "schema")
		}
		switch {
		case schema == nil && len(content) > 0:
			o.kind = download
			return nil
		case schema == nil:
			continue
		}
		envelopes, _, err := g.flatten([]*yaml.Node{schema})
		if err != nil {
			return err
		}
		for _, e := range envelopes {
			s, name, err := g.document.follow(e)
			if err != nil {
				return err
			}
			if get(s, "properties", "success") == nil || get(s, "properties", "data") == nil {
				o.kind = bare
				o.data, err = g.of(e, o.name+"Answer")
				o.metadata = goType{text: "struct{}"}
				return err
			}
			owner = cmp.Or(owner, strings.TrimSuffix(name, "Answer"))
			if d := get(s, "properties", "data"); !slices.Contains(data, d) {
				data = append(data, d)
			}
			if m := get(s, "properties", "metadata"); g.size(m) > g.size(metadata) {
				metadata = m
			}
			pagination = cmp.Or(pagination, get(s, "properties", "pagination"))
		}
	}
	if len(data) == 0 {
		return nil
	}
	owner = cmp.Or(owner, o.name)
	return g.answer(o, owner, data, metadata, pagination)
}

// size is how many members a schema has.
func (g *types) size(n *yaml.Node) int {
	at, _, err := g.document.follow(n)
	if err != nil || at == nil {
		return 0
	}
	return len(members(get(at, "properties")))
}

func (g *types) answer(o *operation, owner string, data []*yaml.Node, metadata, pagination *yaml.Node) (err error) {
	o.kind = envelope
	o.metadata = goType{text: "struct{}"}
	if metadata != nil {
		if o.metadata, err = g.of(metadata, owner+"Metadata"); err != nil {
			return err
		}
	}
	if pagination != nil {
		o.kind = page
		if o.pagination, err = g.of(pagination, owner+"Pagination"); err != nil {
			return err
		}
	}
	distinct := map[*yaml.Node]bool{}
	var parts []*yaml.Node
	for _, d := range data {
		at, _, err := g.document.follow(d)
		if err != nil {
			return err
		}
		if !distinct[at] {
			distinct[at] = true
			parts = append(parts, d)
		}
	}
	if len(parts) > 1 {
		o.data, err = g.union(parts, o.name+"Data", false)
		return err
	}
	if o.data, err = g.of(parts[0], owner+"Data"); err != nil {
		return err
	}
	return g.list(o, parts[0])
}

// list finds the items of a page: data itself, or its only list.
func (g *types) list(o *operation, data *yaml.Node) error {
	if o.kind != page {
		return nil
	}
	if strings.HasPrefix(o.data.text, "[]") {
		o.item = strings.TrimPrefix(o.data.text, "[]")
		return nil
	}
	at, _, err := g.document.follow(data)
	if err != nil {
		return err
	}
	for _, m := range members(get(at, "properties")) {
		t, err := g.of(m.value, o.data.text+exported(m.name))
		if err != nil {
			return err
		}
		if strings.HasPrefix(t.text, "[]") {
			o.items, o.item = "."+exported(m.name), strings.TrimPrefix(t.text, "[]")
		}
	}
	return nil
}
