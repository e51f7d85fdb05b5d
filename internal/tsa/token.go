package tsa

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/sealbook/sealbook/internal/cms"
)

// Token is what a time-stamp token says whose signature holds: the authority
// saw the data no later than Time, give or take Accuracy.
type Token struct {
	Time      time.Time     // UTC
	Accuracy  time.Duration // 0 when the token does not say
	Serial    *big.Int
	Policy    string // object identifier
	Authority string // subject of the certificate that signed

	nonce  *big.Int
	signed *cms.SignedData
}

// imprint is MessageImprint of RFC 3161 section 2.4.1.
type imprint struct {
	Algorithm pkix.AlgorithmIdentifier
	Hash      []byte
}

// timestampInfo is TSTInfo of section 2.4.2.
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

// maxAccuracy bounds an accuracy in seconds; section 2.4.2 has no bound, and
// who cannot tell the year is no authority.
const maxAccuracy = 366 * 24 * 60 * 60

func (a accuracy) duration() (d time.Duration, ok bool) {
	ok = a.Seconds >= 0 && a.Seconds <= maxAccuracy && a.Millis >= 0 && a.Millis < 1000 && a.Micros >= 0 && a.Micros < 1000
	return time.Duration(a.Seconds)*time.Second + time.Duration(a.Millis)*time.Millisecond + time.Duration(a.Micros)*time.Microsecond, ok
}

var oidExtKeyUsage = asn1.ObjectIdentifier{2, 5, 29, 37}

// Parse checks that der, at most [MaxToken] bytes, is a time stamp (RFC 3161
// section 2.4.2) over exactly the stamped bytes, and nothing besides. Its
// imprint is SHA-256, SHA-384 or SHA-512. Whether its authority is trusted,
// [Token.Trusted] says.
func Parse(der, stamped []byte) (*Token, error) {
	if len(der) > MaxToken {
		return nil, fmt.Errorf("it has more than %d bytes", MaxToken)
	}
	signed, rest, err := cms.Parse(der)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 || signed.Unsigned != nil || !signed.ContentType.Equal(cms.OIDTimestampInfo) || signed.Content == nil {
		return nil, errors.New("it is not a time stamp alone")
	}
	if err := signed.Check(signed.Digest(signed.Content)); err != nil {
		return nil, err
	}
	var info timestampInfo
	if rest, err := asn1.Unmarshal(signed.Content, &info); err != nil || len(rest) > 0 || info.Version != 1 {
		return nil, errors.New("its content is not version 1 of RFC 3161")
	}
	hash := cms.Hash(info.Imprint.Algorithm.Algorithm)
	if hash == 0 {
		return nil, errors.New("it uses a hash that is not trusted here")
	}
	h := hash.New()
	h.Write(stamped)
	if !bytes.Equal(info.Imprint.Hash, h.Sum(nil)) {
		return nil, errors.New("it is about something else")
	}
	within, ok := info.Accuracy.duration()
	if !ok {
		return nil, errors.New("its accuracy is none")
	}
	return &Token{
		Time: info.Time.UTC(), Accuracy: within, Serial: info.Serial, Policy: info.Policy.String(),
		Authority: signed.Signer.Subject.String(), nonce: info.Nonce, signed: signed,
	}, nil
}

// Trusted checks that the authority's certificate is for time stamping alone
// (RFC 3161 section 2.3) and led to one of roots when the token was made; nil
// roots are the machine's. It needs no network: whether a certificate was
// revoked since is not looked up.
func (t *Token) Trusted(roots *x509.CertPool) error {
	c, critical := t.signed.Signer, false
	for _, e := range c.Extensions {
		critical = critical || e.Id.Equal(oidExtKeyUsage) && e.Critical
	}
	if usage := c.ExtKeyUsage; !critical || len(usage) != 1 || usage[0] != x509.ExtKeyUsageTimeStamping || len(c.UnknownExtKeyUsage) > 0 {
		return fmt.Errorf("the certificate of %s is not one for time stamping alone", c.Subject)
	}
	_, err := c.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: t.signed.Others(), CurrentTime: t.Time, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping},
	})
	if err != nil {
		return fmt.Errorf("the certificate of %s: %w", c.Subject, err)
	}
	return nil
}

// Verify is [Parse] and [Token.Trusted].
func Verify(der, stamped []byte, roots *x509.CertPool) (*Token, error) {
	t, err := Parse(der, stamped)
	if err == nil {
		err = t.Trusted(roots)
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}
