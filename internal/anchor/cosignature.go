package anchor

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealbook/sealbook/ledger"
)

// algCosignature is the signature type of Ed25519 cosignatures (C2SP
// tlog-cosignature). ML-DSA-44, 0x06, has no public Go package yet: its lines
// are ignored as those of unknown keys.
const algCosignature = 0x04

// WitnessKey is a witness's public key. It implements note.Verifier for the
// cosignatures that this key makes.
type WitnessKey struct {
	name   string
	id     uint32
	public ed25519.PublicKey
}

// ParseWitnessKey reads a vkey of type 0x04: <name>+<key id>+<base64 type and
// key>.
func ParseWitnessKey(vkey string) (*WitnessKey, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 || parts[0] == "" || strings.ContainsAny(parts[0], " \t\n\r") {
		return nil, fmt.Errorf("%.100q is not a verifier key <name>+<id>+<key>", vkey)
	}
	key, err := base64.StdEncoding.Strict().DecodeString(parts[2])
	if err != nil || len(key) == 0 {
		return nil, fmt.Errorf("verifier key of %s: its key is not base64", parts[0])
	}
	if key[0] != algCosignature || len(key) != 1+ed25519.PublicKeySize {
		return nil, fmt.Errorf("verifier key of %s: type 0x%02x is not that of an Ed25519 witness, 0x04", parts[0], key[0])
	}
	k := &WitnessKey{name: parts[0], public: key[1:]}
	sum := sha256.Sum256(append([]byte(k.name+"\n"), key...))
	k.id = binary.BigEndian.Uint32(sum[:])
	if id, err := hex.DecodeString(parts[1]); err != nil || len(id) != 4 || binary.BigEndian.Uint32(id) != k.id {
		return nil, fmt.Errorf("verifier key of %s: its id is %.20q, not %08x: it has a typing error", k.name, parts[1], k.id)
	}
	return k, nil
}

// String returns the vkey.
func (k *WitnessKey) String() string {
	return fmt.Sprintf("%s+%08x+%s", k.name, k.id, base64.StdEncoding.EncodeToString(append([]byte{algCosignature}, k.public...)))
}

// Name implements note.Verifier.
func (k *WitnessKey) Name() string { return k.name }

// KeyHash implements note.Verifier.
func (k *WitnessKey) KeyHash() uint32 { return k.id }

// Verify implements note.Verifier: sig is a big-endian POSIX time and the
// signature over it and the checkpoint.
func (k *WitnessKey) Verify(text, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	at := binary.BigEndian.Uint64(sig)
	// A time of zero is only for what is not the witness's newest tree.
	if at == 0 || at > math.MaxInt64 {
		return false
	}
	return ed25519.Verify(k.public, CosignedText(text, int64(at)), sig[8:])
}

// CosignedText is what an Ed25519 cosignature signs: a header, the time in
// seconds and the checkpoint's text.
func CosignedText(checkpoint []byte, at int64) []byte {
	return fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at, checkpoint)
}

// ErrNotCosigned is what VerifyCosignature returns for a note without a
// cosignature of the key.
var ErrNotCosigned = errors.New("the note is not cosigned by this key")

// VerifyCosignature checks that the note is a checkpoint that the witness
// cosigned, and returns when. It needs no network. Signatures of others are
// ignored, the log's own among them: who trusts the log's key checks it apart.
func VerifyCosignature(signed []byte, k *WitnessKey) (time.Time, error) {
	n, err := note.Open(signed, note.VerifierList(k))
	var unverified *note.UnverifiedNoteError
	if errors.As(err, &unverified) {
		return time.Time{}, ErrNotCosigned
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("cosignature of %s: %w", k.name, err)
	}
	if _, err := ledger.ParseCheckpoint(n.Text); err != nil {
		return time.Time{}, err
	}
	b, err := base64.StdEncoding.DecodeString(n.Sigs[0].Base64)
	if err != nil || len(b) != 4+8+ed25519.SignatureSize {
		return time.Time{}, fmt.Errorf("cosignature of %s is malformed", k.name) // Open has verified it, so it is not
	}
	return time.Unix(int64(binary.BigEndian.Uint64(b[4:])), 0).UTC(), nil
}

// WithCosignatures adds signature lines to a note, each once.
func WithCosignatures(signed []byte, lines ...[]byte) []byte {
	out := append([]byte(nil), signed...)
	_, signatures, _ := strings.Cut(string(signed), "\n\n")
	there := map[string]bool{}
	for line := range strings.Lines(signatures) {
		there[line] = true
	}
	for _, l := range lines {
		for line := range strings.Lines(string(l)) {
			if !there[line] {
				out = append(out, line...)
				there[line] = true
			}
		}
	}
	return out
}
