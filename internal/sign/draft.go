package sign

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/sealbook/sealbook/audit"
)

// draft is a document that lacks only its signature: the gap from the < to the
// > of Contents, which ends before after.
type draft struct {
	bytes      []byte
	gap, after int
}

const (
	flagPrint  = 1 << 2 // of an annotation: ISO 32000-1 table 165
	flagLocked = 1 << 7

	signaturesExist = 1 << 0 // of a form: table 219
	appendOnly      = 1 << 1

	rangeDigits = 10 // of each number in ByteRange, which is filled in at the end
)

// draft appends the update with everything but the signature.
func (o Options) draft(f *file) (draft, error) {
	reference, catalog, err := f.catalog()
	if err != nil {
		return draft{}, unreadable(err)
	}
	// A certified document says which changes keep it valid; another signature
	// may not be among them.
	if catalog.get("Perms").kind != kindNull {
		return draft{}, audit.Errorf(audit.InvalidParameter, "the document is certified: it is not signed again here")
	}
	index := 0
	if o.Widget != nil {
		index = o.Widget.Page - 1
	}
	pageReference, page, err := f.page(index)
	if err != nil {
		return draft{}, unreadable(err)
	}
	annotations, err := f.member(page, "Annots", kindArray)
	if err != nil {
		return draft{}, unreadable(err)
	}
	form, err := f.form(catalog)
	if err != nil {
		return draft{}, unreadable(err)
	}
	room := 2 * o.reserve()
	u, err := newUpdate(f, room+64<<10)
	if err != nil {
		return draft{}, err
	}

	signature, field := u.number(), u.number()
	body, rangeAt, contentsAt := o.signature(room)
	at := u.write(signature, 0, body)
	u.write(field, 0, o.field(u, field, signature, pageReference))
	self := fmt.Sprintf("%d 0 R", field)
	u.write(pageReference.number, pageReference.generation, f.rewrite(page, pair{"Annots", f.extended(annotations, self)}))
	u.write(reference.number, reference.generation, f.rewrite(catalog,
		pair{"Version", f.version(catalog)},
		pair{"AcroForm", f.rewrite(form.dictionary,
			pair{"SigFlags", fmt.Sprint(signaturesExist | appendOnly)},
			pair{"Fields", f.extended(form.fields, self)})}))
	u.finish(f.identifiers(body))

	d := draft{bytes: u.out, gap: at + contentsAt}
	d.after = d.gap + room + 2
	covered := fmt.Sprintf("0 %d %d %d", d.gap, d.after, len(d.bytes)-d.after)
	copy(d.bytes[at+rangeAt:], covered)
	return d, nil
}

// signature is the dictionary of ISO 32000-1 table 252, and where in it the
// numbers of ByteRange and the Contents are.
func (o Options) signature(room int) (body string, rangeAt, contentsAt int) {
	var b strings.Builder
	b.WriteString("<<\n/Type /Sig\n/Filter /Adobe.PPKLite\n/SubFilter /" + subFilter + "\n/ByteRange [")
	rangeAt = b.Len()
	b.WriteString(strings.Repeat(" ", 4*rangeDigits+3) + "]\n/Contents ")
	contentsAt = b.Len()
	b.WriteString("<" + strings.Repeat("0", room) + ">\n/M " + writeTime(o.Time))
	for _, p := range []pair{{"Name", o.Name}, {"Reason", o.Reason}, {"Location", o.Location}} {
		if p.value != "" {
			b.WriteString("\n/" + p.key + " " + writeText(p.value))
		}
	}
	b.WriteString("\n>>")
	return b.String(), rangeAt, contentsAt
}

// field is the form field of the signature and at once its annotation. One
// that can be seen needs an appearance, which is empty: readers that find none
// draw their own.
func (o Options) field(u *update, field, signature int, page object) string {
	rectangle, appearance := "[0 0 0 0]", ""
	if w := o.Widget; w != nil {
		rectangle = w.rectangle()
		n := u.number()
		u.write(n, 0, fmt.Sprintf("<< /Type /XObject /Subtype /Form /BBox [0 0 %.2f %.2f] /Resources << >> /Length 0 >>\nstream\n\nendstream",
			w.Right-w.Left, w.Top-w.Bottom))
		appearance = fmt.Sprintf("\n/AP << /N %d 0 R >>", n)
	}
	return fmt.Sprintf("<<\n/Type /Annot\n/Subtype /Widget\n/FT /Sig\n/T (Signature %d)\n/V %d 0 R\n/P %d %d R\n/F %d\n/Rect %s%s\n>>",
		field, signature, page.number, page.generation, flagPrint|flagLocked, rectangle, appearance)
}

// form is the document's interactive form, or an empty one.
type form struct{ dictionary, fields object }

func (f *file) form(catalog object) (form, error) {
	dictionary, err := f.member(catalog, "AcroForm", kindDictionary)
	if err != nil {
		return form{}, err
	}
	fields, err := f.member(dictionary, "Fields", kindArray)
	return form{dictionary, fields}, err
}

// version is the value of the catalog's Version: at least 1.7, which the
// header of an older file does not say.
func (f *file) version(catalog object) string {
	header, _, _ := bytes.Cut(f.data[len("%PDF-"):min(len(f.data), 16)], []byte("\n"))
	newest := "1.7"
	for _, v := range [][]byte{bytes.TrimSpace(header), catalog.get("Version").text} {
		// Versions have one digit before the point and one after.
		if len(v) == 3 && v[0] >= '0' && v[0] <= '9' && v[1] == '.' && v[2] >= '0' && v[2] <= '9' && string(v) > newest {
			newest = string(v)
		}
	}
	return "/" + newest
}

// identifiers is the trailer's ID (ISO 32000-1 section 14.4): the first part
// stays as it was and the second is that of this version of the file. Both are
// computed, so that the same input gives the same file.
func (f *file) identifiers(signature string) string {
	sum := sha256.Sum256(f.data)
	first := sum[:16]
	if old := f.trailer.get("ID"); len(old.items) == 2 && old.items[0].kind == kindString && len(old.items[0].text) > 0 {
		first = old.items[0].text
	}
	second := sha256.New()
	second.Write(f.data)
	second.Write([]byte(signature))
	return fmt.Sprintf("[<%x> <%x>]", first, second.Sum(nil)[:16])
}
