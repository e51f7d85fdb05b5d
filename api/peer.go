package api

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// peer returns the address that a request comes from. That is the connection's,
// unless it comes from a trusted proxy: then it is the last address in
// X-Forwarded-For that is no trusted proxy's, because each proxy adds the one
// that it sees on the right, and everything left of the first stranger is what
// the stranger says. An address that cannot be read is none, and lies in no
// network.
func (s *server) peer(r *http.Request) netip.Addr {
	at := parseAddress(r.RemoteAddr)
	if !s.trusted(at) {
		return at
	}
	header := strings.Join(r.Header.Values("X-Forwarded-For"), ",")
	if header == "" {
		return at
	}
	for _, hop := range slices.Backward(strings.Split(header, ",")) {
		if at = parseAddress(strings.TrimSpace(hop)); !s.trusted(at) {
			return at
		}
	}
	return at
}

func (s *server) trusted(a netip.Addr) bool {
	return slices.ContainsFunc(s.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// parseAddress reads an address with or without a port; the zero Addr is none.
func parseAddress(text string) netip.Addr {
	a, err := netip.ParseAddr(text)
	if err != nil {
		ap, err := netip.ParseAddrPort(text)
		if err != nil {
			return netip.Addr{}
		}
		a = ap.Addr()
	}
	return a.Unmap().WithZone("")
}

// remoteIP is the peer's address as it is recorded.
func remoteIP(r *http.Request) string {
	if a := callOf(r).peer; a.IsValid() {
		return a.String()
	}
	return r.RemoteAddr
}
