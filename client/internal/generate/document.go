package main

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document is an OpenAPI document. Its nodes keep the order of the source, so
// that what is generated reads like it.
type document struct{ root *yaml.Node }

func parse(source []byte) (*document, error) {
	var n yaml.Node
	if err := yaml.Unmarshal(source, &n); err != nil {
		return nil, fmt.Errorf("parse the document: %w", err)
	}
	if n.Kind != yaml.DocumentNode || len(n.Content) != 1 {
		return nil, fmt.Errorf("the document is empty")
	}
	return &document{n.Content[0]}, nil
}

type member struct {
	name  string
	value *yaml.Node
}

// members returns those of a mapping in their order, with what merge keys (<<)
// bring in at their place. Of a node that is no mapping there are none.
func members(n *yaml.Node) (out []member) {
	n = aliased(n)
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	own := map[string]bool{}
	for i := 0; i < len(n.Content); i += 2 {
		own[n.Content[i].Value] = true
	}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], aliased(n.Content[i+1])
		if key.Tag != "!!merge" {
			out = append(out, member{key.Value, value})
			continue
		}
		sources := []*yaml.Node{value}
		if value.Kind == yaml.SequenceNode {
			sources = value.Content
		}
		for _, s := range sources {
			for _, m := range members(s) {
				if !own[m.name] {
					own[m.name] = true
					out = append(out, m)
				}
			}
		}
	}
	return out
}

func aliased(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// get returns the node at a path of names, or nil.
func get(n *yaml.Node, path ...string) *yaml.Node {
	for _, name := range path {
		all := members(n)
		i := slices.IndexFunc(all, func(m member) bool { return m.name == name })
		if i < 0 {
			return nil
		}
		n = all[i].value
	}
	return aliased(n)
}

// text returns the scalar at a path, or "".
func text(n *yaml.Node, path ...string) string {
	if n = get(n, path...); n != nil && n.Kind == yaml.ScalarNode {
		return n.Value
	}
	return ""
}

// list returns the elements at a path.
func list(n *yaml.Node, path ...string) (out []*yaml.Node) {
	if n = get(n, path...); n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	for _, e := range n.Content {
		out = append(out, aliased(e))
	}
	return out
}

// values are the scalars of a list.
func values(n *yaml.Node, path ...string) (out []string) {
	for _, e := range list(n, path...) {
		if e.Kind == yaml.ScalarNode {
			out = append(out, e.Value)
		}
	}
	return out
}

// follow returns what a node or the $ref in it stands for, and the last name on
// the way, which is "" for what has none.
func (d *document) follow(n *yaml.Node) (at *yaml.Node, name string, err error) {
	at = aliased(n)
	for range 32 {
		ref := text(at, "$ref")
		if ref == "" {
			return at, name, nil
		}
		path, local := strings.CutPrefix(ref, "#/")
		steps := strings.Split(path, "/")
		if at = get(d.root, steps...); !local || at == nil {
			return nil, "", fmt.Errorf("line %d: %s leads nowhere", n.Line, ref)
		}
		name = steps[len(steps)-1]
	}
	return nil, "", fmt.Errorf("line %d: the references go round in a circle", n.Line)
}
