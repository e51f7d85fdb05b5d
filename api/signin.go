package api

import (
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/account"
	"github.com/sealbook/sealbook/internal/store"
)

// What all answers to a sign-in that failed have in common, so that nobody learns
// which addresses have accounts, or how near a guess was: what they say, and that
// they take a while.
const refusedSignIn = "the e-mail address, the password or the one-time code is wrong, or the account cannot be used now"

type signInRequest struct {
	Email        string               `json:"email"`
	Password     string               `json:"password"`
	Code         string               `json:"code"`
	Organisation audit.OrganisationID `json:"organisation,omitempty"` // when the address has an account in several
	Cookie       bool                 `json:"cookie,omitempty"`       // the token goes into a cookie, for pages of this site
}

// signIn answers POST /auth/login.
func (s *server) signIn(r *http.Request) (reply, error) {
	req, _, err := decode[signInRequest](r)
	if err != nil {
		return reply{}, err
	}
	began := s.Clock()
	rep, err := s.trySignIn(r, req)
	if audit.CodeOf(err) == audit.Unauthenticated {
		err = s.linger(r, began, err)
	}
	return rep, err
}

func (s *server) trySignIn(r *http.Request, req signInRequest) (reply, error) {
	now := s.Clock()
	p, err := s.Store.PersonToSignIn(r.Context(), req.Email, req.Organisation)
	if err != nil && audit.CodeOf(err) != audit.NotFound {
		return reply{}, err
	}
	step, why, err := s.check(r, &p, req.Password, req.Code, now)
	if err != nil {
		return reply{}, err
	}
	if p.ID == "" {
		return reply{}, audit.Errorf(audit.Unauthenticated, refusedSignIn)
	}
	if why == "" && !p.Usable(now) {
		why = "the account is " + string(p.Status) + " or has expired"
	}
	if err := s.actAs(r, &p); err != nil {
		return reply{}, err
	}
	if why != "" {
		return reply{}, s.signInFailed(r, &p, why, now)
	}
	token, err := account.NewSession()
	if err != nil {
		return reply{}, err
	}
	session := store.Session{Person: p, Organisation: principal(r).Organisation, TokenHash: s.sealer.MAC(token), StartedAt: now, SeenAt: now, EndsAt: now.Add(audit.SessionLife)}
	details := audit.Object{"components": []string{"password", "totp"}, "ends_at": audit.FormatTime(session.EndsAt)}
	_, err = s.record(r, action(r, typeSessionStarted, personResource(p.ID), details), nil, store.StartSession(session, step, now))
	if audit.CodeOf(err) == audit.InvalidState { // another request had the code first, or locked the account
		return reply{}, s.signInFailed(r, &p, "the one-time code was used before", now)
	}
	if err != nil {
		return reply{}, err
	}
	who, err := sessionPrincipal(&session, now)
	if err != nil {
		return reply{}, err
	}
	if req.Cookie {
		return reply{header: http.Header{"Set-Cookie": {cookieOf(token, audit.SessionLife)}}, data: sessionView(who, "")}, nil
	}
	return reply{data: sessionView(who, token)}, nil
}

// check compares both components. Whoever asks, about whatever account, the same
// work is done; why says what is wrong.
func (s *server) check(r *http.Request, p *store.Person, password, code string, now time.Time) (step int64, why string, err error) {
	right, err := s.matchPassword(r, p, password)
	if err != nil {
		return 0, "", err
	}
	secret := []byte("nobody's secret")
	if p.TOTPSecret != nil {
		if secret, err = s.sealer.Open(p.TOTPSecret, string(p.ID)); err != nil {
			return 0, "", fmt.Errorf("one-time code of %s: %w", p.ID, err)
		}
	}
	step, fits := account.MatchCode(secret, code, now)
	switch {
	case p.Locked(now):
		why = "the account is locked"
	case !right:
		why = "wrong password"
	case !fits || p.TOTPSecret == nil:
		why = "wrong one-time code"
	case p.TOTPStep != nil && step <= *p.TOTPStep:
		why = "the one-time code was used before"
	}
	return step, why, nil
}

