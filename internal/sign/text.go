package sign

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// literal reads a string in parentheses (ISO 32000-1 section 7.3.4.2).
func (l *lexer) literal() ([]byte, error) {
	var text []byte
	open := 0
	for ; l.at < len(l.data); l.at++ {
		c := l.data[l.at]
		switch c {
		case '(':
			if open++; open == 1 {
				continue
			}
		case ')':
			if open--; open == 0 {
				l.at++
				return text, nil
			}
		case '\\':
			text = l.escape(text)
			continue
		}
		text = append(text, c)
	}
	return nil, l.errorf("a string does not end")
}

// escape reads what follows a backslash, and stays on its last byte.
func (l *lexer) escape(text []byte) []byte {
	l.at++
	if l.at >= len(l.data) {
		return text
	}
	c := l.data[l.at]
	if i := strings.IndexByte("nrtbf", c); i >= 0 {
		return append(text, "\n\r\t\b\f"[i])
	}
	switch {
	case c == '\r':
		if l.at+1 < len(l.data) && l.data[l.at+1] == '\n' {
			l.at++
		}
		return text
	case c == '\n':
		return text
	case c >= '0' && c <= '7':
		n := 0
		for i := 0; i < 3 && l.at < len(l.data) && l.data[l.at] >= '0' && l.data[l.at] <= '7'; i++ {
			n = n*8 + int(l.data[l.at]-'0')
			l.at++
		}
		l.at--
		return append(text, byte(n))
	}
	return append(text, c)
}

// hex reads a string in angle brackets. White space may stand in it.
func (l *lexer) hex() ([]byte, error) {
	l.at++
	n := bytes.IndexByte(l.data[l.at:], '>')
	if n < 0 {
		return nil, l.errorf("a hexadecimal string does not end")
	}
	pairs := bytes.Map(func(r rune) rune {
		if r < utf8.RuneSelf && isSpace(byte(r)) {
			return -1
		}
		return r
	}, l.data[l.at:l.at+n])
	if len(pairs)%2 != 0 {
		pairs = append(pairs, '0')
	}
	text := make([]byte, len(pairs)/2)
	if _, err := hex.Decode(text, pairs); err != nil {
		return nil, l.errorf("a hexadecimal string has other bytes in it")
	}
	l.at += n + 1
	return text, nil
}

// writeText writes a text string: readable when it is ASCII, else UTF-16.
func writeText(s string) string {
	ascii := true
	for _, r := range s {
		ascii = ascii && r >= ' ' && r <= '~'
	}
	if ascii {
		return "(" + strings.NewReplacer(`\`, `\\`, `(`, `\(`, `)`, `\)`).Replace(s) + ")"
	}
	var b strings.Builder
	b.WriteString("<FEFF")
	for _, unit := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, "%04X", unit)
	}
	return b.String() + ">"
}

// readText reads a text string: UTF-16 with a byte order mark, or the part of
// PDFDocEncoding that is Latin-1; UTF-8 with a mark is PDF 2.0's.
func readText(text []byte) string {
	switch s := string(text); {
	case strings.HasPrefix(s, "\xfe\xff"):
		var units []uint16
		for i := 2; i+1 < len(s); i += 2 {
			units = append(units, uint16(s[i])<<8|uint16(s[i+1]))
		}
		return string(utf16.Decode(units))
	case strings.HasPrefix(s, "\xef\xbb\xbf") && utf8.ValidString(s):
		return s[3:]
	}
	runes := make([]rune, len(text))
	for i, c := range text {
		runes[i] = rune(c)
	}
	return string(runes)
}

// writeTime writes a date (ISO 32000-1 section 7.9.4) in UTC, to the second.
func writeTime(t time.Time) string { return t.UTC().Format("(D:20060102150405+00'00')") }

// readTime reads the forms of a date that name day, second and zone; the
// apostrophe at the end may be left out, as PDF 2.0 does.
func readTime(text []byte) (time.Time, bool) {
	s := strings.TrimSuffix(string(text), "'")
	for _, form := range []string{"D:20060102150405Z07'00", "D:20060102150405-07'00", "D:20060102150405Z"} {
		if t, err := time.Parse(form, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}
