package api

import (
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// createAPIKey answers POST /api-keys: 201 with the key, this once. A replayed
// request shows the key that the first one made, without its secret.
func (s *server) createAPIKey(r *http.Request) (reply, error) {
	req, body, err := decode[audit.KeyGrant](r)
	if err != nil {
		return reply{}, err
	}
	key, err := requestKey(r, body)
	if err != nil {
		return reply{}, err
	}
	p, now := principal(r), s.Clock()
	grant, err := req.Check(now)
	if err != nil {
		return reply{}, err
	}
	if err := s.mayGrant(p, grant); err != nil {
		return reply{}, err
	}
	k, secret, err := store.GrantKey(s.Pepper, p.Organisation, grant, createdBy(p), now)
	if err != nil {
		return reply{}, err
	}
	if key != nil {
		key.Note = k.ID
	}
	out, err := s.record(r, keyChanged(r, typeKeyCreated, k, grant.Details()), key, store.InsertKey(k))
	if err != nil {
		return reply{header: replayed(nil, out.Replayed)}, err
	}
	if out.Replayed {
		if k, err = s.Store.OrganisationKey(r.Context(), p.Organisation, out.Note); err != nil {
			return reply{}, err
		}
		secret = ""
	}
	header := replayed(http.Header{"Location": {callOf(r).mount + "/api-keys/" + k.ID}}, out.Replayed)
	return reply{status: http.StatusCreated, header: header, data: s.apiKeyView(k, secret)}, nil
}

// createdBy names a key's maker beside it.
func createdBy(p audit.Principal) string {
	if p.Person() {
		return "user " + p.Subject
	}
	return "api_key " + p.KeyID
}

// keyChanged is the entry about a change of a key.
func keyChanged(r *http.Request, eventType string, k store.Key, details audit.Object) audit.Event {
	e := action(r, eventType, audit.Object{"type": "api_key", "id": k.ID, "name": k.Name}, details)
	e.Severity = audit.SeverityMedium
	return e
}

type rotation struct {
	OverlapSeconds *int64 `json:"overlap_seconds"`
}

// rotateAPIKey answers POST /api-keys/{key_id}/rotate: a new secret, and for
// the overlap also the old one. The new secret is as good as the key, so who
// asks must be able to grant what the key may do.
func (s *server) rotateAPIKey(r *http.Request) (reply, error) {
	var req rotation
	var body []byte
	var err error
	if r.ContentLength != 0 {
		if req, body, err = decode[rotation](r); err != nil {
			return reply{}, err
		}
	}
	overlap := audit.DefaultKeyOverlap
	if n := req.OverlapSeconds; n != nil {
		if most := int64(audit.MaxKeyOverlap / time.Second); *n < 0 || *n > most {
			return reply{}, invalid("the rotation is not valid", audit.FieldError{
				Field: "/overlap_seconds", Code: "range", Message: fmt.Sprintf("overlap_seconds is from 0 to %d", most)})
		}
		overlap = time.Duration(*n) * time.Second
	}
	key, err := requestKey(r, body)
	if err != nil {
		return reply{}, err
	}
	k, err := s.apiKey(r)
	if err != nil {
		return reply{}, err
	}
	if err := s.mayGrant(principal(r), k.Grant()); err != nil {
		return reply{}, err
	}
	now := s.Clock()
	replaces := k.MAC
	secret, err := k.Rotate(s.Pepper, now, now.Add(overlap))
	if err != nil {
		return reply{}, err
	}
	details := audit.Object{"overlap_seconds": int64(overlap / time.Second)}
	out, err := s.record(r, keyChanged(r, typeKeyRotated, k, details), key, store.RotateKey(k, replaces))
	if err != nil {
		return reply{header: replayed(nil, out.Replayed)}, err
	}
	if out.Replayed {
		if k, err = s.apiKey(r); err != nil {
			return reply{}, err
		}
		secret = ""
	}
	s.keys.forget(k.ID)
	return reply{header: replayed(nil, out.Replayed), data: s.apiKeyView(k, secret)}, nil
}

// revokeAPIKey answers DELETE /api-keys/{key_id}. A key may end itself.
func (s *server) revokeAPIKey(r *http.Request) (reply, error) {
	k, err := s.apiKey(r)
	if err != nil {
		return reply{}, err
	}
	if _, err := s.record(r, keyChanged(r, typeKeyRevoked, k, nil), nil, store.RevokeKey(k.Organisation, k.ID, s.Clock())); err != nil {
		return reply{}, err
	}
	s.keys.forget(k.ID)
	return reply{status: http.StatusNoContent}, nil
}

func (s *server) showAPIKey(r *http.Request) (reply, error) {
	k, err := s.apiKey(r)
	if err != nil {
		return reply{}, err
	}
	return reply{data: s.apiKeyView(k, "")}, nil
}

func (s *server) listAPIKeys(r *http.Request) (reply, error) {
	page, err := jobPage(r)
	if err != nil {
		return reply{}, err
	}
	list, total, err := s.Store.OrganisationKeys(r.Context(), principal(r).Organisation, page.limit, page.offset())
	if err != nil {
		return reply{}, err
	}
	data := make([]*apiKeyBody, len(list))
	for i, k := range list {
		data[i] = s.apiKeyView(k, "")
	}
	return reply{data: data, pagination: page.of(total)}, nil
}

var apiKeyID = regexp.MustCompile(`^[0-9A-Za-z]{12}$`)

// apiKey returns the key that the path names.
func (s *server) apiKey(r *http.Request) (k store.Key, err error) {
	id := variable(r, "key_id")
	if apiKeyID.MatchString(id) {
		k, err = s.Store.OrganisationKey(r.Context(), principal(r).Organisation, id)
	}
	if k.ID == "" && (err == nil || audit.CodeOf(err) == audit.NotFound) {
		err = audit.Errorf(audit.NotFound, "there is no such API key")
	}
	return k, err
}
