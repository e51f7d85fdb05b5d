package mail

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
)

var signedAt = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

func newKey(t *testing.T, c elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func signed(t *testing.T, key *ecdsa.PrivateKey, body string) http.Header {
	t.Helper()
	h, err := signEvents(key, []byte(body), signedAt)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestParseEvents(t *testing.T) {
	key := newKey(t, elliptic.P256())
	body := `[{"email":"reader-17@example.com","event":"deferred","sg_event_id":"e1","sg_message_id":"m1.x","delivery_id":"d1","timestamp":1893553445,"response":"400 later","ip":"192.0.2.1"},` +
		`{"event":"group_resubscribe","sg_event_id":"e2","timestamp":1893553446,"reason":"` + strings.Repeat("é", maxReason) + `"}]` + "\r\n"
	h := signed(t, key, body)
	for _, now := range []time.Time{signedAt, signedAt.Add(EventAge), signedAt.Add(-EventAge)} {
		got, err := ParseEvents(&key.PublicKey, h, []byte(body), now)
		if err != nil || len(got) != 2 || got[0] != (Event{"e1", "d1", "m1.x", Deferred, "400 later", signedAt.Truncate(time.Second)}) ||
			got[1].Kind != "group_resubscribe" || got[1].DeliveryID != "" || len(got[1].Reason) != maxReason {
			t.Errorf("at %s: %+v, %v", now, got, err)
		}
	}
	for i := range body {
		changed := []byte(body)
		changed[i] ^= 1
		if _, err := ParseEvents(&key.PublicKey, h, changed, signedAt); audit.CodeOf(err) != audit.Forbidden {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
	later := h.Clone()
	later.Set(timestampHeader, "1893553446")
	for name, c := range map[string]struct {
		key    *ecdsa.PublicKey
		header http.Header
		body   string
		now    time.Time
	}{
		"no line break at the end": {&key.PublicKey, h, strings.TrimSpace(body), signedAt},
		"too old":                  {&key.PublicKey, h, body, signedAt.Add(EventAge + 1)},
		"too new":                  {&key.PublicKey, h, body, signedAt.Add(-EventAge - 1)},
		"another key":              {&newKey(t, elliptic.P256()).PublicKey, h, body, signedAt},
		"no key":                   {nil, h, body, signedAt},
		"no headers":               {&key.PublicKey, nil, body, signedAt},
		"another timestamp":        {&key.PublicKey, later, body, signedAt},
	} {
		if got, err := ParseEvents(c.key, c.header, []byte(c.body), c.now); audit.CodeOf(err) != audit.Forbidden || got != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	event := `{"event":"x","sg_event_id":"e"},`
	for name, body := range map[string]string{
		"not JSON":        "[",
		"an object":       "{}",
		"no id":           `[{"event":"x"}]`,
		"no event":        `[{"sg_event_id":"e"}]`,
		"null":            `[null]`,
		"too many":        "[" + strings.TrimSuffix(strings.Repeat(event, MaxEvents+1), ",") + "]",
		"too many bytes":  "[" + strings.Repeat(" ", MaxEventsBytes) + "]",
		"a string's time": `[{"event":"x","sg_event_id":"e","timestamp":"now"}]`,
	} {
		if got, err := ParseEvents(&key.PublicKey, signed(t, key, body), []byte(body), signedAt); audit.CodeOf(err) != audit.InvalidParameter || got != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseEventKey(t *testing.T) {
	encode := func(key any) string {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return base64.StdEncoding.EncodeToString(der)
	}
	key := newKey(t, elliptic.P256())
	if got, err := ParseEventKey(encode(&key.PublicKey)); err != nil || !got.Equal(&key.PublicKey) {
		t.Error(err)
	}
	other, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "*", "AAAA", encode(other), encode(&newKey(t, elliptic.P384()).PublicKey)} {
		if key, err := ParseEventKey(bad); audit.CodeOf(err) != audit.InvalidParameter || key != nil {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
