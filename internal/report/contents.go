package report

const (
	contentsLeading = 6.6
	perPage         = 35 // lines of contents
)

// reserve leaves pages for the contents, which are written when the numbers of
// the pages are known, and returns the first of them.
func (r *renderer) reserve(sections []section) int {
	lines := 0
	for _, s := range sections {
		lines += 1 + len(s.parts)
	}
	r.add(false)
	first := r.page
	for n := perPage; n < lines; n += perPage {
		r.add(false)
	}
	r.add(false)
	return first
}

// fillContents writes the contents.
func (r *renderer) fillContents(page int) {
	if r.err != nil {
		return
	}
	r.turn(page)
	r.y = top
	r.lines(bold, large, accent, side, []string{"Contents"})
	r.y += 4
	for i, m := range r.marks {
		if i > 0 && i%perPage == 0 {
			page++
			r.turn(page)
			r.y = top + 14
		}
		r.contentsLine(m)
	}
}

func (r *renderer) contentsLine(m mark) {
	face, x, right := bold, side, r.width()-side
	if m.level > 0 {
		face, x = regular, side+6
	}
	fonts, base := r.fonts[face], r.y+ascent(body)
	number := number(int64(m.page))
	title := fonts.fit(m.title, body, right-x-18)
	r.text(face, body, ink, x, base, title)
	r.textRight(face, body, ink, right, base, number)
	from, until := x+fonts.measure(title, body)+2, right-fonts.measure(number, body)-2
	r.line(rule, 0.2, from, base, max(from, until), base)
	on := &r.pages[r.page-1]
	on.links = append(on.links, link{x, r.y, right - x, contentsLeading - 1, m})
	r.y += contentsLeading
}
