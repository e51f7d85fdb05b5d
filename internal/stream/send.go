package stream

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// Sender sends messages to receivers. It follows no redirect, uses no proxy,
// and connects to no address inside: that is decided when the connection is
// made, so that no name can lead elsewhere after it was checked. It is safe for
// concurrent use, and must not be copied.
type Sender struct {
	Clock audit.Clock
	Allow []netip.Prefix // networks in which receivers may be, though not public; there http is enough
	Roots *x509.CertPool // whom receivers' certificates must lead to; nil: the machine's

	once          sync.Once
	secure, plain *http.Client
}

// Answer is what a receiver said.
type Answer struct {
	Status     int
	RetryAfter time.Duration // 0: not said; at most MaxRetryAfter
	Latency    time.Duration // from the start to the status
}

// Send posts a message and reports the answer, whatever its status: only 2xx
// means that it was taken. Of the answer's body at most [MaxAnswer] bytes are
// read, and none is kept. It takes at most [SendTimeout]. An error is
// InvalidParameter for a URL that no receiver may have, Forbidden when the name
// leads to an address that is refused, and else Unavailable.
func (s *Sender) Send(ctx context.Context, to string, header http.Header, body []byte) (Answer, error) {
	if err := CheckURL(to, s.Allow); err != nil {
		return Answer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, SendTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return Answer{}, fmt.Errorf("send to receiver: %w", err)
	}
	r.Header = header.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", "Sealbook")
	}
	s.once.Do(s.connect)
	client := s.secure
	if r.URL.Scheme == "http" {
		client = s.plain
	}
	start := s.Clock()
	resp, err := client.Do(r)
	if err != nil {
		return Answer{}, unreachable(err)
	}
	defer resp.Body.Close()
	now := s.Clock()
	// The status is the answer. The rest is read so that the connection can be
	// used again, and does not matter.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, MaxAnswer))
	return Answer{Status: resp.StatusCode, RetryAfter: retryAfter(resp.Header.Get("Retry-After"), now), Latency: max(0, now.Sub(start))}, nil
}

func (s *Sender) connect() {
	s.secure, s.plain = s.client(s.refuseInside), s.client(s.refuseUnlisted)
}

// client has a transport of its own, because its connections are kept by
// address and the two kinds may go to different ones.
func (s *Sender) client(control func(network, address string, c syscall.RawConn) error) *http.Client {
	dialer := &net.Dialer{Timeout: SendTimeout, Control: control}
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: s.Roots, MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: MaxAnswer,
			MaxIdleConns:           100,
			MaxIdleConnsPerHost:    2,
			IdleConnTimeout:        time.Minute,
		},
	}
}

var errRefused = errors.New("address is refused")

// refuseInside is asked with the address that a connection is about to be made
// to, after every look-up.
func (s *Sender) refuseInside(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !public(at.Addr()) && !allowed(at.Addr(), s.Allow) {
		return fmt.Errorf("connect to %s: %w", address, errRefused)
	}
	return nil
}

// refuseUnlisted is the same for connections without TLS.
func (s *Sender) refuseUnlisted(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !allowed(at.Addr(), s.Allow) {
		return fmt.Errorf("connect without TLS to %s: %w", address, errRefused)
	}
	return nil
}

// unreachable says what a person can look at. Addresses and URLs are for the
// log: what a name means inside is not for an organisation to learn.
func unreachable(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err
	}
	code, reason := audit.Unavailable, "cannot be reached"
	var timeout net.Error
	var unknownHost *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, errRefused):
		code, reason = audit.Forbidden, "is at an address to which this installation sends nothing"
	case errors.As(err, &unknownHost) && unknownHost.IsNotFound:
		reason = "cannot be reached: its host name is not known"
	case errors.Is(err, syscall.ECONNREFUSED):
		reason = "refuses connections"
	case errors.As(err, &certificate):
		reason = "shows a TLS certificate that this machine does not trust"
	case errors.Is(err, context.Canceled):
		reason = "was not waited for: the sender stops"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		reason = "did not answer in time"
	}
	return &audit.Error{Code: code, Message: "the receiver " + reason, Err: err}
}

// retryAfter reads either form of RFC 9110, section 10.2.3; what is neither, or
// past, is none.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 63); err == nil {
		return time.Duration(min(seconds, uint64(MaxRetryAfter/time.Second))) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(0, at.Sub(now)), MaxRetryAfter)
}
