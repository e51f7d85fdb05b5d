//go:build pkcs11 && cgo

package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/internal/hsm"
	"github.com/sealbook/sealbook/internal/hsm/hsmtest"
)

func certificateOf(t testing.TB, key crypto.Signer, organization string) *x509.Certificate {
	t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Reports", Organization: []string{organization}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err == nil {
		c, err = x509.ParseCertificate(der)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestHSMSettings: a key in a security module seals reports, or the worker says why
// not, and never the PIN.
func TestHSMSettings(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pin := write("pin", []byte(hsmtest.PIN+"\n"))
	k := hsmtest.New(t)
	k.Generate(t, hsmtest.Key{Label: "seal", ID: "01", Curve: hsmtest.P256})
	uri := k.URI(t, ";object=seal") + "&pin-source=file:" + pin
	u, err := hsm.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	signer, _, err := hsm.Open(u, func() (string, error) { return hsmtest.PIN, nil })
	if err != nil {
		t.Fatal(err)
	}
	own := certificateOf(t, signer, "Tests")
	strange, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(name string, c *x509.Certificate) string {
		return "SEALBOOK_REPORT_CERTIFICATE=" + write(name, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	certificate, other := encode("own.pem", own), encode("other.pem", certificateOf(t, strange, "Tests"))
	development := encode("development.pem", certificateOf(t, signer, "DEVELOPMENT ONLY"))

	takes := func(env ...string) {
		t.Helper()
		c, err := readConfig(env)
		if err != nil {
			t.Fatal(err)
		}
		n, err := notary(c)
		if err != nil || !n.Identity.Certificate().Equal(own) {
			t.Errorf("%v", err)
		}
	}
	key := "SEALBOOK_REPORT_KEY="
	takes(key+uri, certificate)
	takes(key+k.URI(t, ";id=01")+"&pin-source=env:SEAL_PIN", "SEAL_PIN="+hsmtest.PIN, certificate)
	takes(key+k.URI(t, ";id=01")+"&pin-value="+strings.ReplaceAll(hsmtest.PIN, "&", "%26"), certificate)

	missing := strings.Replace(uri, hsmtest.Module(t), "/nowhere/module.so", 1)
	// Tokens that nobody is logged in to: there, the PIN is looked at.
	locked := hsmtest.New(t)
	locked.Generate(t, hsmtest.Key{Label: "seal", ID: "01", Curve: hsmtest.P256})
	worker := []string{"SEALBOOK_DATABASE_URL=postgres://127.0.0.1:1/x", "SEALBOOK_SIGNER_KEY=" + pin, "SEALBOOK_ARTIFACTS=file://" + dir, "SEALBOOK_PEPPER_FILE=" + pepperIn(t)}
	for name, c := range map[string]struct {
		env  []string
		exit int
		says string
	}{
		"wrong PIN":                 {[]string{certificate, key + locked.URI(t, ";object=seal") + "&pin-value=" + hsmtest.PIN[:8]}, exitUsage, "refuses the PIN"},
		"no PIN file":               {[]string{certificate, key + locked.URI(t, ";object=seal") + "&pin-source=/nowhere/pin"}, exitUsage, "no such file"},
		"PIN that is not encoded":   {[]string{certificate, key + k.URI(t, ";object=seal") + "&pin-value=" + hsmtest.PIN}, exitUsage, "without a value"},
		"wrong label":               {[]string{certificate, key + strings.Replace(uri, "object=seal", "object=other", 1)}, exitUsage, "has no private key"},
		"no such token":             {[]string{certificate, key + strings.Replace(uri, "token=", "token=no%20", 1)}, exitFailed, "no token is there"},
		"no module":                 {[]string{certificate, key + missing}, exitUsage, "module is not there"},
		"another key's certificate": {[]string{other, key + uri}, exitUsage, "no certificate is the key's"},
		"certificate in no file":    {[]string{"SEALBOOK_REPORT_CERTIFICATE=" + dir + "/none.pem", key + uri}, exitUsage, "there is no file"},
		"no certificate":            {[]string{key + uri}, exitUsage, "the token has no certificate with the id of the key"},
		"development":               {[]string{development, key + uri}, exitUsage, "was made for development"},
		"two ways to name a key":    {[]string{key + uri, "SEALBOOK_REPORT_PKCS12=" + pin}, exitUsage, "holds certificate and key"},
	} {
		t.Run(name, func(t *testing.T) {
			r := invoke(t, append(worker[:len(worker):len(worker)], c.env...), "", "worker").want(t, c.exit).says(t, c.says)
			if strings.Contains(r.stdout+r.stderr, hsmtest.PIN[:8]) {
				t.Errorf("the PIN is in %s%s", r.stdout, r.stderr)
			}
		})
	}

	k.Stop()
	k.PutCertificate(t, own, "01")
	takes(key + uri)
}
