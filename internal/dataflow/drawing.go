package dataflow

import (
	"fmt"
	"strings"
	"time"
)

// Drawing describes a picture without a format: boxes, lines between them and
// texts. Coordinates are in a unit square whose origin is the upper left, so that
// whoever draws it chooses the size; Ratio is the height that suits a width of 1.
// All texts are visible characters on one line, and fit their boxes in letters of
// half a TextSize in width.
type Drawing struct {
	Ratio    float64  `json:"ratio"`
	TextSize float64  `json:"text_size"` // of the labels, as a share of the height
	Title    string   `json:"title"`
	Boxes    []Box    `json:"boxes"` // at most MaxBoxes
	Lines    []Line   `json:"lines"` // at most MaxLines; to be drawn below the boxes
	Labels   []Label  `json:"labels"`
	Notes    []string `json:"notes"` // what the map does not show, to be printed with it
}

// Bounds of a drawing.
const (
	MaxBoxes = 60
	MaxLines = 80
)

// Box stands for a node, or for several of a kind that have no box of their own.
type Box struct {
	X, Y, W, H float64  // X and Y of the upper left corner
	Kind       NodeKind // see [NodeKind.String]
	Label      string   // the name, shortened
	Sub        string   // a second line; may be empty
	Full       string   // the name in full
	Nodes      int      // that it stands for
	Seed       bool     // the search began here
	Forward    bool     // could have been influenced by the trigger
	Backward   bool     // could have influenced it
	Cut        bool     // an articulation point of the map
}

// Line is an edge, or several of a kind between the same boxes.
type Line struct {
	Points   [][2]float64 // the last is where the arrow's point is
	Kind     EdgeKind     // see [EdgeKind.String]
	Declared bool
	New      bool // one of its edges is not in the baseline
	Bridge   bool
	Edges    int // that it stands for
	Mentions int
}

// Label is a text of its own.
type Label struct {
	X, Y   float64 // middle of the baseline
	Text   string
	Strong bool
}

// columns are the kinds that stand one above the other.
var columns = [][]NodeKind{{SourceIP, Credential}, {Session}, {User}, {Resource}, {Machine, Export}, {System, Recipient}, {Downstream}}

var plurals = [nodeKinds]string{"addresses", "credentials", "sessions", "users", "resources", "machines", "exports", "systems", "recipients", "effects"}

var singulars = [nodeKinds]string{"address", "credential", "session", "user", "resource", "machine", "export", "system", "recipient", "effect"}

var headings = [nodeKinds]string{"Addresses", "Credentials", "Sessions", "Users", "Resources", "Machines", "Exports", "Systems", "Recipients", "Downstream effects"}

// notes are what a picture says below itself.
func (m *Map) notes(aggregated, left int) []string {
	x := &m.Examined
	notes := []string{fmt.Sprintf("%d entries%s: %d nodes and %d edges in all, %d and %d in this map.", x.Entries, period(x.From, x.To), x.Nodes, x.Edges, len(m.Nodes), len(m.Edges))}
	for _, r := range []struct {
		*Reached
		when, what string
	}{{m.Forward, "From", "could have been influenced"}, {m.Backward, "Up to", "could have influenced the trigger"}} {
		if r.Reached != nil {
			notes = append(notes, fmt.Sprintf("%s %s: %d nodes %s%s.", r.when, r.At, r.Nodes, r.what, kinds(r.Radius)))
		}
	}
	if m.Baseline != nil {
		notes = append(notes, fmt.Sprintf("%[2]d edges are new against the baseline%[1]s; %[3]d of them are in this map.", period(m.Baseline.From, m.Baseline.To), m.Baseline.New, m.Baseline.NewShown))
	}
	if aggregated > 0 || left > 0 {
		notes = append(notes, fmt.Sprintf("%d nodes share the box of their kind; %d lines are not drawn.", aggregated, left))
	}
	if l := x.LeftOut; !l.Nothing() {
		notes = append(notes, fmt.Sprintf("Left out for want of room, so that more may be reached: %d mentions of nodes, %d of edges, %d times of known edges, %d other edges.",
			l.Nodes, l.Edges, l.Contacts, l.Links))
	}
	return append(notes, m.Limits...)
}

func period(from, to string) string {
	if from == "" {
		return ""
	}
	return " of " + from + " to " + to
}

func kinds(radius []KindCount) string {
	var parts []string
	for k, c := range radius {
		if c.Nodes > 0 {
			parts = append(parts, counted(c.Nodes, NodeKind(k)))
		}
	}
	if parts == nil {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

func counted(n int, kind NodeKind) string {
	if n == 1 {
		return "1 " + singulars[kind]
	}
	return fmt.Sprintf("%d %s", n, plurals[kind])
}

// sub is the second line of a node's box: its type, shortened for the sake of
// when it was reached.
func (m *Map) sub(n *MapNode) string {
	when := ""
	switch {
	case n.Seed:
		when = "trigger"
	case n.Forward != nil:
		when = "after " + distance(m.Forward.At, n.Forward.At)
	case n.Backward != nil:
		when = distance(n.Backward.At, m.Backward.At) + " before"
	}
	if n.Type == "" {
		return when
	}
	if when != "" {
		when = ", " + when
	}
	return fit(visible(n.Type), max(subCells-len(when), 1)) + when
}

// distance is a time in words of at most two units.
func distance(from, to string) string {
	a, errA := time.Parse(microseconds, from)
	b, errB := time.Parse(microseconds, to)
	d := b.Sub(a)
	switch {
	case errA != nil || errB != nil || d < 0:
		return "?"
	case d < time.Second:
		return "under 1 s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%d days", d/(24*time.Hour))
}
