package sign

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

// signedData is a CMS SignedData (RFC 5652) with one signer, of whose bytes
// none is without a meaning: what is not known here is refused, because a
// signature does not cover what is around its attributes.
type signedData struct {
	contentType  asn1.ObjectIdentifier
	content      []byte // nil when it is elsewhere
	certificates []*x509.Certificate
	signer       *x509.Certificate
	hash         crypto.Hash       // of the content and the attributes
	attributes   map[string][]byte // signed: the value in DER by object identifier
	covered      []byte            // the attributes as they are hashed
	algorithm    asn1.ObjectIdentifier
	signature    []byte
	token        []byte // time stamp over the signature; nil when there is none
}

var errForm = errors.New("the signature is not a CMS SignedData in DER with one signer")

// The algorithms by object identifier: digests, and signatures with the digest
// that they name; 0 is as the digest algorithm says.
var (
	digests = map[string]crypto.Hash{
		oidSHA256.String():       crypto.SHA256,
		"2.16.840.1.101.3.4.2.2": crypto.SHA384,
		"2.16.840.1.101.3.4.2.3": crypto.SHA512,
	}
	rsaSignatures = map[string]crypto.Hash{
		"1.2.840.113549.1.1.1":  0, // rsaEncryption (RFC 3370 section 3.2)
		oidSHA256RSA.String():   crypto.SHA256,
		"1.2.840.113549.1.1.12": crypto.SHA384,
		"1.2.840.113549.1.1.13": crypto.SHA512,
	}
	ecdsaSignatures = map[string]crypto.Hash{
		oidSHA256ECDSA.String(): crypto.SHA256,
		"1.2.840.10045.4.3.3":   crypto.SHA384,
		"1.2.840.10045.4.3.4":   crypto.SHA512,
	}
)

// parseSignedData reads the CMS at the beginning of der, and returns what
// follows it.
func parseSignedData(der []byte) (s *signedData, rest []byte, err error) {
	in := cryptobyte.String(der)
	var outer, wrapped, data, content, signers cryptobyte.String
	var oid, setHash asn1.ObjectIdentifier
	if !in.ReadASN1(&outer, tag.SEQUENCE) || !outer.ReadASN1ObjectIdentifier(&oid) || !oid.Equal(oidSignedData) ||
		!outer.ReadASN1(&wrapped, explicit(0)) || !outer.Empty() ||
		!wrapped.ReadASN1(&data, tag.SEQUENCE) || !wrapped.Empty() {
		return nil, nil, errForm
	}
	s = &signedData{}
	var version int
	var algorithms, certificates cryptobyte.String
	if !data.ReadASN1Integer(&version) || !data.ReadASN1(&algorithms, tag.SET) || !readAlgorithm(&algorithms, &setHash) || !algorithms.Empty() ||
		!data.ReadASN1(&content, tag.SEQUENCE) || !content.ReadASN1ObjectIdentifier(&s.contentType) ||
		!data.ReadASN1(&certificates, explicit(0)) || !data.ReadASN1(&signers, tag.SET) || !data.Empty() {
		return nil, nil, errForm
	}
	// RFC 5652 section 5.1, for one signer who is named by issuer and number.
	if s.contentType.Equal(oidData) && version != 1 || !s.contentType.Equal(oidData) && version != 3 {
		return nil, nil, errForm
	}
	if !content.Empty() {
		var octets cryptobyte.String
		if !content.ReadASN1(&octets, explicit(0)) || !octets.ReadASN1Bytes(&s.content, tag.OCTET_STRING) || !octets.Empty() || !content.Empty() {
			return nil, nil, errForm
		}
	}
	if err := s.readCertificates(certificates); err != nil {
		return nil, nil, err
	}
	if err := s.readSigner(signers); err != nil {
		return nil, nil, err
	}
	if digests[setHash.String()] != s.hash {
		return nil, nil, errForm
	}
	return s, in, nil
}

// readAlgorithm reads an AlgorithmIdentifier without parameters that matter.
func readAlgorithm(in *cryptobyte.String, oid *asn1.ObjectIdentifier) bool {
	var a, null cryptobyte.String
	if !in.ReadASN1(&a, tag.SEQUENCE) || !a.ReadASN1ObjectIdentifier(oid) {
		return false
	}
	return a.Empty() || a.ReadASN1(&null, tag.NULL) && null.Empty() && a.Empty()
}

func (s *signedData) readCertificates(in cryptobyte.String) error {
	for !in.Empty() {
		var der cryptobyte.String
		if !in.ReadASN1Element(&der, tag.SEQUENCE) || len(der) > maxCertificate {
			return errForm
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return fmt.Errorf("a certificate in the signature: %w", err)
		}
		if s.certificates = append(s.certificates, c); len(s.certificates) > maxCertificates {
			return fmt.Errorf("the signature brings more than %d certificates along", maxCertificates)
		}
	}
	return nil
}

func (s *signedData) readSigner(in cryptobyte.String) error {
	var info, name, issuer, attributes, unsigned cryptobyte.String
	var version int
	var hash asn1.ObjectIdentifier
	var hasUnsigned bool
	serial := new(big.Int)
	if !in.ReadASN1(&info, tag.SEQUENCE) || !in.Empty() || !info.ReadASN1Integer(&version) || version != 1 ||
		!info.ReadASN1(&name, tag.SEQUENCE) || !name.ReadASN1Element(&issuer, tag.SEQUENCE) || !name.ReadASN1Integer(serial) || !name.Empty() ||
		!readAlgorithm(&info, &hash) || !info.ReadASN1Element(&attributes, explicit(0)) || !readAlgorithm(&info, &s.algorithm) ||
		!info.ReadASN1Bytes(&s.signature, tag.OCTET_STRING) || !info.ReadOptionalASN1(&unsigned, &hasUnsigned, explicit(1)) || !info.Empty() {
		return errForm
	}
	if s.hash = digests[hash.String()]; s.hash == 0 {
		return fmt.Errorf("the signature uses the hash %s, which is not trusted here", hash)
	}
	for _, c := range s.certificates {
		if bytes.Equal(c.RawIssuer, issuer) && c.SerialNumber.Cmp(serial) == 0 {
			s.signer = c
		}
	}
	if s.signer == nil {
		return errors.New("the signature does not bring its signer's certificate along")
	}
	s.covered = append([]byte{byte(tag.SET)}, attributes[1:]...)
	attributes.ReadASN1(&attributes, explicit(0)) // read above
	var err error
	if s.attributes, err = readAttributes(attributes); err != nil || !hasUnsigned {
		return err
	}
	extra, err := readAttributes(unsigned)
	if err != nil {
		return err
	}
	s.token = extra[oidTimestamp.String()]
	if s.token == nil || len(extra) != 1 {
		return errors.New("the signature carries something unsigned that is not known here")
	}
	return nil
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
