package sign_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sealbook/sealbook/internal/sign"
	"github.com/sealbook/sealbook/internal/tsa/tsatest"
)

// accepted reports whether somebody who looks at the problems only would take
// the document as it is.
func accepted(t testing.TB, pdf []byte, w world, outside *tsatest.Authority) bool {
	t.Helper()
	all, err := sign.Verify(pdf, w.roots(), pool(t, outside.Roots))
	if err != nil || len(all) == 0 {
		return false
	}
	for _, s := range all {
		if whole := s.Valid && s.Trusted && s.WholeDocument; !whole && len(s.Problems) == 0 {
			t.Errorf("no problem is named: %+v", s)
		}
	}
	return len(all[len(all)-1].Problems) == 0
}

// No byte of a sealed document can change unseen, also not of what the
// signature itself does not cover.
func TestEveryByteCounts(t *testing.T) {
	t.Parallel()
	outside := tsatest.NewAuthority(t)
	w := newWorld(t, ecdsaKey(t))
	plain := w.options()
	stamped := w.options()
	stamped.Stamp = stamp(t, outside)
	for name, o := range map[string]sign.Options{"plain": plain, "stamped": stamped} {
		sealed := seal(t, document(t, 1), o)
		if !accepted(t, sealed, w, outside) {
			t.Fatalf("%s: it is not accepted as it is", name)
		}
		gap := gaps(t, sealed)[0]
		_, message := torn(t, sealed)
		end := gap[0] + 2*len(message)
		const digits = "0123456789abcdef"
		broken := bytes.Clone(sealed)
		for i := range sealed {
			// Of the zeros that fill up a few are enough, and of the larger
			// signature one digit of each byte.
			if i > end+50 && i < gap[1]-50 || name == "stamped" && i%2 == 0 {
				continue
			}
			broken[i] ^= 1 << (i % 8)
			if digit := strings.IndexByte(digits, sealed[i]); i >= gap[0] && i < gap[1] && digit >= 0 {
				broken[i] = digits[digit^1<<(i/2%4)]
			}
			if accepted(t, broken, w, outside) {
				t.Errorf("%s: accepted with byte %d changed from %q to %q", name, i, sealed[i], broken[i])
			}
			broken[i] = sealed[i]
		}
		for i := range sealed {
			if i%97 == 0 && accepted(t, sealed[:i], w, outside) {
				t.Errorf("%s: the first %d bytes are accepted", name, i)
			}
		}
	}
}

// update appends an incremental update of one object by hand.
func update(pdf []byte, number int, body string) []byte {
	previous := pdf[bytes.LastIndex(pdf, []byte("startxref\n"))+len("startxref\n"):]
	previous = previous[:bytes.IndexByte(previous, '\n')]
	trailer := string(pdf[bytes.LastIndex(pdf, []byte("trailer")):])
	root := trailer[strings.Index(trailer, "/Root "):]
	root = root[:strings.Index(root, " R")+2]
	out := bytes.Clone(pdf)
	at := len(out)
	out = fmt.Appendf(out, "%d 0 obj\n%s\nendobj\n", number, body)
	table := len(out)
	return fmt.Appendf(out, "xref\n%d 1\n%010d 00000 n \ntrailer\n<< /Size 100 %s /Prev %s >>\nstartxref\n%d\n%%%%EOF\n", number, at, root, previous, table)
}

