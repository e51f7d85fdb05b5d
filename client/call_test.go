package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealbook/sealbook/client"
)

// server is one without a network, so that a test's time is its own: it gives
// its answers in turn, the last for ever, and keeps what it was asked.
type server struct {
	answers []func(*http.Request) (*http.Response, error)
	asked   []*http.Request
	bodies  []string
}

func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	n := min(len(s.asked), len(s.answers)-1)
	s.asked = append(s.asked, r)
	body := ""
	if r.Body != nil && r.Header.Get("X-Request-Id") != "unread" {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		body = string(text)
	}
	s.bodies = append(s.bodies, body)
	return s.answers[n](r)
}

func (s *server) client(t testing.TB, options ...client.Option) *client.Client {
	t.Helper()
	c, err := client.New("https://audit.example.com/", "sk_live_x", append([]client.Option{client.WithHTTPClient(&http.Client{Transport: s})}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// gives is an answer; header are names and values.
func gives(status int, body string, header ...string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		h := http.Header{}
		for i := 0; i+1 < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return &http.Response{StatusCode: status, Status: strconv.Itoa(status) + " " + http.StatusText(status), Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	}
}

func refuses(status int, code client.Code, header ...string) func(*http.Request) (*http.Response, error) {
	return gives(status, fmt.Sprintf(`{"success":false,"error":{"code":%q,"message":"no"},"metadata":{"request_id":"req_1"}}`, code), header...)
}

func breaks(*http.Request) (*http.Response, error) {
	return nil, &net.OpError{Op: "read", Err: errors.New("connection reset by peer")}
}

var made = gives(201, `{"success":true,"data":{"id":"audit_entry_20250826_000001"},"metadata":{"request_id":"req_2"}}`)

// TestRepeats: what may succeed later is sent again, the same with the same key;
// everything else is not.
func TestRepeats(t *testing.T) {
	t.Parallel()
	type answer = func(*http.Request) (*http.Response, error)
	for name, c := range map[string]struct {
		first    answer
		attempts int
		least    time.Duration
	}{
		"no answer":    {breaks, 2, 100 * time.Millisecond},
		"unavailable":  {refuses(503, client.CodeUnavailable), 2, 100 * time.Millisecond},
		"later":        {refuses(503, client.CodeUnavailable, "Retry-After", "7"), 2, 7 * time.Second},
		"much later":   {refuses(503, client.CodeUnavailable, "Retry-After", "3600"), 2, time.Minute},
		"too many":     {refuses(429, client.CodeRateLimited, "Retry-After", "2"), 2, 2 * time.Second},
		"a proxy":      {gives(502, "<html>"), 2, 100 * time.Millisecond},
		"a slow proxy": {gives(504, ""), 2, 100 * time.Millisecond},
		"conflict":     {refuses(409, client.CodeExternalIDConflict), 1, 0},
		"internal":     {refuses(500, client.CodeInternal), 1, 0},
		"invalid":      {refuses(422, client.CodeValidationFailed), 1, 0},
		"no Sealbook":  {gives(404, "<html>"), 1, 0},
		"elsewhere":    {gives(302, "", "Location", "https://example.com/"), 1, 0},
		"unreadable":   {gives(201, "<html>"), 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &server{answers: []answer{c.first, made}}
				began := time.Now()
				a, err := s.client(t).CreateEntry(t.Context(), client.EntryRequest{EventType: "access.granted"})
				if (err == nil) != (c.attempts == 2) || len(s.asked) != c.attempts {
					t.Fatalf("%d attempts: %v", len(s.asked), err)
				}
				if took := time.Since(began); took < c.least || took > c.least+200*time.Millisecond {
					t.Errorf("it took %s", took)
				}
				if err != nil {
					return
				}
				key := s.asked[0].Header.Get("Idempotency-Key")
				if len(key) < 20 || s.asked[1].Header.Get("Idempotency-Key") != key || s.bodies[0] != `{"event_type":"access.granted"}` || s.bodies[1] != s.bodies[0] {
					t.Errorf("%q %v %v", s.bodies, s.asked[0].Header, s.asked[1].Header)
				}
				if a.Status != 201 || a.Data.ID == "" || a.Metadata.RequestID != "req_2" {
					t.Errorf("%+v", a)
				}
			})
		})
	}
}

