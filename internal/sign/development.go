package sign

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// developmentOrganization marks certificates that vouch for nobody.
const developmentOrganization = "DEVELOPMENT ONLY"

// developmentYears is how long the certificates are valid.
const developmentYears = 5

// Material is an identity made for development, in PEM.
type Material struct {
	Root         []byte // what a reader must trust; its key is gone
	Certificates []byte // for LoadPEM: the signer's and the root
	Key          []byte // for LoadPEM, PKCS #8; to be stored with mode 0600
}

// Development makes a root and a signer under it, valid from an hour before
// now for five years. Whoever has the files can sign: they are for trying the
// product out, and say so in every certificate.
func Development(now time.Time) (Material, error) {
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Material{}, fmt.Errorf("make the development root's key: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Material{}, fmt.Errorf("make the development key: %w", err)
	}
	root, err := developmentCertificate("Sealbook development root", now)
	if err != nil {
		return Material{}, err
	}
	root.IsCA, root.MaxPathLenZero = true, true
	root.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	leaf, err := developmentCertificate("Sealbook development signature", now)
	if err != nil {
		return Material{}, err
	}
	leaf.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment
	// Readers of before RFC 9336 know a purpose for mail, and none for documents.
	leaf.ExtKeyUsage, leaf.UnknownExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}, []asn1.ObjectIdentifier{oidDocumentSigning}

	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, rootKey.Public(), rootKey)
	if err != nil {
		return Material{}, fmt.Errorf("make the development root: %w", err)
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, root, key.Public(), rootKey)
	if err != nil {
		return Material{}, fmt.Errorf("make the development certificate: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Material{}, fmt.Errorf("encode the development key: %w", err)
	}
	m := Material{
		Root: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER}),
		Key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
	}
	m.Certificates = append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leafDER}), m.Root...)
	return m, nil
}

func developmentCertificate(name string, now time.Time) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("draw a serial number: %w", err)
	}
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name, Organization: []string{developmentOrganization}},
		NotBefore: now.Add(-time.Hour).UTC(), NotAfter: now.AddDate(developmentYears, 0, 0).UTC(), BasicConstraintsValid: true,
	}, nil
}

// Development reports whether the identity was made by [Development]: it must
// not sign what anybody relies on.
func (i Identity) Development() bool {
	return len(i.chain) > 0 && slices.Contains(i.chain[0].Subject.Organization, developmentOrganization)
}
