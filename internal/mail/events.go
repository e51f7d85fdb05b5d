package mail

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// The headers of SendGrid's Signed Event Webhook.
const (
	signatureHeader = "X-Twilio-Email-Event-Webhook-Signature"
	timestampHeader = "X-Twilio-Email-Event-Webhook-Timestamp"
)

// Limits of one post of events.
const (
	EventAge       = 10 * time.Minute // that a post's timestamp may differ from the clock
	MaxEventsBytes = 1 << 20
	MaxEvents      = 10_000
)

// The kinds of events that say what became of a message. SendGrid has others.
const (
	Processed = "processed" // SendGrid will try to deliver it
	Deferred  = "deferred"  // the receiving server did not take it yet
	Delivered = "delivered" // the receiving server took it; nobody may have read it
	Bounce    = "bounce"    // the receiving server refused it, perhaps after it was delivered
	Dropped   = "dropped"   // SendGrid did not try
)

// Event is one report about one message. Events come more than once and in any
// order.
type Event struct {
	ID         string // the same in every repetition
	DeliveryID string // empty: the message is not of this package
	MessageID  string // begins with that of Sent
	Kind       string
	Reason     string // a receiving server's words; may hold the recipient's address
	Time       time.Time
}

// wireEvent is an event as SendGrid writes it.
type wireEvent struct {
	ID         string `json:"sg_event_id"`
	MessageID  string `json:"sg_message_id"`
	DeliveryID string `json:"delivery_id,omitempty"`
	Email      string `json:"email"`
	Kind       string `json:"event"`
	Timestamp  int64  `json:"timestamp"`
	Reason     string `json:"reason,omitempty"`
	Response   string `json:"response,omitempty"`
}

// ParseEvents verifies a post of SendGrid's Event Webhook and reads it. raw is
// the body to the last byte: it ends with a line break that is signed too. The
// error is Forbidden when it is not signed with the key or not fresh, and
// InvalidParameter when it is too large or not events.
func ParseEvents(publicKey *ecdsa.PublicKey, header http.Header, raw []byte, now time.Time) ([]Event, error) {
	if len(raw) > MaxEventsBytes {
		return nil, audit.Errorf(audit.InvalidParameter, "the events have more than %d bytes", MaxEventsBytes)
	}
	stamp := header.Get(timestampHeader)
	signature, err := base64.StdEncoding.DecodeString(header.Get(signatureHeader))
	if err != nil || publicKey == nil || !ecdsa.VerifyASN1(publicKey, digest(stamp, raw), signature) {
		return nil, audit.Errorf(audit.Forbidden, "the events are not signed with the key that is known here")
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if at := time.Unix(seconds, 0); err != nil || at.Before(now.Add(-EventAge)) || at.After(now.Add(EventAge)) {
		return nil, audit.Errorf(audit.Forbidden, "the events' timestamp differs by more than %s from this machine's clock", EventAge)
	}
	var wire []wireEvent
	if err := json.Unmarshal(raw, &wire); err != nil {
		return nil, &audit.Error{Code: audit.InvalidParameter, Message: "the body is not a JSON array of events", Err: err}
	}
	if len(wire) > MaxEvents {
		return nil, audit.Errorf(audit.InvalidParameter, "there are more than %d events", MaxEvents)
	}
	events := make([]Event, len(wire))
	for i, w := range wire {
		if w.ID == "" || w.Kind == "" {
			return nil, audit.Errorf(audit.InvalidParameter, "event %d has no sg_event_id or no event", i)
		}
		if w.Reason == "" {
			w.Reason = w.Response
		}
		events[i] = Event{w.ID, w.DeliveryID, w.MessageID, w.Kind, clip(w.Reason), time.Unix(w.Timestamp, 0).UTC()}
	}
	return events, nil
}

// ParseEventKey reads the verification key that SendGrid shows: the base64 of a
// SubjectPublicKeyInfo with an ECDSA key on P-256. The error is
// InvalidParameter.
func ParseEventKey(base64DER string) (*ecdsa.PublicKey, error) {
	der, err := base64.StdEncoding.DecodeString(base64DER)
	if err == nil {
		var key any
		key, err = x509.ParsePKIXPublicKey(der)
		if k, ok := key.(*ecdsa.PublicKey); ok && k.Curve == elliptic.P256() {
			return k, nil
		}
	}
	return nil, &audit.Error{Code: audit.InvalidParameter, Message: "the key is not the base64 of an ECDSA P-256 public key", Err: err}
}

// signEvents gives the headers of a post, as SendGrid makes them.
func signEvents(key *ecdsa.PrivateKey, raw []byte, now time.Time) (http.Header, error) {
	stamp := strconv.FormatInt(now.Unix(), 10)
	signature, err := ecdsa.SignASN1(rand.Reader, key, digest(stamp, raw))
	if err != nil {
		return nil, fmt.Errorf("sign events: %w", err)
	}
	h := http.Header{"Content-Type": {"application/json"}}
	h.Set(timestampHeader, stamp)
	h.Set(signatureHeader, base64.StdEncoding.EncodeToString(signature))
	return h, nil
}

func digest(stamp string, raw []byte) []byte {
	h := sha256.New()
	h.Write([]byte(stamp))
	h.Write(raw)
	return h.Sum(nil)
}
