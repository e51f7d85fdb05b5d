package audit

import (
	"net/netip"
	"slices"
	"time"
)

// Principal is who makes a request, as its credential says.
type Principal struct {
	Organisation OrganisationID
	Ledger       int32  // the organisation's ledger
	KeyID        string // the public part of an API key; "" for a person
	Subject      string // of a person, as the identity provider names them; "" for an API key
	Name         string // the key's, or the person's
	Email        string // the person's, if the provider tells it
	Session      []byte // what is kept of the token of a session of the directory; nil for all else
	Roles        []RoleName
	Permissions  []Permission
	Constraints  Constraints    // of everything that is read
	AllowedCIDRs []netip.Prefix // from where the credential may be used; none is anywhere
	ExpiresAt    *time.Time     // nil is never
}

// Can reports whether the principal holds p, directly or by implication.
func (p Principal) Can(want Permission) bool {
	return slices.Contains(p.Permissions, want) ||
		want == ReadBasic && slices.Contains(p.Permissions, ReadSensitive)
}

// Person reports whether a person is at work, and not an API key.
func (p Principal) Person() bool { return p.KeyID == "" }

// Require returns Forbidden, with the documented details, unless p holds want.
func (p Principal) Require(want Permission) error {
	if p.Can(want) {
		return nil
	}
	return p.Refuse(want, "User does not have required audit access permissions")
}

// Refuse is Forbidden with the documented details.
func (p Principal) Refuse(want Permission, message string) *Error {
	return (&Error{Code: Forbidden, Message: message}).With("required_permission", want).With("user_permissions", p.Permissions)
}

// Actor is how the principal appears in the entries about its own actions.
func (p Principal) Actor() Object {
	if !p.Person() {
		return Object{"type": "api_key", "id": p.KeyID, "name": p.Name}
	}
	o := Object{"type": "user", "id": p.Subject}
	if p.Name != "" {
		o["name"] = p.Name
	}
	if p.Email != "" {
		o["email"] = p.Email
	}
	return o
}
