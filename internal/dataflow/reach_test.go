package dataflow

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// randomGraph has few nodes and many equal times. Contains edges stand.
func randomGraph(random *rand.Rand) *Graph {
	b := New(Bounds{})
	kinds := []EdgeKind{Read, Write, Contains, Grant}
	nodes := 2 + random.IntN(7)
	when := int64(0)
	for n := random.IntN(25); n > 0; n-- {
		when += int64(random.IntN(3)) / 2
		b.links = b.links[:0]
		b.graph.Entries++
		for range 1 + random.IntN(2) {
			from, to := numbered(random.IntN(nodes)), numbered(random.IntN(nodes))
			b.link(kinds[random.IntN(len(kinds))], from, to)
		}
		b.connect(&audit.Entry{Seq: int64(n)}, when)
	}
	return b.Graph()
}

func numbered(i int) Node { return Node{Kind: Resource, Name: fmt.Sprint(i)} }

// carried is one event of the definition: an edge that carries at a time.
type carried struct {
	from, to int32
	at       int64
}

// expanded lists all of them up to a time, standing edges at each time since
// their first.
func expanded(g *Graph, until int64) (out []carried) {
	for _, c := range g.contacts {
		e := g.edges[c.edge]
		last := c.at
		if e.kind.standing() {
			last = until
		}
		for at := c.at; at <= last; at++ {
			out = append(out, carried{e.from, e.to, at})
		}
	}
	return out
}

// TestReachAgainstDefinition: relaxing every edge until nothing changes is the
// definition of a path whose times never decrease.
func TestReachAgainstDefinition(t *testing.T) {
	t.Parallel()
	reached := 0
	for seed := range uint64(4000) {
		random := rand.New(rand.NewPCG(seed, 7))
		g := randomGraph(random)
		if g.Nodes() == 0 {
			continue
		}
		start, at := g.nodes[random.IntN(g.Nodes())].Node, int64(random.IntN(12))
		trigger := Trigger{At: instant(at), Heads: []Node{start}, Tails: []Node{start}}
		forward, err := g.Forward(trigger)
		if err != nil {
			t.Fatal(err)
		}
		backward, err := g.Backward(trigger)
		if err != nil {
			t.Fatal(err)
		}
		all := expanded(g, 40)
		arrival, departure := map[int32]int64{g.index[start]: at}, map[int32]int64{g.index[start]: at}
		for changed := true; changed; {
			changed = false
			for _, c := range all {
				if a, is := arrival[c.from]; is && a <= c.at {
					if was, is := arrival[c.to]; !is || c.at < was {
						arrival[c.to], changed = c.at, true
					}
				}
				if d, is := departure[c.to]; is && c.at <= d {
					if was, is := departure[c.from]; !is || c.at > was {
						departure[c.from], changed = c.at, true
					}
				}
			}
		}
		compare := func(r *Reach, want map[int32]int64) {
			for i := range g.nodes {
				got, is := r.At(g.nodes[i].Node)
				if w, wanted := want[int32(i)]; is != wanted || is && got.UnixMicro() != w {
					t.Fatalf("seed %d, backward %v, node %s: %d %v, not %d %v", seed, r.Backward, g.nodes[i].Name, got.UnixMicro(), is, w, wanted)
				}
			}
			if len(r.order) != len(want) {
				t.Fatalf("seed %d: %d nodes in order, not %d", seed, len(r.order), len(want))
			}
			checkPaths(t, g, r)
			reached += len(want) - 1
		}
		compare(forward, arrival)
		compare(backward, departure)
	}
	if reached < 4000 {
		t.Errorf("only %d nodes were reached in all", reached)
	}
}

// checkPaths: each path hangs together, and its times never decrease.
func checkPaths(t *testing.T, g *Graph, r *Reach) {
	t.Helper()
	for _, n := range r.order[len(r.seeds):] {
		path := r.Path(g.nodes[n].Node)
		if len(path) != int(r.via[n].hops) {
			t.Fatalf("%d steps, not %d", len(path), r.via[n].hops)
		}
		ends := []Node{path[0].From, path[len(path)-1].To}
		if want := g.nodes[r.seeds[0]].Node; ends[0] != want && !r.Backward || ends[1] != want && r.Backward {
			t.Fatalf("the path %v is not one of %v", path, want)
		}
		for i := 1; i < len(path); i++ {
			if path[i].From != path[i-1].To || path[i].At.Before(path[i-1].At) {
				t.Fatalf("the path %v does not hold", path)
			}
		}
	}
}

