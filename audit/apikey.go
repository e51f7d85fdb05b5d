package audit

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Limits of API keys.
const (
	MaxKeyCIDRs = 64 // networks that one key may be used from

	// DefaultKeyOverlap is how long the old secret of a rotated key stays
	// valid if nobody says otherwise; MaxKeyOverlap is as long as it can.
	DefaultKeyOverlap = 24 * time.Hour
	MaxKeyOverlap     = 30 * 24 * time.Hour
)

// KeyGrant is what an API key is made with. It is the body of a request for
// one, as far as it is about rights.
type KeyGrant struct {
	Name         string       `json:"name"`
	Permissions  []Permission `json:"permissions,omitempty"`
	Role         RoleName     `json:"role,omitempty"` // instead of permissions
	Constraints  *Constraints `json:"constraints,omitempty"`
	AllowedCIDRs []string     `json:"allowed_cidrs,omitempty"`
	ExpiresAt    *string      `json:"expires_at,omitempty"` // RFC 3339
}

// CheckedGrant is a valid KeyGrant.
type CheckedGrant struct {
	Name         string
	Role         RoleName // "" when permissions were named
	Permissions  []Permission
	Constraints  Constraints
	AllowedCIDRs []netip.Prefix
	ExpiresAt    *time.Time // nil is never
}

// Check returns what the grant says, or ValidationFailed with every field that
// is wrong. Permissions keep the catalogue's order.
func (g *KeyGrant) Check(now time.Time) (CheckedGrant, error) {
	f := &form{}
	out := CheckedGrant{Name: strings.TrimSpace(g.Name), Role: g.Role}
	if out.Name == "" || len(out.Name) > MaxIdentifier || strings.ContainsFunc(out.Name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		f.fail("/name", "length", "a name has 1 to %d bytes and no control characters", MaxIdentifier)
	}
	out.Permissions = g.permissions(f)
	if g.Constraints != nil {
		out.Constraints = *g.Constraints
		for _, b := range out.Constraints.Normalise("/constraints") {
			f.fail(b.Field, b.Code, "%s", b.Message)
		}
	}
	var err error
	if out.AllowedCIDRs, err = ParseCIDRs(g.AllowedCIDRs); err != nil {
		f.fail("/allowed_cidrs", "invalid", "%s", err)
	}
	if g.ExpiresAt != nil {
		at, err := time.Parse(time.RFC3339Nano, *g.ExpiresAt)
		at = Instant(at)
		switch {
		case err != nil || !inRange(at):
			f.fail("/expires_at", "invalid", "expires_at is an RFC 3339 time")
		case !at.After(now):
			f.fail("/expires_at", "past", "expires_at lies in the past")
		}
		out.ExpiresAt = &at
	}
	if r, _ := RoleOf(g.Role); r.Bounded && (out.Constraints.Empty() || out.ExpiresAt == nil) {
		f.fail("/role", "bounded", "the role %s needs constraints and expires_at", g.Role)
	}
	if f.bad != nil {
		return out, &Error{Code: ValidationFailed, Message: "the API key is not valid", Fields: f.bad}
	}
	return out, nil
}

// Details is what the ledger's entry about a new key says.
func (g *CheckedGrant) Details() Object {
	d := Object{"permissions": g.Permissions}
	if g.Role != "" {
		d["role"] = g.Role
	}
	if !g.Constraints.Empty() {
		d["constraints"] = g.Constraints
	}
	if len(g.AllowedCIDRs) > 0 {
		d["allowed_cidrs"] = g.AllowedCIDRs
	}
	if g.ExpiresAt != nil {
		d["expires_at"] = FormatTime(*g.ExpiresAt)
	}
	return d
}

func (g *KeyGrant) permissions(f *form) []Permission {
	if (g.Role == "") == (len(g.Permissions) == 0) {
		f.fail("/permissions", "exclusive", "a key has either a role or at least one permission")
		return nil
	}
	if g.Role != "" {
		r, ok := RoleOf(g.Role)
		if !ok {
			f.fail("/role", "invalid", "%.80q is not a role", string(g.Role))
		}
		return r.KeyPermissions()
	}
	for _, p := range g.Permissions {
		if i, ok := p.Info(); !ok {
			f.fail("/permissions", "invalid", "%.80q is not a permission", string(p))
		} else if i.Personal {
			f.fail("/permissions", "personal", "%s is for people; no API key can hold it", p)
		}
	}
	return permissionsWhere(func(i PermissionInfo) bool { return slices.Contains(g.Permissions, i.Name) })
}

// ParseCIDRs reads networks such as 192.0.2.0/24, or single addresses. An
// address whose bits go on behind the prefix is refused: it is a typing error
// or a misunderstanding.
func ParseCIDRs(texts []string) (out []netip.Prefix, err error) {
	if len(texts) > MaxKeyCIDRs {
		return nil, fmt.Errorf("there are at most %d networks", MaxKeyCIDRs)
	}
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			a, addrErr := netip.ParseAddr(text)
			if addrErr != nil || a.Zone() != "" {
				return nil, fmt.Errorf("%.60q is not a network like 192.0.2.0/24 or 2001:db8::/32", text)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		if p.Masked() != p || p.Addr().Is4In6() {
			return nil, fmt.Errorf("%.60q is not a network: use %s", text, netip.PrefixFrom(p.Addr().Unmap(), min(p.Bits(), p.Addr().Unmap().BitLen())).Masked())
		}
		if slices.Contains(out, p) {
			return nil, fmt.Errorf("%s is named twice", p)
		}
		out = append(out, p)
	}
	return out, nil
}

// CIDRsAllow reports whether an address lies in one of the networks, or there
// are none. An address that is not known lies in no network.
func CIDRsAllow(cidrs []netip.Prefix, a netip.Addr) bool {
	return len(cidrs) == 0 || slices.ContainsFunc(cidrs, func(p netip.Prefix) bool { return p.Contains(a.Unmap().WithZone("")) })
}

// CIDRsWithin reports whether every address of inner lies in outer.
func CIDRsWithin(inner, outer []netip.Prefix) bool {
	if len(outer) == 0 {
		return true
	}
	return len(inner) > 0 && !slices.ContainsFunc(inner, func(p netip.Prefix) bool {
		return !slices.ContainsFunc(outer, func(o netip.Prefix) bool { return o.Bits() <= p.Bits() && o.Contains(p.Addr()) })
	})
}
