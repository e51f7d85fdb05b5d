package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/account"
	"github.com/sealbook/sealbook/internal/identity"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// What a person signs with beside password and one-time code: passkeys, and an
// identity at the organisation's provider. Each is added in the person's own session, with
// password and code, so that who only holds the session adds none.

type credentialsBody struct {
	Components []string      `json:"components"`
	Passkeys   []passkeyBody `json:"passkeys"`
	Identity   *identityBody `json:"identity"`
}

type passkeyBody struct {
	ID        audit.PasskeyID `json:"passkey_id"`
	Name      string          `json:"name"`
	BackedUp  bool            `json:"backed_up"` // it may be on several devices
	CreatedAt string          `json:"created_at"`
	UsedAt    *string         `json:"used_at"`
}

type identityBody struct {
	Issuer   string  `json:"issuer"`
	Subject  string  `json:"subject"`
	LinkedAt string  `json:"linked_at"`
	UsedAt   *string `json:"used_at"`
}

func passkeyView(k *store.Passkey) passkeyBody {
	return passkeyBody{k.ID, k.Name, k.BackedUp, audit.FormatTime(k.CreatedAt), formattedOrNil(k.UsedAt)}
}

func identityView(l *store.LinkedIdentity) *identityBody {
	return &identityBody{l.Issuer, l.Subject, audit.FormatTime(l.LinkedAt), formattedOrNil(l.UsedAt)}
}

// self is the person whose session it is.
func (s *server) self(r *http.Request) (store.Person, error) {
	if err := inSession(r); err != nil {
		return store.Person{}, err
	}
	who := principal(r)
	return s.Store.Person(r.Context(), who.Ledger, audit.PersonID(who.Subject))
}

// showCredentials answers GET /auth/credentials.
func (s *server) showCredentials(r *http.Request) (reply, error) {
	p, err := s.self(r)
	if err != nil {
		return reply{}, err
	}
	rows, err := s.Store.Passkeys(r.Context(), p.Ledger, p.ID)
	if err != nil {
		return reply{}, err
	}
	v := credentialsBody{Components: byCode, Passkeys: make([]passkeyBody, len(rows))}
	for i := range rows {
		v.Passkeys[i] = passkeyView(&rows[i])
	}
	linked, err := s.Store.LinkedIdentity(r.Context(), p.Ledger, p.ID)
	if err == nil {
		v.Identity = identityView(&linked)
	} else if audit.CodeOf(err) != audit.NotFound {
		return reply{}, err
	}
	return reply{data: v}, nil
}

type credentialChallengeBody struct {
	Nonce     string          `json:"nonce"`
	ExpiresAt string          `json:"expires_at"`
	Passkey   json.RawMessage `json:"passkey"` // PublicKeyCredentialCreationOptions; null: there are no passkeys here
	Provider  *askedBody      `json:"oidc"`    // null: nobody authenticates again with a provider here
}

// challengeCredential answers POST /auth/credentials/challenge: what a browser needs to
// get a passkey, or an ID token, that this session may add.
func (s *server) challengeCredential(r *http.Request) (reply, error) {
	p, err := s.self(r)
	if err != nil {
		return reply{}, err
	}
	if _, err := noBody(r); err != nil {
		return reply{}, err
	}
	random, err := account.NewNonce()
	if err != nil {
		return reply{}, err
	}
	until := s.Clock().Add(audit.ChallengeLife)
	nonce := s.credentialNonce(principal(r).Session, random, until)
	v := credentialChallengeBody{Nonce: nonce, ExpiresAt: audit.FormatTime(until), Provider: s.askProvider(nonce)}
	if s.passkeys != nil {
		holder, _, err := s.holder(r, &p)
		if err != nil {
			return reply{}, err
		}
		if v.Passkey, err = s.passkeys.AskToAdd(holder, toAdd(nonce)); err != nil {
			return reply{}, err
		}
	}
	return reply{status: http.StatusCreated, data: v}, nil
}

// credentialNonce holds what it is good for itself: for one session, until then. It is
// not used up: what it lets add again, with another code, is the same.
func (s *server) credentialNonce(session []byte, random string, until time.Time) string {
	said := random + "." + base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, uint64(until.UnixMicro()))) //nolint:gosec // after 1970
	return said + "." + base64.RawURLEncoding.EncodeToString(s.sealer.MAC("add a credential\n"+string(session)+"\n"+said))
}

