package identity

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/sealbook/sealbook/audit"
)

// claims are what a token says.
type claims map[string]any

// at returns a claim by its name, or by a JSON Pointer (RFC 6901).
func (c claims) at(name string) any {
	if !strings.HasPrefix(name, "/") {
		return c[name]
	}
	v := any(map[string]any(c))
	for _, step := range strings.Split(name[1:], "/") {
		object, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = object[strings.NewReplacer("~1", "/", "~0", "~").Replace(step)]
	}
	return v
}

func (c claims) text(name string) string {
	s, _ := c.at(name).(string)
	return s
}

// instant reads a NumericDate (RFC 7519, section 2): seconds since 1970.
func (c claims) instant(name string) (t time.Time, there bool, err error) {
	v, there := c[name]
	if !there {
		return t, false, nil
	}
	seconds, ok := v.(float64)
	if !ok || math.Abs(seconds) > 1<<37 {
		return t, true, fmt.Errorf("the claim %s is no time", name)
	}
	return audit.Instant(time.UnixMicro(int64(seconds * 1e6))), true, nil
}

// checkTime refuses a token that has no end, is over, or has not begun. Clocks
// may differ by [ClockSkew].
func (c claims) checkTime(now time.Time) error {
	end, there, err := c.instant("exp")
	switch {
	case err != nil:
		return err
	case !there:
		return fmt.Errorf("the token has no end")
	case !now.Before(end.Add(ClockSkew)):
		return fmt.Errorf("the token expired at %s", audit.FormatTime(end))
	}
	for _, name := range []string{"nbf", "iat"} {
		begin, _, err := c.instant(name)
		if err != nil {
			return err
		}
		if now.Add(ClockSkew).Before(begin) {
			return fmt.Errorf("the token is not valid before %s", audit.FormatTime(begin))
		}
	}
	return nil
}

// person maps what a verified token says. Roles that are mapped to nothing mean
// nothing: such a person is known and may do nothing.
func (p *Provider) person(c claims, verified *oidc.IDToken) (Person, error) {
	out := Person{Subject: verified.Subject, Name: c.text("name"), Email: c.text("email"), Permissions: []audit.Permission{}}
	if out.Name == "" {
		out.Name = c.text("preferred_username")
	}
	out.ExpiresAt, _, _ = c.instant("exp") // checkTime has read it
	out.Organisation = audit.OrganisationID(c.text(p.config.OrganisationClaim))
	for what, s := range map[string]string{"subject": out.Subject, "organisation": string(out.Organisation)} {
		if s == "" || len(s) > audit.MaxIdentifier || strings.ContainsRune(s, 0) {
			return out, fmt.Errorf("the token's %s has not 1 to %d bytes", what, audit.MaxIdentifier)
		}
	}
	for _, s := range []*string{&out.Name, &out.Email} {
		if len(*s) > audit.MaxIdentifier || strings.ContainsRune(*s, 0) {
			*s = "" // it is only for people to read
		}
	}
	if err := p.constrain(&out, c); err != nil {
		return out, err
	}
	names, err := c.roles(p.config.RolesClaim)
	if err != nil {
		return out, err
	}
	for _, theirs := range names {
		role, ok := audit.RoleOf(p.config.Roles[theirs])
		if !ok || slices.Contains(out.Roles, role.Name) || role.Bounded && out.Constraints.Empty() {
			continue // a bounded role without bounds is no role
		}
		out.Roles = append(out.Roles, role.Name)
		for _, has := range role.Permissions {
			if !slices.Contains(out.Permissions, has) {
				out.Permissions = append(out.Permissions, has)
			}
		}
	}
	return out, nil
}

// roles reads a text or a list of texts.
func (c claims) roles(name string) (out []string, err error) {
	switch v := c.at(name).(type) {
	case nil:
	case string:
		out = []string{v}
	case []any:
		if len(v) > MaxTokenRoles {
			return nil, fmt.Errorf("the token has more than %d roles", MaxTokenRoles)
		}
		for _, role := range v {
			s, ok := role.(string)
			if !ok {
				return nil, fmt.Errorf("the claim %s holds something else than texts", name)
			}
			out = append(out, s)
		}
	default:
		return nil, fmt.Errorf("the claim %s is neither a text nor a list", name)
	}
	return out, nil
}

// constrain reads the constraints. What cannot be understood would let its
// holder read more than was meant, so such a token is not good.
func (p *Provider) constrain(out *Person, c claims) error {
	v := any(nil)
	if p.config.ConstraintsClaim != "" {
		v = c.at(p.config.ConstraintsClaim)
	}
	if v == nil {
		return nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("constraints: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&out.Constraints); err != nil {
		return fmt.Errorf("constraints: %w", err)
	}
	if bad := out.Constraints.Normalise(""); bad != nil {
		return fmt.Errorf("constraints: %s: %s", bad[0].Field, bad[0].Message)
	}
	return nil
}
