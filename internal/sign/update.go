package sign

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// update is an incremental update (ISO 32000-1 section 7.5.6): what stood in
// the file stays byte by byte, and new objects follow.
type update struct {
	f       *file
	out     []byte
	next    int // number of the next new object
	written []line
}

type line struct{ number, generation, offset int }

func newUpdate(f *file, extra int) (*update, error) {
	size, ok := f.trailer.get("Size").integer()
	if !ok {
		return nil, unreadable(fmt.Errorf("the trailer has no Size"))
	}
	for number := range f.entries {
		size = max(size, number+1)
	}
	u := &update{f: f, next: size, out: make([]byte, 0, len(f.data)+extra)}
	u.out = append(u.out, f.data...)
	if !bytes.HasSuffix(u.out, []byte("\n")) {
		u.out = append(u.out, '\n')
	}
	return u, nil
}

// number reserves the number of a new object.
func (u *update) number() int {
	u.next++
	return u.next - 1
}

// write writes an object and returns where its body begins.
func (u *update) write(number, generation int, body string) (at int) {
	u.written = append(u.written, line{number, generation, len(u.out)})
	u.out = fmt.Appendf(u.out, "%d %d obj\n", number, generation)
	at = len(u.out)
	u.out = append(u.out, body...)
	u.out = append(u.out, "\nendobj\n"...)
	return at
}

// pair is a key of a dictionary and its value as it is written; an empty
// value leaves the key out.
type pair struct{ key, value string }

// rewrite copies a dictionary with some keys set anew.
func (f *file) rewrite(dictionary object, pairs ...pair) string {
	var b strings.Builder
	b.WriteString("<<")
	for i := 0; i < len(dictionary.items); i += 2 {
		key, value := dictionary.items[i], dictionary.items[i+1]
		if !slices.ContainsFunc(pairs, func(p pair) bool { return p.key == string(key.text) }) {
			fmt.Fprintf(&b, "\n%s %s", f.data[key.start:key.end], f.data[value.start:value.end])
		}
	}
	for _, p := range pairs {
		if p.value != "" {
			fmt.Fprintf(&b, "\n/%s %s", p.key, p.value)
		}
	}
	b.WriteString("\n>>")
	return b.String()
}

// extended writes an array with one more item.
func (f *file) extended(array object, item string) string {
	inside := ""
	if array.kind == kindArray {
		inside = string(f.data[array.start+1:array.end-1]) + " "
	}
	return "[" + inside + item + "]"
}

// finish writes the table and the trailer.
func (u *update) finish(id string) {
	at := len(u.out)
	slices.SortFunc(u.written, func(a, b line) int { return cmp.Compare(a.number, b.number) })
	u.out = append(u.out, "xref\n"...)
	for i := 0; i < len(u.written); {
		n := 1
		for i+n < len(u.written) && u.written[i+n].number == u.written[i].number+n {
			n++
		}
		u.out = fmt.Appendf(u.out, "%d %d\n", u.written[i].number, n)
		for _, l := range u.written[i : i+n] {
			u.out = fmt.Appendf(u.out, "%010d %05d n \n", l.offset, l.generation)
		}
		i += n
	}
	trailer := u.f.rewrite(u.f.trailer,
		pair{"Size", fmt.Sprint(u.next)}, pair{"Prev", fmt.Sprint(u.f.xref)}, pair{"ID", id})
	u.out = fmt.Appendf(u.out, "trailer\n%s\nstartxref\n%d\n%%%%EOF\n", trailer, at)
}
