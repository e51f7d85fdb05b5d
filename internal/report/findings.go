package report

import "strings"

// findings writes findings or violations, each in a block that begins whole.
func (r *renderer) findings(s *section, list []Finding) {
	r.heading(0, s.title, 50)
	for i := range list {
		r.finding(&list[i])
	}
}

func (r *renderer) finding(d *Finding) {
	const indent = 5.0
	r.need(34)
	if r.err != nil {
		return
	}
	severity := string(d.Severity)
	from, page := r.y, r.page
	x, width := side+indent, r.inner()-indent
	id := r.fonts[regular].fit(r.clean(regular, d.ID), small, width/3)
	r.textRight(regular, small, grey, r.width()-side, r.y+ascent(medium), id)
	r.lines(bold, medium, ink, x, r.fonts[bold].wrap(r.clean(bold, d.Title), medium, width-r.fonts[regular].measure(id, small)-5))
	r.y += 0.5
	r.lines(bold, small, statusColour(severity), x, r.fonts[bold].wrap(r.clean(bold, about(d)), small, width))
	r.y += 1.5
	if d.Description != "" {
		r.lines(regular, body, ink, x, r.fonts[regular].wrap(r.clean(regular, d.Description), body, width))
		r.y += 1.5
	}
	due := ""
	if !d.Due.IsZero() {
		due = d.Due.UTC().Format("2006-01-02")
	}
	for _, p := range []pair{
		{"Requirement", regular, d.Requirement}, {"Owner", regular, d.Owner}, {"Due", regular, due},
		{"Remediation", regular, d.Remediation}, {"Entries", mono, strings.Join(d.EntryIDs, " ")},
	} {
		if p.value == "" {
			continue
		}
		size := small
		if p.face == mono {
			size = smallest
		}
		lines := r.fonts[p.face].wrap(r.clean(p.face, p.value), size, width-25)
		r.need(min(float64(len(lines)), 2) * leading(small))
		r.text(regular, small, grey, x, r.y+ascent(small), p.term)
		r.lines(p.face, size, ink, x+25, lines)
		r.y += 0.6
	}
	if r.page == page {
		r.fill(statusColour(severity), side, from+0.6, 1, r.y-from-1.2)
	} else {
		r.fill(statusColour(severity), side, top, 1, r.y-top-0.6)
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
