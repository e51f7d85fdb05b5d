package api_test

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/sealbook/sealbook/api"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

func networks(t *testing.T, texts ...string) []netip.Prefix {
	t.Helper()
	p, err := audit.ParseCIDRs(texts)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestKeysWorkFromTheirNetworks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, cidrs := range map[string][]string{
		"here": {"192.0.2.0/24", "127.0.0.0/8"}, "elsewhere": {"192.0.2.0/24", "::1"},
	} {
		b.keys[name] = b.key("org_test", name, audit.Permissions, func(k *store.Key) { k.AllowedCIDRs = networks(t, cidrs...) })
	}
	b.get("here", "~/entries").want(200)
	a := b.get("elsewhere", "~/entries").want(401)
	// Like any other key that is not good.
	b.keys["unknown"] = "x"
	if unknown := b.get("unknown", "~/entries").want(401); unknown.text("error.message") != a.text("error.message") {
		t.Errorf("%s", a.body)
	}
	// Nobody's word is taken for it where no proxy is trusted.
	spoofed := http.Header{"X-Forwarded-For": {"192.0.2.1"}}
	b.send(request{method: "GET", path: "~/entries", as: "elsewhere", header: spoofed}).want(401)
	if at := b.send(request{method: "GET", path: "~/me", as: "here", header: spoofed}).want(200).text("data.address"); at != "127.0.0.1" {
		t.Error(at)
	}
}

func TestProxiesThatAreTrusted(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *api.Config, _ *ledger.Config) { c.TrustedProxies = networks(t, "127.0.0.0/8", "10.0.0.0/8") })
	b.keys["narrow"] = b.key("org_test", "narrow", audit.Permissions, func(k *store.Key) { k.AllowedCIDRs = networks(t, "192.0.2.0/24", "2001:db8::/32") })
	for _, c := range []struct {
		forwarded []string
		status    int
		address   string // as a key that may come from anywhere sees it
	}{
		{nil, 401, "127.0.0.1"},
		{[]string{"192.0.2.7"}, 200, "192.0.2.7"},
		{[]string{"192.0.2.7, 10.1.1.1"}, 200, "192.0.2.7"},
		{[]string{"192.0.2.7", "10.1.1.1", "10.2.2.2"}, 200, "192.0.2.7"},
		{[]string{"2001:db8::5"}, 200, "2001:db8::5"},
		{[]string{"[2001:db8::5]:4711"}, 200, "2001:db8::5"},
		{[]string{"192.0.2.7:4711"}, 200, "192.0.2.7"},
		{[]string{"::ffff:192.0.2.7"}, 200, "192.0.2.7"},
		// What stands left of a stranger is what the stranger says.
		{[]string{"192.0.2.7, 203.0.113.9"}, 401, "203.0.113.9"},
		{[]string{"192.0.2.7", "203.0.113.9, 10.1.1.1"}, 401, "203.0.113.9"},
		{[]string{"10.1.1.1"}, 401, "10.1.1.1"},
		{[]string{"192.0.2.7, unknown"}, 401, ""},
		{[]string{"192.0.2.7,"}, 401, ""},
	} {
		header := http.Header{}
		if c.forwarded != nil {
			header["X-Forwarded-For"] = c.forwarded
		}
		b.send(request{method: "GET", path: "~/entries", as: "narrow", header: header}).want(c.status)
		at := b.send(request{method: "GET", path: "~/me", as: "full", header: header}).want(200).text("data.address")
		if at != c.address && (c.address != "" || netip.MustParseAddrPort(at).Addr().String() != "127.0.0.1") {
			t.Errorf("%v: %s, not %s", c.forwarded, at, c.address)
		}
	}
	// It is also what the ledger says.
	id := b.post("full", "~/entries", `{"event_type":"scan.started"}`).want(201).text("data.id")
	b.send(request{method: "GET", path: "~/entries/" + id, as: "full", header: http.Header{"X-Forwarded-For": {"192.0.2.7"}}}).want(200)
	b.flush()
	if ip := b.get("full", "~/logs?event_type=audit.entry_read").want(200).text("data.0.ip_address"); ip != "192.0.2.7" {
		t.Error(ip)
	}
}
