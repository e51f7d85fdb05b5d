package sign_test

import (
	"context"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/sign"
	"github.com/sealbook/sealbook/internal/tsa"
	"github.com/sealbook/sealbook/internal/tsa/tsatest"
)

func pool(t testing.TB, pem []byte) *x509.CertPool {
	t.Helper()
	p, err := tsa.ParseRoots(pem)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func stamp(t testing.TB, outside *tsatest.Authority) *tsa.Authority {
	t.Helper()
	return &tsa.Authority{URL: outside.URL + "?key=secret", Client: http.DefaultClient, Wait: 20 * time.Second, Roots: pool(t, outside.Roots)}
}

// tornToken is the value of the signature in a CMS and its time-stamp token,
// found without the code that is tested.
func tornToken(t testing.TB, pdf []byte) (signature, token []byte) {
	t.Helper()
	_, message := torn(t, pdf)
	type signerInfo struct {
		Version    int
		Name       asn1.RawValue
		Digest     asn1.RawValue
		Attributes asn1.RawValue `asn1:"tag:0"`
		Algorithm  asn1.RawValue
		Signature  []byte
		Unsigned   []struct {
			Type  asn1.ObjectIdentifier
			Value []asn1.RawValue `asn1:"set"`
		} `asn1:"optional,tag:1,set"`
	}
	var m struct {
		Type asn1.ObjectIdentifier
		Data struct {
			Version      int
			Digests      asn1.RawValue
			Content      asn1.RawValue
			Certificates asn1.RawValue `asn1:"tag:0"`
			Signers      []signerInfo  `asn1:"set"`
		} `asn1:"explicit,tag:0"`
	}
	if rest, err := asn1.Unmarshal(message, &m); err != nil || len(rest) > 0 || len(m.Data.Signers) != 1 {
		t.Fatal(err)
	}
	s := m.Data.Signers[0]
	if len(s.Unsigned) != 1 || s.Unsigned[0].Type.String() != "1.2.840.113549.1.9.16.2.14" || len(s.Unsigned[0].Value) != 1 {
		t.Fatalf("unsigned attributes: %+v", s.Unsigned)
	}
	return s.Signature, s.Unsigned[0].Value[0].FullBytes
}

func TestStampIsAcceptedByOthers(t *testing.T) {
	t.Parallel()
	outside := tsatest.NewAuthority(t)
	for name, w := range map[string]world{"ecdsa": newWorld(t, ecdsaKey(t)), "rsa": newWorld(t, rsaKey())} {
		o := w.options()
		o.Stamp = stamp(t, outside)
		sealed := seal(t, document(t, 2), o)
		says(t, pdfsig(t, sealed, w.root), good...)
		qpdfCheck(t, sealed)
		if out, err := opensslVerify(t, sealed, w.root); err != nil {
			t.Errorf("%s: openssl: %v\n%s", name, err, out)
		}
		signature, token := tornToken(t, sealed)
		if err := outside.OpenSSLVerify(t, signature, token); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if outside.OpenSSLVerify(t, signature[1:], token) == nil {
			t.Error("openssl takes a token for another signature")
		}
	}
}

func TestStampIsNeverLeftOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, ecdsaKey(t))
	pdf := document(t, 1)
	answer := func(status int, body string) func(http.ResponseWriter, *http.Request) bool {
		return func(rw http.ResponseWriter, _ *http.Request) bool {
			rw.WriteHeader(status)
			io.WriteString(rw, body)
			return true
		}
	}
	fail := asn1.BitString{Bytes: []byte{0, 2}, BitLength: 15} // timeNotAvailable
	// The authority answers to another request, as when an answer is replayed.
	replayed := func(_ http.ResponseWriter, r *http.Request) bool {
		body, _ := io.ReadAll(r.Body)
		body[len(body)-6] ^= 1 // the nonce, before the wish for certificates
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		return false
	}
	for name, c := range map[string]struct {
		before func(http.ResponseWriter, *http.Request) bool
		change func(*tsa.Authority)
		code   audit.Code
		says   string
	}{
		"in trouble":      {before: answer(503, ""), code: audit.Unavailable, says: "status 503"},
		"too often":       {before: answer(429, ""), code: audit.Unavailable, says: "status 429"},
		"not welcome":     {before: answer(401, ""), code: audit.Forbidden, says: "status 401"},
		"not there":       {before: answer(404, ""), code: audit.InvalidState, says: "status 404"},
		"a web page":      {before: answer(200, "<html>"), code: audit.InvalidState, says: "no time-stamp response"},
		"nothing":         {before: answer(200, ""), code: audit.InvalidState, says: "no time-stamp response"},
		"too much":        {before: answer(200, strings.Repeat("x", 20000)), code: audit.InvalidState, says: "more than"},
		"rejection":       {before: answer(200, tsatest.Rejection(t, tsatest.Status{Status: 2, Text: []string{"no"}})), code: audit.InvalidState, says: `"no" (status 2)`},
		"no clock":        {before: answer(200, tsatest.Rejection(t, tsatest.Status{Status: 2, Fail: fail})), code: audit.Unavailable, says: "status 2"},
		"no token":        {before: answer(200, tsatest.Rejection(t, tsatest.Status{})), code: audit.InvalidState, says: "does not hold"},
		"another nonce":   {before: replayed, code: audit.InvalidState, says: "nonce"},
		"other roots":     {change: func(a *tsa.Authority) { a.Roots = x509.NewCertPool() }, code: audit.InvalidState, says: "unknown authority"},
		"the machine's":   {change: func(a *tsa.Authority) { a.Roots = nil }, code: audit.InvalidState, says: "unknown authority"},
		"nobody there":    {change: func(a *tsa.Authority) { a.URL = "http://127.0.0.1:1/?secret" }, code: audit.Unavailable, says: "refuses connections"},
		"no URL":          {change: func(a *tsa.Authority) { a.URL = "secret" }, code: audit.InvalidParameter, says: "URL"},
		"no client":       {change: func(a *tsa.Authority) { a.Client = nil }, code: audit.InvalidParameter, says: "client"},
		"no time to wait": {change: func(a *tsa.Authority) { a.Wait = 0 }, code: audit.InvalidParameter, says: "wait"},
		"too slow": {before: func(_ http.ResponseWriter, r *http.Request) bool {
			io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
			return true
		},
			change: func(a *tsa.Authority) { a.Wait = 50 * time.Millisecond }, code: audit.Unavailable, says: "in time"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			outside := tsatest.NewAuthority(t)
			outside.Before = c.before
			o := w.options()
			o.Stamp = stamp(t, outside)
			if c.change != nil {
				c.change(o.Stamp)
			}
			out, err := sign.Seal(t.Context(), pdf, o)
			if out != nil || audit.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%v, not %s and %q", err, c.code, c.says)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o := w.options()
	o.Stamp = stamp(t, tsatest.NewAuthority(t))
	if _, err := sign.Seal(ctx, pdf, o); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
