package sign_test

import (
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/internal/sign"
	"github.com/sealbook/sealbook/internal/tsa/tsatest"
)

func TestForgedTimeStamps(t *testing.T) {
	t.Parallel()
	root, rootKey := tsatest.Certify(t, "root", nil, nil, nil)
	certified := func(change func(*pkix.Extension)) (f tsatest.Forgery) {
		extension := *tsatest.Stamping
		change(&extension)
		f.Certificate, f.Key = tsatest.Certify(t, "authority", &extension, root, rootKey)
		return f
	}
	good := certified(func(*pkix.Extension) {})
	changed := func(change func(*tsatest.Forgery)) tsatest.Forgery { f := good; change(&f); return f }
	purposes := func(last ...int) []byte {
		var list []asn1.ObjectIdentifier
		for _, p := range last {
			list = append(list, asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, p})
		}
		der, err := asn1.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	w := newWorld(t, ecdsaKey(t))
	o := w.options()
	o.Stamp = stamp(t, tsatest.NewAuthority(t)) // for the room
	sealed := seal(t, document(t, 1), o)
	covered, _ := torn(t, sealed)
	signature, _ := tornToken(t, sealed)
	digest := sha256.Sum256(covered)
	roots := x509.NewCertPool()
	roots.AddCert(root)
	for name, c := range map[string]struct {
		token tsatest.Forgery
		valid bool
		says  string
	}{
		"a good one":             {good, true, ""},
		"another content":        {changed(func(f *tsatest.Forgery) { f.ContentType = asn1.ObjectIdentifier{1, 2, 3} }), false, "not a time stamp alone"},
		"another version":        {changed(func(f *tsatest.Forgery) { f.Version = 2 }), false, "version 1"},
		"before its time":        {changed(func(f *tsatest.Forgery) { f.At = time.Now().Add(-2 * time.Hour) }), true, "not yet valid"},
		"after its time":         {changed(func(f *tsatest.Forgery) { f.At = time.Now().Add(48 * time.Hour) }), true, "expired"},
		"not critical":           {certified(func(e *pkix.Extension) { e.Critical = false }), true, "time stamping alone"},
		"a web server's":         {certified(func(e *pkix.Extension) { e.Value = purposes(1) }), true, "time stamping alone"},
		"a web server's as well": {certified(func(e *pkix.Extension) { e.Value = purposes(8, 1) }), true, "time stamping alone"},
	} {
		message, err := sign.Forgery{Identity: w.identity, Digest: digest[:], Unsigned: sign.Token(c.token.Token(t, signature))}.Message()
		if err != nil {
			t.Fatal(err)
		}
		got := verify1(t, filled(t, sealed, message), w.roots(), roots)
		if fine := c.says == ""; got.Valid != c.valid || got.TimestampTime.IsZero() == fine || (len(got.Problems) == 0) != fine ||
			!strings.Contains(strings.Join(got.Problems, "\n"), c.says) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
