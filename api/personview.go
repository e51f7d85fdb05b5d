package api

import (
	"net/http"
	"slices"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// personBody is a person as a directory shows them.
type personBody struct {
	ID            audit.PersonID     `json:"user_id"`
	Email         string             `json:"email"`
	Name          string             `json:"name"`
	Title         string             `json:"title,omitempty"`
	Department    string             `json:"department,omitempty"`
	Certification string             `json:"certification,omitempty"`
	Roles         []audit.RoleName   `json:"roles"`
	Constraints   *audit.Constraints `json:"constraints,omitempty"`
	ExpiresAt     string             `json:"expires_at,omitempty"`
	Status        audit.PersonStatus `json:"status"`
	LockedUntil   string             `json:"locked_until,omitempty"`
	CanSign       bool               `json:"can_sign"`
	CannotSign    string             `json:"cannot_sign_reason,omitempty"`
	SignedInAt    string             `json:"signed_in_at,omitempty"`
	CreatedBy     string             `json:"created_by"`
	CreatedAt     string             `json:"created_at"`
	ChangedAt     string             `json:"changed_at"`
	Code          string             `json:"enrolment_code,omitempty"` // once
	CodeUntil     string             `json:"enrolment_code_valid_until,omitempty"`
}

// personView masks addresses as entries do, except for who administers them.
func (s *server) personView(r *http.Request, p *store.Person, code string) *personBody {
	now, who := s.Clock(), principal(r)
	v := &personBody{
		ID: p.ID, Email: p.Email, Name: p.Name, Title: p.Title, Department: p.Department, Certification: p.Certification, Roles: p.Roles,
		ExpiresAt: formatted(p.ExpiresAt), Status: p.Status, SignedInAt: formatted(p.SignedInAt), CreatedBy: p.CreatedBy,
		CreatedAt: audit.FormatTime(p.CreatedAt), ChangedAt: audit.FormatTime(p.ChangedAt), Code: code,
	}
	if !who.Can(audit.ReadSensitive) && !who.Can(audit.Admin) && who.Subject != string(p.ID) {
		v.Email = audit.Masked
	}
	if p.Constraints != nil {
		v.Constraints = &p.Constraints.V
	}
	if p.Locked(now) {
		v.LockedUntil = formatted(p.LockedUntil)
	}
	if p.CodeUntil != nil && p.CodeUntil.After(now) {
		v.CodeUntil = formatted(p.CodeUntil)
	}
	v.CannotSign = cannotSign(p, now)
	v.CanSign = v.CannotSign == ""
	return v
}

// cannotSign says why a person's signature would be refused now; "" is not.
func cannotSign(p *store.Person, now time.Time) string {
	switch {
	case !slices.Contains(audit.PermissionsOf(p.Roles), audit.SignReports):
		return "none of the roles may sign"
	case !p.Usable(now):
		return "the account is not active"
	case p.Constraints != nil && !p.Constraints.V.Empty():
		return "the account is limited to some entries, and a report is of all"
	case p.ResetBy != nil:
		return "an administrator reset the credentials, and nobody else has confirmed that yet"
	case p.Locked(now):
		return "the account is locked"
	}
	return ""
}

// knownOf is a row as what could be asked for.
func knownOf(p *store.Person) audit.PersonDetails {
	d := audit.PersonDetails{Email: p.Email, Name: p.Name, Title: p.Title, Department: p.Department, Certification: p.Certification, Roles: slices.Clone(p.Roles)}
	if p.Constraints != nil {
		c := p.Constraints.V
		d.Constraints = &c
	}
	if p.ExpiresAt != nil {
		at := audit.FormatTime(*p.ExpiresAt)
		d.ExpiresAt = &at
	}
	return d
}

// describe puts what a directory says into a row.
func describe(p *store.Person, d *audit.PersonDetails, expires *time.Time) {
	p.Email, p.Name, p.Title, p.Department, p.Certification, p.Roles, p.ExpiresAt = d.Email, d.Name, d.Title, d.Department, d.Certification, d.Roles, expires
	if p.Constraints = nil; d.Constraints != nil {
		p.Constraints = &store.JSON[audit.Constraints]{V: *d.Constraints}
	}
}

func personResource(id audit.PersonID) audit.Object {
	return audit.Object{"type": "person", "id": string(id)}
}

// personDetails are what an entry says of a person. The address stands where it
// can be erased (see personChanged).
func personDetails(p *store.Person) audit.Object {
	o := audit.Object{"roles": p.Roles, "title": p.Title, "department": p.Department, "certification": p.Certification}
	if p.Constraints != nil {
		o["constraints"] = p.Constraints.V
	}
	if p.ExpiresAt != nil {
		o["expires_at"] = audit.FormatTime(*p.ExpiresAt)
	}
	return o
}

// personChanged is the entry about a change of a person.
func (s *server) personChanged(r *http.Request, eventType string, p *store.Person, details audit.Object) audit.Event {
	resource := personResource(p.ID)
	resource["name"] = p.Name
	e := action(r, eventType, resource, details)
	e.Severity = audit.SeverityMedium
	e.Context["email"] = p.Email
	return e
}
