package dataflow

import (
	"encoding/hex"
	"fmt"
	"time"
)

// Graph is what entries say of flows. It does not change any more.
type Graph struct {
	Bounds  Bounds
	Entries int // taken, of any kind
	Failed  int // of these, entries of what did not succeed: they have no edges
	Without int // of these, entries that say nothing of a flow
	LeftOut LeftOut
	Digest  string // "sha256:" and 64 hex digits, over number, time, ids and leaf hash of each entry

	first, last int64 // times of the entries, in microseconds since 1970
	nodes       []node
	edges       []edge
	contacts    []contact // in time order
	entries     []reference
	triggers    map[string]Trigger
	index       map[Node]int32
	after       adjacency // standing edges by where they begin
	before      adjacency // and by where they end
}

// LeftOut counts what did not fit into the bounds. Unless all are zero, what is
// reached is a lower bound.
type LeftOut struct {
	Nodes    int `json:"nodes"`    // entries' mentions of nodes that there was no room for
	Edges    int `json:"edges"`    // mentions of such edges
	Contacts int `json:"contacts"` // times at which a known edge carried
	Links    int `json:"links"`    // edges whose nodes were left out, or of entries that name too many
}

// Nothing reports whether all of it fitted.
func (l LeftOut) Nothing() bool { return l == LeftOut{} }

// Trigger is where a question begins: an entry, or nodes at a time.
type Trigger struct {
	EntryID string // as it was asked for; may be empty
	At      time.Time
	Heads   []Node // where influence goes on to: [Graph.Forward] begins there
	Tails   []Node // where it comes from: [Graph.Backward] begins there
}

type node struct {
	Node
	first, last int64
}

type edge struct {
	edgeKey
	first, last  int64
	count        int
	entries      []int32 // the first, in Graph.entries
	emitters     []string
	moreEmitters bool
}

// contact is a time at which an edge carried. A standing edge has one, its first.
type contact struct {
	at          int64
	edge, entry int32
}

// adjacency lists edges by a node, in their order.
type adjacency struct {
	start []int32
	edges []int32
}

func (a *adjacency) of(n int32) []int32 { return a.edges[a.start[n]:a.start[n+1]] }

// Nodes and Edges are how many there are.
func (g *Graph) Nodes() int { return len(g.nodes) }

// Edges counts edges of different kind, beginning or end.
func (g *Graph) Edges() int { return len(g.edges) }

// From and To are the times of the first and the last entry; zero without any.
func (g *Graph) From() time.Time { return g.time(g.first) }

// To is the time of the last entry.
func (g *Graph) To() time.Time { return g.time(g.last) }

func (g *Graph) time(micro int64) time.Time {
	if g.Entries == 0 {
		return time.Time{}
	}
	return instant(micro)
}

// Trigger returns what was noted of a watched entry.
func (g *Graph) Trigger(entryID string) (Trigger, error) {
	t, there := g.triggers[entryID]
	if !there {
		return t, fmt.Errorf("find the trigger: %q is not among the watched entries that were read", entryID)
	}
	return t, nil
}

func (g *Graph) finish(digest []byte) {
	g.Digest = "sha256:" + hex.EncodeToString(digest)
	g.index = make(map[Node]int32, len(g.nodes))
	for i := range g.nodes {
		g.index[g.nodes[i].Node] = int32(i)
	}
	g.after = g.standing(func(e *edge) int32 { return e.from })
	g.before = g.standing(func(e *edge) int32 { return e.to })
}

func (g *Graph) standing(end func(*edge) int32) adjacency {
	a := adjacency{start: make([]int32, len(g.nodes)+1)}
	for i := range g.edges {
		if e := &g.edges[i]; e.kind.standing() {
			a.start[end(e)+1]++
		}
	}
	for i := range g.nodes {
		a.start[i+1] += a.start[i]
	}
	a.edges = make([]int32, a.start[len(g.nodes)])
	next := append([]int32(nil), a.start...)
	for i := range g.edges {
		if e := &g.edges[i]; e.kind.standing() {
			a.edges[next[end(e)]] = int32(i)
			next[end(e)]++
		}
	}
	return a
}
