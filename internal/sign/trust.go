package sign

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"
	"time"

	"github.com/sealbook/sealbook/internal/cms"
)

// Purposes of extended key usage that stand for signing documents: RFC 9336,
// and those from before it.
var documentPurposes = []asn1.ObjectIdentifier{
	oidDocumentSigning,
	{1, 2, 840, 113583, 1, 1, 5},       // Adobe
	{1, 3, 6, 1, 4, 1, 311, 10, 3, 12}, // Microsoft
}

var oidDocumentSigning = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 36}

// trusted checks that the signer's certificate is for signing documents, and
// led to one of roots at that time.
func trusted(s *cms.SignedData, roots *x509.CertPool, at time.Time) error {
	c := s.Signer
	if c.KeyUsage != 0 && c.KeyUsage&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0 {
		return fmt.Errorf("the certificate of %s is not one for signing", c.Subject)
	}
	fits := len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) == 0 ||
		slices.ContainsFunc(c.ExtKeyUsage, func(u x509.ExtKeyUsage) bool {
			return u == x509.ExtKeyUsageEmailProtection || u == x509.ExtKeyUsageAny
		}) ||
		slices.ContainsFunc(c.UnknownExtKeyUsage, func(oid asn1.ObjectIdentifier) bool {
			return slices.ContainsFunc(documentPurposes, oid.Equal)
		})
	if !fits {
		return fmt.Errorf("the certificate of %s is not one for signing documents", c.Subject)
	}
	if at.IsZero() {
		return fmt.Errorf("there is no time at which the certificate of %s could have been valid", c.Subject)
	}
	options := x509.VerifyOptions{Roots: roots, Intermediates: s.Others(), CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
	if _, err := c.Verify(options); err != nil {
		return fmt.Errorf("the certificate of %s: %w", c.Subject, err)
	}
	// Certificates are not covered by the signature. One that nobody vouches
	// for was changed, or put there for somebody to take it for the signer's.
	for _, c := range s.Certificates {
		if _, err := c.Verify(options); err == nil || vouched(s, c) {
			continue
		}
		return fmt.Errorf("the certificate of %s, which is brought along, was issued by nobody known", c.Subject)
	}
	return nil
}

func vouched(s *cms.SignedData, c *x509.Certificate) bool {
	return slices.ContainsFunc(s.Certificates, func(issuer *x509.Certificate) bool {
		return bytes.Equal(c.RawIssuer, issuer.RawSubject) && c.CheckSignatureFrom(issuer) == nil
	})
}
