package stream

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
)

var loopback = prefixes("127.0.0.0/8", "::1/128")

// receiver answers as told and counts who came.
func receiver(t *testing.T, secure bool, answer http.HandlerFunc) (s *httptest.Server, asked *atomic.Int32) {
	t.Helper()
	asked = new(atomic.Int32)
	s = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		answer(w, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that senders break off
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s, asked
}

func rootsOf(s *httptest.Server) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return pool
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func TestSend(t *testing.T) {
	secret := make([]byte, 32)
	body := []byte(`{"seq":1}` + "\n")
	check := func(w http.ResponseWriter, r *http.Request) {
		got, err := io.ReadAll(r.Body)
		if err == nil {
			err = Verify(r.Header, got, [][]byte{secret}, signedAt, Tolerance)
		}
		if err != nil || r.Method != http.MethodPost || r.URL.Path != "/hook" || r.Header.Get("Content-Type") != "application/x-ndjson" ||
			r.Header.Get("User-Agent") != "Sealbook" || r.Header.Get("Accept-Encoding") != "" {
			t.Errorf("%s %s %v %q: %v", r.Method, r.URL, r.Header, got, err)
		}
		w.WriteHeader(http.StatusAccepted)
	}
	for _, secure := range []bool{true, false} {
		srv, asked := receiver(t, secure, check)
		s := &Sender{Clock: audit.SystemClock, Allow: loopback}
		if secure {
			s.Roots = rootsOf(srv)
		}
		header := Sign([][]byte{secret}, "msg_1", signedAt, body)
		header.Set("Content-Type", "application/x-ndjson")
		a, err := s.Send(t.Context(), srv.URL+"/hook", header, body)
		if err != nil || a.Status != http.StatusAccepted || a.RetryAfter != 0 || a.Latency <= 0 || a.Latency > SendTimeout || asked.Load() != 1 {
			t.Errorf("TLS %t: %+v, %v", secure, a, err)
		}
		if header.Get("User-Agent") != "" {
			t.Error("the caller's header was changed")
		}
	}
}

// TestSendRefuses tries to reach a server that is there, so that only the
// refusal can be the reason why nobody comes.
func TestSendRefuses(t *testing.T) {
	plain, plainAsked := receiver(t, false, status(http.StatusOK))
	secure, secureAsked := receiver(t, true, status(http.StatusOK))
	_, plainPort, _ := net.SplitHostPort(plain.Listener.Addr().String())
	_, securePort, _ := net.SplitHostPort(secure.Listener.Addr().String())
	for _, c := range []struct {
		url   string
		allow []netip.Prefix
		code  audit.Code
	}{
		{secure.URL, nil, audit.InvalidParameter},
		{plain.URL, nil, audit.InvalidParameter},
		{"https://[::ffff:127.0.0.1]:" + securePort, nil, audit.InvalidParameter},
		{"https://localhost:" + securePort, nil, audit.Forbidden}, // the name tells nothing, the look-up does
		{"https://localhost:" + securePort, prefixes("10.0.0.0/8"), audit.Forbidden},
		{"http://localhost:" + plainPort, nil, audit.InvalidParameter},
		{"http://localhost:" + plainPort, prefixes("10.0.0.0/8"), audit.Forbidden},
	} {
		s := &Sender{Clock: audit.SystemClock, Allow: c.allow, Roots: rootsOf(secure)}
		_, err := s.Send(t.Context(), c.url, nil, nil)
		if audit.CodeOf(err) != c.code || !audit.Permanent(err) {
			t.Errorf("%s with %v: %v", c.url, c.allow, err)
		}
		if e, ok := err.(*audit.Error); ok && strings.Contains(e.Message, "127.0.0.1") {
			t.Errorf("the message tells what the name means inside: %s", e.Message)
		}
	}
	if plainAsked.Load()+secureAsked.Load() != 0 {
		t.Error("a refused receiver was reached")
	}
	s := &Sender{Clock: audit.SystemClock, Allow: loopback}
	if a, err := s.Send(t.Context(), "http://localhost:"+plainPort, nil, nil); err != nil || a.Status != http.StatusOK {
		t.Errorf("allowed, and yet %+v, %v", a, err)
	}
}

func TestSendUsesNoProxy(t *testing.T) {
	s := &Sender{Clock: audit.SystemClock}
	s.connect()
	for _, c := range []*http.Client{s.secure, s.plain} {
		if c.Transport.(*http.Transport).Proxy != nil {
			t.Error("a proxy would connect for us, unasked about addresses")
		}
	}
}

func TestSendFollowsNoRedirect(t *testing.T) {
	inside, asked := receiver(t, false, status(http.StatusOK))
	for _, code := range []int{301, 302, 303, 307, 308} {
		srv, _ := receiver(t, false, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, inside.URL, code) })
		s := &Sender{Clock: audit.SystemClock, Allow: loopback}
		if a, err := s.Send(t.Context(), srv.URL, nil, nil); err != nil || a.Status != code {
			t.Errorf("%d: %+v, %v", code, a, err)
		}
	}
	if asked.Load() != 0 {
		t.Error("a redirect was followed")
	}
}

