package tsa_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/exchange"
	"github.com/sealbook/sealbook/internal/tsa"
	"github.com/sealbook/sealbook/internal/tsa/tsatest"
)

var note = []byte("what is stamped\n")

func authority(t testing.TB, outside *tsatest.Authority) *tsa.Authority {
	t.Helper()
	return &tsa.Authority{URL: outside.URL + "?key=secret", Client: exchange.NewClient(), Wait: 20 * time.Second, Roots: roots(t, outside.Roots)}
}

func roots(t testing.TB, text []byte) *x509.CertPool {
	t.Helper()
	pool, err := tsa.ParseRoots(text)
	if err != nil {
		t.Fatal(err)
	}
	return pool
}

func TestStamp(t *testing.T) {
	t.Parallel()
	outside := tsatest.NewAuthority(t)
	token, err := authority(t, outside).Stamp(t.Context(), note)
	if err != nil {
		t.Fatal(err)
	}
	if err := outside.OpenSSLVerify(t, note, token); err != nil {
		t.Error(err)
	}
	trusted := roots(t, outside.Roots)
	got, err := tsa.Verify(token, note, trusted)
	if err != nil {
		t.Fatal(err)
	}
	if d := time.Since(got.Time); d < -time.Minute || d > time.Minute || got.Accuracy != time.Second || got.Serial.Int64() != 2 ||
		!strings.Contains(got.Authority, "Test time-stamp authority") || got.Policy != "1.3.6.1.4.1.99999.1" {
		t.Errorf("%+v", got)
	}
	another := tsatest.NewAuthority(t)
	for name, err := range map[string]error{
		"another note":     verify(note[1:], token, trusted),
		"another root":     verify(note, token, roots(t, another.Roots)),
		"the machine's":    verify(note, token, nil),
		"something behind": verify(note, append(bytes.Clone(token), 0), trusted),
		"the half":         verify(note, token[:len(token)/2], trusted),
		"nothing":          verify(note, nil, trusted),
		"too much":         verify(note, make([]byte, tsa.MaxToken+1), trusted),
	} {
		if err == nil {
			t.Errorf("%s passes", name)
		}
	}
	// No changed byte changes what a token says.
	for i := range token {
		broken := bytes.Clone(token)
		broken[i] ^= 0x55
		if b, err := tsa.Verify(broken, note, trusted); err == nil {
			t.Errorf("with byte %d changed the token says %+v", i, b)
		}
	}
}

func verify(note, token []byte, roots *x509.CertPool) error {
	_, err := tsa.Verify(token, note, roots)
	return err
}

func TestForgeries(t *testing.T) {
	t.Parallel()
	root, rootKey := tsatest.Certify(t, "root", nil, nil, nil)
	pool := x509.NewCertPool()
	pool.AddCert(root)
	good := tsatest.Forgery{Issuer: root}
	good.Certificate, good.Key = tsatest.Certify(t, "authority", tsatest.Stamping, root, rootKey)
	if err := verify(note, good.Token(t, note), pool); err != nil {
		t.Fatalf("a good token is refused: %v", err)
	}
	other, _ := tsatest.Certify(t, "other", tsatest.Stamping, root, rootKey)
	certified := func(extension *pkix.Extension, change ...func(*x509.Certificate)) tsatest.Forgery {
		f := tsatest.Forgery{Issuer: root}
		f.Certificate, f.Key = tsatest.Certify(t, "authority", extension, root, rootKey, change...)
		return f
	}
	lax := *tsatest.Stamping
	lax.Critical = false
	web := *tsatest.Stamping
	web.Value, _ = asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 1}})
	both := *tsatest.Stamping
	both.Value, _ = asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}, {1, 3, 6, 1, 5, 5, 7, 3, 1}})

	for name, c := range map[string]struct {
		forge func() tsatest.Forgery
		says  string
	}{
		"another hash":           {func() tsatest.Forgery { f := good; f.Hash = make([]byte, 32); return f }, "something else"},
		"another algorithm":      {func() tsatest.Forgery { f := good; f.Algorithm = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}; return f }, "a hash that is not trusted"},
		"another version":        {func() tsatest.Forgery { f := good; f.Version = 2; return f }, "version 1"},
		"another content":        {func() tsatest.Forgery { f := good; f.ContentType = asn1.ObjectIdentifier{1, 2, 3}; return f }, "not a time stamp"},
		"no signed attributes":   {func() tsatest.Forgery { f := good; f.Bare = true; return f }, "not a CMS"},
		"nameless certificate":   {func() tsatest.Forgery { f := good; f.Anonymous = true; return f }, "does not name"},
		"another certificate":    {func() tsatest.Forgery { f := good; f.Names = other; return f }, "names another"},
		"an unsigned attribute":  {func() tsatest.Forgery { f := good; f.Unsigned = true; return f }, "not a time stamp alone"},
		"no accuracy at all":     {func() tsatest.Forgery { f := good; f.Accuracy.Millis = 1000; return f }, "accuracy"},
		"less than accurate":     {func() tsatest.Forgery { f := good; f.Accuracy.Seconds = -1; return f }, "accuracy"},
		"an age":                 {func() tsatest.Forgery { f := good; f.Accuracy.Seconds = 1e10; return f }, "accuracy"},
		"before it was valid":    {func() tsatest.Forgery { f := good; f.At = time.Now().Add(-2 * time.Hour); return f }, "not yet valid"},
		"after it was valid":     {func() tsatest.Forgery { f := good; f.At = time.Now().Add(48 * time.Hour); return f }, "expired"},
		"a web server's":         {func() tsatest.Forgery { return certified(&web) }, "time stamping alone"},
		"a web server's as well": {func() tsatest.Forgery { return certified(&both) }, "time stamping alone"},
		"not critical":           {func() tsatest.Forgery { return certified(&lax) }, "time stamping alone"},
	} {
		if err := verify(note, c.forge().Token(t, note), pool); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v does not say %q", name, err, c.says)
		}
	}
}