func TestWhatIsAppended(t *testing.T) {
	t.Parallel()
	outside := tsatest.NewAuthority(t)
	w := newWorld(t, ecdsaKey(t))
	sealed := seal(t, document(t, 1), w.options())
	for name, pdf := range map[string][]byte{
		"a byte":    append(bytes.Clone(sealed), '\n'),
		"a comment": append(bytes.Clone(sealed), "% nothing\n"...),
		"text":      append(bytes.Clone(sealed), "more and more"...),
		"an update": update(sealed, 50, "<< >>"),
		"a page":    update(sealed, 3, "<< /Type /Page /Parent 1 0 R /MediaBox [0 0 1 1] >>"),
		"zeros":     append(bytes.Clone(sealed), make([]byte, 1000)...),
	} {
		got := verify1(t, pdf, w.roots(), nil)
		if !got.Valid || got.WholeDocument || len(got.Problems) != 1 || accepted(t, pdf, w, outside) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	// The signature's own dictionary is replaced: its Contents are elsewhere now.
	number := strings.Split(string(sealed[bytes.Index(sealed, []byte("/V ")):]), " ")[1]
	n, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	dictionary := string(sealed[bytes.Index(sealed, []byte("<<\n/Type /Sig")):])
	dictionary = dictionary[:strings.Index(dictionary, "endobj")]
	got := verify1(t, update(sealed, n, strings.Replace(dictionary, "Reviewed", "Rejected", 1)), w.roots(), nil)
	if got.Valid || got.WholeDocument || !strings.Contains(strings.Join(got.Problems, "\n"), "leaves out") {
		t.Errorf("another dictionary: %+v", got)
	}
}

// A signer may sign what they like, also a range with room for changes. What
// they sign must be all but the signature.
func TestGaps(t *testing.T) {
	t.Parallel()
	outside := tsatest.NewAuthority(t)
	w := newWorld(t, ecdsaKey(t))
	sealed := seal(t, document(t, 1), w.options())
	gap := gaps(t, sealed)[0]
	a, b := gap[0]-1, gap[1]+1
	c := len(sealed) - b
	for name, numbers := range map[string]struct{ text, says string }{
		"as it is":             {fmt.Sprintf("0 %d %d %d", a, b, c), ""},
		"wider before":         {fmt.Sprintf("0 %d %d %d", a-9, b, c), "leaves out"},
		"wider after":          {fmt.Sprintf("0 %d %d %d", a, b+1, c-1), "leaves out"},
		"without brackets":     {fmt.Sprintf("0 %d %d %d", a+1, b-1, c+1), "leaves out"},
		"narrower":             {fmt.Sprintf("0 %d %d %d", a, b-10, c+10), "leaves out"},
		"no gap":               {fmt.Sprintf("0 %d %d %d", b, b, c), "leaves out"},
		"not from the start":   {fmt.Sprintf("1 %d %d %d", a-1, b, c), "not one gap"},
		"shorter":              {fmt.Sprintf("0 %d %d %d", a, b, c-1), "goes on after"},
		"without the end":      {fmt.Sprintf("0 %d %d %d", a, b, 3), "does not cover the signature's dictionary"},
		"longer":               {fmt.Sprintf("0 %d %d %d", a, b, c+1), "not one gap"},
		"huge":                 {fmt.Sprintf("0 %d %d 9999999999", a, b), "not one gap"},
		"too many":             {fmt.Sprintf("0 %d %d %d 0", a, b, c), "more than four"},
		"three":                {fmt.Sprintf("0 %d %d", a, b), "not one gap"},
		"none":                 {"", "not one gap"},
		"names":                {"/a /b /c /d", "not of numbers"},
		"negative":             {fmt.Sprintf("0 %d %d -1", a, b), "not of numbers"},
		"a fraction":           {fmt.Sprintf("0 %d %d %d.0", a, b, c), "not of numbers"},
		"two ranges swapped":   {fmt.Sprintf("%d %d 0 %d", b, c, a), "not one gap"},
		"a second gap":         {fmt.Sprintf("0 %d %d 5 %d %d", a, b, b+9, c-9), "more than four"},
		"a reference for each": {"1 0 R 1 0 R", "not of numbers"},
	} {
		pdf := bytes.Clone(sealed)
		place := byteRange.FindIndex(pdf)
		field := pdf[place[0]+len("/ByteRange [") : place[1]-1]
		copy(field, fmt.Sprintf("%-*s", len(field), numbers.text))
		// The attacker signs, over what a reader that believes the numbers hashes.
		covered := bytes.Clone(pdf)
		var n [4]int
		if count, _ := fmt.Sscan(numbers.text, &n[0], &n[1], &n[2], &n[3]); count == 4 && n[3] >= 0 {
			part := func(at, size int) []byte { return pdf[min(at, len(pdf)):min(at+size, len(pdf))] }
			covered = append(bytes.Clone(part(n[0], n[1])), part(n[2], n[3])...)
		}
		digest := sha256.Sum256(covered)
		message, err := sign.Forgery{Identity: w.identity, Digest: digest[:]}.Message()
		if err != nil {
			t.Fatal(err)
		}
		copy(pdf[gap[0]:gap[1]], bytes.Repeat([]byte("0"), gap[1]-gap[0]))
		copy(pdf[gap[0]:], fmt.Appendf(nil, "%x", message))
		got := verify1(t, pdf, w.roots(), nil)
		if !strings.Contains(strings.Join(got.Problems, "\n"), numbers.says) || accepted(t, pdf, w, outside) != (numbers.says == "") {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestForeignSignatures(t *testing.T) {
	t.Parallel()
	outside := tsatest.NewAuthority(t)
	key := ecdsaKey(t)
	w := newWorld(t, key)
	o := w.options()
	o.Stamp = stamp(t, outside) // for the room
	sealed := seal(t, document(t, 1), o)
	other := seal(t, document(t, 2), o)
	covered, message := torn(t, sealed)
	_, otherMessage := torn(t, other)
	_, token := tornToken(t, sealed)
	digest := sha256.Sum256(covered)
	twin := certify(t, "Maria Twin", key, w.issuer, w.issuerKey)
	identity := func(i sign.Identity, err error) sign.Identity {
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	stranger := newWorld(t, ecdsaKey(t))
	forge := func(f sign.Forgery) []byte {
		if f.Digest = digest[:]; f.Certificate() == nil {
			f.Identity = w.identity
		}
		m, err := f.Message()
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	spelled := func(change func([]byte) []byte) []byte {
		pdf := bytes.Clone(sealed)
		gap := gaps(t, pdf)[0]
		copy(pdf[gap[0]:gap[1]], change(pdf[gap[0]:gap[1]]))
		return pdf
	}
	for name, c := range map[string]struct {
		pdf  []byte
		says string
	}{
		"as it was":                 {filled(t, sealed, message), ""},
		"made again":                {filled(t, sealed, forge(sign.Forgery{})), ""},
		"of another document":       {filled(t, sealed, otherMessage), "not what was signed"},
		"of a twin":                 {filled(t, sealed, forge(sign.Forgery{Identity: identity(sign.NewIdentity(key, twin, w.issuer)), Named: w.identity})), "names another certificate"},
		"another's time stamp":      {filled(t, sealed, forge(sign.Forgery{Unsigned: sign.Token(mustToken(t, other))})), "about something else"},
		"its own":                   {filled(t, sealed, forge(sign.Forgery{Unsigned: sign.Token(token)})), ""}, // ECDSA signs the same the same way
		"an unsigned nonsense":      {filled(t, sealed, forge(sign.Forgery{Unsigned: sign.Token([]byte{5, 0})})), "the time stamp"},
		"a signature as time stamp": {filled(t, sealed, forge(sign.Forgery{Unsigned: sign.Token(otherMessage)})), "not a time stamp alone"},
		"an empty set":              {filled(t, sealed, forge(sign.Forgery{Unsigned: []sign.Unsigned{}})), "not a CMS"},
		"two time stamps":           {filled(t, sealed, forge(sign.Forgery{Unsigned: append(sign.Token(token), sign.Token(token)...)})), "not a CMS"},
		"a time stamp and more": {filled(t, sealed, forge(sign.Forgery{Unsigned: append(sign.Token(token), sign.Unsigned{Type: asn1.ObjectIdentifier{1, 2, 3}, Value: []byte{5, 0}})})),
			"something unsigned"},
		"another content": {filled(t, sealed, forge(sign.Forgery{Change: func(b []byte) []byte {
			// id-data becomes id-signedData
			return bytes.Replace(b, []byte("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"), []byte("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"), 1)
		}})), "another type of content"},
		"no certificate named": {filled(t, sealed, forge(sign.Forgery{Change: func(b []byte) []byte {
			return bytes.Replace(b, []byte("\x01\x09\x10\x02\x2f"), []byte("\x01\x09\x10\x02\x7f"), 1)
		}})), "does not name the certificate"},
		"nothing":            {filled(t, sealed, nil), "not a CMS"},
		"something behind":   {filled(t, sealed, append(bytes.Clone(message), 0, 0, 1)), "only zeros"},
		"capitals":           {spelled(bytes.ToUpper), ""},
		"a mixture":          {spelled(func(b []byte) []byte { return append(bytes.ToUpper(b[:100]), b[100:]...) }), "one spelling"},
		"white space":        {spelled(func(b []byte) []byte { return append(bytes.Clone(b[:len(b)-2]), "  "...) }), "something else than hexadecimal"},
		"no digits":          {spelled(func(b []byte) []byte { return append(bytes.Clone(b[:len(b)-1]), 'z') }), "has other bytes in it"},
		"another kind":       {bytes.Replace(sealed, []byte("/ETSI.CAdES.detached"), []byte("/adbe.pkcs7.detached"), 1), "is not verified here"},
		"a stranger":         {filled(t, sealed, forge(sign.Forgery{More: []*x509.Certificate{stranger.leaf}})), "issued by nobody known"},
		"strangers that fit": {filled(t, sealed, forge(sign.Forgery{More: []*x509.Certificate{stranger.leaf, stranger.issuer, stranger.root}})), ""},
		"many":               {filled(t, sealed, forge(sign.Forgery{More: slices.Repeat([]*x509.Certificate{w.root}, 19)})), "more than 20"},
	} {
		got := verify1(t, c.pdf, w.roots(), pool(t, outside.Roots))
		if !strings.Contains(strings.Join(got.Problems, "\n"), c.says) || accepted(t, c.pdf, w, outside) != (c.says == "") {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func mustToken(t testing.TB, pdf []byte) []byte {
	_, token := tornToken(t, pdf)
	return token
}
