package sign

import "fmt"

// found is the dictionary of a signature, or why it cannot be read: that says
// something of this signature only.
type found struct {
	dictionary object
	err        error
}

// signatures finds the dictionaries of the signatures in the document's form,
// as a reader does that shows the newest version.
func (f *file) signatures() ([]found, error) {
	_, catalog, err := f.catalog()
	if err != nil {
		return nil, err
	}
	form, err := f.form(catalog)
	if err != nil {
		return nil, err
	}
	w := fieldWalk{f: f, seen: map[int]bool{}}
	for _, field := range form.fields.items {
		if err := w.field(field, false, object{}, 0); err != nil {
			return nil, err
		}
	}
	return w.found, nil
}

type fieldWalk struct {
	f     *file
	seen  map[int]bool // numbers of objects
	found []found
}

// field looks at a field and those under it, which inherit kind and value
// (ISO 32000-1 section 12.7.3.1).
func (w *fieldWalk) field(o object, signature bool, value object, depth int) error {
	if o.kind == kindReference {
		if w.seen[o.number] {
			return fmt.Errorf("byte %d: a field is there twice", o.start)
		}
		w.seen[o.number] = true
	}
	if depth > maxDepth {
		return fmt.Errorf("byte %d: fields are more than %d deep in each other", o.start, maxDepth)
	}
	field, err := w.f.resolve(o)
	if err != nil {
		return err
	}
	if field.kind != kindDictionary {
		return nil // readers pass it over
	}
	if t, err := w.f.resolve(field.get("FT")); err != nil {
		return err
	} else if t.kind != kindNull {
		signature = t.isName("Sig")
	}
	if v := field.get("V"); v.kind != kindNull {
		value = v
	}
	kids, err := w.f.member(field, "Kids", kindArray)
	if err != nil {
		return err
	}
	for _, kid := range kids.items {
		if err := w.field(kid, signature, value, depth+1); err != nil {
			return err
		}
	}
	if !signature || len(kids.items) > 0 || value.kind == kindNull {
		return nil
	}
	dictionary, err := w.f.resolve(value)
	if err == nil && dictionary.kind == kindNull {
		return nil
	}
	if len(w.found) == maxSignatures {
		return fmt.Errorf("the document has more than %d signatures", maxSignatures)
	}
	w.found = append(w.found, found{dictionary, err})
	return nil
}