// endless is an answer that is longer than anybody wants.
type endless struct {
	read   int
	closed bool
}

func (e *endless) Read(p []byte) (int, error) {
	if e.read > 100*MaxAnswer {
		return 0, io.EOF // or the test would not end either
	}
	e.read += len(p)
	return len(p), nil
}

func (e *endless) Close() error { e.closed = true; return nil }

func TestSendBoundsAnswers(t *testing.T) {
	s, body := &Sender{Clock: audit.SystemClock, Allow: loopback}, &endless{}
	s.once.Do(func() {})
	s.plain = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Body: body, Request: r}, nil
	})}
	if a, err := s.Send(t.Context(), "http://127.0.0.1/", nil, nil); err != nil || a.Status != http.StatusOK || body.read > MaxAnswer || !body.closed {
		t.Fatalf("%+v, %v; %d bytes read, closed is %t", a, err, body.read, body.closed)
	}

	s = &Sender{Clock: audit.SystemClock, Allow: loopback}
	headers, _ := receiver(t, false, func(w http.ResponseWriter, _ *http.Request) {
		for i := range 2 * MaxAnswer / 1024 {
			w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", 1024))
		}
	})
	if _, err := s.Send(t.Context(), headers.URL, nil, nil); audit.CodeOf(err) != audit.Unavailable {
		t.Errorf("headers of any size: %v", err)
	}
}

func TestSendSaysWhy(t *testing.T) {
	slow, _ := receiver(t, false, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	untrusted, _ := receiver(t, true, status(http.StatusOK))
	gone, _ := receiver(t, false, status(http.StatusOK))
	gone.Close()
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for _, c := range []struct {
		ctx       context.Context
		url, says string
	}{
		{short, slow.URL, "did not answer in time"},
		{stopped, slow.URL, "the sender stops"},
		{t.Context(), untrusted.URL, "does not trust"},
		{t.Context(), gone.URL, "refuses connections"},
	} {
		s := &Sender{Clock: audit.SystemClock, Allow: loopback}
		_, err := s.Send(c.ctx, c.url, nil, nil)
		if audit.CodeOf(err) != audit.Unavailable || !strings.Contains(err.Error(), c.says) || audit.Permanent(err) {
			t.Errorf("%v, want %q", err, c.says)
		}
	}
}

// TestSendTimeout asks the request itself how long it may take, instead of
// waiting for that long.
func TestSendTimeout(t *testing.T) {
	s := &Sender{Clock: audit.SystemClock, Allow: loopback}
	s.once.Do(func() {})
	var left time.Duration
	s.plain = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		deadline, _ := r.Context().Deadline()
		left = time.Until(deadline)
		return nil, context.DeadlineExceeded
	})}
	if _, err := s.Send(t.Context(), "http://127.0.0.1/", nil, nil); audit.CodeOf(err) != audit.Unavailable {
		t.Error(err)
	}
	if left <= 0 || left > SendTimeout {
		t.Errorf("%s are left, of %s", left, SendTimeout)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestRetryAfter(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"": 0, "120": 2 * time.Minute, "0": 0, "-1": 0, "1.5": 0, "soon": 0, "86400": MaxRetryAfter, "86401": MaxRetryAfter,
		"9223372036854775807": MaxRetryAfter, "99999999999999999999": 0,
		signedAt.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second,
		signedAt.Add(-time.Hour).Format(http.TimeFormat):       0,
		signedAt.AddDate(1, 0, 0).Format(http.TimeFormat):      MaxRetryAfter,
	} {
		srv, _ := receiver(t, false, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", text)
			w.WriteHeader(http.StatusTooManyRequests)
		})
		s := &Sender{Clock: func() time.Time { return signedAt }, Allow: loopback}
		if a, err := s.Send(t.Context(), srv.URL, nil, nil); err != nil || a.Status != http.StatusTooManyRequests || a.RetryAfter != want {
			t.Errorf("%q: %+v, %v; want %s", text, a, err, want)
		}
	}
}
