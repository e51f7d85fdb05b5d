package report

// column of a table. A negative width is that share of what the others leave.
type column struct {
	title string
	width float64
	face  face
	right bool
}

// cell is a text, coloured or not.
type cell struct {
	text   string
	colour colour
}

const cellGap = 4.0 // between columns

// table writes rows below a header that is repeated on each page. Rows are held
// back until two more are known, so that neither the first nor the last of them
// stands alone on a page.
type table struct {
	flow    *flow
	columns []column
	size    float64
	padding float64      // above and below the lines of a row
	held    [][][]string // lines, by row and column
	colours [][]colour
	lead    func(h float64) // writes what stands above the table, and stays with the next h millimetres
	started bool
	onPage  int // rows since the header
}

func (f *flow) table(size float64, columns ...column) *table {
	t := &table{flow: f, columns: columns, size: size, padding: 1.3}
	left, shares := f.inner()-cellGap*float64(len(columns)-1), 0.0
	for _, c := range columns {
		if c.width > 0 {
			left -= c.width
		} else {
			shares -= c.width
		}
	}
	for i, c := range columns {
		if c.width < 0 {
			t.columns[i].width = left * -c.width / shares
		}
	}
	return t
}

// row adds a row; a cell for each column.
func (t *table) row(cells ...cell) {
	lines, colours := make([][]string, len(cells)), make([]colour, len(cells))
	for i, c := range cells {
		col := t.columns[i]
		lines[i] = t.flow.fonts[col.face].wrap(t.flow.clean(col.face, c.text), t.size, col.width)
		colours[i] = c.colour
	}
	t.held, t.colours = append(t.held, lines), append(t.colours, colours)
	if len(t.held) > 2 {
		t.place()
	}
}

func (t *table) begin(h float64) {
	if t.lead != nil {
		t.lead(h)
	} else {
		t.flow.need(h)
	}
	t.started = true
}

// end writes what is held back. A table without rows has no header.
func (t *table) end() {
	if len(t.held) == 2 && t.onPage > 0 && t.flow.y+t.height(0)+t.height(1) > t.flow.floor() && t.fits(t.height(0)+t.height(1)) {
		t.next()
	}
	for len(t.held) > 0 && t.flow.err == nil {
		t.place()
	}
	if !t.started {
		t.begin(leading(small))
	}
	t.flow.y += 2
}

func (t *table) height(held int) float64 {
	most := 1
	for _, lines := range t.held[held] {
		most = max(most, len(lines))
	}
	return float64(most)*leading(t.size) + 2*t.padding
}

// fits reports whether h millimetres of rows go on one page.
func (t *table) fits(h float64) bool {
	return top+t.headerHeight()+h <= t.flow.floor()
}

func (t *table) headerHeight() float64 { return leading(smallest) + 3 }

// next continues on another page.
func (t *table) next() {
	t.flow.add(t.flow.landscape())
	t.header()
}

func (t *table) header() {
	f := t.flow
	x := side
	for _, c := range t.columns {
		if c.right {
			f.textRight(bold, smallest, grey, x+c.width, f.y+ascent(smallest), c.title)
		} else {
			f.text(bold, smallest, grey, x, f.y+ascent(smallest), c.title)
		}
		x += c.width + cellGap
	}
	f.y += leading(smallest) + 1
	f.line(grey, 0.3, side, f.y, f.width()-side, f.y)
	f.y += 0.6
	t.onPage = 0
}

// place writes the oldest row that is held back. One that is higher than a page is
// continued on the next.
func (t *table) place() {
	f := t.flow
	if !t.started {
		first := t.headerHeight()
		for held := range min(len(t.held), 2) {
			first += min(t.height(held), 40)
		}
		t.begin(first)
		t.header()
	}
	if h := t.height(0); f.y+h > f.floor() && t.onPage > 0 && (t.fits(h) || f.floor()-f.y < 30) {
		t.next()
	}
	lines, colours := t.held[0], t.colours[0]
	t.held, t.colours = t.held[1:], t.colours[1:]
	for f.err == nil && !t.part(lines, colours) {
		t.next()
	}
	f.hairline()
	t.onPage++
}

// part writes what the page has room for, takes it out of lines, and reports
// whether that was all.
func (t *table) part(lines [][]string, colours []colour) (all bool) {
	f := t.flow
	room := int((f.floor() - f.y - 2*t.padding) / leading(t.size))
	all, x, most := true, side, 1
	for i, c := range t.columns {
		n := min(len(lines[i]), room)
		y := f.y + t.padding + ascent(t.size)
		for _, s := range lines[i][:n] {
			if c.right {
				f.textRight(c.face, t.size, colours[i], x+c.width, y, s)
			} else {
				f.text(c.face, t.size, colours[i], x, y, s)
			}
			y += leading(t.size)
		}
		lines[i] = lines[i][n:]
		all, most, x = all && len(lines[i]) == 0, max(most, n), x+c.width+cellGap
	}
	f.y += float64(most)*leading(t.size) + 2*t.padding
	return all
}
