package dataflow

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// maxMap bounds a map that is read, in bytes.
const maxMap = 256 << 20

// ReadMap reads a map that [Map.JSON] wrote, so that it can be drawn again as it was.
// What names kinds, or nodes, that no map has, is refused.
func ReadMap(r io.Reader) (*Map, error) {
	m := &Map{}
	d := json.NewDecoder(io.LimitReader(r, maxMap))
	if err := d.Decode(m); err != nil {
		return nil, fmt.Errorf("read a map of data flows: %w", err)
	}
	if m.Version != 1 {
		return nil, fmt.Errorf("read a map of data flows: its version is %d, and this program knows 1", m.Version)
	}
	place := make(map[string]int, len(m.Nodes))
	for i := range m.Nodes {
		n := &m.Nodes[i]
		kind := slices.Index(nodeNames[:], n.Kind)
		if kind < 0 {
			return nil, fmt.Errorf("read a map of data flows: no node is a %.50q", n.Kind)
		}
		n.kind, n.hops, place[n.ID] = NodeKind(kind), -1, i
		for _, a := range []*Arrive{n.Forward, n.Backward} {
			if a != nil && (n.hops < 0 || a.Hops < n.hops) {
				n.hops = a.Hops
			}
		}
	}
	for i := range m.Edges {
		e := &m.Edges[i]
		kind := slices.Index(edgeNames[:], e.Kind)
		from, begins := place[e.Source]
		to, ends := place[e.Target]
		if kind < 0 || !begins || !ends {
			return nil, fmt.Errorf("read a map of data flows: the edge %.50q has no such kind, or no such ends", e.ID)
		}
		e.kind, e.from, e.to = EdgeKind(kind), from, to
	}
	for _, reached := range []*Reached{m.Forward, m.Backward} {
		if reached != nil && len(reached.Radius) > int(nodeKinds) {
			return nil, fmt.Errorf("read a map of data flows: %d kinds are reached, and there are %d", len(reached.Radius), nodeKinds)
		}
	}
	return m, nil
}
