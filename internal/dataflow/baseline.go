package dataflow

import (
	"math"
	"time"
)

// Baseline is the edges that were there before, and for each owner how often a
// new one came.
type Baseline struct {
	Digest   string // of the graph's entries
	From, To time.Time
	Complete bool // nothing was left out; otherwise an edge may be called new that is not

	edges  map[namedEdge]bool
	owners map[owner]*tally
}

type namedEdge struct {
	kind     EdgeKind
	from, to Node
}

// owner is whose habit an edge is: the user at its end, or for edges between
// things all edges of their kind.
type owner struct {
	user Node
	kind EdgeKind // of edges without a user
}

func (e namedEdge) owner() owner {
	switch {
	case e.from.Kind == User:
		return owner{user: e.from}
	case e.to.Kind == User:
		return owner{user: e.to}
	}
	return owner{kind: e.kind}
}

func (o owner) String() string {
	if o.user.Name != "" {
		return "edges of user " + o.user.Name
	}
	return "all edges of kind " + o.kind.String() + " without a user"
}

// tally is what the estimate needs: entries that named edges of the owner, and
// edges that one entry named.
type tally struct{ total, once int }

// minTally is the fewest mentions of edges that an estimate is made of.
const minTally = 20

// Baseline takes the edges of this graph as known. Its entries must not be those
// that are held against it.
func (g *Graph) Baseline() *Baseline {
	b := &Baseline{Digest: g.Digest, From: g.From(), To: g.To(), Complete: g.LeftOut.Nothing(), edges: map[namedEdge]bool{}, owners: map[owner]*tally{}}
	for i := range g.edges {
		e := g.named(&g.edges[i])
		b.edges[e] = true
		t := b.owners[e.owner()]
		if t == nil {
			t = &tally{}
			b.owners[e.owner()] = t
		}
		t.total += g.edges[i].count
		if g.edges[i].count == 1 {
			t.once++
		}
	}
	return b
}

func (g *Graph) named(e *edge) namedEdge {
	return namedEdge{e.kind, g.nodes[e.from].Node, g.nodes[e.to].Node}
}

// NewEdge is an edge that the baseline does not have.
type NewEdge struct {
	// Bits is -log2((once+0.5)/(mentions+1)), Good and Turing's estimate of how
	// improbable it is that the owner's next edge is a new one, rounded to
	// hundredths. It is null, and Reason says why, without enough to estimate from.
	Bits     *float64 `json:"surprisal_bits"`
	Reason   string   `json:"reason,omitempty"`
	Against  string   `json:"against"`  // whose edges it was measured against
	Mentions int      `json:"mentions"` // of these in the baseline
	Once     int      `json:"once"`     // of these edges, those that were mentioned once

	edge int32
}

// New returns the edges of g that the baseline does not have, in the order in
// which they were first named.
func (b *Baseline) New(g *Graph) (found []NewEdge) {
	for i := range g.edges {
		e := g.named(&g.edges[i])
		if b.edges[e] {
			continue
		}
		n := NewEdge{Against: e.owner().String(), edge: int32(i)}
		if t := b.owners[e.owner()]; t != nil {
			n.Mentions, n.Once = t.total, t.once
		}
		if n.Mentions < minTally {
			n.Reason = "insufficient_data: fewer than 20 mentions of such edges in the baseline"
		} else {
			bits := math.Round(-100*math.Log2((float64(n.Once)+0.5)/float64(n.Mentions+1))) / 100
			n.Bits = &bits
		}
		found = append(found, n)
	}
	return found
}
