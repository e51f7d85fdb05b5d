package store

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"math/big"
	"net/netip"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// KeyPrefix is how every API key begins.
const KeyPrefix = "sk_live_"

// API keys read sk_live_<12 key id>_<43 secret><6 checksum>, all base62. The
// checksum catches typing errors, and scanners' noise, without a query.
const (
	keyIDLength    = 12
	secretLength   = 43 // 256 bits
	checksumLength = 6
	base62         = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// Key is an API key's row.
type Key struct {
	ID            string
	Organisation  audit.OrganisationID
	Name          string
	Last4         string
	MAC           []byte          `db:"mac"`
	Role          *audit.RoleName // that it was made with
	Permissions   []audit.Permission
	Constraints   *JSON[audit.Constraints]
	AllowedCIDRs  []netip.Prefix `db:"allowed_cidrs"`
	CreatedBy     string
	CreatedAt     time.Time
	ExpiresAt     *time.Time
	LastUsedAt    *time.Time
	RevokedAt     *time.Time
	PreviousMAC   []byte     `db:"previous_mac"` // of the secret before the last rotation
	PreviousUntil *time.Time // until when that is good
	RotatedAt     *time.Time
}

// NewKey makes a key for an organisation. The text is shown once and never
// kept.
func NewKey(pepper []byte, o audit.OrganisationID, name, createdBy string, permissions []audit.Permission, at time.Time) (k Key, text string, err error) {
	id, err := random62(keyIDLength)
	if err != nil {
		return k, "", err
	}
	k = Key{ID: id, Organisation: o, Name: name, Permissions: permissions, CreatedBy: createdBy, CreatedAt: at}
	text, err = k.newSecret(pepper)
	return k, text, err
}

// GrantKey makes a key of a grant that was checked.
func GrantKey(pepper []byte, o audit.OrganisationID, g audit.CheckedGrant, createdBy string, at time.Time) (k Key, text string, err error) {
	if k, text, err = NewKey(pepper, o, g.Name, createdBy, g.Permissions, at); err != nil {
		return k, "", err
	}
	if g.Role != "" {
		k.Role = &g.Role
	}
	if !g.Constraints.Empty() {
		k.Constraints = &JSON[audit.Constraints]{g.Constraints}
	}
	k.AllowedCIDRs, k.ExpiresAt = g.AllowedCIDRs, g.ExpiresAt
	return k, text, nil
}

// Rotate gives the key a new secret. The old one stays good until a time; one
// that was rotated out before is void at once.
func (k *Key) Rotate(pepper []byte, at, until time.Time) (text string, err error) {
	k.PreviousMAC, k.PreviousUntil, k.RotatedAt = k.MAC, &until, &at
	if !until.After(at) {
		k.PreviousMAC, k.PreviousUntil = nil, nil
	}
	return k.newSecret(pepper)
}

func (k *Key) newSecret(pepper []byte) (text string, err error) {
	secret, err := random62(secretLength)
	if err != nil {
		return "", err
	}
	text = KeyPrefix + k.ID + "_" + secret
	text += keyChecksum(text)
	k.MAC, k.Last4 = keyMAC(pepper, secret), text[len(text)-4:]
	return text, nil
}

// Grant is what the key lets its holder do, as it would have to be granted
// again.
func (k *Key) Grant() audit.CheckedGrant {
	g := audit.CheckedGrant{Name: k.Name, Permissions: k.Permissions, AllowedCIDRs: k.AllowedCIDRs, ExpiresAt: k.ExpiresAt}
	if k.Role != nil {
		g.Role = *k.Role
	}
	if k.Constraints != nil {
		g.Constraints = k.Constraints.V
	}
	return g
}

// ParseKey splits a key's text; ok is false for anything that cannot be one.
func ParseKey(text string) (id, secret string, ok bool) {
	rest, ok := strings.CutPrefix(text, KeyPrefix)
	if !ok || len(rest) != keyIDLength+1+secretLength+checksumLength || rest[keyIDLength] != '_' {
		return "", "", false
	}
	body, sum := text[:len(text)-checksumLength], text[len(text)-checksumLength:]
	if keyChecksum(body) != sum {
		return "", "", false
	}
	return rest[:keyIDLength], rest[keyIDLength+1 : keyIDLength+1+secretLength], true
}

// Matches reports, in constant time, whether secret is this key's, or was until
// a rotation whose overlap is not over.
func (k *Key) Matches(pepper []byte, secret string, at time.Time) bool {
	mac := keyMAC(pepper, secret)
	before := k.PreviousUntil != nil && at.Before(*k.PreviousUntil) && hmac.Equal(k.PreviousMAC, mac)
	return hmac.Equal(k.MAC, mac) || before
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
