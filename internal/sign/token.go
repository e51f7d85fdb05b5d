package sign

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"time"
)

var (
	oidTimestampInfo = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
	oidExtKeyUsage   = asn1.ObjectIdentifier{2, 5, 29, 37}
)

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

// token is a time-stamp token whose signature holds. Whether its authority is
// trusted is another question.
type token struct {
	signed *signedData
	info   timestampInfo
}

// parseToken checks that der is a time stamp of RFC 3161 over what was
// stamped, and nothing besides.
func parseToken(der, stamped []byte) (*token, error) {
	signed, rest, err := parseSignedData(der)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 || signed.token != nil || !signed.contentType.Equal(oidTimestampInfo) || signed.content == nil {
		return nil, errors.New("it is not a time stamp alone")
	}
	if err := signed.check(signed.digest(signed.content)); err != nil {
		return nil, err
	}
	t := &token{signed: signed}
	if rest, err := asn1.Unmarshal(signed.content, &t.info); err != nil || len(rest) > 0 || t.info.Version != 1 {
		return nil, errors.New("its content is not version 1 of RFC 3161")
	}
	hash := digests[t.info.Imprint.Algorithm.Algorithm.String()]
	if hash == 0 {
		return nil, errors.New("it uses a hash that is not trusted here")
	}
	h := hash.New()
	h.Write(stamped)
	if !bytes.Equal(t.info.Imprint.Hash, h.Sum(nil)) {
		return nil, errors.New("it is about something else")
	}
	return t, nil
}

// trusted checks that the authority's certificate is for time stamping alone
// (RFC 3161 section 2.3) and led to one of roots when the token was made.
func (t *token) trusted(roots *x509.CertPool) error {
	c, critical := t.signed.signer, false
	for _, e := range c.Extensions {
		critical = critical || e.Id.Equal(oidExtKeyUsage) && e.Critical
	}
	if usage := c.ExtKeyUsage; !critical || len(usage) != 1 || usage[0] != x509.ExtKeyUsageTimeStamping || len(c.UnknownExtKeyUsage) > 0 {
		return fmt.Errorf("the certificate of %s is not one for time stamping alone", c.Subject)
	}
	_, err := c.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: t.signed.others(), CurrentTime: t.info.Time, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping},
	})
	if err != nil {
		return fmt.Errorf("the certificate of %s: %w", c.Subject, err)
	}
	return nil
}
