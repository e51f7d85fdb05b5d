package api

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

var holdParameters = []string{"state", "investigation_id", "page", "limit"}

// holdBody is a legal hold.
type holdBody struct {
	ID            string                 `json:"hold_id"`
	Investigation *audit.InvestigationID `json:"investigation_id"`
	Matter        string                 `json:"matter"`
	Reason        string                 `json:"reason"`
	State         string                 `json:"state"` // active or released
	Scope         holdScope              `json:"scope"`
	IssuedBy      audit.Object           `json:"issued_by"`
	IssuedAt      string                 `json:"issued_at"`
	ReleasedBy    audit.Object           `json:"released_by"`
	ReleasedAt    *string                `json:"released_at"`
	ReleaseReason *string                `json:"release_reason"`
}

type holdScope struct {
	From       *string           `json:"start"`
	Until      *string           `json:"end"` // exclusive
	Systems    []string          `json:"systems"`
	Users      []string          `json:"users"`
	Frameworks []audit.Framework `json:"frameworks"`
}

// holdView shows a hold. Whom a case is about, only those see who see cases.
func holdView(r *http.Request, h *store.LegalHold) holdBody {
	v := holdBody{
		ID: h.ID, Investigation: h.Investigation, Matter: h.Matter, Reason: h.Reason, State: "active", IssuedBy: h.IssuedBy.V, IssuedAt: audit.FormatTime(h.IssuedAt),
		ReleasedAt: formattedOrNil(h.ReleasedAt), ReleaseReason: h.ReleaseReason,
		Scope: holdScope{formattedOrNil(h.FromTime), formattedOrNil(h.UntilTime), orEmpty(h.Scope.V.Systems), orEmpty(h.Scope.V.Users), h.Scope.V.Frameworks},
	}
	if v.Scope.Frameworks == nil {
		v.Scope.Frameworks = []audit.Framework{}
	}
	if h.Investigation != nil && !principal(r).Can(audit.ReadInvestigations) {
		v.Investigation, v.Scope.Users = nil, []string{}
	}
	if h.ReleasedBy != nil {
		v.State, v.ReleasedBy = "released", h.ReleasedBy.V
	}
	return v
}

type holdRequest struct {
	Matter string `json:"matter"`
	Reason string `json:"reason"`
	Scope  struct {
		Start      string            `json:"start"`
		End        string            `json:"end"`
		Systems    []string          `json:"systems"`
		Users      []string          `json:"users"`
		Frameworks []audit.Framework `json:"frameworks"`
	} `json:"scope"`
}

// issueHold answers POST /legal-holds.
func (s *server) issueHold(r *http.Request) (reply, error) {
	req, body, err := decode[holdRequest](r)
	if err != nil {
		return reply{}, err
	}
	p, now := principal(r), s.Clock()
	h := store.LegalHold{ID: "hold_" + newULID(now), Ledger: p.Ledger, IssuedBy: store.JSON[audit.Object]{V: p.Actor()}, IssuedAt: now}
	if err := req.read(&h); err != nil {
		return reply{}, err
	}
	behind, err := s.behind(r, p.Actor())
	if err != nil {
		return reply{}, err
	}
	h.Issuer = audit.PersonID(behind)
	key, err := requestKey(r, body)
	if err != nil {
		return reply{}, err
	}
	if key != nil {
		key.Note = h.ID
	}
	about := action(r, typeHoldIssued, holdResource(h.ID), audit.Object{"matter": h.Matter, "from": formattedOrNil(h.FromTime), "until": formattedOrNil(h.UntilTime)})
	about.Severity = audit.SeverityMedium
	about.Metadata["reason"], about.Metadata["systems"], about.Metadata["users"] = h.Reason, h.Scope.V.Systems, h.Scope.V.Users
	out, err := s.record(r, about, key, store.InsertLegalHold(h))
	s.standing.forget(h.Ledger)
	if err != nil {
		return reply{header: replayed(nil, out.Replayed)}, err
	}
	if out.Replayed {
		if h, err = s.Store.LegalHold(r.Context(), p.Ledger, out.Note); err != nil {
			return reply{}, err
		}
	}
	header := replayed(http.Header{"Location": {callOf(r).mount + "/legal-holds/" + h.ID}}, out.Replayed)
	return reply{status: http.StatusCreated, header: header, data: holdView(r, &h)}, nil
}

func holdResource(id string) audit.Object { return audit.Object{"type": "legal_hold", "id": id} }

