package dataflow

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// Builder makes a graph of entries, one at a time. It is not safe for use by
// several goroutines.
type Builder struct {
	bounds  Bounds
	graph   *Graph
	nodes   map[Node]int32
	edges   map[edgeKey]int32
	emitter map[string]string // the one copy of each name
	digest  hash.Hash
	last    int64
	bare    bool              // it keeps edges and their numbers alone
	watched map[string]string // external id, or ULID: as it was asked for
	numbers map[int64]string  // the number in an entry id: the same
	derivation
}

type edgeKey struct {
	kind     EdgeKind
	from, to int32
}

// MaxWatched bounds the entries that a builder notes as triggers.
const MaxWatched = 100

// New starts a graph. watch names entries, by entry id, log id or external id,
// whose nodes shall be triggers; what is beyond MaxWatched is ignored.
func New(bounds Bounds, watch ...string) *Builder {
	b := &Builder{
		bounds: bounds.filled(), nodes: map[Node]int32{}, edges: map[edgeKey]int32{}, emitter: map[string]string{}, digest: sha256.New(),
		watched: map[string]string{}, numbers: map[int64]string{}, derivation: derivation{known: sensed{}},
	}
	b.graph = &Graph{Bounds: b.bounds, triggers: map[string]Trigger{}}
	for _, id := range watch[:min(len(watch), MaxWatched)] {
		b.watched[strings.TrimPrefix(id, "log_")] = id
		b.watched[id] = id
		if i := strings.LastIndexByte(id, '_'); i >= 0 && strings.HasPrefix(id, "audit_entry_") {
			if n, err := strconv.ParseInt(id[i+1:], 10, 64); err == nil {
				b.numbers[n] = id
			}
		}
	}
	return b
}

// NewEdges starts a graph of which a [Baseline] will be made and nothing else: it keeps
// neither the times at which an edge carried nor which entries said so.
func NewEdges(bounds Bounds) *Builder {
	b := New(bounds)
	b.bare = true
	return b
}

// Add takes the next entry in the order of time. It refuses one that is before
// the last, and keeps none of the entry's memory.
func (b *Builder) Add(e *audit.Entry) error {
	when, g := e.Time().UnixMicro(), b.graph
	if g.Entries > 0 && when < b.last {
		return fmt.Errorf("map data flows: %s is before the entry that came before it", referTo(e).id())
	}
	if g.Entries == 0 {
		g.first = when
	}
	b.last, g.last = when, when
	g.Entries++
	b.identify(e, when)
	b.read(e)
	g.LeftOut.Links += b.skipped
	switch {
	case b.failed:
		g.Failed++
	case len(b.links) == 0:
		g.Without++
	}
	if id, is := b.watches(e); is {
		heads, tails := b.ends()
		g.triggers[id] = Trigger{EntryID: id, At: instant(when), Heads: heads, Tails: tails}
	}
	if b.user.Name != "" {
		b.node(b.user, when)
	}
	if len(b.links) > 0 {
		b.connect(e, when)
	}
	return nil
}

// identify makes the digest go on over what tells one entry from another.
func (b *Builder) identify(e *audit.Entry, when int64) {
	var fixed [28]byte
	binary.BigEndian.PutUint64(fixed[:], uint64(e.Seq))
	binary.BigEndian.PutUint64(fixed[8:], uint64(when))
	for i, s := range []string{e.EventID, e.ExternalID, e.Hash} {
		binary.BigEndian.PutUint32(fixed[16+4*i:], uint32(len(s)))
	}
	b.digest.Write(fixed[:])
	b.digest.Write([]byte(e.EventID))
	b.digest.Write([]byte(e.ExternalID))
	b.digest.Write([]byte(e.Hash))
}

func (b *Builder) watches(e *audit.Entry) (string, bool) {
	if len(b.watched) == 0 {
		return "", false
	}
	if id, is := b.watched[e.ExternalID]; is && e.ExternalID != "" {
		return id, true
	}
	if e.EventID == "" {
		return "", false
	}
	if id, is := b.watched[e.EventID]; is {
		return id, true
	}
	id, is := b.numbers[e.Seq]
	return id, is && id == e.EntryID()
}

func (b *Builder) connect(e *audit.Entry, when int64) {
	g, entry, emitter := b.graph, int32(-1), emitterOf(e)
	for _, l := range b.links {
		from, to := b.node(l.from, when), b.node(l.to, when)
		if from < 0 || to < 0 {
			g.LeftOut.Links++
			continue
		}
		key := edgeKey{l.kind, from, to}
		i, there := b.edges[key]
		switch {
		case there:
		case len(g.edges) == b.bounds.Edges:
			g.LeftOut.Edges++
			continue
		default:
			i = int32(len(g.edges))
			b.edges[key] = i
			g.edges = append(g.edges, edge{edgeKey: key, first: when, last: when - 1})
		}
		edge := &g.edges[i]
		kept := !b.bare && edge.last < when && (!there || !l.kind.standing())
		if kept && len(g.contacts) == b.bounds.Contacts {
			kept = false
			g.LeftOut.Contacts++
		}
		named := !b.bare && len(edge.entries) < b.bounds.EntryIDs
		if (kept || named) && entry < 0 {
			entry = int32(len(g.entries))
			ref := referTo(e)
			ref.external = strings.Clone(ref.external)
			g.entries = append(g.entries, ref)
		}
		if kept {
			g.contacts = append(g.contacts, contact{when, i, entry})
		}
		if named && (len(edge.entries) == 0 || edge.entries[len(edge.entries)-1] != entry) {
			edge.entries = append(edge.entries, entry)
		}
		edge.last = when
		edge.count++
		b.declare(edge, emitter)
	}
}

func (b *Builder) declare(e *edge, emitter string) {
	if emitter == "" {
		return
	}
	for _, known := range e.emitters {
		if known == emitter {
			return
		}
	}
	if len(e.emitters) == b.bounds.Emitters {
		e.moreEmitters = true
		return
	}
	name, there := b.emitter[emitter]
	if !there {
		name = clip(strings.Clone(emitter))
		if len(b.emitter) < maxSensed {
			b.emitter[strings.Clone(emitter)] = name
		}
	}
	e.emitters = append(e.emitters, name)
}

// node returns the number of a node, or -1 where there is no room for it.
func (b *Builder) node(n Node, when int64) int32 {
	g := b.graph
	i, there := b.nodes[n]
	if !there {
		if len(g.nodes) == b.bounds.Nodes {
			g.LeftOut.Nodes++
			return -1
		}
		i = int32(len(g.nodes))
		n.Name, n.Type = strings.Clone(n.Name), strings.Clone(n.Type)
		b.nodes[n] = i
		g.nodes = append(g.nodes, node{Node: n, first: when})
	}
	g.nodes[i].last = when
	return i
}

// Graph ends the building. The builder cannot be used after it.
func (b *Builder) Graph() *Graph {
	b.graph.finish(b.digest.Sum(nil))
	return b.graph
}

func instant(micro int64) time.Time { return time.UnixMicro(micro).UTC() }
