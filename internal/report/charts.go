package report

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/sealbook/sealbook/audit"
)

// maxBars is how many event types have a bar of their own.
const maxBars = 15

// trend draws scores over time.
func (r *renderer) trend(points []Point) {
	const height, gutter = 30.0, 8.0
	r.need(height + 18)
	if r.err != nil {
		return
	}
	r.lines(bold, small, ink, side, []string{"Score over time"})
	r.y += 2
	left, right, base := side+gutter, r.width()-side-2, r.y+height
	at := func(n float64) float64 { return base - n/100*height }
	for _, n := range []int{0, 50, 100} {
		r.line(rule, 0.15, left, at(float64(n)), right, at(float64(n)))
		r.textRight(regular, 6, grey, left-1.5, at(float64(n))+0.8, strconv.Itoa(n))
	}
	first, last := points[0].Time, points[len(points)-1].Time
	span := last.Sub(first)
	x := func(i int) float64 {
		share := float64(i) / float64(len(points)-1)
		if span > 0 {
			share = min(max(float64(points[i].Time.Sub(first))/float64(span), 0), 1)
		}
		return left + 2 + share*(right-left-4)
	}
	for i := 1; i < len(points); i++ {
		r.line(accent, 0.5, x(i-1), at(points[i-1].Score), x(i), at(points[i].Score))
	}
	for i, p := range points {
		if len(points) <= 60 {
			r.dot(accent, x(i), at(p.Score), 0.7)
		}
	}
	end := strconv.FormatFloat(points[len(points)-1].Score, 'f', 1, 64)
	r.textRight(bold, smallest, accent, right, max(at(points[len(points)-1].Score)-1.8, r.y-0.4), end)
	r.text(regular, 6, grey, x(0), base+3.4, first.UTC().Format("2006-01-02"))
	r.textRight(regular, 6, grey, right, base+3.4, last.UTC().Format("2006-01-02"))
	r.y = base + 9
}

// statistics draws how many events there are, by severity and by type.
func (r *renderer) statistics(s *section) {
	r.heading(0, s.title, 50)
	if len(r.doc.Severities) > 0 {
		list := slices.Clone(r.doc.Severities)
		rank := func(c Count) int { return slices.Index(audit.Severities, audit.Severity(c.Name)) }
		slices.SortStableFunc(list, func(a, b Count) int { return cmp.Or(rank(b)-rank(a), cmp.Compare(a.Name, b.Name)) })
		r.bars("Events by severity", list, func(name string) colour { return statusColour(name) }, statusLabel)
	}
	if len(r.doc.EventsByType) > 0 {
		list := slices.Clone(r.doc.EventsByType)
		slices.SortStableFunc(list, func(a, b Count) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name)) })
		if len(list) > maxBars+1 {
			var others int64
			for _, c := range list[maxBars:] {
				others += c.Count
			}
			list = append(list[:maxBars], Count{count(int64(len(list)-maxBars), "other type", "other types"), others})
		}
		r.bars("Events by type", list, func(string) colour { return accent }, func(s string) string { return s })
	}
}

// bars draws a bar for each count, with its number and its share.
func (r *renderer) bars(title string, list []Count, colours func(string) colour, label func(string) string) {
	const step, names, numbers = 6.2, 50.0, 36.0
	var most, sum int64
	for _, c := range list {
		most, sum = max(most, c.Count), sum+c.Count
	}
	r.y += 2
	r.need(min(float64(len(list)), 6)*step + 12)
	r.lines(bold, small, ink, side, []string{title})
	r.y += 2
	room := r.inner() - names - numbers
	for _, c := range list {
		r.need(step)
		if r.err != nil {
			return
		}
		base := r.y + 3.4
		r.textRight(regular, small, ink, side+names-3, base, r.fonts[regular].fit(r.clean(regular, label(c.Name)), small, names-3))
		length := 0.0
		if most > 0 {
			length = float64(c.Count) / float64(most) * room
		}
		r.fill(colours(c.Name), side+names, r.y+0.8, max(length, 0.3), 3.2)
		value := number(c.Count)
		r.text(bold, small, ink, side+names+length+2, base, value)
		if sum > 0 {
			after := r.fonts[bold].measure(value, small)
			r.text(regular, smallest, grey, side+names+length+3.5+after, base, percent(100*float64(c.Count)/float64(sum)))
		}
		r.y += step
	}
	r.line(rule, 0.2, side+names, r.y-float64(len(list))*step, side+names, r.y)
	r.y += 3
}
