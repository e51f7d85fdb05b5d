// Package cms reads electronic signatures: CMS SignedData (RFC 5652) in DER
// with one signer. It guards that no byte of one is without a meaning: what is
// not known here is refused, because a signature does not cover what is around
// its attributes. Package sign reads the signatures of documents with it,
// package tsa time-stamp tokens.
package cms

import (
	"bytes"
	"crypto"
	_ "crypto/sha512" // hashes that other signers use
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// How many certificates a CMS may bring along, of how many bytes: each is
// checked against the others, and a large key takes long.
const (
	maxCertificates = 20
	maxCertificate  = 16 << 10
)

// MinRSA is how many bits an RSA key must have.
const MinRSA = 2048

// Object identifiers, for who writes what is read here.
var (
	OIDData          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	OIDSignedData    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	OIDContentType   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	OIDMessageDigest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	OIDCertificateV2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47} // RFC 5035
	OIDTimestampInfo = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}  // RFC 3161 section 2.4.2
	OIDSHA256        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	OIDSHA256RSA     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}
	OIDSHA256ECDSA   = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
)

// SignedData is a signature that was read; whether it holds, [SignedData.Check]
// says. The slices are those of what was parsed.
type SignedData struct {
	ContentType  asn1.ObjectIdentifier
	Content      []byte // nil when it is elsewhere
	Certificates []*x509.Certificate
	Signer       *x509.Certificate // one of Certificates
	Signature    []byte
	Unsigned     map[string][]byte // attributes: the value in DER by object identifier; nil when there are none; nobody vouches for them

	hash       crypto.Hash       // of the content and the attributes
	attributes map[string][]byte // signed: as Unsigned
	covered    []byte            // the attributes as they are hashed
	algorithm  asn1.ObjectIdentifier
}

var errForm = errors.New("the signature is not a CMS SignedData in DER with one signer")

// The algorithms by object identifier: digests, and signatures with the digest
// that they name; 0 is as the digest algorithm says.
var (
	digests = map[string]crypto.Hash{
		OIDSHA256.String():       crypto.SHA256,
		"2.16.840.1.101.3.4.2.2": crypto.SHA384,
		"2.16.840.1.101.3.4.2.3": crypto.SHA512,
	}
	rsaSignatures = map[string]crypto.Hash{
		"1.2.840.113549.1.1.1":  0, // rsaEncryption (RFC 3370 section 3.2)
		OIDSHA256RSA.String():   crypto.SHA256,
		"1.2.840.113549.1.1.12": crypto.SHA384,
		"1.2.840.113549.1.1.13": crypto.SHA512,
	}
	ecdsaSignatures = map[string]crypto.Hash{
		OIDSHA256ECDSA.String(): crypto.SHA256,
		"1.2.840.10045.4.3.3":   crypto.SHA384,
		"1.2.840.10045.4.3.4":   crypto.SHA512,
	}
)

// Hash is the digest that an object identifier names: SHA-256, SHA-384 or
// SHA-512, and 0 for any other, which is not trusted here.
func Hash(oid asn1.ObjectIdentifier) crypto.Hash { return digests[oid.String()] }

// Parse reads the CMS at the beginning of der, and returns what follows it. It
// has one signer, named by issuer and number, whose certificate comes along,
// with at most 19 others of at most 16 KiB each; attributes that are there once
// and have one value each; and no revocation lists. Nothing is verified yet.
func Parse(der []byte) (s *SignedData, rest []byte, err error) {
	in := cryptobyte.String(der)
	var outer, wrapped, data, content, signers cryptobyte.String
	var oid, setHash asn1.ObjectIdentifier
	if !in.ReadASN1(&outer, tag.SEQUENCE) || !outer.ReadASN1ObjectIdentifier(&oid) || !oid.Equal(OIDSignedData) ||
		!outer.ReadASN1(&wrapped, explicit(0)) || !outer.Empty() ||
		!wrapped.ReadASN1(&data, tag.SEQUENCE) || !wrapped.Empty() {
		return nil, nil, errForm
	}
	s = &SignedData{}
	var version int
	var algorithms, certificates cryptobyte.String
	if !data.ReadASN1Integer(&version) || !data.ReadASN1(&algorithms, tag.SET) || !readAlgorithm(&algorithms, &setHash) || !algorithms.Empty() ||
		!data.ReadASN1(&content, tag.SEQUENCE) || !content.ReadASN1ObjectIdentifier(&s.ContentType) ||
		!data.ReadASN1(&certificates, explicit(0)) || !data.ReadASN1(&signers, tag.SET) || !data.Empty() {
		return nil, nil, errForm
	}
	// RFC 5652 section 5.1, for one signer who is named by issuer and number.
	if s.ContentType.Equal(OIDData) && version != 1 || !s.ContentType.Equal(OIDData) && version != 3 {
		return nil, nil, errForm
	}
	if !content.Empty() {
		var octets cryptobyte.String
		if !content.ReadASN1(&octets, explicit(0)) || !octets.ReadASN1Bytes(&s.Content, tag.OCTET_STRING) || !octets.Empty() || !content.Empty() {
			return nil, nil, errForm
		}
	}
	if err := s.readCertificates(certificates); err != nil {
		return nil, nil, err
	}
	if err := s.readSigner(signers); err != nil {
		return nil, nil, err
	}
	if Hash(setHash) != s.hash {
		return nil, nil, errForm
	}
	return s, in, nil
}