// TestTimeRespecting: what a user read before the trigger carries nothing on, and
// what it wrote before neither.
func TestTimeRespecting(t *testing.T) {
	t.Parallel()
	g := graphOf(t, Bounds{}, []string{"e3"},
		line(1*time.Minute, "ada", "issue.updated", "early"),
		line(2*time.Minute, "bob", "record.read", "late"),
		line(3*time.Minute, "ada", "issue.updated", "late"),
		line(4*time.Minute, "eve", "record.read", "early"),
		line(5*time.Minute, "eve", "record.read", "late"),
		line(6*time.Minute, "eve", "issue.updated", "after"))
	trigger, err := g.Trigger("e3")
	if err != nil {
		t.Fatal(err)
	}
	r, err := g.Forward(trigger)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[Node]bool{
		{User, "", "eve"}: true, {Resource, "record", "after"}: true, {Resource, "record", "late"}: true,
		{User, "", "bob"}: false, {Resource, "record", "early"}: false,
	} {
		if _, is := r.At(name); is != want {
			t.Errorf("%v: reached %v", name, is)
		}
	}
	path := r.Path(Node{Resource, "record", "after"})
	if len(path) != 2 || path[0].EntryID != "e5" || path[1].EntryID != "e6" || path[0].Kind != Read {
		t.Errorf("%+v", path)
	}
	causes, err := g.Backward(Trigger{At: monday.Add(6 * time.Minute), Tails: []Node{{User, "", "eve"}}})
	if err != nil {
		t.Fatal(err)
	}
	counts, all := causes.Radius()
	if all != 3 || counts[User].Nodes != 1 || counts[Resource].Nodes != 2 { // ada, early, late
		t.Errorf("%v", counts)
	}
}

// TestMachine: a part stays in its machine, so that writing it later reaches the
// machine although that entry does not name it. Reading a part writes nothing.
func TestMachine(t *testing.T) {
	t.Parallel()
	g := graphOf(t, Bounds{}, []string{"e1", "e3"},
		line(0, "ada", "record.viewed", "part", with("resource.parent_machine", "press")),
		line(time.Minute, "ada", "issue.updated", "other"),
		line(2*time.Minute, "eve", "issue.updated", "part"),
		line(3*time.Minute, "bob", "record.viewed", "part"))
	press := Node{Machine, "", "press"}
	for id, want := range map[string]bool{"e1": false, "e3": true} {
		trigger, _ := g.Trigger(id)
		r, err := g.Forward(trigger)
		if err != nil {
			t.Fatal(err)
		}
		if _, is := r.At(press); is != want {
			t.Errorf("from %s: the machine is reached: %v", id, is)
		}
	}
}

// TestShownEdges: between nodes that are reached, edges that carried too early or
// too late are not shown.
func TestShownEdges(t *testing.T) {
	t.Parallel()
	g := graphOf(t, Bounds{}, []string{"e2"},
		line(0, "ada", "record.viewed", "late"), // before eve wrote it
		line(time.Minute, "eve", "issue.updated", "late"),
		line(2*time.Minute, "eve", "issue.updated", "more"),
		line(3*time.Minute, "ada", "record.viewed", "more"),
		line(4*time.Minute, "ada", "issue.updated", "late"))
	trigger, _ := g.Trigger("e2")
	forward, err := g.Forward(trigger)
	if err != nil {
		t.Fatal(err)
	}
	backward, err := g.Backward(Trigger{At: monday.Add(time.Minute), Tails: []Node{{Resource, "record", "late"}}})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		view View
		want string
	}{
		"forward":  {View{Forward: forward}, "eve>late eve>more ada>late more>ada"},
		"backward": {View{Backward: backward}, "eve>late"},
		"all":      {View{}, "ada>late eve>late eve>more late>ada more>ada"},
	} {
		m := g.Map(c.view)
		var got []string
		for _, e := range m.Edges {
			got = append(got, m.Nodes[e.from].Name+">"+m.Nodes[e.to].Name)
		}
		want := strings.Fields(c.want)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, not %v", name, got, want)
		}
	}
}
