package sign_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/sign"
	"github.com/sealbook/sealbook/internal/tsa/tsatest"
)

// hostile gives a document to the code that reads, and checks what holds of
// every document.
func hostile(t testing.TB, pdf []byte, w world) {
	t.Helper()
	all, err := sign.Verify(pdf, w.roots(), w.roots())
	if err != nil && audit.CodeOf(err) != audit.InvalidParameter {
		t.Errorf("an error without its code: %v", err)
	}
	for _, s := range all {
		if fine := s.Valid && s.Trusted && s.WholeDocument; !fine && len(s.Problems) == 0 || s.Trusted && !s.Valid {
			t.Errorf("it contradicts itself: %+v", s)
		}
	}
	o := w.options()
	o.Widget = &sign.Widget{Page: 1, Right: 10, Top: 10}
	sealed, err := sign.Seal(t.Context(), pdf, o)
	if err != nil {
		if audit.CodeOf(err) != audit.InvalidParameter {
			t.Errorf("an error without its code: %v", err)
		}
		return
	}
	// Whatever it was, what was sealed verifies.
	all, err = sign.Verify(sealed, w.roots(), nil)
	if err != nil || len(all) == 0 || len(all[len(all)-1].Problems) > 0 {
		t.Errorf("sealed, but: %+v, %v", all, err)
	}
}

// samples are documents of each shape, and the world that sealed them.
func samples(t testing.TB) (world, [][]byte) {
	t.Helper()
	w := newWorld(t, ecdsaKey(t))
	plain := document(t, 2)
	o := w.options()
	once := seal(t, plain, o)
	o.Widget = &sign.Widget{Page: 2, Right: 10, Top: 10}
	twice := seal(t, once, o)
	o.Stamp = stamp(t, tsatest.NewAuthority(t))
	return w, [][]byte{plain, once, twice, seal(t, plain, o), update(once, 50, "<< /A [1 0 R (x\\)) <00> /#41 -1.5 true null] >>")}
}

// FuzzVerify: no document breaks the reader, and what a signature is worth
// never contradicts itself.
func FuzzVerify(f *testing.F) {
	w, documents := samples(f)
	for _, d := range documents {
		f.Add(d)
	}
	f.Add([]byte("%PDF-1.7\n1 0 obj\n<</AcroForm<</Fields[2 0 R]>>>>\nendobj\nxref\n0 0\ntrailer\n<</Root 1 0 R>>\nstartxref\n58\n%%EOF"))
	f.Fuzz(func(t *testing.T, pdf []byte) { hostile(t, pdf, w) })
}

// FuzzMessage: no CMS breaks the reader.
func FuzzMessage(f *testing.F) {
	_, documents := samples(f)
	for _, d := range documents[1:4] {
		_, message := torn(f, d)
		f.Add(message)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		if sign.ReadMessage(der, make([]byte, 32)) == nil {
			t.Error("a document of that digest is not known")
		}
	})
}

// words are what changes the meaning of a document that is cut at random.
var words = []string{
	"<<", ">>", "[", "]", "(", ")", "<", ">", "/", "%", "#", "\\", "R", "obj", "endobj", "stream", "xref", "trailer", "startxref", "\x00", "\n",
	"/Kids [1 0 R]", "/V 1 0 R", "/FT /Sig", "/Prev 0", "/Encrypt 1 0 R", "/Contents <00>", "/ByteRange [0 1 2 3]", "-1", "9999999999", "99999999999999999999", "1 0 R",
}

// mutated changes a document in a few places.
func mutated(r *rand.Rand, pdf []byte) []byte {
	out := bytes.Clone(pdf)
	for range 1 + r.IntN(3) {
		i := r.IntN(len(out))
		n := min(len(out)-i, 1+r.IntN(20))
		word := words[r.IntN(len(words))]
		switch r.IntN(8) {
		case 0:
			out[i] ^= 1 << r.IntN(8)
		case 1:
			out[i] = byte(r.IntN(256))
		case 2:
			out = append(out[:i:i], out[i+n:]...)
		case 3:
			out = append(out[:i:i], append([]byte(word), out[i:]...)...)
		case 4:
			copy(out[i:], word)
		case 5: // a number
			if at := bytes.IndexAny(out[i:], "0123456789"); at >= 0 {
				out[i+at] = byte('0' + r.IntN(10))
			}
		case 6: // something from elsewhere
			from := r.IntN(len(out))
			copy(out[i:i+n], bytes.Clone(out[from:]))
		case 7:
			out = out[:max(1, i)]
		}
	}
	return out
}

func TestMutatedDocuments(t *testing.T) {
	t.Parallel()
	w, documents := samples(t)
	roots, passed := w.roots(), 0
	for i := range 3000 {
		pdf := documents[i%len(documents)]
		r := rand.New(rand.NewPCG(uint64(i), 1))
		broken := mutated(r, pdf)
		func() {
			defer func() {
				if p := recover(); p != nil {
					t.Fatalf("mutation %d: %v", i, p)
				}
			}()
			hostile(t, broken, w)
		}()
		all, err := sign.Verify(broken, roots, nil)
		if err != nil || len(all) == 0 || len(all[len(all)-1].Problems) > 0 {
			continue
		}
		passed++
		if !known(broken, documents) {
			t.Errorf("mutation %d is accepted: %s", i, fmt.Sprintf("%+v", all))
		}
	}
	t.Logf("%d of the mutations changed nothing", passed)
}

func known(pdf []byte, documents [][]byte) bool {
	for _, d := range documents {
		if bytes.Equal(pdf, d) {
			return true
		}
	}
	return false
}
