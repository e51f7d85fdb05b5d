// Package tsa gets time stamps from authorities and verifies them (RFC 3161).
// It guards that no token is taken for one that somebody else would not accept:
// it is about exactly what was stamped, answers this very request, and is
// signed by a certificate that is for time stamping alone. Package anchor has
// checkpoints stamped with it, package sign has signatures.
package tsa

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
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/cms"
	"github.com/sealbook/sealbook/internal/exchange"
)

// MaxToken bounds a token in DER, in bytes: authorities answer with 3,000 to
// 8,000.
const MaxToken = exchange.MaxAnswer

// Authority is a time-stamp authority that speaks RFC 3161 over HTTP (section
// 3.4). It is safe for concurrent use.
type Authority struct {
	URL    string        // http or https; may hold credentials in user, password and query, which no error repeats
	Client *http.Client  // should follow no redirects, see [exchange.NewClient]
	Wait   time.Duration // for the answer, more than 0; at most exchange.MaxWait, and as long as the context lets it

	// Roots that the authority's certificate must lead to; nil are the machine's.
	Roots *x509.CertPool

	// Room is how many bytes there are for the token; 0 is MaxToken.
	Room int
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

// Check says whether the authority can be asked at all. The error is
// InvalidParameter.
func (a *Authority) Check() error {
	if _, _, err := exchange.ParseURL(a.URL); err != nil {
		return audit.Errorf(audit.InvalidParameter, "the time-stamp authority's URL is not one like https://service.example/path")
	}
	if a.Client == nil || a.Wait <= 0 {
		return audit.Errorf(audit.InvalidParameter, "the time-stamp authority needs a client and a time to wait")
	}
	return nil
}

// Stamp asks for a token over data and returns it in DER. Only one that
// verifies, see [Verify], and answers this request is returned; all else is an
// error: Unavailable and RateLimited when trying again may help, Forbidden when
// the authority wants other credentials, NotFound when it is not there, else
// InvalidState; of settings with which nobody can be asked InvalidParameter.
func (a *Authority) Stamp(ctx context.Context, data []byte) ([]byte, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	_, name, err := exchange.ParseURL(a.URL)
	if err != nil {
		return nil, err
	}
	name = "time-stamp authority " + name
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return nil, fmt.Errorf("draw nonce: %w", err)
	}
	hash := sha256.Sum256(data)
	request, err := asn1.Marshal(timestampRequest{
		Version: 1, Nonce: nonce, Certificates: true,
		Imprint: imprint{pkix.AlgorithmIdentifier{Algorithm: cms.OIDSHA256, Parameters: asn1.NullRawValue}, hash[:]},
	})
	if err != nil {
		return nil, fmt.Errorf("encode time-stamp request: %w", err)
	}
	body, err := a.ask(ctx, name, request)
	if err != nil {
		return nil, err
	}
	der, err := readResponse(name, body)
	if err != nil {
		return nil, err
	}
	t, err := Verify(der, data, a.Roots)
	if err != nil {
		return nil, audit.Errorf(audit.InvalidState, "the token of the %s does not hold: %w", name, err)
	}
	if t.nonce == nil || t.nonce.Cmp(nonce) != 0 {
		return nil, audit.Errorf(audit.InvalidState, "the token of the %s is not for this request: its nonce is another", name)
	}
	return der, nil
}

// ask returns the body of an answer of status 200 that there is room for.
func (a *Authority) ask(ctx context.Context, name string, request []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, a.Wait)
	defer cancel()
	got, err := exchange.Post(ctx, a.Client, name, a.URL, "application/timestamp-query", request)
	if err != nil {
		return nil, err
	}
	if got.Status != http.StatusOK {
		return nil, exchange.Refused(name, got)
	}
	const slack = 1 << 10 // for what is around the token
	if a.Room > 0 && len(got.Body) > a.Room+slack {
		return nil, audit.Errorf(audit.InvalidState, "the %s answers with more than %d bytes, for which there is no room", name, a.Room+slack)
	}
	return got.Body, nil
}

// readResponse returns the token of a response that grants one.
func readResponse(name string, body []byte) ([]byte, error) {
	var response timestampResponse
	if rest, err := asn1.Unmarshal(body, &response); err != nil || len(rest) > 0 {
		return nil, audit.Errorf(audit.InvalidState, "what the %s answers is no time-stamp response: check the URL", name)
	}
	if s := response.Status; s.Status != 0 && s.Status != 1 { // granted, or granted with modifications
		e := audit.Errorf(audit.InvalidState, "the %s rejects the request: %.200q (status %d)", name, strings.Join(s.Text, "; "), s.Status)
		if s.Fail.At(failTimeNotAvailable) == 1 || s.Fail.At(failSystemFailure) == 1 {
			e.Code = audit.Unavailable
		}
		return nil, e
	}
	return response.Token.FullBytes, nil
}
