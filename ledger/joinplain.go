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
// up where a part lies anywhere but in what it was lifted out of, which needs a
// tree.
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
		name, last := stepOf(parent.Path, "")
		if !last {
			return b, false
		}
		b = append(append(append(b, '"'), name...), `":`...)
		var err error
		if b, err = joinValue(b, parent.Value, parent.Path, fields[i:end]); err != nil {
			return b, false
		}
		i = end
	}
	return append(b, '}'), true
}

// joinValue appends the value of a path with what was lifted out of it, which
// comes after the value's own field, if it is one.
func joinValue(b, value []byte, path string, fields []Field) ([]byte, error) {
	if len(fields) > 0 && len(fields[0].Path) == len(path) {
		if !plainField(&fields[0]) {
			return b, errUnusual
		}
		fields = fields[1:]
	}
	if len(fields) == 0 {
		return append(b, value...), nil
	}
	switch value[0] {
	case '{':
		return joinMembers(b, value, path, fields)
	case '[':
		return joinElements(b, value, path, fields)
	}
	return b, errUnusual
}

// joinMembers appends an object with the members that were lifted out of it, or
// out of its members. Both are in the order of their names.
func joinMembers(b, object []byte, path string, lifted []Field) ([]byte, error) {
	b = append(b, '{')
	put := func(name string) {
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), name...), `":`...)
	}
	// until puts what comes before a name, or everything when there is none.
	until := func(name []byte) error {
		for ; len(lifted) > 0; lifted = lifted[1:] {
			step, last := stepOf(lifted[0].Path, path)
			if name != nil && step >= string(name) {
				return nil
			}
			if !last || !plainField(&lifted[0]) {
				return errUnusual
			}
			put(step)
			b = append(b, lifted[0].Value...)
		}
		return nil
	}
	rest := scanner{text: object}
	err := rest.members(func(quoted, value []byte) error {
		name := quoted[1 : len(quoted)-1]
		if err := until(name); err != nil {
			return err
		}
		inside := 0
		for ; inside < len(lifted); inside++ {
			step, last := stepOf(lifted[inside].Path, path)
			if step != string(name) {
				break
			}
			if last { // Join says that it is there twice
				return errUnusual
			}
		}
		put(string(name))
		if inside == 0 {
			b = append(b, value...)
			return nil
		}
		var err error
		b, err = joinValue(b, value, lifted[0].Path[:len(path)+1+len(name)], lifted[:inside])
		lifted = lifted[inside:]
		return err
	})
	if err == nil {
		err = until(nil)
	}
	return append(b, '}'), err
}

// joinElements does the same for an array, out of whose elements something was
// lifted. Of more than ten elements the order of the paths is another, and it
// gives up.
func joinElements(b, array []byte, path string, lifted []Field) ([]byte, error) {
	b = append(b, '[')
	rest := scanner{text: array}
	n := 0
	err := rest.elements(func(value []byte) error {
		if n > 0 {
			b = append(b, ',')
		}
		inside := 0
		for ; inside < len(lifted); inside++ {
			step, last := stepOf(lifted[inside].Path, path)
			if len(step) != 1 || last {
				return errUnusual
			}
			if step[0] != byte('0'+n) {
				break
			}
		}
		n++
		if inside == 0 {
			b = append(b, value...)
			return nil
		}
		var err error
		b, err = joinValue(b, value, lifted[0].Path[:len(path)+2], lifted[:inside])
		lifted = lifted[inside:]
		return err
	})
	if err == nil && len(lifted) > 0 { // for no element
		err = errUnusual
	}
	return append(b, ']'), err
}

func isBelow(path, parent string) bool {
	return len(path) > len(parent) && path[len(parent)] == '/' && path[:len(parent)] == parent
}

// stepOf returns the step from parent to a path below it, and whether it is the
// last.
func stepOf(path, parent string) (step string, last bool) {
	step = path[len(parent)+1:]
	if n := strings.IndexByte(step, '/'); n >= 0 {
		return step[:n], false
	}
	return step, true
}

// plainField reports whether a field is disclosed, and its name spelled the
// same as a pointer and in JSON.
func plainField(f *Field) bool { return f.Disclosed() && strings.IndexByte(f.Path, '~') < 0 }
