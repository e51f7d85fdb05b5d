package sign_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jung-kurt/gofpdf"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/sign"
)

var oidDocumentSigning = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 36}

// signed is the time of the signatures in these tests: later than certificates
// begin, earlier than now.
var signed = time.Now().UTC().Add(-time.Minute).Truncate(time.Second)

// document is a report of so many pages; odd ones have a link, and so
// annotations that are there before.
func document(t testing.TB, pages int) []byte {
	t.Helper()
	p := gofpdf.New("P", "pt", "A4", "")
	p.SetCreationDate(signed)
	p.SetModificationDate(signed)
	p.SetCatalogSort(true)
	p.SetFont("Helvetica", "", 12)
	for i := range pages {
		p.AddPage()
		p.Write(16, fmt.Sprintf("Page %d of a report", i+1))
		if i%2 == 1 {
			p.WriteLinkString(16, " and a link", "https://sealbook.example/")
		}
	}
	var b bytes.Buffer
	if err := p.Output(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// certify makes a certificate: a root when issuer is nil.
func certify(t testing.TB, name string, key crypto.Signer, issuer *x509.Certificate, by crypto.Signer, change ...func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name, Organization: []string{"Sealbook tests"}},
		NotBefore: signed.Add(-time.Hour), NotAfter: signed.Add(24 * time.Hour), BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}, UnknownExtKeyUsage: []asn1.ObjectIdentifier{oidDocumentSigning},
	}
	if by == nil || strings.Contains(name, "issuer") {
		c.IsCA, c.KeyUsage, c.ExtKeyUsage, c.UnknownExtKeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign, nil, nil
	}
	for _, f := range change {
		f(c)
	}
	if by == nil {
		issuer, by = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, issuer, key.Public(), by)
	if err == nil {
		c, err = x509.ParseCertificate(der)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func ecdsaKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// An RSA key takes long to make under the race detector: there is one.
var rsaKey = sync.OnceValue(func() crypto.Signer {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// world is a root, an issuer under it and a signer under that.
type world struct {
	root, issuer, leaf *x509.Certificate
	rootKey, issuerKey crypto.Signer
	identity           sign.Identity
}

func newWorld(t testing.TB, key crypto.Signer, change ...func(*x509.Certificate)) world {
	t.Helper()
	w := world{rootKey: ecdsaKey(t), issuerKey: ecdsaKey(t)}
	w.root = certify(t, "Test root", w.rootKey, nil, nil)
	w.issuer = certify(t, "Test issuer", w.issuerKey, w.root, w.rootKey)
	w.leaf = certify(t, "Maria Example", key, w.issuer, w.issuerKey, change...)
	var err error
	if w.identity, err = sign.NewIdentity(key, w.root, w.leaf, w.issuer); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w world) options() sign.Options {
	return sign.Options{Identity: w.identity, Name: "Maria Example", Reason: "Reviewed (and approved)", Location: "Zürich 🏔", Time: signed}
}

func seal(t testing.TB, pdf []byte, o sign.Options) []byte {
	t.Helper()
	out, err := sign.Seal(t.Context(), pdf, o)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(out, pdf) {
		t.Fatal("what stood in the document was changed")
	}
	return out
}

func TestSealIsAcceptedByOthers(t *testing.T) {
	t.Parallel()
	widget := &sign.Widget{Page: 2, Left: 60, Bottom: 60, Right: 260, Top: 120}
	for name, c := range map[string]struct {
		key    crypto.Signer
		widget *sign.Widget
		pages  int
	}{
		"ecdsa":           {ecdsaKey(t), nil, 1},
		"rsa":             {rsaKey(), nil, 1},
		"ecdsa, a widget": {ecdsaKey(t), widget, 3},
		"rsa, a widget":   {rsaKey(), widget, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.key)
			o := w.options()
			o.Widget = c.widget
			pdf := document(t, c.pages)
			sealed := seal(t, pdf, o)
			out := pdfsig(t, sealed, w.root)
			says(t, out, good...)
			says(t, out, "Signer Certificate Common Name: Maria Example", "Signing Time: "+signed.Local().Format("Jan 02 2006 15:04:05"))
			texts, err := run(t, "qpdf", "--json=2", write(t, "sealed.pdf", sealed))
			if err != nil || !strings.Contains(texts, `"/Location": "u:Zürich 🏔"`) || !strings.Contains(texts, `"/Reason": "u:Reviewed (and approved)"`) ||
				!strings.Contains(texts, `"/Name": "u:Maria Example"`) || !strings.Contains(texts, `"/Version": "/1.7"`) {
				t.Errorf("%v\n%s", err, texts)
			}
			qpdfCheck(t, sealed)
			if out, err := opensslVerify(t, sealed, w.root); err != nil {
				t.Errorf("openssl: %v\n%s", err, out)
			}
			if again := seal(t, pdf, o); !bytes.Equal(sealed, again) {
				t.Error("the same input gives other bytes")
			}
			if c.widget != nil && !bytes.Contains(sealed[len(pdf):], []byte("/Subtype /Link")) {
				t.Error("the page's link is gone")
			}
			// The judges do judge.
			broken := bytes.Clone(sealed)
			broken[len(pdf)/2] ^= 1
			says(t, pdfsig(t, broken, w.root), "Digest Mismatch")
			if _, err := opensslVerify(t, broken, w.root); err == nil {
				t.Error("openssl accepts a changed byte")
			}
			says(t, pdfsig(t, append(bytes.Clone(sealed), "% more\n"...), w.root), "Not total document signed")
		})
	}
}

// A second person signs what the first one did.
func TestSealTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, ecdsaKey(t))
	o := w.options()
	key := ecdsaKey(t)
	var err error
	once := seal(t, document(t, 2), o)
	o.Identity, err = sign.NewIdentity(key, certify(t, "Ben Example", key, w.issuer, w.issuerKey), w.issuer)
	if err != nil {
		t.Fatal(err)
	}
	o.Reason, o.Widget = "Second", &sign.Widget{Page: 2, Left: 10, Bottom: 10, Right: 50, Top: 50}
	twice := seal(t, once, o)
	out := pdfsig(t, twice, w.root)
	if strings.Count(out, "Signature is Valid.") != 2 || strings.Count(out, "Certificate is Trusted.") != 2 ||
		strings.Count(out, "Not total document signed") != 1 || strings.Count(out, "Total document signed") != 1 {
		t.Error(out)
	}
	qpdfCheck(t, twice)
	if out, err := opensslVerify(t, twice, w.root); err != nil {
		t.Errorf("openssl: %v\n%s", err, out)
	}
}

