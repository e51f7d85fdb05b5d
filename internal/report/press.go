package report

import (
	"bytes"
	"compress/flate"
	"fmt"
	"hash"
	"hash/adler32"
	"math"
	"slices"
	"time"

	"github.com/jung-kurt/gofpdf"
)

// press is the only user of gofpdf, which keeps all pages as they are until the file
// is written, and then makes a compressor for each. So that many pages fit into
// memory, they are drawn with gofpdf but compressed and kept here.
type press struct {
	pdf   *gofpdf.Fpdf
	zip   *flate.Writer
	fonts [faces]*font
	pages []sheet
}

// sheet is a page.
type sheet struct {
	landscape bool
	content   []byte      // operators of PDF, deflated; each part begins with its own font and colours
	sum       hash.Hash32 // Adler-32 of the operators
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
	if p.zip, err = flate.NewWriter(nil, flate.BestSpeed); err != nil {
		return nil, err
	}
	p.pdf.SetCompression(false) // of the pages; fonts are compressed in any case
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
	if s.sum == nil {
		s.sum = adler32.New()
	}
	s.sum.Write(t.Bytes())
	b := bytes.NewBuffer(s.content)
	p.zip.Reset(b)
	if _, err := p.zip.Write(t.Bytes()); err != nil {
		return fmt.Errorf("compress a page: %w", err)
	}
	if err := p.zip.Flush(); err != nil { // to a whole byte, so that another part can follow
		return fmt.Errorf("compress a page: %w", err)
	}
	s.content = slices.Clip(bytes.Clone(b.Bytes()))
	return nil
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
	case opTip:
		dx, dy := o.x-o.w, o.y-o.h
		if long := math.Hypot(dx, dy); long > 0 {
			dx, dy = dx/long*o.size, dy/long*o.size
			p.Polygon([]gofpdf.PointType{{X: o.x, Y: o.y}, {X: o.x - dx - 0.43*dy, Y: o.y - dy + 0.43*dx}, {X: o.x - dx + 0.43*dy, Y: o.y - dy - 0.43*dx}}, "F")
		}
	}
}
