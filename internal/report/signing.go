package report

import (
	"fmt"
	"slices"
	"strings"
)

// verification shows the checkpoint, and how to hold the report against it.
func (r *renderer) verification(s *section) {
	r.heading(0, s.title, 60)
	if r.doc.Checkpoint != "" {
		r.paragraph("The checkpoint is the ledger's signed statement of how many entries it has and of the hash over all of them. It is shown as it was issued.")
		lines := r.fonts[mono].wrap(r.clean(mono, strings.TrimRight(r.doc.Checkpoint, "\n")), small, r.inner()-8)
		for len(lines) > 0 && r.err == nil {
			r.need(4*leading(small) + 6)
			n := max(min(len(lines), int((r.floor()-r.y-6)/leading(small))), 1)
			r.fill(wash, side, r.y, r.inner(), float64(n)*leading(small)+6)
			r.y += 3
			for _, line := range lines[:n] {
				r.text(mono, small, ink, side+4, r.y+ascent(small), line)
				r.y += leading(small)
			}
			r.y += 6
			lines = lines[n:]
		}
	}
	if len(r.doc.Verification) > 0 {
		r.need(30)
		r.lines(bold, medium, ink, side, []string{"How to verify"})
		r.y += 2
	}
	for i, step := range r.doc.Verification {
		lines := r.fonts[regular].wrap(r.clean(regular, step), body, r.inner()-8)
		r.need(min(float64(len(lines)), 2) * leading(body))
		r.text(bold, body, accent, side, r.y+ascent(body), number(int64(i+1)))
		r.lines(regular, body, ink, side+8, lines)
		r.y += 1.8
	}
}

// states is what the cover says of the signatures, a line each.
func states(list []Signature) string {
	lines := make([]string, len(list))
	for i := range list {
		s := &list[i]
		if lines[i] = s.when() + by(s.Signatory); s.SignedAt.IsZero() {
			lines[i] = "awaited" + by(s.Signatory)
		}
	}
	return strings.Join(lines, "\n")
}

// when has the offset of the signatory's clock, and UTC.
func (s *Signature) when() string {
	at := s.SignedAt.Format("2006-01-02 15:04:05 -07:00")
	if _, offset := s.SignedAt.Zone(); offset != 0 {
		at += " (" + utc(s.SignedAt) + ")"
	}
	return at
}

// signatures is the page on which the signing stands in print, so that it outlives
// the file: 21 CFR 11.50 (a) and (b).
func (r *renderer) signatures(s *section) {
	const width, height = 90.0, 32.0
	all := r.doc.Signatures
	r.begin(false)
	r.heading(0, s.title, 100)
	if r.err != nil {
		return
	}
	if slices.ContainsFunc(all, func(s Signature) bool { return s.SignedAt.IsZero() }) {
		r.lines(bold, medium, amber, side, []string{"Awaiting signature"})
		r.y += 3
	} else {
		r.paragraph("Signed electronically, for the data whose digest stands at the foot of each page.")
		if len(all) > 1 {
			r.paragraph("Each signatory signed the same document, in this order, and each after the one before.")
		}
		r.y += 2
	}
	for i := range all {
		r.manifestation(i)
	}
	r.y += 6
	r.need(height + 14)
	if r.err != nil {
		return
	}
	r.lines(regular, smallest, grey, side, []string{"Digital signature"})
	r.y += 1
	r.frame(rule, 0.3, side, r.y, width, height)
	r.out.Signature = SignatureBox{
		Page: r.page, X: side / perPoint, Y: (r.height() - r.y - height) / perPoint, Width: width / perPoint, Height: height / perPoint,
	}
	r.y += height + 4
	if r.doc.Development {
		r.lines(bold, medium, red, side, []string{"DEVELOPMENT SIGNATURE"})
		r.note("The key of this signature is one for trying Sealbook out. It proves nothing about who signed.")
	}
}

// manifestation shows one of the signatures.
func (r *renderer) manifestation(i int) {
	d, all := &r.doc.Signatures[i], len(r.doc.Signatures)
	at := "not yet"
	if !d.SignedAt.IsZero() {
		at = d.when()
	}
	if all > 1 {
		r.label(fmt.Sprintf("Signature %d of %d", i+1, all), 60)
	}
	r.pairs(pair{"Name", bold, d.Signatory}, pair{"Date and time", bold, at}, pair{"Meaning", bold, d.Meaning},
		pair{"Identity", regular, d.Identity}, pair{"Digest of the data", mono, r.doc.Digest})
}