func TestStampErrors(t *testing.T) {
	t.Parallel()
	outside := tsatest.NewAuthority(t)
	a := authority(t, outside)
	bit := func(n int) asn1.BitString {
		b := asn1.BitString{Bytes: make([]byte, n/8+1), BitLength: n + 1}
		b.Bytes[n/8] = 0x80 >> (n % 8)
		return b
	}
	for name, c := range map[string]struct {
		status int
		body   string
		code   audit.Code
		says   string
	}{
		"unknown path":    {404, "", audit.NotFound, "check the setting"},
		"no credentials":  {401, "", audit.Forbidden, "credentials"},
		"in trouble":      {503, "", audit.Unavailable, "status 503"},
		"too often":       {429, "", audit.RateLimited, "less often"},
		"redirect":        {302, "", audit.InvalidState, "redirects"},
		"a page":          {200, "<html>", audit.InvalidState, "no time-stamp response"},
		"nothing":         {200, "", audit.InvalidState, "no time-stamp response"},
		"granted nothing": {200, tsatest.Rejection(t, tsatest.Status{}), audit.InvalidState, "does not hold"},
		"rejection":       {200, tsatest.Rejection(t, tsatest.Status{Status: 2, Text: []string{"no such policy"}, Fail: bit(15)}), audit.InvalidState, "no such policy"},
		"no clock":        {200, tsatest.Rejection(t, tsatest.Status{Status: 2, Text: nil, Fail: bit(14)}), audit.Unavailable, "rejects"},
		"system failure":  {200, tsatest.Rejection(t, tsatest.Status{Status: 2, Text: nil, Fail: bit(25)}), audit.Unavailable, "rejects"},
		"too long":        {200, strings.Repeat("x", tsa.MaxToken+1), audit.Unavailable, "more than"},
	} {
		outside.Before = func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(c.status)
			io.WriteString(w, c.body)
			return true
		}
		if err := refuses(t, a, c.code); err != nil && (!strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%s: %v does not say %q", name, err, c.says)
		}
	}

	// A reply to an earlier request over the same note: only the nonce differs.
	var earlier []byte
	outside.Before = nil
	recorder := &http.Client{}
	outside.Before = func(w http.ResponseWriter, r *http.Request) bool {
		outside.Before = nil
		resp, err := recorder.Post(outside.URL, r.Header.Get("Content-Type"), r.Body)
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		earlier, _ = io.ReadAll(resp.Body)
		w.Write(earlier)
		return true
	}
	if _, err := a.Stamp(t.Context(), note); err != nil {
		t.Fatal(err)
	}
	outside.Before = func(w http.ResponseWriter, _ *http.Request) bool { w.Write(earlier); return true }
	if err := refuses(t, a, audit.InvalidState); err != nil && !strings.Contains(err.Error(), "nonce") {
		t.Error(err)
	}

	// One that hangs costs the time that it is given.
	released := make(chan struct{})
	defer close(released)
	outside.Before = func(_ http.ResponseWriter, r *http.Request) bool { <-released; return true }
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := a.Stamp(ctx, note); audit.CodeOf(err) != audit.Unavailable || !strings.Contains(err.Error(), "in time") {
		t.Error(err)
	}
	hurried := *a
	hurried.Wait = 50 * time.Millisecond
	if err := refuses(t, &hurried, audit.Unavailable); err != nil && !strings.Contains(err.Error(), "in time") {
		t.Error(err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	if _, err := a.Stamp(ctx, note); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}

	gone := authority(t, outside)
	gone.URL = "http://127.0.0.1:1/tsa?key=secret"
	if err := refuses(t, gone, audit.Unavailable); err != nil && (!strings.Contains(err.Error(), "refuses connections") || strings.Contains(err.Error(), "secret")) {
		t.Error(err)
	}
}

