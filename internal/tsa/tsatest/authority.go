// Package tsatest gives tests a time-stamp authority that is OpenSSL's, and
// tokens that it would not make. It guards that tests hold the client against
// somebody else's idea of RFC 3161. The authority listens on loopback for the
// length of a test.
package tsatest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Authority is a time-stamp authority of openssl ts behind HTTP, with a root,
// an intermediate certificate and one for time stamping, all made for the test.
type Authority struct {
	URL   string
	Roots []byte // PEM

	Certificate *x509.Certificate // that signs the tokens
	Issuer      *x509.Certificate
	Key         *ecdsa.PrivateKey // of Certificate

	folder string
	mu     sync.Mutex // openssl counts in a file

	// Before is called with each request and may answer it; nil is not called.
	Before func(w http.ResponseWriter, r *http.Request) (answered bool)
}

// configuration of openssl ts; %[1]s is the folder.
const configuration = `[tsa]
serial = %[1]s/serial
signer_cert = %[1]s/tsa.pem
certs = %[1]s/issuer.pem
signer_key = %[1]s/tsa.key
signer_digest = sha256
default_policy = 1.3.6.1.4.1.99999.1
digests = sha256
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
crypto_device = builtin
`

// NewAuthority makes the certificates and starts serving. A machine without
// openssl fails the test: nothing else would notice.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Fatal("openssl is missing: install it, the time-stamp tests need it")
	}
	a := &Authority{folder: t.TempDir()}
	root, rootKey := Certify(t, "Test root", nil, nil, nil)
	issuer, issuerKey := Certify(t, "Test issuer", nil, root, rootKey)
	a.Issuer = issuer
	a.Certificate, a.Key = Certify(t, "Test time-stamp authority", Stamping, issuer, issuerKey)
	a.Roots = encodeCertificate(root)
	key, err := x509.MarshalPKCS8PrivateKey(a.Key)
	if err != nil {
		t.Fatal(err)
	}
	a.write(t, "tsa.key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	a.write(t, "tsa.pem", encodeCertificate(a.Certificate))
	a.write(t, "issuer.pem", encodeCertificate(issuer))
	a.write(t, "root.pem", a.Roots)
	a.write(t, "tsa.cnf", fmt.Appendf(nil, configuration, a.folder))
	a.write(t, "serial", []byte("01\n"))
	server := httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(server.Close)
	a.URL = server.URL + "/tsa"
	return a
}

func (a *Authority) write(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(a.folder, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (a *Authority) serve(w http.ResponseWriter, r *http.Request) {
	if a.Before != nil && a.Before(w, r) {
		return
	}
	query, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/timestamp-query" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	file := filepath.Join(a.folder, "query")
	if err := os.WriteFile(file, query, 0o600); err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(r.Context(), "openssl", "ts", "-reply", "-config", filepath.Join(a.folder, "tsa.cnf"), "-section", "tsa", "-queryfile", file)
	cmd.Stderr = &said
	reply, err := cmd.Output()
	if err != nil {
		http.Error(w, said.String(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/timestamp-reply")
	w.Write(reply)
}

// OpenSSLVerify asks openssl ts whether a token is about the note.
func (a *Authority) OpenSSLVerify(t testing.TB, note, token []byte) error {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	cmd := exec.Command("openssl", "ts", "-verify", "-data", a.write(t, "note", note), "-in", a.write(t, "token", token), "-token_in",
		"-CAfile", filepath.Join(a.folder, "root.pem"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("openssl ts -verify: %w: %s", err, out)
	}
	return nil
}

// Stamping is the extended key usage of a time-stamp authority, critical as
// RFC 3161 wants it.
var Stamping = &pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: usage(8)}

// usage encodes an extended key usage of 1.3.6.1.5.5.7.3 with these last arcs.
func usage(purposes ...int) []byte {
	var list []asn1.ObjectIdentifier
	for _, p := range purposes {
		list = append(list, asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, p})
	}
	text, err := asn1.Marshal(list)
	if err != nil {
		panic(err)
	}
	return text
}

// Certify makes a certificate: of a root when issuer is nil, of an authority
// when it has no extension, of a service otherwise.
func Certify(t testing.TB, name string, extension *pkix.Extension, issuer *x509.Certificate, issuerKey *ecdsa.PrivateKey, change ...func(*x509.Certificate)) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name, Organization: []string{"Sealbook tests"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if extension == nil {
		c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
	} else {
		c.ExtraExtensions = []pkix.Extension{*extension}
	}
	for _, f := range change {
		f(c)
	}
	parent, by := issuer, issuerKey
	if parent == nil {
		parent, by = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), by)
	if err == nil {
		c, err = x509.ParseCertificate(der)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c, key
}

func encodeCertificate(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}
