package report

import "strings"

// findings writes findings or violations.
func (r *renderer) findings(s *section, list []Finding) {
	r.heading(0, s.title, 50)
	for i := range list {
		r.finding(&list[i])
	}
}

// finding writes a finding beside a bar of its severity's colour.
func (r *renderer) finding(d *Finding) {
	due := ""
	if !d.Due.IsZero() {
		due = d.Due.UTC().Format("2006-01-02")
	}
	p := r.panel(d.ID, statusColour(string(d.Severity)))
	p.title(d.Title)
	p.line(bold, small, about(d))
	p.text(d.Description)
	p.term("Requirement", regular, small, d.Requirement)
	p.term("Owner", regular, small, d.Owner)
	p.term("Due", regular, small, due)
	p.term("Remediation", regular, small, d.Remediation)
	p.term("Entries", mono, smallest, strings.Join(d.EntryIDs, " "))
	p.end()
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