// challenged returns since when a nonce of [server.credentialNonce] is out. It is
// InvalidState when it is over, or of another session.
func (s *server) challenged(r *http.Request, nonce string) (since time.Time, err error) {
	over := audit.Errorf(audit.InvalidState, "the challenge is over, or of another session; ask for a new one")
	parts := strings.Split(nonce, ".")
	if len(parts) != 3 {
		return since, over
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || len(raw) != 8 {
		return since, over
	}
	until := time.UnixMicro(int64(binary.BigEndian.Uint64(raw))) //nolint:gosec // the nonce is compared
	if !hmac.Equal([]byte(nonce), []byte(s.credentialNonce(principal(r).Session, parts[0], until))) || !s.Clock().Before(until) {
		return since, over
	}
	return until.Add(-audit.ChallengeLife), nil
}

// toAdd is the challenge that a passkey answers to be added.
func toAdd(nonce string) []byte {
	sum := sha256.Sum256([]byte("Sealbook: add a passkey\n" + nonce))
	return sum[:]
}

type newPasskey struct {
	Nonce      string          `json:"nonce"`
	Name       string          `json:"name"`
	Password   string          `json:"password"`
	Code       string          `json:"code"`
	Credential json.RawMessage `json:"credential"`
}

func noPasskeys() error {
	return audit.Errorf(audit.InvalidState, "there are no passkeys here: they need a public URL by https with the name of a host")
}

// addPasskey answers POST /auth/passkeys.
func (s *server) addPasskey(r *http.Request) (reply, error) {
	p, err := s.self(r)
	if err != nil {
		return reply{}, err
	}
	req, _, err := decode[newPasskey](r)
	if err != nil {
		return reply{}, err
	}
	req.Name = strings.TrimSpace(req.Name)
	bad := missing(map[string]string{"nonce": req.Nonce, "password": req.Password, "code": req.Code, "credential": string(req.Credential)})
	if n := len(req.Name); n == 0 || n > audit.MaxPersonFields || strings.ContainsFunc(req.Name, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		bad = append(bad, audit.FieldError{Field: "/name", Code: "length", Message: fmt.Sprintf("a name has 1 to %d bytes and no control characters", audit.MaxPersonFields)})
	}
	if bad != nil {
		return reply{}, invalid("the passkey cannot be added", bad...)
	}
	if s.passkeys == nil {
		return reply{}, noPasskeys()
	}
	if _, err := s.challenged(r, req.Nonce); err != nil {
		return reply{}, err
	}
	holder, _, err := s.holder(r, &p)
	if err != nil {
		return reply{}, err
	}
	if len(holder.Keys) >= audit.MaxPasskeys {
		return reply{}, audit.Errorf(audit.InvalidState, "you have %d passkeys, and nobody has more", audit.MaxPasskeys)
	}
	key, err := s.passkeys.Add(holder, toAdd(req.Nonce), req.Credential)
	if err != nil {
		return reply{}, err
	}
	now := audit.Instant(s.Clock())
	step, err := s.stillOneself(r, &p, req.Password, req.Code, now)
	if err != nil {
		return reply{}, err
	}
	row := store.Passkey{
		ID: audit.PasskeyID("passkey_" + newULID(now)), Ledger: p.Ledger, Person: p.ID, Name: req.Name, Credential: key.ID, PublicKey: key.Public,
		Counter: int64(key.Counter), BackedUp: key.BackedUp, CreatedAt: now,
	}
	about := securityAction(r, typePasskeyAdded, &p, audit.Object{"passkey_id": row.ID, "backed_up": row.BackedUp, "public_key_sha256": ledger.FormatHash(sha256.Sum256(key.Public))})
	about.Metadata["name"] = row.Name
	if _, err := s.record(r, about, nil, store.InsertPasskey(row, step)); err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusCreated, data: passkeyView(&row)}, nil
}

// stillOneself checks password and code in a session.
func (s *server) stillOneself(r *http.Request, p *store.Person, password, code string, now time.Time) (step int64, err error) {
	step, why, err := s.check(r, p, password, code, now)
	if err == nil && why != "" {
		err = s.linger(r, now, s.signInFailed(r, p, why, now))
	}
	return step, err
}

// removePasskey answers DELETE /auth/passkeys/{passkey_id}.
func (s *server) removePasskey(r *http.Request) (reply, error) {
	none := audit.Errorf(audit.NotFound, "there is no such passkey of yours")
	p, err := s.self(r)
	if audit.CodeOf(err) == audit.InvalidState { // who is no person in a session has none
		err = none
	}
	if err != nil {
		return reply{}, err
	}
	id := audit.PasskeyID(variable(r, "passkey_id"))
	rows, err := s.Store.Passkeys(r.Context(), p.Ledger, p.ID)
	if err != nil {
		return reply{}, err
	}
	if !slices.ContainsFunc(rows, func(k store.Passkey) bool { return k.ID == id }) {
		return reply{}, none
	}
	_, err = s.record(r, securityAction(r, typePasskeyRemoved, &p, audit.Object{"passkey_id": id}), nil, store.DeletePasskey(p.Ledger, p.ID, id))
	if audit.CodeOf(err) == audit.InvalidState { // it was removed meanwhile
		err = none
	}
	return reply{status: http.StatusNoContent}, err
}

