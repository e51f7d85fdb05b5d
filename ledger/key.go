package ledger

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// SigningKey signs checkpoints with Ed25519. One key serves every ledger of an
// installation: the signature's key id covers the origin, so signatures of two
// ledgers never stand for each other. While a key is being replaced there are
// two, and both sign: verifiers know at least one of them.
type SigningKey struct {
	keys []ed25519.PrivateKey // the newest first; at least one
}

// MaxSigningKeys is how many keys may sign at a time. Verifiers of signed notes
// must take at least 16 signatures.
const MaxSigningKeys = 4

// GenerateSigningKey makes a new key.
func GenerateSigningKey() (*SigningKey, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate signing key: %w", err)
	}
	return &SigningKey{[]ed25519.PrivateKey{private}}, nil
}

// ParseSigningKey reads what EncodePEM wrote: PKCS #8 keys in PEM, the newest
// first.
func ParseSigningKey(data []byte) (*SigningKey, error) {
	k := &SigningKey{}
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			break
		}
		data = rest
		if block.Type != "PRIVATE KEY" {
			return nil, fmt.Errorf("the signing key is not a PEM block PRIVATE KEY")
		}
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("parse signing key: %w", err)
		}
		private, ok := key.(ed25519.PrivateKey)
		if !ok {
			return nil, fmt.Errorf("the signing key is a %T, not an Ed25519 key", key)
		}
		k.keys = append(k.keys, private)
	}
	if len(k.keys) == 0 {
		return nil, fmt.Errorf("the signing key is not a PEM block PRIVATE KEY")
	}
	if len(k.keys) > MaxSigningKeys {
		return nil, fmt.Errorf("there are %d signing keys; at most %d sign at a time", len(k.keys), MaxSigningKeys)
	}
	return k, nil
}

// EncodePEM returns the keys as PKCS #8 in PEM.
func (k *SigningKey) EncodePEM() ([]byte, error) {
	var out []byte
	for _, private := range k.keys {
		der, err := x509.MarshalPKCS8PrivateKey(private)
		if err != nil {
			return nil, fmt.Errorf("encode signing key: %w", err)
		}
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})...)
	}
	return out, nil
}

// Joined returns the keys of k and then those of older.
func (k *SigningKey) Joined(older *SigningKey) *SigningKey {
	return &SigningKey{append(append([]ed25519.PrivateKey{}, k.keys...), older.keys...)}
}

// Newest returns the newest key alone.
func (k *SigningKey) Newest() *SigningKey { return &SigningKey{k.keys[:1]} }

// Count is how many keys sign.
func (k *SigningKey) Count() int { return len(k.keys) }

// public is the newest key's public half.
func (k *SigningKey) public() ed25519.PublicKey { return k.keys[0].Public().(ed25519.PublicKey) }

// VerifierKey returns the newest public key for one origin in C2SP's vkey form:
// <name>+<key id>+<base64 type and key>.
func (k *SigningKey) VerifierKey(origin string) string { return verifierKey(origin, k.public()) }

// VerifierKeys returns all of them, the newest first.
func (k *SigningKey) VerifierKeys(origin string) []string {
	out := make([]string, len(k.keys))
	for i, private := range k.keys {
		out[i] = verifierKey(origin, private.Public().(ed25519.PublicKey))
	}
	return out
}

func verifierKey(origin string, public ed25519.PublicKey) string {
	vkey, err := note.NewEd25519VerifierKey(origin, public)
	if err != nil { // an Ed25519 key of the standard library always has the right size
		panic(err)
	}
	return vkey
}

// Fingerprint identifies the newest public key for a person to compare:
// "SHA256:" and the base64 hash of its 32 bytes.
func (k *SigningKey) Fingerprint() string { return fingerprint(k.public()) }

func fingerprint(public ed25519.PublicKey) string {
	h := sha256.Sum256(public)
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(h[:])
}