// refuses asks for a stamp and expects an error of a code.
func refuses(t *testing.T, a *tsa.Authority, code audit.Code) error {
	t.Helper()
	token, err := a.Stamp(t.Context(), note)
	if token != nil || audit.CodeOf(err) != code {
		t.Errorf("%q, %v, want %s", token, err, code)
	}
	return err
}

// deadline is a client that takes down how long it may take, and asks nobody.
type deadline struct{ left time.Duration }

func (d *deadline) RoundTrip(r *http.Request) (*http.Response, error) {
	if at, ok := r.Context().Deadline(); ok {
		d.left = time.Until(at)
	}
	return nil, context.DeadlineExceeded
}

func TestStampWaits(t *testing.T) {
	t.Parallel()
	for wait, most := range map[time.Duration]time.Duration{time.Second: time.Second, 24 * time.Hour: exchange.MaxWait} {
		var d deadline
		a := &tsa.Authority{URL: "http://tsa.example", Client: &http.Client{Transport: &d}, Wait: wait}
		if err := refuses(t, a, audit.Unavailable); err != nil && (d.left == 0 || d.left > most) {
			t.Errorf("a wait of %s gives the request %s", wait, d.left)
		}
	}
}

// Room bounds the answer, and says that more would not fit.
func TestStampRoom(t *testing.T) {
	t.Parallel()
	a := authority(t, tsatest.NewAuthority(t))
	token, err := a.Stamp(t.Context(), note)
	if err != nil {
		t.Fatal(err)
	}
	if a.Room = len(token); len(token) < 1200 {
		t.Fatalf("a token of %d bytes", len(token))
	}
	if _, err := a.Stamp(t.Context(), note); err != nil {
		t.Error(err)
	}
	a.Room = 10
	if err := refuses(t, a, audit.InvalidState); err != nil && !strings.Contains(err.Error(), "no room") {
		t.Error(err)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	root, _ := tsatest.Certify(t, "root", nil, nil, nil)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw})
	for name, bad := range map[string][]byte{
		"nothing": {}, "a key": []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
		"something behind": append(bytes.Clone(text), "x"...), "damage": bytes.Replace(text, []byte("MII"), []byte("AAA"), 1),
	} {
		if _, err := tsa.ParseRoots(bad); err == nil {
			t.Errorf("%s is taken for roots", name)
		}
	}
	if _, err := tsa.ParseRoots(append(bytes.Clone(text), text...)); err != nil {
		t.Error(err)
	}
	good := tsa.Authority{URL: "https://tsa.example", Client: exchange.NewClient(), Wait: time.Second}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for _, change := range []func(*tsa.Authority){
		func(a *tsa.Authority) { a.URL = "" }, func(a *tsa.Authority) { a.URL = "secret" },
		func(a *tsa.Authority) { a.URL = "ftp://tsa.example/secret" }, func(a *tsa.Authority) { a.URL = "https://" },
		func(a *tsa.Authority) { a.URL = "https://x/#secret" }, func(a *tsa.Authority) { a.Client = nil }, func(a *tsa.Authority) { a.Wait = 0 },
	} {
		a := good
		change(&a)
		if err := refuses(t, &a, audit.InvalidParameter); err != nil && strings.Contains(err.Error(), "secret") {
			t.Error(err)
		}
	}
}

func FuzzToken(f *testing.F) {
	outside := tsatest.NewAuthority(f)
	token, err := authority(f, outside).Stamp(f.Context(), note)
	if err != nil {
		f.Fatal(err)
	}
	pool := roots(f, outside.Roots)
	f.Add(note, token)
	f.Add([]byte("x"), []byte{0x30, 0x80})
	f.Fuzz(func(t *testing.T, stamped, token []byte) {
		if _, err := tsa.Verify(token, stamped, pool); err == nil && !bytes.Equal(stamped, note) {
			t.Errorf("a token passes for %q", stamped)
		}
	})
}