type newIdentity struct {
	Nonce    string `json:"nonce"`
	Password string `json:"password"`
	Code     string `json:"code"`
	IDToken  string `json:"id_token"`
}

// linkIdentity answers PUT /auth/identity.
func (s *server) linkIdentity(r *http.Request) (reply, error) {
	p, err := s.self(r)
	if err != nil {
		return reply{}, err
	}
	req, _, err := decode[newIdentity](r)
	if err != nil {
		return reply{}, err
	}
	if bad := missing(map[string]string{"nonce": req.Nonce, "password": req.Password, "code": req.Code, "id_token": req.IDToken}); bad != nil {
		return reply{}, invalid("the identity cannot be linked", bad...)
	}
	since, err := s.challenged(r, req.Nonce)
	if err != nil {
		return reply{}, err
	}
	a, err := s.authentication(r, req.IDToken, req.Nonce, since)
	if err != nil {
		return reply{}, err
	}
	now := audit.Instant(s.Clock())
	step, err := s.stillOneself(r, &p, req.Password, req.Code, now)
	if err != nil {
		return reply{}, err
	}
	l := store.LinkedIdentity{Person: p.ID, Ledger: p.Ledger, Issuer: a.Issuer, Subject: a.Subject, LinkedAt: now}
	about := securityAction(r, typeIdentityLinked, &p, audit.Object{"issuer": l.Issuer, "acr": a.ACR})
	about.Metadata["subject"] = l.Subject
	before, err := s.Store.LinkedIdentity(r.Context(), p.Ledger, p.ID)
	if err == nil {
		about.Details["replaced_issuer"], about.Metadata["replaced_subject"] = before.Issuer, before.Subject
	} else if audit.CodeOf(err) != audit.NotFound {
		return reply{}, err
	}
	if _, err := s.record(r, about, nil, store.LinkIdentity(l, step)); err != nil {
		return reply{}, err
	}
	return reply{data: identityView(&l)}, nil
}

// unlinkIdentity answers DELETE /auth/identity.
func (s *server) unlinkIdentity(r *http.Request) (reply, error) {
	p, err := s.self(r)
	if err != nil {
		return reply{}, err
	}
	linked, err := s.Store.LinkedIdentity(r.Context(), p.Ledger, p.ID)
	if audit.CodeOf(err) == audit.NotFound {
		err = audit.Errorf(audit.NotFound, "your account is linked to no identity")
	}
	if err != nil {
		return reply{}, err
	}
	about := securityAction(r, typeIdentityUnlinked, &p, audit.Object{"issuer": linked.Issuer})
	if _, err := s.record(r, about, nil, store.UnlinkIdentity(p.Ledger, p.ID)); err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusNoContent}, nil
}

// authentication verifies an ID token of the provider.
func (s *server) authentication(r *http.Request, token, nonce string, since time.Time) (identity.Authentication, error) {
	if s.Identity == nil {
		return identity.Authentication{}, audit.Errorf(audit.InvalidState, "nobody authenticates again with an identity provider here")
	}
	a, err := s.Identity.Authentication(r.Context(), token, nonce, since)
	if audit.CodeOf(err) == audit.Unauthenticated {
		s.Logger.WarnContext(r.Context(), "an ID token did not count", "person", principal(r).Subject, "error", errors.Unwrap(err))
	}
	return a, err
}

// securityAction is an entry about what somebody signs with.
func securityAction(r *http.Request, eventType string, p *store.Person, details audit.Object) audit.Event {
	e := action(r, eventType, personResource(p.ID), details)
	e.Class, e.Severity = audit.ClassSecurity, audit.SeverityMedium
	return e
}

func missing(fields map[string]string) (bad []audit.FieldError) {
	for name, value := range fields {
		if value == "" || value == "null" {
			bad = append(bad, audit.FieldError{Field: "/" + name, Code: "required", Message: name + " is required"})
		}
	}
	slices.SortFunc(bad, func(a, b audit.FieldError) int { return strings.Compare(a.Field, b.Field) })
	return bad
}
