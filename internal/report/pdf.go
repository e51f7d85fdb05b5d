package report

import (
	"bytes"
	"context"
	"fmt"

	"github.com/sealbook/sealbook/audit"
)

// Rendered is a PDF and what one should know of it.
type Rendered struct {
	Bytes     []byte
	Pages     int
	Replaced  int   // characters that were replaced by their number, because the fonts cannot show them
	Rows      int   // entries that are listed
	Omitted   int64 // entries of the tables that are not, for the limit of rows
	Signature SignatureBox
}

// SignatureBox is where the widget of a digital signature goes: an empty frame on
// the signature page. Lengths are PDF points, from the lower left corner of the
// page. Page counts from 1; 0 is a report without such a page.
type SignatureBox struct {
	Page                int
	X, Y, Width, Height float64
}

// section is a part of the report, as the contents announce it.
type section struct {
	title string
	parts []string
	write func(*section)
}

// renderer writes the sections.
type renderer struct {
	flow
	doc *Document
	out Rendered
}

// PDF renders the document as a PDF of version 1.3 with embedded fonts. Equal
// documents give equal bytes, as long as the program was built with the same Go:
// its zlib compresses. Text that runs from right to left is shown letter by
// letter in the order of storage, and the report says so.
//
// The context is looked at before each page. The errors of d's own content are
// [audit.ValidationFailed]; so is a failure of the PDF library, which would fail
// again.
func PDF(ctx context.Context, d Document) (out Rendered, err error) {
	if err := d.check(); err != nil {
		return Rendered{}, err
	}
	defer func() {
		if p := recover(); p != nil {
			out, err = Rendered{}, &audit.Error{Code: audit.ValidationFailed, Message: "the report cannot be rendered", Err: fmt.Errorf("panic: %v", p)}
		}
	}()
	c, err := newCanvas(ctx, d.GeneratedAt)
	if err != nil {
		return Rendered{}, err
	}
	r := &renderer{flow: flow{canvas: c}, doc: &d}
	r.describe()
	sections := r.sections()
	r.add(false)
	if r.err == nil {
		r.cover()
		contents := r.reserve(sections)
		for i := range sections {
			sections[i].write(&sections[i])
		}
		r.closing()
		r.fillContents(contents)
		r.furnish()
	}
	if r.err != nil {
		return Rendered{}, fmt.Errorf("render report %s: %w", d.ReportID, r.err)
	}
	var b bytes.Buffer
	if err := c.pdf.Output(&b); err != nil {
		return Rendered{}, &audit.Error{Code: audit.ValidationFailed, Message: "the report cannot be rendered", Err: err}
	}
	r.out.Bytes, r.out.Pages, r.out.Replaced = b.Bytes(), len(c.landscape), c.replaced
	return r.out, nil
}

// sections are those that the document has anything for, numbered.
func (r *renderer) sections() []section {
	d := r.doc
	var all []section
	add := func(has bool, title string, parts []string, write func(*section)) {
		if has {
			all = append(all, section{fmt.Sprintf("%d  %s", len(all)+1, title), parts, write})
		}
	}
	var frameworks, tables []string
	for _, f := range d.Frameworks {
		frameworks = append(frameworks, frameworkLabel(f.Name))
	}
	for _, t := range d.Tables {
		tables = append(tables, t.Title)
	}
	add(len(d.Frameworks) > 0, "Result", nil, r.result)
	add(len(d.Frameworks) > 0, "Frameworks", frameworks, r.frameworks)
	add(len(d.Findings) > 0, "Findings", nil, func(s *section) { r.findings(s, d.Findings) })
	add(len(d.Violations) > 0, "Violations", nil, func(s *section) { r.findings(s, d.Violations) })
	add(len(d.EventsByType)+len(d.Severities) > 0, "Statistics", nil, r.statistics)
	add(len(d.Tables) > 0, "Entries", tables, r.entries)
	add(d.Checkpoint != "" || len(d.Verification) > 0, "Checkpoint and verification", nil, r.verification)
	add(d.Signature != nil, "Signature", nil, r.signature)
	return all
}

// closing says what the rendering itself did to the data.
func (r *renderer) closing() {
	r.y += 6
	r.need(36)
	r.hairline()
	r.y += 4
	r.lines(bold, small, grey, side, []string{"About this rendering"})
	r.note(fmt.Sprintf("%s of text replaced by a number in brackets, because the fonts have no sign for it or because it is none that one could see: [U+1F680] is the character of that number, [0xFF] a byte that is no text.",
		count(int64(r.replaced), "character", "characters")))
	if r.rtl {
		r.note("Some of the text is in a script that is read from the right. Its letters are shown unjoined, in the order in which they are stored, from the left.")
	}
	if len(r.doc.Tables) > 0 {
		r.note(count(int64(r.out.Rows), "entry", "entries") + " listed, " + r.omitted())
	}
	r.note("End of the report.")
}

func (r *renderer) omitted() string {
	if r.out.Omitted == 0 {
		return "none left out."
	}
	return fmt.Sprintf("%s left out: a report lists %s at most. They are in the ledger, and in the report's JSON and CSV forms.",
		count(r.out.Omitted, "entry", "entries"), number(int64(r.maxRows())))
}

func (r *renderer) maxRows() int {
	if r.doc.MaxRows > 0 {
		return r.doc.MaxRows
	}
	return DefaultMaxRows
}

func (r *renderer) note(s string) {
	r.lines(regular, small, grey, side, r.fonts[regular].wrap(s, small, shortEdge-2*side))
	r.y += 0.8
}