// matchPassword compares a password, also of who has none.
func (s *server) matchPassword(r *http.Request, p *store.Person, password string) (bool, error) {
	select {
	case s.hashing <- struct{}{}:
		defer func() { <-s.hashing }()
	case <-r.Context().Done():
		return false, &audit.Error{Code: audit.Unavailable, Message: "too many people sign in at once", RetryAfter: time.Second}
	}
	hash := ""
	if p.Password != nil {
		hash = *p.Password
	}
	return s.PasswordCost.MatchPassword(hash, password), nil
}

// signInFailed records a failure, counts it, and is what the caller gets to see.
func (s *server) signInFailed(r *http.Request, p *store.Person, why string, now time.Time) error {
	details := audit.Object{"reason": why}
	e := action(r, typeSignInFailed, personResource(p.ID), details)
	e.Severity = audit.SeverityMedium
	before := p.Failures
	if p.LockedUntil != nil { // counting begins anew after a lock
		before = 0
	}
	if before+1 >= audit.MaxSignInFails && !p.Locked(now) {
		e.Severity, e.Class = audit.SeverityHigh, audit.ClassSecurity
		details["locked_until"] = audit.FormatTime(now.Add(audit.SignInLock))
	}
	if _, err := s.record(r, e, nil, store.NoteFailure(p.ID, now)); err != nil {
		return err
	}
	return audit.Errorf(audit.Unauthenticated, refusedSignIn)
}

// linger makes a refusal take as long as any other.
func (s *server) linger(r *http.Request, began time.Time, err error) error {
	select {
	case <-time.After(s.SignInFloor - s.Clock().Sub(began)):
	case <-r.Context().Done():
	}
	return err
}

// actAs makes a person the author of what an unauthenticated request records.
func (s *server) actAs(r *http.Request, p *store.Person) error {
	org, err := s.Store.Organisation(r.Context(), p.Ledger)
	if err == nil {
		callOf(r).principal = personPrincipal(org.ID, p)
	}
	return err
}

type enrolment struct {
	Code     string `json:"code"` // that an administrator handed over
	Password string `json:"password"`
}

type enrolmentBody struct {
	UserID audit.PersonID `json:"user_id"`
	Email  string         `json:"email"`
	Secret string         `json:"totp_secret"`
	URI    string         `json:"totp_uri"`
}

const wrongCode = "the code to enrol with is wrong, used up or too old"

// enrol answers POST /auth/enrol: the person chooses a password and gets the
// secret of their authenticator. Nothing counts before it is confirmed.
func (s *server) enrol(r *http.Request) (reply, error) {
	req, _, err := decode[enrolment](r)
	if err != nil {
		return reply{}, err
	}
	p, err := s.enrolling(r, req.Code)
	if err != nil {
		return reply{}, err
	}
	if why := account.CheckPassword(req.Password, p.Email); why != "" {
		return reply{}, invalid("the password cannot be taken", audit.FieldError{Field: "/password", Code: "invalid", Message: why})
	}
	hash, err := s.PasswordCost.HashPassword(req.Password)
	if err != nil {
		return reply{}, err
	}
	secret, err := account.NewCodeSecret()
	if err != nil {
		return reply{}, err
	}
	sealed, err := s.sealer.Seal(secret, string(p.ID))
	if err != nil {
		return reply{}, err
	}
	if _, err := s.record(r, action(r, typeEnrolmentBegun, personResource(p.ID), nil), nil, store.OfferCredentials(p, hash, sealed)); err != nil {
		return reply{}, err
	}
	return reply{data: enrolmentBody{p.ID, p.Email, account.CodeText(secret), account.CodeURI(secret, "Sealbook", p.Email)}}, nil
}

type confirmation struct {
	Code string `json:"code"`
	TOTP string `json:"totp"`
}

