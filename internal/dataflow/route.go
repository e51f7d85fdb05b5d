package dataflow

import (
	"cmp"
	"math"
	"slices"
)

// strand is the edges of one kind between two boxes.
type strand struct {
	Line
	from, to int
	path     bool // one of its edges is the first way by which a node is reached
}

// connect bundles edges between the same boxes, and keeps the most telling.
func (l *layout) connect() {
	first := map[string]bool{}
	for i := range l.Nodes {
		for _, a := range []*Arrive{l.Nodes[i].Forward, l.Nodes[i].Backward} {
			if a != nil {
				first[a.Edge] = true
			}
		}
	}
	type key struct {
		from, to int
		kind     EdgeKind
	}
	known := map[key]*strand{}
	for i := range l.Edges {
		e := &l.Edges[i]
		k := key{l.box[e.from], l.box[e.to], e.kind}
		if k.from == k.to {
			continue
		}
		s := known[k]
		if s == nil {
			s = &strand{Line: Line{Kind: e.kind, Declared: e.kind.Declared()}, from: k.from, to: k.to}
			known[k] = s
			l.lines = append(l.lines, s)
		}
		s.Edges++
		s.Mentions += e.Count
		s.New = s.New || e.New != nil
		s.Bridge = s.Bridge || e.Bridge
		s.path = s.path || first[e.ID] || l.Nodes[e.from].Seed && l.Nodes[e.to].Seed
	}
	if len(l.lines) > MaxLines {
		slices.SortStableFunc(l.lines, func(a, b *strand) int {
			return cmp.Or(truth(b.path, a.path), truth(b.New, a.New), cmp.Compare(b.Mentions, a.Mentions))
		})
		l.left = len(l.lines) - MaxLines
		l.lines = l.lines[:MaxLines]
	}
}

func truth(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// route draws the lines: to the right from side to side; to the left the same,
// the other way round; within a column around on the right.
func (l *layout) route(d *Drawing, height float64) {
	type end struct {
		line  int
		start bool
	}
	type side struct {
		box   int
		right bool
	}
	ends := map[side][]end{}
	sides := make([][2]bool, len(l.lines)) // right side at the start, at the end
	for i, s := range l.lines {
		from, to := l.boxes[s.from].column, l.boxes[s.to].column
		sides[i] = [2]bool{to >= from, to <= from}
		ends[side{s.from, sides[i][0]}] = append(ends[side{s.from, sides[i][0]}], end{i, true})
		ends[side{s.to, sides[i][1]}] = append(ends[side{s.to, sides[i][1]}], end{i, false})
	}
	// Lines leave a side in the order of where they go to, so that they do not
	// cross at once. Each side is for itself, whatever the order of the map.
	places := make([][2][2]float64, len(l.lines))
	for at, list := range ends {
		other := func(e end) *placed {
			if e.start {
				return &l.boxes[l.lines[e.line].to]
			}
			return &l.boxes[l.lines[e.line].from]
		}
		slices.SortFunc(list, func(a, b end) int {
			return cmp.Or(cmp.Compare(other(a).Y, other(b).Y), cmp.Compare(a.line, b.line), truth(a.start, b.start))
		})
		box := &l.boxes[at.box]
		x := box.X
		if at.right {
			x += boxWidth
		}
		for i, e := range list {
			y := box.Y + boxHeight/2 + (float64(i)-float64(len(list)-1)/2)*min(7, (boxHeight-8)/float64(len(list)))
			which := 1
			if e.start {
				which = 0
			}
			places[e.line][which] = [2]float64{x, y}
		}
	}
	for i, s := range l.lines {
		a, b := places[i][0], places[i][1]
		bend := max(26, math.Abs(b[0]-a[0])*0.4)
		if l.boxes[s.from].column == l.boxes[s.to].column {
			bend = 22 + math.Abs(b[1]-a[1])*0.12
		}
		s.Points = curve(a, b, outward(sides[i][0])*bend, outward(sides[i][1])*bend)
		for k := range s.Points {
			s.Points[k][0] = round(s.Points[k][0] / pictureWidth)
			s.Points[k][1] = round(s.Points[k][1] / height)
		}
		d.Lines = append(d.Lines, s.Line)
	}
}

func outward(right bool) float64 {
	if right {
		return 1
	}
	return -1
}

// curve is a cubic Bézier of which both ends leave sideways, as a line of 16
// parts, so that whoever can draw lines can draw it.
func curve(a, b [2]float64, bendA, bendB float64) [][2]float64 {
	const parts = 16
	points := make([][2]float64, 0, parts+1)
	for i := range parts + 1 {
		t := float64(i) / parts
		u := 1 - t
		x := float64(u*u*u*a[0]) + float64(3*u*u*t*(a[0]+bendA)) + float64(3*u*t*t*(b[0]+bendB)) + float64(t*t*t*b[0])
		y := float64(u*u*(u+3*t)*a[1]) + float64(t*t*(t+3*u)*b[1])
		points = append(points, [2]float64{x, y})
	}
	return points
}

// round makes equal what processors may compute differently in the last place.
func round(x float64) float64 { return math.Round(x*1e6) / 1e6 }
