package passkey_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"strings"
	"testing"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/passkey"
	"github.com/sealbook/sealbook/internal/passkey/passkeytest"
)

const origin, host = "https://sealbook.example.com", "sealbook.example.com"

func challenge(of string) []byte {
	sum := sha256.Sum256([]byte(of))
	return sum[:]
}

func site(t *testing.T) *passkey.Site {
	t.Helper()
	s, err := passkey.NewSite(strings.ToUpper(origin)+"/audit", "Sealbook")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// added is a holder with a passkey on a device.
func added(t *testing.T, s *passkey.Site, change func(*passkeytest.Device)) (*passkey.Holder, *passkeytest.Device) {
	t.Helper()
	h, d := &passkey.Holder{ID: "user_1", Email: "a@example.com", Name: "A"}, passkeytest.New(t, origin, host)
	if change != nil {
		change(d)
	}
	asked, err := s.AskToAdd(h, challenge("add"))
	if err != nil {
		t.Fatal(err)
	}
	k, err := s.Add(h, challenge("add"), d.Create(asked))
	if err != nil {
		t.Fatal(err)
	}
	h.Keys = append(h.Keys, k)
	return h, d
}

func ask(t *testing.T, s *passkey.Site, h *passkey.Holder, of string) json.RawMessage {
	t.Helper()
	asked, err := s.AskToSign(h, challenge(of))
	if err != nil {
		t.Fatal(err)
	}
	return asked
}

func TestSigningWithAPasskey(t *testing.T) {
	t.Parallel()
	s := site(t)
	h, d := added(t, s, nil)
	if asked, err := s.AskToAdd(h, challenge("again")); err != nil || !strings.Contains(string(asked), `"excludeCredentials":[{`) {
		t.Errorf("a device is not told which passkeys there are: %s %v", asked, err)
	}
	for range 3 {
		asked := ask(t, s, h, "sign")
		if !strings.Contains(string(asked), `"userVerification":"required"`) || !strings.Contains(string(asked), `"rpId":"`+host+`"`) {
			t.Errorf("%s", asked)
		}
		k, err := s.Signed(h, challenge("sign"), d.Sign(asked))
		if err != nil || k.Counter != d.Counter || !bytes.Equal(k.ID, d.ID) {
			t.Fatalf("%+v %v", k, err)
		}
		h.Keys[0] = k
	}
	// Many authenticators do not count, and say so by 0.
	other, still := added(t, s, func(d *passkeytest.Device) { d.Still, d.BackedUp = true, true })
	for range 2 {
		if k, err := s.Signed(other, challenge("sign"), still.Sign(ask(t, s, other, "sign"))); err != nil || k.Counter != 0 || !k.BackedUp {
			t.Errorf("%+v %v", k, err)
		}
	}
}

func TestPasskeysThatDoNotCount(t *testing.T) {
	t.Parallel()
	s := site(t)
	refused := func(what string, err error, why string) {
		t.Helper()
		e, ok := err.(*audit.Error)
		if !ok || e.Code != audit.Unauthenticated || e.Err == nil || !strings.Contains(strings.ToLower(e.Err.Error()), why) || why != "" && strings.Contains(e.Message, why) {
			t.Errorf("%s: %v, and not because of %s", what, err, why)
		}
	}
	for what, c := range map[string]struct {
		change func(*passkeytest.Device)
		why    string
	}{
		"a page of another site":        {func(d *passkeytest.Device) { d.Origin = "https://sealbook.example.net" }, "origin"},
		"a passkey for another site":    {func(d *passkeytest.Device) { d.Site = "example.com" }, "rp hash"},
		"who did not show who they are": {func(d *passkeytest.Device) { d.Unverified = true }, "user verification"},
	} {
		h, d := added(t, s, nil)
		c.change(d)
		_, err := s.Signed(h, challenge("sign"), d.Sign(ask(t, s, h, "sign")))
		refused(what+", to sign", err, c.why)
		asked, err := s.AskToAdd(h, challenge("add"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Add(h, challenge("add"), d.Create(asked))
		refused(what+", to add", err, c.why)
	}
	h, d := added(t, s, nil)
	_, err := s.Signed(h, challenge("another document"), d.Sign(ask(t, s, h, "sign")))
	refused("another challenge", err, "challenge")
	_, err = s.Add(h, challenge("another"), d.Create(ask(t, s, h, "add")))
	refused("another challenge to add", err, "challenge")
	_, err = s.Signed(h, challenge("sign"), passkeytest.New(t, origin, host).Sign(ask(t, s, h, "sign")))
	refused("a stranger's passkey", err, "credential")
	stranger := passkeytest.New(t, origin, host)
	stranger.ID = d.ID
	_, err = s.Signed(h, challenge("sign"), stranger.Sign(ask(t, s, h, "sign")))
	refused("a stranger's signature", err, "signature")
	h.Keys[0].Counter = d.Counter + 5
	_, err = s.Signed(h, challenge("sign"), d.Sign(ask(t, s, h, "sign")))
	refused("a copy", err, "copy")
	for _, text := range []string{``, `{}`, `[]`, `{"id":"AA","rawId":"AA","type":"public-key","response":{}}`, `{"id":1}`} {
		_, err = s.Signed(h, challenge("sign"), json.RawMessage(text))
		refused(text, err, "")
		_, err = s.Add(h, challenge("sign"), json.RawMessage(text))
		refused(text, err, "")
	}
}

func TestSitesWithPasskeys(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"https://sealbook.example.com", "https://sealbook.example.com:8443/x", "http://localhost:8080"} {
		if _, err := passkey.NewSite(good, "Sealbook"); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "https://", "http://sealbook.example.com", "https://192.0.2.1", "http://127.0.0.1:8080", "ftp://localhost", "https://[2001:db8::1]:8443"} {
		if _, err := passkey.NewSite(bad, "Sealbook"); audit.CodeOf(err) != audit.InvalidParameter {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
