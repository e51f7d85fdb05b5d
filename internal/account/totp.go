package account

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 6238 as every authenticator has it; HMAC does not rest on collisions
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"net/url"
	"time"
)

// How one-time codes are made (RFC 6238, and RFC 4226 below it): what every
// authenticator takes without being told.
const (
	codePeriod  = 30 // seconds of a step
	codeDigits  = 6
	codeSecret  = 20 // bytes: as long as the hash, RFC 4226 section 4
	codeWindow  = 1  // steps before and after the present one (RFC 6238, section 5.2)
	codeModulus = 1_000_000
)

// NewCodeSecret draws the secret of an authenticator.
func NewCodeSecret() ([]byte, error) {
	secret := make([]byte, codeSecret)
	if _, err := rand.Read(secret); err != nil {
		return nil, fmt.Errorf("draw secret: %w", err)
	}
	return secret, nil
}

// CodeText is a secret as a person types it into an authenticator.
func CodeText(secret []byte) string { return codeEncoding.EncodeToString(secret) }

// CodeURI is a secret as an authenticator scans it.
func CodeURI(secret []byte, issuer, account string) string {
	values := url.Values{"secret": {CodeText(secret)}, "issuer": {issuer}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"}}
	return (&url.URL{Scheme: "otpauth", Host: "totp", Path: "/" + issuer + ":" + account, RawQuery: values.Encode()}).String()
}

// Code is the one-time code of a moment.
func Code(secret []byte, at time.Time) string { return hotp(secret, step(at)) }

func step(at time.Time) int64 { return at.Unix() / codePeriod }

// MatchCode finds the step that a code is of, around a moment: the caller sees to
// it that no step is taken twice. Every step is compared, so the time that it
// takes tells nothing.
func MatchCode(secret []byte, code string, at time.Time) (taken int64, ok bool) {
	for offset := int64(-codeWindow); offset <= codeWindow; offset++ {
		n := step(at) + offset
		if subtle.ConstantTimeCompare([]byte(hotp(secret, n)), []byte(code)) == 1 {
			taken, ok = n, true
		}
	}
	return taken, ok
}

func hotp(secret []byte, counter int64) string {
	m := hmac.New(sha1.New, secret)
	m.Write(binary.BigEndian.AppendUint64(nil, uint64(counter)))
	sum := m.Sum(nil)
	offset := sum[len(sum)-1] & 0xf
	n := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	return fmt.Sprintf("%0*d", codeDigits, n%codeModulus)
}
