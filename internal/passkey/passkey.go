// Package passkey is about signing with a passkey (W3C Web Authentication Level 3):
// it says what browsers ask authenticators for, and checks what these answer. It
// guards that an answer counts only for this site and this challenge, of a device that
// has just seen its holder (user verification), and that a copied device is noticed.
// The API uses it when people add passkeys and when they sign reports.
package passkey

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/sealbook/sealbook/audit"
)

// Site is where passkeys are good: the relying party. Its methods can be called at
// the same time.
type Site struct{ web *webauthn.WebAuthn }

// NewSite is the site at a public URL; what authenticators show of it is its name.
// Returns InvalidParameter when browsers know no passkeys there: its host is an
// address, or it is reached by http and is not this machine.
func NewSite(publicURL, name string) (*Site, error) {
	u, err := url.Parse(publicURL)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || u.Hostname() != "localhost") {
		return nil, audit.Errorf(audit.InvalidParameter, "passkeys need a public URL by https with the name of a host: %q is none", publicURL)
	}
	u.Host = strings.ToLower(u.Host) // as browsers write it
	limit := webauthn.TimeoutConfig{Timeout: audit.ChallengeLife, TimeoutUVD: audit.ChallengeLife}
	web, err := webauthn.New(&webauthn.Config{
		RPID: u.Hostname(), RPDisplayName: name, RPOrigins: []string{u.Scheme + "://" + u.Host},
		AttestationPreference:  protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{UserVerification: protocol.VerificationRequired, ResidentKey: protocol.ResidentKeyRequirementPreferred},
		Timeouts:               webauthn.TimeoutsConfig{Login: limit, Registration: limit},
	})
	if err == nil {
		err = protocol.ValidateRPID(u.Hostname())
	}
	if err != nil {
		return nil, audit.Errorf(audit.InvalidParameter, "there are no passkeys for %q: %w", publicURL, err)
	}
	return &Site{web}, nil
}

// Key is a passkey as it is kept.
type Key struct {
	ID       []byte // the authenticator's
	Public   []byte // in COSE form (RFC 9052)
	Counter  uint32 // of the last signature; 0: the authenticator does not count
	BackedUp bool   // it may be on several devices
}

// Holder is whose passkeys they are.
type Holder struct {
	ID          audit.PersonID
	Email, Name string
	Keys        []Key
}

// WebAuthnID implements webauthn.User, as the other methods do.
func (h *Holder) WebAuthnID() []byte { return []byte(h.ID) }

// WebAuthnName is what authenticators show.
func (h *Holder) WebAuthnName() string { return h.Email }

// WebAuthnDisplayName is what they show beside it.
func (h *Holder) WebAuthnDisplayName() string { return h.Name }

// WebAuthnCredentials are the holder's passkeys.
func (h *Holder) WebAuthnCredentials() []webauthn.Credential {
	list := make([]webauthn.Credential, len(h.Keys))
	for i, k := range h.Keys {
		list[i] = webauthn.Credential{
			ID: k.ID, PublicKey: k.Public, Flags: webauthn.CredentialFlags{BackupEligible: k.BackedUp},
			Authenticator: webauthn.Authenticator{SignCount: k.Counter},
		}
	}
	return list
}

// AskToAdd is what a browser hands to navigator.credentials.create, for a challenge of
// at least 16 bytes: PublicKeyCredentialCreationOptions as JSON.
func (s *Site) AskToAdd(h *Holder, challenge []byte) (json.RawMessage, error) {
	known := make([]protocol.CredentialDescriptor, 0, len(h.Keys))
	for _, c := range h.WebAuthnCredentials() {
		known = append(known, c.Descriptor())
	}
	asked, _, err := s.web.BeginRegistration(h, webauthn.WithExclusions(known), func(o *protocol.PublicKeyCredentialCreationOptions) error {
		o.Challenge = challenge
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("ask for a passkey: %w", err)
	}
	return json.Marshal(asked.Response)
}

// Add checks what a browser got for [Site.AskToAdd] (section 7.1), a
// RegistrationResponseJSON, and returns the passkey. Returns Unauthenticated, with
// the reason for the log, when it is no answer to that.
func (s *Site) Add(h *Holder, challenge []byte, answer json.RawMessage) (Key, error) {
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return Key{}, refuse(err)
	}
	session := s.session(h, challenge)
	session.CredParams = webauthn.CredentialParametersDefault()
	c, err := s.web.CreateCredential(h, session, parsed)
	if err != nil {
		return Key{}, refuse(err)
	}
	return keyOf(c), nil
}

// AskToSign is what a browser hands to navigator.credentials.get, for a challenge of
// at least 16 bytes and a holder who has a passkey: PublicKeyCredentialRequestOptions
// as JSON.
func (s *Site) AskToSign(h *Holder, challenge []byte) (json.RawMessage, error) {
	asked, _, err := s.web.BeginLogin(h, webauthn.WithChallenge(challenge))
	if err != nil {
		return nil, fmt.Errorf("ask for a signature by passkey: %w", err)
	}
	return json.Marshal(asked.Response)
}

// Signed checks what a browser got for [Site.AskToSign] (section 7.2), an
// AuthenticationResponseJSON, and returns the passkey that signed, with its new counter.
// Returns Unauthenticated, with the reason for the log, when none of the holder's did.
func (s *Site) Signed(h *Holder, challenge []byte, answer json.RawMessage) (Key, error) {
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return Key{}, refuse(err)
	}
	c, err := s.web.ValidateLogin(h, s.session(h, challenge), parsed)
	if err != nil {
		return Key{}, refuse(err)
	}
	if c.Authenticator.CloneWarning {
		return Key{}, refuse(errors.New("the passkey's counter is behind: there is a copy of it"))
	}
	return keyOf(c), nil
}

func (s *Site) session(h *Holder, challenge []byte) webauthn.SessionData {
	return webauthn.SessionData{
		Challenge: base64.RawURLEncoding.EncodeToString(challenge), RelyingPartyID: s.web.Config.RPID, UserID: h.WebAuthnID(),
		UserVerification: protocol.VerificationRequired, // it does not expire: who made the challenge knows until when it is good
	}
}

func keyOf(c *webauthn.Credential) Key {
	return Key{ID: c.ID, Public: c.PublicKey, Counter: c.Authenticator.SignCount, BackedUp: c.Flags.BackupEligible}
}

// refuse keeps the reason for the log.
func refuse(err error) error {
	var detailed *protocol.Error
	if errors.As(err, &detailed) && detailed.DevInfo != "" {
		err = fmt.Errorf("%w: %s", err, detailed.DevInfo)
	}
	return &audit.Error{Code: audit.Unauthenticated, Message: "the passkey's answer is malformed, of another passkey, or answers something else", Err: err}
}
