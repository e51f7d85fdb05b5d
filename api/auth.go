package api

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

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

// principal authenticates the Authorization header. It says the same of every
// key that is not good, so that nobody learns which keys exist.
func (k *keyring) principal(ctx context.Context, authorization []string) (audit.Principal, error) {
	if len(authorization) != 1 {
		return audit.Principal{}, audit.Errorf(audit.Unauthenticated, "send one header: Authorization: Bearer sk_live_…")
	}
	refused := audit.Errorf(audit.Unauthenticated, "the API key is malformed, unknown, expired or revoked")
	scheme, text, _ := strings.Cut(authorization[0], " ")
	id, secret, ok := store.ParseKey(strings.TrimSpace(text))
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return audit.Principal{}, refused
	}
	found, err := k.find(ctx, id)
	if audit.CodeOf(err) == audit.NotFound {
		return audit.Principal{}, refused
	}
	if err != nil {
		return audit.Principal{}, err
	}
	if !found.key.Matches(k.pepper, secret) || !found.key.Usable(k.clock()) {
		return audit.Principal{}, refused
	}
	return audit.Principal{
		Organisation: found.key.Organisation, Ledger: found.ledger,
		KeyID: id, Name: found.key.Name, Permissions: found.key.Permissions,
	}, nil
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

// require returns Forbidden unless p holds want. Of the caller's permissions
// it tells those to read, as document B shows.
func (s *server) require(p audit.Principal, want audit.Permission) error {
	err := p.Require(want)
	if err == nil {
		return nil
	}
	refused := err.(*audit.Error)
	reading := slices.DeleteFunc(slices.Clone(p.Permissions), func(has audit.Permission) bool {
		return !strings.HasPrefix(string(has), "audit:read:")
	})
	refused.Details["user_permissions"] = append([]audit.Permission{}, reading...)
	if s.Contact != "" {
		refused.Details["contact"] = s.Contact
	}
	return refused
}
