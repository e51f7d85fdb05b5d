package hsm_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/hsm"
)

const secret = "8246-very-secret"

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		uri   hsm.URI
		shown string
	}{
		"pkcs11:object=seal?module-path=/m.so": {hsm.URI{Object: "seal", Module: "/m.so"}, "pkcs11:object=seal"},
		"PKCS11:token=The%20token;serial=0a;id=%00%ff%41;type=private?pin-value=" + secret + "&module-path=/a%20b/m.so": {
			hsm.URI{Token: "The token", Serial: "0a", ID: []byte("\x00\xffA"), Module: "/a b/m.so"}, "pkcs11:token=The%20token;serial=0a;id=%00%FF%41"},
		"pkcs11:model=M;manufacturer=N%3b;slot-id=7;object=a;id=b?module-path=/m.so&pin-source=file:/pin": {
			hsm.URI{Model: "M", Manufacturer: "N;", Slot: "7", Object: "a", ID: []byte("b"), Module: "/m.so"}, "pkcs11:manufacturer=N%3B;model=M;slot-id=7;object=a;id=%62"},
	} {
		u, err := hsm.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want.uri, u, cmpopts.IgnoreUnexported(hsm.URI{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", text, diff)
		}
		for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
			if got := fmt.Sprintf(format, u); got != want.shown {
				t.Errorf("%s of %s: %s, want %s", format, text, got, want.shown)
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"/etc/key.pem":                                "no URI",
		"pkcs11:":                                     "names no key",
		"pkcs11:token=a?module-path=/m.so":            "names no key",
		"pkcs11:object=a":                             "module-path",
		"pkcs11:object=a?module-path=m.so":            "absolute path",
		"pkcs11:object=a;object=b":                    "object twice",
		"pkcs11:object=a;label=b":                     "known are id, manufacturer, model, object, serial, slot-id, token, type",
		"pkcs11:object=a;":                            "without a value",
		"pkcs11:object=%zz":                           "percent-encoded",
		"pkcs11:object=a;type=public":                 "private only",
		"pkcs11:object=a;slot-id=b?module-path=/m.so": "no number",
		"pkcs11:object=a?module-name=b":               "known are module-path, pin-source, pin-value",
		// What somebody may write of a PIN, and what must not come out again.
		"pkcs11:object=a?pin-value=a&" + secret + "&module-path=/m.so":             "without a value",
		"pkcs11:object=a?module-path=/m.so&pin-value=%x" + secret:                  "percent-encoded",
		"pkcs11:object=a?module-path=/m.so&" + secret + "=":                        "not known here",
		"pkcs11:object=a;" + secret + "=b":                                         "not known here",
		"pkcs11:object=a?module-path=/m.so&pin-value=" + secret + "&pin-source=/a": "both pin-source and pin-value",
	} {
		_, err := hsm.Parse(text)
		if audit.CodeOf(err) != audit.InvalidParameter || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v, want InvalidParameter and %q", text, err, says)
		}
	}
}

func TestPIN(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "pin")
	if err := os.WriteFile(file, []byte(secret+"\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	lookup := func(name string) (string, bool) { return secret, name == "SEAL_PIN" }
	pin := func(query string) (string, error) {
		u, err := hsm.Parse("pkcs11:object=a?module-path=/m.so" + query)
		if err != nil {
			t.Fatal(err)
		}
		return u.PIN(lookup)
	}
	for query, want := range map[string]string{
		"": "", "&pin-value=" + secret: secret, "&pin-value=a%26b": "a&b", "&pin-source=" + file: secret, "&pin-source=file:" + file: secret,
		"&pin-source=file://" + file: secret, "&pin-source=env:SEAL_PIN": secret,
	} {
		if got, err := pin(query); got != want || err != nil {
			t.Errorf("%s: %q, %v", query, got, err)
		}
	}
	for query, says := range map[string]string{
		"&pin-source=file:" + file + "x": "no such file", "&pin-source=file:pin": "is a file", "&pin-source=pin": "is a file", "&pin-source=%7c/bin/pin": "is a file",
		"&pin-source=env:OTHER": "OTHER is not set", "&pin-source=" + empty: "there is no PIN", "&pin-source=" + filepath.Dir(file): "is a directory",
	} {
		if got, err := pin(query); got != "" || audit.CodeOf(err) != audit.InvalidParameter || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %q, %v, want %q", query, got, err, says)
		}
	}
}
