package sign_test

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/smallstep/pkcs7"

	"github.com/sealbook/sealbook/internal/anchor/anchortest"
	"github.com/sealbook/sealbook/internal/sign"
)

var oidInfo = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}

// forgedToken is a time stamp that openssl would not make.
type forgedToken struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	contentType asn1.ObjectIdentifier
	at          time.Time
	version     int
}

func (f forgedToken) over(t testing.TB, stamped []byte) []byte {
	t.Helper()
	type imprint struct {
		Algorithm pkix.AlgorithmIdentifier
		Hash      []byte
	}
	sum, name := sha256.Sum256(stamped), sha256.Sum256(f.certificate.Raw)
	content, err := asn1.Marshal(struct {
		Version int
		Policy  asn1.ObjectIdentifier
		Imprint imprint
		Serial  *big.Int
		Time    time.Time `asn1:"generalized"`
	}{f.version, asn1.ObjectIdentifier{1, 2, 3}, imprint{pkix.AlgorithmIdentifier{Algorithm: pkcs7.OIDDigestAlgorithmSHA256}, sum[:]}, big.NewInt(7), f.at.UTC().Truncate(time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := pkcs7.NewSignedData(content)
	if err != nil {
		t.Fatal(err)
	}
	signed.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
	signed.GetSignedData().Version = 3
	signed.GetSignedData().ContentInfo.ContentType = f.contentType
	type named struct{ Certs []struct{ Hash []byte } }
	err = signed.AddSigner(f.certificate, f.key, pkcs7.SignerInfoConfig{ExtraSignedAttributes: []pkcs7.Attribute{{
		Type: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}, Value: named{[]struct{ Hash []byte }{{name[:]}}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestForgedTimeStamps(t *testing.T) {
	t.Parallel()
	root, rootKey := anchortest.Certify(t, "root", nil, nil, nil)
	certified := func(f forgedToken, change func(*pkix.Extension)) forgedToken {
		extension := *anchortest.Stamping
		change(&extension)
		f.certificate, f.key = anchortest.Certify(t, "authority", &extension, root, rootKey)
		return f
	}
	good := certified(forgedToken{contentType: oidInfo, at: time.Now(), version: 1}, func(*pkix.Extension) {})
	changed := func(change func(*forgedToken)) forgedToken { f := good; change(&f); return f }
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
	o.Stamp = stamp(t, anchortest.NewAuthority(t)) // for the room
	sealed := seal(t, document(t, 1), o)
	covered, _ := torn(t, sealed)
	signature, _ := tornToken(t, sealed)
	digest := sha256.Sum256(covered)
	roots := x509.NewCertPool()
	roots.AddCert(root)
	for name, c := range map[string]struct {
		token forgedToken
		valid bool
		says  string
	}{
		"a good one":             {good, true, ""},
		"another content":        {changed(func(f *forgedToken) { f.contentType = asn1.ObjectIdentifier{1, 2, 3} }), false, "not a time stamp alone"},
		"another version":        {changed(func(f *forgedToken) { f.version = 2 }), false, "version 1"},
		"before its time":        {changed(func(f *forgedToken) { f.at = time.Now().Add(-2 * time.Hour) }), true, "not yet valid"},
		"after its time":         {changed(func(f *forgedToken) { f.at = time.Now().Add(48 * time.Hour) }), true, "expired"},
		"not critical":           {certified(good, func(e *pkix.Extension) { e.Critical = false }), true, "time stamping alone"},
		"a web server's":         {certified(good, func(e *pkix.Extension) { e.Value = purposes(1) }), true, "time stamping alone"},
		"a web server's as well": {certified(good, func(e *pkix.Extension) { e.Value = purposes(8, 1) }), true, "time stamping alone"},
	} {
		message, err := sign.Forgery{Identity: w.identity, Digest: digest[:], Unsigned: sign.Token(c.token.over(t, signature))}.Message()
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
