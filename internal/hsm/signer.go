//go:build pkcs11 && cgo

package hsm

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"io"
	"math/big"

	"github.com/miekg/pkcs11"

	"github.com/sealbook/sealbook/audit"
)

// signer is a key in a token: a crypto.Signer. After a failure it begins anew on its
// next use.
type signer struct {
	uri    URI
	pin    func() (string, error)
	module *module
	public crypto.PublicKey // of the first connection, and not written again

	// Of the module's present life only, and owned by who holds its mu.
	life    int
	session pkcs11.SessionHandle
	key     pkcs11.ObjectHandle
	always  bool   // the key wants the PIN for each signature
	refused string // the PIN that the token does not take
}

// Open opens the key that the URI names, RSA or ECDSA on a NIST curve, and tries it
// out. The certificates are the key's and its issuers' as far as the token has them;
// none is no error. The PIN is asked for again whenever the token is logged in to.
// The signer may be used by several goroutines, which it lets sign in turn.
//
// Errors are Unavailable when the module or token is not there now, NotFound when it
// has no such key, Forbidden when it refuses the PIN, InvalidParameter for a URI that
// names several or no module, and InvalidState for a key that cannot sign.
// Those of the signer are the same: what it answers with Unavailable may be tried again.
func Open(u URI, pin func() (string, error)) (crypto.Signer, []*x509.Certificate, error) {
	m, err := load(u.Module)
	if err != nil {
		return nil, nil, err
	}
	s := &signer{uri: u, pin: pin, module: m}
	m.mu.Lock()
	err = s.connect()
	var chain []*x509.Certificate
	if err == nil {
		chain, err = s.certificates()
	}
	m.mu.Unlock()
	if err != nil {
		return nil, nil, err
	}
	if err := s.try(); err != nil {
		return nil, nil, err
	}
	return s, chain, nil
}

// Public implements crypto.Signer.
func (s *signer) Public() crypto.PublicKey { return s.public }

// Sign implements crypto.Signer: RSASSA-PKCS1-v1_5, or ECDSA in DER. The token draws
// its own randomness.
func (s *signer) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	mechanism, input, err := s.prepare(digest, opts)
	if err != nil {
		return nil, err
	}
	s.module.mu.Lock()
	defer s.module.mu.Unlock()
	if err := s.connect(); err != nil {
		return nil, err
	}
	signature, err := s.raw(mechanism, input)
	if err != nil {
		s.lose()
		return nil, err
	}
	if _, ok := s.public.(*ecdsa.PublicKey); !ok {
		return signature, nil
	}
	half := len(signature) / 2
	der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])})
	if err != nil {
		return nil, audit.Errorf(audit.InvalidState, "encode the signature: %v", err)
	}
	return der, nil
}

func (s *signer) raw(mechanism uint, input []byte) ([]byte, error) {
	ctx := s.module.ctx
	if err := ctx.SignInit(s.session, []*pkcs11.Mechanism{pkcs11.NewMechanism(mechanism, nil)}, s.key); err != nil {
		if is(err, pkcs11.CKR_KEY_FUNCTION_NOT_PERMITTED, pkcs11.CKR_MECHANISM_INVALID, pkcs11.CKR_KEY_TYPE_INCONSISTENT) {
			return nil, audit.Errorf(audit.InvalidState, "the key in the security module is not for these signatures: %w", err)
		}
		return nil, unavailable("begin to sign", err)
	}
	if s.always {
		if err := s.login(pkcs11.CKU_CONTEXT_SPECIFIC); err != nil {
			return nil, err
		}
	}
	signature, err := ctx.Sign(s.session, input)
	if err != nil {
		return nil, unavailable("sign", err)
	}
	return signature, nil
}

// digestInfo is what stands before a digest in an RSA signature (RFC 8017 section
// 9.2): CKM_RSA_PKCS pads, and nothing else.
var digestInfo = map[crypto.Hash][]byte{
	crypto.SHA256: {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20},
	crypto.SHA384: {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04, 0x30},
	crypto.SHA512: {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40},
}

func (s *signer) prepare(digest []byte, opts crypto.SignerOpts) (mechanism uint, input []byte, err error) {
	hash := opts.HashFunc()
	prefix, known := digestInfo[hash]
	if _, pss := opts.(*rsa.PSSOptions); pss || !known || len(digest) != hash.Size() {
		return 0, nil, audit.Errorf(audit.InvalidParameter, "a key in a security module signs digests of SHA-256, SHA-384 or SHA-512, and not by RSASSA-PSS")
	}
	if key, ok := s.public.(*ecdsa.PublicKey); ok {
		// Modules differ in what they do with digests longer than the key.
		return pkcs11.CKM_ECDSA, digest[:min(len(digest), (key.Params().N.BitLen()+7)/8)], nil
	}
	return pkcs11.CKM_RSA_PKCS, append(prefix[:len(prefix):len(prefix)], digest...), nil
}

// try signs something that means nothing: the token's public key, which the
// certificate is compared with, may be another one's.
func (s *signer) try() error {
	digest := sha256.Sum256([]byte("Sealbook tries the key out: " + rand.Text()))
	signature, err := s.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		return err
	}
	ok := false
	switch key := s.public.(type) {
	case *ecdsa.PublicKey:
		ok = ecdsa.VerifyASN1(key, digest[:], signature)
	case *rsa.PublicKey:
		ok = rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) == nil
	}
	if !ok {
		return audit.Errorf(audit.InvalidState, "the private key that %s names does not sign as its public key says", s.uri)
	}
	return nil
}
