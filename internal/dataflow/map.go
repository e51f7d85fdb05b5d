package dataflow

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// View is what of a graph is shown. Without a reach it is all of it; otherwise
// what is reached, and the edges along which that can have come about.
type View struct {
	Forward, Backward *Reach    // of the same graph; either may be nil
	Baseline          *Baseline // if not nil, edges that it does not have are marked
}

// Map is a graph as outputs show it. Its JSON form is the one of [Map.JSON].
type Map struct {
	Version  int           `json:"version"` // 1; it changes when a member changes its meaning
	Limits   []string      `json:"limits"`
	Examined Examined      `json:"examined"`
	Forward  *Reached      `json:"forward"` // null: nobody asked
	Backward *Reached      `json:"backward"`
	Baseline *BaselineInfo `json:"baseline"`
	Nodes    []MapNode     `json:"nodes"` // by kind, type and name
	Edges    []MapEdge     `json:"edges"` // by beginning, end and kind
}

// Examined is what the graph was made of.
type Examined struct {
	Entries   int     `json:"entries"`
	Failed    int     `json:"failed"`       // of what did not succeed: they have no edges
	Without   int     `json:"without_flow"` // that say nothing of a flow
	From      string  `json:"from"`         // time of the first entry, UTC; empty without any
	To        string  `json:"to"`
	Digest    string  `json:"digest"` // of the entries' numbers, times, ids and leaf hashes
	Nodes     int     `json:"nodes"`  // of the whole graph
	Edges     int     `json:"edges"`
	LeftOut   LeftOut `json:"left_out"`
	MaxNodes  int     `json:"max_nodes"`
	MaxEdges  int     `json:"max_edges"`
	MaxTimes  int     `json:"max_contacts"`
	Truncated bool    `json:"truncated"` // something was left out
}

// Reached is the outcome of a search.
type Reached struct {
	Trigger  string      `json:"trigger_entry_id,omitempty"`
	At       string      `json:"at"`
	Seeds    []string    `json:"seeds"` // ids of nodes
	Nodes    int         `json:"nodes"` // without the seeds
	Radius   []KindCount `json:"blast_radius"`
	Complete bool        `json:"complete"` // false: a lower bound, because something was left out
}

// BaselineInfo is what new edges are new against.
type BaselineInfo struct {
	Digest   string `json:"digest"`
	From     string `json:"from"`
	To       string `json:"to"`
	Complete bool   `json:"complete"` // false: an edge may be called new that is not
	New      int    `json:"new_edges"`
	NewShown int    `json:"new_edges_shown"` // in this map
}

// MapNode is a node.
type MapNode struct {
	ID           string  `json:"id"` // n and a number from 1: valid in this map only
	Kind         string  `json:"kind"`
	Type         string  `json:"type,omitempty"` // of a resource
	Name         string  `json:"name"`
	FirstSeen    string  `json:"first_seen"`
	LastSeen     string  `json:"last_seen"`
	Seed         bool    `json:"seed"`
	Forward      *Arrive `json:"forward,omitempty"`  // its earliest arrival, and the last edge to it
	Backward     *Arrive `json:"backward,omitempty"` // its latest departure, and the first edge from it
	Articulation bool    `json:"articulation"`       // without it more parts of this map would be apart

	kind NodeKind
	node int32
	hops int32 // of the nearer search; -1: not reached
}

// Arrive is how and when a node is reached.
type Arrive struct {
	At      string `json:"at"`
	Hops    int32  `json:"hops"`
	Edge    string `json:"edge,omitempty"` // id; of a seed none
	EntryID string `json:"entry_id,omitempty"`
}

// MapEdge is an edge.
type MapEdge struct {
	ID         string   `json:"id"` // e and a number from 1: valid in this map only
	Source     string   `json:"source"`
	Target     string   `json:"target"`
	Kind       string   `json:"kind"`
	Basis      string   `json:"basis"` // observed or declared
	FirstSeen  string   `json:"first_seen"`
	LastSeen   string   `json:"last_seen"`
	Count      int      `json:"count"`       // mentions
	EntryIDs   []string `json:"entry_ids"`   // of the first of them
	DeclaredBy []string `json:"declared_by"` // emitters, the first that named it; empty if none gave its id
	MoreBy     bool     `json:"declared_by_more,omitempty"`
	Bridge     bool     `json:"bridge"` // the edges of its two nodes are all that holds two parts of this map together
	New        *NewEdge `json:"new,omitempty"`

	kind     EdgeKind
	from, to int // in Map.Nodes
	edge     int32
}

