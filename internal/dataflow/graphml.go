package dataflow

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// attribute is a GraphML attribute: of what, its type, and its value; "" is left
// out.
type attribute[T any] struct {
	name, kind string
	value      func(*T) string
}

var nodeAttributes = []attribute[MapNode]{
	{"kind", "string", func(n *MapNode) string { return n.Kind }},
	{"type", "string", func(n *MapNode) string { return n.Type }},
	{"name", "string", func(n *MapNode) string { return n.Name }},
	{"first_seen", "string", func(n *MapNode) string { return n.FirstSeen }},
	{"last_seen", "string", func(n *MapNode) string { return n.LastSeen }},
	{"seed", "boolean", func(n *MapNode) string { return strconv.FormatBool(n.Seed) }},
	{"articulation", "boolean", func(n *MapNode) string { return strconv.FormatBool(n.Articulation) }},
	{"forward_at", "string", func(n *MapNode) string { return n.Forward.at() }},
	{"forward_hops", "int", func(n *MapNode) string { return n.Forward.count() }},
	{"backward_at", "string", func(n *MapNode) string { return n.Backward.at() }},
	{"backward_hops", "int", func(n *MapNode) string { return n.Backward.count() }},
}

var edgeAttributes = []attribute[MapEdge]{
	{"kind", "string", func(e *MapEdge) string { return e.Kind }},
	{"basis", "string", func(e *MapEdge) string { return e.Basis }},
	{"first_seen", "string", func(e *MapEdge) string { return e.FirstSeen }},
	{"last_seen", "string", func(e *MapEdge) string { return e.LastSeen }},
	{"count", "int", func(e *MapEdge) string { return strconv.Itoa(e.Count) }},
	{"entry_ids", "string", func(e *MapEdge) string { return strings.Join(e.EntryIDs, " ") }},
	{"declared_by", "string", func(e *MapEdge) string { return strings.Join(e.DeclaredBy, " ") }},
	{"bridge", "boolean", func(e *MapEdge) string { return strconv.FormatBool(e.Bridge) }},
	{"new", "boolean", func(e *MapEdge) string { return strconv.FormatBool(e.New != nil) }},
	{"surprisal_bits", "double", func(e *MapEdge) string {
		if e.New == nil || e.New.Bits == nil {
			return ""
		}
		return strconv.FormatFloat(*e.New.Bits, 'f', 2, 64)
	}},
}

// mapAttributes are of the graph as a whole.
var mapAttributes = []attribute[Map]{
	{"limits", "string", func(m *Map) string { return strings.Join(m.Limits, " ") }},
	{"entries", "int", func(m *Map) string { return strconv.Itoa(m.Examined.Entries) }},
	{"from", "string", func(m *Map) string { return m.Examined.From }},
	{"to", "string", func(m *Map) string { return m.Examined.To }},
	{"digest", "string", func(m *Map) string { return m.Examined.Digest }},
	{"truncated", "boolean", func(m *Map) string { return strconv.FormatBool(m.Examined.Truncated) }},
}

func (a *Arrive) at() string {
	if a == nil {
		return ""
	}
	return a.At
}

func (a *Arrive) count() string {
	if a == nil {
		return ""
	}
	return strconv.Itoa(int(a.Hops))
}

// GraphML writes the map as GraphML 1.0 (graphml.graphdrawing.org). XML cannot
// hold all characters: those that it cannot, and those that one would not see,
// are their number in brackets.
func (m *Map) GraphML(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprint(b, `<?xml version="1.0" encoding="UTF-8"?>`, "\n",
		`<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`,
		` xsi:schemaLocation="http://graphml.graphdrawing.org/xmlns http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd">`, "\n")
	keys(b, "graph", mapAttributes)
	keys(b, "node", nodeAttributes)
	keys(b, "edge", edgeAttributes)
	fmt.Fprint(b, `  <graph id="dataflow" edgedefault="directed">`, "\n")
	data(b, "graph", m, mapAttributes)
	for i := range m.Nodes {
		n := &m.Nodes[i]
		fmt.Fprintf(b, "    <node id=\"%s\">\n", n.ID)
		data(b, "node", n, nodeAttributes)
		fmt.Fprint(b, "    </node>\n")
	}
	for i := range m.Edges {
		e := &m.Edges[i]
		fmt.Fprintf(b, "    <edge id=\"%s\" source=\"%s\" target=\"%s\">\n", e.ID, e.Source, e.Target)
		data(b, "edge", e, edgeAttributes)
		fmt.Fprint(b, "    </edge>\n")
	}
	fmt.Fprint(b, "  </graph>\n</graphml>\n")
	return b.Flush()
}

func keys[T any](w io.Writer, of string, list []attribute[T]) {
	for _, a := range list {
		fmt.Fprintf(w, "  <key id=\"%s_%s\" for=\"%s\" attr.name=\"%s\" attr.type=\"%s\"/>\n", of, a.name, of, a.name, a.kind)
	}
}

func data[T any](w io.Writer, of string, x *T, list []attribute[T]) {
	for _, a := range list {
		if value := a.value(x); value != "" {
			fmt.Fprintf(w, "      <data key=\"%s_%s\">%s</data>\n", of, a.name, escape(visible(value)))
		}
	}
}