// TestPatience: the pauses double and end, and so does the repeating.
func TestPatience(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{answers: []func(*http.Request) (*http.Response, error){breaks}}
		c := s.client(t)
		began := time.Now()
		var pauses []time.Duration
		_, err := c.ShowMe(t.Context(), client.OnRepeat(func(a client.Attempt) {
			if a.Number != len(pauses)+1 || client.CodeOf(a.Err) != client.CodeUnavailable {
				t.Errorf("%+v", a)
			}
			pauses = append(pauses, a.Pause)
		}))
		if took := time.Since(began); client.CodeOf(err) != client.CodeUnavailable || took < client.DefaultPatience || took > client.DefaultPatience+10*time.Second {
			t.Errorf("%v after %s", err, took)
		}
		for i, p := range pauses {
			whole := min(200*time.Millisecond<<min(i, 10), 10*time.Second)
			if p < whole/2 || p > whole {
				t.Errorf("pause %d is %s", i, p)
			}
		}
		before := len(s.asked)
		if _, err := c.ShowMe(t.Context(), client.Patience(0)); err == nil || len(s.asked) != before+1 {
			t.Errorf("%d attempts without patience", len(s.asked)-before)
		}
		// Under If-Match, a second attempt would contradict the first.
		before = len(s.asked)
		if _, err := c.PutRetention(t.Context(), client.RetentionRequest{}, client.PutRetentionParams{IfMatch: `"1"`}); err == nil || len(s.asked) != before+1 {
			t.Errorf("%d attempts under If-Match", len(s.asked)-before)
		}
		// Nobody waits for a pause that nobody needs.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began = time.Now()
		if _, err := c.ShowMe(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}

// TestTimeouts: an attempt ends, a download goes on.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	hangs := func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	synctest.Test(t, func(t *testing.T) {
		s := &server{answers: []func(*http.Request) (*http.Response, error){hangs, made}}
		began := time.Now()
		if _, err := s.client(t).CreateEntry(t.Context(), client.EntryRequest{}); err != nil || time.Since(began) < client.DefaultTimeout {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		s = &server{answers: []func(*http.Request) (*http.Response, error){hangs}}
		_, err := s.client(t, client.WithDefaults(client.Patience(0))).ShowMe(t.Context(), client.Timeout(time.Second))
		var e *client.Error
		if !errors.As(err, &e) || e.Status != 0 || e.Message != "https://audit.example.com did not answer in time" || e.Server != "https://audit.example.com" {
			t.Errorf("%+v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := s.client(t).ShowMe(ctx, client.Patience(0)); !errors.Is(err, context.Canceled) || errors.As(err, new(*client.Error)) {
			t.Errorf("%v", err)
		}

		slow := func(r *http.Request) (*http.Response, error) {
			a, err := gives(200, "", "Content-Disposition", `attachment; filename="e.zip"`)(r)
			a.Body, a.ContentLength = io.NopCloser(io.MultiReader(strings.NewReader("first"), sleeper(time.Hour), live{r.Context()}, strings.NewReader("last"))), 9
			return a, err
		}
		s = &server{answers: []func(*http.Request) (*http.Response, error){slow}}
		d, err := s.client(t).DownloadExport(t.Context(), "export_1")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(d)
		if string(text) != "firstlast" || err != nil || d.Size != 9 || d.Name() != "e.zip" {
			t.Errorf("%q %v %+v", text, err, d)
		}
		if d.Close(); s.asked[0].Context().Err() == nil {
			t.Error("the attempt goes on after Close")
		}
	})
}

// sleeper is a reader that takes its time and has nothing.
type sleeper time.Duration

func (s sleeper) Read([]byte) (int, error) {
	time.Sleep(time.Duration(s))
	return 0, io.EOF
}

// live is a reader that has nothing, while its request goes on.
type live struct{ ctx context.Context }

func (l live) Read([]byte) (int, error) {
	if l.ctx.Err() != nil {
		return 0, l.ctx.Err()
	}
	return 0, io.EOF
}

// zeros is a body that goes on; who reads all of it gets an error.
type zeros struct{ left int }

func (z *zeros) Read(b []byte) (int, error) {
	if z.left -= len(b); z.left < 0 {
		return 0, errors.New("too much was read")
	}
	return len(b), nil
}

