package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/passkey"
	"github.com/sealbook/sealbook/internal/store"
)

// Components of a signature: what a signatory shows to be themselves, each time (21
// CFR 11.200(a)(1)).
var (
	byCode     = []string{"password", "totp"}
	byPasskey  = []string{"password", "passkey"}
	byProvider = []string{"oidc"} // where the person showed what the provider asks for
)

// proof is what came of what a signatory showed.
type proof struct {
	components []string
	details    audit.Object     // what the entry about the signature says of it, beside the components
	use        store.Statements // uses it up, with the signature
	why        string           // what is wrong with it, for the ledger; "": nothing
	wrong      error            // the same for the caller
	guess      bool             // it may be one of many guesses, which lock the account
}

// prove checks what a signatory showed: a password with a one-time code or a passkey,
// or that they authenticated again with the identity provider, since the challenge.
func (s *server) prove(r *http.Request, p *store.Person, req *signing, since time.Time) (proof, error) {
	switch {
	case req.IDToken != "":
		return s.proveByProvider(r, p, req.IDToken, req.Nonce, since)
	case req.Passkey != nil:
		return s.proveByPasskey(r, p, req)
	}
	return s.proveByCode(r, p, req.Password, req.Code)
}

func (s *server) proveByCode(r *http.Request, p *store.Person, password, code string) (proof, error) {
	now := s.Clock()
	step, why, err := s.check(r, p, password, code, now)
	return proof{
		components: byCode, use: store.TakeCode(p.ID, step, now), why: why, guess: true,
		wrong: audit.Errorf(audit.Unauthenticated, "the password or the one-time code is wrong, or was used before"),
	}, err
}

// proveByPasskey: what the passkey signs names the document and the meaning, too.
func (s *server) proveByPasskey(r *http.Request, p *store.Person, req *signing) (proof, error) {
	out := proof{components: byPasskey, guess: true, wrong: audit.Errorf(audit.Unauthenticated, "the password is wrong, or the passkey does not answer this challenge")}
	if s.passkeys == nil {
		out.guess, out.why, out.wrong = false, "there are no passkeys here", noPasskeys()
		return out, nil
	}
	holder, rows, err := s.holder(r, p)
	if err != nil {
		return out, err
	}
	right, err := s.matchPassword(r, p, req.Password)
	if err != nil {
		return out, err
	}
	key, err := s.passkeys.Signed(holder, toSign(req.Nonce, req.Digest, req.Meaning), req.Passkey)
	switch {
	case p.Locked(s.Clock()):
		out.why = "the account is locked"
	case !right:
		out.why = "wrong password"
	case err != nil:
		s.Logger.WarnContext(r.Context(), "a passkey did not count", "person", p.ID, "error", errors.Unwrap(err))
		out.why = "the passkey's answer does not count"
	default:
		row := rows[slices.IndexFunc(rows, func(x store.Passkey) bool { return bytes.Equal(x.Credential, key.ID) })]
		row.Counter = int64(key.Counter)
		out.details, out.use = audit.Object{"passkey_id": row.ID}, store.UsePasskey(row, s.Clock())
	}
	return out, nil
}

