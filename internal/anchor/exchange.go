package anchor

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

// newClient follows no redirect: a place is where the settings say. The
// caller's context bounds the time.
func newClient() *http.Client {
	return &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// answer is what a place said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// post sends a body and reads the answer. An error is Unavailable.
func post(ctx context.Context, c *http.Client, to Place, at, contentType string, body []byte) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, at, bytes.NewReader(body))
	if err != nil {
		return answer{}, fmt.Errorf("ask %s: %w", to, err)
	}
	r.Header.Set("Content-Type", contentType)
	resp, err := c.Do(r)
	if err != nil {
		return answer{}, unreachable(to, err)
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode, header: resp.Header}
	if a.body, err = io.ReadAll(io.LimitReader(resp.Body, MaxAnswer+1)); err != nil {
		return answer{}, unreachable(to, err)
	}
	if len(a.body) > MaxAnswer {
		return answer{}, audit.Errorf(audit.Unavailable, "the %s answers with more than %d bytes: that is not the service", to, MaxAnswer)
	}
	return a, nil
}

// unreachable says what a person can look at. The whole error, which names
// addresses and may hold what stands in the URL, is for the log.
func unreachable(to Place, err error) error {
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
		reason = "was not waited for: the worker stops"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		reason = "did not answer in time"
	}
	return &audit.Error{Code: audit.Unavailable, Message: fmt.Sprintf("the %s %s", to, reason), Err: err}
}

// refused gives a status that the protocol does not speak of its meaning: a
// server in trouble may recover, a request that it does not want will stay
// unwanted until somebody changes the settings.
func refused(to Place, a answer) error {
	switch {
	case a.status == http.StatusUnauthorized || a.status == http.StatusForbidden:
		return audit.Errorf(audit.Forbidden, "the %s refuses this installation (status %d): check the URL's credentials with its operator", to, a.status)
	case a.status == http.StatusTooManyRequests:
		return &audit.Error{Code: audit.RateLimited, Message: fmt.Sprintf("the %s asks to come less often (status %d)", to, a.status), RetryAfter: retryAfter(a.header)}
	case a.status >= 500:
		return &audit.Error{Code: audit.Unavailable, Message: fmt.Sprintf("the %s is in trouble (status %d)", to, a.status), RetryAfter: retryAfter(a.header)}
	case a.status == http.StatusNotFound || a.status == http.StatusMethodNotAllowed:
		return audit.Errorf(audit.NotFound, "there is no such service at the URL of the %s (status %d): check the setting", to, a.status)
	case a.status >= 300 && a.status < 400:
		return audit.Errorf(audit.InvalidState, "the %s redirects (status %d): set the URL that it redirects to", to, a.status)
	}
	return audit.Errorf(audit.InvalidState, "the %s does not accept the request (status %d)", to, a.status)
}

// retryAfter reads the delay in seconds; another form counts as none.
func retryAfter(h http.Header) time.Duration {
	n, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || n < 0 || n > 3600 {
		return 0
	}
	return time.Duration(n) * time.Second
}

// placeURL reads the URL of a service and the name under which it is shown:
// without what may be secret in it.
func placeURL(text string) (u *url.URL, name string, err error) {
	u, err = url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Fragment != "" {
		return nil, "", fmt.Errorf("%.200q is not a URL like https://service.example/path", text)
	}
	return u, (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String(), nil
}
