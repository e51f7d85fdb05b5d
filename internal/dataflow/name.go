package dataflow

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// clip keeps a name within maxName bytes of valid UTF-8. What it shortens ends
// with a digest of the whole, so that different names stay different.
func clip(s string) string {
	if len(s) <= maxName && utf8.ValidString(s) {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	end := "…sha256:" + hex.EncodeToString(sum[:16])
	// A name is cut before it is repaired: the repaired one can be longer.
	s = strings.ToValidUTF8(s[:min(len(s), maxName)], "\uFFFD")
	room := maxName - len(end)
	for len(s) > room {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s + end
}

// visible makes a name one line without characters that one would not see or
// that would turn the text around: they become their number in brackets. XML
// cannot hold some of them in any form.
func visible(s string) string {
	hidden := func(r rune) bool {
		return r == utf8.RuneError || r != ' ' && !unicode.IsPrint(r) || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
	}
	if strings.IndexFunc(s, hidden) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if hidden(r) {
			fmt.Fprintf(&b, "[U+%04X]", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// fit shortens a visible text to a width in characters, of which wide ones count
// twice. It keeps both ends: ids often differ in the last characters only.
func fit(s string, width int) string {
	runes := []rune(s)
	total := 0
	for _, r := range runes {
		total += cells(r)
	}
	if total <= width {
		return s
	}
	room := width - 1
	tail, at := 0, len(runes)
	for at > 0 && tail+cells(runes[at-1]) <= room/3 {
		at--
		tail += cells(runes[at])
	}
	head, to := 0, 0
	for to < at && head+cells(runes[to]) <= room-tail {
		head += cells(runes[to])
		to++
	}
	return string(runes[:to]) + "…" + string(runes[at:])
}

// cells is about how many columns a character takes.
func cells(r rune) int {
	if r >= 0x1100 && (r <= 0x115F || r >= 0x2E80 && r <= 0xA4CF || r >= 0xAC00 && r <= 0xD7A3 || r >= 0xF900 && r <= 0xFAFF || r >= 0xFE30 && r <= 0xFE6F || r >= 0xFF00 && r <= 0xFF60 || r >= 0x1F300) {
		return 2
	}
	if unicode.Is(unicode.Mn, r) {
		return 0
	}
	return 1
}

// escape writes text into XML: as content and between double quotes. It is given
// visible text only.
func escape(s string) string { return escapes.Replace(s) }

var escapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;")
