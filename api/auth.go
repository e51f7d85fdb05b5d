package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/account"
	"github.com/sealbook/sealbook/internal/store"
)

// authenticate says who makes a request. What starts like an API key or like a
// session's token is one; everything else is a person's token of the identity
// provider, where there is one. A cookie counts when there is nothing else.
func (s *server) authenticate(r *http.Request) (audit.Principal, error) {
	authorization := r.Header.Values("Authorization")
	if len(authorization) == 0 {
		if token, err := s.cookieToken(r); err != nil || token != "" {
			if err != nil {
				return audit.Principal{}, err
			}
			return s.session(r.Context(), token)
		}
	}
	if len(authorization) != 1 {
		return audit.Principal{}, audit.Errorf(audit.Unauthenticated, "send one header: Authorization: Bearer sk_live_…")
	}
	scheme, text, _ := strings.Cut(authorization[0], " ")
	if text = strings.TrimSpace(text); !strings.EqualFold(scheme, "Bearer") {
		text = ""
	}
	if strings.HasPrefix(text, account.SessionPrefix) {
		return s.session(r.Context(), text)
	}
	if s.Identity != nil && text != "" && !strings.HasPrefix(text, store.KeyPrefix) {
		return s.person(r.Context(), text)
	}
	return s.keys.principal(r.Context(), text, callOf(r).peer)
}

// keyring turns API keys into principals. It remembers rows for a short life,
// so that thousands of requests a second do not mean as many queries; a
// revocation takes effect within that life.
type keyring struct {
	store  *store.Store
	pepper []byte
	clock  audit.Clock
	logger *slog.Logger
	life   time.Duration

	mu    sync.Mutex
	known map[string]knownKey // by key id
}

type knownKey struct {
	key    store.Key
	ledger int32
	until  time.Time
}

// maxKnownKeys bounds the memory of the keyring, in keys.
const maxKnownKeys = 10_000

func newKeyring(s *store.Store, pepper []byte, clock audit.Clock, logger *slog.Logger, life time.Duration) *keyring {
	return &keyring{store: s, pepper: pepper, clock: clock, logger: logger, life: life, known: map[string]knownKey{}}
}

// principal authenticates a key that is used from peer. It says the same of
// every key that is not good, so that nobody learns which keys exist; the log
// says why.
func (k *keyring) principal(ctx context.Context, text string, peer netip.Addr) (audit.Principal, error) {
	refused := func(format string, args ...any) error {
		return &audit.Error{Code: audit.Unauthenticated, Message: "the API key is malformed, unknown, expired or revoked", Err: fmt.Errorf(format, args...)}
	}
	id, secret, ok := store.ParseKey(text)
	if !ok {
		return audit.Principal{}, refused("not a key")
	}
	found, err := k.find(ctx, id)
	if audit.CodeOf(err) == audit.NotFound {
		return audit.Principal{}, refused("key %s: unknown", id)
	}
	if err != nil {
		return audit.Principal{}, err
	}
	now := k.clock()
	switch {
	case !found.key.Matches(k.pepper, secret, now):
		return audit.Principal{}, refused("key %s: wrong secret", id)
	case !found.key.Usable(now):
		return audit.Principal{}, refused("key %s: expired or revoked", id)
	case !audit.CIDRsAllow(found.key.AllowedCIDRs, peer):
		return audit.Principal{}, refused("key %s: used from %s, which is not in its networks", id, peer)
	}
	g := found.key.Grant()
	p := audit.Principal{
		Organisation: found.key.Organisation, Ledger: found.ledger, KeyID: id, Name: g.Name,
		Permissions: g.Permissions, Constraints: g.Constraints, AllowedCIDRs: g.AllowedCIDRs, ExpiresAt: g.ExpiresAt,
	}
	if g.Role != "" {
		p.Roles = []audit.RoleName{g.Role}
	}
	return p, nil
}

func (k *keyring) find(ctx context.Context, id string) (knownKey, error) {
	now := k.clock()
	k.mu.Lock()
	found, ok := k.known[id]
	k.mu.Unlock()
	if ok && now.Before(found.until) {
		return found, nil
	}
	key, ledger, err := k.store.KeyByID(ctx, id)
	if err != nil {
		return knownKey{}, err
	}
	if key.Constraints != nil {
		// What cannot be understood would restrict less than was meant.
		if bad := key.Constraints.V.Normalise("/constraints"); bad != nil {
			return knownKey{}, fmt.Errorf("key %s: %s: %s", id, bad[0].Field, bad[0].Message)
		}
	}
	found = knownKey{key, ledger, now.Add(k.life)}
	k.mu.Lock()
	if len(k.known) >= maxKnownKeys {
		clear(k.known)
	}
	k.known[id] = found
	k.mu.Unlock()
	if key.LastUsedAt == nil || now.Sub(*key.LastUsedAt) > time.Minute {
		if err := k.store.TouchKey(ctx, id, now); err != nil { // it concerns nobody's request
			k.logger.Warn("use of API key not noted", "key", id, "error", err)
		}
	}
	return found, nil
}

// forget lets a change of a key take effect here at once; other processes
// notice within the cache's life.
func (k *keyring) forget(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.known, id)
}

// person authenticates a token of the identity provider.
func (s *server) person(ctx context.Context, token string) (audit.Principal, error) {
	who, err := s.Identity.Person(ctx, token)
	if err != nil {
		return audit.Principal{}, err
	}
	org, err := s.Store.OrganisationByID(ctx, who.Organisation)
	if audit.CodeOf(err) == audit.NotFound {
		return audit.Principal{}, audit.Errorf(audit.Unauthenticated, "the token is of an organisation that is not known here")
	}
	if err != nil {
		return audit.Principal{}, err
	}
	return audit.Principal{
		Organisation: org.ID, Ledger: org.Ledger, Subject: who.Subject, Name: who.Name, Email: who.Email,
		Roles: who.Roles, Permissions: who.Permissions, Constraints: who.Constraints, ExpiresAt: &who.ExpiresAt,
	}, nil
}
