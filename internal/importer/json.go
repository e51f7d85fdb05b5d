package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// decode reads one JSON value strictly: a name used twice in an object, text
// that is not UTF-8 and half surrogate pairs are refused, because encoding
// such a value again would change it. Numbers keep their text.
func decode(data []byte) (any, error) {
	d := jsontext.NewDecoder(bytes.NewReader(data))
	v, err := readValue(d)
	if err == nil {
		if _, err = d.ReadToken(); errors.Is(err, io.EOF) {
			return v, nil
		}
		if err == nil {
			err = errors.New("there is something after the JSON value")
		}
	}
	return nil, plain(err)
}

// plain drops what the decoder's errors say about itself.
func plain(err error) error {
	var se *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the JSON ends too early")
	case errors.As(err, &se):
		return fmt.Errorf("the JSON is malformed at byte %d: %w", se.ByteOffset, se.Err)
	}
	return err
}

func readValue(d *jsontext.Decoder) (any, error) {
	t, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	switch t.Kind() {
	case 'n':
		return nil, nil
	case 't', 'f':
		return t.Bool(), nil
	case '"':
		return t.String(), nil
	case '0':
		return json.Number(t.String()), nil
	case '{':
		o := map[string]any{}
		for d.PeekKind() != '}' {
			name, err := d.ReadToken()
			if err != nil {
				return nil, err
			}
			key := name.String() // the token lives until the next is read
			if o[key], err = readValue(d); err != nil {
				return nil, err
			}
		}
		_, err = d.ReadToken()
		return o, err
	default: // an array: the decoder returns nothing else here
		a := []any{}
		for d.PeekKind() != ']' {
			v, err := readValue(d)
			if err != nil {
				return nil, err
			}
			a = append(a, v)
		}
		_, err = d.ReadToken()
		return a, err
	}
}

// fit makes a value fit for the ledger without losing anything: a number that
// would not come back as it was becomes a string, and whatever is nested
// deeper than depth levels becomes its JSON text. Each change is reported with
// its place.
func fit(v any, depth int, at string, note func(at, what string)) any {
	switch v := v.(type) {
	case json.Number:
		if !keepsValue(v.String()) {
			note(at, "a number that is kept as a string because it cannot be held exactly")
			return v.String()
		}
	case map[string]any:
		if depth == 0 {
			return flatten(v, at, note)
		}
		for key, child := range v {
			v[key] = fit(child, depth-1, at+"/"+escapePointer(key), note)
		}
	case []any:
		if depth == 0 {
			return flatten(v, at, note)
		}
		for i, child := range v {
			v[i] = fit(child, depth-1, at+"/"+strconv.Itoa(i), note)
		}
	}
	return v
}

func flatten(v any, at string, note func(at, what string)) any {
	text, err := json.Marshal(v)
	if err != nil { // only what decode made comes here
		panic(err)
	}
	note(at, "a value that is kept as JSON text because it is nested too deeply")
	return string(text)
}

// keepsValue reports whether the ledger's canonical form, which holds doubles,
// gives back the number that text writes.
func keepsValue(text string) bool {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f == 0 && strings.HasPrefix(text, "-") {
		return false
	}
	if f == 0 { // exact unless it is a number too small for a double
		mantissa, _, _ := strings.Cut(strings.ToLower(text), "e")
		return strings.Trim(mantissa, "0.") == ""
	}
	const safe = 1<<53 - 1
	if f > safe || f < -safe {
		return false
	}
	exact, ok := new(big.Rat).SetString(text)
	short, ok2 := new(big.Rat).SetString(strconv.FormatFloat(f, 'g', -1, 64))
	return ok && ok2 && exact.Cmp(short) == 0
}

func escapePointer(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "~", "~0"), "/", "~1")
}
