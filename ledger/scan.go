package ledger

import (
	"bytes"
	"errors"
)

// scanner finds the parts of JSON text in canonical form, which has no blanks
// between tokens. Nothing else is checked: use it on what [Canonical] returned
// or what was hashed as such, and never on what a client sent.
type scanner struct {
	text []byte
	at   int
}

var errNotCanonical = errors.New("the JSON is not in canonical form")

// members calls each with the quoted name and the value of every member of
// the object that the text is. Both are parts of the text.
func (s *scanner) members(each func(name, value []byte) error) error {
	return s.parts('{', '}', func() error {
		from := s.at
		if s.peek() != '"' || !s.skipString() || s.peek() != ':' {
			return errNotCanonical
		}
		name := s.text[from:s.at]
		s.at++
		value, err := s.value()
		if err != nil {
			return err
		}
		return each(name, value)
	})
}

// elements does the same for an array.
func (s *scanner) elements(each func(value []byte) error) error {
	return s.parts('[', ']', func() error {
		value, err := s.value()
		if err != nil {
			return err
		}
		return each(value)
	})
}

// parts calls part at the begin of everything between open and close.
func (s *scanner) parts(open, end byte, part func() error) error {
	if s.peek() != open {
		return errNotCanonical
	}
	s.at++
	if s.peek() == end {
		s.at++
		return s.ended()
	}
	for {
		if err := part(); err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.at++
		case end:
			s.at++
			return s.ended()
		default:
			return errNotCanonical
		}
	}
}

func (s *scanner) ended() error {
	if s.at != len(s.text) {
		return errNotCanonical
	}
	return nil
}

// peek returns the next byte, or 0 at the end.
func (s *scanner) peek() byte {
	if s.at < len(s.text) {
		return s.text[s.at]
	}
	return 0
}

// value passes over the value that begins here and returns it.
func (s *scanner) value() ([]byte, error) {
	from, depth := s.at, 0
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case '"':
			if !s.skipString() {
				return nil, errNotCanonical
			}
			if depth == 0 {
				return s.text[from:s.at], nil
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 { // of what surrounds a number, true, false or null
				return s.nonempty(from)
			}
			if depth--; depth == 0 {
				s.at++
				return s.text[from:s.at], nil
			}
		case ',':
			if depth == 0 {
				return s.nonempty(from)
			}
		}
		s.at++
	}
	return nil, errNotCanonical
}

func (s *scanner) nonempty(from int) ([]byte, error) {
	if s.at == from {
		return nil, errNotCanonical
	}
	return s.text[from:s.at], nil
}

// skipString passes over the string that begins here.
func (s *scanner) skipString() bool {
	for i := s.at + 1; i < len(s.text); i++ {
		n := bytes.IndexByte(s.text[i:], '"')
		if n < 0 {
			return false
		}
		i += n
		escapes := 0
		for s.text[i-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			s.at = i + 1
			return true
		}
	}
	return false
}
