package stream

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// The headers of Standard Webhooks 1.0.
const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
)

const (
	secretPrefix    = "whsec_"
	signatureScheme = "v1," // HMAC-SHA256
	secretBytes     = 32    // of a new secret

	// What Standard Webhooks takes as a secret, in bytes.
	minSecretBytes, maxSecretBytes = 24, 64
)

// Tolerance is how far a receiver should let a message's timestamp differ from
// its own clock: five minutes, as Standard Webhooks' libraries do.
const Tolerance = 5 * time.Minute

// NewSecret makes a secret of 32 bytes from random in the form that receivers
// are given, whsec_ and base64.
func NewSecret(random io.Reader) (string, error) {
	var b [secretBytes]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("make webhook secret: %w", err)
	}
	return secretPrefix + base64.StdEncoding.EncodeToString(b[:]), nil
}

// ParseSecret reads the key, 24 to 64 bytes, out of a secret. The error is
// InvalidParameter and does not repeat the text.
func ParseSecret(text string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(text, secretPrefix)
	key, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if !ok || err != nil || strings.ContainsAny(encoded, "\r\n") || len(key) < minSecretBytes || len(key) > maxSecretBytes {
		return nil, audit.Errorf(audit.InvalidParameter, "a secret is %s and the base64 of %d to %d bytes", secretPrefix, minSecretBytes, maxSecretBytes)
	}
	return key, nil
}

// Sign gives the headers of a message: one signature for each secret, so that
// a receiver that knows either of two can verify it while they are changed.
// The id must be the same when the message comes again, and has no dot.
func Sign(secrets [][]byte, id string, at time.Time, body []byte) http.Header {
	stamp := strconv.FormatInt(at.Unix(), 10)
	signatures := make([]string, len(secrets))
	for i, secret := range secrets {
		signatures[i] = signatureScheme + base64.StdEncoding.EncodeToString(mac(secret, id, stamp, body))
	}
	h := http.Header{}
	h.Set(headerID, id)
	h.Set(headerTimestamp, stamp)
	h.Set(headerSignature, strings.Join(signatures, " "))
	return h
}

// Verify is what a receiver does: the message must be signed with one of the
// secrets, and its timestamp must be at most tolerance from now. Signatures of
// other schemes are passed over. The error is Unauthenticated.
func Verify(header http.Header, body []byte, secrets [][]byte, now time.Time, tolerance time.Duration) error {
	id, stamp := header.Get(headerID), header.Get(headerTimestamp)
	// A dot in the id would move the border between what is signed.
	if id == "" || strings.Contains(id, ".") {
		return audit.Errorf(audit.Unauthenticated, "the message has no usable %s", strings.ToLower(headerID))
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || strconv.FormatInt(seconds, 10) != stamp {
		return audit.Errorf(audit.Unauthenticated, "the message's %s is not a number of seconds", strings.ToLower(headerTimestamp))
	}
	at := time.Unix(seconds, 0)
	if at.Before(now.Add(-tolerance)) || at.After(now.Add(tolerance)) {
		return audit.Errorf(audit.Unauthenticated, "the message's timestamp differs by more than %s from this machine's clock", tolerance)
	}
	for signature := range strings.FieldsSeq(header.Get(headerSignature)) {
		encoded, ok := strings.CutPrefix(signature, signatureScheme)
		if !ok {
			continue
		}
		given, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			continue
		}
		for _, secret := range secrets {
			if hmac.Equal(given, mac(secret, id, stamp, body)) {
				return nil
			}
		}
	}
	return audit.Errorf(audit.Unauthenticated, "no signature of the message is made with a secret that is known here")
}

func mac(secret []byte, id, stamp string, body []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(id + "." + stamp + "."))
	h.Write(body)
	return h.Sum(nil)
}
