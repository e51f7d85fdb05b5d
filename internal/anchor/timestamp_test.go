package anchor_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/smallstep/pkcs7"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/anchor"
	"github.com/sealbook/sealbook/internal/anchor/anchortest"
)

func authority(t testing.TB, outside *anchortest.Authority) *anchor.Authority {
	t.Helper()
	a, err := anchor.NewAuthority(outside.URL+"?key=secret", outside.Roots)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func roots(t testing.TB, text []byte) *x509.CertPool {
	t.Helper()
	pool, err := anchor.ParseRoots(text)
	if err != nil {
		t.Fatal(err)
	}
	return pool
}

func TestTimestamp(t *testing.T) {
	t.Parallel()
	outside := anchortest.NewAuthority(t)
	a := authority(t, outside)
	if want := (anchor.Place{Kind: anchor.KindTimestamp, Name: outside.URL}); a.Place() != want {
		t.Errorf("the place is %+v: it must not hold the query, which can be secret", a.Place())
	}
	l := newLog(t)
	l.grow(7, "")
	s := l.state(7, 0)
	token, err := a.Publish(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if err := outside.OpenSSLVerify(t, s.Note, token); err != nil {
		t.Error(err)
	}
	trusted := roots(t, outside.Roots)
	got, err := anchor.VerifyTimestamp(s.Note, token, trusted)
	if err != nil {
		t.Fatal(err)
	}
	if d := time.Since(got.Time); d < -time.Minute || d > time.Minute || got.Accuracy != time.Second || got.Serial.Int64() != 2 ||
		!strings.Contains(got.Authority, "Test time-stamp authority") || got.Policy != "1.3.6.1.4.1.99999.1" {
		t.Errorf("%+v", got)
	}
	another := anchortest.NewAuthority(t)
	for name, err := range map[string]error{
		"another note":     verify(l.state(6, 0).Note, token, trusted),
		"another root":     verify(s.Note, token, roots(t, another.Roots)),
		"the machine's":    verify(s.Note, token, nil),
		"something behind": verify(s.Note, append(bytes.Clone(token), 0), trusted),
		"the half":         verify(s.Note, token[:len(token)/2], trusted),
		"nothing":          verify(s.Note, nil, trusted),
		"too much":         verify(s.Note, make([]byte, anchor.MaxAnswer+1), trusted),
	} {
		if err == nil {
			t.Errorf("%s passes", name)
		}
	}
	// No changed byte changes what a token says.
	for i := range token {
		broken := bytes.Clone(token)
		broken[i] ^= 0x55
		if b, err := anchor.VerifyTimestamp(s.Note, broken, trusted); err == nil &&
			(!b.Time.Equal(got.Time) || b.Accuracy != got.Accuracy || b.Serial.Cmp(got.Serial) != 0 || b.Policy != got.Policy || b.Authority != got.Authority) {
			t.Errorf("with byte %d changed the token says %+v", i, b)
		}
	}
}

func verify(note, token []byte, roots *x509.CertPool) error {
	_, err := anchor.VerifyTimestamp(note, token, roots)
	return err
}

// The forms of RFC 3161, for tokens that openssl would not make.
type algorithmHash struct {
	Algorithm pkix.AlgorithmIdentifier
	Hash      []byte
}

type info struct {
	Version int
	Policy  asn1.ObjectIdentifier
	Imprint algorithmHash
	Serial  *big.Int
	Time    time.Time `asn1:"generalized"`
}

type namedCertificates struct{ Certs []namedCertificate }

type namedCertificate struct{ Hash []byte }

var (
	oidSHA256    = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidSHA1      = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	oidInfo      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
	oidNamedCert = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
)

// forgery is a token to make; the zero value, with key and certificate, is good.
type forgery struct {
	version     int // 0 is 1
	algorithm   asn1.ObjectIdentifier
	hash        []byte
	at          time.Time
	contentType asn1.ObjectIdentifier
	names       *x509.Certificate // nil: certificate
	anonymous   bool
	bare        bool // without signed attributes
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	issuer      *x509.Certificate
}

func (f forgery) token(t *testing.T, note []byte) []byte {
	t.Helper()
	sum := sha256.Sum256(note)
	if f.hash == nil {
		f.hash = sum[:]
	}
	if f.algorithm == nil {
		f.algorithm = oidSHA256
	}
	if f.at.IsZero() {
		f.at = time.Now()
	}
	if f.contentType == nil {
		f.contentType = oidInfo
	}
	if f.names == nil {
		f.names = f.certificate
	}
	if f.version == 0 {
		f.version = 1
	}
	content, err := asn1.Marshal(info{f.version, asn1.ObjectIdentifier{1, 2, 3}, algorithmHash{pkix.AlgorithmIdentifier{Algorithm: f.algorithm}, f.hash}, big.NewInt(7), f.at.UTC().Truncate(time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := pkcs7.NewSignedData(content)
	if err != nil {
		t.Fatal(err)
	}
	signed.SetDigestAlgorithm(oidSHA256)
	signed.GetSignedData().ContentInfo.ContentType = f.contentType
	config := pkcs7.SignerInfoConfig{}
	if name := sha256.Sum256(f.names.Raw); !f.anonymous {
		config.ExtraSignedAttributes = []pkcs7.Attribute{{Type: oidNamedCert, Value: namedCertificates{[]namedCertificate{{name[:]}}}}}
	}
	if f.bare {
		err = signed.SignWithoutAttr(f.certificate, f.key, config)
	} else {
		err = signed.AddSignerChain(f.certificate, f.key, []*x509.Certificate{f.issuer}, config)
	}
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestTimestampForgeries(t *testing.T) {
	t.Parallel()
	root, rootKey := anchortest.Certify(t, "root", nil, nil, nil)
	pool := x509.NewCertPool()
	pool.AddCert(root)
	good := forgery{issuer: root}
	good.certificate, good.key = anchortest.Certify(t, "authority", anchortest.Stamping, root, rootKey)
	note := []byte("a note\n")
	if err := verify(note, good.token(t, note), pool); err != nil {
		t.Fatalf("a good token is refused: %v", err)
	}
	other, _ := anchortest.Certify(t, "other", anchortest.Stamping, root, rootKey)
	certified := func(extension *pkix.Extension, change ...func(*x509.Certificate)) forgery {
		f := forgery{issuer: root}
		f.certificate, f.key = anchortest.Certify(t, "authority", extension, root, rootKey, change...)
		return f
	}
	lax := *anchortest.Stamping
	lax.Critical = false
	web := *anchortest.Stamping
	web.Value, _ = asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 1}})
	both := *anchortest.Stamping
	both.Value, _ = asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}, {1, 3, 6, 1, 5, 5, 7, 3, 1}})

	for name, c := range map[string]struct {
		forge func() forgery
		says  string
	}{
		"another hash":           {func() forgery { f := good; f.hash = make([]byte, 32); return f }, "something else"},
		"another algorithm":      {func() forgery { f := good; f.algorithm = oidSHA1; return f }, "something else"},
		"another version":        {func() forgery { f := good; f.version = 2; return f }, "version 1"},
		"another content":        {func() forgery { f := good; f.contentType = pkcs7.OIDData; return f }, "not a time stamp"},
		"no signed attributes":   {func() forgery { f := good; f.bare = true; return f }, "not a time stamp"},
		"nameless certificate":   {func() forgery { f := good; f.anonymous = true; return f }, "does not name"},
		"another certificate":    {func() forgery { f := good; f.names = other; return f }, "names another"},
		"before it was valid":    {func() forgery { f := good; f.at = time.Now().Add(-2 * time.Hour); return f }, "not yet valid"},
		"after it was valid":     {func() forgery { f := good; f.at = time.Now().Add(48 * time.Hour); return f }, "expired"},
		"a web server's":         {func() forgery { return certified(&web) }, "time stamping alone"},
		"a web server's as well": {func() forgery { return certified(&both) }, "time stamping alone"},
		"not critical":           {func() forgery { return certified(&lax) }, "time stamping alone"},
	} {
		if err := verify(note, c.forge().token(t, note), pool); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v does not say %q", name, err, c.says)
		}
	}
}

