package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// perPoint is the length of a typographic point in millimetres.
const perPoint = 25.4 / 72

// font measures and breaks text of one face.
type font struct {
	glyphs *glyphs
	widths [1 << 16]uint16 // of a code point, in thousandths of the size, plus 1; 0: not asked for yet
	ask    func(rune) int  // the width, from gofpdf
}

// clean makes s showable. What the font has no glyph for, what does not stand in
// the first plane of Unicode, bytes that are no UTF-8, and characters that one
// would not see (controls, marks of direction and of width) become their number
// in brackets; clean returns how many. A tab is a space; lines end with \n.
func (f *font) clean(s string) (string, int) {
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = s[i] >= ' ' && s[i] < 0x7F || s[i] == '\n'
	}
	if plain {
		return s, 0
	}
	var b strings.Builder
	replaced := 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, "[0x%02X]", s[i])
			replaced++
		case r == '\n':
			b.WriteByte('\n')
		case r == '\t':
			b.WriteByte(' ')
		case r == '\r' && i+1 < len(s) && s[i+1] == '\n':
		case f.visible(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "[U+%04X]", r)
			replaced++
		}
		i += size
	}
	return b.String(), replaced
}

func (f *font) visible(r rune) bool {
	if r == ' ' || r == '\u00A0' {
		return true
	}
	return f.glyphs.has(r) && !unicode.In(r, unicode.C, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

func (f *font) width(r rune) int {
	if r >= 1<<16 {
		return 0
	}
	if f.widths[r] == 0 {
		f.widths[r] = uint16(f.ask(r)) + 1
	}
	return int(f.widths[r]) - 1
}

// measure returns the width of a cleaned text in millimetres.
func (f *font) measure(s string, size float64) float64 {
	sum := 0
	for _, r := range s {
		sum += f.width(r)
	}
	return float64(sum) * size * perPoint / 1000
}

// wrap breaks a cleaned text into lines of a width in millimetres: at spaces; in a
// word that is longer than a line behind punctuation, or else anywhere.
func (f *font) wrap(s string, size, width float64) []string {
	limit := int(width / (size * perPoint) * 1000)
	var lines []string
	for s := range strings.SplitSeq(s, "\n") {
		start, atSpace, inWord, sum := 0, 0, 0, 0
		for i, r := range s {
			w := f.width(r)
			for sum+w > limit && i > start && r != ' ' {
				end := i
				if atSpace > start {
					end = atSpace
				} else if inWord > start {
					end = inWord
				}
				lines = append(lines, strings.TrimRight(s[start:end], " "))
				start, sum = end, 0
				for _, r := range s[start:i] {
					sum += f.width(r)
				}
			}
			sum += w
			switch {
			case r == ' ':
				atSpace = i + 1
			case r < utf8.RuneSelf && strings.ContainsRune("-_/.:,;@=&?", r):
				inWord = i + 1
			}
		}
		lines = append(lines, strings.TrimRight(s[start:], " "))
	}
	return lines
}

// balance is wrap with lines of about one length.
func (f *font) balance(s string, size, width float64) []string {
	lines := f.wrap(s, size, width)
	if len(lines) > 4 {
		return lines
	}
	for width -= 5; width > 20; width -= 5 {
		narrower := f.wrap(s, size, width)
		if len(narrower) > len(lines) {
			break
		}
		lines = narrower
	}
	return lines
}

// fit shortens a cleaned text to one line of a width in millimetres.
func (f *font) fit(s string, size, width float64) string {
	s = strings.ReplaceAll(s, "\n", " ")
	if f.measure(s, size) <= width {
		return s
	}
	room := width - f.measure("…", size)
	for i, r := range s {
		if room -= f.measure(string(r), size); room < 0 {
			return strings.TrimRight(s[:i], " ") + "…"
		}
	}
	return s
}
