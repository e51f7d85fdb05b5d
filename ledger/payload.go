package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// PersonalPaths are the parts of a payload that can hold personal data, as
// JSON Pointers in which * stands for any one step. Each is committed alone,
// so that it can be erased or withheld while every proof still verifies.
var PersonalPaths = []string{
	"/actor/*",
	"/user/*",
	"/metadata/*",
	"/description",
	"/context/source_ip",
	"/context/user_agent",
	"/context/location",
	"/context/attempted_username",
	"/action/changes/*/old_value",
	"/action/changes/*/new_value",
}

// Split cuts a canonical payload into its fields: one for each top-level key,
// with what personal names lifted out of them into fields of their own. The
// fields come sorted by path, with salts derived from seed. They borrow from
// payload.
func Split(payload, seed []byte, personal []string) ([]Field, error) {
	fields := make([]Field, 0, 24) // more than most payloads have
	s := scanner{text: payload}
	err := s.members(func(name, value []byte) error {
		path, err := pathOf("", name)
		if err != nil {
			return err
		}
		rest, err := lift(value, path, below(personal, path), &fields)
		fields = append(fields, Field{Path: path, Value: rest})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("a payload is a JSON object: %w", err)
	}
	var from salter
	from.init(seed)
	salts := make([]byte, 0, len(fields)*SaltSize)
	for i := range fields {
		at := len(salts)
		salts = from.appendSalt(salts, []byte(fields[i].Path))
		fields[i].Salt = salts[at:len(salts):len(salts)]
	}
	sortFields(fields)
	return fields, nil
}

// pathOf returns the pointer to a member, whose name is quoted.
func pathOf(parent string, quoted []byte) (string, error) {
	if plain := quoted[1 : len(quoted)-1]; !bytes.ContainsAny(plain, `\~/`) {
		return parent + "/" + string(plain), nil
	}
	name, err := jsontext.AppendUnquote(nil, quoted)
	return parent + "/" + escapePointer(string(name)), err
}

// below returns what is left of the patterns that start with path.
func below(patterns []string, path string) (left []string) {
	for _, p := range patterns {
		if len(p) > len(path) && p[len(path)] == '/' && p[:len(path)] == path {
			left = append(left, p[len(path)+1:])
		}
	}
	return left
}

// lift moves what patterns name out of a canonical value into fields, and
// returns what stays, which is canonical too: leaving members out does not
// change the order of the others. Array elements keep their place.
func lift(value []byte, path string, patterns []string, fields *[]Field) ([]byte, error) {
	if len(patterns) == 0 || value[0] != '{' && value[0] != '[' {
		return value, nil
	}
	s := scanner{text: value}
	rest := append(make([]byte, 0, len(value)), value[0])
	keep := func(name, child []byte) {
		if len(rest) > 1 {
			rest = append(rest, ',')
		}
		if name != nil {
			rest = append(append(rest, name...), ':')
		}
		rest = append(rest, child...)
	}
	if value[0] == '[' {
		i := 0
		err := s.elements(func(child []byte) error {
			at := strconv.Itoa(i)
			i++
			inner, err := lift(child, path+"/"+at, after(patterns, at), fields)
			keep(nil, inner)
			return err
		})
		return append(rest, ']'), err
	}
	err := s.members(func(name, child []byte) error {
		at, err := pathOf(path, name)
		if err != nil {
			return err
		}
		deeper := after(patterns, at[len(path)+1:])
		if slices.Contains(deeper, "") { // the member itself is named
			*fields = append(*fields, Field{Path: at, Value: child})
			return nil
		}
		inner, err := lift(child, at, deeper, fields)
		keep(name, inner)
		return err
	})
	return append(rest, '}'), err
}

// after returns what is left of the patterns that take step first; "" is one
// that ends with it.
func after(patterns []string, step string) (left []string) {
	for _, p := range patterns {
		first, rest, _ := strings.Cut(p, "/")
		if p != "" && (first == "*" || first == step) {
			left = append(left, rest)
		}
	}
	return left
}

// eachMember calls each with the unquoted name and the raw value of every
// member of an object. The name is only lent; the value is a part of object.
func eachMember(object []byte, each func(name, value []byte) error) error {
	d := jsontext.NewDecoder(bytes.NewBuffer(object)) // a Buffer is read in place
	if open, err := d.ReadToken(); err != nil || open.Kind() != '{' {
		return fmt.Errorf("not an object: %w", err)
	}
	var name []byte
	for d.PeekKind() != '}' {
		quoted, err := d.ReadValue()
		if err != nil {
			return err
		}
		if name, err = jsontext.AppendUnquote(name[:0], quoted); err != nil {
			return err
		}
		value, err := d.ReadValue()
		if err != nil {
			return err
		}
		if err := each(name, value); err != nil {
			return err
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	if len(bytes.TrimSpace(object[d.InputOffset():])) > 0 {
		return fmt.Errorf("there is something after the object")
	}
	return nil
}

// Join puts disclosed fields together to the canonical payload again and names
// the withheld ones. It is Split's inverse.
func Join(fields []Field) (payload []byte, withheld []string, err error) {
	top := map[string]any{}
	sorted := slices.Clone(fields)
	sort.SliceStable(sorted, func(i, j int) bool { // parents before what was lifted out of them
		return strings.Count(sorted[i].Path, "/") < strings.Count(sorted[j].Path, "/")
	})
	for _, f := range sorted {
		if !f.Disclosed() {
			withheld = append(withheld, f.Path)
			continue
		}
		var v any
		if err := decodeNumbers(f.Value, &v); err != nil {
			return nil, nil, fmt.Errorf("field %.80s: %w", f.Path, err)
		}
		if err := setAt(top, f.Path, v); err != nil {
			return nil, nil, err
		}
	}
	payload, err = encodeCanonical(top)
	slices.Sort(withheld)
	return payload, withheld, err
}

// setAt sets v at a pointer whose parents exist, or are objects that were
// withheld and are made here.
func setAt(top map[string]any, path string, v any) error {
	steps := strings.Split(path, "/")[1:]
	var at any = top
	for i, s := range steps {
		key := unescapePointer(s)
		last := i == len(steps)-1
		switch parent := at.(type) {
		case map[string]any:
			if last {
				if _, taken := parent[key]; taken {
					return fmt.Errorf("field %.80s is given twice", path)
				}
				parent[key] = v
				return nil
			}
			if parent[key] == nil {
				parent[key] = map[string]any{}
			}
			at = parent[key]
		case []any:
			n, err := strconv.Atoi(key)
			if err != nil || n < 0 || n >= len(parent) || last {
				return fmt.Errorf("field %.80s has no place in its array", path)
			}
			at = parent[n]
		default:
			return fmt.Errorf("field %.80s lies inside a value that is not an object", path)
		}
	}
	return nil
}

func encodeCanonical(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	value := jsontext.Value(b)
	if err := value.Canonicalize(); err != nil {
		return nil, err
	}
	return value, nil
}

func decodeNumbers(data []byte, v any) error {
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	return d.Decode(v)
}

func escapePointer(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "~", "~0"), "/", "~1")
}

func unescapePointer(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "~1", "/"), "~0", "~")
}
