package dataflow

import (
	"bufio"
	"fmt"
	"io"
	"math"
)

// The colours. Text has a contrast of 4.5 to what is behind it at least.
const (
	inkColour   = "#1f2933"
	greyColour  = "#5d6875"
	seedFill    = "#7a1426"
	bothFill    = "#efe3f5"
	forwardFill = "#fdebd3"
	behindFill  = "#dfeaf4"
	plainFill   = "#f3f5f7"
)

// look is a colour and a dash; kinds can be told apart without colours, too.
type look struct{ colour, dash string }

var looks = [edgeKinds]look{
	Use: {"#8a94a0", ""}, Read: {"#1f4e79", "6 3"}, Write: {"#963d00", ""}, Grant: {"#7a1426", "10 3 2 3"},
	Contains: {"#267348", "2 3"}, Affects: {"#267348", "8 4"}, Exports: {"#6b2a86", ""},
}

// SVG writes the drawing as a picture 1400 pixels wide, with a legend and the
// notes. It refers to nothing outside, and has no script.
func (d *Drawing) SVG(w io.Writer) error {
	b := bufio.NewWriter(w)
	high := pictureWidth * d.Ratio
	full := high + 61 + 15*float64(len(d.Notes))
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %s %s" width="%s" height="%s" role="img" font-family="DejaVu Sans Condensed, DejaVu Sans, Arial, sans-serif">`+"\n",
		px(pictureWidth), px(full), px(pictureWidth), px(full))
	title := escape(visible(d.Title))
	fmt.Fprintf(b, "<title>%s</title>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n", title)
	write(b, 20, 24, "start", 16, inkColour, true, d.Title)
	for i := range d.Lines {
		d.Lines[i].svg(b, high)
	}
	for i := range d.Boxes {
		d.Boxes[i].svg(b, high)
	}
	for _, l := range d.Labels {
		write(b, l.X*pictureWidth, l.Y*high, "middle", 12, inkColour, l.Strong, l.Text)
	}
	legend(b, high+14)
	write(b, 20, high+42, "start", 10.5, greyColour, false,
		"A ring: not in the baseline. A thick frame: without it parts of this map would be apart. A dashed frame: several nodes. Wide lines: many mentions.")
	for i, note := range d.Notes {
		write(b, 20, high+57+15*float64(i), "start", 10.5, greyColour, false, fit(visible(note), 250))
	}
	fmt.Fprint(b, "</svg>\n")
	return b.Flush()
}

func px(x float64) string { return fmt.Sprintf("%.1f", x) }

func write(w io.Writer, x, y float64, anchor string, size float64, colour string, strong bool, text string) {
	weight := ""
	if strong {
		weight = ` font-weight="bold"`
	}
	fmt.Fprintf(w, "<text x=\"%s\" y=\"%s\" text-anchor=\"%s\" font-size=\"%s\" fill=\"%s\"%s>%s</text>\n", px(x), px(y), anchor, px(size), colour, weight, escape(visible(text)))
}

func (l *Line) svg(w io.Writer, high float64) {
	look, wide := looks[l.Kind], 1.1+min(1.4, math.Log10(float64(max(l.Mentions, 1)))*0.5)
	fmt.Fprintf(w, `<polyline fill="none" stroke="%s" stroke-width="%s"`, look.colour, px(wide))
	if look.dash != "" {
		fmt.Fprintf(w, ` stroke-dasharray="%s"`, look.dash)
	}
	fmt.Fprint(w, ` points="`)
	for i, p := range l.Points {
		if i > 0 {
			fmt.Fprint(w, " ")
		}
		fmt.Fprint(w, px(p[0]*pictureWidth), ",", px(p[1]*high))
	}
	what := "observed"
	if l.Declared {
		what = "declared"
	}
	fresh := ""
	if l.New {
		fresh = ", new"
	}
	fmt.Fprintf(w, "\"><title>%s (%s%s), %d edges, %d mentions</title></polyline>\n", l.Kind, what, fresh, l.Edges, l.Mentions)
	if n := len(l.Points); n > 1 {
		tip, before := l.Points[n-1], l.Points[n-2]
		x, y := tip[0]*pictureWidth, tip[1]*high
		dx, dy := x-before[0]*pictureWidth, y-before[1]*high
		if long := math.Hypot(dx, dy); long > 0 {
			dx, dy = dx/long, dy/long
			fmt.Fprintf(w, "<polygon fill=\"%s\" points=\"%s,%s %s,%s %s,%s\"/>\n", look.colour, px(x), px(y),
				px(x-7*dx-3*dy), px(y-7*dy+3*dx), px(x-7*dx+3*dy), px(y-7*dy-3*dx))
		}
		if l.New {
			middle := l.Points[n/2]
			fmt.Fprintf(w, "<circle cx=\"%s\" cy=\"%s\" r=\"3.5\" fill=\"#ffffff\" stroke=\"%s\" stroke-width=\"1.5\"/>\n", px(middle[0]*pictureWidth), px(middle[1]*high), look.colour)
		}
	}
}

func (b *Box) svg(w io.Writer, high float64) {
	x, y, wide, tall := b.X*pictureWidth, b.Y*high, b.W*pictureWidth, b.H*high
	fill, ink, second := plainFill, inkColour, greyColour
	switch {
	case b.Seed:
		fill, ink, second = seedFill, "#ffffff", "#ffffff"
	case b.Forward && b.Backward:
		fill = bothFill
	case b.Forward:
		fill = forwardFill
	case b.Backward:
		fill = behindFill
	}
	stroke, dash := "1.0", ""
	if b.Cut {
		stroke = "2.2"
	}
	if b.Nodes > 1 {
		dash = ` stroke-dasharray="4 2"`
	}
	fmt.Fprintf(w, "<g><title>%s: %s</title><rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" rx=\"4\" fill=\"%s\" stroke=\"%s\" stroke-width=\"%s\"%s/>\n",
		b.Kind, escape(visible(b.Full)), px(x), px(y), px(wide), px(tall), fill, greyColour, stroke, dash)
	at := y + tall/2 + labelSize*0.36
	if b.Sub != "" {
		at = y + tall/2 - 2
		write(w, x+wide/2, y+tall/2+11, "middle", 9, second, false, b.Sub)
	}
	write(w, x+wide/2, at, "middle", labelSize, ink, false, b.Label)
	fmt.Fprint(w, "</g>\n")
}

// legend explains lines and boxes, from left to right.
func legend(w io.Writer, y float64) {
	x := 20.0
	for k := range edgeKinds {
		dash := ""
		if looks[k].dash != "" {
			dash = fmt.Sprintf(` stroke-dasharray="%s"`, looks[k].dash)
		}
		fmt.Fprintf(w, "<line x1=\"%s\" y1=\"%s\" x2=\"%s\" y2=\"%s\" stroke=\"%s\" stroke-width=\"2\"%s/>\n", px(x), px(y-4), px(x+34), px(y-4), looks[k].colour, dash)
		write(w, x+40, y, "start", 11, inkColour, false, k.String())
		x += 105
	}
	for _, s := range []struct{ fill, text string }{{seedFill, "trigger"}, {forwardFill, "could have been influenced"}, {behindFill, "could have influenced the trigger"}, {bothFill, "both"}} {
		fmt.Fprintf(w, "<rect x=\"%s\" y=\"%s\" width=\"14\" height=\"12\" fill=\"%s\" stroke=\"%s\"/>\n", px(x), px(y-10), s.fill, greyColour)
		write(w, x+20, y, "start", 11, inkColour, false, s.text)
		x += 40 + 6.2*float64(len(s.text))
	}
}
