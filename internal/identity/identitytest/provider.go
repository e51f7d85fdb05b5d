// Package identitytest is about a provider of tokens for tests: it serves a
// discovery document and keys over HTTP on the loopback, signs what it is
// asked to, and can be down. The tests of identity and of the API use it.
package identitytest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// Provider is a provider of tokens.
type Provider struct {
	URL string // the issuer

	t      testing.TB
	mu     sync.Mutex
	keys   []jose.JSONWebKey // private
	down   bool
	asked  int
	answer func(w http.ResponseWriter, path string) bool
}

// New starts a provider with one key for each algorithm, named like it.
func New(t testing.TB) *Provider {
	t.Helper()
	p := &Provider{t: t}
	server := httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(server.Close)
	p.URL = server.URL
	for _, a := range []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA} {
		p.Add(string(a), a)
	}
	return p
}

func (p *Provider) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	if p.down {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	if p.answer != nil && p.answer(w, r.URL.Path) {
		return
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		json.NewEncoder(w).Encode(map[string]any{
			"issuer": p.URL, "jwks_uri": p.URL + "/keys", "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token",
			"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256"},
		})
	case "/keys":
		set := jose.JSONWebKeySet{}
		for _, k := range p.keys {
			set.Keys = append(set.Keys, k.Public())
		}
		json.NewEncoder(w).Encode(set)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// Add makes a key.
func (p *Provider) Add(id string, a jose.SignatureAlgorithm) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = append(p.keys, jose.JSONWebKey{Key: p.generate(a), KeyID: id, Algorithm: string(a), Use: "sig"})
}

func (p *Provider) generate(a jose.SignatureAlgorithm) (key crypto.Signer) {
	p.t.Helper()
	var err error
	switch a {
	case jose.ES256:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.EdDSA:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return key
}

// Withdraw removes a key.
func (p *Provider) Withdraw(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept := p.keys[:0]
	for _, k := range p.keys {
		if k.KeyID != id {
			kept = append(kept, k)
		}
	}
	p.keys = kept
}

// SetDown lets every request fail, or not.
func (p *Provider) SetDown(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

// SetAnswer puts something before the provider's own answers; it reports
// whether it has answered.
func (p *Provider) SetAnswer(f func(w http.ResponseWriter, path string) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = f
}

// Asked is how many requests have come.
func (p *Provider) Asked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

// Key returns a key with its private part.
func (p *Provider) Key(id string) jose.JSONWebKey {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range p.keys {
		if k.KeyID == id {
			return k
		}
	}
	p.t.Fatalf("there is no key %s", id)
	return jose.JSONWebKey{}
}

// Token signs claims with the key of this id.
func (p *Provider) Token(id string, claims map[string]any) string {
	p.t.Helper()
	k := p.Key(id)
	return Sign(p.t, jose.SigningKey{Algorithm: jose.SignatureAlgorithm(k.Algorithm), Key: k}, claims)
}

// Sign makes a token with any key at all.
func Sign(t testing.TB, with jose.SigningKey, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(with, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}
