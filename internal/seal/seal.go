// Package seal keeps secrets that have to be read again: those of authenticators,
// and those that messages are signed with. It guards that the database alone gives
// none of them away: the key is derived from the installation's pepper, and each
// secret is bound to the row that it belongs to. The API and the worker use it.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
)

// Sealer encrypts with AES-256-GCM, and keeps of what need not be read again a
// MAC.
type Sealer struct {
	aead   cipher.AEAD
	macKey []byte
}

// New derives the key from the installation's pepper.
func New(pepper []byte) (*Sealer, error) {
	key, err := hkdf.Key(sha256.New, pepper, nil, "sealbook sealed secrets v1", 32)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	macKey, err := hkdf.Key(sha256.New, pepper, nil, "sealbook tokens v1", 32)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	return &Sealer{aead, macKey}, nil
}

// Seal encrypts a secret that belongs to an owner: another's row cannot use it.
func (s *Sealer) Seal(secret []byte, owner string) ([]byte, error) {
	nonce := make([]byte, s.aead.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("draw nonce: %w", err)
	}
	return s.aead.Seal(nonce, nonce, secret, []byte(owner)), nil
}

// Open decrypts what Seal made for the same owner.
func (s *Sealer) Open(sealed []byte, owner string) ([]byte, error) {
	n := s.aead.NonceSize()
	if len(sealed) < n {
		return nil, fmt.Errorf("a sealed secret has at least %d bytes", n)
	}
	secret, err := s.aead.Open(nil, sealed[:n], sealed[n:], []byte(owner))
	if err != nil {
		return nil, fmt.Errorf("open sealed secret: %w", err)
	}
	return secret, nil
}

// MAC is what is kept of a token or a code: who can write to the database but does
// not have the pepper can make none that is taken.
func (s *Sealer) MAC(text string) []byte {
	m := hmac.New(sha256.New, s.macKey)
	m.Write([]byte(text))
	return m.Sum(nil)
}
