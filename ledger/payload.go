package ledger

import (
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
// fields come sorted by path, with salts derived from seed.
func Split(payload, seed []byte, personal []string) ([]Field, error) {
	var top map[string]json.RawMessage
	if err := json.Unmarshal(payload, &top); err != nil {
		return nil, fmt.Errorf("a payload is a JSON object: %w", err)
	}
	var fields []Field
	for key, raw := range top {
		path := "/" + escapePointer(key)
		patterns := below(personal, path)
		if len(patterns) > 0 {
			var v any
			if err := decodeNumbers(raw, &v); err != nil {
				return nil, err
			}
			lifted := map[string]any{}
			lift(v, path, patterns, lifted)
			if len(lifted) > 0 {
				for p, value := range lifted {
					text, err := encodeCanonical(value)
					if err != nil {
						return nil, err
					}
					fields = append(fields, Field{Path: p, Value: text})
				}
				text, err := encodeCanonical(v)
				if err != nil {
					return nil, err
				}
				raw = text
			}
		}
		fields = append(fields, Field{Path: path, Value: raw})
	}
	for i := range fields {
		fields[i].Salt = FieldSalt(seed, fields[i].Path)
	}
	sortFields(fields)
	return fields, nil
}

// below returns, as steps after path, the patterns that start with path.
func below(patterns []string, path string) (steps [][]string) {
	for _, p := range patterns {
		if rest, ok := strings.CutPrefix(p, path+"/"); ok {
			steps = append(steps, strings.Split(rest, "/"))
		}
	}
	return steps
}

// lift moves what patterns name out of v into out. Array elements keep their
// place: only members of objects are moved.
func lift(v any, path string, patterns [][]string, out map[string]any) {
	each := func(step string, child any, remove func()) {
		at := path + "/" + escapePointer(step)
		var deeper [][]string
		for _, p := range patterns {
			if p[0] != "*" && p[0] != escapePointer(step) {
				continue
			}
			if len(p) == 1 && remove != nil {
				remove()
				out[at] = child
				return
			}
			if len(p) > 1 {
				deeper = append(deeper, p[1:])
			}
		}
		if deeper != nil {
			lift(child, at, deeper, out)
		}
	}
	switch v := v.(type) {
	case map[string]any:
		for key, child := range v {
			each(key, child, func() { delete(v, key) })
		}
	case []any:
		for i, child := range v {
			each(strconv.Itoa(i), child, nil)
		}
	}
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
