package sign_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/sign"
)

func block(kind string, der []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func pkcs8(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return block("PRIVATE KEY", der, err)
}

// usable checks that an identity seals what others take as good.
func usable(t *testing.T, i sign.Identity, root *x509.Certificate, at time.Time) {
	t.Helper()
	sealed := seal(t, document(t, 1), sign.Options{Identity: i, Time: at})
	says(t, pdfsig(t, sealed, root), good...)
	roots := x509.NewCertPool()
	roots.AddCert(root)
	if got := verify1(t, sealed, roots, nil); len(got.Problems) > 0 || got.Fingerprint != sign.Fingerprint(i.Certificate()) {
		t.Errorf("%+v", got)
	}
}

func TestDevelopment(t *testing.T) {
	t.Parallel()
	now := time.Now()
	m, err := sign.Development(now)
	if err != nil {
		t.Fatal(err)
	}
	i, err := sign.LoadPEM(m.Certificates, m.Key)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := pem.Decode(m.Root)
	root, err := x509.ParseCertificate(b.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	usable(t, i, root, now)
	c := i.Certificate()
	if !i.Development() || !slices.Equal(c.Subject.Organization, []string{"DEVELOPMENT ONLY"}) || !slices.Equal(root.Subject.Organization, c.Subject.Organization) ||
		c.KeyUsage != x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment || c.IsCA ||
		len(c.ExtKeyUsage) != 1 || c.ExtKeyUsage[0] != x509.ExtKeyUsageEmailProtection ||
		len(c.UnknownExtKeyUsage) != 1 || !c.UnknownExtKeyUsage[0].Equal(oidDocumentSigning) {
		t.Errorf("%+v", c)
	}
	if newWorld(t, ecdsaKey(t)).identity.Development() || (sign.Identity{}).Development() {
		t.Error("others are development too")
	}
	again, err := sign.Development(now)
	if err != nil || string(again.Key) == string(m.Key) || string(again.Root) == string(m.Root) {
		t.Error("two are the same")
	}
}

func TestLoadPEM(t *testing.T) {
	t.Parallel()
	key := ecdsaKey(t).(*ecdsa.PrivateKey)
	w := newWorld(t, key)
	own := newWorld(t, rsaKey())
	sec1, err := x509.MarshalECPrivateKey(key)
	ec := block("EC PRIVATE KEY", sec1, err)
	pkcs1 := block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey().(*rsa.PrivateKey)), nil)
	chain := slices.Concat(encoded(w.root), encoded(w.leaf), encoded(w.issuer))
	rsaChain := slices.Concat(encoded(own.leaf), encoded(own.issuer))
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ certificates, key []byte }{
		"PKCS #8":        {chain, pkcs8(t, key)},
		"SEC 1":          {chain, ec},
		"with the curve": {chain, append(block("EC PARAMETERS", []byte{6, 0}, nil), ec...)},
		"the leaf alone": {encoded(w.leaf), ec},
		"PKCS #1":        {rsaChain, pkcs1},
		"RSA in PKCS #8": {rsaChain, pkcs8(t, rsaKey())},
	} {
		i, err := sign.LoadPEM(c.certificates, c.key)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if leaf := i.Certificate(); !leaf.Equal(w.leaf) && !leaf.Equal(own.leaf) {
			t.Errorf("%s: the signer is %s", name, leaf.Subject)
		}
		if name == "PKCS #8" {
			usable(t, i, w.root, signed)
		}
	}
	for name, c := range map[string]struct {
		certificates, key []byte
		says              string
	}{
		"no certificate":      {nil, ec, "no certificate in PEM"},
		"no key":              {chain, []byte("secret"), "no key in PEM"},
		"another's key":       {rsaChain, ec, "no certificate is the key's"},
		"a certificate's":     {chain, encoded(w.leaf), "no private key"},
		"a key there":         {ec, ec, "EC PRIVATE KEY"},
		"two keys":            {chain, append(slices.Clone(ec), pkcs1...), "more than one key"},
		"encrypted":           {chain, block("ENCRYPTED PRIVATE KEY", sec1, nil), "encrypted"},
		"broken":              {chain, block("PRIVATE KEY", sec1[1:], nil), "cannot be read"},
		"broken certificate":  {block("CERTIFICATE", w.leaf.Raw[1:], nil), ec, "certificate 1"},
		"another's issuer":    {append(slices.Clone(chain), encoded(own.root)...), ec, "has not to do with"},
		"an Ed25519 key":      {chain, pkcs8(t, edKey), "neither ECDSA nor RSA"},
		"an RSA key too weak": {chain, pkcs8(t, small), "at least 2048 bits"},
	} {
		if _, err := sign.LoadPEM(c.certificates, c.key); audit.CodeOf(err) != audit.InvalidParameter || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, not %q", name, err, c.says)
		}
	}
}

func TestLoadPKCS12(t *testing.T) {
	t.Parallel()
	key := ecdsaKey(t)
	w := newWorld(t, key)
	data, err := pkcs12.Modern2023.Encode(key, w.leaf, []*x509.Certificate{w.issuer, w.root}, "correct")
	if err != nil {
		t.Fatal(err)
	}
	i, err := sign.LoadPKCS12(data, "correct")
	if err != nil {
		t.Fatal(err)
	}
	usable(t, i, w.root, signed)
	// What another program writes.
	file := write(t, "other.p12", nil)
	chain := write(t, "chain.pem", slices.Concat(encoded(w.issuer), encoded(w.root)))
	if out, err := run(t, "openssl", "pkcs12", "-export", "-inkey", write(t, "key.pem", pkcs8(t, key)), "-in", write(t, "leaf.pem", encoded(w.leaf)),
		"-certfile", chain, "-passout", "pass:correct", "-out", file); err != nil {
		t.Fatal(out)
	}
	other, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if i, err := sign.LoadPKCS12(other, "correct"); err != nil || !i.Certificate().Equal(w.leaf) {
		t.Errorf("openssl's: %v", err)
	}
	if _, err := sign.LoadPKCS12(data, "wrong"); audit.CodeOf(err) != audit.Forbidden {
		t.Error(err)
	}
	for _, broken := range [][]byte{nil, data[:len(data)/2], []byte("text")} {
		if _, err := sign.LoadPKCS12(broken, "correct"); audit.CodeOf(err) != audit.InvalidParameter {
			t.Error(err)
		}
	}
}

// A key that is elsewhere may sign wrongly, or not at all.
func TestSealChecksTheKey(t *testing.T) {
	t.Parallel()
	key := ecdsaKey(t)
	w := newWorld(t, key)
	i, err := sign.NewIdentity(swapped{key, ecdsaKey(t)}, w.leaf, w.issuer)
	if err != nil {
		t.Fatal(err)
	}
	out, err := sign.Seal(t.Context(), document(t, 1), sign.Options{Identity: i, Time: signed})
	if out != nil || audit.CodeOf(err) != audit.InvalidState || !strings.Contains(err.Error(), "does not sign as its certificate says") {
		t.Error(err)
	}
	if _, err := sign.NewIdentity(nil, w.leaf); audit.CodeOf(err) != audit.InvalidParameter {
		t.Error(err)
	}
	p521, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	large := newWorld(t, p521)
	usable(t, large.identity, large.root, signed)
}

// swapped says one key and signs with another.
type swapped struct{ said, used crypto.Signer }

func (s swapped) Public() crypto.PublicKey { return s.said.Public() }

func (s swapped) Sign(random io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	return s.used.Sign(random, digest, o)
}
