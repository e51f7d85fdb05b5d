package dataflow

import (
	"math/rand/v2"
	"testing"
)

// parts counts the connected parts of a graph without one node and one pair.
func parts(nodes int, pairs []pair, noNode, noPair int) int {
	group := make([]int, nodes)
	for i := range group {
		group[i] = i
	}
	find := func(i int) int {
		for group[i] != i {
			i = group[i]
		}
		return i
	}
	for i, p := range pairs {
		if i != noPair && int(p[0]) != noNode && int(p[1]) != noNode {
			group[find(int(p[0]))] = find(int(p[1]))
		}
	}
	n := 0
	for i := range group {
		if group[i] == i && i != noNode {
			n++
		}
	}
	return n
}

// TestCutsAgainstDefinition takes each node and each pair out, and counts.
func TestCutsAgainstDefinition(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3000) {
		random := rand.New(rand.NewPCG(seed, 3))
		nodes := 1 + random.IntN(9)
		known := map[pair]bool{}
		var pairs []pair
		for range random.IntN(14) {
			p := pair{int32(random.IntN(nodes)), int32(random.IntN(nodes))}
			if p[0] < p[1] && !known[p] {
				known[p] = true
				pairs = append(pairs, p)
			}
		}
		points, bridges := cuts(nodes, pairs)
		whole := parts(nodes, pairs, -1, -1)
		for i := range nodes {
			alone := 0 // a node without neighbours is a part that goes away with it
			if parts(nodes, pairs, i, -1) < whole {
				alone = 1
			}
			if want := parts(nodes, pairs, i, -1)+alone > whole; points[i] != want {
				t.Fatalf("seed %d, %v: node %d is %v", seed, pairs, i, points[i])
			}
		}
		for i := range pairs {
			if want := parts(nodes, pairs, -1, i) > whole; bridges[i] != want {
				t.Fatalf("seed %d, %v: pair %v is %v", seed, pairs, pairs[i], bridges[i])
			}
		}
	}
}

// TestLongPath: depth is no matter of the goroutine's stack.
func TestLongPath(t *testing.T) {
	t.Parallel()
	pairs := make([]pair, 200_000)
	for i := range pairs {
		pairs[i] = pair{int32(i), int32(i + 1)}
	}
	points, bridges := cuts(len(pairs)+1, pairs)
	if points[0] || !points[1] || !bridges[0] || points[len(pairs)] {
		t.Error("a path is not seen as one")
	}
}
