// Package account makes and checks what people sign in with: passwords, one-time
// codes, and the secrets that begin and carry a session. It guards that nothing
// that is stored lets anybody sign in, and that what is checked takes the same
// work whoever asks. The API and the person command use it.
package account

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"strings"
)

// SessionPrefix is how every session's token begins.
const SessionPrefix = "sbs_"

// token is a secret of 256 random bits, which needs no slow hash.
func token(prefix string) (text string, err error) {
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("draw token: %w", err)
	}
	return prefix + base64.RawURLEncoding.EncodeToString(raw), nil
}

// NewNonce returns what one signature has to answer.
func NewNonce() (string, error) { return token("nonce_") }

// NewSession returns a session's token, which is shown once.
func NewSession() (string, error) { return token(SessionPrefix) }

var codeEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// NewCode returns an enrolment code for a person to type, of 130 random bits in
// groups of letters and digits.
func NewCode() (string, error) {
	raw := make([]byte, 17)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("draw code: %w", err)
	}
	letters := codeEncoding.EncodeToString(raw)[:26]
	return strings.Join([]string{letters[:6], letters[6:11], letters[11:16], letters[16:21], letters[21:]}, "-"), nil
}

// PlainCode is a code however it was typed.
func PlainCode(text string) string {
	return strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(text))
}
