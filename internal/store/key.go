package store

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"math/big"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// API keys read sk_live_<12 key id>_<43 secret><6 checksum>, all base62. The
// checksum catches typing errors, and scanners' noise, without a query.
const (
	keyPrefix      = "sk_live_"
	keyIDLength    = 12
	secretLength   = 43 // 256 bits
	checksumLength = 6
	base62         = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// Key is an API key's row.
type Key struct {
	ID           string
	Organisation audit.OrganisationID
	Name         string
	Last4        string
	MAC          []byte `db:"mac"`
	Permissions  []audit.Permission
	CreatedBy    string
	CreatedAt    time.Time
	ExpiresAt    *time.Time
	LastUsedAt   *time.Time
	RevokedAt    *time.Time
}

// NewKey makes a key for an organisation. The text is shown once and never
// kept.
func NewKey(pepper []byte, o audit.OrganisationID, name, createdBy string, permissions []audit.Permission, at time.Time) (k Key, text string, err error) {
	id, err := random62(keyIDLength)
	if err != nil {
		return k, "", err
	}
	secret, err := random62(secretLength)
	if err != nil {
		return k, "", err
	}
	text = keyPrefix + id + "_" + secret
	text += keyChecksum(text)
	return Key{
		ID: id, Organisation: o, Name: name, Last4: text[len(text)-4:], MAC: keyMAC(pepper, secret),
		Permissions: permissions, CreatedBy: createdBy, CreatedAt: at,
	}, text, nil
}

// ParseKey splits a key's text; ok is false for anything that cannot be one.
func ParseKey(text string) (id, secret string, ok bool) {
	rest, ok := strings.CutPrefix(text, keyPrefix)
	if !ok || len(rest) != keyIDLength+1+secretLength+checksumLength || rest[keyIDLength] != '_' {
		return "", "", false
	}
	body, sum := text[:len(text)-checksumLength], text[len(text)-checksumLength:]
	if keyChecksum(body) != sum {
		return "", "", false
	}
	return rest[:keyIDLength], rest[keyIDLength+1 : keyIDLength+1+secretLength], true
}

// Matches reports, in constant time, whether secret is this key's.
func (k *Key) Matches(pepper []byte, secret string) bool {
	return hmac.Equal(k.MAC, keyMAC(pepper, secret))
}

// Usable reports whether the key is neither expired nor revoked.
func (k *Key) Usable(at time.Time) bool {
	return k.RevokedAt == nil && (k.ExpiresAt == nil || at.Before(*k.ExpiresAt))
}

// keyMAC needs no slow hash: the secret has 256 random bits.
func keyMAC(pepper []byte, secret string) []byte {
	m := hmac.New(sha256.New, pepper)
	m.Write([]byte(secret))
	return m.Sum(nil)
}

func keyChecksum(body string) string {
	n := crc32.ChecksumIEEE([]byte(body))
	out := make([]byte, checksumLength)
	for i := range out {
		out[checksumLength-1-i] = base62[n%62]
		n /= 62
	}
	return string(out)
}

func random62(n int) (string, error) {
	out := make([]byte, n)
	for i := range out {
		x, err := rand.Int(rand.Reader, big.NewInt(62))
		if err != nil {
			return "", fmt.Errorf("draw random characters: %w", err)
		}
		out[i] = base62[x.Int64()]
	}
	return string(out), nil
}

// InsertKey stores a key in the transaction that records its making.
func InsertKey(k Key) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			insert into api_key (id, organisation, name, last4, mac, permissions, created_by, created_at, expires_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			k.ID, k.Organisation, k.Name, k.Last4, k.MAC, k.Permissions, k.CreatedBy, k.CreatedAt, k.ExpiresAt)
		return translate("store API key", err)
	}
}

// keyOwner is a key with its organisation's ledger.
type keyOwner struct {
	Key
	Ledger int32
}

// KeyByID returns a key and its organisation's ledger, or NotFound.
func (s *Store) KeyByID(ctx context.Context, id string) (Key, int32, error) {
	k, err := one[keyOwner](ctx, s.pool, "read API key", `
		select k.id, k.organisation, k.name, k.last4, k.mac, k.permissions, k.created_by, k.created_at, k.expires_at,
			k.last_used_at, k.revoked_at, o.ledger
		from api_key k join organisation o on o.id = k.organisation where k.id = $1`, id)
	return k.Key, k.Ledger, err
}

// TouchKey notes that a key was used, to the minute.
func (s *Store) TouchKey(ctx context.Context, id string, at time.Time) error {
	_, err := s.pool.Exec(ctx, `
		update api_key set last_used_at = $2 where id = $1 and (last_used_at is null or last_used_at < $2::timestamptz - interval '1 minute')`, id, at)
	return translate("note use of API key", err)
}

// RevokeKey ends a key's validity, in the transaction that records it. Returns
// NotFound, or InvalidState when it was revoked before.
func RevokeKey(id string, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `update api_key set revoked_at = $2 where id = $1 and revoked_at is null`, id, at)
		if err != nil {
			return translate("revoke API key", err)
		}
		if tag.RowsAffected() > 0 {
			return nil
		}
		var there bool
		if err := tx.QueryRow(ctx, `select exists (select from api_key where id = $1)`, id).Scan(&there); err != nil {
			return translate("revoke API key", err)
		}
		if !there {
			return audit.Errorf(audit.NotFound, "there is no API key %.40q", id)
		}
		return audit.Errorf(audit.InvalidState, "the API key %s was revoked before", id)
	}
}

// ListedKey is a key with the name of its organisation.
type ListedKey struct {
	Key
	OrganisationName string
}

// Keys lists the keys of all organisations, or of the one with this name,
// oldest first. It is for operators: no request reaches it.
func (s *Store) Keys(ctx context.Context, organisation string) ([]ListedKey, error) {
	rows, err := s.pool.Query(ctx, `
		select k.id, k.organisation, k.name, k.last4, k.mac, k.permissions, k.created_by, k.created_at, k.expires_at,
			k.last_used_at, k.revoked_at, o.name as organisation_name
		from api_key k join organisation o on o.id = k.organisation
		where $1 in ('', o.name) order by k.created_at, k.id`, organisation)
	if err != nil {
		return nil, translate("list API keys", err)
	}
	keys, err := pgx.CollectRows(rows, pgx.RowToStructByName[ListedKey])
	return keys, translate("list API keys", err)
}
