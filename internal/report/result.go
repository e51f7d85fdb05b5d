package report

import (
	"fmt"
	"strconv"
)

// percent shows a figure of 0 to 100 with one decimal.
func percent(n float64) string { return strconv.FormatFloat(n, 'f', 1, 64) + " %" }

func (f *Framework) score() string {
	if f.Score == nil {
		return "none"
	}
	return percent(*f.Score)
}

// result puts all frameworks side by side.
func (r *renderer) result(s *section) {
	r.heading(0, s.title, 60)
	r.paragraph("The score is of what was assessed. The coverage says how much of the framework that is, and the floor what the score would be if all the rest had failed: what is true lies between floor and score.")
	r.y += 2
	t := r.table(small,
		column{"Framework", -3, bold, false}, column{"Edition", -3, regular, false}, column{"Score", 17, bold, true},
		column{"Coverage", 17, regular, true}, column{"Floor", 17, regular, true}, column{"Status", -2.6, regular, false})
	for i := range r.doc.Frameworks {
		f := &r.doc.Frameworks[i]
		t.row(cell{frameworkLabel(f.Name), ink}, cell{f.Edition, ink}, cell{f.score(), ink}, cell{percent(f.Coverage), ink},
			cell{percent(f.Floor), ink}, cell{statusLabel(f.Status), statusColour(f.Status)})
	}
	t.end()
	r.y += 2
	r.paragraph(fmt.Sprintf("%s and %s are part of this report.",
		count(int64(len(r.doc.Findings)), "finding", "findings"), count(int64(len(r.doc.Violations)), "violation", "violations")))
}

// frameworks shows each with its figures, its earlier scores and its requirements.
func (r *renderer) frameworks(s *section) {
	r.heading(0, s.title, 120)
	for i := range r.doc.Frameworks {
		f := &r.doc.Frameworks[i]
		r.heading(1, s.parts[i], 60)
		r.figures(f)
		if len(f.Trend) > 1 {
			r.trend(f.Trend)
		}
		r.requirements(f)
	}
}

// figures are the numbers of a framework, large, over a scale on which floor and
// score stand.
func (r *renderer) figures(f *Framework) {
	r.need(34)
	if r.err != nil {
		return
	}
	if f.Edition != "" {
		r.lines(regular, small, grey, side, r.fonts[regular].wrap(r.clean(regular, f.Edition), small, r.inner()))
	}
	r.y += 2
	column := r.inner() / 4
	for i, figure := range []struct{ name, value string }{{"Score", f.score()}, {"Coverage", percent(f.Coverage)}, {"Floor", percent(f.Floor)}} {
		x := side + float64(i)*column
		r.text(regular, smallest, grey, x, r.y+ascent(smallest), figure.name)
		r.text(bold, 18, ink, x, r.y+12, figure.value)
	}
	x := side + 3*column
	r.text(regular, smallest, grey, x, r.y+ascent(smallest), "Status")
	status := r.fonts[bold].wrap(r.clean(bold, statusLabel(f.Status)), medium, column)
	for i, line := range status[:min(len(status), 2)] {
		r.text(bold, medium, statusColour(f.Status), x, r.y+8.5+float64(i)*leading(medium), line)
	}
	r.y += 18
	at := func(n float64) float64 { return side + n/100*r.inner() }
	r.fill(wash, side, r.y, r.inner(), 2.4)
	if f.Score != nil {
		r.fill(accent, side, r.y, at(f.Floor)-side, 2.4)
		r.fill(band, at(f.Floor), r.y, max(at(*f.Score)-at(f.Floor), 0), 2.4)
	}
	r.y += 3
	for _, tick := range []float64{0, 25, 50, 75, 100} {
		label := strconv.Itoa(int(tick))
		r.text(regular, 6, grey, at(tick)-tick/100*r.fonts[regular].measure(label, 6), r.y+ascent(6), label)
	}
	r.y += leading(6) + 0.6
	if f.Score == nil {
		r.note("There is no score, because nothing of the framework was assessed.")
	} else {
		r.note("Dark up to the floor, light from there to the score.")
	}
	r.y += 3
}

// requirements lists what was assessed, and then what was not.
func (r *renderer) requirements(f *Framework) {
	if len(f.Requirements) > 0 {
		t := r.table(small, column{"Requirement", 25, regular, false}, column{"What it asks for", -3, regular, false},
			column{"Severity", 15, regular, false}, column{"Status", 23, bold, false}, column{"Numbers", -2, regular, false})
		for _, q := range f.Requirements {
			t.row(cell{q.ID, ink}, cell{q.Title, ink}, cell{statusLabel(string(q.Severity)), statusColour(string(q.Severity))},
				cell{statusLabel(q.Status), statusColour(q.Status)}, cell{q.Numbers, grey})
		}
		t.end()
	}
	if len(f.NotAssessed) > 0 {
		t := r.table(small, column{"Requirement", 25, regular, false}, column{"Why", -1, regular, false})
		t.lead = func(h float64) {
			r.y += 3
			r.need(h + leading(small) + 1)
			r.lines(bold, small, ink, side, []string{"Not assessed"})
			r.y += 1
		}
		for _, u := range f.NotAssessed {
			t.row(cell{u.ID, ink}, cell{u.Reason, ink})
		}
		t.end()
	}
}
