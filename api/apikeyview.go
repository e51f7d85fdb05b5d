package api

import (
	"net/http"
	"net/netip"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// apiKeyBody is an API key as it is shown. Key itself is in the answer to its
// making, or its rotation, and never again.
type apiKeyBody struct {
	ID            string             `json:"id"`
	Key           string             `json:"key,omitempty"`
	Name          string             `json:"name"`
	Last4         string             `json:"last4"`
	Status        string             `json:"status"`
	Role          *audit.RoleName    `json:"role,omitempty"`
	Permissions   []audit.Permission `json:"permissions"`
	Constraints   *audit.Constraints `json:"constraints,omitempty"`
	AllowedCIDRs  []netip.Prefix     `json:"allowed_cidrs,omitempty"`
	CreatedBy     string             `json:"created_by"`
	CreatedAt     string             `json:"created_at"`
	ExpiresAt     string             `json:"expires_at,omitempty"`
	LastUsedAt    string             `json:"last_used_at,omitempty"`
	RotatedAt     string             `json:"rotated_at,omitempty"`
	PreviousUntil string             `json:"previous_valid_until,omitempty"` // while the secret before is still good
	RevokedAt     string             `json:"revoked_at,omitempty"`
}

func (s *server) apiKeyView(k store.Key, secret string) *apiKeyBody {
	now := s.Clock()
	v := &apiKeyBody{
		ID: k.ID, Key: secret, Name: k.Name, Last4: k.Last4, Status: "active", Role: k.Role, Permissions: k.Permissions, AllowedCIDRs: k.AllowedCIDRs,
		CreatedBy: k.CreatedBy, CreatedAt: audit.FormatTime(k.CreatedAt), ExpiresAt: formatted(k.ExpiresAt), LastUsedAt: formatted(k.LastUsedAt),
		RotatedAt: formatted(k.RotatedAt), RevokedAt: formatted(k.RevokedAt),
	}
	switch {
	case k.RevokedAt != nil:
		v.Status = "revoked"
	case !k.Usable(now):
		v.Status = "expired"
	case k.PreviousUntil != nil && now.Before(*k.PreviousUntil):
		v.PreviousUntil = formatted(k.PreviousUntil)
	}
	if k.Constraints != nil {
		v.Constraints = &k.Constraints.V
	}
	return v
}

// meBody is what a credential is worth.
type meBody struct {
	Type         string             `json:"type"` // as in entries' actors
	ID           string             `json:"id"`
	Name         string             `json:"name,omitempty"`
	Email        string             `json:"email,omitempty"`
	Organisation organisationBody   `json:"organisation"`
	Roles        []audit.RoleName   `json:"roles"`
	Permissions  []audit.Permission `json:"permissions"` // implied ones included
	Constraints  *audit.Constraints `json:"constraints"`
	AllowedCIDRs []netip.Prefix     `json:"allowed_cidrs"`
	Address      string             `json:"address"`
	ExpiresAt    *string            `json:"expires_at"`
}

type organisationBody struct {
	ID   audit.OrganisationID `json:"id"`
	Name string               `json:"name"`
}

// showMe answers GET /me.
func (s *server) showMe(r *http.Request) (reply, error) {
	p := principal(r)
	org, err := s.Store.Organisation(r.Context(), p.Ledger)
	if err != nil {
		return reply{}, err
	}
	actor := p.Actor()
	me := meBody{
		Type: actor.String("type"), ID: actor.String("id"), Name: p.Name, Email: p.Email, Organisation: organisationBody{org.ID, org.Name},
		Roles: append([]audit.RoleName{}, p.Roles...), Permissions: []audit.Permission{}, AllowedCIDRs: append([]netip.Prefix{}, p.AllowedCIDRs...),
		Address: remoteIP(r),
	}
	for _, i := range audit.Catalogue {
		if p.Can(i.Name) {
			me.Permissions = append(me.Permissions, i.Name)
		}
	}
	if !p.Constraints.Empty() {
		me.Constraints = &p.Constraints
	}
	if p.ExpiresAt != nil {
		at := audit.FormatTime(*p.ExpiresAt)
		me.ExpiresAt = &at
	}
	return reply{data: me}, nil
}

type permissionBody struct {
	Name        audit.Permission   `json:"name"`
	Description string             `json:"description"`
	Implies     []audit.Permission `json:"implies"`
	APIKeys     bool               `json:"api_keys"`
	Reveals     bool               `json:"reveals"`
}

type roleBody struct {
	Name              audit.RoleName     `json:"name"`
	Description       string             `json:"description"`
	Permissions       []audit.Permission `json:"permissions"`
	APIKeyPermissions []audit.Permission `json:"api_key_permissions"`
	Bounded           bool               `json:"needs_constraints_and_expiry"`
}

// showPermissions answers GET /permissions: all that can be granted.
func (s *server) showPermissions(*http.Request) (reply, error) {
	permissions := []permissionBody{}
	for _, i := range audit.Catalogue {
		b := permissionBody{Name: i.Name, Description: i.Description, Implies: []audit.Permission{}, APIKeys: !i.Personal, Reveals: i.Reveals}
		for _, other := range audit.Catalogue {
			if other.Name != i.Name && (audit.Principal{Permissions: []audit.Permission{i.Name}}).Can(other.Name) {
				b.Implies = append(b.Implies, other.Name)
			}
		}
		permissions = append(permissions, b)
	}
	roles := []roleBody{}
	for _, role := range audit.Roles {
		roles = append(roles, roleBody{role.Name, role.Description, role.Permissions, role.KeyPermissions(), role.Bounded})
	}
	return reply{data: map[string]any{"permissions": permissions, "roles": roles}}, nil
}
