package dataflow

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
)

func with(path string, value any) func(*audit.Entry) {
	return func(e *audit.Entry) {
		root, key, _ := strings.Cut(path, ".")
		part := map[string]*audit.Object{"actor": &e.Actor, "resource": &e.Resource, "action": &e.Action, "context": &e.Context, "details": &e.Details,
			"metadata": &e.Metadata, "impact": &e.Impact}[root]
		if *part == nil {
			*part = audit.Object{}
		}
		(*part)[key] = value
	}
}

// edgesOf lists a graph's edges as texts, in the order in which they came.
func edgesOf(g *Graph) (out []string) {
	for i := range g.edges {
		e := &g.edges[i]
		from, to := g.nodes[e.from], g.nodes[e.to]
		out = append(out, fmt.Sprintf("%s %s:%s>%s:%s", e.kind, from.Kind, from.Name, to.Kind, to.Name))
	}
	return out
}

// TestDerivations: each kind of entry, and what it must not say.
func TestDerivations(t *testing.T) {
	t.Parallel()
	changes := []any{map[string]any{"field": "limit", "old_value": json.Number("1"), "new_value": json.Number("2")}}
	for name, c := range map[string]struct {
		entry audit.Entry
		want  []string
	}{
		"read":             {line(0, "ada", "record.viewed", "r"), []string{"read resource:r>user:ada"}},
		"call that reads":  {line(0, "ada", "cloud.call", "r", with("action.operation", "GetObject")), []string{"read resource:r>user:ada"}},
		"call that writes": {line(0, "ada", "cloud.call", "r", with("action.operation", "PutObject")), []string{"write user:ada>resource:r"}},
		"write":            {line(0, "ada", "issue.updated", "r"), []string{"write user:ada>resource:r"}},
		"changes decide":   {line(0, "ada", "view.listed", "r", with("action.changes", changes)), []string{"write user:ada>resource:r"}},
		"failed":           {line(0, "ada", "issue.updated", "r", with("details.outcome", "denied")), nil},
		"not successful":   {line(0, "ada", "issue.updated", "r", with("details.success", false)), nil},
		"nobody":           {line(0, "", "issue.updated", "r"), nil},
		"sign-in": {line(0, "ada", "login", "console", with("context.source_ip", "192.0.2.1"), with("actor.session_id", "s")),
			[]string{"use session:s>user:ada", "use source_ip:192.0.2.1>session:s"}},
		"no session":      {line(0, "ada", "login", "", with("metadata.ip_address", "192.0.2.1"), with("metadata.credential_id", "k")), []string{"use source_ip:192.0.2.1>user:ada", "use credential:k>user:ada"}},
		"grant":           {line(0, "root", "access.granted", "r", with("details.subject", "eve")), []string{"grant user:root>user:eve"}},
		"grant by itself": {line(0, "root", "access.granted", "r", with("details.subject", "root")), nil},
		"taken away":      {line(0, "root", "access.revoked", "r", with("details.subject", "eve")), nil},
		"account":         {line(0, "root", "person.changed", "eve", with("resource.type", "user")), []string{"write user:root>user:eve"}},
		"machine": {line(0, "ada", "issue.updated", "r", with("resource.parent_machine", "m"), with("impact.affected_systems", []any{"lab", "mes"}), with("impact.downstream_effects", []any{"batch"})),
			[]string{"write user:ada>resource:r", "contains resource:r>parent_machine:m", "affects parent_machine:m>system:lab", "affects parent_machine:m>system:mes",
				"affects system:lab>downstream:batch", "affects system:mes>downstream:batch"}},
		"effects alone": {line(0, "ada", "issue.updated", "r", with("impact.downstream_effects", []any{"batch"})),
			[]string{"write user:ada>resource:r", "affects resource:r>downstream:batch"}},
		"export": {line(0, "ada", "data.exported", "r", with("details.recipients", []any{"x@example.com"})),
			[]string{"export resource:r>export:entry e1", "export user:ada>export:entry e1", "export export:entry e1>recipient:x@example.com"}},
		"named export":        {line(0, "ada", "data.exported", "", with("details.export_id", "x1")), []string{"export user:ada>export:x1"}},
		"export called off":   {line(0, "ada", "audit.evidence_export_canceled", "r", func(e *audit.Entry) { e.Class = audit.ClassSystem }), nil},
		"a number is a name":  {line(0, "ada", "record.viewed", "", with("resource.id", json.Number("7"))), []string{"read resource:7>user:ada"}},
		"objects are no name": {line(0, "ada", "record.viewed", "", with("resource.id", map[string]any{"a": "b"})), nil},
	} {
		if got := edgesOf(graphOf(t, Bounds{}, nil, c.entry)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, not %q", name, got, c.want)
		}
	}
}

// TestManyEffects: where the pairs are too many, the same is reached without.
func TestManyEffects(t *testing.T) {
	t.Parallel()
	list := func(name string, n int) (out []any) {
		for i := range n {
			out = append(out, fmt.Sprint(name, i))
		}
		return out
	}
	g := graphOf(t, Bounds{}, []string{"e1"}, line(0, "ada", "issue.updated", "r", with("impact.affected_systems", list("s", 90)), with("impact.downstream_effects", list("d", 90))))
	trigger, _ := g.Trigger("e1")
	r, err := g.Forward(trigger)
	if err != nil {
		t.Fatal(err)
	}
	if g.Edges() != 181 || len(r.order) != 182 || !g.LeftOut.Nothing() {
		t.Errorf("%d edges, %d reached, %+v", g.Edges(), len(r.order), g.LeftOut)
	}
	g = graphOf(t, Bounds{}, nil, line(0, "ada", "data.exported", "r", with("details.recipients", list("x", maxPairs+5))))
	if g.LeftOut.Links != 5 {
		t.Errorf("%+v", g.LeftOut)
	}
}

