package ledger

import (
	"errors"
	"strings"
)

// errUnusual makes joinPlain give up.
var errUnusual = errors.New("not for the short way")

// joinPlain appends the payload that [Join] makes of fields which
// fieldReader.plain accepted and checkFields did: their names and values are
// canonical and in order, so they only have to be put at their places. It gives
// up where a part was lifted out of anything but a member of the payload, which
// needs a tree.
func joinPlain(b []byte, fields []Field) ([]byte, bool) {
	b = append(b, '{')
	for i := 0; i < len(fields); {
		parent := &fields[i]
		end := i + 1
		for end < len(fields) && isBelow(fields[end].Path, parent.Path) {
			end++
		}
		if i > 0 {
			b = append(b, ',')
		}
		name, err := stepOf(parent, "")
		if err != nil {
			return b, false
		}
		b = append(append(append(b, '"'), name...), `":`...)
		if end == i+1 {
			b = append(b, parent.Value...)
		} else if b, err = joinMembers(b, parent, fields[i+1:end]); err != nil {
			return b, false
		}
		i = end
	}
	return append(b, '}'), true
}

// joinMembers appends an object with the members that were lifted out of it.
// Both are in the order of their names.
func joinMembers(b []byte, parent *Field, lifted []Field) ([]byte, error) {
	b = append(b, '{')
	put := func(name string, value []byte) {
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), name...), `":`...)
		b = append(b, value...)
	}
	// until puts what comes before a name, or everything when there is none.
	until := func(name []byte) error {
		for ; len(lifted) > 0; lifted = lifted[1:] {
			step, err := stepOf(&lifted[0], parent.Path)
			switch {
			case err != nil:
				return err
			case name != nil && step == string(name): // Join says that it is there twice
				return errUnusual
			case name != nil && step > string(name):
				return nil
			}
			put(step, lifted[0].Value)
		}
		return nil
	}
	rest := scanner{text: parent.Value}
	err := rest.members(func(quoted, value []byte) error {
		name := quoted[1 : len(quoted)-1]
		if err := until(name); err != nil {
			return err
		}
		put(string(name), value)
		return nil
	})
	if err == nil {
		err = until(nil)
	}
	return append(b, '}'), err
}

func isBelow(path, parent string) bool {
	return len(path) > len(parent) && path[len(parent)] == '/' && path[:len(parent)] == parent
}

// stepOf returns the one step from parent to a field, a name that is spelled
// the same as a pointer and in JSON.
func stepOf(f *Field, parent string) (string, error) {
	step := f.Path[len(parent)+1:]
	if !f.Disclosed() || strings.IndexByte(step, '/') >= 0 || strings.IndexByte(step, '~') >= 0 {
		return "", errUnusual
	}
	return step, nil
}
