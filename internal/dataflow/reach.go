package dataflow

import (
	"fmt"
	"slices"
	"sort"
	"time"
)

// Reach is what can be got to from a trigger by paths whose times never decrease
// (forward), or from where such paths lead to it (backward).
type Reach struct {
	Trigger  Trigger
	Backward bool

	graph *Graph
	seeds []int32
	at    []int64 // earliest arrival, or latest departure; noTime: not reached
	via   []step
	order []int32 // nodes as they were reached, the seeds first
}

// step is the last edge of the path to a node: backward, the first one from it.
type step struct {
	edge, entry int32 // -1 for a seed; the entry in Graph.entries
	hops        int32
}

const noTime = -1 << 63

// Forward finds all nodes that the trigger's Heads could have influenced, each at
// its earliest time, from the trigger's time on, inclusive. It looks at each
// contact once.
func (g *Graph) Forward(t Trigger) (*Reach, error) {
	r, err := g.begin(t, t.Heads, false)
	if err != nil {
		return nil, err
	}
	from := sort.Search(len(g.contacts), func(i int) bool { return g.contacts[i].at >= t.At.UnixMicro() })
	pending := newPending(len(g.nodes))
	for i := from; i < len(g.contacts); {
		j := i
		for j < len(g.contacts) && g.contacts[j].at == g.contacts[i].at {
			j++
		}
		r.carry(g.contacts[i:j], pending)
		i = j
	}
	return r, nil
}

// Backward finds all nodes that could have influenced the trigger's Tails, each
// at the latest time at which its influence still got there, up to the trigger's
// time, inclusive.
func (g *Graph) Backward(t Trigger) (*Reach, error) {
	r, err := g.begin(t, t.Tails, true)
	if err != nil {
		return nil, err
	}
	to := sort.Search(len(g.contacts), func(i int) bool { return g.contacts[i].at > t.At.UnixMicro() })
	pending := newPending(len(g.nodes))
	for j := to; j > 0; {
		i := j
		for i > 0 && g.contacts[i-1].at == g.contacts[j-1].at {
			i--
		}
		r.carry(g.contacts[i:j], pending)
		j = i
	}
	return r, nil
}

func (g *Graph) begin(t Trigger, from []Node, backward bool) (*Reach, error) {
	r := &Reach{Trigger: t, Backward: backward, graph: g, at: make([]int64, len(g.nodes)), via: make([]step, len(g.nodes))}
	for i := range r.at {
		r.at[i] = noTime
	}
	for _, n := range from {
		i, there := g.index[n]
		if there && r.at[i] == noTime {
			r.reach(i, t.At.UnixMicro(), step{-1, -1, 0})
			r.seeds = append(r.seeds, i)
		}
	}
	if len(r.seeds) == 0 {
		return nil, fmt.Errorf("map what is reached: none of the trigger's %d nodes is in the graph", len(from))
	}
	r.stand(0)
	return r, nil
}

func (r *Reach) reach(n int32, at int64, via step) {
	r.at[n], r.via[n] = at, via
	r.order = append(r.order, n)
}

// ends of an edge, in the direction of the search.
func (r *Reach) ends(e int32) (near, far int32) {
	edge := &r.graph.edges[e]
	if r.Backward {
		return edge.to, edge.from
	}
	return edge.from, edge.to
}

// stand follows standing edges from the nodes that were reached from order[done]
// on. They carry at any time since their first entry.
func (r *Reach) stand(done int) {
	around := &r.graph.after
	if r.Backward {
		around = &r.graph.before
	}
	for ; done < len(r.order); done++ {
		n := r.order[done]
		for _, e := range around.of(n) {
			edge := &r.graph.edges[e]
			if _, far := r.ends(e); r.at[far] == noTime && edge.first <= r.at[n] {
				r.reach(far, r.at[n], step{e, edge.entries[0], r.via[n].hops + 1})
			}
		}
	}
}