// TestErrors: whatever answers is an Error, with all that it says.
func TestErrors(t *testing.T) {
	t.Parallel()
	ask := func(answer func(*http.Request) (*http.Response, error), options ...client.Option) error {
		s := &server{answers: []func(*http.Request) (*http.Response, error){answer}}
		_, err := s.client(t, append(options, client.WithDefaults(client.Patience(0)))...).CreateEntry(t.Context(), client.EntryRequest{})
		return err
	}
	var e *client.Error
	body := `{"success":false,"error":{"code":"VALIDATION_FAILED","message":"the entry is not valid","details":{"fields":[{"field":"/severity","code":"invalid","message":"is odd"}],"new":1}},"metadata":{"request_id":"req_9"}}`
	err := fmt.Errorf("append: %w", ask(gives(422, body, "Retry-After", "3")))
	if !errors.As(err, &e) || e.Status != 422 || e.Code != client.CodeValidationFailed || e.RequestID != "req_9" || e.RetryAfter != 3*time.Second || e.Foreign ||
		len(e.Details.Fields) != 1 || err.Error() != "append: VALIDATION_FAILED: the entry is not valid; /severity: is odd" || client.CodeOf(err) != client.CodeValidationFailed {
		t.Errorf("%+v", e)
	}
	for status, code := range map[int]client.Code{404: client.CodeInternal, 302: client.CodeInternal, 413: client.CodePayloadTooLarge, 429: client.CodeRateLimited, 502: client.CodeUnavailable} {
		err := ask(gives(status, "<html>", "Retry-After", "soon"))
		if !errors.As(err, &e) || !e.Foreign || e.Code != code || e.RetryAfter != 0 || !strings.Contains(e.Message, "and not as Sealbook does") {
			t.Errorf("%d: %+v", status, err)
		}
	}
	if err := ask(breaks); !errors.As(err, &e) || e.Status != 0 || !strings.HasSuffix(e.Message, "cannot be reached: read: connection reset by peer") || errors.Unwrap(e) == nil {
		t.Errorf("%+v", err)
	}
	if err := ask(gives(304, "")); err != client.ErrNotModified {
		t.Errorf("%v", err)
	}
	long := gives(201, `{"data":{"id":"`+strings.Repeat("x", 100)+`"}}`)
	if err := ask(long, client.WithMaxBytes(118)); err != nil {
		t.Error(err)
	}
	if err := ask(long, client.WithMaxBytes(117)); err == nil || errors.As(err, new(*client.Error)) || !strings.Contains(err.Error(), "more than 117 bytes") {
		t.Errorf("%v", err)
	}
	endless := func(r *http.Request) (*http.Response, error) {
		a, err := gives(201, "")(r)
		a.Body = io.NopCloser(&zeros{left: 1 << 20})
		return a, err
	}
	if err := ask(endless, client.WithMaxBytes(100)); err == nil || !strings.Contains(err.Error(), "more than 100 bytes") {
		t.Errorf("%v", err)
	}
	for _, base := range []string{"", "audit.example.com", "ftp://x", "https://", "https://me:secret@x", "https://x?a=b", "https://x#y", ":"} {
		if _, err := client.New(base, ""); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", base, err)
		}
	}
	if _, err := client.New("https://x", "a\nb"); err == nil {
		t.Error("a credential with two lines")
	}
}

// TestConnections: callers that come back find their connections.
func TestConnections(t *testing.T) {
	t.Parallel()
	const callers, rounds = 16, 10
	var opened atomic.Int32
	var together sync.WaitGroup
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		together.Done()
		together.Wait()
		io.WriteString(w, `{"data":{},"metadata":{}}`)
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	c, err := client.New(s.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	for range rounds {
		together.Add(callers)
		var all sync.WaitGroup
		for range callers {
			all.Go(func() {
				if _, err := c.ShowMe(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	// One is not always back before the next is needed.
	if n := opened.Load(); n > 2*callers {
		t.Errorf("%d connections for %d callers", n, callers)
	}
}

// TestHeaders: what every request carries, and to whom.
func TestHeaders(t *testing.T) {
	t.Parallel()
	var strayed int
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strayed++ }))
	defer elsewhere.Close()
	var got http.Header
	here := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		if r.URL.Path == "/api/v1/audit/me" {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
			return
		}
		io.WriteString(w, `{"data":{"status":"alive"},"metadata":{}}`)
	}))
	defer here.Close()
	c, err := client.New(here.URL, "sk_live_x", client.WithUserAgent("test/1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.ShowMe(t.Context(), client.RequestID("r1")); client.CodeOf(err) != client.CodeInternal || strayed != 0 {
		t.Errorf("%v; %d requests went elsewhere", err, strayed)
	}
	if got.Get("Authorization") != "Bearer sk_live_x" || got.Get("X-Request-Id") != "r1" || got.Get("User-Agent") != "test/1" || got.Get("Idempotency-Key") != "" {
		t.Errorf("%v", got)
	}
	a, err := c.Healthz(t.Context())
	if err != nil || a.Data.Status != "alive" || got.Get("Authorization") != "" {
		t.Errorf("%v %v: a probe carries the credential", err, got)
	}
	if _, err := c.CreateEntry(t.Context(), client.EntryRequest{}, client.IdempotencyKey("k1"), client.RawBody([]byte(`{"new":1}`))); err != nil || got.Get("Idempotency-Key") != "k1" || got.Get("Content-Length") != "9" {
		t.Errorf("%v %v", err, got)
	}
}
