package api

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// What one person asks for and another decides on: who they are, and what they say.

// behind is who is behind a request: a person of the directory by id, whoever made
// the API key that made it, and so on, or "" when that was nobody who is known. Of a
// person whom the identity provider vouches for it is the directory's id, if an account
// is linked to that identity, or the directory knows their e-mail address.
func (s *server) behind(r *http.Request, by audit.Object) (string, error) {
	id, email := by.String("id"), by.String("email")
	for range maxKeyChain {
		if by.String("type") != "api_key" {
			break
		}
		k, err := s.Store.OrganisationKey(r.Context(), principal(r).Organisation, id)
		if audit.CodeOf(err) == audit.NotFound {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		maker, made := strings.CutPrefix(k.CreatedBy, "api_key ")
		id, email = maker, ""
		if !made {
			id, _ = strings.CutPrefix(k.CreatedBy, "user ")
			break
		}
	}
	if strings.HasPrefix(id, "user_") {
		return id, nil
	}
	if s.Identity != nil {
		how, _ := s.Identity.StepUp()
		linked, err := s.Store.LinkedPerson(r.Context(), principal(r).Ledger, how.Issuer, id)
		if err == nil {
			return string(linked.Person), nil
		}
		if audit.CodeOf(err) != audit.NotFound {
			return "", err
		}
	}
	if email == "" {
		return id, nil
	}
	known, err := s.knownPerson(r, email)
	if err != nil || known == nil {
		return id, err
	}
	return string(known.ID), nil
}

// maxKeyChain bounds the keys that keys made.
const maxKeyChain = 20

// knownPerson is the person of the directory who has an id or e-mail address, or nil.
func (s *server) knownPerson(r *http.Request, who string) (*store.Person, error) {
	list, _, err := s.Store.People(r.Context(), principal(r).Ledger, who, audit.MaxPageLimit, 0)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if p := &list[i]; (string(p.ID) == who || strings.EqualFold(p.Email, who)) && p.Status != audit.PersonDeactivated {
			return p, nil
		}
	}
	return nil, nil
}

// personBehind is the person who acts or who made the key that acts, or "" when
// that was nobody of the organisation: the operator of the installation makes keys,
// too, and may be anybody. Keys that keys made are followed only so far; where that
// ends at a key, whose it is stays unknown.
func (s *server) personBehind(r *http.Request) (audit.PersonID, error) {
	p := principal(r)
	behind, err := s.behind(r, p.Actor())
	if err != nil || p.Person() || behind == "" {
		return audit.PersonID(behind), err
	}
	if strings.HasPrefix(behind, "operator ") {
		return "", nil
	}
	switch _, err = s.Store.OrganisationKey(r.Context(), p.Organisation, behind); {
	case err == nil:
		return "", nil
	case audit.CodeOf(err) != audit.NotFound:
		return "", err
	}
	return audit.PersonID(behind), nil
}

// decision is what a second person says of what somebody asked for.
type decision struct {
	Decision string `json:"decision"` // approve or refuse
	Reason   string `json:"reason"`   // required of a refusal
}

func decisionOf(r *http.Request, most int) (d decision, err error) {
	if d, _, err = decode[decision](r); err != nil {
		return d, err
	}
	d.Reason = strings.TrimSpace(d.Reason)
	switch {
	case d.Decision != "approve" && d.Decision != "refuse":
		err = invalid("the decision is not valid", audit.FieldError{Field: "/decision", Code: "invalid", Message: "decision is approve or refuse"})
	case len(d.Reason) > most, d.Decision == "refuse" && d.Reason == "":
		err = invalid("the decision is not valid", audit.FieldError{Field: "/reason", Code: "required", Message: fmt.Sprintf("say why it is refused: 1 to %d bytes", most)})
	}
	return d, err
}
