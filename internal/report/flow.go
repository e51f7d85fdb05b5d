package report

// Sizes of text, in points.
const (
	display  = 24.0
	large    = 15.0
	medium   = 11.0
	body     = 9.5
	small    = 8.0
	smallest = 7.0
)

// maxHeading is how many lines a heading has; the rest of it is cut off, visibly.
const maxHeading = 6

// leading is the distance of baselines, in millimetres.
func leading(size float64) float64 { return size * perPoint * 1.42 }

// ascent is how far below the top of its line a baseline is.
func ascent(size float64) float64 { return size * perPoint * 1.06 }

// mark is where one jumps to for a heading: a little above it.
type mark struct {
	level int
	title string
	page  int
	y     float64
}

// flow fills pages from the top down.
type flow struct {
	*canvas
	marks []mark
	below mark // the end of the last heading
}

// heading begins a section, of level 0, or a part of one, of level 1. It stays
// with the next h millimetres.
func (f *flow) heading(level int, title string, h float64) {
	size, above, below := large, 9.0, 3.5
	if level > 0 {
		size, above, below = medium, 6.0, 2.0
	}
	title = f.clean(bold, title)
	lines := f.fonts[bold].wrap(title, size, f.inner())
	if len(lines) > maxHeading {
		lines = append(lines[:maxHeading-1], lines[maxHeading-1]+"…")
	}
	switch {
	case level > 0 && f.below.page == f.page && f.below.y == f.y: // directly below its section's
		f.y += 1
	case f.y > top:
		f.y += above
	}
	f.need(float64(len(lines))*leading(size) + below + h)
	f.marks = append(f.marks, mark{level, title, f.page, f.y - 2})
	colour := ink
	if level == 0 {
		colour = accent
	}
	f.lines(bold, size, colour, side, lines)
	f.y += below
	f.below = mark{page: f.page, y: f.y}
}

// lines writes lines, over pages if need be, no first or last one alone.
func (f *flow) lines(face face, size float64, colour colour, x float64, lines []string) {
	for i, s := range lines {
		h := leading(size)
		switch left := len(lines) - i; {
		case i == 0 && left <= 3:
			f.need(float64(left) * h)
		case i == 0 || left == 2:
			f.need(2 * h)
		default:
			f.need(h)
		}
		if f.err != nil {
			return
		}
		f.text(face, size, colour, x, f.y+ascent(size), s)
		f.y += h
	}
}

// paragraph writes a text over the width of the page, but no line longer than
// one can read.
func (f *flow) paragraph(s string) { f.paragraphOf(regular, body, ink, s) }

func (f *flow) paragraphOf(face face, size float64, colour colour, s string) {
	f.lines(face, size, colour, side, f.fonts[face].wrap(f.clean(face, s), size, min(f.inner(), shortEdge-2*side)))
	f.y += 1.8
}

// pair is a line of a list of terms.
type pair struct {
	term  string
	face  face
	value string
}

// pairs writes terms with their values; those without one are left out.
func (f *flow) pairs(list ...pair) {
	const column = 38.0
	for _, p := range list {
		if p.value == "" {
			continue
		}
		size := body
		if p.face == mono {
			size = small
		}
		lines := f.fonts[p.face].wrap(f.clean(p.face, p.value), size, f.inner()-column)
		f.need(min(float64(len(lines)), 4)*leading(body) + 1)
		f.text(regular, small, grey, side, f.y+ascent(body), p.term)
		f.lines(p.face, size, ink, side+column, lines)
		f.y += 1.0
	}
}

// hairline separates.
func (f *flow) hairline() {
	f.line(rule, 0.2, side, f.y, f.width()-side, f.y)
}