const microseconds = "2006-01-02T15:04:05.000000Z"

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(microseconds)
}

// Map makes what outputs show.
func (g *Graph) Map(v View) *Map {
	m := &Map{Version: 1, Limits: Limits, Nodes: []MapNode{}, Edges: []MapEdge{}, Examined: Examined{
		Entries: g.Entries, Failed: g.Failed, Without: g.Without, From: stamp(g.From()), To: stamp(g.To()), Digest: g.Digest, Nodes: len(g.nodes), Edges: len(g.edges),
		LeftOut: g.LeftOut, MaxNodes: g.Bounds.Nodes, MaxEdges: g.Bounds.Edges, MaxTimes: g.Bounds.Contacts, Truncated: !g.LeftOut.Nothing(),
	}}
	place := m.takeNodes(g, v)
	edges := m.takeEdges(g, v, place)
	for i := range m.Nodes {
		n := &m.Nodes[i]
		n.Forward, n.Backward = v.Forward.arrive(n.node, edges), v.Backward.arrive(n.node, edges)
	}
	m.Forward, m.Backward = v.Forward.reached(place), v.Backward.reached(place)
	if v.Baseline != nil {
		m.mark(g, v.Baseline, edges)
	}
	m.cut()
	return m
}

// takeNodes returns their places in the map; -1: not in it.
func (m *Map) takeNodes(g *Graph, v View) []int {
	place := make([]int, len(g.nodes))
	for i := range g.nodes {
		n := &g.nodes[i]
		place[i] = -1
		hops := int32(-1)
		for _, r := range []*Reach{v.Forward, v.Backward} {
			if r != nil && r.at[i] != noTime && (hops < 0 || r.via[i].hops < hops) {
				hops = r.via[i].hops
			}
		}
		if hops < 0 && (v.Forward != nil || v.Backward != nil) {
			continue
		}
		m.Nodes = append(m.Nodes, MapNode{
			Kind: n.Kind.String(), Type: n.Type, Name: n.Name, FirstSeen: stamp(instant(n.first)), LastSeen: stamp(instant(n.last)), Seed: hops == 0,
			kind: n.Kind, node: int32(i), hops: hops,
		})
	}
	slices.SortFunc(m.Nodes, func(a, b MapNode) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), strings.Compare(a.Type, b.Type), strings.Compare(a.Name, b.Name))
	})
	for i := range m.Nodes {
		m.Nodes[i].ID = nodeID(i)
		place[m.Nodes[i].node] = i
	}
	return place
}

func (m *Map) takeEdges(g *Graph, v View, place []int) map[int32]string {
	for i := range g.edges {
		e := &g.edges[i]
		from, to := place[e.from], place[e.to]
		if from < 0 || to < 0 || v.Forward != nil || v.Backward != nil {
			if !v.Forward.passes(e) && !v.Backward.passes(e) {
				continue
			}
		}
		out := MapEdge{
			Source: m.Nodes[from].ID, Target: m.Nodes[to].ID, Kind: e.kind.String(), Basis: "observed", FirstSeen: stamp(instant(e.first)), LastSeen: stamp(instant(e.last)),
			Count: e.count, EntryIDs: []string{}, DeclaredBy: append([]string{}, e.emitters...), MoreBy: e.moreEmitters, kind: e.kind, from: from, to: to, edge: int32(i),
		}
		if e.kind.Declared() {
			out.Basis = "declared"
		}
		for _, entry := range e.entries {
			out.EntryIDs = append(out.EntryIDs, g.entries[entry].id())
		}
		m.Edges = append(m.Edges, out)
	}
	slices.SortFunc(m.Edges, func(a, b MapEdge) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to), cmp.Compare(a.kind, b.kind))
	})
	ids := make(map[int32]string, len(m.Edges))
	for i := range m.Edges {
		m.Edges[i].ID = fmt.Sprint("e", i+1)
		ids[m.Edges[i].edge] = m.Edges[i].ID
	}
	return ids
}

// JSON writes the map as one object, indented, with a line's end.
func (m *Map) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(m)
}
