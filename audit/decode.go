package audit

import (
	"encoding/json"
	"time"
	"unicode/utf8"
)

// decodeShort reads a payload as [json.Decoder] with UseNumber would, as long as
// it is canonical JSON (RFC 8785) that needs no thought. It gives up at whatever
// else: at white space, null, a key that is not exactly one of Event's, a key
// that is there twice, a value of another type. What it gives up at goes the
// long way, which alone decides what is an error.
func decodeShort(e *Event, payload []byte) bool {
	d := shortDecoder{text: payload, known: knownTexts.Get().(*texts)}
	defer knownTexts.Put(d.known)
	if !d.next('{') {
		return false
	}
	if d.next('}') {
		return d.at == len(payload)
	}
	last := ""
	for {
		key, ok := d.string()
		if !ok || key <= last || !d.next(':') || !d.member(e, key) { // canonical keys are in order
			return false
		}
		last = key
		if d.next(',') {
			continue
		}
		return d.next('}') && d.at == len(payload)
	}
}

type shortDecoder struct {
	text  []byte
	at    int
	known *texts
}

// member reads the value of one of Event's keys.
func (d *shortDecoder) member(e *Event, key string) bool {
	text := func(into *string) (ok bool) {
		*into, ok = d.string()
		return ok
	}
	object := func(into *Object) bool {
		m, ok := d.object(0)
		*into = m
		return ok
	}
	switch key {
	case "class":
		return text((*string)(&e.Class))
	case "timestamp":
		from := d.at
		if _, ok := d.string(); !ok {
			return false
		}
		e.Timestamp = new(time.Time)
		return e.Timestamp.UnmarshalJSON(d.text[from:d.at]) == nil
	case "category":
		return text(&e.Category)
	case "severity":
		return text((*string)(&e.Severity))
	case "description":
		return text(&e.Description)
	case "external_id":
		return text(&e.ExternalID)
	case "schema":
		return text(&e.Schema)
	case "actor":
		return object(&e.Actor)
	case "resource":
		return object(&e.Resource)
	case "repository":
		return object(&e.Repository)
	case "action":
		return object(&e.Action)
	case "context":
		return object(&e.Context)
	case "details":
		return object(&e.Details)
	case "metadata":
		return object(&e.Metadata)
	case "impact_assessment":
		return object(&e.Impact)
	case "electronic_signature":
		return object(&e.Signature)
	case "auto_response":
		return object(&e.AutoResponse)
	case "requires_investigation":
		e.RequiresInvestigation = true
		return d.word("true")
	case "frameworks":
		return d.frameworks(&e.Frameworks)
	}
	return false
}

func (d *shortDecoder) frameworks(into *[]Framework) bool {
	if !d.next('[') {
		return false
	}
	for {
		s, ok := d.string()
		if !ok {
			return false
		}
		*into = append(*into, Framework(s))
		if !d.next(',') {
			return d.next(']')
		}
	}
}

// next passes over the byte c if it is the next one.
func (d *shortDecoder) next(c byte) bool {
	if d.at < len(d.text) && d.text[d.at] == c {
		d.at++
		return true
	}
	return false
}

func (d *shortDecoder) word(w string) bool {
	if len(d.text)-d.at >= len(w) && string(d.text[d.at:d.at+len(w)]) == w {
		d.at += len(w)
		return true
	}
	return false
}

// maxShortDepth bounds the recursion; nothing in a ledger is as deep.
const maxShortDepth = 64

func (d *shortDecoder) value(depth int) (any, bool) {
	if d.at == len(d.text) || depth > maxShortDepth {
		return nil, false
	}
	switch d.text[d.at] {
	case '"':
		return d.quoted()
	case '{':
		return d.object(depth)
	case '[':
		return d.array(depth)
	case 't':
		return true, d.word("true")
	case 'f':
		return false, d.word("false")
	case 'n':
		return nil, d.word("null")
	}
	return d.number()
}

func (d *shortDecoder) object(depth int) (map[string]any, bool) {
	if !d.next('{') {
		return nil, false
	}
	out := make(map[string]any, 4)
	if d.next('}') {
		return out, true
	}
	for {
		key, ok := d.string()
		if !ok || !d.next(':') {
			return nil, false
		}
		if _, twice := out[key]; twice {
			return nil, false
		}
		if out[key], ok = d.value(depth + 1); !ok {
			return nil, false
		}
		if !d.next(',') {
			return out, d.next('}')
		}
	}
}

func (d *shortDecoder) array(depth int) ([]any, bool) {
	d.at++
	out := []any{}
	if d.next(']') {
		return out, true
	}
	for {
		v, ok := d.value(depth + 1)
		if !ok {
			return nil, false
		}
		out = append(out, v)
		if !d.next(',') {
			return out, d.next(']')
		}
	}
}

// number reads digits with a sign and a fraction, and no exponent.
func (d *shortDecoder) number() (any, bool) {
	from := d.at
	d.next('-')
	if !d.next('0') && !d.digits() {
		return nil, false
	}
	if d.next('.') && !d.digits() {
		return nil, false
	}
	if d.at < len(d.text) && (d.text[d.at]|0x20 == 'e' || d.text[d.at] >= '0' && d.text[d.at] <= '9') {
		return nil, false
	}
	return d.known.number(d.text[from:d.at]), true
}

func (d *shortDecoder) digits() bool {
	from := d.at
	for d.at < len(d.text) && d.text[d.at] >= '0' && d.text[d.at] <= '9' {
		d.at++
	}
	return d.at > from
}

func (d *shortDecoder) string() (string, bool) {
	value, ok := d.quoted()
	if !ok {
		return "", false
	}
	return value.(string), true
}

// quoted reads a string, already boxed as what it becomes in an object.
func (d *shortDecoder) quoted() (any, bool) {
	if !d.next('"') {
		return nil, false
	}
	from, ascii := d.at, true
	for d.at < len(d.text) {
		switch c := d.text[d.at]; {
		case c == '"':
			s := d.text[from:d.at]
			d.at++
			if !ascii && !utf8.Valid(s) {
				return nil, false
			}
			return d.known.text(s), true
		case c == '\\':
			return d.escaped(from)
		case c < ' ':
			return nil, false
		case c >= utf8.RuneSelf:
			ascii = false
		}
		d.at++
	}
	return nil, false
}

// escaped reads a string with escapes, of which the text begins at from.
func (d *shortDecoder) escaped(from int) (any, bool) {
	for d.at < len(d.text) {
		switch d.text[d.at] {
		case '"':
			d.at++
			var s string
			err := json.Unmarshal(d.text[from-1:d.at], &s)
			return s, err == nil
		case '\\':
			d.at++
		}
		d.at++
	}
	return nil, false
}
