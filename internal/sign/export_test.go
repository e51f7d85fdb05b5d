package sign

import (
	"crypto/x509"
	"slices"

	"golang.org/x/crypto/cryptobyte"
)

// Forge makes the CMS that i's key signs with the attributes of named, with an
// unsigned attribute unless its value is nil and more certificates. It is what
// an attacker would do who has the key.
func Forge(i, named Identity, digest, unsigned []byte, more ...*x509.Certificate) ([]byte, error) {
	i.chain = slices.Concat(i.chain, more)
	attributes := named.attributes(digest)
	signature, err := i.sign(attributes)
	if err != nil {
		return nil, err
	}
	var extra []byte
	if unsigned != nil {
		extra = attribute(oidTimestamp, func(b *cryptobyte.Builder) { b.AddBytes(unsigned) })
	}
	return i.encode(attributes, signature, extra)
}

// ReadMessage reads a CMS as Verify does, and its time stamp.
func ReadMessage(der, digest []byte) error {
	s, _, err := parseSignedData(der)
	if err != nil {
		return err
	}
	if s.token != nil {
		if _, err := parseToken(s.token, s.signature); err != nil {
			return err
		}
	}
	return s.check(digest)
}