// TestBounds: what has no room is counted, and the map says so.
func TestBounds(t *testing.T) {
	t.Parallel()
	all := plant(2000, "")
	whole := graphOf(t, Bounds{}, []string{"100"}, all...)
	if !whole.LeftOut.Nothing() || len(whole.edges[0].entries) > 10 {
		t.Fatalf("%+v", whole.LeftOut)
	}
	for name, c := range map[string]struct {
		bounds Bounds
		left   func(LeftOut) int
	}{
		"nodes":    {Bounds{Nodes: 40}, func(l LeftOut) int { return l.Nodes }},
		"edges":    {Bounds{Edges: 60}, func(l LeftOut) int { return l.Edges }},
		"contacts": {Bounds{Contacts: 500}, func(l LeftOut) int { return l.Contacts }},
	} {
		g := graphOf(t, c.bounds, []string{"100"}, all...)
		if c.left(g.LeftOut) == 0 || len(g.nodes) > g.Bounds.Nodes || len(g.edges) > g.Bounds.Edges || len(g.contacts) > g.Bounds.Contacts {
			t.Errorf("%s: %+v, %d nodes, %d edges, %d contacts", name, g.LeftOut, len(g.nodes), len(g.edges), len(g.contacts))
		}
		m, d, texts := everyOutput(t, g, "100")
		checkGraphML(t, texts["graphml"], m)
		if !m.Examined.Truncated || m.Forward.Complete || !strings.Contains(strings.Join(d.Notes, " "), "Left out for want of room") {
			t.Errorf("%s: the map does not say that it is not whole", name)
		}
	}
	mentions := func(g *Graph) (n int) {
		for i := range g.edges {
			n += g.edges[i].count
		}
		return n
	}
	if few := graphOf(t, Bounds{Contacts: 500, EntryIDs: 1}, nil, all...); mentions(few) != mentions(whole) || len(few.entries) > 500+len(few.edges) {
		t.Errorf("%d mentions, not %d; %d entries", mentions(few), mentions(whole), len(few.entries))
	}
}

// TestOrder: an entry before the last is refused.
func TestOrder(t *testing.T) {
	t.Parallel()
	b := New(Bounds{})
	second, before := line(time.Minute, "ada", "record.viewed", "r"), line(0, "ada", "record.viewed", "r")
	if err := b.Add(&second); err != nil {
		t.Fatal(err)
	}
	if err := b.Add(&before); err == nil || b.Graph().Entries != 1 {
		t.Error("an earlier entry was taken")
	}
}

// TestWatchedIDs: a ledger's entry is found under each of its ids.
func TestWatchedIDs(t *testing.T) {
	t.Parallel()
	e := line(0, "ada", "record.viewed", "r", func(e *audit.Entry) {
		e.EventID, e.ExternalID, e.RecordedAt = "01JNQ0000000000000000000AA", "theirs", monday
	})
	for _, id := range []string{e.LogID(), e.EventID, e.EntryID(), "theirs"} {
		g := graphOf(t, Bounds{}, []string{id}, e)
		trigger, err := g.Trigger(id)
		if err != nil || !slices.Equal(trigger.Heads, []Node{{User, "", "ada"}}) || len(trigger.Tails) != 2 {
			t.Errorf("%s: %+v, %v", id, trigger, err)
		}
		if m := g.Map(View{}); m.Edges[0].EntryIDs[0] != e.EntryID() {
			t.Errorf("%v", m.Edges[0].EntryIDs)
		}
	}
	if _, err := graphOf(t, Bounds{}, []string{"other"}, e).Trigger("other"); err == nil {
		t.Error("an entry that was not read is a trigger")
	}
}

// TestNewEdges: surprising for who seldom does something new, hardly for who
// always does, and unknown for who did little.
func TestNewEdges(t *testing.T) {
	t.Parallel()
	var before []audit.Entry
	for i := range 99 {
		before = append(before, line(time.Duration(i)*time.Minute, "narrow", "record.viewed", fmt.Sprint("r", i%3)), line(time.Duration(i)*time.Minute, "broad", "record.viewed", fmt.Sprint("b", i)))
	}
	before = append(before, line(100*time.Minute, "rare", "record.viewed", "r0"))
	baseline := graphOf(t, Bounds{}, nil, before...).Baseline()
	found := baseline.New(graphOf(t, Bounds{}, nil, line(0, "narrow", "record.viewed", "r1"), line(0, "narrow", "record.viewed", "new"),
		line(0, "broad", "record.viewed", "new"), line(0, "rare", "record.viewed", "new"), line(0, "narrow", "issue.updated", "r1")))
	if len(found) != 4 || *found[0].Bits != 7.64 || *found[1].Bits != 0.01 || found[2].Bits != nil || found[2].Reason == "" || *found[3].Bits != 7.64 {
		t.Errorf("%+v", found)
	}
}
