package stream

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/sealbook/sealbook/audit"
)

// addresses are the edges of every network that is refused, and their
// neighbours outside.
var addresses = map[string]bool{ // is it public?
	"8.8.8.8": true, "1.1.1.1": true, "2606:4700::1111": true, "2a00:1450::1": true,

	"0.0.0.0": false, "0.255.255.255": false, "1.0.0.0": true,
	"9.255.255.255": true, "10.0.0.0": false, "10.255.255.255": false, "11.0.0.0": true,
	"100.63.255.255": true, "100.64.0.0": false, "100.127.255.255": false, "100.128.0.0": true,
	"126.255.255.255": true, "127.0.0.1": false, "127.255.255.255": false, "128.0.0.0": true,
	"169.253.255.255": true, "169.254.169.254": false, "169.255.0.0": true,
	"172.15.255.255": true, "172.16.0.0": false, "172.31.255.255": false, "172.32.0.0": true,
	"192.0.0.0": false, "192.0.0.255": false, "192.0.1.0": true, "192.0.2.1": false, "192.0.3.0": true, "192.88.99.1": false,
	"192.167.255.255": true, "192.168.0.0": false, "192.168.255.255": false, "192.169.0.0": true,
	"198.17.255.255": true, "198.18.0.0": false, "198.19.255.255": false, "198.20.0.0": true,
	"198.51.100.1": false, "203.0.113.1": false, "203.0.114.0": true,
	"223.255.255.255": true, "224.0.0.1": false, "239.255.255.255": false, "240.0.0.1": false, "255.255.255.255": false,

	"::": false, "::1": false, "::8.8.8.8": false, "100::1": false,
	"fc00::1": false, "fdff::1": false, "fe80::1": false, "fe80::1%eth0": false, "fec0::1": false, "ff02::1": false,
	"1fff::1": false, "4000::1": false, "5f00::1": false,
	"2001::1": false, "2001:2::1": false, "2001:1ff:ffff::1": false, "2001:200::1": true, "2001:db8::1": false, "3fff::1": false,
	"2002:7f00:1::": false, "2002:808:808::": false,

	"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::ffff:169.254.169.254": false, "::ffff:8.8.8.8": true,
	"64:ff9b::127.0.0.1": false, "64:ff9b::10.0.0.1": false, "64:ff9b::a9fe:a9fe": false, "64:ff9b::8.8.8.8": true,
	"64:ff9b:1::8.8.8.8": false, "64:ff9b::1:808:808": false,
}

func TestAddresses(t *testing.T) {
	strict, own := &Sender{}, &Sender{Allow: prefixes("10.0.0.0/8", "fd00::/8")}
	everywhere := &Sender{Allow: prefixes("0.0.0.0/0", "::/0")}
	for text, want := range addresses {
		at := netip.AddrPortFrom(netip.MustParseAddr(text), 443).String()
		if got := strict.refuseInside("tcp", at, nil) == nil; got != want {
			t.Errorf("%s: connected is %t", text, got)
		}
		if strict.refuseUnlisted("tcp", at, nil) == nil {
			t.Errorf("%s: connected without TLS", text)
		}
		if everywhere.refuseInside("tcp", at, nil) != nil || everywhere.refuseUnlisted("tcp", at, nil) != nil {
			t.Errorf("%s: refused, though the operator allows it", text)
		}
	}
	for text, want := range map[string]bool{
		"10.1.2.3": true, "::ffff:10.1.2.3": true, "64:ff9b::10.1.2.3": true, "fd00::1": true,
		"11.0.0.1": false, "127.0.0.1": false, "fc00::1": false, "8.8.8.8": false,
	} {
		at := netip.AddrPortFrom(netip.MustParseAddr(text), 80).String()
		if got := own.refuseUnlisted("tcp", at, nil) == nil; got != want {
			t.Errorf("%s: connected without TLS is %t", text, got)
		}
	}
	for _, at := range []string{"", "localhost:443", "127.0.0.1"} {
		if strict.refuseInside("tcp", at, nil) == nil || everywhere.refuseUnlisted("tcp", at, nil) == nil {
			t.Errorf("%q: connected to what is no address", at)
		}
	}
}

