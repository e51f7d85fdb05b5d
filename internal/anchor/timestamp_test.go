package anchor_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/anchor"
	"github.com/sealbook/sealbook/internal/tsa"
	"github.com/sealbook/sealbook/internal/tsa/tsatest"
)

// What an authority may answer is tested where it is asked, in package tsa.
func TestTimestamp(t *testing.T) {
	t.Parallel()
	outside := tsatest.NewAuthority(t)
	a, err := anchor.NewAuthority(outside.URL+"?key=secret", outside.Roots)
	if err != nil {
		t.Fatal(err)
	}
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
	roots, err := tsa.ParseRoots(outside.Roots)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tsa.Verify(token, s.Note, roots); err != nil {
		t.Error(err)
	}
	if _, err := tsa.Verify(token, l.state(6, 0).Note, roots); err == nil {
		t.Error("the token passes for another note")
	}
	for status, code := range map[int]audit.Code{
		404: audit.NotFound, 401: audit.Forbidden, 503: audit.Unavailable, 429: audit.RateLimited, 302: audit.InvalidState, 200: audit.InvalidState,
	} {
		outside.Before = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(status); return true }
		if err := refuses(t, a, s, code); err != nil && (!strings.Contains(err.Error(), a.Place().String()) || strings.Contains(err.Error(), "secret")) {
			t.Errorf("status %d: %v", status, err)
		}
	}
}

func TestAuthoritySettings(t *testing.T) {
	t.Parallel()
	if _, err := anchor.NewAuthority("https://tsa.example", []byte{}); err == nil {
		t.Error("nothing is taken for roots")
	}
	for _, bad := range []string{"", "tsa.example", "ftp://tsa.example", "https://", "https://x/#y"} {
		if _, err := anchor.NewAuthority(bad, nil); err == nil {
			t.Errorf("%q is taken for a URL", bad)
		}
	}
}
