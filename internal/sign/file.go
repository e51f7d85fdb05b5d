package sign

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/sealbook/sealbook/audit"
)

// entry says where an object is; offset -1 is one that was deleted.
type entry struct{ offset, generation int }

// file is a PDF of which only the cross-reference tables were read: the
// classic form, which every program can write; a file with cross-reference
// streams (PDF 1.5) or encryption is refused.
type file struct {
	data    []byte
	entries map[int]entry
	trailer object // of the newest update
	xref    int    // where the newest table is
	work    int    // bytes of objects that may still be read; see read
}

// open reads the tables, newest first. Its error is InvalidParameter.
func open(data []byte) (*file, error) {
	f := &file{data: data, entries: map[int]entry{}, work: 16*len(data) + 1<<20}
	if err := f.tables(); err != nil {
		return nil, unreadable(err)
	}
	return f, nil
}

func unreadable(err error) error {
	return audit.Errorf(audit.InvalidParameter, "this is no PDF that can be sealed or verified here: %v", err)
}

func (f *file) tables() error {
	if !bytes.HasPrefix(f.data, []byte("%PDF-")) {
		return errors.New("it does not begin with %PDF-")
	}
	l := lexer{f.data, max(0, bytes.LastIndex(f.data, []byte("startxref")))}
	if err := l.word("startxref"); err != nil {
		return err
	}
	at, err := l.integer()
	if err != nil {
		return err
	}
	f.xref = at
	for seen := map[int]bool{}; ; {
		if at >= len(f.data) || seen[at] {
			return fmt.Errorf("byte %d: there cannot be a cross-reference table", at)
		}
		seen[at] = true
		trailer, err := f.table(at)
		if err != nil {
			return err
		}
		if f.trailer.kind == kindNull {
			f.trailer = trailer
		}
		previous := trailer.get("Prev")
		if previous.kind == kindNull {
			break
		}
		var ok bool
		if at, ok = previous.integer(); !ok {
			return errors.New("the trailer's Prev is no number")
		}
	}
	return nil
}

func (f *file) table(at int) (trailer object, err error) {
	l := lexer{f.data, at}
	if l.word("xref") != nil {
		return object{}, l.errorf("a classic cross-reference table is missing; cross-reference streams are not read")
	}
	for l.word("trailer") != nil {
		first, err := l.integer()
		if err != nil {
			return object{}, err
		}
		count, err := l.integer()
		if err != nil {
			return object{}, err
		}
		for i := range count {
			if err := f.line(&l, first+i); err != nil {
				return object{}, err
			}
		}
	}
	if trailer, err = l.object(0); err != nil {
		return object{}, err
	}
	switch {
	case trailer.kind != kindDictionary:
		return object{}, l.errorf("the trailer is no dictionary")
	case trailer.get("Encrypt").kind != kindNull:
		return object{}, l.errorf("the document is encrypted")
	case trailer.get("XRefStm").kind != kindNull:
		return object{}, l.errorf("cross-reference streams are not read")
	}
	return trailer, nil
}

func (f *file) line(l *lexer, number int) error {
	offset, err := l.integer()
	if err != nil {
		return err
	}
	generation, err := l.integer()
	if err != nil {
		return err
	}
	e := entry{offset, generation}
	if l.word("n") != nil {
		if err := l.word("f"); err != nil {
			return err
		}
		e.offset = -1
	}
	if _, newer := f.entries[number]; !newer {
		f.entries[number] = e
	}
	return nil
}

// read reads an object; of a stream only the dictionary. An object that is not
// there is null.
func (f *file) read(number int) (object, error) {
	e, ok := f.entries[number]
	if !ok || e.offset < 0 {
		return object{}, nil
	}
	l := lexer{f.data, min(e.offset, len(f.data))}
	n, err := l.integer()
	if err != nil {
		return object{}, err
	}
	g, err := l.integer()
	if err != nil {
		return object{}, err
	}
	if n != number || g != e.generation {
		return object{}, l.errorf("here is object %d %d and not %d %d", n, g, number, e.generation)
	}
	if err := l.word("obj"); err != nil {
		return object{}, err
	}
	// Objects can be made to stand in each other: without a bound on the sum,
	// a small file would be read for hours.
	limited := lexer{f.data[:min(len(f.data), l.at+max(0, f.work))], l.at}
	o, err := limited.object(0)
	f.work -= limited.at - e.offset
	switch {
	case err != nil && len(limited.data) < len(f.data):
		return object{}, l.errorf("the objects overlap")
	case err != nil:
		return object{}, err
	}
	if l.at = limited.at; l.word("endobj") != nil && l.word("stream") != nil {
		return object{}, l.errorf("object %d does not end", number)
	}
	return o, nil
}

// resolve follows a reference to its object, which is no reference itself.
func (f *file) resolve(o object) (object, error) {
	if o.kind != kindReference {
		return o, nil
	}
	if e, ok := f.entries[o.number]; !ok || e.generation != o.generation {
		return object{}, nil
	}
	return f.read(o.number)
}

// member resolves the value of a dictionary's key, which must be of that kind
// or missing.
func (f *file) member(o object, key string, want kind) (object, error) {
	value, err := f.resolve(o.get(key))
	if err != nil {
		return object{}, err
	}
	if value.kind != want && value.kind != kindNull {
		return object{}, fmt.Errorf("byte %d: %s is of another kind", value.start, key)
	}
	return value, nil
}

// catalog is the document's root and its reference.
func (f *file) catalog() (reference, catalog object, err error) {
	reference = f.trailer.get("Root")
	if reference.kind != kindReference {
		return reference, catalog, errors.New("the trailer does not name the catalog")
	}
	catalog, err = f.member(f.trailer, "Root", kindDictionary)
	if err == nil && catalog.kind == kindNull {
		err = errors.New("there is no catalog")
	}
	return reference, catalog, err
}

// page finds a page by its index from 0.
func (f *file) page(index int) (reference, page object, err error) {
	_, catalog, err := f.catalog()
	if err != nil {
		return reference, page, err
	}
	left, seen := index, map[int]bool{}
	var walk func(r object, depth int) (bool, error)
	walk = func(r object, depth int) (bool, error) {
		if r.kind != kindReference || seen[r.number] || depth > maxDepth {
			return false, fmt.Errorf("byte %d: the tree of pages is no tree", r.start)
		}
		seen[r.number] = true
		node, err := f.resolve(r)
		if err != nil {
			return false, err
		}
		if !node.get("Type").isName("Pages") {
			left--
			reference, page = r, node
			return left < 0, nil
		}
		kids, err := f.member(node, "Kids", kindArray)
		if err != nil {
			return false, err
		}
		for _, kid := range kids.items {
			if found, err := walk(kid, depth+1); found || err != nil {
				return found, err
			}
		}
		return false, nil
	}
	found, err := walk(catalog.get("Pages"), 0)
	if err == nil && (!found || page.kind != kindDictionary) {
		err = fmt.Errorf("there is no page %d", index+1)
	}
	return reference, page, err
}