func TestTimestampErrors(t *testing.T) {
	t.Parallel()
	outside := anchortest.NewAuthority(t)
	a := authority(t, outside)
	l := newLog(t)
	l.grow(7, "")
	s := l.state(7, 0)
	type status struct {
		Status int
		Text   []string       `asn1:"optional"`
		Fail   asn1.BitString `asn1:"optional"`
	}
	rejection := func(s status) string {
		text, err := asn1.Marshal(struct{ Status status }{s})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
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
		"granted nothing": {200, rejection(status{}), audit.InvalidState, "does not hold"},
		"rejection":       {200, rejection(status{2, []string{"no such policy"}, bit(15)}), audit.InvalidState, "no such policy"},
		"no clock":        {200, rejection(status{2, nil, bit(14)}), audit.Unavailable, "rejects"},
		"system failure":  {200, rejection(status{2, nil, bit(25)}), audit.Unavailable, "rejects"},
		"too long":        {200, strings.Repeat("x", anchor.MaxAnswer+1), audit.Unavailable, "more than"},
	} {
		outside.Before = func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(c.status)
			io.WriteString(w, c.body)
			return true
		}
		if err := refuses(t, a, s, c.code); err != nil && (!strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "secret")) {
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
	if _, err := a.Publish(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	outside.Before = func(w http.ResponseWriter, _ *http.Request) bool { w.Write(earlier); return true }
	if err := refuses(t, a, s, audit.InvalidState); err != nil && !strings.Contains(err.Error(), "nonce") {
		t.Error(err)
	}

	// One that hangs costs the time that it is given.
	released := make(chan struct{})
	outside.Before = func(_ http.ResponseWriter, r *http.Request) bool { <-released; return true }
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := a.Publish(ctx, s); audit.CodeOf(err) != audit.Unavailable || !strings.Contains(err.Error(), "in time") {
		t.Error(err)
	}
	close(released)

	gone, err := anchor.NewAuthority("http://127.0.0.1:1/tsa?key=secret", outside.Roots)
	if err != nil {
		t.Fatal(err)
	}
	if err := refuses(t, gone, s, audit.Unavailable); err != nil && (!strings.Contains(err.Error(), "refuses connections") || strings.Contains(err.Error(), "secret")) {
		t.Error(err)
	}
}

func TestAuthoritySettings(t *testing.T) {
	t.Parallel()
	root, _ := anchortest.Certify(t, "root", nil, nil, nil)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw})
	for name, bad := range map[string][]byte{
		"nothing": {}, "a key": []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
		"something behind": append(bytes.Clone(text), "x"...), "damage": bytes.Replace(text, []byte("MII"), []byte("AAA"), 1),
	} {
		if _, err := anchor.NewAuthority("https://tsa.example", bad); err == nil {
			t.Errorf("%s is taken for roots", name)
		}
	}
	if _, err := anchor.NewAuthority("https://tsa.example", append(bytes.Clone(text), text...)); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "tsa.example", "ftp://tsa.example", "https://", "https://x/#y"} {
		if _, err := anchor.NewAuthority(bad, nil); err == nil {
			t.Errorf("%q is taken for a URL", bad)
		}
	}
}

func FuzzTimestamp(f *testing.F) {
	outside := anchortest.NewAuthority(f)
	a, err := anchor.NewAuthority(outside.URL, outside.Roots)
	if err != nil {
		f.Fatal(err)
	}
	l := newLog(f)
	l.grow(1, "")
	s := l.state(1, 0)
	token, err := a.Publish(f.Context(), s)
	if err != nil {
		f.Fatal(err)
	}
	pool := roots(f, outside.Roots)
	f.Add(s.Note, token)
	f.Add([]byte("x"), []byte{0x30, 0x80})
	f.Fuzz(func(t *testing.T, note, token []byte) {
		if _, err := anchor.VerifyTimestamp(note, token, pool); err == nil && !bytes.Equal(note, s.Note) {
			t.Errorf("a token passes for %q", note)
		}
	})
}
