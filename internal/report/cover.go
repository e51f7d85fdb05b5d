package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// dateTime is how times are shown, apart from those of entries and signatures.
const dateTime = "2006-01-02 15:04:05 UTC"

func utc(t time.Time) string { return t.UTC().Format(dateTime) }

func (p Period) String() string {
	switch {
	case p.From.IsZero() && p.Until.IsZero():
		return "the whole ledger"
	case p.From.IsZero():
		return "up to, not including, " + utc(p.Until)
	case p.Until.IsZero():
		return "from " + utc(p.From)
	}
	return utc(p.From) + " up to, not including, " + utc(p.Until)
}

// number groups the digits of n by three.
func number(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func count(n int64, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + more
}

// describe fills in what readers show of the file.
func (r *renderer) describe() {
	title, _ := r.fonts[regular].clean(r.doc.Title)
	organisation, _ := r.fonts[regular].clean(r.doc.Organisation)
	r.pdf.SetTitle(title, true)
	r.pdf.SetAuthor(organisation, true)
	r.pdf.SetSubject(r.doc.Type.Label(), true)
}

// cover says what the report is about, what it rests on, and what it cannot show.
func (r *renderer) cover() {
	d := r.doc
	r.y = 30
	r.lines(bold, medium, grey, side, r.fonts[bold].wrap(r.clean(bold, d.Organisation), medium, r.inner()))
	r.y += 16
	r.fill(accent, side, r.y, 18, 1.2)
	r.y += 7
	r.lines(bold, display, ink, side, r.fonts[bold].balance(r.clean(bold, d.Title), display, r.inner()))
	r.y += 2
	r.lines(regular, large, grey, side, []string{d.Type.Label()})
	if d.Case != nil {
		r.caseCover()
	}
	r.y += 12
	if d.Case != nil {
		r.casePairs()
	}
	r.pairs(
		pair{"Period", regular, d.Period.String()},
		pair{"Scope", regular, strings.Join(d.Scope, "\n")},
		pair{"Report", regular, d.ReportID + ", revision " + strconv.Itoa(d.Revision)},
		pair{"Generated", regular, utc(d.GeneratedAt) + by(d.GeneratedBy)},
		pair{"Signature", regular, states(d.Signatures)},
	)
	r.label("Basis", 30)
	b := d.Basis
	catalog := b.Catalog
	if b.CatalogVersion != "" {
		catalog += ", version " + b.CatalogVersion
	}
	r.pairs(
		pair{"Ledger", regular, b.Origin},
		pair{"Entries read", regular, fmt.Sprintf("%d to %d, by position in the ledger", b.FirstSeq, b.LastSeq)},
		pair{"Hash of the last one", mono, b.HeadHash},
		pair{"Catalogue", regular, catalog},
		pair{"Catalogue's digest", mono, b.CatalogDigest},
		pair{"Digest of the data", mono, d.Digest},
	)
	if len(d.Checked) > 0 {
		r.label("What was checked for this report", 20)
		for _, s := range d.Checked {
			r.paragraph(s)
		}
	}
	if len(d.Limits) > 0 {
		r.label("What a log can and cannot show", 20)
		for _, s := range d.Limits {
			r.paragraph(s)
		}
	}
}

func by(who string) string {
	if who == "" {
		return ""
	}
	return " by " + who
}

// label begins a part of the cover, which the contents leave out.
func (r *renderer) label(title string, h float64) {
	r.y += 5
	r.need(h)
	r.hairline()
	r.y += 4
	r.lines(bold, medium, ink, side, []string{title})
	r.y += 1.5
}

// furnish writes the edges of all pages, now that their number is known.
func (r *renderer) furnish() {
	if r.err != nil {
		return
	}
	d := r.doc
	title, _ := r.fonts[regular].clean(d.Title)
	id, _ := r.fonts[regular].clean(d.ReportID + ", revision " + strconv.Itoa(d.Revision))
	digest := ""
	if d.Digest != "" {
		digest, _ = r.fonts[mono].clean("Data " + d.Digest)
	}
	pages := len(r.pages)
	for n := 1; n <= pages; n++ {
		if r.err = r.ctx.Err(); r.err != nil {
			return
		}
		r.turn(n)
		right, y := r.width()-side, r.height()-13
		if n > 1 {
			id := r.fonts[regular].fit(id, smallest, r.inner()/3)
			r.text(regular, smallest, grey, side, 14, r.fonts[regular].fit(title, smallest, r.inner()/3))
			r.textRight(regular, smallest, grey, right, 14, id)
			r.line(rule, 0.2, side, 16.5, right, 16.5)
		}
		if d.Development {
			const notice = "DEVELOPMENT SIGNATURE"
			r.text(bold, smallest, red, (r.width()-r.fonts[bold].measure(notice, smallest))/2, 14, notice)
		}
		r.line(rule, 0.2, side, y-4, right, y-4)
		page := fmt.Sprintf("%d of %d", n, pages)
		r.textRight(regular, smallest, grey, right, y, page)
		r.text(mono, 6, grey, side, y, r.fonts[mono].fit(digest, 6, r.inner()-r.fonts[regular].measure(page, smallest)-6))
	}
}
