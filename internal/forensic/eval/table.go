package eval

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// table is Markdown that is aligned, so that it reads well as text, too. The
// first column is text, the others are numbers if right says so.
type table struct {
	rows  [][]string
	right bool
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) print(w io.Writer, title string) {
	widths := make([]int, len(t.rows[0]))
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell), 3)
		}
	}
	fmt.Fprintf(w, "%s\n\n", title)
	for n, row := range t.rows {
		line := "|"
		for i, cell := range row {
			space := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if t.right && i > 0 {
				line += " " + space + cell + " |"
			} else {
				line += " " + cell + space + " |"
			}
		}
		fmt.Fprintln(w, line)
		if n > 0 {
			continue
		}
		line = "|"
		for i, width := range widths {
			rule := strings.Repeat("-", width+2)
			if t.right && i > 0 {
				rule = rule[:width+1] + ":"
			}
			line += rule + "|"
		}
		fmt.Fprintln(w, line)
	}
	fmt.Fprintln(w)
}

// number is x with so many decimals, or a dash if there is none.
func number(x float64, decimals int) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return "–"
	}
	return fmt.Sprintf("%.*f", decimals, x)
}

func of(s Share) string { return fmt.Sprintf("%d of %d", s.Of, s.All) }

func interval(s Share) string {
	low, high := s.Wilson()
	return fmt.Sprintf("%.2f – %.2f", low, high)
}

// duration is rounded to what matters.
func duration(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%.1f h", d.Hours())
	}
	return fmt.Sprintf("%.1f d", d.Hours()/24)
}
