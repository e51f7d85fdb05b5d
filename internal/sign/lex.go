package sign

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
)

// maxDepth bounds how deep arrays and dictionaries may be in each other, so
// that a hostile file cannot exhaust the stack.
const maxDepth = 64

type kind byte

const (
	kindNull kind = iota // also what is not there
	kindWord             // true, false and the words between objects
	kindNumber
	kindName
	kindString
	kindArray
	kindDictionary
	kindReference
)

// object is a PDF object (ISO 32000-1 section 7.3) together with where it
// stands: a signature's gap is compared with places, and what an update does
// not change is copied byte by byte.
type object struct {
	kind       kind
	start, end int      // in the file
	text       []byte   // decoded name or string; number or word as it stands there
	items      []object // of an array; of a dictionary key, value, key, value
	number     int      // of the referenced object
	generation int
}

// get returns the value of a dictionary's key, or null.
func (o object) get(key string) object {
	if o.kind == kindDictionary {
		for i := 0; i < len(o.items); i += 2 {
			if string(o.items[i].text) == key {
				return o.items[i+1]
			}
		}
	}
	return object{}
}

func (o object) isName(name string) bool { return o.kind == kindName && string(o.text) == name }

// integer returns a number that has no fraction and no sign.
func (o object) integer() (int, bool) {
	if o.kind != kindNumber {
		return 0, false
	}
	return digits(o.text)
}

func digits(text []byte) (int, bool) {
	if len(text) == 0 || len(text) > 10 {
		return 0, false
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	n, err := strconv.Atoi(string(text))
	return n, err == nil
}

type lexer struct {
	data []byte
	at   int
}

func (l *lexer) errorf(format string, args ...any) error {
	return fmt.Errorf("byte %d: %s", l.at, fmt.Sprintf(format, args...))
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0
}

func isRegular(c byte) bool {
	switch c {
	case '(', ')', '<', '>', '[', ']', '{', '}', '/', '%':
		return false
	}
	return !isSpace(c)
}

// space passes white space and comments.
func (l *lexer) space() {
	for ; l.at < len(l.data); l.at++ {
		if c := l.data[l.at]; c == '%' {
			for l.at < len(l.data) && l.data[l.at] != '\n' && l.data[l.at] != '\r' {
				l.at++
			}
			l.at--
		} else if !isSpace(c) {
			return
		}
	}
}

func (l *lexer) regular() []byte {
	start := l.at
	for l.at < len(l.data) && isRegular(l.data[l.at]) {
		l.at++
	}
	return l.data[start:l.at]
}

// word passes the expected word, which must stand next.
func (l *lexer) word(want string) error {
	l.space()
	if start := l.at; string(l.regular()) != want {
		l.at = start
		return l.errorf("%q is missing", want)
	}
	return nil
}

// integer passes a number without fraction and sign, which must stand next.
func (l *lexer) integer() (int, error) {
	l.space()
	start := l.at
	n, ok := digits(l.regular())
	if !ok {
		l.at = start
		return 0, l.errorf("a number is missing")
	}
	return n, nil
}

// object reads what stands next, a value or a word.
func (l *lexer) object(depth int) (object, error) {
	l.space()
	if l.at >= len(l.data) {
		return object{}, l.errorf("the file ends in an object")
	}
	if depth > maxDepth {
		return object{}, l.errorf("objects are more than %d deep in each other", maxDepth)
	}
	o := object{start: l.at}
	var err error
	switch c, rest := l.data[l.at], l.data[l.at+1:]; {
	case c == '/':
		l.at++
		o.kind = kindName
		o.text, err = l.name()
	case c == '(':
		o.kind = kindString
		o.text, err = l.literal()
	case c == '<' && len(rest) > 0 && rest[0] == '<':
		l.at += 2
		o.kind = kindDictionary
		o.items, err = l.dictionary(depth)
	case c == '<':
		o.kind = kindString
		o.text, err = l.hex()
	case c == '[':
		l.at++
		o.kind = kindArray
		o.items, err = l.items(']', depth)
	case c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.':
		o.kind, o.text = kindNumber, l.regular()
		l.reference(&o)
	case isRegular(c):
		o.kind, o.text = kindWord, l.regular()
		if string(o.text) == "null" {
			o.kind = kindNull
		}
	default:
		err = l.errorf("%q begins no object", c)
	}
	o.end = l.at
	return o, err
}

// reference makes of the number o a reference, when one stands there.
func (l *lexer) reference(o *object) {
	ahead := *l
	number, ok := digits(o.text)
	if !ok || ahead.at >= len(l.data) || !isSpace(l.data[ahead.at]) {
		return
	}
	if generation, err := ahead.integer(); err == nil && ahead.word("R") == nil {
		o.kind, o.number, o.generation = kindReference, number, generation
		l.at = ahead.at
	}
}

func (l *lexer) items(closing byte, depth int) ([]object, error) {
	var items []object
	for {
		l.space()
		if l.at < len(l.data) && l.data[l.at] == closing {
			l.at++
			return items, nil
		}
		o, err := l.object(depth + 1)
		if err != nil {
			return nil, err
		}
		if o.kind == kindWord && string(o.text) != "true" && string(o.text) != "false" {
			return nil, l.errorf("%.40q is no value", o.text)
		}
		items = append(items, o)
	}
}

// dictionary refuses a key that is there twice: readers differ in which of the
// two they take.
func (l *lexer) dictionary(depth int) ([]object, error) {
	items, err := l.items('>', depth)
	if err != nil {
		return nil, err
	}
	if l.at >= len(l.data) || l.data[l.at] != '>' {
		return nil, l.errorf("a dictionary does not end")
	}
	l.at++
	if len(items)%2 != 0 {
		return nil, l.errorf("a dictionary has a key without a value")
	}
	seen := make(map[string]bool, len(items)/2)
	for i := 0; i < len(items); i += 2 {
		if items[i].kind != kindName || seen[string(items[i].text)] {
			return nil, l.errorf("a dictionary has a key that is no name, or one twice")
		}
		seen[string(items[i].text)] = true
	}
	return items, nil
}

func (l *lexer) name() ([]byte, error) {
	raw := l.regular()
	if bytes.IndexByte(raw, '#') < 0 {
		return raw, nil
	}
	var text []byte
	for i := 0; i < len(raw); i++ {
		if raw[i] != '#' {
			text = append(text, raw[i])
			continue
		}
		var c [1]byte
		if i+2 >= len(raw) {
			return nil, l.errorf("a name ends in #")
		}
		if _, err := hex.Decode(c[:], raw[i+1:i+3]); err != nil {
			return nil, l.errorf("a name has # without two digits")
		}
		text = append(text, c[0])
		i += 2
	}
	return text, nil
}
