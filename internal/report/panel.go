package report

// panel is a block of text beside a coloured bar. It stays on one page if a page can
// hold it.
type panel struct {
	r      *renderer
	id     string // at the right of the title
	colour colour
	keep   float64 // millimetres of what follows it, with which it stays
	blocks []block
}

const (
	panelIndent = 5.0
	panelTerms  = 25.0
)

// block is a part of a panel: lines beside a term, or over the whole width.
type block struct {
	term   string
	face   face
	size   float64
	colour colour
	lines  []string
	below  float64
}

func (r *renderer) panel(id string, bar colour) *panel {
	return &panel{r: r, id: r.fonts[regular].fit(r.clean(regular, id), small, (r.inner()-panelIndent)/3), colour: bar}
}

func (p *panel) add(term string, face face, size float64, ink colour, text string, width, below float64) {
	if text != "" {
		p.blocks = append(p.blocks, block{term, face, size, ink, p.r.fonts[face].wrap(p.r.clean(face, text), size, width), below})
	}
}

func (p *panel) width() float64 { return p.r.inner() - panelIndent }

func (p *panel) title(s string) {
	p.add("", bold, medium, ink, s, p.width()-p.r.fonts[regular].measure(p.id, small)-5, 0.5)
}

// line is in the bar's colour.
func (p *panel) line(face face, size float64, s string) {
	p.add("", face, size, p.colour, s, p.width(), 1.5)
}

func (p *panel) text(s string) { p.add("", regular, body, ink, s, p.width(), 1.5) }

// term is a value beside its name; one that is empty is left out.
func (p *panel) term(name string, face face, size float64, s string) {
	p.add(name, face, size, ink, s, p.width()-panelTerms, 0.6)
}

// end writes the panel.
func (p *panel) end() {
	r := p.r
	height := p.keep
	for _, b := range p.blocks {
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
	r.textRight(regular, small, grey, r.width()-side, r.y+ascent(medium), p.id)
	for _, b := range p.blocks {
		at := side + panelIndent
		if b.term != "" {
			r.need(min(float64(len(b.lines)), 2) * leading(b.size))
			r.text(regular, small, grey, at, r.y+ascent(b.size), b.term)
			at += panelTerms
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
		r.fill(p.colour, side, from+0.6, 1, until-from-1.2)
		from = top
	}
	r.y += 6
}
