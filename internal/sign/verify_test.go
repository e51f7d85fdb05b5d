package sign_test

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/sign"
	"github.com/sealbook/sealbook/internal/tsa/tsatest"
)

func (w world) roots() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(w.root)
	return p
}

// verify1 verifies a document of one signature.
func verify1(t testing.TB, pdf []byte, roots, tsaRoots *x509.CertPool) sign.Signature {
	t.Helper()
	all, err := sign.Verify(pdf, roots, tsaRoots)
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	return all[0]
}

func TestVerify(t *testing.T) {
	t.Parallel()
	outside := tsatest.NewAuthority(t)
	for name, w := range map[string]world{"ecdsa": newWorld(t, ecdsaKey(t)), "rsa": newWorld(t, rsaKey())} {
		o := w.options()
		want := sign.Signature{
			Valid: true, Trusted: true, WholeDocument: true, Signer: "Maria Example",
			Fingerprint: fmt.Sprintf("SHA256:%x", sha256.Sum256(w.leaf.Raw)),
			Name:        o.Name, Reason: o.Reason, Location: o.Location, SigningTime: signed,
		}
		if got := verify1(t, seal(t, document(t, 2), o), w.roots(), nil); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v\nis not %+v", name, got, want)
		}
		o.Widget, o.Stamp = &sign.Widget{Page: 2, Right: 100, Top: 100}, stamp(t, outside)
		stamped := seal(t, document(t, 2), o)
		got := verify1(t, stamped, w.roots(), pool(t, outside.Roots))
		if d := time.Since(got.TimestampTime); d < 0 || d > time.Minute {
			t.Errorf("%s: stamped %s ago", name, d)
		}
		want.TimestampTime = got.TimestampTime
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v\nis not %+v", name, got, want)
		}
		if got := verify1(t, stamped, w.roots(), w.roots()); !got.Valid || !got.Trusted || !got.TimestampTime.IsZero() || len(got.Problems) != 1 {
			t.Errorf("%s: of an authority that is not trusted: %+v", name, got)
		}
		for _, roots := range []*x509.CertPool{nil, x509.NewCertPool(), pool(t, outside.Roots)} {
			if got := verify1(t, stamped, roots, pool(t, outside.Roots)); !got.Valid || got.Trusted || len(got.Problems) != 1 {
				t.Errorf("%s: of other roots: %+v", name, got)
			}
		}
	}
	if all, err := sign.Verify(document(t, 1), nil, nil); err != nil || len(all) > 0 {
		t.Errorf("a document that is not signed: %+v, %v", all, err)
	}
	for _, text := range []string{"", "%PDF-1.7\n", "no PDF"} {
		if _, err := sign.Verify([]byte(text), nil, nil); audit.CodeOf(err) != audit.InvalidParameter {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestVerifyTwo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, ecdsaKey(t))
	o := w.options()
	once := seal(t, document(t, 2), o)
	o.Reason = "Second"
	twice := seal(t, once, o)
	all, err := sign.Verify(twice, w.roots(), nil)
	if err != nil || len(all) != 2 {
		t.Fatalf("%+v, %v", all, err)
	}
	first, second := all[0], all[1]
	if !first.Valid || !first.Trusted || first.WholeDocument || len(first.Problems) != 1 || first.Reason != "Reviewed (and approved)" {
		t.Errorf("the first: %+v", first)
	}
	if !second.Valid || !second.Trusted || !second.WholeDocument || len(second.Problems) != 0 || second.Reason != "Second" {
		t.Errorf("the second: %+v", second)
	}
	// Swapped, each is about the other's bytes.
	spots := gaps(t, twice)
	a, b := spots[0], spots[1]
	swapped := bytes.Clone(twice)
	copy(swapped[a[0]:a[1]], twice[b[0]:b[1]])
	copy(swapped[b[0]:b[1]], twice[a[0]:a[1]])
	if all, err := sign.Verify(swapped, w.roots(), nil); err != nil || len(all) != 2 || all[0].Valid || all[1].Valid {
		t.Errorf("swapped: %+v, %v", all, err)
	}
	// Without the second update the first one is whole again.
	if got := verify1(t, twice[:len(once)], w.roots(), nil); len(got.Problems) > 0 {
		t.Errorf("%+v", got)
	}
}