// explicit is the tag [n] of something constructed.
func explicit(n uint8) tag.Tag { return tag.Tag(n).ContextSpecific().Constructed() }

// readAlgorithm reads an AlgorithmIdentifier without parameters that matter.
func readAlgorithm(in *cryptobyte.String, oid *asn1.ObjectIdentifier) bool {
	var a, null cryptobyte.String
	if !in.ReadASN1(&a, tag.SEQUENCE) || !a.ReadASN1ObjectIdentifier(oid) {
		return false
	}
	return a.Empty() || a.ReadASN1(&null, tag.NULL) && null.Empty() && a.Empty()
}

func (s *SignedData) readCertificates(in cryptobyte.String) error {
	for !in.Empty() {
		var der cryptobyte.String
		if !in.ReadASN1Element(&der, tag.SEQUENCE) || len(der) > maxCertificate {
			return errForm
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return fmt.Errorf("a certificate in the signature: %w", err)
		}
		if s.Certificates = append(s.Certificates, c); len(s.Certificates) > maxCertificates {
			return fmt.Errorf("the signature brings more than %d certificates along", maxCertificates)
		}
	}
	return nil
}

func (s *SignedData) readSigner(in cryptobyte.String) error {
	var info, name, issuer, attributes, unsigned cryptobyte.String
	var version int
	var hash asn1.ObjectIdentifier
	var hasUnsigned bool
	serial := new(big.Int)
	if !in.ReadASN1(&info, tag.SEQUENCE) || !in.Empty() || !info.ReadASN1Integer(&version) || version != 1 ||
		!info.ReadASN1(&name, tag.SEQUENCE) || !name.ReadASN1Element(&issuer, tag.SEQUENCE) || !name.ReadASN1Integer(serial) || !name.Empty() ||
		!readAlgorithm(&info, &hash) || !info.ReadASN1Element(&attributes, explicit(0)) || !readAlgorithm(&info, &s.algorithm) ||
		!info.ReadASN1Bytes(&s.Signature, tag.OCTET_STRING) || !info.ReadOptionalASN1(&unsigned, &hasUnsigned, explicit(1)) || !info.Empty() {
		return errForm
	}
	if s.hash = Hash(hash); s.hash == 0 {
		return fmt.Errorf("the signature uses the hash %s, which is not trusted here", hash)
	}
	for _, c := range s.Certificates {
		if bytes.Equal(c.RawIssuer, issuer) && c.SerialNumber.Cmp(serial) == 0 {
			s.Signer = c
		}
	}
	if s.Signer == nil {
		return errors.New("the signature does not bring its signer's certificate along")
	}
	s.covered = append([]byte{byte(tag.SET)}, attributes[1:]...)
	attributes.ReadASN1(&attributes, explicit(0)) // read above
	var err error
	if s.attributes, err = readAttributes(attributes); err != nil || !hasUnsigned {
		return err
	}
	// An empty set would say nothing, and could be put in unseen.
	if s.Unsigned, err = readAttributes(unsigned); err == nil && len(s.Unsigned) == 0 {
		return errForm
	}
	return err
}

// readAttributes reads attributes that have one value each and are there once.
func readAttributes(in cryptobyte.String) (map[string][]byte, error) {
	all := map[string][]byte{}
	for !in.Empty() {
		var a, values, value cryptobyte.String
		var oid asn1.ObjectIdentifier
		var t tag.Tag
		if !in.ReadASN1(&a, tag.SEQUENCE) || !a.ReadASN1ObjectIdentifier(&oid) || !a.ReadASN1(&values, tag.SET) || !a.Empty() ||
			!values.ReadAnyASN1Element(&value, &t) || !values.Empty() || all[oid.String()] != nil {
			return nil, errForm
		}
		all[oid.String()] = value
	}
	return all, nil
}
