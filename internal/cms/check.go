package cms

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	_ "crypto/sha1" // RFC 3161's first form of naming the certificate
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

var oidCertificateV1 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 12} // RFC 2634

// Check checks that the signer signed a content with this digest, see
// [SignedData.Digest], and named the certificate (RFC 5035): another one of the
// same key must not stand in for it. The key is ECDSA or RSA of at least
// [MinRSA] bits. Whether anybody trusts the certificate is another question.
func (s *SignedData) Check(digest []byte) error {
	var oid asn1.ObjectIdentifier
	if in := cryptobyte.String(s.attributes[OIDContentType.String()]); !in.ReadASN1ObjectIdentifier(&oid) || !oid.Equal(s.ContentType) {
		return errors.New("the signature is over another type of content")
	}
	var message cryptobyte.String
	if in := cryptobyte.String(s.attributes[OIDMessageDigest.String()]); !in.ReadASN1(&message, tag.OCTET_STRING) || !bytes.Equal(message, digest) {
		return errors.New("the content is not what was signed")
	}
	if err := s.named(); err != nil {
		return err
	}
	var known map[string]crypto.Hash
	var algorithms map[crypto.Hash]x509.SignatureAlgorithm
	switch key := s.Signer.PublicKey.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() < MinRSA {
			return fmt.Errorf("the signer's RSA key has fewer than %d bits", MinRSA)
		}
		known, algorithms = rsaSignatures, map[crypto.Hash]x509.SignatureAlgorithm{
			crypto.SHA256: x509.SHA256WithRSA, crypto.SHA384: x509.SHA384WithRSA, crypto.SHA512: x509.SHA512WithRSA,
		}
	case *ecdsa.PublicKey:
		known, algorithms = ecdsaSignatures, map[crypto.Hash]x509.SignatureAlgorithm{
			crypto.SHA256: x509.ECDSAWithSHA256, crypto.SHA384: x509.ECDSAWithSHA384, crypto.SHA512: x509.ECDSAWithSHA512,
		}
	default:
		return errors.New("the signer's key is neither ECDSA nor RSA")
	}
	if hash, ok := known[s.algorithm.String()]; !ok || hash != 0 && hash != s.hash {
		return fmt.Errorf("the signature's algorithm %s is not one that is checked here", s.algorithm)
	}
	if err := s.Signer.CheckSignature(algorithms[s.hash], s.covered, s.Signature); err != nil {
		return fmt.Errorf("the signature does not verify: %w", err)
	}
	return nil
}

// ESSCertIDv2 and ESSCertID of RFC 5035, in the order of the attribute: the
// first is the signer's.
type certificateIDv2 struct {
	Algorithm pkix.AlgorithmIdentifier `asn1:"optional"`
	Hash      []byte
	Issuer    asn1.RawValue `asn1:"optional"`
}

type certificateID struct {
	Hash   []byte
	Issuer asn1.RawValue `asn1:"optional"`
}

// named checks the attribute signing-certificate-v2 or, which time stamps may
// still have, the older one with SHA-1.
func (s *SignedData) named() error {
	var v2 struct {
		Certs    []certificateIDv2
		Policies asn1.RawValue `asn1:"optional"`
	}
	var v1 struct {
		Certs    []certificateID
		Policies asn1.RawValue `asn1:"optional"`
	}
	hash, want := crypto.SHA256, []byte(nil)
	_, errV2 := asn1.Unmarshal(s.attributes[OIDCertificateV2.String()], &v2)
	_, errV1 := asn1.Unmarshal(s.attributes[oidCertificateV1.String()], &v1)
	switch {
	case errV2 == nil && len(v2.Certs) > 0:
		want = v2.Certs[0].Hash
		if oid := v2.Certs[0].Algorithm.Algorithm; len(oid) > 0 {
			hash = Hash(oid)
		}
	case errV1 == nil && len(v1.Certs) > 0 && s.ContentType.Equal(OIDTimestampInfo):
		hash, want = crypto.SHA1, v1.Certs[0].Hash
	default:
		return errors.New("the signature does not name the certificate that made it")
	}
	if hash == 0 {
		return errors.New("the signature names its certificate by a hash that is not trusted here")
	}
	h := hash.New()
	h.Write(s.Signer.Raw)
	if !bytes.Equal(h.Sum(nil), want) {
		return errors.New("the signature names another certificate than the one that made it")
	}
	return nil
}

// Digest hashes a content, given in parts, as the signature wants it.
func (s *SignedData) Digest(content ...[]byte) []byte {
	h := s.hash.New()
	for _, c := range content {
		h.Write(c)
	}
	return h.Sum(nil)
}

// Others is the pool of what the signature brings along: certificates that may
// lead from the signer's to a root.
func (s *SignedData) Others() *x509.CertPool {
	pool := x509.NewCertPool()
	for _, c := range s.Certificates {
		pool.AddCert(c)
	}
	return pool
}
