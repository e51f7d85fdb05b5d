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
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Checkpoint is a statement of a ledger's whole content: its size and the root
// of its tree (C2SP tlog-checkpoint).
type Checkpoint struct {
	Origin string
	Size   int64
	Root   Hash
}

// Body returns the text that is signed: origin, size and base64 root, a line
// each.
func (c Checkpoint) Body() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, encodeHash(c.Root))
}

// ParseCheckpoint reads a checkpoint's body. Extension lines are refused:
// Sealbook writes none, and the specification advises against them.
func ParseCheckpoint(body string) (c Checkpoint, err error) {
	lines := strings.Split(body, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return c, fmt.Errorf("a checkpoint has 3 lines")
	}
	c.Origin = lines[0]
	if err := checkOrigin(c.Origin); err != nil {
		return c, err
	}
	if c.Size, err = strconv.ParseInt(lines[1], 10, 64); err != nil || c.Size < 0 || strconv.FormatInt(c.Size, 10) != lines[1] {
		return c, fmt.Errorf("checkpoint size %.64q", lines[1])
	}
	if c.Root, err = decodeHash(lines[2]); err != nil {
		return c, fmt.Errorf("checkpoint root: %w", err)
	}
	return c, nil
}

// OpenCheckpoint verifies a signed checkpoint against one verifier key and
// returns its content. Signatures of other keys are ignored, as signed-note
// demands.
func OpenCheckpoint(signed []byte, vkey string) (Checkpoint, error) {
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("verifier key: %w", err)
	}
	n, err := note.Open(signed, note.VerifierList(v))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint signature: %w", err)
	}
	c, err := ParseCheckpoint(n.Text)
	if err != nil {
		return c, err
	}
	if c.Origin != v.Name() {
		return c, fmt.Errorf("the checkpoint is of %s, the key of %s", c.Origin, v.Name())
	}
	return c, nil
}

// SigningKey signs checkpoints with Ed25519. One key serves every ledger of an
// installation: the signature's key id covers the origin, so signatures of two
// ledgers never stand for each other.
type SigningKey struct{ private ed25519.PrivateKey }

// GenerateSigningKey makes a new key.
func GenerateSigningKey() (*SigningKey, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate signing key: %w", err)
	}
	return &SigningKey{private}, nil
}

// ParseSigningKey reads a PKCS #8 PEM file that EncodePEM wrote.
func ParseSigningKey(data []byte) (*SigningKey, error) {
	block, _ := pem.Decode(data)
	if block == nil || block.Type != "PRIVATE KEY" {
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
	return &SigningKey{private}, nil
}

// EncodePEM returns the key as PKCS #8 in PEM.
func (k *SigningKey) EncodePEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return nil, fmt.Errorf("encode signing key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// VerifierKey returns the public key for one origin in C2SP's vkey form:
// <name>+<key id>+<base64 type and key>.
func (k *SigningKey) VerifierKey(origin string) string {
	public := k.private.Public().(ed25519.PublicKey)
	vkey, err := note.NewEd25519VerifierKey(origin, public)
	if err != nil { // an Ed25519 key of the standard library always has the right size
		panic(err)
	}
	return vkey
}

// Fingerprint identifies the public key for a person to compare: "SHA256:" and
// the base64 hash of its 32 bytes.
func (k *SigningKey) Fingerprint() string {
	return fingerprint(k.private.Public().(ed25519.PublicKey))
}

func fingerprint(public ed25519.PublicKey) string {
	h := sha256.Sum256(public)
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(h[:])
}

// KeyFingerprint returns the fingerprint of the public key in a vkey.
func KeyFingerprint(vkey string) (string, error) {
	if _, err := note.NewVerifier(vkey); err != nil {
		return "", fmt.Errorf("verifier key: %w", err)
	}
	// The base64 of a vkey may hold +; its name and key id cannot.
	b, err := base64.StdEncoding.DecodeString(strings.SplitN(vkey, "+", 3)[2])
	if err != nil || len(b) != 1+ed25519.PublicKeySize {
		return "", fmt.Errorf("verifier key is not an Ed25519 key")
	}
	return fingerprint(b[1:]), nil
}

// Sign returns the checkpoint as a signed note. Ed25519 is deterministic, so
// signing the same checkpoint again gives the same bytes. The caller must know
// that the tree is durable: two different trees of one size must never be
// signed.
func (k *SigningKey) Sign(c Checkpoint) ([]byte, error) {
	signed, err := note.Sign(&note.Note{Text: c.Body()}, noteSigner{k.private, c.Origin})
	if err != nil {
		return nil, fmt.Errorf("sign checkpoint of %s: %w", c.Origin, err)
	}
	return signed, nil
}

// SignNote signs a text other than a checkpoint, as a signed note under name.
// A signature does not cover the name it stands under, so the text itself must
// say what it is: one that reads as a checkpoint is refused.
func (k *SigningKey) SignNote(name, text string) ([]byte, error) {
	if _, err := ParseCheckpoint(text); err == nil {
		return nil, fmt.Errorf("sign note of %s: a checkpoint is not signed as a note", name)
	}
	signed, err := note.Sign(&note.Note{Text: text}, noteSigner{k.private, name})
	if err != nil {
		return nil, fmt.Errorf("sign note of %s: %w", name, err)
	}
	return signed, nil
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
