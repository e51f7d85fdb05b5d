package sign

import (
	"crypto/x509"
	"encoding/asn1"
	"slices"

	"golang.org/x/crypto/cryptobyte"

	"github.com/sealbook/sealbook/internal/cms"
	"github.com/sealbook/sealbook/internal/tsa"
)

// Unsigned is an unsigned attribute.
type Unsigned struct {
	Type  asn1.ObjectIdentifier
	Value []byte // DER
}

// Token is a time stamp as an attribute; of nil none.
func Token(der []byte) []Unsigned {
	if der == nil {
		return nil
	}
	return []Unsigned{{oidTimestamp, der}}
}

// Forgery is a CMS as an attacker makes it who has a key.
type Forgery struct {
	Identity
	Named    Identity // whose attributes are signed; the zero one is Identity
	Digest   []byte
	Change   func(attributes []byte) []byte // nil: as they are
	Unsigned []Unsigned
	More     []*x509.Certificate
}

// Message makes it.
func (f Forgery) Message() ([]byte, error) {
	if f.Named.signer == nil {
		f.Named = f.Identity
	}
	attributes := f.Named.attributes(f.Digest)
	if f.Change != nil {
		attributes = f.Change(attributes)
	}
	signature, err := f.sign(attributes)
	if err != nil {
		return nil, err
	}
	var extra []byte
	if f.Unsigned != nil {
		extra = []byte{} // of no attribute the set is there, and empty
	}
	for _, u := range f.Unsigned {
		extra = append(extra, attribute(u.Type, func(b *cryptobyte.Builder) { b.AddBytes(u.Value) })...)
	}
	f.chain = slices.Concat(f.chain, f.More)
	return f.encode(attributes, signature, extra)
}

// ReadMessage reads a CMS as Verify does, and its time stamp.
func ReadMessage(der, digest []byte) error {
	s, _, err := cms.Parse(der)
	if err != nil {
		return err
	}
	if stamp := s.Unsigned[oidTimestamp.String()]; stamp != nil {
		if _, err := tsa.Parse(stamp, s.Signature); err != nil {
			return err
		}
	}
	return s.Check(digest)
}
