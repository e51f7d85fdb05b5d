package identity_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/identity"
	"github.com/sealbook/sealbook/internal/identity/identitytest"
)

type bench struct {
	*identitytest.Provider
	t        *testing.T
	identity *identity.Provider
	mu       sync.Mutex
	at       time.Time
}

func (b *bench) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.at
}

func (b *bench) move(by time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at = b.at.Add(by)
}

func setup(t *testing.T, change ...func(*identity.Config)) *bench {
	t.Helper()
	b := &bench{Provider: identitytest.New(t), t: t, at: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	c := identity.Config{
		Issuer: b.URL, Audience: "sealbook", OrganisationClaim: "organisation", RolesClaim: "roles", ConstraintsClaim: "constraints", Clock: b.now,
		Roles: map[string]audit.RoleName{"readers": audit.Viewer, "officers": audit.ComplianceOfficer, "outside": audit.Auditor},
	}
	for _, f := range change {
		f(&c)
	}
	var err error
	if b.identity, err = identity.New(c); err != nil {
		t.Fatal(err)
	}
	return b
}

// claims of a good token, changed; nil removes one.
func (b *bench) claims(change map[string]any) map[string]any {
	c := map[string]any{
		"iss": b.URL, "aud": "sealbook", "sub": "u1", "exp": b.at.Add(time.Hour).Unix(), "iat": b.at.Unix(), "name": "Ada", "email": "ada@example.com",
		"organisation": "org_1", "roles": []string{"readers", "unheard of"},
	}
	maps.Copy(c, change)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

func (b *bench) good(token string) identity.Person {
	b.t.Helper()
	p, err := b.identity.Person(b.t.Context(), token)
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

// refused checks that a token is not taken, for a reason that only the log
// learns.
func (b *bench) refused(what, token, reason string) {
	b.t.Helper()
	_, err := b.identity.Person(b.t.Context(), token)
	e, ok := err.(*audit.Error)
	if !ok || e.Code != audit.Unauthenticated || e.Err == nil || !strings.Contains(e.Err.Error(), reason) {
		b.t.Errorf("%s: %v, and not because of %s", what, err, reason)
	} else if strings.Contains(e.Message, reason) {
		b.t.Errorf("%s: the client learns why: %s", what, e.Message)
	}
}

func TestTokensOfEveryAlgorithm(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, a := range identity.Algorithms {
		p := b.good(b.Token(a, b.claims(map[string]any{"aud": []string{"other", "sealbook"}})))
		if p.Subject != "u1" || p.Name != "Ada" || p.Email != "ada@example.com" || p.Organisation != "org_1" || !p.ExpiresAt.Equal(b.at.Add(time.Hour)) ||
			!slices.Equal(p.Roles, []audit.RoleName{audit.Viewer}) || !slices.Contains(p.Permissions, audit.ReadBasic) || slices.Contains(p.Permissions, audit.ReadSensitive) {
			t.Errorf("%s: %+v", a, p)
		}
	}
	if n := b.Asked(); n != 2 { // discovery and keys, for all of them
		t.Errorf("the provider was asked %d times", n)
	}
}

func TestTokensThatAreNotGood(t *testing.T) {
	t.Parallel()
	b := setup(t)
	elsewhere := identitytest.New(t)
	token := func(change map[string]any) string { return b.Token("RS256", b.claims(change)) }
	b.good(token(nil))

	b.refused("another issuer", token(map[string]any{"iss": "https://login.example.com"}), "another issuer")
	b.refused("no issuer", token(map[string]any{"iss": nil}), "another issuer")
	b.refused("another audience", token(map[string]any{"aud": "other"}), "audience")
	b.refused("no audience", token(map[string]any{"aud": nil}), "audience")
	b.refused("signed by another provider", elsewhere.Token("RS256", b.claims(nil)), "no key of the provider")
	b.refused("no subject", token(map[string]any{"sub": nil}), "subject")
	b.refused("long subject", token(map[string]any{"sub": strings.Repeat("x", audit.MaxIdentifier+1)}), "subject")
	b.refused("no organisation", token(map[string]any{"organisation": nil}), "organisation")
	b.refused("an organisation that is a list", token(map[string]any{"organisation": []string{"org_1", "org_2"}}), "organisation")
	b.refused("roles of a wrong type", token(map[string]any{"roles": 7}), "roles")
	b.refused("roles of wrong types", token(map[string]any{"roles": []any{"readers", 7}}), "roles")
	b.refused("too many roles", token(map[string]any{"roles": slices.Repeat([]string{"readers"}, identity.MaxTokenRoles+1)}), "more than")
	b.refused("constraints of a wrong type", token(map[string]any{"constraints": "all"}), "constraints")
	b.refused("constraints that mean nothing", token(map[string]any{"constraints": map[string]any{}}), "constraints")
	b.refused("constraints that are not known", token(map[string]any{"constraints": map[string]any{"systems": []string{"a"}}}), "constraints")
	b.refused("constraints that are wrong", token(map[string]any{"constraints": map[string]any{"frameworks": []string{"HIPAA"}}}), "constraints")
	b.refused("too long", token(map[string]any{"x": strings.Repeat("x", 20<<10)}), "at most")
	for _, text := range []string{"", "x", "a.b", "a.b.c", "...", "sk_live_1"} {
		b.refused(text, text, "parse token")
	}

	// A flipped bit anywhere is noticed.
	good := token(nil)
	parts := strings.Split(good, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	forged := strings.Replace(string(payload), "readers", "officers", 1)
	b.refused("another payload", parts[0]+"."+base64.RawURLEncoding.EncodeToString([]byte(forged))+"."+parts[2], "no key of the provider")
}

func TestTimesOfTokens(t *testing.T) {
	t.Parallel()
	b := setup(t)
	at := func(claim string, from time.Duration) string {
		return b.Token("ES256", b.claims(map[string]any{claim: b.at.Add(from).Unix()}))
	}
	b.good(at("exp", -identity.ClockSkew+time.Second))
	b.refused("expired", at("exp", -identity.ClockSkew), "expired at")
	b.good(at("nbf", identity.ClockSkew))
	b.refused("not yet valid", at("nbf", identity.ClockSkew+time.Second), "not valid before")
	b.good(at("iat", identity.ClockSkew))
	b.refused("issued in the future", at("iat", identity.ClockSkew+time.Second), "not valid before")
	for name, claims := range map[string]map[string]any{"no end": {"exp": nil}, "an endless end": {"exp": 1e300}, "an end in words": {"exp": "never"}, "a begin in words": {"nbf": true}} {
		_, err := b.identity.Person(t.Context(), b.Token("ES256", b.claims(claims)))
		if audit.CodeOf(err) != audit.Unauthenticated {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAlgorithmsThatAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.good(b.Token("RS256", b.claims(nil)))
	key := b.Key("RS256").Key.(*rsa.PrivateKey)
	encode := base64.RawURLEncoding.EncodeToString
	payload := strings.Split(b.Token("RS256", b.claims(nil)), ".")[1]
	for _, none := range []string{"none", "None", "NONE", ""} {
		header := encode(fmt.Appendf(nil, `{"alg":%q,"kid":"RS256"}`, none))
		b.refused("alg "+none, header+"."+payload+".", "parse token")
		b.refused("alg "+none, header+"."+payload+"."+encode([]byte("signature")), "parse token")
	}

	// The public key is public: as a shared secret it is everybody's.
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range [][]byte{der, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})} {
		forged := identitytest.Sign(t, jose.SigningKey{Algorithm: jose.HS256, Key: jose.JSONWebKey{Key: secret, KeyID: "RS256"}}, b.claims(nil))
		b.refused("HS256", forged, "parse token")
	}
	// An RSA signature that was not agreed on, with the right key.
	b.refused("PS256", identitytest.Sign(t, jose.SigningKey{Algorithm: jose.PS256, Key: jose.JSONWebKey{Key: key, KeyID: "RS256"}}, b.claims(nil)), "parse token")
	// The token's own key is not the provider's.
	own := setup(t).Key("ES256")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: own.Key}, &jose.SignerOptions{EmbedJWK: true})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(mustDecode(t, payload))
	if err != nil {
		t.Fatal(err)
	}
	embedded, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	b.refused("an embedded key", embedded, "no key of the provider")

	// An algorithm that this installation does not list.
	only := setup(t, func(c *identity.Config) { c.Algorithms = []string{"ES256"} })
	only.good(only.Token("ES256", only.claims(nil)))
	only.refused("RS256", only.Token("RS256", only.claims(nil)), "parse token")
}

func mustDecode(t *testing.T, text string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestKeysThatCome(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.good(b.Token("RS256", b.claims(nil)))
	asked := b.Asked()

	// A key that nobody knows is looked for once in a while, not for each token.
	b.Add("new", jose.ES256)
	token := b.Token("new", b.claims(nil))
	for range 5 {
		b.refused("a key that came a moment ago", token, "no key of the provider")
	}
	if b.Asked() != asked {
		t.Errorf("the provider was asked %d times more", b.Asked()-asked)
	}
	b.move(identity.RefetchAfter)
	b.good(b.Token("new", b.claims(nil)))
	b.good(b.Token("RS256", b.claims(nil)))

	// A key that was withdrawn is good until the keys have served their time.
	old := b.Token("RS256", b.claims(map[string]any{"exp": b.at.Add(24 * time.Hour).Unix()}))
	b.Withdraw("RS256")
	b.good(old)
	b.move(identity.KeysLife)
	b.refused("a withdrawn key", old, "no key of the provider")

	// A new key under an old name.
	b.Withdraw("new")
	b.Add("new", jose.ES256)
	b.move(identity.KeysLife)
	b.refused("an old key of that name", token, "no key of the provider")
	b.good(b.Token("new", b.claims(nil)))
}

func TestAProviderThatIsDown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	token := b.Token("RS256", b.claims(nil))
	unavailable := func(what string) {
		t.Helper()
		if _, err := b.identity.Person(t.Context(), token); audit.CodeOf(err) != audit.Unavailable {
			t.Errorf("%s: %v", what, err)
		}
	}
	b.SetDown(true)
	unavailable("down")
	asked := b.Asked()
	unavailable("still down")
	if b.Asked() != asked {
		t.Error("a failure is not remembered")
	}
	// What is not even said to be of this provider is refused without it.
	b.refused("another issuer", b.Token("RS256", b.claims(map[string]any{"iss": "x"})), "another issuer")
	b.SetDown(false)
	unavailable("up again, but not asked yet")
	b.move(identity.FailureLife)
	b.good(token)

	// Known keys last without it, for their time.
	b.SetDown(true)
	b.good(token)
	b.move(identity.KeysLife)
	unavailable("down for long")

	for name, answer := range map[string]func(w http.ResponseWriter, path string) bool{
		"another issuer's document": func(w http.ResponseWriter, path string) bool {
			w.Write([]byte(`{"issuer":"https://login.example.com","jwks_uri":"` + b.URL + `/keys"}`))
			return true
		},
		"keys over an open connection": func(w http.ResponseWriter, path string) bool {
			w.Write([]byte(`{"issuer":"` + b.URL + `","jwks_uri":"http://192.0.2.1/keys"}`))
			return true
		},
		"a redirect": func(w http.ResponseWriter, path string) bool {
			w.Header().Set("Location", b.URL+"/moved"+path)
			w.WriteHeader(http.StatusFound)
			return true
		},
		"endless keys": func(w http.ResponseWriter, path string) bool {
			if path == "/keys" {
				w.Write([]byte(`{"keys":["` + strings.Repeat("x", identity.MaxDocument) + `"]}`))
			}
			return path == "/keys"
		},
		"no keys": func(w http.ResponseWriter, path string) bool {
			if path == "/keys" {
				w.Write([]byte(`[]`))
			}
			return path == "/keys"
		},
	} {
		b.SetDown(false)
		b.SetAnswer(answer)
		b.move(identity.KeysLife)
		token = b.Token("RS256", b.claims(nil))
		unavailable(name)
	}
}

func TestRolesOfTokens(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bounds := map[string]any{"frameworks": []string{"soc2"}, "from": "2025-01-01"}
	for name, c := range map[string]struct {
		claims map[string]any
		roles  []audit.RoleName
	}{
		"unmapped":           {map[string]any{"roles": []string{"unheard of"}}, nil},
		"none":               {map[string]any{"roles": nil}, nil},
		"one":                {map[string]any{"roles": "officers"}, []audit.RoleName{audit.ComplianceOfficer}},
		"several":            {map[string]any{"roles": []string{"officers", "readers", "officers"}}, []audit.RoleName{audit.ComplianceOfficer, audit.Viewer}},
		"bounded, unbounded": {map[string]any{"roles": "outside"}, nil},
		"bounded":            {map[string]any{"roles": "outside", "constraints": bounds}, []audit.RoleName{audit.Auditor}},
		"our own name":       {map[string]any{"roles": "admin"}, nil},
	} {
		p := b.good(b.Token("EdDSA", b.claims(c.claims)))
		if !slices.Equal(p.Roles, c.roles) || (len(p.Permissions) == 0) != (c.roles == nil) {
			t.Errorf("%s: %v with %v", name, p.Roles, p.Permissions)
		}
		if constrained := c.claims["constraints"] != nil; constrained == p.Constraints.Empty() || constrained && p.Constraints.Frameworks[0] != audit.SOC2 {
			t.Errorf("%s: %+v", name, p.Constraints)
		}
	}
	if p := b.good(b.Token("EdDSA", b.claims(map[string]any{"roles": "officers"}))); !slices.Contains(p.Permissions, audit.SignReports) {
		t.Error("a person cannot sign")
	}

	// Claims that are not at the top.
	nested := setup(t, func(c *identity.Config) {
		c.RolesClaim, c.OrganisationClaim = "/realm_access/roles", "/https:~1~1example.com~1claims/org"
	})
	p := nested.good(nested.Token("EdDSA", nested.claims(map[string]any{
		"realm_access": map[string]any{"roles": []string{"officers"}}, "https://example.com/claims": map[string]any{"org": "org_2"},
	})))
	if p.Organisation != "org_2" || !slices.Equal(p.Roles, []audit.RoleName{audit.ComplianceOfficer}) {
		t.Errorf("%+v", p)
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	good := identity.Config{
		Issuer: "https://login.example.com/realm", Audience: "a", OrganisationClaim: "o", RolesClaim: "r",
		Roles: map[string]audit.RoleName{"x": audit.Viewer}, Clock: audit.SystemClock,
	}
	if _, err := identity.New(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*identity.Config){
		"open connection": func(c *identity.Config) { c.Issuer = "http://login.example.com" },
		"credentials":     func(c *identity.Config) { c.Issuer = "https://u:p@login.example.com" },
		"no issuer":       func(c *identity.Config) { c.Issuer = "" },
		"no audience":     func(c *identity.Config) { c.Audience = "" },
		"no roles":        func(c *identity.Config) { c.Roles = nil },
		"unknown role":    func(c *identity.Config) { c.Roles = map[string]audit.RoleName{"x": "king"} },
		"shared secret":   func(c *identity.Config) { c.Algorithms = []string{"HS256"} },
		"none":            func(c *identity.Config) { c.Algorithms = []string{"none"} },
		"no clock":        func(c *identity.Config) { c.Clock = nil },
	} {
		c := good
		spoil(&c)
		if _, err := identity.New(c); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
