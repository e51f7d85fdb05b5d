// Package dataflow is the map of how data and influence could have moved: a
// temporal graph of users, sessions, resources, machines, systems and recipients,
// made of audit entries alone. It guards that a path respects time, that equal
// entries give equal bytes in every form (JSON, GraphML, SVG, a drawing), and
// that a form says what the map cannot show. Investigations use it.
//
// What is reached could have been influenced. That it was, entries do not say.
package dataflow

// NodeKind is what a node stands for.
type NodeKind uint8

// The kinds, in the order in which pictures have them from left to right.
const (
	SourceIP NodeKind = iota
	Credential
	Session
	User // a person or a program that acts
	Resource
	Machine // parent_machine
	Export
	System // impact_assessment.affected_systems
	Recipient
	Downstream // impact_assessment.downstream_effects
	nodeKinds
)

var nodeNames = [nodeKinds]string{"source_ip", "credential", "session", "user", "resource", "parent_machine", "export", "system", "recipient", "downstream"}

// String is the name that outputs have.
func (k NodeKind) String() string { return nodeNames[k] }

// NodeKinds lists all kinds in their order.
func NodeKinds() []NodeKind {
	list := make([]NodeKind, nodeKinds)
	for i := range list {
		list[i] = NodeKind(i)
	}
	return list
}

// Node names something that entries name. Two nodes are the same if all three
// fields are.
type Node struct {
	Kind NodeKind
	Type string // of a resource, as its emitter says; else empty
	Name string // at most maxName bytes: [clip] shortens what is longer
}

// EdgeKind is how data or influence moves along an edge.
type EdgeKind uint8

// The kinds, each with its direction.
const (
	Use      EdgeKind = iota // source or credential to session, session to user: who has the one can act as the other
	Read                     // resource to user
	Write                    // user to resource, or to the user whose account it is
	Grant                    // grantor to grantee
	Contains                 // resource to machine
	Affects                  // resource or machine to system, system to downstream
	Exports                  // resource or user to export, export to recipient
	edgeKinds
)

var edgeNames = [edgeKinds]string{"use", "read", "write", "grant", "contains", "affects", "export"}

// String is the name that outputs have.
func (k EdgeKind) String() string { return edgeNames[k] }

// Declared reports whether an edge of this kind is what an emitter says of its
// surroundings. The others are what an entry recorded as having happened.
func (k EdgeKind) Declared() bool { return k == Contains || k == Affects }

// standing reports whether an edge holds from the first entry that names it on.
// A part stays in its machine; everything else carries only when it happens.
func (k EdgeKind) standing() bool { return k == Contains }

// Bounds limit what a builder keeps. What does not fit is left out and counted.
// A field that is not positive has the default.
type Bounds struct {
	Nodes    int // 100,000
	Edges    int // 200,000
	Contacts int // 2,000,000: times at which an edge carried; 16 bytes each, and 56 for each entry that has some
	EntryIDs int // 10: ids of the first entries of an edge
	Emitters int // 5: first emitters that named an edge
}

func (b Bounds) filled() Bounds {
	for _, f := range []struct {
		field    *int
		standard int
	}{{&b.Nodes, 100_000}, {&b.Edges, 200_000}, {&b.Contacts, 2_000_000}, {&b.EntryIDs, 10}, {&b.Emitters, 5}} {
		if *f.field <= 0 {
			*f.field = f.standard
		}
	}
	return b
}

// Bounds of one entry and of one name.
const (
	maxName  = 512   // bytes
	maxPairs = 1_000 // of a system and a downstream effect, or of a resource and recipients, of one entry
)

// Limits are the sentences that every output carries.
var Limits = []string{
	"What is reached could have been influenced; no entry says that it was.",
	"Edges that emitters declare (contains, affects) are their claims, and nobody checked them.",
	"A read is seen only if it was recorded.",
	"Copies outside the recorded systems are invisible.",
	"Something that entries name in two ways is two nodes; two things of one name are one.",
}
