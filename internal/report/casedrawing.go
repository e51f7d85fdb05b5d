package report

import "math"

// lineLook is how lines of a kind are drawn; kinds can be told apart without colours,
// too. Lengths of dashes are in millimetres, drawn and left out by turns.
type lineLook struct {
	kind   string
	colour colour
	dashes []float64
}

var (
	lineLooks = []lineLook{
		{"use", colour{138, 148, 160}, nil}, {"read", colour{31, 78, 121}, []float64{1.2, 0.6}}, {"write", colour{150, 61, 0}, nil},
		{"grant", colour{122, 20, 38}, []float64{2, 0.6, 0.4, 0.6}}, {"contains", colour{38, 115, 72}, []float64{0.4, 0.6}},
		{"affects", colour{38, 115, 72}, []float64{1.6, 0.8}}, {"export", colour{107, 42, 134}, nil},
	}
	boxLooks = []struct {
		text string
		fill colour
	}{
		{"trigger", crimson}, {"could have been influenced", colour{253, 235, 211}}, {"could have influenced the trigger", colour{223, 234, 244}}, {"both", colour{239, 227, 245}},
	}
	white = colour{255, 255, 255}
)

// drawnDashes bounds the dashes of one drawing, whatever its lines are like.
const drawnDashes = 50_000

// caseFlow draws the map of data flows over a page that lies across.
func (r *renderer) caseFlow(s *section) {
	c := r.doc.Case
	if c.Flow == nil {
		r.heading(0, s.title, 30)
		text := c.FlowReason
		if text == "" {
			text = "there is no map of data flows"
		}
		r.paragraph("There is no picture: " + text + ".")
		return
	}
	r.begin(true)
	r.heading(0, s.title, 30)
	r.note("What could have influenced what, by the order in time of what the entries say. That something could have been influenced is no proof that it was.")
	r.draw(c.Flow)
	r.legend()
	for _, note := range c.Flow.Notes {
		r.note(r.clean(regular, note))
	}
	r.begin(false)
}

// draw fits a drawing into the width and what is left of the height of the page.
func (r *renderer) draw(d *Drawing) {
	const legendHeight = 16.0
	wide := r.inner()
	if most := r.floor() - r.y - legendHeight; wide*d.Ratio > most {
		wide = max(most, 20) / d.Ratio
	}
	high := wide * d.Ratio
	left, above := side+(r.inner()-wide)/2, r.y
	r.need(high)
	if r.err != nil {
		return
	}
	at := func(x, y float64) (float64, float64) { return left + x*wide, above + y*high }
	size := min(d.TextSize*high/perPoint, small)
	if d.TextSize <= 0 {
		size = smallest
	}
	dashes := 0
	for i := range d.Lines {
		l := &d.Lines[i]
		points := make([][2]float64, len(l.Points))
		for n, p := range l.Points {
			points[n][0], points[n][1] = at(p[0], p[1])
		}
		r.arrow(l, points, &dashes)
	}
	for i := range d.Boxes {
		b := &d.Boxes[i]
		x, y := at(b.X, b.Y)
		r.box(b, x, y, b.W*wide, b.H*high, size)
	}
	for _, l := range d.Labels {
		face := regular
		if l.Strong {
			face = bold
		}
		x, y := at(l.X, l.Y)
		text := r.fonts[face].fit(r.clean(face, l.Text), size, wide/4)
		r.text(face, size, ink, x-r.fonts[face].measure(text, size)/2, y, text)
	}
	r.y = above + high + 2
}

func lookOf(kind string) lineLook {
	for _, l := range lineLooks {
		if l.kind == kind {
			return l
		}
	}
	return lineLook{kind, grey, nil}
}

