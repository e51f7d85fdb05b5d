package tsatest

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"

	"github.com/smallstep/pkcs7"
)

var oidNamedCertificate = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}

// Info is the content type of a token.
var Info = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}

// Forgery is a token to make. With a certificate for time stamping and its key
// alone it is a good one of now; each other field, where it is not zero, makes
// it another.
type Forgery struct {
	Certificate *x509.Certificate
	Key         *ecdsa.PrivateKey
	Issuer      *x509.Certificate // comes along

	Version     int
	Algorithm   asn1.ObjectIdentifier // of the imprint
	Hash        []byte                // the imprint
	At          time.Time
	Accuracy    Accuracy
	ContentType asn1.ObjectIdentifier
	Names       *x509.Certificate // as the one that signs
	Anonymous   bool              // names none
	Bare        bool              // without signed attributes
	Unsigned    bool              // with an attribute that is not signed
}

// Accuracy is the form of RFC 3161 section 2.4.2.
type Accuracy struct {
	Seconds int `asn1:"optional"`
	Millis  int `asn1:"optional,tag:0"`
	Micros  int `asn1:"optional,tag:1"`
}

type imprint struct {
	Algorithm pkix.AlgorithmIdentifier
	Hash      []byte
}

type info struct {
	Version  int
	Policy   asn1.ObjectIdentifier
	Imprint  imprint
	Serial   *big.Int
	Time     time.Time `asn1:"generalized"`
	Accuracy Accuracy  `asn1:"optional"`
}

type namedCertificates struct{ Certs []namedCertificate }

type namedCertificate struct{ Hash []byte }

// Token makes it.
func (f Forgery) Token(t testing.TB, stamped []byte) []byte {
	t.Helper()
	f = f.whole(stamped)
	content, err := asn1.Marshal(info{
		f.Version, asn1.ObjectIdentifier{1, 2, 3}, imprint{pkix.AlgorithmIdentifier{Algorithm: f.Algorithm}, f.Hash},
		big.NewInt(7), f.At.UTC().Truncate(time.Second), f.Accuracy,
	})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := pkcs7.NewSignedData(content)
	if err != nil {
		t.Fatal(err)
	}
	signed.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
	signed.GetSignedData().Version = 3
	signed.GetSignedData().ContentInfo.ContentType = f.ContentType
	config := pkcs7.SignerInfoConfig{}
	if name := sha256.Sum256(f.Names.Raw); !f.Anonymous {
		config.ExtraSignedAttributes = []pkcs7.Attribute{{Type: oidNamedCertificate, Value: namedCertificates{[]namedCertificate{{name[:]}}}}}
	}
	if f.Unsigned {
		config.ExtraUnsignedAttributes = []pkcs7.Attribute{{Type: asn1.ObjectIdentifier{1, 2, 3}, Value: "x"}}
	}
	var issuers []*x509.Certificate
	if f.Issuer != nil {
		issuers = []*x509.Certificate{f.Issuer}
	}
	if f.Bare {
		err = signed.SignWithoutAttr(f.Certificate, f.Key, config)
	} else {
		err = signed.AddSignerChain(f.Certificate, f.Key, issuers, config)
	}
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// whole fills in what a good token has.
func (f Forgery) whole(stamped []byte) Forgery {
	sum := sha256.Sum256(stamped)
	if f.Hash == nil {
		f.Hash = sum[:]
	}
	if f.Algorithm == nil {
		f.Algorithm = pkcs7.OIDDigestAlgorithmSHA256
	}
	if f.At.IsZero() {
		f.At = time.Now()
	}
	if f.ContentType == nil {
		f.ContentType = Info
	}
	if f.Names == nil {
		f.Names = f.Certificate
	}
	if f.Version == 0 {
		f.Version = 1
	}
	return f
}

// Status is the PKIStatusInfo of an answer (RFC 3161, section 2.4.2).
type Status struct {
	Status int
	Text   []string       `asn1:"optional"`
	Fail   asn1.BitString `asn1:"optional"`
}

// Rejection is an answer without a token.
func Rejection(t testing.TB, s Status) string {
	t.Helper()
	text, err := asn1.Marshal(struct{ Status Status }{s})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
