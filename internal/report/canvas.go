package report

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/jung-kurt/gofpdf"
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

// canvas is the only user of gofpdf: it takes any text, and positions from the
// upper left of the page that it is on. The first failure stays in err, and
// whatever is drawn after it is of no effect.
type canvas struct {
	ctx      context.Context
	err      error
	pdf      *gofpdf.Fpdf
	fonts    [faces]*font
	replaced int // characters that clean replaced in what was laid out
	rtl      bool

	landscape []bool // by page, from 0
	page      int    // the one that is drawn on, from 1
	y         float64

	face   face // what the page's content stream was told last
	size   float64
	colour colour
}

func newCanvas(ctx context.Context, created time.Time) (*canvas, error) {
	glyphs, err := shown()
	if err != nil {
		return nil, err
	}
	c := &canvas{ctx: ctx, pdf: gofpdf.New("P", "mm", "A4", "")}
	c.pdf.SetAutoPageBreak(false, 0)
	c.pdf.SetMargins(0, 0, 0)
	// Without these gofpdf writes the time of day, and objects in the order of a map.
	c.pdf.SetCreationDate(created.UTC())
	c.pdf.SetModificationDate(created.UTC())
	c.pdf.SetCatalogSort(true)
	c.pdf.SetProducer("Sealbook", true)
	c.pdf.SetDisplayMode("fullwidth", "continuous")
	for f := range faces {
		c.pdf.AddUTF8FontFromBytes(family(f), "", bytes.Clone(files[f]))
		c.fonts[f] = &font{glyphs: &glyphs[f], ask: func(r rune) int {
			c.use(f, c.size, c.colour)
			return c.pdf.GetStringSymbolWidth(string(r))
		}}
	}
	if err := c.pdf.Error(); err != nil {
		return nil, fmt.Errorf("load the fonts: %w", err)
	}
	return c, nil
}

func family(f face) string {
	return [faces]string{"dejavusanscondensed", "dejavusanscondensedbold", "dejavusansmono"}[f]
}

// add begins a page, at the end.
func (c *canvas) add(landscape bool) {
	if c.err != nil {
		return
	}
	if c.err = c.ctx.Err(); c.err != nil {
		return
	}
	orientation := "P"
	if landscape {
		orientation = "L"
	}
	c.pdf.AddPageFormat(orientation, gofpdf.SizeType{Wd: shortEdge, Ht: longEdge})
	c.landscape = append(c.landscape, landscape)
	c.page, c.y, c.size = len(c.landscape), top, 0
}

// turn goes back to a page.
func (c *canvas) turn(page int) {
	c.pdf.SetPage(page)
	c.page, c.size = page, 0
}

func (c *canvas) width() float64 {
	if c.landscape[c.page-1] {
		return longEdge
	}
	return shortEdge
}

func (c *canvas) height() float64 { return shortEdge + longEdge - c.width() }

// inner is the width between the margins.
func (c *canvas) inner() float64 { return c.width() - 2*side }

func (c *canvas) floor() float64 { return c.height() - bottom }

// need begins a page like this one unless h millimetres are left.
func (c *canvas) need(h float64) {
	if c.err == nil && c.y+h > c.floor() {
		c.add(c.landscape[c.page-1])
	}
}

// lift corrects a position for gofpdf, which takes all pages to be as high as the
// one that was added last.
func (c *canvas) lift(y float64) float64 {
	_, added := c.pdf.GetPageSize()
	return y + added - c.height()
}

func (c *canvas) use(f face, size float64, ink colour) {
	if c.size == 0 || c.face != f || c.size != size {
		c.pdf.SetFont(family(f), "", size)
	}
	if c.size == 0 || c.colour != ink {
		c.pdf.SetFillColor(ink.r, ink.g, ink.b)
		c.pdf.SetTextColor(ink.r, ink.g, ink.b)
	}
	c.face, c.size, c.colour = f, size, ink
}

// text writes a cleaned line on a baseline.
func (c *canvas) text(f face, size float64, ink colour, x, y float64, s string) {
	if c.err != nil || s == "" {
		return
	}
	c.use(f, size, ink)
	c.pdf.Text(x, c.lift(y), s)
}

// textRight ends at x.
func (c *canvas) textRight(f face, size float64, ink colour, x, y float64, s string) {
	c.text(f, size, ink, x-c.fonts[f].measure(s, size), y, s)
}

// clean is [font.clean], counted. Each text of the document comes here once.
func (c *canvas) clean(f face, s string) string {
	s, replaced := c.fonts[f].clean(s)
	c.replaced += replaced
	c.rtl = c.rtl || rightToLeft(s)
	return s
}

func (c *canvas) line(ink colour, width, x1, y1, x2, y2 float64) {
	if c.err != nil {
		return
	}
	c.pdf.SetDrawColor(ink.r, ink.g, ink.b)
	c.pdf.SetLineWidth(width)
	c.pdf.Line(x1, c.lift(y1), x2, c.lift(y2))
}

func (c *canvas) fill(ink colour, x, y, w, h float64) {
	if c.err != nil {
		return
	}
	c.use(c.face, max(c.size, 1), ink)
	c.pdf.Rect(x, c.lift(y), w, h, "F")
}

func (c *canvas) frame(ink colour, width, x, y, w, h float64) {
	if c.err != nil {
		return
	}
	c.pdf.SetDrawColor(ink.r, ink.g, ink.b)
	c.pdf.SetLineWidth(width)
	c.pdf.Rect(x, c.lift(y), w, h, "D")
}

func (c *canvas) dot(ink colour, x, y, radius float64) {
	if c.err != nil {
		return
	}
	c.use(c.face, max(c.size, 1), ink)
	c.pdf.Circle(x, c.lift(y), radius, "F")
}
