package report

import "strings"

// findings writes findings or violations.
func (r *renderer) findings(s *section, list []Finding) {
	r.heading(0, s.title, 50)
	for i := range list {
		r.finding(&list[i])
	}
}

// block is a part of a finding: lines beside a term, or over the whole width.
type block struct {
	term   string
	face   face
	size   float64
	colour colour
	lines  []string
	below  float64
}

// finding writes a finding beside a bar of its severity's colour. It stays on one
// page if a page can hold it.
func (r *renderer) finding(d *Finding) {
	const indent, terms = 5.0, 25.0
	x, width := side+indent, r.inner()-indent
	severity := statusColour(string(d.Severity))
	id := r.fonts[regular].fit(r.clean(regular, d.ID), small, width/3)
	due := ""
	if !d.Due.IsZero() {
		due = d.Due.UTC().Format("2006-01-02")
	}
	var blocks []block
	add := func(term string, face face, size float64, ink colour, text string, width, below float64) {
		if text != "" {
			blocks = append(blocks, block{term, face, size, ink, r.fonts[face].wrap(r.clean(face, text), size, width), below})
		}
	}
	add("", bold, medium, ink, d.Title, width-r.fonts[regular].measure(id, small)-5, 0.5)
	add("", bold, small, severity, about(d), width, 1.5)
	add("", regular, body, ink, d.Description, width, 1.5)
	add("Requirement", regular, small, ink, d.Requirement, width-terms, 0.6)
	add("Owner", regular, small, ink, d.Owner, width-terms, 0.6)
	add("Due", regular, small, ink, due, width-terms, 0.6)
	add("Remediation", regular, small, ink, d.Remediation, width-terms, 0.6)
	add("Entries", mono, smallest, ink, strings.Join(d.EntryIDs, " "), width-terms, 0.6)
	height := 0.0
	for _, b := range blocks {
		height += float64(len(b.lines))*leading(b.size) + b.below
	}
	if top+height > r.floor() {
		height = 34
	}
	r.need(height)
	if r.err != nil {
		return
	}
	from, first := r.y, r.page
	r.textRight(regular, small, grey, r.width()-side, r.y+ascent(medium), id)
	for _, b := range blocks {
		at := x
		if b.term != "" {
			r.need(min(float64(len(b.lines)), 2) * leading(b.size))
			r.text(regular, small, grey, x, r.y+ascent(b.size), b.term)
			at += terms
		}
		r.lines(b.face, b.size, b.colour, at, b.lines)
		r.y += b.below
	}
	for last, page := r.page, first; page <= last && r.err == nil; page++ {
		r.turn(page)
		until := r.floor()
		if page == last {
			until = r.y
		}
		r.fill(severity, side, from+0.6, 1, until-from-1.2)
		from = top
	}
	r.y += 6
}

// about is the line below a finding's title.
func about(d *Finding) string {
	var parts []string
	for _, s := range []string{string(d.Severity), d.Status} {
		if s != "" {
			parts = append(parts, statusLabel(s))
		}
	}
	return strings.Join(parts, "  ·  ")
}
