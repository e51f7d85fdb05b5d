package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
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

func TestLimitsOfTheAPI(t *testing.T) {
	t.Parallel()
	c, err := readConfig([]string{"SEALBOOK_RATE_LIMIT=50", "SEALBOOK_RATE_BURST=70", "SEALBOOK_CORS_ORIGINS=https://a.example, http://b.example:81"})
	if err != nil || c.RateLimit != 50 || c.RateBurst != 70 || strings.Join(c.CORSOrigins, "|") != "https://a.example|http://b.example:81" {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err = readConfig([]string{"SEALBOOK_RATE_LIMIT=0"}); err != nil || c.RateLimit >= 0 {
		t.Errorf("0 requests a second are %d, %v", c.RateLimit, err)
	}
	if c, err = readConfig([]string{"SEALBOOK_READ_FLUSH=250ms"}); err != nil || c.ReadFlush != 250*time.Millisecond {
		t.Errorf("%s, %v", c.ReadFlush, err)
	}
	if c, err = readConfig([]string{"SEALBOOK_READ_FLUSH=0"}); err != nil || c.ReadFlush >= 0 {
		t.Errorf("without waiting: %s, %v", c.ReadFlush, err)
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
		"SEALBOOK_RATE_LIMIT=-1":  "not a number of requests",
		"SEALBOOK_RATE_BURST=0":   "from 1",
		"SEALBOOK_CORS_ORIGINS=*": "not an origin",
		"SEALBOOK_READ_FLUSH=1":   "not 0 or a time like 1s",
		"SEALBOOK_READ_FLUSH=1ms": "from 10ms to 1m0s",
		"SEALBOOK_READ_FLUSH=2m":  "from 10ms to 1m0s",
	} {
		r := invoke(t, []string{variable}, "", "sample").want(t, exitUsage).says(t, says)
		if strings.Contains(r.stderr, "sk_live_x") {
			t.Errorf("an API key is shown: %s", r.stderr)
		}
	}
}

func TestIdentityProviderIsConfigured(t *testing.T) {
	t.Parallel()
	c, err := readConfig(nil)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := c.identity(); p != nil || err != nil {
		t.Errorf("without an issuer there is %v, %v", p, err)
	}
	issuer := "SEALBOOK_OIDC_ISSUER=https://login.example"
	if c, err = readConfig([]string{issuer}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.identity(); err == nil || !strings.Contains(err.Error(), "SEALBOOK_OIDC_AUDIENCE and SEALBOOK_OIDC_ROLES are not set") {
		t.Error(err)
	}
	c, err = readConfig([]string{issuer, "SEALBOOK_OIDC_AUDIENCE=sealbook", "SEALBOOK_OIDC_ROLES=cn=Audit=auditor, ops=admin", "SEALBOOK_OIDC_CLIENT_ID=console", "SEALBOOK_OIDC_STEP_UP_ACR=mfa, phr", "SEALBOOK_TRUSTED_PROXIES=10.0.0.0/8, ::1"})
	if err != nil || c.Identity.Roles["cn=Audit"] != "auditor" || c.Identity.Roles["ops"] != "admin" || len(c.TrustedProxies) != 2 {
		t.Fatalf("%+v %v", c.Identity, err)
	}
	p, err := c.identity()
	if p == nil || err != nil {
		t.Fatalf("%v, %v", p, err)
	}
	if how, ok := p.StepUp(); !ok || how.ClientID != "console" || strings.Join(how.ACR, " ") != "mfa phr" {
		t.Errorf("%+v", how)
	}
	if c, err = readConfig([]string{issuer, "SEALBOOK_OIDC_AUDIENCE=sealbook", "SEALBOOK_OIDC_ROLES=ops=admin", "SEALBOOK_OIDC_CLIENT_ID=console"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.identity(); err == nil || !strings.Contains(err.Error(), "SEALBOOK_OIDC_STEP_UP_ACR") {
		t.Errorf("a client without classes: %v", err)
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

// TestComposeSetsEverySetting: whoever runs docker compose can set all that the
// two processes read.
func TestComposeSetsEverySetting(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docker-compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range commands() {
		if c.name != "serve" && c.name != "worker" {
			continue
		}
		for _, name := range c.settings {
			if name != temporalSettings && !strings.Contains(string(text), "\n  "+name+": ") {
				t.Errorf("%s of %s is not in docker-compose.yml", name, c.name)
			}
		}
	}
}