func TestCheckURL(t *testing.T) {
	private := prefixes("10.0.0.0/8")
	exact := "https://receiver.example/" + strings.Repeat("x", MaxURL-len("https://receiver.example/"))
	for _, c := range []struct {
		url   string
		allow []netip.Prefix
		says  string // "" is valid
	}{
		{"https://receiver.example", nil, ""},
		{"https://receiver.example:8443/a%20b?c=d", nil, ""},
		{"https://receiver.example./", nil, ""},
		{"https://xn--mnchen-3ya.example/", nil, ""},
		{"HTTPS://RECEIVER.EXAMPLE/", nil, ""},
		{"https://8.8.8.8/", nil, ""},
		{"https://[2606:4700::1111]:443/", nil, ""},
		{exact, nil, ""},
		{exact + "x", nil, "more than 2048 bytes"},

		{"", nil, "form"},
		{"receiver.example/path", nil, "form"},
		{"https://", nil, "form"},
		{"https:receiver.example", nil, "form"},
		{"https:///path", nil, "form"},
		{"https://a b/", nil, "form"},
		{"https://receiver.example/a b", nil, "form"},
		{"https://receiver.example\\@inside/", nil, "form"},
		{"https://receiver.example/\n", nil, "form"},
		{"ftp://receiver.example/", nil, "https://"},
		{"file://receiver.example/etc/passwd", nil, "https://"},
		{"http://receiver.example/", nil, "https://"},
		{"http://8.8.8.8/", nil, "https://"},
		{"http://8.8.8.8/", private, "https://"},
		{"https://ada@receiver.example/", nil, "user name"},
		{"https://ada:secret@receiver.example/", nil, "user name"},
		{"https://receiver.example/#x", nil, "fragment"},
		{"https://receiver.example/#", nil, "fragment"},
		{"https://receiver.example:/", nil, "port"},
		{"https://receiver.example:0/", nil, "port"},
		{"https://receiver.example:65536/", nil, "port"},
		{"https://receiver.example:99999999999999999999/", nil, "port"},
		{"https://receiver.example:x/", nil, "form"},

		{"https://127.0.0.1/", nil, "public Internet"},
		{"https://[::1]/", nil, "public Internet"},
		{"https://[::ffff:169.254.169.254]/", nil, "public Internet"},
		{"https://[64:ff9b::10.0.0.1]/", nil, "public Internet"},
		{"https://[fe80::1%25eth0]/", prefixes("fe80::/10"), "zone"},
		{"https://2130706433/", nil, "neither a name"},
		{"https://0x7f000001/", nil, "neither a name"},
		{"https://127.1/", nil, "neither a name"},
		{"https://0177.0.0.1/", nil, "neither a name"},
		{"https://münchen.example/", nil, "neither a name"},
		{"https://-a.example/", nil, "neither a name"},
		{"https://a..example/", nil, "neither a name"},
		{"https://" + strings.Repeat("a.", 126) + "ab/", nil, "neither a name"},
		{"https://" + strings.Repeat("a.", 126) + "a/", nil, ""},

		{"http://10.0.0.1:9000/hook", private, ""},
		{"https://10.0.0.1/hook", private, ""},
		{"https://192.168.0.1/hook", private, "public Internet"},
		{"http://receiver_1.inside/hook", private, ""}, // decided when it is connected to
	} {
		err := CheckURL(c.url, c.allow)
		if c.says == "" && err == nil {
			continue
		}
		if c.says == "" || err == nil || audit.CodeOf(err) != audit.InvalidParameter || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%.80q: %v, want %q", c.url, err, c.says)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error repeats a password: %v", err)
		}
	}
}

// FuzzCheckURL holds what passes against what the client would make of it.
func FuzzCheckURL(f *testing.F) {
	for _, s := range []string{"https://receiver.example:8443/a?b", "http://10.0.0.1/", "https://[::1]/", "https://a@b/", "https://127.1/#"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if CheckURL(text, nil) != nil {
			return
		}
		r, err := http.NewRequest(http.MethodPost, text, nil)
		if err != nil {
			t.Fatalf("%q passes and cannot be asked: %v", text, err)
		}
		if r.URL.Scheme != "https" || r.URL.User != nil || r.URL.Fragment != "" || r.URL.Hostname() == "" || len(text) > MaxURL {
			t.Errorf("%q passes", text)
		}
		if ip, err := netip.ParseAddr(r.URL.Hostname()); err == nil && !public(ip) {
			t.Errorf("%q passes, at %s", text, ip)
		}
	})
}
