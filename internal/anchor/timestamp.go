package anchor

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"

	"github.com/sealbook/sealbook/audit"
)

// Authority is a time-stamp authority that speaks RFC 3161 over HTTP.
type Authority struct {
	place  Place
	url    string
	roots  *x509.CertPool // nil: the machine's
	client *http.Client
}

// NewAuthority reads the authority's URL, which may hold credentials, and the
// certificates in PEM that its own must lead to; without any, the machine's
// roots decide. It asks nothing yet.
func NewAuthority(serviceURL string, rootsPEM []byte) (*Authority, error) {
	u, name, err := placeURL(serviceURL)
	if err != nil {
		return nil, err
	}
	a := &Authority{place: Place{KindTimestamp, name}, url: u.String(), client: newClient()}
	if rootsPEM != nil {
		if a.roots, err = ParseRoots(rootsPEM); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// ParseRoots reads certificates in PEM. What is not a certificate is an error:
// a root that is silently left out would make good tokens fail.
func ParseRoots(text []byte) (*x509.CertPool, error) {
	pool, n := x509.NewCertPool(), 0
	for rest := bytes.TrimSpace(text); len(rest) > 0; n++ {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("roots: there is something else than PEM blocks CERTIFICATE after %d of them", n)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("roots: certificate %d: %w", n+1, err)
		}
		pool.AddCert(c)
		rest = bytes.TrimSpace(rest)
	}
	if n == 0 {
		return nil, errors.New("roots: there is no certificate")
	}
	return pool, nil
}

// Place says where this is.
func (a *Authority) Place() Place { return a.place }

// timestampRequest is TimeStampReq of RFC 3161 section 2.4.1.
type timestampRequest struct {
	Version      int
	Imprint      imprint
	Nonce        *big.Int
	Certificates bool // DEFAULT FALSE, and we always ask for them
}

// timestampResponse is TimeStampResp of section 2.4.2.
type timestampResponse struct {
	Status struct {
		Status int
		Text   []string       `asn1:"optional"`
		Fail   asn1.BitString `asn1:"optional"`
	}
	Token asn1.RawValue `asn1:"optional"`
}

// Bits of PKIFailureInfo that time mends.
const (
	failTimeNotAvailable = 14
	failSystemFailure    = 25
)

// Publish gets a token over the note and returns it, verified, in DER.
func (a *Authority) Publish(ctx context.Context, s Statement) ([]byte, error) {
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return nil, fmt.Errorf("draw nonce: %w", err)
	}
	hash := sha256.Sum256(s.Note)
	request, err := asn1.Marshal(timestampRequest{
		Version: 1, Nonce: nonce, Certificates: true,
		Imprint: imprint{pkix.AlgorithmIdentifier{Algorithm: oidSHA256, Parameters: asn1.NullRawValue}, hash[:]},
	})
	if err != nil {
		return nil, fmt.Errorf("encode time-stamp request: %w", err)
	}
	got, err := post(ctx, a.client, a.place, a.url, "application/timestamp-query", request)
	if err != nil {
		return nil, err
	}
	if got.status != http.StatusOK {
		return nil, refused(a.place, got)
	}
	var response timestampResponse
	if rest, err := asn1.Unmarshal(got.body, &response); err != nil || len(rest) > 0 {
		return nil, audit.Errorf(audit.InvalidState, "what the %s answers is no time-stamp response: check the URL", a.place)
	}
	if s := response.Status; s.Status != 0 && s.Status != 1 { // granted, or granted with modifications
		e := audit.Errorf(audit.InvalidState, "the %s rejects the request: %.200q (status %d)", a.place, strings.Join(s.Text, "; "), s.Status)
		if s.Fail.At(failTimeNotAvailable) == 1 || s.Fail.At(failSystemFailure) == 1 {
			e.Code = audit.Unavailable
		}
		return nil, e
	}
	token := response.Token.FullBytes
	t, err := VerifyTimestamp(s.Note, token, a.roots)
	if err != nil {
		return nil, audit.Errorf(audit.InvalidState, "the token of the %s does not hold: %w", a.place, err)
	}
	if t.nonce == nil || t.nonce.Cmp(nonce) != 0 {
		return nil, audit.Errorf(audit.InvalidState, "the token of the %s is not for this request: its nonce is another", a.place)
	}
	return token, nil
}