// pending holds the contacts of one time whose beginning is not reached yet.
type pending struct {
	head    []int32 // by node, the newest contact; -1: none
	next    []int32 // by contact
	touched []int32
}

func newPending(nodes int) *pending {
	p := &pending{head: make([]int32, nodes)}
	for i := range p.head {
		p.head[i] = -1
	}
	return p
}

// carry follows the contacts of one time. Their order among themselves says
// nothing, so one may go on from another that stands behind it. Backward it goes
// through them from their end, so that the later of two is preferred.
func (r *Reach) carry(contacts []contact, p *pending) {
	for len(p.next) < len(contacts) {
		p.next = append(p.next, -1)
	}
	for i := range contacts {
		if r.Backward {
			i = len(contacts) - 1 - i
		}
		near, far := r.ends(contacts[i].edge)
		switch {
		case r.at[far] != noTime:
		case r.at[near] == noTime:
			if p.head[near] < 0 {
				p.touched = append(p.touched, near)
			}
			p.next[i], p.head[near] = p.head[near], int32(i)
		default:
			r.follow(contacts, i, p)
		}
	}
	for _, n := range p.touched {
		p.head[n] = -1
	}
	p.touched = p.touched[:0]
}

func (r *Reach) follow(contacts []contact, i int, p *pending) {
	done := len(r.order)
	cross := func(c contact) {
		near, far := r.ends(c.edge)
		if r.at[far] == noTime {
			r.reach(far, c.at, step{c.edge, c.entry, r.via[near].hops + 1})
			r.stand(len(r.order) - 1)
		}
	}
	cross(contacts[i])
	for ; done < len(r.order); done++ {
		n := r.order[done]
		for k := p.head[n]; k >= 0; k = p.next[k] {
			cross(contacts[k])
		}
		p.head[n] = -1
	}
}

// At returns when a node is reached; false if it is not.
func (r *Reach) At(n Node) (time.Time, bool) {
	i, there := r.graph.index[n]
	if !there || r.at[i] == noTime {
		return time.Time{}, false
	}
	return instant(r.at[i]), true
}

// Step is one edge of a path.
type Step struct {
	From, To Node
	Kind     EdgeKind
	At       time.Time // when it carried
	EntryID  string    // of the entry that says so
}

// Path returns how a node is reached, in the direction of influence: forward
// from the trigger to the node, backward from the node to the trigger. It is one
// of perhaps many paths, and empty for a node that is not reached or a seed.
func (r *Reach) Path(n Node) (path []Step) {
	i, there := r.graph.index[n]
	if !there || r.at[i] == noTime {
		return nil
	}
	for r.via[i].edge >= 0 {
		v, e := r.via[i], &r.graph.edges[r.via[i].edge]
		path = append(path, Step{r.graph.nodes[e.from].Node, r.graph.nodes[e.to].Node, e.kind, instant(r.at[i]), r.graph.entries[v.entry].id()})
		i, _ = r.ends(v.edge)
	}
	if !r.Backward {
		slices.Reverse(path)
	}
	return path
}

// KindCount is how many nodes of a kind there are.
type KindCount struct {
	Kind  string `json:"kind"`
	Nodes int    `json:"nodes"`
}

// Radius is the blast radius: the reached nodes, without those that the search
// began at, by kind, all kinds in their order.
func (r *Reach) Radius() (counts []KindCount, all int) {
	counts = make([]KindCount, nodeKinds)
	for k := range counts {
		counts[k].Kind = NodeKind(k).String()
	}
	for _, n := range r.order[len(r.seeds):] {
		counts[r.graph.nodes[n].Kind].Nodes++
	}
	return counts, len(r.order) - len(r.seeds)
}

// Complete reports whether nothing was left out of the graph. If not, more nodes
// may be reached than are told.
func (r *Reach) Complete() bool { return r.graph.LeftOut.Nothing() }
