package sign

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/cms"
)

// Identity is a key with the certificates that say whose it is. The key may be
// elsewhere: it is asked for signatures only.
type Identity struct {
	signer crypto.Signer
	chain  []*x509.Certificate // the signer's, then each one's issuer
}

// NewIdentity puts a key, ECDSA or RSA of at least 2048 bits, together with its
// certificate and those of its issuers, which may be in any order and lack the
// root. The error is InvalidParameter when no certificate is the key's, or one
// does not lead from there to the root.
func NewIdentity(signer crypto.Signer, certificates ...*x509.Certificate) (Identity, error) {
	if signer == nil {
		return Identity{}, audit.Errorf(audit.InvalidParameter, "there is no key")
	}
	switch key := signer.Public().(type) {
	case *ecdsa.PublicKey:
	case *rsa.PublicKey:
		if key.N.BitLen() < cms.MinRSA {
			return Identity{}, audit.Errorf(audit.InvalidParameter, "an RSA key has at least %d bits", cms.MinRSA)
		}
	default:
		return Identity{}, audit.Errorf(audit.InvalidParameter, "the key is neither ECDSA nor RSA")
	}
	left := slices.Clone(certificates)
	take := func(fits func(*x509.Certificate) bool) *x509.Certificate {
		i := slices.IndexFunc(left, fits)
		if i < 0 {
			return nil
		}
		c := left[i]
		left = slices.Delete(left, i, i+1)
		return c
	}
	last := take(func(c *x509.Certificate) bool { return sameKey(c, signer) })
	if last == nil {
		return Identity{}, audit.Errorf(audit.InvalidParameter, "no certificate is the key's")
	}
	i := Identity{signer: signer, chain: []*x509.Certificate{last}}
	for len(left) > 0 {
		issuer := take(func(c *x509.Certificate) bool { return last.CheckSignatureFrom(c) == nil })
		if issuer == nil {
			return Identity{}, audit.Errorf(audit.InvalidParameter, "the certificate of %s has not to do with that of %s", left[0].Subject, last.Subject)
		}
		i.chain, last = append(i.chain, issuer), issuer
	}
	return i, nil
}

func sameKey(c *x509.Certificate, signer crypto.Signer) bool {
	key, ok := c.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(signer.Public())
}

// Certificate is the signer's; nil of the zero Identity.
func (i Identity) Certificate() *x509.Certificate {
	if len(i.chain) == 0 {
		return nil
	}
	return i.chain[0]
}

// Fingerprint names a certificate: "SHA256:" and the hexadecimal digits of the
// SHA-256 hash of its DER.
func Fingerprint(c *x509.Certificate) string { return fmt.Sprintf("SHA256:%x", sha256.Sum256(c.Raw)) }

func (i Identity) validAt(t time.Time) error {
	c := i.chain[0]
	if t.Before(c.NotBefore) || t.After(c.NotAfter) {
		return audit.Errorf(audit.InvalidState, "the certificate of %s is valid from %s to %s, which %s is not in", c.Subject,
			c.NotBefore.UTC().Format(time.DateTime), c.NotAfter.UTC().Format(time.DateTime), t.UTC().Format(time.DateTime))
	}
	return nil
}