// read checks a request and takes it over.
func (q *holdRequest) read(h *store.LegalHold) error {
	var bad []audit.FieldError
	fail := func(field, code, format string, args ...any) {
		bad = append(bad, audit.FieldError{Field: field, Code: code, Message: fmt.Sprintf(format, args...)})
	}
	if h.Matter = strings.TrimSpace(q.Matter); h.Matter == "" || len(h.Matter) > audit.MaxHoldMatter {
		fail("/matter", "length", "matter is required and has at most %d bytes", audit.MaxHoldMatter)
	}
	if h.Reason = strings.TrimSpace(q.Reason); h.Reason == "" || len(h.Reason) > audit.MaxHoldReason {
		fail("/reason", "length", "reason is required and has at most %d bytes", audit.MaxHoldReason)
	}
	at := func(field, text string) *time.Time {
		if text == "" {
			return nil
		}
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil || t.Year() < 1970 || t.Year() > 9998 {
			fail(field, "invalid", "it is an RFC 3339 time")
			return nil
		}
		t = audit.Instant(t)
		return &t
	}
	h.FromTime, h.UntilTime = at("/scope/start", q.Scope.Start), at("/scope/end", q.Scope.End)
	if h.FromTime != nil && h.UntilTime != nil && !h.FromTime.Before(*h.UntilTime) {
		fail("/scope", "reversed", "it ends before it starts")
	}
	for field, values := range map[string][]string{"systems": q.Scope.Systems, "users": q.Scope.Users} {
		if len(values) > audit.MaxInvestigationScope {
			fail("/scope/"+field, "too_many", "at most %d values", audit.MaxInvestigationScope)
		}
		for i, v := range values {
			if strings.TrimSpace(v) == "" || len(v) > audit.MaxIdentifier {
				fail(fmt.Sprintf("/scope/%s/%d", field, i), "invalid", "it has 1 to %d bytes", audit.MaxIdentifier)
			}
		}
	}
	h.Scope.V = audit.HoldScope{Systems: q.Scope.Systems, Users: q.Scope.Users}
	for i, name := range q.Scope.Frameworks {
		f, ok := audit.ParseFramework(string(name))
		if !ok {
			fail(fmt.Sprintf("/scope/frameworks/%d", i), "invalid", "framework is one of SOC2, FDA_21CFR11, ISO_27001, GDPR, SOX, NIST_CSF")
		}
		h.Scope.V.Frameworks = append(h.Scope.V.Frameworks, f)
	}
	if bad != nil {
		return invalid("the legal hold is not valid", bad[:min(len(bad), audit.MaxBadFields)]...)
	}
	return nil
}

func (s *server) listHolds(r *http.Request) (reply, error) {
	q := callOf(r).query
	state, of := q.oneOf("state", "active", "released"), q.identifier("investigation_id")
	page, err := jobPage(r)
	if err != nil {
		return reply{}, err
	}
	hidden, err := s.selves(r)
	if err != nil {
		return reply{}, err
	}
	list, total, err := s.Store.LegalHolds(r.Context(), principal(r).Ledger, state, audit.InvestigationID(of), hidden, page.limit, page.offset())
	data := make([]holdBody, len(list))
	for i := range list {
		data[i] = holdView(r, &list[i])
	}
	return reply{data: data, pagination: page.of(total)}, err
}

func (s *server) showHold(r *http.Request) (reply, error) {
	h, err := s.hold(r)
	return reply{data: holdView(r, &h)}, err
}

var holdID = regexp.MustCompile(`^hold_[A-Za-z0-9_]{1,128}$`)

func (s *server) hold(r *http.Request) (h store.LegalHold, err error) {
	if id := variable(r, "hold_id"); holdID.MatchString(id) {
		h, err = s.Store.LegalHold(r.Context(), principal(r).Ledger, id)
	} else {
		err = audit.Errorf(audit.NotFound, "that is no id")
	}
	if err == nil && len(h.Scope.V.Users) > 0 {
		var names []string
		if names, err = s.selves(r); err == nil && (&audit.InvestigationScope{Users: h.Scope.V.Users}).Concerns(names...) {
			err = audit.Errorf(audit.NotFound, "it is about the caller")
		}
	}
	if audit.CodeOf(err) == audit.NotFound {
		err = audit.Errorf(audit.NotFound, "there is no such legal hold")
	}
	return h, err
}

// releaseHold answers DELETE /legal-holds/{id}: another person than its issuer ends
// it, with a reason. What it said stays.
func (s *server) releaseHold(r *http.Request) (reply, error) {
	h, err := s.hold(r)
	if err != nil {
		return reply{}, err
	}
	req, _, err := decode[reopenRequest](r)
	if err != nil {
		return reply{}, err
	}
	if req.Reason, err = reasonOf(req.Reason); err != nil {
		return reply{}, err
	}
	by := principal(r).Actor()
	behind, err := s.personBehind(r)
	switch {
	case err != nil:
		return reply{}, err
	case h.ReleasedAt != nil:
		return reply{}, audit.Errorf(audit.InvalidState, "the legal hold was released at %s", audit.FormatTime(*h.ReleasedAt))
	case behind == "":
		return reply{}, audit.Errorf(audit.InvalidState, "a legal hold is released by a person of the directory, or by a key that one made")
	case behind == h.Issuer:
		return reply{}, audit.Errorf(audit.InvalidState, "whoever issued a legal hold does not release it: another person does")
	}
	now := s.Clock()
	about := action(r, typeHoldReleased, holdResource(h.ID), audit.Object{"matter": h.Matter})
	about.Severity = audit.SeverityMedium
	about.Metadata["reason"] = req.Reason
	if _, err := s.record(r, about, nil, store.ReleaseLegalHold(h.Ledger, h.ID, by, req.Reason, now)); err != nil {
		return reply{}, err
	}
	s.standing.forget(h.Ledger)
	return s.showHold(r)
}
