package identity_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/identity"
)

func withStepUp(c *identity.Config) {
	c.ClientID, c.StepUpACR = "sealbook-console", []string{"phr", "mfa"}
}

// authenticated are the claims of an ID token which says that somebody authenticated
// just now, changed.
func (b *bench) authenticated(change map[string]any) map[string]any {
	c := b.claims(map[string]any{"aud": "sealbook-console", "nonce": "n-1", "acr": "mfa", "auth_time": b.at.Unix(), "organisation": nil, "roles": nil})
	for name, v := range change {
		if c[name] = v; v == nil {
			delete(c, name)
		}
	}
	return c
}

func TestAuthenticatingAgain(t *testing.T) {
	t.Parallel()
	b := setup(t, withStepUp)
	if how, ok := b.identity.StepUp(); !ok || how.Issuer != b.URL || how.ClientID != "sealbook-console" || len(how.ACR) != 2 {
		t.Errorf("%+v %v", how, ok)
	}
	for what, c := range map[string]map[string]any{
		"this application's":          nil,
		"one of two audiences":        {"aud": []string{"other", "sealbook-console"}, "azp": "sealbook-console"},
		"the better class":            {"acr": "phr"},
		"clocks that differ a little": {"auth_time": b.at.Add(-identity.ClockSkew).Unix()},
	} {
		claims := b.authenticated(c)
		got, err := b.identity.Authentication(t.Context(), b.Token("ES256", claims), "n-1", b.at)
		if err != nil || got.Subject != "u1" || got.Issuer != b.URL || got.ACR != claims["acr"] || got.At.Unix() != claims["auth_time"] {
			t.Errorf("%s: %+v %v", what, got, err)
		}
	}
	for what, c := range map[string]struct {
		change map[string]any
		reason string
	}{
		"an access token":              {map[string]any{"aud": "sealbook"}, "audience"},
		"another application's":        {map[string]any{"aud": []string{"other", "sealbook-console"}, "azp": "other"}, "another application"},
		"nobody's among several":       {map[string]any{"aud": []string{"other", "sealbook-console"}}, "another application"},
		"another nonce":                {map[string]any{"nonce": "n-2"}, "nonce"},
		"no nonce":                     {map[string]any{"nonce": nil}, "nonce"},
		"a weak authentication":        {map[string]any{"acr": "pwd"}, "class"},
		"one of no class":              {map[string]any{"acr": nil}, "class"},
		"one of two classes":           {map[string]any{"acr": []string{"mfa"}}, "class"},
		"an authentication of earlier": {map[string]any{"auth_time": b.at.Add(-identity.ClockSkew - time.Second).Unix()}, "before they were asked"},
		"one of no time":               {map[string]any{"auth_time": nil}, "does not say when"},
		"one of a text for a time":     {map[string]any{"auth_time": "now"}, "auth_time"},
		"one that is yet to come":      {map[string]any{"auth_time": b.at.Add(identity.ClockSkew + time.Second).Unix()}, "yet to come"},
		"one that has expired":         {map[string]any{"exp": b.at.Add(-time.Hour).Unix()}, "expired"},
		"nobody":                       {map[string]any{"sub": ""}, "subject"},
		"a very long name":             {map[string]any{"sub": strings.Repeat("x", audit.MaxIdentifier+1)}, "subject"},
		"another issuer":               {map[string]any{"iss": "https://elsewhere.example.com"}, "issuer"},
	} {
		_, err := b.identity.Authentication(t.Context(), b.Token("ES256", b.authenticated(c.change)), "n-1", b.at)
		e, ok := err.(*audit.Error)
		if !ok || e.Code != audit.Unauthenticated || e.Err == nil || !strings.Contains(e.Err.Error(), c.reason) {
			t.Errorf("%s: %v, and not because of %s", what, err, c.reason)
		}
	}
	if _, err := b.identity.Authentication(t.Context(), b.Token("ES256", b.authenticated(map[string]any{"nonce": nil})), "", b.at); audit.CodeOf(err) != audit.Unauthenticated {
		t.Errorf("no nonce for no nonce: %v", err)
	}
}

func TestAuthenticatingAgainIsConfigured(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if _, ok := b.identity.StepUp(); ok {
		t.Error("there is no client")
	}
	if _, err := b.identity.Authentication(t.Context(), b.Token("ES256", b.authenticated(nil)), "n-1", b.at); audit.CodeOf(err) != audit.InvalidState {
		t.Errorf("%v", err)
	}
	for what, change := range map[string]func(*identity.Config){
		"no class":       func(c *identity.Config) { c.ClientID = "x" },
		"no client":      func(c *identity.Config) { c.StepUpACR = []string{"mfa"} },
		"an empty class": func(c *identity.Config) { c.ClientID, c.StepUpACR = "x", []string{"mfa", ""} },
	} {
		c := identity.Config{Issuer: b.URL, Audience: "a", OrganisationClaim: "o", RolesClaim: "r", Roles: map[string]audit.RoleName{"x": audit.Viewer}, Clock: b.now}
		change(&c)
		if _, err := identity.New(c); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
}
