package api

import (
	"fmt"
	"net/http"
	"regexp"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/account"
	"github.com/sealbook/sealbook/internal/store"
)

var peopleParameters = []string{"who", "page", "limit"}

// createPerson answers POST /directory/users: 201 with the code that the person
// enrols with, this once.
func (s *server) createPerson(r *http.Request) (reply, error) {
	req, body, err := decode[audit.PersonDetails](r)
	if err != nil {
		return reply{}, err
	}
	key, err := requestKey(r, body)
	if err != nil {
		return reply{}, err
	}
	by, now := principal(r), s.Clock()
	expires, err := req.Check(now)
	if err != nil {
		return reply{}, err
	}
	p := store.Person{ID: audit.PersonID("user_" + newULID(now)), Ledger: by.Ledger, Status: audit.PersonInvited, Version: 1, CreatedBy: createdBy(by), CreatedAt: now, ChangedAt: now}
	describe(&p, &req, expires)
	if err := s.mayAppoint(by, &p); err != nil {
		return reply{}, err
	}
	code, err := account.NewCode()
	if err != nil {
		return reply{}, err
	}
	until := now.Add(audit.EnrolmentLife)
	p.CodeHash, p.CodeUntil = s.sealer.MAC(account.PlainCode(code)), &until
	if key != nil {
		key.Note = string(p.ID)
	}
	out, err := s.record(r, s.personChanged(r, typePersonCreated, &p, personDetails(&p)), key, store.InsertPerson(p))
	if err != nil {
		return reply{header: replayed(nil, out.Replayed)}, err
	}
	if out.Replayed {
		if p, err = s.Store.Person(r.Context(), by.Ledger, audit.PersonID(out.Note)); err != nil {
			return reply{}, err
		}
		code = ""
	}
	header := replayed(http.Header{"Location": {callOf(r).mount + "/directory/users/" + string(p.ID)}, "Etag": {personTag(&p)}}, out.Replayed)
	return reply{status: http.StatusCreated, header: header, data: s.personView(r, &p, code)}, nil
}

// mayAppoint refuses to give a person rights that the caller may not grant.
func (s *server) mayAppoint(by audit.Principal, p *store.Person) error {
	g := audit.CheckedGrant{Name: p.Name, Permissions: audit.PermissionsOf(p.Roles), ExpiresAt: p.ExpiresAt}
	if p.Constraints != nil {
		g.Constraints = p.Constraints.V
	}
	return s.mayGrant(by, g)
}

// changePerson answers PATCH /directory/users/{user_id} for who has seen what it
// changes. Members that are left out stay; null takes away.
func (s *server) changePerson(r *http.Request) (reply, error) {
	p, err := s.personOf(r)
	if err != nil {
		return reply{}, err
	}
	tag := personTag(&p)
	if err := checkIfMatch(r, tag); err != nil {
		return reply{header: http.Header{"Etag": {tag}}}, err
	}
	d := knownOf(&p)
	body, err := readBody(r)
	if err == nil {
		err = unmarshal(body, &d)
	}
	if err != nil {
		return reply{}, err
	}
	now, before := s.Clock(), p
	expires, err := d.Check(now)
	if err != nil {
		return reply{}, err
	}
	describe(&p, &d, expires)
	if err := s.mayAppoint(principal(r), &before); err != nil { // who may not give it may not take it
		return reply{}, err
	}
	if err := s.mayAppoint(principal(r), &p); err != nil {
		return reply{}, err
	}
	details := audit.Object{"before": personDetails(&before), "after": personDetails(&p)}
	if _, err := s.record(r, s.personChanged(r, typePersonChanged, &p, details), nil, store.ChangePerson(p, now)); err != nil {
		if audit.CodeOf(err) == audit.InvalidState && before.Status != audit.PersonDeactivated && p.Email == before.Email {
			err = audit.Errorf(audit.PreconditionFailed, "it was changed since it was read; get it again")
		}
		return reply{}, err
	}
	p.Version, p.ChangedAt = p.Version+1, now
	return reply{header: http.Header{"Etag": {personTag(&p)}}, data: s.personView(r, &p, "")}, nil
}

// resetPerson answers POST …/reset: the credentials are gone, and a new code is
// shown once. The person cannot sign until somebody else has confirmed the reset.
// Both are done by people who are signed in: a key is whoever made it.
func (s *server) resetPerson(r *http.Request) (reply, error) {
	p, err := s.personOf(r)
	if err == nil {
		err = inSession(r)
	}
	if err != nil {
		return reply{}, err
	}
	if _, err := noBody(r); err != nil {
		return reply{}, err
	}
	by := principal(r)
	if by.Subject == string(p.ID) {
		return reply{}, audit.Errorf(audit.InvalidState, "nobody resets their own credentials")
	}
	if err := s.mayAppoint(by, &p); err != nil { // the code is as good as the account
		return reply{}, err
	}
	code, err := account.NewCode()
	if err != nil {
		return reply{}, err
	}
	now := s.Clock()
	with := store.ResetPerson(p.Ledger, p.ID, createdBy(by), s.sealer.MAC(account.PlainCode(code)), now.Add(audit.EnrolmentLife), now)
	if _, err := s.record(r, s.personChanged(r, typePersonReset, &p, nil), nil, with); err != nil {
		return reply{}, err
	}
	return s.personNow(r, p.ID, code)
}

