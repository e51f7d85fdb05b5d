package report

import (
	"context"
	"strings"
)

// The page, in millimetres.
const (
	shortEdge, longEdge = 210.0, 297.0 // A4
	side                = 20.0         // left and right margins
	top, bottom         = 24.0, 22.0
)

type colour struct{ r, g, b int }

// The colours. All text has a contrast to white of 4.5 at least.
var (
	ink     = colour{31, 41, 51}
	grey    = colour{93, 104, 117}
	rule    = colour{206, 212, 219}
	wash    = colour{243, 245, 247}
	accent  = colour{31, 78, 121}
	band    = colour{173, 196, 217}
	green   = colour{38, 115, 72}
	amber   = colour{150, 88, 0}
	red     = colour{178, 48, 48}
	crimson = colour{122, 20, 38}
)

// canvas is what pages are drawn on: it takes any cleaned text, and positions from
// the upper left of the page that it is on. The first failure stays in err, and
// whatever is drawn after it is of no effect.
type canvas struct {
	*press
	ctx      context.Context
	err      error
	replaced int // characters that clean replaced in what was laid out
	rtl      bool

	page int // the one that is drawn on, from 1
	y    float64
	ops  []op // drawn on it, and not pressed yet
}

// op is something drawn.
type op struct {
	kind       opKind
	face       face
	colour     colour
	size       float64 // of text in points, of lines, dots and tips in millimetres
	x, y, w, h float64
	text       string
}

type opKind int

const (
	opText opKind = iota
	opLine
	opFill
	opFrame
	opDot
	opTip
)

// add begins a page, at the end.
func (c *canvas) add(landscape bool) {
	if c.err != nil {
		return
	}
	if c.err = c.ctx.Err(); c.err != nil {
		return
	}
	c.flush()
	c.pages = append(c.pages, sheet{landscape: landscape})
	c.page, c.y = len(c.pages), top
}

// begin begins a page, unless nothing is on this one yet.
func (c *canvas) begin(landscape bool) {
	if c.err == nil && c.y == top && len(c.ops) == 0 && c.pages[c.page-1].content == nil {
		c.pages[c.page-1].landscape = landscape
		return
	}
	c.add(landscape)
}

// turn goes to another page that there is.
func (c *canvas) turn(page int) {
	c.flush()
	c.page = page
}

func (c *canvas) flush() {
	if c.err == nil && len(c.ops) > 0 {
		c.err = c.pages[c.page-1].draw(c.press, c.ops)
		clear(c.ops) // of the texts
		c.ops = c.ops[:0]
	}
}

func (c *canvas) landscape() bool { return c.pages[c.page-1].landscape }

func (c *canvas) width() float64 { return c.pages[c.page-1].size().Wd }

func (c *canvas) height() float64 { return c.pages[c.page-1].size().Ht }

// inner is the width between the margins.
func (c *canvas) inner() float64 { return c.width() - 2*side }

func (c *canvas) floor() float64 { return c.height() - bottom }

// need begins a page like this one unless h millimetres are left.
func (c *canvas) need(h float64) {
	if c.err == nil && c.y+h > c.floor() {
		c.add(c.landscape())
	}
}

// clean is [font.clean], counted. Each text of the document comes here once.
func (c *canvas) clean(f face, s string) string {
	s, replaced := c.fonts[f].clean(s)
	c.replaced += replaced
	c.rtl = c.rtl || strings.ContainsFunc(s, rightToLeft)
	return s
}

// text writes a cleaned line on a baseline.
func (c *canvas) text(f face, size float64, ink colour, x, y float64, s string) {
	if c.rtl {
		s = visual(s)
	}
	if s != "" {
		c.ops = append(c.ops, op{kind: opText, face: f, colour: ink, size: size, x: x, y: y, text: s})
	}
}

// textRight ends at x.
func (c *canvas) textRight(f face, size float64, ink colour, x, y float64, s string) {
	c.text(f, size, ink, x-c.fonts[f].measure(s, size), y, s)
}

func (c *canvas) line(ink colour, width, x1, y1, x2, y2 float64) {
	c.ops = append(c.ops, op{kind: opLine, colour: ink, size: width, x: x1, y: y1, w: x2 - x1, h: y2 - y1})
}

func (c *canvas) fill(ink colour, x, y, w, h float64) {
	c.ops = append(c.ops, op{kind: opFill, colour: ink, x: x, y: y, w: w, h: h})
}

func (c *canvas) frame(ink colour, width, x, y, w, h float64) {
	c.ops = append(c.ops, op{kind: opFrame, colour: ink, size: width, x: x, y: y, w: w, h: h})
}

// tip is the point of an arrow that comes from another point.
func (c *canvas) tip(ink colour, x, y, fromX, fromY, length float64) {
	c.ops = append(c.ops, op{kind: opTip, colour: ink, size: length, x: x, y: y, w: fromX, h: fromY})
}

func (c *canvas) dot(ink colour, x, y, radius float64) {
	c.ops = append(c.ops, op{kind: opDot, colour: ink, size: radius, x: x, y: y})
}
