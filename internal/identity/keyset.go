package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"github.com/sealbook/sealbook/audit"
)

// keySet is the provider's public keys, fetched when they are needed. A key
// that is not known may be new, so it is looked for, but not for every token
// that somebody makes up.
type keySet struct {
	issuer string
	clock  audit.Clock
	client *http.Client

	fetching sync.Mutex // held while the provider is asked, by one caller

	mu      sync.Mutex
	keys    []jose.JSONWebKey
	fetched time.Time // when keys came
	tried   time.Time // when the provider was last asked
	failure error     // how that ended
}

func newKeySet(issuer string, clock audit.Clock) *keySet {
	return &keySet{issuer: issuer, clock: clock, client: &http.Client{
		Timeout: FetchTimeout,
		// What was configured is asked, and nobody whom it names instead.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     limited{http.DefaultTransport},
	}}
}

// find returns the keys that a token with this key id can be signed by; all of
// them if it names none. Returns Unavailable when they cannot be fetched.
func (k *keySet) find(ctx context.Context, id string) ([]jose.JSONWebKey, error) {
	if keys, known, err := k.known(id); known || err != nil {
		return keys, err
	}
	k.fetching.Lock()
	defer k.fetching.Unlock()
	if keys, known, err := k.known(id); known || err != nil { // who waited with us has fetched
		return keys, err
	}
	keys, err := k.fetch(ctx)
	now := k.clock()
	k.mu.Lock()
	k.tried, k.failure = now, err
	if err == nil {
		k.keys, k.fetched = keys, now
	}
	k.mu.Unlock()
	found, _, err := k.known(id)
	return found, err
}

// known answers from memory; known is false if the provider has to be asked.
func (k *keySet) known(id string) (keys []jose.JSONWebKey, known bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.clock()
	fresh := k.keys != nil && now.Sub(k.fetched) < KeysLife
	if fresh {
		keys = slices.DeleteFunc(slices.Clone(k.keys), func(key jose.JSONWebKey) bool { return id != "" && key.KeyID != id })
		if len(keys) > 0 {
			return keys, true, nil
		}
	}
	switch since := now.Sub(k.tried); {
	case k.failure != nil && since < FailureLife:
		return nil, false, &audit.Error{Code: audit.Unavailable, Message: "the identity provider does not answer; API keys are not affected",
			Err: k.failure, RetryAfter: FailureLife}
	case fresh && since < RefetchAfter:
		return nil, true, nil // no key of this id: whatever it signed does not verify
	}
	return nil, false, nil
}

// fetch reads the discovery document, and the keys where it says that they are.
// The caller's leaving does not end it: others wait for the same.
func (k *keySet) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), FetchTimeout)
	defer cancel()
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, k.client), k.issuer)
	if err != nil {
		return nil, fmt.Errorf("discover identity provider: %w", err)
	}
	var document struct {
		Keys string `json:"jwks_uri"`
	}
	if err := provider.Claims(&document); err != nil {
		return nil, fmt.Errorf("read discovery document: %w", err)
	}
	if err := CheckIssuer(document.Keys); err != nil {
		return nil, fmt.Errorf("keys of identity provider: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, document.Keys, nil)
	if err != nil {
		return nil, fmt.Errorf("fetch keys of identity provider: %w", err)
	}
	response, err := k.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("fetch keys of identity provider: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.New(response.Status)
	}
	if err != nil {
		return nil, fmt.Errorf("fetch keys of identity provider: %w", err)
	}
	return parseKeys(body)
}

// parseKeys takes public keys for signatures and passes over all others, kinds
// of the future included.
func parseKeys(document []byte) ([]jose.JSONWebKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(document, &set); err != nil {
		return nil, fmt.Errorf("keys of identity provider: %w", err)
	}
	keys := []jose.JSONWebKey{}
	for _, text := range set.Keys {
		var key jose.JSONWebKey
		if err := json.Unmarshal(text, &key); err == nil && key.Valid() && key.IsPublic() && (key.Use == "" || key.Use == "sig") {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// signedBy verifies with given keys. It implements oidc.KeySet.
type signedBy struct {
	keys       []jose.JSONWebKey
	algorithms []jose.SignatureAlgorithm
}

// VerifySignature implements oidc.KeySet.
func (s signedBy) VerifySignature(_ context.Context, token string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(token, s.algorithms)
	if err != nil {
		return nil, err
	}
	for _, key := range s.keys {
		if key.Algorithm != "" && key.Algorithm != jws.Signatures[0].Header.Algorithm {
			continue // a key is for one algorithm, if it says so
		}
		if payload, err := jws.Verify(key.Key); err == nil {
			return payload, nil
		}
	}
	return nil, fmt.Errorf("no key of the provider made this signature (key id %.80q)", jws.Signatures[0].Header.KeyID)
}

// limited reads no more than MaxDocument of an answer.
type limited struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := l.RoundTripper.RoundTrip(r)
	if err == nil {
		response.Body = http.MaxBytesReader(nil, response.Body, MaxDocument)
	}
	return response, err
}
