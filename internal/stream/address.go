package stream

import (
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/sealbook/sealbook/audit"
)

// inside are the networks that are not the public Internet: the special-purpose
// registries of IANA (RFC 6890) and what is multicast or reserved. A receiver's
// URL comes from an organisation; what it may not reach through this machine is
// what only this machine reaches.
var inside = prefixes(
	"0.0.0.0/8",       // this network, unspecified
	"10.0.0.0/8",      // private
	"100.64.0.0/10",   // carrier-grade NAT
	"127.0.0.0/8",     // loopback
	"169.254.0.0/16",  // link-local, with the metadata services of clouds
	"172.16.0.0/12",   // private
	"192.0.0.0/24",    // protocol assignments
	"192.0.2.0/24",    // documentation
	"192.88.99.0/24",  // 6to4 relays
	"192.168.0.0/16",  // private
	"198.18.0.0/15",   // benchmarks
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"224.0.0.0/4",     // multicast
	"240.0.0.0/4",     // reserved, broadcast
	"2001::/23",       // protocol assignments: Teredo, benchmarks, ORCHID
	"2001:db8::/32",   // documentation
	"2002::/16",       // 6to4, which holds an IPv4 address
	"3fff::/20",       // documentation
)

// Of IPv6 only the global unicast addresses are public (RFC 4291, section 2.4):
// loopback, link-local, unique local, multicast and the rest lie outside.
var (
	globalUnicast = netip.MustParsePrefix("2000::/3")
	nat64         = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052: the last 32 bits are an IPv4 address
)

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, t := range texts {
		out[i] = netip.MustParsePrefix(t)
	}
	return out
}

// bare gives the address behind the forms that IPv6 has of an IPv4 address.
func bare(ip netip.Addr) netip.Addr {
	ip = ip.WithZone("").Unmap()
	if nat64.Contains(ip) {
		b := ip.As16()
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return ip
}

// public reports whether everybody can reach ip, so that reaching it from here
// gives nothing away.
func public(ip netip.Addr) bool {
	ip = bare(ip)
	return ip.IsValid() && (ip.Is4() || globalUnicast.Contains(ip)) && !within(ip, inside)
}

// allowed reports whether the operator lets receivers be at ip.
func allowed(ip netip.Addr, allow []netip.Prefix) bool {
	return within(ip.WithZone("").Unmap(), allow) || within(bare(ip), allow)
}

func within(ip netip.Addr, list []netip.Prefix) bool {
	for _, p := range list {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// hostName is a name of the DNS in ASCII whose last label is not a number: what
// ends in a number is an IPv4 address in one of its odd forms, or a mistake.
var hostName = regexp.MustCompile(`^([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.?$`)

// maxHostName is the length of a name, RFC 1035, section 2.3.4.
const maxHostName = 253

// CheckURL says whether a receiver may be at this URL, as far as that shows
// without a look-up; allow are the networks in which the operator lets receivers
// be. What a name leads to is checked at every connection. The error is
// InvalidParameter.
func CheckURL(text string, allow []netip.Prefix) error {
	if len(text) > MaxURL {
		return audit.Errorf(audit.InvalidParameter, "the URL has more than %d bytes", MaxURL)
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Opaque != "" || strings.ContainsAny(text, " \\") {
		return audit.Errorf(audit.InvalidParameter, "the URL is not of the form https://receiver.example/path")
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return audit.Errorf(audit.InvalidParameter, "the URL starts with https://")
	case u.User != nil:
		return audit.Errorf(audit.InvalidParameter, "the URL has a user name or password: messages are signed instead")
	case strings.Contains(text, "#"):
		return audit.Errorf(audit.InvalidParameter, "the URL has a fragment (#), which is never sent")
	case strings.HasSuffix(u.Host, ":") || u.Port() != "" && !validPort(u.Port()):
		return audit.Errorf(audit.InvalidParameter, "the URL's port is a number from 1 to 65535")
	}
	host := u.Hostname()
	ip, err := netip.ParseAddr(host)
	if err != nil {
		if len(host) > maxHostName || !hostName.MatchString(host) {
			return audit.Errorf(audit.InvalidParameter, "the URL's host is neither a name in ASCII (xn-- for others) nor an address in its usual form")
		}
		if u.Scheme == "http" && len(allow) == 0 {
			return audit.Errorf(audit.InvalidParameter, "the URL starts with https://")
		}
		return nil
	}
	switch {
	case ip.Zone() != "":
		return audit.Errorf(audit.InvalidParameter, "the URL's address has a zone, which means something on one machine only")
	case allowed(ip, allow):
		return nil
	case !public(ip):
		return audit.Errorf(audit.InvalidParameter, "the URL's address is not of the public Internet, and the operator of this installation does not allow receivers there")
	case u.Scheme == "http":
		return audit.Errorf(audit.InvalidParameter, "the URL starts with https://")
	}
	return nil
}

func validPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}