// confirmEnrolment answers POST /auth/enrol/confirm: a code of the authenticator
// shows that the person has it. The code to enrol with is used up.
func (s *server) confirmEnrolment(r *http.Request) (reply, error) {
	req, _, err := decode[confirmation](r)
	if err != nil {
		return reply{}, err
	}
	began := s.Clock()
	p, err := s.enrolling(r, req.Code)
	if err != nil {
		return reply{}, err
	}
	if p.NewSecret == nil {
		return reply{}, audit.Errorf(audit.InvalidState, "choose a password first, at /auth/enrol")
	}
	secret, err := s.sealer.Open(p.NewSecret, string(p.ID))
	if err != nil {
		return reply{}, err
	}
	step, ok := account.MatchCode(secret, req.TOTP, began)
	if !ok {
		return reply{}, s.linger(r, began, audit.Errorf(audit.Unauthenticated, "the one-time code is wrong; are both clocks right?"))
	}
	if _, err := s.record(r, action(r, typeEnrolled, personResource(p.ID), audit.Object{"components": []string{"password", "totp"}}), nil,
		store.ConfirmCredentials(p, step, began)); err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusNoContent}, nil
}

// enrolling returns whoever a code is of, and makes them the request's author.
func (s *server) enrolling(r *http.Request, code string) (store.Person, error) {
	began := s.Clock()
	p, err := s.Store.PersonByCode(r.Context(), s.sealer.MAC(account.PlainCode(code)), began)
	if audit.CodeOf(err) == audit.NotFound {
		return p, s.linger(r, began, audit.Errorf(audit.Unauthenticated, wrongCode))
	}
	if err != nil {
		return p, err
	}
	return p, s.actAs(r, &p)
}

type passwordChange struct {
	Current string `json:"current_password"`
	New     string `json:"new_password"`
	Code    string `json:"code"`
}

// changePassword answers POST /auth/password. Every other session ends.
func (s *server) changePassword(r *http.Request) (reply, error) {
	p, err := s.self(r)
	if err != nil {
		return reply{}, err
	}
	req, _, err := decode[passwordChange](r)
	if err != nil {
		return reply{}, err
	}
	now := s.Clock()
	if why := account.CheckPassword(req.New, p.Email); why != "" {
		return reply{}, invalid("the password cannot be taken", audit.FieldError{Field: "/new_password", Code: "invalid", Message: why})
	}
	step, err := s.stillOneself(r, &p, req.Current, req.Code, now)
	if err != nil {
		return reply{}, err
	}
	hash, err := s.PasswordCost.HashPassword(req.New)
	if err != nil {
		return reply{}, err
	}
	_, err = s.record(r, action(r, typePasswordChanged, personResource(p.ID), nil), nil, store.NewPassword(p.ID, hash, step, principal(r).Session, now))
	if audit.CodeOf(err) == audit.InvalidState {
		err = audit.Errorf(audit.Unauthenticated, refusedSignIn)
	}
	return reply{status: http.StatusNoContent}, err
}

// limitAddress holds back whoever sends many requests without a credential. An
// IPv6 network of 64 bits is one sender.
func (s *server) limitAddress(c *call) error {
	if s.strangers == nil {
		return nil
	}
	from := "?"
	if c.peer.IsValid() {
		bits := 32
		if c.peer.Is6() {
			bits = 64
		}
		from = netip.PrefixFrom(c.peer, bits).Masked().String()
	}
	left, full, wait := s.strangers.take(from, s.Clock())
	c.header = http.Header{
		"Ratelimit-Policy": {fmt.Sprintf(`"address";q=%d;w=%d`, s.SignInBurst, seconds(s.strangers.duration(s.strangers.burst)))},
		"Ratelimit":        {fmt.Sprintf(`"address";r=%d;t=%d`, left, seconds(full))},
	}
	if wait > 0 {
		return &audit.Error{Code: audit.RateLimited, RetryAfter: wait, Message: "too many requests to sign in come from this address"}
	}
	return nil
}
