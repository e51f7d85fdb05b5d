// Package exchange asks services outside over HTTP: one POST, one answer. It
// guards that none is waited for without end or fills the memory, that no
// redirect leads elsewhere, and that what people are told names no credential.
// The packages anchor and tsa ask with it.
package exchange

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// Bounds of one exchange.
const (
	MaxAnswer = 64 << 10    // bytes of a body: a token with its certificates has a few thousand
	MaxWait   = time.Minute // from the look-up of the name to the end of the answer; a context may allow less
)

// NewClient makes a client that follows no redirect: a service is where the
// settings say.
func NewClient() *http.Client {
	return &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Answer is what a service said.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Post sends a body to a URL and reads the answer, whatever its status. Errors
// call the service what to says ("witness example"), never its URL, and are
// Unavailable: it cannot be reached, does not answer in [MaxWait], or answers
// with more than [MaxAnswer].
func Post(ctx context.Context, c *http.Client, to, at, contentType string, body []byte) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, MaxWait)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, at, bytes.NewReader(body))
	if err != nil {
		return Answer{}, fmt.Errorf("ask %s: %w", to, err)
	}
	r.Header.Set("Content-Type", contentType)
	resp, err := c.Do(r)
	if err != nil {
		return Answer{}, unreachable(to, err)
	}
	defer resp.Body.Close()
	a := Answer{Status: resp.StatusCode, Header: resp.Header}
	if a.Body, err = io.ReadAll(io.LimitReader(resp.Body, MaxAnswer+1)); err != nil {
		return Answer{}, unreachable(to, err)
	}
	if len(a.Body) > MaxAnswer {
		return Answer{}, audit.Errorf(audit.Unavailable, "the %s answers with more than %d bytes: that is not the service", to, MaxAnswer)
	}
	return a, nil
}

// unreachable says what a person can look at. The whole error, which names
// addresses and may hold what stands in the URL, is for the log.
func unreachable(to string, err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err
	}
	reason := "cannot be reached"
	var timeout net.Error
	var unknown *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &unknown):
		reason = "cannot be reached: its host name is not known"
	case errors.Is(err, syscall.ECONNREFUSED):
		reason = "refuses connections"
	case errors.As(err, &certificate):
		reason = "shows a TLS certificate that this machine does not trust"
	case errors.Is(err, context.Canceled):
		reason = "was not waited for"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		reason = "did not answer in time"
	}
	return &audit.Error{Code: audit.Unavailable, Message: fmt.Sprintf("the %s %s", to, reason), Err: err}
}

// Refused gives a status that the protocol does not speak of its meaning: a
// server in trouble may recover, a request that it does not want will stay
// unwanted until somebody changes the settings. The error is Forbidden,
// RateLimited, Unavailable, NotFound or InvalidState.
func Refused(to string, a Answer) error {
	switch {
	case a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden:
		return audit.Errorf(audit.Forbidden, "the %s refuses this installation (status %d): check the URL's credentials with its operator", to, a.Status)
	case a.Status == http.StatusTooManyRequests:
		return &audit.Error{Code: audit.RateLimited, Message: fmt.Sprintf("the %s asks to come less often (status %d)", to, a.Status), RetryAfter: retryAfter(a.Header)}
	case a.Status >= 500:
		return &audit.Error{Code: audit.Unavailable, Message: fmt.Sprintf("the %s is in trouble (status %d)", to, a.Status), RetryAfter: retryAfter(a.Header)}
	case a.Status == http.StatusNotFound || a.Status == http.StatusMethodNotAllowed:
		return audit.Errorf(audit.NotFound, "there is no such service at the URL of the %s (status %d): check the setting", to, a.Status)
	case a.Status >= 300 && a.Status < 400:
		return audit.Errorf(audit.InvalidState, "the %s redirects (status %d): set the URL that it redirects to", to, a.Status)
	}
	return audit.Errorf(audit.InvalidState, "the %s does not accept the request (status %d)", to, a.Status)
}

// retryAfter reads the delay in seconds; another form counts as none.
func retryAfter(h http.Header) time.Duration {
	n, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || n < 0 || n > 3600 {
		return 0
	}
	return time.Duration(n) * time.Second
}

// ParseURL reads the URL of a service, http or https, and the name under which
// it is shown: without what may be secret in it, user, password and query. The
// error repeats the text.
func ParseURL(text string) (u *url.URL, name string, err error) {
	u, err = url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Fragment != "" {
		return nil, "", fmt.Errorf("%.200q is not a URL like https://service.example/path", text)
	}
	return u, (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String(), nil
}
