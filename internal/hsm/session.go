//go:build pkcs11 && cgo

package hsm

import (
	"crypto"

	"github.com/miekg/pkcs11"

	"github.com/sealbook/sealbook/audit"
)

// connect opens a session, logs in, and finds the key, unless that was done in the
// module's present life. The caller holds the module's mu.
func (s *signer) connect() error {
	m := s.module
	if s.life != 0 && s.life == m.life {
		return nil
	}
	if err := m.start(); err != nil {
		return err
	}
	err := s.begin()
	switch {
	case err == nil:
		s.life = m.life
	case audit.CodeOf(err) == audit.Unavailable:
		m.stop()
	}
	return err
}

// lose gives the session up. The module begins anew for the next use.
func (s *signer) lose() {
	s.life = 0
	s.module.stop()
}

func (s *signer) begin() (err error) {
	m := s.module
	slot, token, err := m.slot(s.uri)
	if err != nil {
		return err
	}
	if s.session, err = m.ctx.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION); err != nil {
		return unavailable("open a session", err)
	}
	defer func() {
		if err != nil {
			m.ctx.CloseSession(s.session) //nolint:errcheck // the first error says it
		}
	}()
	if token.Flags&pkcs11.CKF_LOGIN_REQUIRED != 0 {
		// One more wrong PIN and the token is useless: a person must try it first.
		if token.Flags&(pkcs11.CKF_USER_PIN_FINAL_TRY|pkcs11.CKF_USER_PIN_LOCKED) != 0 {
			return audit.Errorf(audit.Forbidden, "the token that %s names is locked, or would be after one more wrong PIN: log in to it with its own tools first", s.uri)
		}
		if err := s.login(pkcs11.CKU_USER); err != nil {
			return err
		}
	}
	if s.key, err = s.find(); err != nil {
		return err
	}
	public, err := s.readPublic()
	if err != nil {
		return err
	}
	// The certificate was compared with the key that was there at the start.
	if s.public == nil {
		s.public = public
	}
	if same, ok := public.(interface{ Equal(crypto.PublicKey) bool }); !ok || !same.Equal(s.public) {
		return audit.Errorf(audit.InvalidState, "the key that %s names is another one than when this program started", s.uri)
	}
	return nil
}

func (s *signer) login(as uint) error {
	pin, err := s.pin()
	switch {
	case err != nil:
		return err
	case pin == "":
		return audit.Errorf(audit.InvalidParameter, "the token that %s names wants a PIN: add pin-source=…", s.uri)
	case pin == s.refused:
		return audit.Errorf(audit.Forbidden, "the token that %s names refused the PIN, and is not asked again with the same one", s.uri)
	}
	err = s.module.ctx.Login(s.session, as, pin)
	switch {
	case err == nil, is(err, pkcs11.CKR_USER_ALREADY_LOGGED_IN):
		return nil
	case is(err, pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_INVALID, pkcs11.CKR_PIN_LEN_RANGE, pkcs11.CKR_PIN_EXPIRED, pkcs11.CKR_PIN_LOCKED):
		s.refused = pin
		return audit.Errorf(audit.Forbidden, "the token that %s names refuses the PIN: %w", s.uri, err)
	}
	return unavailable("log in", err)
}

// find finds the private key, which is not seen before the login.
func (s *signer) find() (pkcs11.ObjectHandle, error) {
	template := []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY)}
	if s.uri.Object != "" {
		template = append(template, pkcs11.NewAttribute(pkcs11.CKA_LABEL, s.uri.Object))
	}
	if len(s.uri.ID) > 0 {
		template = append(template, pkcs11.NewAttribute(pkcs11.CKA_ID, s.uri.ID))
	}
	found, err := s.module.objects(s.session, template...)
	switch {
	case err != nil:
		return 0, err
	case len(found) == 0:
		return 0, audit.Errorf(audit.NotFound, "the token has no private key that %s names", s.uri)
	case len(found) > 1:
		return 0, audit.Errorf(audit.InvalidParameter, "the token has %d private keys that %s names: name it by object=… and id=…", len(found), s.uri)
	}
	// Not every module knows the attribute.
	always, err := s.module.values(s.session, found[0], pkcs11.CKA_ALWAYS_AUTHENTICATE)
	s.always = err == nil && len(always[0]) == 1 && always[0][0] != 0
	return found[0], nil
}
