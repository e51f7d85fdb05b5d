package audit

import "slices"

// Permission is a right that a credential grants.
type Permission string

// The permissions. Sensitive reading implies basic reading; Admin implies
// neither sensitive reading nor signing.
const (
	ReadBasic      Permission = "audit:read:basic"
	ReadSensitive  Permission = "audit:read:sensitive"
	Write          Permission = "audit:write"
	VerifyLedger   Permission = "audit:verify"
	ExportEvidence Permission = "audit:export"
	Admin          Permission = "audit:admin"
)

// Permissions lists what a key may be given.
var Permissions = []Permission{ReadBasic, ReadSensitive, Write, VerifyLedger, ExportEvidence, Admin}

// Principal is who makes a request, as its credential says.
type Principal struct {
	Organisation OrganisationID
	Ledger       int32  // the organisation's ledger
	KeyID        string // the public part of an API key
	Name         string // the key's name
	Permissions  []Permission
}

// Can reports whether the principal holds p, directly or by implication.
func (p Principal) Can(want Permission) bool {
	return slices.Contains(p.Permissions, want) ||
		want == ReadBasic && slices.Contains(p.Permissions, ReadSensitive)
}

// Require returns Forbidden, with the documented details, unless p holds want.
func (p Principal) Require(want Permission) error {
	if p.Can(want) {
		return nil
	}
	return (&Error{Code: Forbidden, Message: "User does not have required audit access permissions"}).
		With("required_permission", want).With("user_permissions", p.Permissions)
}

// Actor is how the principal appears in the entries about its own actions.
func (p Principal) Actor() Object {
	return Object{"type": "api_key", "id": p.KeyID, "name": p.Name}
}
