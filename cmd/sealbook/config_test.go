package main

import (
	"strings"
	"testing"
)

func TestConfig(t *testing.T) {
	t.Parallel()
	c, err := readConfig(nil)
	if err != nil || c.HTTPAddr != defaultHTTPAddr || c.Origin != defaultOrigin || c.URL != "http://"+defaultHTTPAddr || c.PublicURL != "http://"+defaultHTTPAddr {
		t.Errorf("the defaults are %+v, %v", c, err)
	}
	c, err = readConfig([]string{
		"SEALBOOK_HTTP_ADDR=:9000", "SEALBOOK_PUBLIC_URL=https://audit.example.com/", "SEALBOOK_TRUSTED_KEYS= a.vkey, ,b ", "SEALBOOK_LOG_LEVEL=debug",
		"SEALBOOK_URL=", "PATH=/bin", "HOME", "SEALBOOK_DATA=x", "SEALBOOK_TEST_ANYTHING=1",
	})
	if err != nil || c.HTTPAddr != ":9000" || c.PublicURL != "https://audit.example.com" || strings.Join(c.TrustedKeys, "|") != "a.vkey|b" ||
		c.LogLevel.String() != "DEBUG" || c.URL != "http://"+defaultHTTPAddr {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestPublicURLFollowsTheAddress(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"127.0.0.1:80": "http://127.0.0.1:80", ":8080": "http://localhost:8080", "0.0.0.0:8080": "http://localhost:8080",
		"[::]:8080": "http://localhost:8080", "[::1]:8080": "http://[::1]:8080", "audit.example:1": "http://audit.example:1",
	} {
		if c, err := readConfig([]string{"SEALBOOK_HTTP_ADDR=" + address}); err != nil || c.PublicURL != want {
			t.Errorf("%s: %s %v", address, c.PublicURL, err)
		}
	}
}

func TestConfigRefuses(t *testing.T) {
	t.Parallel()
	for variable, says := range map[string]string{
		"SEALBOOK_DATABSE_URL=x":       "SEALBOOK_DATABSE_URL is not a setting; did you mean SEALBOOK_DATABASE_URL?",
		"SEALBOOK_TRUSTED_KEY=x":       "did you mean SEALBOOK_TRUSTED_KEYS?",
		"SEALBOOK_FROBNICATION=":       "SEALBOOK_FROBNICATION is not a setting; unset it",
		"SEALBOOK_HTTP_ADDR=8080":      `SEALBOOK_HTTP_ADDR: "8080" is not an address like 127.0.0.1:8080`,
		"SEALBOOK_HTTP_ADDR=http://x:": "is not an address",
		"SEALBOOK_URL=localhost:8080":  "SEALBOOK_URL: \"localhost:8080\" is not a URL like https://sealbook.example",
		"SEALBOOK_PUBLIC_URL=ftp://x":  "SEALBOOK_PUBLIC_URL: ",
		"SEALBOOK_LOG_LEVEL=loud":      `"loud" is not one of debug, info, warn, error`,
		"SEALBOOK_ARTIFACTS=/var/lib":  "SEALBOOK_ARTIFACTS: \"/var/lib\" is not a URL like file:///",
		"SEALBOOK_KEY=sk_live_x":       "SEALBOOK_KEY is not an API key: it is incomplete or has a typing error",
	} {
		r := invoke(t, []string{variable}, "", "sample").want(t, exitUsage).says(t, says)
		if strings.Contains(r.stderr, "sk_live_x") {
			t.Errorf("an API key is shown: %s", r.stderr)
		}
	}
}

// TestEverySettingIsKnown: what a comment in Config promises is in the table.
func TestEverySettingIsKnown(t *testing.T) {
	t.Parallel()
	for _, s := range settings {
		if s.help == "" || s.read == nil {
			t.Errorf("%s is not complete", s.name)
		}
		if err := (environment{s.name + "=x"}).refuseUnknown(); err != nil {
			t.Error(err)
		}
	}
}