// A certificate must be for this, and valid then.
func TestVerifyTrust(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*x509.Certificate)
		says   string
	}{
		"no purposes": {func(c *x509.Certificate) { c.ExtKeyUsage, c.UnknownExtKeyUsage = nil, nil }, ""},
		"documents":   {func(c *x509.Certificate) { c.ExtKeyUsage = nil }, ""},
		"mail":        {func(c *x509.Certificate) { c.UnknownExtKeyUsage = nil }, ""},
		"Adobe": {func(c *x509.Certificate) {
			c.ExtKeyUsage, c.UnknownExtKeyUsage[0] = nil, asn1.ObjectIdentifier{1, 2, 840, 113583, 1, 1, 5}
		}, ""},
		"a web server": {func(c *x509.Certificate) { c.ExtKeyUsage[0], c.UnknownExtKeyUsage = x509.ExtKeyUsageServerAuth, nil }, "not one for signing documents"},
		"encryption":   {func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment }, "not one for signing"},
	} {
		w := newWorld(t, ecdsaKey(t), c.change)
		got := verify1(t, seal(t, document(t, 1), w.options()), w.roots(), nil)
		if !got.Valid || got.Trusted != (c.says == "") || !strings.Contains(strings.Join(got.Problems, "\n"), c.says) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	// What counts is when the authority saw it, not what the signer claims.
	outside := tsatest.NewAuthority(t)
	w := newWorld(t, ecdsaKey(t), func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-10 * time.Second) })
	o := w.options()
	if got := verify1(t, seal(t, document(t, 1), o), w.roots(), nil); !got.Trusted {
		t.Errorf("valid at its time: %+v", got)
	}
	o.Stamp = stamp(t, outside)
	got := verify1(t, seal(t, document(t, 1), o), w.roots(), pool(t, outside.Roots))
	if !got.Valid || got.Trusted || !strings.Contains(got.Problems[0], "expired") {
		t.Errorf("stamped after it expired: %+v", got)
	}
	w = newWorld(t, ecdsaKey(t))
	o = w.options()
	o.Stamp, o.Time = stamp(t, outside), time.Now().Add(time.Hour)
	if got := verify1(t, seal(t, document(t, 1), o), w.roots(), pool(t, outside.Roots)); len(got.Problems) != 1 || !strings.Contains(got.Problems[0], "later than its time stamp") {
		t.Errorf("dated forward: %+v", got)
	}
}

// What OpenSSL signs in our place verifies: the code reads more than it writes.
func TestVerifyOfOpenSSL(t *testing.T) {
	t.Parallel()
	for _, key := range []crypto.Signer{ecdsaKey(t), rsaKey()} {
		w := newWorld(t, key)
		sealed := seal(t, document(t, 1), w.options())
		covered, _ := torn(t, sealed)
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		for _, hash := range []string{"sha256", "sha384", "sha512", "sha1"} {
			out := write(t, "out.der", nil)
			said, err := run(t, "openssl", "cms", "-sign", "-cades", "-binary", "-md", hash, "-outform", "DER", "-out", out,
				"-in", write(t, "content", covered), "-signer", write(t, "leaf.pem", encoded(w.leaf)), "-certfile", write(t, "issuer.pem", encoded(w.issuer)),
				"-inkey", write(t, "key.der", der), "-keyform", "DER")
			if err != nil {
				t.Fatal(said)
			}
			message, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			got := verify1(t, filled(t, sealed, message), w.roots(), nil)
			if ok := got.Valid && got.Trusted && got.WholeDocument && len(got.Problems) == 0; ok != (hash != "sha1") {
				t.Errorf("%T and %s: %+v", key, hash, got)
			}
		}
	}
}

// gaps are where the signatures are, between their angle brackets.
func gaps(t testing.TB, pdf []byte) (spots [][2]int) {
	t.Helper()
	for _, m := range byteRange.FindAllSubmatch(pdf, -1) {
		var a, b, c int
		if _, err := fmt.Sscan(string(bytes.Join(m[1:], []byte(" "))), &a, &b, &c); err != nil {
			t.Fatal(err)
		}
		spots = append(spots, [2]int{a + 1, b - 1})
	}
	return spots
}

// filled puts another CMS into the gap of the last signature.
func filled(t testing.TB, pdf, message []byte) []byte {
	t.Helper()
	spots := gaps(t, pdf)
	gap := spots[len(spots)-1]
	out := bytes.Clone(pdf)
	room := out[gap[0]:gap[1]]
	if hex.EncodedLen(len(message)) > len(room) {
		t.Fatalf("%d bytes have no room", len(message))
	}
	copy(room, bytes.Repeat([]byte("0"), len(room)))
	hex.Encode(room, message)
	return out
}