// confirmReset answers POST …/confirm-reset.
func (s *server) confirmReset(r *http.Request) (reply, error) {
	return s.changeAccount(r, typeResetConfirmed, func(p *store.Person) (store.Statements, error) {
		if err := inSession(r); err != nil {
			return nil, err
		}
		by := createdBy(principal(r))
		switch {
		case p.ResetBy == nil:
			return nil, audit.Errorf(audit.InvalidState, "there is no reset to confirm")
		case *p.ResetBy == by || principal(r).Subject == string(p.ID):
			return nil, audit.Errorf(audit.InvalidState, "somebody else confirms a reset than who did it, and than the person")
		case p.Status != audit.PersonActive:
			return nil, audit.Errorf(audit.InvalidState, "the person has not enrolled again yet")
		}
		return store.ConfirmReset(p.Ledger, p.ID, by, s.Clock()), nil
	})
}

// unlockPerson answers POST …/unlock.
func (s *server) unlockPerson(r *http.Request) (reply, error) {
	return s.changeAccount(r, typePersonUnlocked, func(p *store.Person) (store.Statements, error) {
		return store.UnlockPerson(p.Ledger, p.ID), nil
	})
}

// deactivatePerson answers POST …/deactivate.
func (s *server) deactivatePerson(r *http.Request) (reply, error) {
	return s.changeAccount(r, typePersonDeactivated, func(p *store.Person) (store.Statements, error) {
		if principal(r).Subject == string(p.ID) {
			return nil, audit.Errorf(audit.InvalidState, "nobody deactivates themselves")
		}
		return store.DeactivatePerson(p.Ledger, p.ID, s.Clock()), nil
	})
}

// changeAccount records a change that has no body, and shows the person.
func (s *server) changeAccount(r *http.Request, eventType string, of func(*store.Person) (store.Statements, error)) (reply, error) {
	p, err := s.personOf(r)
	if err != nil {
		return reply{}, err
	}
	if _, err := noBody(r); err != nil {
		return reply{}, err
	}
	with, err := of(&p)
	if err != nil {
		return reply{}, err
	}
	if _, err := s.record(r, s.personChanged(r, eventType, &p, nil), nil, with); err != nil {
		return reply{}, err
	}
	return s.personNow(r, p.ID, "")
}

func (s *server) personNow(r *http.Request, id audit.PersonID, code string) (reply, error) {
	p, err := s.Store.Person(r.Context(), principal(r).Ledger, id)
	if err != nil {
		return reply{}, err
	}
	return reply{header: http.Header{"Etag": {personTag(&p)}}, data: s.personView(r, &p, code)}, nil
}

func (s *server) showPerson(r *http.Request) (reply, error) {
	p, err := s.personOf(r)
	if err != nil {
		return reply{}, err
	}
	return reply{header: http.Header{"Etag": {personTag(&p)}}, data: s.personView(r, &p, "")}, nil
}

func (s *server) listPeople(r *http.Request) (reply, error) {
	who := callOf(r).query.identifier("who")
	page, err := jobPage(r)
	if err != nil {
		return reply{}, err
	}
	list, total, err := s.Store.People(r.Context(), principal(r).Ledger, who, page.limit, page.offset())
	if err != nil {
		return reply{}, err
	}
	data := make([]*personBody, len(list))
	for i := range list {
		data[i] = s.personView(r, &list[i], "")
	}
	return reply{data: data, pagination: page.of(total)}, nil
}

var personID = regexp.MustCompile(`^user_[0-9a-z]{26}$`)

// personOf returns the person that the path names.
func (s *server) personOf(r *http.Request) (p store.Person, err error) {
	id := variable(r, "user_id")
	if personID.MatchString(id) {
		p, err = s.Store.Person(r.Context(), principal(r).Ledger, audit.PersonID(id))
	}
	if p.ID == "" && (err == nil || audit.CodeOf(err) == audit.NotFound) {
		err = audit.Errorf(audit.NotFound, "there is no such person")
	}
	return p, err
}

// personTag names a version of a person.
func personTag(p *store.Person) string { return fmt.Sprintf(`"%s-v%d"`, p.ID, p.Version) }
