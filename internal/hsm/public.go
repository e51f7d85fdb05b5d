//go:build pkcs11 && cgo

package hsm

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"slices"

	"github.com/miekg/pkcs11"

	"github.com/sealbook/sealbook/audit"
)

// curves by their name in DER (RFC 5480), as CKA_EC_PARAMS holds it.
var curves = map[string]elliptic.Curve{
	"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07": elliptic.P256(),
	"\x06\x05\x2b\x81\x04\x00\x22":             elliptic.P384(),
	"\x06\x05\x2b\x81\x04\x00\x23":             elliptic.P521(),
}

// readPublic reads the public key that belongs to the private one: an RSA key says
// it itself, an EC key has a public object or a certificate with the same id.
func (s *signer) readPublic() (crypto.PublicKey, error) {
	m := s.module
	kind, err := m.values(s.session, s.key, pkcs11.CKA_KEY_TYPE)
	if err != nil {
		return nil, err
	}
	isKind := func(t uint) bool { return bytes.Equal(kind[0], pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, t).Value) }
	switch {
	case isKind(pkcs11.CKK_RSA):
		if key, err := s.rsaKey(s.key); err == nil {
			return key, nil
		}
	case !isKind(pkcs11.CKK_EC):
		return nil, audit.Errorf(audit.InvalidParameter, "the key that %s names is neither RSA nor EC", s.uri)
	}
	publics, err := s.beside(pkcs11.CKO_PUBLIC_KEY)
	if err != nil {
		return nil, err
	}
	if len(publics) > 0 && isKind(pkcs11.CKK_RSA) {
		return s.rsaKey(publics[0])
	}
	if len(publics) > 0 {
		return s.ecKey(publics[0])
	}
	chain, err := s.certificates()
	if err != nil {
		return nil, err
	}
	if len(chain) == 0 {
		return nil, audit.Errorf(audit.InvalidState, "the token has neither public key nor certificate with the id of the private key that %s names: store one beside it", s.uri)
	}
	return chain[0].PublicKey, nil
}

// beside finds what has the private key's id. A key without any is not told from
// others without any.
func (s *signer) beside(class uint) ([]pkcs11.ObjectHandle, error) {
	id, err := s.module.values(s.session, s.key, pkcs11.CKA_ID)
	if err != nil || len(id[0]) == 0 {
		return nil, err
	}
	return s.module.objects(s.session, pkcs11.NewAttribute(pkcs11.CKA_CLASS, class), pkcs11.NewAttribute(pkcs11.CKA_ID, id[0]))
}

func (s *signer) rsaKey(object pkcs11.ObjectHandle) (crypto.PublicKey, error) {
	v, err := s.module.values(s.session, object, pkcs11.CKA_MODULUS, pkcs11.CKA_PUBLIC_EXPONENT)
	if err != nil {
		return nil, err
	}
	exponent := new(big.Int).SetBytes(v[1])
	if len(v[0]) == 0 || exponent.BitLen() < 2 || exponent.BitLen() > 31 {
		return nil, audit.Errorf(audit.InvalidState, "the RSA key that %s names cannot be read", s.uri)
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(v[0]), E: int(exponent.Int64())}, nil
}

func (s *signer) ecKey(object pkcs11.ObjectHandle) (crypto.PublicKey, error) {
	v, err := s.module.values(s.session, object, pkcs11.CKA_EC_PARAMS, pkcs11.CKA_EC_POINT)
	if err != nil {
		return nil, err
	}
	curve := curves[string(v[0])]
	if curve == nil {
		return nil, audit.Errorf(audit.InvalidParameter, "the EC key that %s names is not on P-256, P-384 or P-521", s.uri)
	}
	// The point is in an OCTET STRING; older modules leave that out.
	point := v[1]
	var inner []byte
	if rest, err := asn1.Unmarshal(point, &inner); err == nil && len(rest) == 0 {
		point = inner
	}
	key, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return nil, audit.Errorf(audit.InvalidState, "the EC key that %s names cannot be read: %v", s.uri, err)
	}
	return key, nil
}

// certificates are the one with the private key's id, and from there as many issuers
// as the token has. Whatever else it has, such as those of other keys, is left out.
func (s *signer) certificates() (chain []*x509.Certificate, err error) {
	own, err := s.beside(pkcs11.CKO_CERTIFICATE)
	if err != nil || len(own) == 0 {
		return nil, err
	}
	all, err := s.module.objects(s.session, pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_CERTIFICATE))
	if err != nil {
		return nil, err
	}
	last, err := s.certificate(own[0])
	if err != nil {
		return nil, err
	}
	if last == nil {
		return nil, audit.Errorf(audit.InvalidState, "the certificate that the token has with the key that %s names cannot be read", s.uri)
	}
	var others []*x509.Certificate
	for _, o := range all {
		c, err := s.certificate(o)
		if err != nil {
			return nil, err
		}
		if c != nil {
			others = append(others, c)
		}
	}
	for chain = []*x509.Certificate{last}; ; chain = append(chain, last) {
		// No certificate is there twice: authorities may certify each other, and roots do
		// themselves.
		i := slices.IndexFunc(others, func(c *x509.Certificate) bool {
			return !slices.ContainsFunc(chain, c.Equal) && last.CheckSignatureFrom(c) == nil
		})
		if i < 0 {
			return chain, nil
		}
		last = others[i]
	}
}

// certificate is nil when the object is no X.509 certificate.
func (s *signer) certificate(object pkcs11.ObjectHandle) (*x509.Certificate, error) {
	v, err := s.module.values(s.session, object, pkcs11.CKA_VALUE)
	if err != nil {
		return nil, err
	}
	c, err := x509.ParseCertificate(v[0])
	if err != nil {
		return nil, nil //nolint:nilerr // tokens hold other kinds, too
	}
	return c, nil
}
