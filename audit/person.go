package audit

import (
	"net/mail"
	"slices"
	"strings"
	"time"
)

// PersonID names a person of the directory, for ever: it is never given to
// somebody else.
type PersonID string

// PasskeyID names a passkey of a person.
type PasskeyID string

// PersonStatus is where a person's account stands.
type PersonStatus string

// The states.
const (
	PersonInvited      PersonStatus = "invited"       // has a code to enrol with
	PersonActive       PersonStatus = "active"        // has enrolled
	PersonResetPending PersonStatus = "reset_pending" // an administrator took the credentials away; has a code
	PersonDeactivated  PersonStatus = "deactivated"   // cannot sign in, and does not come back
)

// Life and limits of accounts.
const (
	EnrolmentLife   = 72 * time.Hour   // of a code to enrol with
	SessionIdle     = 15 * time.Minute // after which a session that nobody uses ends
	SessionLife     = 12 * time.Hour   // after which every session ends
	MaxSignInFails  = 5                // in a row, after which an account is locked
	SignInLock      = 15 * time.Minute // how long
	MaxPersonRoles  = 8
	MaxPasskeys     = 10  // of a person
	MaxPersonFields = 200 // bytes of a name, a title and the like
)

// PersonDetails are what a directory says of a person, and what they may do.
type PersonDetails struct {
	Email         string       `json:"email"`
	Name          string       `json:"name"`
	Title         string       `json:"title,omitempty"` // what they are: "Quality Manager"
	Department    string       `json:"department,omitempty"`
	Certification string       `json:"certification,omitempty"` // of an investigator
	Roles         []RoleName   `json:"roles"`
	Constraints   *Constraints `json:"constraints,omitempty"`
	ExpiresAt     *string      `json:"expires_at,omitempty"` // RFC 3339: when the account ends
}

// Check normalises the details. Returns ValidationFailed with every field that is
// wrong.
func (d *PersonDetails) Check(now time.Time) (expires *time.Time, err error) {
	f := &form{}
	for _, x := range []struct {
		field string
		value *string
		least int
	}{{"/name", &d.Name, 1}, {"/title", &d.Title, 0}, {"/department", &d.Department, 0}, {"/certification", &d.Certification, 0}} {
		*x.value = strings.TrimSpace(*x.value)
		if n := len(*x.value); n < x.least || n > MaxPersonFields || strings.ContainsFunc(*x.value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			f.fail(x.field, "length", "it has %d to %d bytes and no control characters", x.least, MaxPersonFields)
		}
	}
	d.Email = strings.TrimSpace(d.Email)
	if a, err := mail.ParseAddress(d.Email); err != nil || a.Address != d.Email || len(d.Email) > MaxPersonFields {
		f.fail("/email", "invalid", "email is an address like ann@example.com, of at most %d bytes", MaxPersonFields)
	}
	bounded := false
	if len(d.Roles) == 0 || len(d.Roles) > MaxPersonRoles {
		f.fail("/roles", "length", "a person has 1 to %d roles", MaxPersonRoles)
	}
	for i, name := range d.Roles {
		role, ok := RoleOf(name)
		switch {
		case !ok:
			f.fail("/roles", "invalid", "%.40q is not a role", name)
		case slices.Contains(d.Roles[:i], name):
			f.fail("/roles", "duplicate", "%s is named twice", name)
		}
		bounded = bounded || role.Bounded
	}
	if d.Constraints != nil {
		for _, b := range d.Constraints.Normalise("/constraints") {
			f.fail(b.Field, b.Code, "%s", b.Message)
		}
	}
	if d.ExpiresAt != nil {
		at, err := time.Parse(time.RFC3339Nano, *d.ExpiresAt)
		at = Instant(at)
		if err != nil || !inRange(at) || !at.After(now) {
			f.fail("/expires_at", "invalid", "expires_at is an RFC 3339 time to come")
		}
		expires = &at
	}
	if bounded && (d.Constraints == nil || d.ExpiresAt == nil) {
		f.fail("/roles", "bounded", "the role %s needs constraints and expires_at", Auditor)
	}
	if f.bad != nil {
		return nil, &Error{Code: ValidationFailed, Message: "the person is not valid", Fields: f.bad}
	}
	return expires, nil
}

// PermissionsOf are what roles let a person do, in the catalogue's order.
func PermissionsOf(roles []RoleName) (out []Permission) {
	for _, i := range Catalogue {
		if slices.ContainsFunc(roles, func(name RoleName) bool {
			role, _ := RoleOf(name)
			return slices.Contains(role.Permissions, i.Name)
		}) {
			out = append(out, i.Name)
		}
	}
	return out
}
