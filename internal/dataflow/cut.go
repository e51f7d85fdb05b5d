package dataflow

// pair is an edge of the graph that forgets direction, kind and number.
type pair [2]int32

// cuts finds what alone holds parts of a graph together, whatever the direction:
// the nodes (articulation points) and the pairs of neighbours (bridges) without
// which more parts would be apart. Pairs must be distinct and of two nodes. The
// algorithm is that of Hopcroft and Tarjan, with a stack of its own because paths
// can be long.
func cuts(nodes int, pairs []pair) (points []bool, bridges []bool) {
	points, bridges = make([]bool, nodes), make([]bool, len(pairs))
	start := make([]int32, nodes+1)
	for _, p := range pairs {
		start[p[0]+1]++
		start[p[1]+1]++
	}
	for i := range nodes {
		start[i+1] += start[i]
	}
	around := make([]int32, 2*len(pairs)) // pairs by node
	fill := append([]int32(nil), start...)
	for i, p := range pairs {
		for _, n := range p {
			around[fill[n]] = int32(i)
			fill[n]++
		}
	}

	seen, low := make([]int32, nodes), make([]int32, nodes) // when a node was seen, from 1; the earliest seen that its subtree gets back to
	next := append([]int32(nil), start[:nodes]...)
	clock := int32(0)
	type visit struct{ node, through int32 } // the pair through which it was come to
	var stack []visit
	for root := range int32(nodes) {
		if seen[root] != 0 {
			continue
		}
		children := 0
		clock++
		seen[root], low[root] = clock, clock
		stack = append(stack[:0], visit{root, -1})
		for len(stack) > 0 {
			v := stack[len(stack)-1]
			if next[v.node] < start[v.node+1] {
				p := around[next[v.node]]
				next[v.node]++
				other := pairs[p][0] + pairs[p][1] - v.node
				switch {
				case p == v.through:
				case seen[other] != 0:
					low[v.node] = min(low[v.node], seen[other])
				default:
					clock++
					seen[other], low[other] = clock, clock
					stack = append(stack, visit{other, p})
				}
				continue
			}
			stack = stack[:len(stack)-1]
			if len(stack) == 0 {
				break
			}
			above := stack[len(stack)-1].node
			low[above] = min(low[above], low[v.node])
			if low[v.node] > seen[above] {
				bridges[v.through] = true
			}
			if above == root {
				children++
			} else if low[v.node] >= seen[above] {
				points[above] = true
			}
		}
		points[root] = children > 1
	}
	return points, bridges
}
