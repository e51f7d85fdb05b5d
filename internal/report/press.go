package report

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/jung-kurt/gofpdf"
)

// press is the only user of gofpdf, which keeps each page in a buffer of up to twice
// its size. So that many pages fit into memory, they are kept here, and gofpdf gets
// them when all are done.
type press struct {
	pdf   *gofpdf.Fpdf
	fonts [faces]*font
	pages []sheet
}

// sheet is a page.
type sheet struct {
	landscape bool
	content   []string // operators of PDF, each part beginning with its own font and colours
	links     []link
}

// link is a rectangle that leads to a mark.
type link struct {
	x, y, w, h float64
	to         mark
}

func newPress(created time.Time) (*press, error) {
	glyphs, err := shown()
	if err != nil {
		return nil, err
	}
	p := &press{pdf: gofpdf.New("P", "mm", "A4", "")}
	p.pdf.SetAutoPageBreak(false, 0)
	p.pdf.SetMargins(0, 0, 0)
	// Without these gofpdf writes the time of day, and objects in the order of a map.
	p.pdf.SetCreationDate(created.UTC())
	p.pdf.SetModificationDate(created.UTC())
	p.pdf.SetCatalogSort(true)
	p.pdf.SetProducer("Sealbook", true)
	p.pdf.SetDisplayMode("fullwidth", "continuous")
	for f := range faces {
		p.pdf.AddUTF8FontFromBytes(family(f), "", bytes.Clone(files[f]))
		p.fonts[f] = &font{glyphs: &glyphs[f], ask: func(r rune) int {
			p.pdf.SetFont(family(f), "", body)
			return p.pdf.GetStringSymbolWidth(string(r))
		}}
	}
	if err := p.pdf.Error(); err != nil {
		return nil, fmt.Errorf("load the fonts: %w", err)
	}
	return p, nil
}

func family(f face) string {
	return [faces]string{"dejavusanscondensed", "dejavusanscondensedbold", "dejavusansmono"}[f]
}

func (s *sheet) size() gofpdf.SizeType {
	if s.landscape {
		return gofpdf.SizeType{Wd: longEdge, Ht: shortEdge}
	}
	return gofpdf.SizeType{Wd: shortEdge, Ht: longEdge}
}

// draw adds to the page. A template of gofpdf has the fonts of its document, and
// notes there which characters they are used for.
func (s *sheet) draw(p *press, ops []op) error {
	var err error
	t := p.pdf.CreateTemplateCustom(gofpdf.PointType{}, s.size(), func(t *gofpdf.Tpl) {
		t.SetAutoPageBreak(false, 0)
		pen := pen{Tpl: t, first: true}
		for i := range ops {
			pen.draw(&ops[i])
		}
		err = t.Error()
	})
	if err != nil {
		return unrenderable(fmt.Errorf("draw a page: %w", err))
	}
	s.content = append(s.content, string(t.Bytes()))
	return nil
}

// bind makes a file of the pages, with the marks as its bookmarks.
func (c *canvas) bind(marks []mark) ([]byte, error) {
	c.flush()
	last := c.pages[len(c.pages)-1].size().Ht // gofpdf takes all bookmarks to be on a page as high as the last
	for n := range c.pages {
		if c.err == nil {
			c.err = c.ctx.Err()
		}
		if c.err != nil {
			return nil, c.err
		}
		s := &c.pages[n]
		orientation := "P"
		if s.landscape {
			orientation = "L"
		}
		c.pdf.AddPageFormat(orientation, gofpdf.SizeType{Wd: shortEdge, Ht: longEdge})
		c.pdf.RawWriteStr(strings.Join(s.content, ""))
		s.content = nil
		for _, l := range s.links {
			id := c.pdf.AddLink()
			c.pdf.SetLink(id, l.to.y, l.to.page)
			c.pdf.Link(l.x, l.y, l.w, l.h, id)
		}
		for ; len(marks) > 0 && marks[0].page == n+1; marks = marks[1:] {
			c.pdf.SetFont(family(regular), "", body) // from which gofpdf takes how to encode a bookmark
			c.pdf.Bookmark(strings.ReplaceAll(marks[0].title, "\n", " "), marks[0].level, marks[0].y+last-s.size().Ht)
		}
	}
	var b bytes.Buffer
	if err := c.pdf.Output(&b); err != nil {
		return nil, unrenderable(fmt.Errorf("write the PDF: %w", err))
	}
	return b.Bytes(), nil
}

// pen tells gofpdf only what changes.
type pen struct {
	*gofpdf.Tpl
	first  bool
	face   face
	size   float64
	fill   colour
	stroke colour
	weight float64
}

func (p *pen) draw(o *op) {
	switch o.kind {
	case opLine, opFrame:
		if p.weight == 0 || p.stroke != o.colour {
			p.SetDrawColor(o.colour.r, o.colour.g, o.colour.b)
		}
		if p.weight != o.size {
			p.SetLineWidth(o.size)
		}
		p.stroke, p.weight = o.colour, o.size
	default:
		if p.first || p.fill != o.colour {
			p.SetFillColor(o.colour.r, o.colour.g, o.colour.b)
			p.SetTextColor(o.colour.r, o.colour.g, o.colour.b)
		}
		p.first, p.fill = false, o.colour
	}
	switch o.kind {
	case opText:
		if p.size != o.size || p.face != o.face {
			p.SetFont(family(o.face), "", o.size)
		}
		p.face, p.size = o.face, o.size
		p.Text(o.x, o.y, o.text)
	case opLine:
		p.Line(o.x, o.y, o.x+o.w, o.y+o.h)
	case opFill:
		p.Rect(o.x, o.y, o.w, o.h, "F")
	case opFrame:
		p.Rect(o.x, o.y, o.w, o.h, "D")
	case opDot:
		p.Circle(o.x, o.y, o.size, "F")
	}
}
