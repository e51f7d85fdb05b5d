package dataflow

import "strconv"

// passes reports whether influence of the search can have gone along an edge:
// it carried after its beginning was reached, or backward before its end was
// left.
func (r *Reach) passes(e *edge) bool {
	if r == nil || r.at[e.from] == noTime || r.at[e.to] == noTime {
		return false
	}
	if r.Backward {
		return e.first <= r.at[e.to]
	}
	return e.kind.standing() || e.last >= r.at[e.from]
}

func (r *Reach) arrive(n int32, edges map[int32]string) *Arrive {
	if r == nil || r.at[n] == noTime {
		return nil
	}
	a := &Arrive{At: stamp(instant(r.at[n])), Hops: r.via[n].hops}
	if via := r.via[n]; via.edge >= 0 {
		a.Edge, a.EntryID = edges[via.edge], r.graph.entries[via.entry].id()
	}
	return a
}

func (r *Reach) reached(place []int) *Reached {
	if r == nil {
		return nil
	}
	out := &Reached{Trigger: r.Trigger.EntryID, At: stamp(r.Trigger.At), Seeds: []string{}, Complete: r.Complete()}
	out.Radius, out.Nodes = r.Radius()
	for _, s := range r.seeds {
		out.Seeds = append(out.Seeds, nodeID(place[s]))
	}
	return out
}

// mark tells of edges that they are new, and counts those outside this map too.
func (m *Map) mark(g *Graph, b *Baseline, ids map[int32]string) {
	m.Baseline = &BaselineInfo{Digest: b.Digest, From: stamp(b.From), To: stamp(b.To), Complete: b.Complete}
	found := b.New(g)
	m.Baseline.New = len(found)
	byEdge := make(map[int32]*NewEdge, len(found))
	for i := range found {
		byEdge[found[i].edge] = &found[i]
		if _, shown := ids[found[i].edge]; shown {
			m.Baseline.NewShown++
		}
	}
	for i := range m.Edges {
		m.Edges[i].New = byEdge[m.Edges[i].edge]
	}
}

// cut marks articulation points and bridges of the map. Edges between the same
// two nodes are one connection.
func (m *Map) cut() {
	var pairs []pair
	number := map[pair]int{}
	of := func(e *MapEdge) pair { return pair{int32(min(e.from, e.to)), int32(max(e.from, e.to))} }
	for i := range m.Edges {
		p := of(&m.Edges[i])
		if _, there := number[p]; !there {
			number[p] = len(pairs)
			pairs = append(pairs, p)
		}
	}
	points, bridges := cuts(len(m.Nodes), pairs)
	for i := range m.Nodes {
		m.Nodes[i].Articulation = points[i]
	}
	for i := range m.Edges {
		m.Edges[i].Bridge = bridges[number[of(&m.Edges[i])]]
	}
}

// nodeID is the id of the node at a place in the map.
func nodeID(place int) string { return "n" + strconv.Itoa(place+1) }
