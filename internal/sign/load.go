package sign

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/sealbook/sealbook/audit"
)

// LoadPEM reads an identity: certificates, in any order, and one key that is
// not encrypted (PKCS #8, PKCS #1 or SEC 1). What else stands in the files
// outside of PEM blocks is passed over. The error is InvalidParameter and says
// nothing of the key; see also [NewIdentity].
func LoadPEM(certificates, key []byte) (Identity, error) {
	chain, err := parseCertificates(certificates)
	if err != nil {
		return Identity{}, err
	}
	signer, err := parseKey(key)
	if err != nil {
		return Identity{}, err
	}
	return NewIdentity(signer, chain...)
}

// LoadSigner reads certificates as [LoadPEM] does, for a key that is elsewhere. The
// error is InvalidParameter; see also [NewIdentity].
func LoadSigner(certificates []byte, signer crypto.Signer) (Identity, error) {
	chain, err := parseCertificates(certificates)
	if err != nil {
		return Identity{}, err
	}
	return NewIdentity(signer, chain...)
}

func parseCertificates(text []byte) (chain []*x509.Certificate, err error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return nil, audit.Errorf(audit.InvalidParameter, "among the certificates is a PEM block %q", block.Type)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, audit.Errorf(audit.InvalidParameter, "certificate %d: %v", len(chain)+1, err)
		}
		chain = append(chain, c)
	}
	if len(chain) == 0 {
		return nil, audit.Errorf(audit.InvalidParameter, "there is no certificate in PEM")
	}
	return chain, nil
}

func parseKey(text []byte) (crypto.Signer, error) {
	block, rest := pem.Decode(text)
	// Tools write the curve's name before an EC key.
	if block != nil && block.Type == "EC PARAMETERS" {
		block, rest = pem.Decode(rest)
	}
	if block == nil {
		return nil, audit.Errorf(audit.InvalidParameter, "there is no key in PEM")
	}
	if more, _ := pem.Decode(rest); more != nil {
		return nil, audit.Errorf(audit.InvalidParameter, "there is more than one key")
	}
	var key any
	var err error
	switch {
	case block.Type == "ENCRYPTED PRIVATE KEY" || bytes.Contains([]byte(block.Headers["Proc-Type"]), []byte("ENCRYPTED")):
		return nil, audit.Errorf(audit.InvalidParameter, "the key is encrypted: store it readable for the service alone, or as PKCS #12 with a password")
	case block.Type == "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case block.Type == "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case block.Type == "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		return nil, audit.Errorf(audit.InvalidParameter, "a PEM block %q is no private key", block.Type)
	}
	signer, ok := key.(crypto.Signer)
	if err != nil || !ok {
		return nil, audit.Errorf(audit.InvalidParameter, "the private key cannot be read")
	}
	return signer, nil
}

// LoadPKCS12 reads an identity from a file of PKCS #12 (RFC 7292), usually
// named .p12 or .pfx. The error is InvalidParameter, and Forbidden when the
// password is another; see also [NewIdentity].
func LoadPKCS12(data []byte, password string) (Identity, error) {
	key, leaf, issuers, err := pkcs12.DecodeChain(data, password)
	if errors.Is(err, pkcs12.ErrIncorrectPassword) {
		return Identity{}, audit.Errorf(audit.Forbidden, "the password of the PKCS #12 file is another")
	}
	signer, ok := key.(crypto.Signer)
	if err != nil || !ok {
		return Identity{}, audit.Errorf(audit.InvalidParameter, "the PKCS #12 file with key and certificate cannot be read: %v", err)
	}
	return NewIdentity(signer, append(issuers, leaf)...)
}