// KeyFingerprint returns the fingerprint of the public key in a vkey.
func KeyFingerprint(vkey string) (string, error) {
	public, err := publicOf(vkey)
	if err != nil {
		return "", err
	}
	return fingerprint(public), nil
}

// KeyUnder returns the key in a vkey under another name: an installation's key
// under a ledger's origin.
func KeyUnder(vkey, name string) (string, error) {
	public, err := publicOf(vkey)
	if err != nil {
		return "", err
	}
	if err := checkOrigin(name); err != nil {
		return "", err
	}
	return verifierKey(name, public), nil
}

// publicOf returns the public key in a vkey, which must be in its one spelling:
// base64 and hexadecimal digits have others.
func publicOf(vkey string) (ed25519.PublicKey, error) {
	if _, err := note.NewVerifier(vkey); err != nil {
		return nil, fmt.Errorf("verifier key: %w", err)
	}
	// The base64 of a vkey may hold +; its name and key id cannot.
	b, err := base64.StdEncoding.DecodeString(strings.SplitN(vkey, "+", 3)[2])
	if err != nil || len(b) != 1+ed25519.PublicKeySize {
		return nil, fmt.Errorf("verifier key is not an Ed25519 key")
	}
	if again, err := note.NewEd25519VerifierKey(strings.SplitN(vkey, "+", 2)[0], b[1:]); err != nil || again != vkey {
		return nil, fmt.Errorf("verifier key is not in its one spelling")
	}
	return b[1:], nil
}

// Sign returns the checkpoint as a note signed by every key. Ed25519 is
// deterministic, so signing the same checkpoint again gives the same bytes. The
// caller must know that the tree is durable: two different trees of one size
// must never be signed.
func (k *SigningKey) Sign(c Checkpoint) ([]byte, error) {
	signers := make([]note.Signer, len(k.keys))
	for i, private := range k.keys {
		signers[i] = noteSigner{private, c.Origin}
	}
	signed, err := note.Sign(&note.Note{Text: c.Body()}, signers...)
	if err != nil {
		return nil, fmt.Errorf("sign checkpoint of %s: %w", c.Origin, err)
	}
	return signed, nil
}

// SignNote signs a text other than a checkpoint with the newest key, as a
// signed note under name. A signature does not cover the name it stands under,
// so the text itself must say what it is: one that reads as a checkpoint is
// refused.
func (k *SigningKey) SignNote(name, text string) ([]byte, error) {
	return k.SignNoteAs(k.VerifierKey(name), name, text)
}

// SignNoteAs signs with the one of the keys whose public half is in vkey, under
// whatever name. It fails when that key signs no more.
func (k *SigningKey) SignNoteAs(vkey, name, text string) ([]byte, error) {
	if _, err := ParseCheckpoint(text); err == nil {
		return nil, fmt.Errorf("sign note of %s: a checkpoint is not signed as a note", name)
	}
	public, err := publicOf(vkey)
	if err != nil {
		return nil, err
	}
	for _, private := range k.keys {
		if !public.Equal(private.Public()) {
			continue
		}
		signed, err := note.Sign(&note.Note{Text: text}, noteSigner{private, name})
		if err != nil {
			return nil, fmt.Errorf("sign note of %s: %w", name, err)
		}
		return signed, nil
	}
	return nil, fmt.Errorf("sign note of %s: the key %s signs no more", name, fingerprint(public))
}

// noteSigner is note.Signer for an Ed25519 key under any name.
type noteSigner struct {
	private ed25519.PrivateKey
	name    string
}

func (s noteSigner) Name() string { return s.name }

// KeyHash is the first four bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key),
// as signed-note defines it.
func (s noteSigner) KeyHash() uint32 {
	h := sha256.New()
	h.Write([]byte(s.name + "\n\x01"))
	h.Write(s.private.Public().(ed25519.PublicKey))
	return binary.BigEndian.Uint32(h.Sum(nil))
}

func (s noteSigner) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(s.private, msg), nil }