// The first half of the ID stays that of the document, the second is each
// version's.
func TestSealIdentifies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, ecdsaKey(t))
	once := seal(t, document(t, 1), w.options())
	twice := seal(t, once, w.options())
	ids := regexp.MustCompile(`/ID \[<([0-9a-f]{32})> <([0-9a-f]{32})>\]`).FindAllSubmatch(twice, -1)
	if len(ids) != 2 || !bytes.Equal(ids[0][1], ids[1][1]) || bytes.Equal(ids[0][2], ids[1][2]) {
		t.Errorf("%q", ids)
	}
}

func TestSealWritesAnyText(t *testing.T) {
	t.Parallel()
	w := newWorld(t, ecdsaKey(t))
	for _, text := range []string{"a) b( \\ c\\", "\\", "(", "two\nlines\r\n", "Zürich 🏔", "\x00\x7f", "%PDF- <</A>>", "名前", "þÿ"} {
		o := w.options()
		o.Name = text
		sealed := seal(t, document(t, 1), o)
		if got := verify1(t, sealed, w.roots(), nil); got.Name != text || len(got.Problems) > 0 {
			t.Errorf("%q: %+v", text, got)
		}
		qpdfCheck(t, sealed)
	}
}

// The signing time is in the dictionary alone, as the baseline profiles want.
func TestSealHasNoSigningTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, ecdsaKey(t))
	sealed := seal(t, document(t, 1), w.options())
	_, message := torn(t, sealed)
	out, err := run(t, "openssl", "cms", "-cmsout", "-print", "-noout", "-inform", "DER", "-in", write(t, "cms.der", message))
	if err != nil || strings.Contains(out, "signingTime") || !strings.Contains(out, "id-smime-aa-signingCertificateV2") {
		t.Errorf("%v\n%s", err, out)
	}
	if !bytes.Contains(sealed, []byte("/M "+signed.Format("(D:20060102150405+00'00')"))) {
		t.Error("M is another time")
	}
	if out, err := exec.Command("qpdf", "--show-object=trailer", write(t, "s.pdf", sealed)).CombinedOutput(); err != nil || !bytes.Contains(out, []byte("/ID [")) {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestSealRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, ecdsaKey(t))
	pdf := document(t, 2)
	change := func(f func(*sign.Options)) sign.Options { o := w.options(); f(&o); return o }
	const attachments = "/Names <<\n/EmbeddedFiles << /Names [\n  \n] >>\n>>"
	// Where the places do not move, the tables stay right.
	with := func(old, new string) []byte { return bytes.Replace(pdf, []byte(old), []byte(new), 1) }
	for name, c := range map[string]struct {
		pdf  []byte
		o    sign.Options
		code audit.Code
		says string
	}{
		"no identity":     {pdf, change(func(o *sign.Options) { o.Identity = sign.Identity{} }), audit.InvalidParameter, "no identity"},
		"no time":         {pdf, change(func(o *sign.Options) { o.Time = time.Time{} }), audit.InvalidParameter, "no time"},
		"too early":       {pdf, change(func(o *sign.Options) { o.Time = signed.Add(-2 * time.Hour) }), audit.InvalidState, "is valid from"},
		"too late":        {pdf, change(func(o *sign.Options) { o.Time = signed.Add(25 * time.Hour) }), audit.InvalidState, "is valid from"},
		"no UTF-8":        {pdf, change(func(o *sign.Options) { o.Reason = "\xff" }), audit.InvalidParameter, "UTF-8"},
		"a long text":     {pdf, change(func(o *sign.Options) { o.Name = strings.Repeat("x", 1001) }), audit.InvalidParameter, "1000 bytes"},
		"an empty widget": {pdf, change(func(o *sign.Options) { o.Widget = &sign.Widget{Page: 1} }), audit.InvalidParameter, "is empty"},
		"no such page": {pdf, change(func(o *sign.Options) { o.Widget = &sign.Widget{Page: 3, Right: 1, Top: 1} }),
			audit.InvalidParameter, "no page 3"},
		"nothing":         {nil, w.options(), audit.InvalidParameter, "%PDF-"},
		"no table":        {with("xref\n", "yref\n"), w.options(), audit.InvalidParameter, "cross-reference streams are not read"},
		"encrypted":       {with("/Root ", "/Encrypt 1 0 R /Root "), w.options(), audit.InvalidParameter, "encrypted"},
		"a hybrid":        {with("/Root ", "/XRefStm 1 /Root "), w.options(), audit.InvalidParameter, "cross-reference streams"},
		"a certified one": {with(attachments, fmt.Sprintf("%-*s", len(attachments), "/Perms << >>")), w.options(), audit.InvalidParameter, "certified"},
	} {
		out, err := sign.Seal(t.Context(), c.pdf, c.o)
		if out != nil || audit.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, not %s and %q", name, err, c.code, c.says)
		}
	}
}