// proveByProvider: the provider asked for as much as a password and a second factor,
// as its operator says of the class.
func (s *server) proveByProvider(r *http.Request, p *store.Person, token, nonce string, since time.Time) (proof, error) {
	out := proof{components: byProvider}
	linked, err := s.Store.LinkedIdentity(r.Context(), p.Ledger, p.ID)
	if audit.CodeOf(err) == audit.NotFound {
		out.why = "no identity of the provider is linked to the account"
		out.wrong = audit.Errorf(audit.InvalidState, "your account is linked to no identity of the provider; link it first, at /auth/identity")
		return out, nil
	}
	if err != nil {
		return out, err
	}
	a, err := s.authentication(r, token, nonce, since)
	switch code := audit.CodeOf(err); {
	case code == audit.Unauthenticated || code == audit.InvalidState:
		out.why, out.wrong = "the ID token does not count", err
	case err != nil:
		return out, err
	case a.Issuer != linked.Issuer || a.Subject != linked.Subject:
		out.why, out.wrong = "the ID token is of another identity than the linked one", audit.Errorf(audit.Unauthenticated, "the ID token is of another identity than the one that your account is linked to")
	case p.Locked(s.Clock()):
		out.why, out.wrong = "the account is locked", audit.Errorf(audit.Unauthenticated, "the account is locked for a while")
	default:
		out.details = audit.Object{"authentication": audit.Object{"issuer": a.Issuer, "acr": a.ACR, "authenticated_at": audit.FormatTime(a.At)}}
		out.use = store.UseIdentity(linked, s.Clock())
	}
	return out, nil
}

// toSign is the challenge that a passkey answers for a signature.
func toSign(nonce, digest string, meaning audit.SignatureMeaning) []byte {
	sum := sha256.Sum256([]byte("Sealbook: sign a report\n" + nonce + "\n" + digest + "\n" + string(meaning)))
	return sum[:]
}

// wayBody is one way to show who one is, with what a browser needs for it.
type wayBody struct {
	Components []string        `json:"components"`
	Passkey    json.RawMessage `json:"passkey,omitempty"` // PublicKeyCredentialRequestOptions
	Provider   *askedBody      `json:"oidc,omitempty"`
}

// askedBody is what a browser asks the identity provider for (OpenID Connect Core 1.0,
// section 3.1.2.1), beside what every request to it has.
type askedBody struct {
	Issuer   string   `json:"issuer"`
	ClientID string   `json:"client_id"`
	Nonce    string   `json:"nonce"`
	ACR      []string `json:"acr_values"`
	MaxAge   int      `json:"max_age"` // seconds
}

// ways are those that a signatory has, for a challenge.
func (s *server) ways(r *http.Request, p *store.Person, nonce, digest string, meaning audit.SignatureMeaning) ([]wayBody, error) {
	list := []wayBody{{Components: byCode}}
	if s.passkeys != nil {
		holder, _, err := s.holder(r, p)
		if err != nil {
			return nil, err
		}
		if len(holder.Keys) > 0 {
			options, err := s.passkeys.AskToSign(holder, toSign(nonce, digest, meaning))
			if err != nil {
				return nil, err
			}
			list = append(list, wayBody{Components: byPasskey, Passkey: options})
		}
	}
	if asked := s.askProvider(nonce); asked != nil {
		linked, err := s.Store.LinkedIdentity(r.Context(), p.Ledger, p.ID)
		if err == nil && linked.Issuer == asked.Issuer {
			list = append(list, wayBody{Components: byProvider, Provider: asked})
		} else if err != nil && audit.CodeOf(err) != audit.NotFound {
			return nil, err
		}
	}
	return list, nil
}

// askProvider is nil where people cannot authenticate again with a provider.
func (s *server) askProvider(nonce string) *askedBody {
	if s.Identity == nil {
		return nil
	}
	how, ok := s.Identity.StepUp()
	if !ok {
		return nil
	}
	return &askedBody{how.Issuer, how.ClientID, nonce, how.ACR, 0}
}

// holder is a person with their passkeys, and the rows of these.
func (s *server) holder(r *http.Request, p *store.Person) (*passkey.Holder, []store.Passkey, error) {
	rows, err := s.Store.Passkeys(r.Context(), p.Ledger, p.ID)
	h := &passkey.Holder{ID: p.ID, Email: p.Email, Name: p.Name}
	for _, k := range rows {
		h.Keys = append(h.Keys, passkey.Key{ID: k.Credential, Public: k.PublicKey, Counter: uint32(k.Counter), BackedUp: k.BackedUp}) //nolint:gosec // it was one
	}
	return h, rows, err
}
