package dataflow

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// The layout, in units of a picture 1400 wide; drawings divide by its size.
const (
	pictureWidth = 1400.0
	topMargin    = 70.0
	rowHeight    = 46.0
	boxHeight    = 34.0
	boxWidth     = 142.0
	assured      = 4  // boxes that each kind has before others have more
	subCells     = 27 // of the second line, whose letters are smaller
	labelCells   = 22 // characters of a label
	labelSize    = 11.0
	columnRows   = 16 // boxes of one column, those that stand for several included
)

// layout is a drawing in the making.
type layout struct {
	*Map
	boxes      []placed
	box        []int // by node of the map
	columns    [][]int
	lines      []*strand
	aggregated int
	left       int // lines that are not drawn
}

type placed struct {
	Box
	column int
	others bool // stands for the nodes without a box
	weight float64
}

// Drawing lays the map out. What is nearest to the trigger has a box of its own.
func (m *Map) Drawing() *Drawing {
	l := &layout{Map: m}
	l.choose()
	l.connect()
	l.arrange()
	rows := 1
	for _, c := range l.columns {
		rows = max(rows, len(c))
	}
	height := topMargin + float64(rows)*rowHeight + 10
	d := &Drawing{Ratio: height / pictureWidth, TextSize: labelSize / height, Title: "Possible flows of data and influence", Boxes: []Box{}, Lines: []Line{}, Labels: []Label{}}
	l.place(d, rows, height)
	l.route(d, height)
	d.Notes = m.notes(l.aggregated, l.left)
	return d
}

// choose gives boxes: to nodes in the order of their importance, while there is
// room in all and in their column, and one to the rest of each kind.
func (l *layout) choose() {
	degree := make([]int, len(l.Nodes))
	for i := range l.Edges {
		degree[l.Edges[i].from]++
		degree[l.Edges[i].to]++
	}
	order := make([]int, len(l.Nodes))
	for i := range order {
		order[i] = i
	}
	rank := func(i int) int {
		if h := l.Nodes[i].hops; h >= 0 {
			return int(h)
		}
		return 1 << 30
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(degree[b], degree[a]), cmp.Compare(a, b))
	})
	column := make([]int, nodeKinds)
	for c, kinds := range columns {
		for _, k := range kinds {
			column[k] = c
		}
	}
	l.box = make([]int, len(l.Nodes))
	for i := range l.box {
		l.box[i] = -1
	}
	var rest [nodeKinds][]int
	used, of := make([]int, len(columns)), make([]int, nodeKinds)
	for _, most := range []int{assured, columnRows} {
		for _, i := range order {
			k := l.Nodes[i].kind
			c := column[k]
			if l.box[i] < 0 && of[k] < most && len(l.boxes) < MaxBoxes-int(nodeKinds) && used[c] < columnRows-len(columns[c]) {
				used[c]++
				of[k]++
				l.add(c, k, []int{i})
			}
		}
	}
	for _, i := range order {
		if k := l.Nodes[i].kind; l.box[i] < 0 {
			rest[k] = append(rest[k], i)
		}
	}
	for k, list := range rest {
		if len(list) > 0 {
			l.add(column[k], NodeKind(k), list)
		}
	}
}

func (l *layout) add(column int, kind NodeKind, nodes []int) {
	b := placed{Box: Box{Kind: kind, Nodes: len(nodes), W: boxWidth, H: boxHeight}, column: column, others: len(nodes) > 1}
	for _, i := range nodes {
		n := &l.Nodes[i]
		l.box[i] = len(l.boxes)
		b.Seed = b.Seed || n.Seed
		b.Forward = b.Forward || n.Forward != nil
		b.Backward = b.Backward || n.Backward != nil
		b.Cut = b.Cut || n.Articulation
		if !b.others {
			b.Full = visible(n.Name)
			b.Label, b.Sub = b.Full, l.sub(n)
		}
	}
	if b.others {
		b.Label = fmt.Sprintf("%d more %s", len(nodes), plurals[kind])
		b.Full = b.Label
		l.aggregated += len(nodes)
	}
	b.Label, b.Sub = fit(b.Label, labelCells), fit(b.Sub, subCells)
	l.boxes = append(l.boxes, b)
}

// arrange orders the boxes of each column by the middle of their neighbours, back
// and forth, so that fewer lines cross.
func (l *layout) arrange() {
	all := make([][]int, len(columns))
	for i := range l.boxes {
		c := l.boxes[i].column
		all[c] = append(all[c], i)
	}
	around := make([][]int, len(l.boxes))
	for _, s := range l.lines {
		around[s.from] = append(around[s.from], s.to)
		around[s.to] = append(around[s.to], s.from)
	}
	row := make([]float64, len(l.boxes))
	settle := func(column []int) {
		for i, b := range column {
			row[b] = float64(i) - float64(len(column)-1)/2 // columns stand in the middle
		}
	}
	for _, c := range all {
		settle(c)
	}
	for sweep := range 8 {
		for i := range all {
			if sweep%2 == 1 {
				i = len(all) - 1 - i
			}
			for _, b := range all[i] {
				sum := row[b]
				for _, other := range around[b] {
					sum += row[other]
				}
				l.boxes[b].weight = sum / float64(len(around[b])+1)
			}
			slices.SortStableFunc(all[i], func(a, b int) int {
				x, y := &l.boxes[a], &l.boxes[b]
				return cmp.Or(truth(x.others, y.others), cmp.Compare(x.weight, y.weight))
			})
			settle(all[i])
		}
	}
	for _, c := range all {
		if len(c) > 0 {
			l.columns = append(l.columns, c)
		}
	}
}

// place gives boxes their places, and each column its heading.
func (l *layout) place(d *Drawing, rows int, height float64) {
	step := pictureWidth / float64(len(l.columns)+1)
	if len(l.columns) > 1 {
		step = (pictureWidth - boxWidth - 40) / float64(len(l.columns)-1)
	}
	for c, boxes := range l.columns {
		x := 20 + float64(c)*step
		above := topMargin + (float64(rows)-float64(len(boxes)))/2*rowHeight
		var kinds [nodeKinds]bool
		for i, b := range boxes {
			l.boxes[b].X, l.boxes[b].Y, l.boxes[b].column = x, above+float64(i)*rowHeight, c
			kinds[l.boxes[b].Kind] = true
		}
		var names []string
		for k, there := range kinds {
			if there {
				names = append(names, headings[k])
			}
		}
		d.Labels = append(d.Labels, Label{X: (x + boxWidth/2) / pictureWidth, Y: (topMargin - 14) / height, Text: strings.Join(names, ", "), Strong: true})
	}
	for _, b := range l.boxes {
		b.X, b.Y, b.W, b.H = round(b.X/pictureWidth), round(b.Y/height), round(b.W/pictureWidth), round(b.H/height)
		d.Boxes = append(d.Boxes, b.Box)
	}
}