func (r *renderer) arrow(l *Line, points [][2]float64, dashes *int) {
	if len(points) < 2 {
		return
	}
	look, weight := lookOf(l.Kind), 0.2+min(0.25, math.Log10(float64(max(l.Mentions, 1)))*0.09)
	r.polyline(look, weight, points, dashes)
	tip, before := points[len(points)-1], points[len(points)-2]
	r.tip(look.colour, tip[0], tip[1], before[0], before[1], 1.3)
	if l.New {
		middle := points[len(points)/2]
		r.dot(look.colour, middle[0], middle[1], 0.75)
		r.dot(white, middle[0], middle[1], 0.45)
	}
}

// polyline draws lines from point to point; dashes go on around corners.
func (r *renderer) polyline(look lineLook, weight float64, points [][2]float64, dashes *int) {
	phase, left := 0, 0.0
	if len(look.dashes) > 0 {
		left = look.dashes[0]
	}
	for i := 1; i < len(points); i++ {
		x, y := points[i-1][0], points[i-1][1]
		dx, dy := points[i][0]-x, points[i][1]-y
		long := math.Hypot(dx, dy)
		if long == 0 {
			continue
		}
		dx, dy = dx/long, dy/long
		for long > 1e-9 {
			step := long
			if len(look.dashes) > 0 && *dashes < drawnDashes {
				step = min(long, left)
			}
			if phase%2 == 0 {
				r.line(look.colour, weight, x, y, x+dx*step, y+dy*step)
			}
			x, y, long, left = x+dx*step, y+dy*step, long-step, left-step
			if len(look.dashes) > 0 && left <= 1e-9 {
				phase++
				*dashes++
				left = look.dashes[phase%len(look.dashes)]
			}
		}
	}
}

func (r *renderer) box(b *Box, x, y, w, h, size float64) {
	fill, text, second := wash, ink, grey
	switch {
	case b.Seed:
		fill, text, second = boxLooks[0].fill, white, white
	case b.Forward && b.Backward:
		fill = boxLooks[3].fill
	case b.Forward:
		fill = boxLooks[1].fill
	case b.Backward:
		fill = boxLooks[2].fill
	}
	r.fill(fill, x, y, w, h)
	weight := 0.2
	if b.Cut {
		weight = 0.5
	}
	if b.Nodes > 1 {
		n := 0
		r.polyline(lineLook{"", grey, []float64{0.9, 0.5}}, weight, [][2]float64{{x, y}, {x + w, y}, {x + w, y + h}, {x, y + h}, {x, y}}, &n)
	} else {
		r.frame(grey, weight, x, y, w, h)
	}
	middle := func(s string, size, base float64, ink colour) {
		s = r.fonts[regular].fit(r.clean(regular, s), size, w-1)
		r.text(regular, size, ink, x+(w-r.fonts[regular].measure(s, size))/2, base, s)
	}
	if b.Sub == "" {
		middle(b.Label, size, y+h/2+size*perPoint*0.36, text)
		return
	}
	middle(b.Label, size, y+h/2-size*perPoint*0.14, text)
	middle(b.Sub, size*0.82, y+h/2+size*perPoint, second)
}

// legend explains lines and boxes, from left to right.
func (r *renderer) legend() {
	r.need(14)
	if r.err != nil {
		return
	}
	x, base, n := side, r.y+ascent(smallest), 0
	for _, l := range lineLooks {
		r.polyline(l, 0.4, [][2]float64{{x, base - 0.9}, {x + 7, base - 0.9}}, &n)
		r.text(regular, smallest, ink, x+8.5, base, l.kind)
		x += 8.5 + r.fonts[regular].measure(l.kind, smallest) + 6
	}
	r.y += leading(smallest) + 0.6
	x, base = side, r.y+ascent(smallest)
	for _, b := range boxLooks {
		r.fill(b.fill, x, base-2.2, 3.2, 2.6)
		r.frame(grey, 0.15, x, base-2.2, 3.2, 2.6)
		r.text(regular, smallest, ink, x+4.6, base, b.text)
		x += 4.6 + r.fonts[regular].measure(b.text, smallest) + 6
	}
	r.y += leading(smallest) + 0.6
	r.note("A ring: not in the baseline. A thick frame: without it parts of this map would be apart. A dashed frame: several nodes. Wide lines: many mentions.")
}
