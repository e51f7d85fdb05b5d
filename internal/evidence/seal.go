package evidence

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// sealVersion is the first line of what a package's signature signs.
const sealVersion = "sealbook-package/v1"

// SealName is the name under which an origin's key signs packages. Its key id
// differs from the one that signs checkpoints.
func SealName(origin string) string { return origin + "/packages" }

// sealText is what is signed, as a C2SP signed note:
//
//	sealbook-package/v1
//	<origin>
//	<export id>
//	sha256:<hex of tagmanifest-sha256.txt>
//
// A checkpoint has three lines, so no checkpoint's signature fits a package,
// nor the other way round, although one key makes both.
func sealText(origin string, id audit.ExportID, tagmanifest []byte) string {
	h := sha256.Sum256(tagmanifest)
	return fmt.Sprintf("%s\n%s\n%s\nsha256:%s\n", sealVersion, origin, id, hex.EncodeToString(h[:]))
}

// openSeal verifies a package's signature: a note of exactly this text with
// exactly one signature, in its one encoding, so that no byte of it can differ.
func openSeal(note []byte, text, vkey string) error {
	origin, public, err := parseKey(vkey)
	if err != nil {
		return err
	}
	name := SealName(origin)
	rest, ok := strings.CutPrefix(string(note), text+"\n")
	if !ok {
		return fmt.Errorf("it does not sign this tagmanifest, export and ledger")
	}
	encoded, ok := strings.CutPrefix(rest, "— "+name+" ")
	if !ok {
		return fmt.Errorf("it has no signature by %s", name)
	}
	encoded, ok = strings.CutSuffix(encoded, "\n")
	sig, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if !ok || err != nil || strings.ContainsAny(encoded, "\r\n") || len(sig) != 4+ed25519.SignatureSize {
		return fmt.Errorf("the signature line is malformed, or there is more than one")
	}
	h := sha256.Sum256(append([]byte(name+"\n\x01"), public...))
	if binary.BigEndian.Uint32(sig) != binary.BigEndian.Uint32(h[:]) {
		return fmt.Errorf("it is by another key than the one in the package")
	}
	if !ed25519.Verify(public, []byte(text), sig[4:]) {
		return fmt.Errorf("the signature is wrong")
	}
	return nil
}

// parseKey returns the name and the Ed25519 key in a vkey.
func parseKey(vkey string) (name string, public ed25519.PublicKey, err error) {
	if _, err := ledger.KeyFingerprint(vkey); err != nil {
		return "", nil, err
	}
	parts := strings.SplitN(vkey, "+", 3) // KeyFingerprint has checked their form
	b, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil {
		return "", nil, fmt.Errorf("verifier key: %w", err)
	}
	return parts[0], b[1:], nil
}

// pinned reports whether one of keys, each a vkey or a fingerprint
// "SHA256:…", is the key in the package.
func pinned(keys []string, vkey string) (bool, error) {
	name, public, err := parseKey(vkey)
	if err != nil {
		return false, err
	}
	fingerprint, _ := ledger.KeyFingerprint(vkey)
	for _, k := range keys {
		k = strings.TrimSpace(k)
		if k == fingerprint {
			return true, nil
		}
		if n, p, err := parseKey(k); err == nil && n == name && p.Equal(public) {
			return true, nil
		}
	}
	return false, nil
}

// CheckKey reports what is wrong with a key that someone wants to pin: it is a
// vkey or a fingerprint "SHA256:…". Returns InvalidParameter.
func CheckKey(key string) error {
	key = strings.TrimSpace(key)
	if hash, ok := strings.CutPrefix(key, "SHA256:"); ok {
		if b, err := base64.RawStdEncoding.Strict().DecodeString(hash); err == nil && len(b) == sha256.Size {
			return nil
		}
	} else if _, _, err := parseKey(key); err == nil {
		return nil
	}
	return audit.Errorf(audit.InvalidParameter, "%.80q is neither a verifier key (name+id+key) nor a fingerprint (SHA256:…)", key)
}
