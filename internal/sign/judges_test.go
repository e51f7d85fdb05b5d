package sign_test

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// The programs that judge what this package makes.
var judges = map[string]string{"pdfsig": "poppler-utils", "qpdf": "qpdf", "certutil": "libnss3-tools", "openssl": "openssl"}

// run runs a judge; one that is missing fails the test, as nothing else would
// notice that a file is no PDF.
func run(t testing.TB, name string, args ...string) (string, error) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Fatalf("%s is missing: install the package %s", name, judges[name])
	}
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func write(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func encoded(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

// pdfsig asks poppler, which trusts the root.
func pdfsig(t testing.TB, pdf []byte, root *x509.Certificate) string {
	t.Helper()
	database := "sql:" + t.TempDir()
	if out, err := run(t, "certutil", "-N", "-d", database, "--empty-password"); err != nil {
		t.Fatal(out)
	}
	if out, err := run(t, "certutil", "-A", "-d", database, "-n", "root", "-t", "CT,C,C", "-i", write(t, "root.pem", encoded(root))); err != nil {
		t.Fatal(out)
	}
	out, _ := run(t, "pdfsig", "-nssdir", database, write(t, "sealed.pdf", pdf)) // its exit code is that of the worst signature
	return out
}

func says(t testing.TB, out string, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if !strings.Contains(out, l) {
			t.Errorf("pdfsig does not say %q:\n%s", l, out)
		}
	}
}

// good is what pdfsig says of a signature that is as it should be.
var good = []string{
	"Signature Validation: Signature is Valid.", "Certificate Validation: Certificate is Trusted.",
	"Total document signed", "Signature Type: ETSI.CAdES.detached", "Signing Hash Algorithm: SHA-256",
}

func qpdfCheck(t testing.TB, pdf []byte) {
	t.Helper()
	if out, err := run(t, "qpdf", "--check", write(t, "sealed.pdf", pdf)); err != nil || strings.Contains(out, "WARNING") {
		t.Errorf("qpdf --check: %v\n%s", err, out)
	}
}

var byteRange = regexp.MustCompile(`/ByteRange \[0 (\d+) (\d+) (\d+) *\]`)

// torn is what a document's last signature covers, and its CMS.
func torn(t testing.TB, pdf []byte) (covered, message []byte) {
	t.Helper()
	all := byteRange.FindAllSubmatch(pdf, -1)
	if len(all) == 0 {
		t.Fatal("there is no ByteRange")
	}
	var n [3]int
	for i, text := range all[len(all)-1][1:] {
		n[i], _ = strconv.Atoi(string(text))
	}
	covered = append(bytes.Clone(pdf[:n[0]]), pdf[n[1]:n[1]+n[2]]...)
	padded := make([]byte, hex.DecodedLen(n[1]-n[0]-2))
	if _, err := hex.Decode(padded, pdf[n[0]+1:n[1]-1]); err != nil {
		t.Fatal(err)
	}
	var element cryptobyte.String
	if in := cryptobyte.String(padded); !in.ReadASN1Element(&element, tag.SEQUENCE) {
		t.Fatal("the Contents do not begin with a CMS")
	}
	return covered, element
}

// opensslVerify asks openssl for what CAdES wants.
func opensslVerify(t testing.TB, pdf []byte, root *x509.Certificate) (string, error) {
	t.Helper()
	covered, message := torn(t, pdf)
	return run(t, "openssl", "cms", "-verify", "-cades", "-inform", "DER", "-in", write(t, "cms.der", message), "-binary",
		"-content", write(t, "content", covered), "-CAfile", write(t, "root.pem", encoded(root)), "-out", os.DevNull)
}
