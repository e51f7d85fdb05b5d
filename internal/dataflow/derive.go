package dataflow

import (
	"slices"

	"github.com/sealbook/sealbook/audit"
)

// link is one edge that one entry names.
type link struct {
	kind     EdgeKind
	from, to Node
}

// derivation is what one entry says about flows. It is used again for the next.
type derivation struct {
	known   sensed
	user    Node // the zero name: nobody is named
	links   []link
	failed  bool
	skipped int // links beyond maxPairs
}

// read derives the links of an entry. One that failed moved nothing.
func (d *derivation) read(e *audit.Entry) {
	names := d.known.of(e.Type) | d.known.of(e.Action.String("operation")) | d.known.of(e.Category)
	d.user, d.links, d.skipped = Node{Kind: User, Name: clip(userOf(e))}, d.links[:0], 0
	if d.failed = failed(e, names); d.failed {
		return
	}
	d.acting(e)
	subject, there := subjectOf(e)
	d.acted(e, names, subject, there)
	d.surroundings(e, subject, there)
}

func (d *derivation) link(kind EdgeKind, from, to Node) {
	if from.Name != "" && to.Name != "" && from != to {
		d.links = append(d.links, link{kind, from, to})
	}
}

// acting is through what the user acts.
func (d *derivation) acting(e *audit.Entry) {
	user := d.user
	source := Node{Kind: SourceIP, Name: clip(first(firstIn(e.Context, "source_ip"), firstIn(e.Metadata, "ip_address")))}
	credential := Node{Kind: Credential, Name: clip(credentialOf(e))}
	through := user
	if session := clip(first(firstIn(e.Actor, "session_id"), firstIn(e.Metadata, "session_id"))); session != "" {
		through = Node{Kind: Session, Name: session}
		d.link(Use, through, user)
	}
	d.link(Use, source, through)
	d.link(Use, credential, through)
}

// acted is what the user did: exported, gave access, read or wrote, the first
// that the entry says.
func (d *derivation) acted(e *audit.Entry, names sense, subject Node, there bool) {
	changes, _ := e.Action["changes"].([]any)
	class := e.Class
	switch {
	case class == audit.ClassLogin, class == audit.ClassLogout, subject.Kind == Session:
	case names&undone != 0 && len(changes) == 0 && class != audit.ClassChange:
	case len(changes) > 0 && names&(giving|ofAccess) != giving|ofAccess:
		d.link(Write, d.user, subject)
	case names&exporting != 0 && names&undone == 0:
		d.exported(e, subject, there)
	case names&giving != 0 && names&ofAccess != 0 && d.granted(e, subject, there):
	case names&reading != 0 && names&writing == 0:
		d.link(Read, subject, d.user)
	case class == audit.ClassChange, names&writing != 0, len(changes) > 0:
		d.link(Write, d.user, subject)
	}
}

// granted links the grantor to each grantee. It reports whether there is one.
func (d *derivation) granted(e *audit.Entry, subject Node, there bool) bool {
	targets := targetsOf(e)
	if there && subject.Kind == User {
		targets = []string{subject.Name}
	}
	for _, t := range d.bounded(targets, 1) {
		d.link(Grant, d.user, Node{Kind: User, Name: clip(t)})
	}
	return len(targets) > 0
}

// exported links what left, who took it out and who got it. An export without an
// id of its own is the one of its entry.
func (d *derivation) exported(e *audit.Entry, subject Node, there bool) {
	name := firstIn(e.Details, "export_id", "report_id", "distribution_id")
	if name == "" {
		name = "entry " + referTo(e).id()
	}
	out := Node{Kind: Export, Name: clip(name)}
	if there {
		d.link(Exports, subject, out)
	}
	d.link(Exports, d.user, out)
	for _, key := range []string{"recipient", "recipients", "destination"} {
		for _, r := range d.bounded(some(e.Details[key]), 1) {
			d.link(Exports, out, Node{Kind: Recipient, Name: clip(r)})
		}
	}
}

// surroundings is what the entry says stands around its resource: the machine
// that it is part of, the systems that the event affects and what lies behind.
func (d *derivation) surroundings(e *audit.Entry, subject Node, there bool) {
	origin := d.user
	if there {
		origin = subject
	}
	if machine := firstIn(e.Resource, "parent_machine", "machine_id"); machine != "" {
		m := Node{Kind: Machine, Name: clip(machine)}
		if there {
			d.link(Contains, subject, m)
		}
		origin = m
	}
	systems, downstream := some(e.Impact["affected_systems"]), some(e.Impact["downstream_effects"])
	systems = d.bounded(systems, 1)
	for _, s := range systems {
		d.link(Affects, origin, Node{Kind: System, Name: clip(s)})
	}
	// Which system an effect lies behind the entry does not say, so it may be each.
	// Where these are too many pairs, the effects follow from the origin, which
	// reaches the same.
	from := []Node{origin}
	if pairs := len(systems) * len(downstream); 0 < pairs && pairs <= maxPairs {
		from = from[:0]
		for _, s := range systems {
			from = append(from, Node{Kind: System, Name: clip(s)})
		}
	}
	for _, s := range from {
		for _, effect := range d.bounded(downstream, len(from)) {
			d.link(Affects, s, Node{Kind: Downstream, Name: clip(effect)})
		}
	}
}

// bounded takes as many of a list as an entry may link with each of so many.
func (d *derivation) bounded(list []string, each int) []string {
	most := maxPairs / each
	if len(list) > most {
		d.skipped += (len(list) - most) * each
		list = list[:most]
	}
	return list
}

// ends are where influence through the entry goes on to, and where it comes
// from: the user, and the heads or the tails of its links. That a part is in a
// machine moves nothing by itself, and what an event affects is no cause of it.
func (d *derivation) ends() (heads, tails []Node) {
	if d.user.Name != "" {
		heads, tails = []Node{d.user}, []Node{d.user}
	}
	for _, l := range d.links {
		if l.kind != Contains && !slices.Contains(heads, l.to) {
			heads = append(heads, l.to)
		}
		if !l.kind.Declared() && !slices.Contains(tails, l.from) {
			tails = append(tails, l.from)
		}
	}
	return heads, tails
}
