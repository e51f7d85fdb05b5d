package report

import (
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
	doc       *Document
	out       Rendered
	handlings int      // of the evidence of a case
	people    []person // who took part in it
}

// PDF renders the document as a PDF of version 1.3 with embedded fonts. Equal
// documents give equal bytes, as long as the program was built with the same Go:
// its zlib compresses. Arabic letters are shown unjoined, and the report says so.
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
			out, err = Rendered{}, unrenderable(fmt.Errorf("panic: %v", p))
		}
	}()
	p, err := newPress(d.GeneratedAt)
	if err != nil {
		return Rendered{}, err
	}
	c := &canvas{press: p, ctx: ctx}
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
	r.out.Pages, r.out.Replaced = len(c.pages), c.replaced
	if r.out.Bytes, err = c.bind(r.marks); err != nil {
		return Rendered{}, fmt.Errorf("render report %s: %w", d.ReportID, err)
	}
	return r.out, nil
}

// unrenderable is what would fail again in the same way.
func unrenderable(err error) error {
	return &audit.Error{Code: audit.ValidationFailed, Message: "the report cannot be rendered", Err: err}
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
	if d.Case != nil {
		r.caseSections(add)
	}
	add(len(d.Frameworks) > 0, "Result", nil, r.result)
	add(len(d.Frameworks) > 0, "Frameworks", frameworks, r.frameworks)
	add(len(d.Findings) > 0, "Findings", nil, func(s *section) { r.findings(s, d.Findings) })
	add(len(d.Violations) > 0, "Violations", nil, func(s *section) { r.findings(s, d.Violations) })
	add(len(d.EventsByType)+len(d.Severities) > 0, "Statistics", nil, r.statistics)
	add(len(d.Tables) > 0, "Entries", tables, r.entries)
	add(d.Checkpoint != "" || len(d.Verification) > 0, "Checkpoint and verification", nil, r.verification)
	add(len(d.Signatures) == 1, "Signature", nil, r.signatures)
	add(len(d.Signatures) > 1, "Signatures", nil, r.signatures)
	return all
}

// closing says what the rendering itself did to the data.
func (r *renderer) closing() {
	r.y += 6
	r.need(36)
	r.hairline()
	r.y += 4
	r.lines(bold, small, grey, side, []string{"About this rendering"})
	r.note(fmt.Sprintf("Characters replaced: %s. What the fonts have no sign for, and what one could not see, is shown as its number in Unicode, as in [U+1F680]; a byte that is no text as in [0xFF].", number(int64(r.replaced))))
	if r.rtl {
		r.note("Some of the text is in a script that is read from the right. Its words are put in their order within a line; Arabic letters are shown unjoined.")
	}
	if r.doc.Case != nil {
		r.noteCase()
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
