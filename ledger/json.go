package ledger

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sealbook/sealbook/audit"
)

// Limits of JSON that comes in.
const (
	MaxDepth   = 16        // nested objects and arrays
	MaxPayload = 256 << 10 // bytes of one canonical payload
	maxInteger = 1<<53 - 1 // RFC 7493 section 2.2
)

// Canonical checks that data is one I-JSON value (RFC 7493) and returns it in
// canonical form (RFC 8785). It refuses, each with its own message and the
// place as a JSON Pointer: a name used twice in an object, text that is not
// UTF-8 or holds half a surrogate pair, an integer beyond ±(2^53−1), a number
// too large for a double, more than MaxDepth levels, and anything after the
// value. All of these are values that two readers could understand
// differently, and what is sealed must mean one thing. Returns MalformedJSON;
// a NUL character, which Postgres text cannot hold, is ValidationFailed.
func Canonical(data []byte) ([]byte, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(data))
	mayHoldNUL := bytes.Contains(data, []byte(`\u0000`)) // the raw character is malformed anyway
	for {
		token, err := d.ReadToken()
		if err == io.EOF && d.StackDepth() == 0 && d.InputOffset() > 0 {
			break
		}
		if err != nil {
			return nil, malformed(d, err)
		}
		switch token.Kind() {
		case '0':
			if err := checkNumber(token); err != nil {
				return nil, audit.Errorf(audit.MalformedJSON, "%s at %s", err, pointerOf(d)).With("pointer", string(d.StackPointer()))
			}
		case '"':
			if mayHoldNUL && strings.ContainsRune(token.String(), 0) {
				return nil, &audit.Error{Code: audit.ValidationFailed, Message: "a string holds a NUL character",
					Fields: []audit.FieldError{{Field: string(d.StackPointer()), Code: "nul", Message: "a NUL character cannot be stored"}}}
			}
		case '{', '[':
			if d.StackDepth() > MaxDepth {
				return nil, audit.Errorf(audit.MalformedJSON, "the JSON is nested deeper than %d levels at %s", MaxDepth, pointerOf(d))
			}
		}
		if d.StackDepth() == 0 { // the value is complete
			rest := bytes.TrimLeft(data[d.InputOffset():], " \t\r\n")
			if len(rest) > 0 {
				return nil, audit.Errorf(audit.MalformedJSON, "there is something after the JSON value, at byte %d", len(data)-len(rest))
			}
			break
		}
	}
	v := jsontext.Value(bytes.Clone(data))
	if err := v.Canonicalize(); err != nil {
		return nil, audit.Errorf(audit.MalformedJSON, "the JSON cannot be brought to canonical form: %v", err)
	}
	return v, nil
}

func checkNumber(t jsontext.Token) error {
	text := t.String()
	if !strings.ContainsAny(text, ".eE") {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n > maxInteger || n < -maxInteger {
			return errors.New("an integer is beyond ±(2^53−1); send it as a string")
		}
		return nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return errors.New("a number is too large for a double; send it as a string")
	}
	// Up to 1e21 the canonical form writes digits, which would read as an
	// integer that other readers cannot hold.
	if a := math.Abs(f); a > maxInteger && a < 1e21 {
		return errors.New("a number is beyond ±(2^53−1) and would be written as an integer; send it as a string")
	}
	return nil
}

func malformed(d *jsontext.Decoder, err error) error {
	var se *jsontext.SyntacticError
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return audit.Errorf(audit.MalformedJSON, "an object names a key twice at %s", pointerOf(d))
	case errors.As(err, &se) && se.Err != nil && strings.Contains(se.Err.Error(), "UTF-8"):
		return audit.Errorf(audit.MalformedJSON, "the text is not valid UTF-8 at byte %d", se.ByteOffset)
	case errors.As(err, &se) && se.Err != nil && strings.Contains(se.Err.Error(), "surrogate"):
		return audit.Errorf(audit.MalformedJSON, "a string holds half a surrogate pair at byte %d", se.ByteOffset)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return audit.Errorf(audit.MalformedJSON, "the JSON ends too early")
	case errors.As(err, &se):
		return audit.Errorf(audit.MalformedJSON, "the JSON is malformed at byte %d: %v", se.ByteOffset, se.Err)
	}
	return audit.Errorf(audit.MalformedJSON, "the JSON is malformed: %v", err)
}

func pointerOf(d *jsontext.Decoder) string {
	if p := d.StackPointer(); p != "" {
		return string(p)
	}
	return "the top level"
}
