package api

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/account"
	"github.com/sealbook/sealbook/internal/store"
)

// sessionCookie carries a session's token for the pages of this site. The prefix
// makes browsers hold it to this host, to HTTPS and to no other path (RFC 6265bis,
// section 4.1.3.2).
const sessionCookie = "__Host-sealbook"

// seenEvery is how exact the time of a session's last use is kept.
const seenEvery = 30 * time.Second

const noSession = "the session has ended, or never was; sign in again"

// session authenticates a session's token. What the person may do is looked up
// each time, so a change of their roles takes effect at once.
func (s *server) session(ctx context.Context, token string) (audit.Principal, error) {
	now, hash := s.Clock(), s.sealer.MAC(token)
	found, err := s.Store.SessionOf(ctx, hash, now)
	if audit.CodeOf(err) == audit.NotFound || err == nil && !found.Usable(now) {
		return audit.Principal{}, audit.Errorf(audit.Unauthenticated, noSession)
	}
	if err != nil {
		return audit.Principal{}, err
	}
	if now.Sub(found.SeenAt) >= seenEvery {
		if err := s.Store.TouchSession(ctx, hash, now); err != nil {
			return audit.Principal{}, err
		}
	}
	return sessionPrincipal(&found, now)
}

func sessionPrincipal(found *store.Session, now time.Time) (audit.Principal, error) {
	p := personPrincipal(found.Organisation, &found.Person)
	if cannotSign(&found.Person, now) != "" {
		p.Permissions = slices.DeleteFunc(p.Permissions, func(x audit.Permission) bool { return x == audit.SignReports })
	}
	if found.ResetBy != nil { // who reset them could be at work, and be a second person
		p.Permissions = slices.DeleteFunc(p.Permissions, func(x audit.Permission) bool { return x == audit.ExecuteErasure })
	}
	p.Session, p.ExpiresAt = found.TokenHash, &found.EndsAt
	if found.ExpiresAt != nil && found.ExpiresAt.Before(found.EndsAt) {
		p.ExpiresAt = found.ExpiresAt
	}
	if c := found.Constraints; c != nil {
		// What cannot be understood would restrict less than was meant.
		if bad := c.V.Normalise("/constraints"); bad != nil {
			return audit.Principal{}, audit.Errorf(audit.Internal, "person %s: %s: %s", found.ID, bad[0].Field, bad[0].Message)
		}
		p.Constraints = c.V
	}
	return p, nil
}

// personPrincipal is a person of the directory as the author of what they do.
func personPrincipal(o audit.OrganisationID, p *store.Person) audit.Principal {
	return audit.Principal{
		Organisation: o, Ledger: p.Ledger, Subject: string(p.ID), Name: p.Name, Email: p.Email,
		Roles: p.Roles, Permissions: audit.PermissionsOf(p.Roles),
	}
}

// cookieToken returns the token of a request that has no other credential. A
// browser sends the cookie whoever makes it ask, so a request that changes
// something must come from a page of this site.
func (s *server) cookieToken(r *http.Request) (token string, err error) {
	c, err := r.Cookie(sessionCookie)
	if err != nil || !strings.HasPrefix(c.Value, account.SessionPrefix) {
		return "", nil //nolint:nilerr // there is none
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return c.Value, nil
	}
	if !s.sameOrigin(r) {
		return "", audit.Errorf(audit.Unauthenticated, "a request of another site's page does not count as the person's")
	}
	return c.Value, nil
}

// sameOrigin reports whether a browser says that a page of ours makes the request
// (Fetch Metadata, or the Origin header where there is none).
func (s *server) sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	own, err := url.Parse(s.PublicURL)
	return err == nil && r.Header.Get("Origin") == own.Scheme+"://"+own.Host
}

func cookieOf(token string, life time.Duration) string {
	c := http.Cookie{Name: sessionCookie, Value: token, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: int(life / time.Second)}
	if token == "" {
		c.MaxAge = -1
	}
	return c.String()
}

// sessionBody is a session as its person sees it.
type sessionBody struct {
	Token       string             `json:"token,omitempty"` // once, and not when it is in a cookie
	User        sessionUser        `json:"user"`
	Roles       []audit.RoleName   `json:"roles"`
	Permissions []audit.Permission `json:"permissions"`
	EndsAt      string             `json:"ends_at"`
	IdleSeconds int64              `json:"idle_seconds"`
}

type sessionUser struct {
	ID    string `json:"user_id"`
	Name  string `json:"name"`
	Email string `json:"email"`
}

func sessionView(p audit.Principal, token string) sessionBody {
	return sessionBody{
		Token: token, User: sessionUser{p.Subject, p.Name, p.Email}, Roles: p.Roles, Permissions: p.Permissions,
		EndsAt: audit.FormatTime(*p.ExpiresAt), IdleSeconds: int64(audit.SessionIdle / time.Second),
	}
}

// inSession returns InvalidState unless the caller is a person with a session.
func inSession(r *http.Request) error {
	if principal(r).Session == nil {
		return audit.Errorf(audit.InvalidState, "this credential is no session of a person in the directory")
	}
	return nil
}

// showSession answers GET /auth/session.
func (s *server) showSession(r *http.Request) (reply, error) {
	if err := inSession(r); err != nil {
		return reply{}, err
	}
	return reply{data: sessionView(principal(r), "")}, nil
}

// signOut answers POST /auth/logout.
func (s *server) signOut(r *http.Request) (reply, error) {
	if err := inSession(r); err != nil {
		return reply{}, err
	}
	if _, err := noBody(r); err != nil {
		return reply{}, err
	}
	p := principal(r)
	if _, err := s.record(r, action(r, typeSessionEnded, personResource(audit.PersonID(p.Subject)), nil), nil, store.EndSession(p.Session)); err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusNoContent, header: http.Header{"Set-Cookie": {cookieOf("", 0)}}}, nil
}
