package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/internal/report"
	"github.com/sealbook/sealbook/internal/sign"
	"github.com/sealbook/sealbook/internal/tsa"
	"github.com/sealbook/sealbook/internal/tsa/tsatest"
)

// signer has a development identity of its own, and a file with its root.
type signer struct {
	identity sign.Identity
	roots    string
}

func newSigner(t testing.TB, now time.Time) signer {
	t.Helper()
	m, err := sign.Development(now)
	if err != nil {
		t.Fatal(err)
	}
	s := signer{roots: written(t, "roots.pem", m.Root)}
	if s.identity, err = sign.LoadPEM(m.Certificates, m.Key); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s signer) seal(t testing.TB, pdf []byte, at time.Time, stamp *tsa.Authority) []byte {
	t.Helper()
	sealed, err := sign.Seal(t.Context(), pdf, sign.Options{
		Identity: s.identity, Name: "The \u202eoffice", Reason: "Approval", Location: "Here", Time: at, Stamp: stamp,
	})
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// written returns the path of a new file.
func written(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func unsealedReport(t testing.TB, at time.Time) []byte {
	t.Helper()
	out, err := report.PDF(t.Context(), report.Document{
		Title: "Entries", ReportID: "report_1", Revision: 1, Type: report.AuditTrail, GeneratedAt: at,
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes
}

func flipped(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1
	return b
}

func TestVerifyReport(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC().Truncate(time.Second)
	ours, theirs := newSigner(t, now), newSigner(t, now)
	authority, unknown := tsatest.NewAuthority(t), tsatest.NewAuthority(t)
	tsaRoots, err := tsa.ParseRoots(authority.Roots)
	if err != nil {
		t.Fatal(err)
	}
	plain := unsealedReport(t, now)
	sealed := ours.seal(t, plain, now, nil)
	stamped := ours.seal(t, plain, now, &tsa.Authority{URL: authority.URL, Client: http.DefaultClient, Wait: time.Minute, Roots: tsaRoots})
	stream := bytes.Index(plain, []byte("stream")) + 100
	good, other := written(t, "tsa.pem", authority.Roots), written(t, "tsa.pem", unknown.Roots)
	at := now.Format("2006-01-02 15:04:05 UTC")
	for name, c := range map[string]struct {
		content []byte
		flags   []string
		code    int
		says    []string
	}{
		"trusted": {sealed, []string{"--roots", ours.roots}, exitOK, []string{
			"Signature 1 of 1", "valid        yes", "trusted      yes", "covers all   yes", "signer       Sealbook development signature",
			"fingerprint  " + sign.Fingerprint(ours.identity.Certificate()), "name         The \uFFFDoffice", "reason       Approval", "location     Here",
			"signed       " + at + ", as the signer says", "time stamp   none", "integrity     ok", "authenticity  ok", "\nVERIFIED",
		}},
		"stamped":             {stamped, []string{"--roots", ours.roots, "--tsa-roots", good}, exitOK, []string{"time stamp   20", "\nVERIFIED"}},
		"stamped by somebody": {stamped, []string{"--roots", ours.roots, "--tsa-roots", other}, exitUsage, []string{"trusted      yes", "problem      the time stamp: ", "authenticity  cannot_tell"}},
		"untrusted":           {sealed, []string{"--roots", theirs.roots}, exitUsage, []string{"valid        yes", "trusted      no", "covers all   yes", "integrity     ok", "authenticity  cannot_tell", "CANNOT TELL"}},
		"the machine's roots": {sealed, nil, exitUsage, []string{"trusted      no", "CANNOT TELL"}},
		"flipped byte":        {flipped(sealed, stream), []string{"--roots", ours.roots}, exitFailed, []string{"valid        no", "problem      ", "integrity     failed", "FAILED"}},
		"flipped, untrusted":  {flipped(sealed, stream), nil, exitFailed, []string{"valid        no", "FAILED"}},
		"appended bytes":      {append(bytes.Clone(sealed), "\n% more\n"...), []string{"--roots", ours.roots}, exitFailed, []string{"valid        yes", "covers all   no", "the document goes on", "FAILED"}},
		"unsigned":            {plain, []string{"--roots", ours.roots}, exitFailed, []string{"signatures   0", "the document is not signed", "integrity     failed", "authenticity  cannot_tell", "FAILED"}},
		"signed twice":        {ours.seal(t, sealed, now, nil), []string{"--roots", ours.roots}, exitFailed, []string{"Signature 2 of 2", "covers all   yes", "covers all   no", "FAILED"}},
		"half of it":          {sealed[:len(sealed)/2], []string{"--roots", ours.roots}, exitUsage, []string{"this is no PDF that can be", "integrity     cannot_tell", "CANNOT TELL"}},
		"its start alone":     {[]byte(pdfStart), nil, exitUsage, []string{"this is no PDF that can be"}},
	} {
		file := written(t, "report", c.content) // not named .pdf: the content decides
		r := invoke(t, nil, "", append([]string{"verify", file}, c.flags...)...)
		hash := fmt.Sprintf("hash         sha256:%x\n", sha256.Sum256(c.content))
		if r.code != c.code || r.stderr != "" || !strings.Contains(r.stdout, hash) || c.code != exitOK && strings.Contains(r.stdout, "VERIFIED") {
			t.Errorf("%s: exit code %d, not %d\n%s%s", name, r.code, c.code, r.stdout, r.stderr)
		}
		r.says(t, c.says...)
	}
}

// TestVerifyReportEveryByte: wherever a byte of a sealed report was changed, it
// is not verified, and the JSON result says the same as the exit code.
func TestVerifyReportEveryByte(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC().Truncate(time.Second)
	ours := newSigner(t, now)
	plain := unsealedReport(t, now)
	sealed := ours.seal(t, plain, now, nil)
	read := func(content []byte) (said sealReport, code int) {
		r := invoke(t, nil, "", "verify", written(t, "report.pdf", content), "--roots", ours.roots, "--json")
		if err := json.Unmarshal([]byte(r.stdout), &said); err != nil {
			t.Fatalf("%s%s %v", r.stdout, r.stderr, err)
		}
		return said, r.code
	}
	said, code := read(sealed)
	if code != exitOK || len(said.Signatures) != 1 || said.Size != len(sealed) || said.Integrity != "ok" || said.Authenticity != "ok" {
		t.Fatalf("%d: %+v", code, said)
	}
	if s := said.Signatures[0]; !s.Valid || !s.Trusted || !s.WholeDocument || !s.SigningTime.Equal(now) || !s.TimestampTime.IsZero() || s.Problems == nil {
		t.Errorf("%+v", s)
	}
	step := len(plain) / 50
	for at := len(pdfStart); at < len(sealed); at += step {
		if at > len(plain) { // the update with the signature is looked at more closely
			step = 7
		}
		if said, code := read(flipped(sealed, at)); code == exitOK || code != said.exit() {
			t.Errorf("byte %d was changed: %d, %+v", at, code, said)
		}
	}
}

func TestVerifyReportUsage(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC().Truncate(time.Second)
	ours := newSigner(t, now)
	pdf, receipt := written(t, "x.pdf", unsealedReport(t, now)), written(t, "x.json", []byte("{}"))
	for says, args := range map[string][]string{
		"--roots: there is no file":               {pdf, "--roots", pdf + ".gone"},
		"--roots: roots: there is something else": {pdf, "--roots", receipt},
		"--tsa-roots: roots: there is":            {pdf, "--tsa-roots", receipt},
		"is a PDF: --key and --witnesses are":     {pdf, "--key", "SHA256:" + strings.Repeat("A", 43)},
		"is not a PDF: --roots is for":            {receipt, "--roots", ours.roots},
		"--roots is for a report":                 {"--database", "--roots", ours.roots},
	} {
		r := invoke(t, nil, "", append([]string{"verify"}, args...)...).want(t, exitUsage).says(t, says)
		if r.stdout != "" {
			t.Errorf("%s: %s", says, r.stdout)
		}
	}
}
