//go:build pkcs11 && cgo

package hsmtest

import (
	"testing"

	"github.com/miekg/pkcs11"
)

// Names of the curves, as a token takes them.
const (
	P256 = "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
	P384 = "\x06\x05\x2b\x81\x04\x00\x22"
)

// Key is a key pair to make in a token.
type Key struct {
	Label, ID string
	Curve     string // empty: RSA with 2048 bits
	PublicID  string // the public key's, when it is another
	NotToSign bool
	Always    bool // it wants the PIN for each signature
}

// Generate makes the key in the token, which it does not leave.
func (k *Token) Generate(t testing.TB, key Key) {
	t.Helper()
	s := k.session(t)
	defer k.ctx.CloseSession(s)
	mechanism := pkcs11.NewMechanism(pkcs11.CKM_RSA_PKCS_KEY_PAIR_GEN, nil)
	kind := []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_MODULUS_BITS, 2048), pkcs11.NewAttribute(pkcs11.CKA_PUBLIC_EXPONENT, []byte{1, 0, 1})}
	if key.Curve != "" {
		mechanism = pkcs11.NewMechanism(pkcs11.CKM_EC_KEY_PAIR_GEN, nil)
		kind = []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, []byte(key.Curve))}
	}
	publicID := key.ID
	if key.PublicID != "" {
		publicID = key.PublicID
	}
	public := append(kind, pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, false), pkcs11.NewAttribute(pkcs11.CKA_VERIFY, true),
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, key.Label), pkcs11.NewAttribute(pkcs11.CKA_ID, []byte(publicID)))
	private := []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true), pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true),
		pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, false), pkcs11.NewAttribute(pkcs11.CKA_SIGN, !key.NotToSign), pkcs11.NewAttribute(pkcs11.CKA_ALWAYS_AUTHENTICATE, key.Always),
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, key.Label), pkcs11.NewAttribute(pkcs11.CKA_ID, []byte(key.ID)),
	}
	if _, _, err := k.ctx.GenerateKeyPair(s, []*pkcs11.Mechanism{mechanism}, public, private); err != nil {
		t.Fatal(err)
	}
}
