package sign

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// maxToken bounds a time-stamp token in bytes, for which room is kept in the
// document: authorities answer with 3,000 to 8,000.
const maxToken = 16 << 10

// Authority is a time-stamp authority that speaks RFC 3161 over HTTP. Of what
// it answers to a document's signature only a token that verifies is used; all
// else is an error, so that nobody takes a document without a time stamp for
// one with it: Unavailable when trying again may help, Forbidden when it wants
// other credentials, else InvalidState.
type Authority struct {
	URL    string        // http or https; may hold credentials, which no error repeats
	Client *http.Client  // should follow no redirects
	Wait   time.Duration // for the answer; at most as long as the context lets it

	// Roots that the authority's certificate must lead to; nil are the machine's.
	Roots *x509.CertPool
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

func (a *Authority) check() error {
	u, err := url.Parse(a.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return audit.Errorf(audit.InvalidParameter, "the time-stamp authority's URL is not one like https://service.example/path")
	}
	if a.Client == nil || a.Wait <= 0 {
		return audit.Errorf(audit.InvalidParameter, "the time-stamp authority needs a client and a time to wait")
	}
	return nil
}

// stamp gets a token over a signature and returns it, verified, in DER.
func (a *Authority) stamp(ctx context.Context, signature []byte) ([]byte, error) {
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return nil, fmt.Errorf("draw nonce: %w", err)
	}
	hash := sha256.Sum256(signature)
	request, err := asn1.Marshal(timestampRequest{
		Version: 1, Nonce: nonce, Certificates: true,
		Imprint: imprint{pkix.AlgorithmIdentifier{Algorithm: oidSHA256, Parameters: asn1.NullRawValue}, hash[:]},
	})
	if err != nil {
		return nil, fmt.Errorf("encode time-stamp request: %w", err)
	}
	body, err := a.post(ctx, request)
	if err != nil {
		return nil, err
	}
	var response timestampResponse
	if rest, err := asn1.Unmarshal(body, &response); err != nil || len(rest) > 0 {
		return nil, audit.Errorf(audit.InvalidState, "what the time-stamp authority answers is no time-stamp response: check the URL")
	}
	if s := response.Status; s.Status != 0 && s.Status != 1 { // granted, or granted with modifications
		e := audit.Errorf(audit.InvalidState, "the time-stamp authority rejects the request: %.200q (status %d)", strings.Join(s.Text, "; "), s.Status)
		if s.Fail.At(failTimeNotAvailable) == 1 || s.Fail.At(failSystemFailure) == 1 {
			e.Code = audit.Unavailable
		}
		return nil, e
	}
	der := response.Token.FullBytes
	t, err := parseToken(der, signature)
	if err == nil {
		err = t.trusted(a.Roots)
	}
	if err != nil {
		return nil, audit.Errorf(audit.InvalidState, "the token of the time-stamp authority does not hold: %v", err)
	}
	if t.info.Nonce == nil || t.info.Nonce.Cmp(nonce) != 0 {
		return nil, audit.Errorf(audit.InvalidState, "the token of the time-stamp authority is not for this request: its nonce is another")
	}
	return der, nil
}

// post asks, and returns the answer of status 200. What the client says names
// the URL, in which a credential may be: only what is behind is passed on.
func (a *Authority) post(ctx context.Context, request []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, a.Wait)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.URL, bytes.NewReader(request))
	if err != nil {
		return nil, audit.Errorf(audit.InvalidParameter, "the time-stamp authority's URL is none")
	}
	r.Header.Set("Content-Type", "application/timestamp-query")
	resp, err := a.Client.Do(r)
	if err != nil {
		return nil, unreachable(err)
	}
	defer resp.Body.Close()
	switch s := resp.StatusCode; {
	case s == http.StatusOK:
	case s == http.StatusTooManyRequests || s >= 500:
		return nil, audit.Errorf(audit.Unavailable, "the time-stamp authority is in trouble (status %d)", s)
	case s == http.StatusUnauthorized || s == http.StatusForbidden:
		return nil, audit.Errorf(audit.Forbidden, "the time-stamp authority refuses this installation (status %d): check the URL's credentials with its operator", s)
	default:
		return nil, audit.Errorf(audit.InvalidState, "the time-stamp authority does not accept the request (status %d): check the URL", s)
	}
	const slack = 1 << 10 // for what is around the token
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxToken+slack+1))
	if err != nil {
		return nil, unreachable(err)
	}
	if len(body) > maxToken+slack {
		return nil, audit.Errorf(audit.InvalidState, "the time-stamp authority answers with more than %d bytes", maxToken+slack)
	}
	return body, nil
}

func unreachable(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err
	}
	reason := "cannot be reached"
	if errors.Is(err, context.DeadlineExceeded) {
		reason = "did not answer in time"
	}
	return &audit.Error{Code: audit.Unavailable, Message: "the time-stamp authority " + reason, Err: err}
}
