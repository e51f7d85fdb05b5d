package ledger

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
)

// fieldReader reads the fields of one row after the other. What it returns is
// only lent: the next row uses the same memory.
type fieldReader struct {
	from   salter
	fields []Field
	salts  []byte
}

// usualFields is more than most entries have.
const usualFields = 24

// usualPaths saves nearly every entry the memory of its fields' names.
var usualPaths = func() map[string]string {
	all := map[string]string{}
	for _, path := range []string{
		"/action", "/action/changes/0/new_value", "/action/changes/0/old_value", "/actor", "/actor/department", "/actor/email", "/actor/id", "/actor/name",
		"/actor/role", "/actor/session_id", "/actor/type", "/auto_response", "/category", "/class", "/context", "/context/location", "/context/source_ip",
		"/context/user_agent", "/description", "/details", "/electronic_signature", "/external_id", "/frameworks", "/impact_assessment", "/metadata",
		"/metadata/ip_address", "/metadata/request_id", "/metadata/session_id", "/repository", "/requires_investigation", "/resource", "/schema", "/severity", "/timestamp",
	} {
		all[path] = path
	}
	return all
}()

// read returns what decodeFields does, and whether the short way was enough.
func (r *fieldReader) read(seed, values, salts, commitments []byte) (fields []Field, plain bool, err error) {
	if seed != nil && salts == nil && commitments == nil && r.plain(seed, values) {
		return r.fields, true, nil
	}
	fields, err = decodeFields(seed, values, salts, commitments)
	return fields, false, err
}

// plain reads the fields of an entry of which nothing was erased, as
// encodeFields wrote them. It gives up at anything unusual, and must agree with
// decodeFields where it does not.
func (r *fieldReader) plain(seed, values []byte) bool {
	s := strict{text: values}
	if !s.next('{') {
		return false
	}
	r.from.init(seed)
	if r.fields == nil {
		r.fields, r.salts = make([]Field, 0, usualFields), make([]byte, 0, usualFields*SaltSize)
	}
	r.fields, r.salts = r.fields[:0], r.salts[:0]
	for len(r.fields) == 0 || s.next(',') {
		name, ok := s.name()
		from := s.at
		// Paths that are not in order would have to be sorted, and be looked
		// through for one that repeats.
		if n := len(r.fields); !ok || n > 0 && string(name) <= r.fields[n-1].Path || !s.value(1) {
			return false
		}
		r.add(name, values[from:s.at])
	}
	return s.next('}') && s.at == len(values)
}

// add appends a field. Most rows have the paths of the one before.
func (r *fieldReader) add(path, value []byte) {
	n := len(r.fields)
	r.fields = slices.Grow(r.fields, 1)[:n+1]
	f := &r.fields[n]
	if f.Path != string(path) {
		if usual, ok := usualPaths[string(path)]; ok {
			f.Path = usual
		} else {
			f.Path = string(path)
		}
	}
	at := len(r.salts)
	r.salts = r.from.appendSalt(r.salts, path) // when it grows, the fields before keep the old memory
	f.Salt, f.Value, f.Commitment = r.salts[at:len(r.salts):len(r.salts)], value, nil
}

// decodeFields puts a payload row's columns together to fields, which borrow
// their memory. What no append and no erasure writes is refused, so that
// nothing can hide in these columns.
//
// This is the long way, which decides; see fieldReader.
func decodeFields(seed, values, salts, commitments []byte) (fields []Field, err error) {
	if seed != nil && (salts != nil || commitments != nil) {
		return nil, fmt.Errorf("stored fields: a seed stands beside the salts or commitments of an erasure")
	}
	kept := map[string][]byte(nil)
	err = eachText(salts, func(path, text string) error {
		salt, err := base64.StdEncoding.DecodeString(text)
		if kept == nil {
			kept = map[string][]byte{}
		}
		kept[path] = salt
		return err
	})
	if err != nil {
		return nil, err
	}
	salted := 0
	if values != nil {
		var from salter
		if seed != nil {
			from.init(seed)
		}
		err = eachMember(values, func(name, value []byte) error {
			f := Field{Path: string(name), Value: value}
			if seed != nil {
				f.Salt = from.appendSalt(nil, name)
			} else if f.Salt = kept[f.Path]; f.Salt != nil {
				salted++
			}
			fields = append(fields, f)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("stored fields: %w", err)
		}
	}
	if salted != len(kept) {
		return nil, fmt.Errorf("stored fields: a salt is of no field")
	}
	err = eachText(commitments, func(path, text string) error {
		h, err := decodeHash(text)
		fields = append(fields, Field{Path: path, Commitment: &h})
		return err
	})
	sortFields(fields)
	return fields, err
}

// eachText reads a column that maps paths to texts.
func eachText(column []byte, each func(path, text string) error) error {
	if column == nil {
		return nil
	}
	var m map[string]string
	if err := json.Unmarshal(column, &m); err != nil {
		return fmt.Errorf("stored fields: %w", err)
	}
	for path, text := range m {
		if err := each(path, text); err != nil {
			return err
		}
	}
	return nil
}
