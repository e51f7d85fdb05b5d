package stream

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
)

var signedAt = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)

// TestSignature holds the scheme against a signature that was made with
// OpenSSL: printf msg_1.1773480413.body | openssl dgst -sha256 -mac HMAC
// -macopt hexkey:… -binary | base64.
func TestSignature(t *testing.T) {
	key, err := ParseSecret("whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	h := Sign([][]byte{key}, "msg_1", signedAt, []byte("body"))
	if h.Get("webhook-id") != "msg_1" || h.Get("webhook-timestamp") != "1773480413" || h.Get("webhook-signature") != "v1,SI6F3InhbE/wCnaK6VO+IHMX2RbvJOvth+6jGBbiH2M=" {
		t.Errorf("headers are %v", h)
	}
}

func TestVerify(t *testing.T) {
	secret := func() []byte {
		text, err := NewSecret(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		key, err := ParseSecret(text)
		if err != nil || len(key) != 32 {
			t.Fatalf("%d bytes: %v", len(key), err)
		}
		return key
	}
	older, newer, others := secret(), secret(), secret()
	body := []byte(`{"seq":1}`)
	both := Sign([][]byte{newer, older}, "msg_1", signedAt, body)
	if n := len(strings.Fields(both.Get("webhook-signature"))); n != 2 {
		t.Fatalf("%d signatures", n)
	}
	with := func(key, value string) http.Header {
		h := both.Clone()
		h.Set(key, value)
		return h
	}
	plus := with("webhook-timestamp", "+1773480413") // signed, and yet not what the standard writes
	plus.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac(newer, "msg_1", "+1773480413", body)))
	for name, c := range map[string]struct {
		header http.Header
		body   string
		keys   [][]byte
		after  time.Duration
		valid  bool
	}{
		"the older secret":       {both, string(body), [][]byte{older}, 0, true},
		"the newer secret":       {both, string(body), [][]byte{newer}, 0, true},
		"one of two":             {both, string(body), [][]byte{others, older}, 0, true},
		"another secret":         {both, string(body), [][]byte{others}, 0, false},
		"no secret":              {both, string(body), nil, 0, false},
		"tampered body":          {both, `{"seq":2}`, [][]byte{older, newer}, 0, false},
		"longer body":            {both, string(body) + "\n", [][]byte{newer}, 0, false},
		"another id":             {with("webhook-id", "msg_2"), string(body), [][]byte{newer}, 0, false},
		"no id":                  {with("webhook-id", ""), string(body), [][]byte{newer}, 0, false},
		"another time":           {with("webhook-timestamp", "1773480414"), string(body), [][]byte{newer}, 0, false},
		"no time":                {with("webhook-timestamp", ""), string(body), [][]byte{newer}, 0, false},
		"a time in another form": {plus, string(body), [][]byte{newer}, 0, false},
		"another scheme":         {with("webhook-signature", "v1a,"+both.Get("webhook-signature")[3:47]), string(body), [][]byte{newer}, 0, false},
		"an unknown one first":   {with("webhook-signature", "v2,x v1,! "+both.Get("webhook-signature")), string(body), [][]byte{newer}, 0, true},
		"no signature":           {with("webhook-signature", ""), string(body), [][]byte{newer}, 0, false},
		"in time":                {both, string(body), [][]byte{newer}, Tolerance, true},
		"too late":               {both, string(body), [][]byte{newer}, Tolerance + time.Second, false},
		"early":                  {both, string(body), [][]byte{newer}, -Tolerance, true},
		"too early":              {both, string(body), [][]byte{newer}, -Tolerance - time.Second, false},
	} {
		err := Verify(c.header, []byte(c.body), c.keys, signedAt.Add(c.after), Tolerance)
		if c.valid != (err == nil) || err != nil && audit.CodeOf(err) != audit.Unauthenticated {
			t.Errorf("%s: %v", name, err)
		}
	}

	// The same bytes are signed when a part of the body is taken for the time.
	moved := Sign([][]byte{newer}, "msg_1", signedAt, []byte("1773480413.the rest"))
	moved.Set("webhook-id", "msg_1.1773480413")
	if Verify(moved, []byte("the rest"), [][]byte{newer}, signedAt, Tolerance) == nil {
		t.Error("an id with a dot is taken")
	}
}

func TestSecrets(t *testing.T) {
	encoded := func(n int) string { return "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, n)) }
	for text, valid := range map[string]bool{
		encoded(24): true, encoded(32): true, encoded(64): true,
		encoded(23): false, encoded(65): false, encoded(32)[6:]: false, "": false, "whsec_": false,
		encoded(32) + "\n": false, encoded(32)[:20] + "\n" + encoded(32)[20:]: false, "whsec_" + strings.Repeat("-", 44): false,
		encoded(32)[:48] + "B=": false, // the same bytes in a second form
	} {
		_, err := ParseSecret(text)
		if valid != (err == nil) || err != nil && audit.CodeOf(err) != audit.InvalidParameter {
			t.Errorf("%q: %v", text, err)
		}
		if err != nil && len(text) > 10 && strings.Contains(err.Error(), text[6:]) {
			t.Errorf("the error repeats the secret: %v", err)
		}
	}
	if _, err := NewSecret(strings.NewReader("short")); err == nil {
		t.Error("a secret of too few random bytes")
	}
}
