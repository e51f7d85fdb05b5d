package ledger

import "unicode/utf8"

// strict passes over JSON text that is in canonical form (RFC 8785) and needs
// no thought: it accepts nothing but what [Canonical] returns unchanged, and
// gives up at much of that, too. What it gives up at goes the long way, which
// alone decides. So it makes verification faster and can make it no laxer:
//
//   - a string has no escape but a quote, a backslash or a short control, and
//     is UTF-8;
//   - a name is ASCII without escapes, and comes after the one before it:
//     no name is there twice, and their order is that of RFC 8785;
//   - a number has at most 15 digits, which a double holds exactly, and no
//     exponent.
type strict struct {
	text []byte
	at   int
}

// next passes over the byte c if it is the next one.
func (s *strict) next(c byte) bool {
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

// value passes over the value that begins here, below depth others.
func (s *strict) value(depth int) bool {
	if s.at == len(s.text) {
		return false
	}
	switch s.text[s.at] {
	case '"':
		return s.string()
	case '{':
		return depth < MaxDepth && s.object(depth)
	case '[':
		return depth < MaxDepth && s.array(depth)
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	}
	return s.number()
}

func (s *strict) word(w string) bool {
	if len(s.text)-s.at < len(w) || string(s.text[s.at:s.at+len(w)]) != w {
		return false
	}
	s.at += len(w)
	return true
}

func (s *strict) array(depth int) bool {
	s.at++
	if s.next(']') {
		return true
	}
	for {
		if !s.value(depth + 1) {
			return false
		}
		if !s.next(',') {
			return s.next(']')
		}
	}
}

func (s *strict) object(depth int) bool {
	s.at++
	if s.next('}') {
		return true
	}
	var before []byte
	for {
		name, ok := s.name()
		if !ok || before != nil && string(name) <= string(before) || !s.value(depth+1) {
			return false
		}
		before = name
		if !s.next(',') {
			return s.next('}')
		}
	}
}

// name passes over a member's name and the colon. What it returns is never nil.
func (s *strict) name() ([]byte, bool) {
	if !s.next('"') {
		return nil, false
	}
	from := s.at
	for s.at < len(s.text) && kinds[s.text[s.at]] == plainByte {
		s.at++
	}
	name := s.text[from:s.at]
	return name, s.next('"') && s.next(':')
}

func (s *strict) string() bool {
	s.at++
	from, ascii := s.at, true
	for s.at < len(s.text) {
		switch kinds[s.text[s.at]] {
		case plainByte:
			s.at++
		case wideByte:
			s.at++
			ascii = false
		case quoteByte:
			s.at++
			return ascii || utf8.Valid(s.text[from:s.at])
		case escapeByte:
			if s.at+1 == len(s.text) || !shortEscapes[s.text[s.at+1]] {
				return false
			}
			s.at += 2
		default:
			return false
		}
	}
	return false
}

// number accepts digits and a fraction that are their own canonical form: a
// decimal of so few digits is the shortest one of its double, and between 1e-6
// and 1e21 it is written without an exponent.
func (s *strict) number() bool {
	negative := s.next('-')
	whole := s.digits()
	if len(whole) == 0 || whole[0] == '0' && len(whole) > 1 {
		return false
	}
	if !s.next('.') {
		return len(whole) <= 15 && (!negative || whole[0] != '0')
	}
	fraction := s.digits()
	if n := len(fraction); n == 0 || len(whole)+n > 15 || fraction[n-1] == '0' {
		return false
	}
	if whole[0] != '0' {
		return true
	}
	for _, d := range fraction[:min(len(fraction), 6)] {
		if d != '0' {
			return true
		}
	}
	return false
}

func (s *strict) digits() []byte {
	from := s.at
	for s.at < len(s.text) && s.text[s.at]-'0' <= 9 {
		s.at++
	}
	return s.text[from:s.at]
}

// What a byte inside a string is.
const (
	oddByte = iota // a control character, which has to be escaped
	plainByte
	wideByte // of a character beyond ASCII
	quoteByte
	escapeByte
)

var kinds = func() (k [256]byte) {
	for c := range k {
		switch {
		case c == '"':
			k[c] = quoteByte
		case c == '\\':
			k[c] = escapeByte
		case c >= utf8.RuneSelf:
			k[c] = wideByte
		case c >= ' ':
			k[c] = plainByte
		}
	}
	return k
}()

// shortEscapes are what RFC 8785 writes after a backslash, but for u.
var shortEscapes = [256]bool{'"': true, '\\': true, 'b': true, 'f': true, 'n': true, 'r': true, 't': true}
