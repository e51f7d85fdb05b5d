package anchor

import (
	"bytes"
	"crypto"
	_ "crypto/sha1" // RFC 3161's first form of naming the certificate
	"crypto/sha256"
	_ "crypto/sha512" // hashes that tokens may use
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"time"

	"github.com/smallstep/pkcs7"
)

// Token is what a verified time-stamp token says: the authority saw the note
// no later than Time, give or take Accuracy.
type Token struct {
	Time      time.Time
	Accuracy  time.Duration // 0 when the token does not say
	Serial    *big.Int
	Policy    string // object identifier
	Authority string // subject of the certificate that signed

	nonce *big.Int
}

// RFC 3161 section 2.4.
type imprint struct {
	Algorithm pkix.AlgorithmIdentifier
	Hash      []byte
}

type timestampInfo struct {
	Version    int
	Policy     asn1.ObjectIdentifier
	Imprint    imprint
	Serial     *big.Int
	Time       time.Time        `asn1:"generalized"`
	Accuracy   accuracy         `asn1:"optional"`
	Ordering   bool             `asn1:"optional"`
	Nonce      *big.Int         `asn1:"optional"`
	Authority  asn1.RawValue    `asn1:"optional,tag:0"`
	Extensions []pkix.Extension `asn1:"optional,tag:1"`
}

type accuracy struct {
	Seconds int64 `asn1:"optional"`
	Millis  int64 `asn1:"optional,tag:0"`
	Micros  int64 `asn1:"optional,tag:1"`
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

var (
	oidSHA256               = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidSHA384               = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}
	oidSHA512               = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}
	oidTimestampInfo        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
	oidSigningCertificate   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 12}
	oidSigningCertificateV2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
	oidExtKeyUsage          = asn1.ObjectIdentifier{2, 5, 29, 37}
)

// VerifyTimestamp checks that token is a time stamp (RFC 3161) over exactly
// these bytes of a note, signed by a certificate that is for time stamping
// alone and led to one of roots when the token was made; nil roots are the
// machine's. It needs no network. Whether a certificate was revoked since is
// not looked up.
func VerifyTimestamp(note, token []byte, roots *x509.CertPool) (Token, error) {
	if len(token) > MaxAnswer {
		return Token{}, fmt.Errorf("a time-stamp token has at most %d bytes", MaxAnswer)
	}
	// What follows the token would be kept without anybody having signed it.
	var whole asn1.RawValue
	if rest, err := asn1.Unmarshal(token, &whole); err != nil || len(rest) > 0 {
		return Token{}, fmt.Errorf("the time-stamp token is not one DER value")
	}
	signed, err := pkcs7.Parse(token)
	if err != nil {
		return Token{}, fmt.Errorf("parse time-stamp token: %w", err)
	}
	certificate := signed.GetOnlySigner()
	if certificate == nil {
		return Token{}, fmt.Errorf("the time-stamp token does not have one signer with its certificate")
	}
	// Without signed attributes the signature would be over the content alone,
	// and this type would not be part of it.
	var contentType asn1.ObjectIdentifier
	if err := signed.UnmarshalSignedAttribute(pkcs7.OIDAttributeContentType, &contentType); err != nil || !contentType.Equal(oidTimestampInfo) {
		return Token{}, fmt.Errorf("what was signed is not a time stamp")
	}
	if err := signed.Verify(); err != nil {
		return Token{}, fmt.Errorf("time-stamp token: %w", err)
	}
	var info timestampInfo
	if rest, err := asn1.Unmarshal(signed.Content, &info); err != nil || len(rest) > 0 || info.Version != 1 {
		return Token{}, fmt.Errorf("the time-stamp token's content is not version 1 of RFC 3161")
	}
	want := sha256.Sum256(note)
	if !info.Imprint.Algorithm.Algorithm.Equal(oidSHA256) || !bytes.Equal(info.Imprint.Hash, want[:]) {
		return Token{}, fmt.Errorf("the time-stamp token is about something else than this note")
	}
	if err := named(signed, certificate); err != nil {
		return Token{}, err
	}
	if err := chained(signed, certificate, roots, info.Time); err != nil {
		return Token{}, err
	}
	return Token{
		Time: info.Time.UTC(), Serial: info.Serial, Policy: info.Policy.String(), Authority: certificate.Subject.String(), nonce: info.Nonce,
		Accuracy: time.Duration(info.Accuracy.Seconds)*time.Second + time.Duration(info.Accuracy.Millis)*time.Millisecond + time.Duration(info.Accuracy.Micros)*time.Microsecond,
	}, nil
}

// named checks that the signature covers which certificate made it (RFC 3161
// section 2.4.1): another certificate of the same key must not stand in.
func named(signed *pkcs7.PKCS7, certificate *x509.Certificate) error {
	hash, want := crypto.SHA256, []byte(nil)
	var v2 struct {
		Certs    []certificateIDv2
		Policies asn1.RawValue `asn1:"optional"`
	}
	var v1 struct {
		Certs    []certificateID
		Policies asn1.RawValue `asn1:"optional"`
	}
	switch {
	case signed.UnmarshalSignedAttribute(oidSigningCertificateV2, &v2) == nil && len(v2.Certs) > 0:
		want = v2.Certs[0].Hash
		switch oid := v2.Certs[0].Algorithm.Algorithm; {
		case len(oid) == 0 || oid.Equal(oidSHA256):
		case oid.Equal(oidSHA384):
			hash = crypto.SHA384
		case oid.Equal(oidSHA512):
			hash = crypto.SHA512
		default:
			return fmt.Errorf("the time-stamp token names its certificate by a hash %s that this program does not know", oid)
		}
	case signed.UnmarshalSignedAttribute(oidSigningCertificate, &v1) == nil && len(v1.Certs) > 0:
		hash, want = crypto.SHA1, v1.Certs[0].Hash
	default:
		return fmt.Errorf("the time-stamp token does not name the certificate that signed it")
	}
	h := hash.New()
	h.Write(certificate.Raw)
	if !bytes.Equal(h.Sum(nil), want) {
		return fmt.Errorf("the time-stamp token names another certificate than the one that signed it")
	}
	return nil
}

// chained checks that the certificate is for time stamping only (RFC 3161
// section 2.3) and that a root vouched for it at that time.
func chained(signed *pkcs7.PKCS7, certificate *x509.Certificate, roots *x509.CertPool, at time.Time) error {
	critical := false
	for _, e := range certificate.Extensions {
		critical = critical || e.Id.Equal(oidExtKeyUsage) && e.Critical
	}
	if usage := certificate.ExtKeyUsage; !critical || len(usage) != 1 || usage[0] != x509.ExtKeyUsageTimeStamping || len(certificate.UnknownExtKeyUsage) > 0 {
		return fmt.Errorf("the certificate of the time-stamp authority, %s, is not one for time stamping alone", certificate.Subject)
	}
	between := x509.NewCertPool()
	for _, c := range signed.Certificates {
		between.AddCert(c)
	}
	_, err := certificate.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping},
	})
	if err != nil {
		return fmt.Errorf("certificate of the time-stamp authority, %s: %w", certificate.Subject, err)
	}
	return nil
}
