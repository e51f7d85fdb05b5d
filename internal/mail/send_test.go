package mail

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

func sender(url string) *Sender {
	return &Sender{Key: "key-for-tests", From: "ledger@example.com", FromName: "Ledger", BaseURL: url}
}

func message(id, to string) Message {
	return Message{DeliveryID: id, To: to, Subject: "Report für Q3", Text: "The report is attached.\n",
		Attachment: &Attachment{Name: "report – Q3.pdf", Type: "application/pdf", Content: []byte(strings.Repeat("%PDF", 100))}}
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// raw is a server that does with each connection what it is told.
func raw(t *testing.T, do func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go do(c)
		}
	}()
	return "http://" + l.Addr().String()
}

func failure(t *testing.T, err error) *Failure {
	t.Helper()
	var f *Failure
	if !errors.As(err, &f) {
		t.Fatalf("the error is %v, want a failure", err)
	}
	if strings.Contains(err.Error(), "reader-17") {
		t.Errorf("the error names the recipient: %v", err)
	}
	return f
}

func TestStatusOutcomes(t *testing.T) {
	date := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	unix := func(d time.Duration) string { return strconv.FormatInt(date.Add(d).Unix(), 10) }
	for _, c := range []struct {
		status         int
		header, value  string
		want           Outcome
		wantRetryAfter time.Duration
	}{
		{status: 429, want: Limited},
		{429, "X-RateLimit-Reset", unix(7 * time.Second), Limited, 7 * time.Second},
		{429, "X-RateLimit-Reset", unix(-time.Second), Limited, 0},
		{429, "X-RateLimit-Reset", "30", Limited, 30 * time.Second},
		{429, "X-RateLimit-Reset", "999999999", Limited, MaxRetryAfter},
		{429, "X-RateLimit-Reset", unix(48 * time.Hour), Limited, MaxRetryAfter},
		{429, "Retry-After", "12", Limited, 12 * time.Second},
		{429, "Retry-After", date.Add(time.Minute).Format(http.TimeFormat), Limited, time.Minute},
		{429, "Retry-After", "-3", Limited, 0},
		{status: 307, header: "Location", value: "/elsewhere", want: Refused},
		{status: 400, want: Refused}, {status: 401, want: Refused}, {status: 403, want: Refused},
		{status: 404, want: Refused}, {status: 413, want: Refused},
		{status: 200, want: Unknown}, {status: 500, want: Unknown}, {status: 503, want: Unknown},
	} {
		asked := 0
		url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			asked++
			w.Header().Set("Date", date.Format(http.TimeFormat))
			if c.header != "" {
				w.Header().Set(c.header, c.value)
			}
			w.WriteHeader(c.status)
			io.WriteString(w, `{"errors":[{"message":"reader-17@example.com is odd"}]}`)
		})
		sent, err := sender(url).Send(t.Context(), message("d1", "reader-17@example.com"))
		f := failure(t, err)
		if sent.MessageID != "" || f.Outcome != c.want || f.RetryAfter != c.wantRetryAfter || f.Status != c.status || asked != 1 ||
			!strings.Contains(f.Error(), "(recipient) is odd") {
			t.Errorf("%+v: asked %d times, %+v", c, asked, f)
		}
	}
}

func TestConnectionOutcomes(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + l.Addr().String()
	l.Close()
	silent := raw(t, func(c net.Conn) { io.Copy(io.Discard, c); c.Close() })
	lost := raw(t, func(c net.Conn) {
		r := make([]byte, 64<<10)
		for got := ""; !strings.HasSuffix(got, "}"); { // the end of the body, in this test's messages
			n, err := c.Read(r)
			if err != nil {
				break
			}
			got += string(r[:n])
		}
		c.Close()
	})
	deaf := raw(t, func(c net.Conn) { <-t.Context().Done(); c.Close() }) // reads nothing
	large := message("d1", "reader-17@example.com")
	large.Attachment.Content = make([]byte, MaxAttachment)
	for name, c := range map[string]struct {
		url  string
		m    Message
		want Outcome
	}{
		"nobody listens":          {nobody, message("d1", "reader-17@example.com"), NotSent},
		"no TLS handshake":        {strings.Replace(silent, "http:", "https:", 1), message("d1", "reader-17@example.com"), NotSent},
		"half of the request":     {deaf, large, NotSent},
		"no answer":               {silent, message("d1", "reader-17@example.com"), Unknown},
		"connection lost":         {lost, message("d1", "reader-17@example.com"), Unknown},
		"a key without TLS":       {"http://mail.example.com", message("d1", "reader-17@example.com"), Refused},
		"no URL":                  {"", message("d1", "reader-17@example.com"), Refused},
		"an address as an id":     {silent, message("reader-17@example.com", "reader-17@example.com"), Refused},
		"a line break in address": {silent, message("d1", "reader-17@example.com\r\nBcc: x@example.com"), Refused},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		_, err := sender(c.url).Send(ctx, c.m)
		cancel()
		if f := failure(t, err); f.Outcome != c.want || f.Status != 0 {
			t.Errorf("%s: %v, want %s", name, f, c.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sender(silent).Send(ctx, message("d1", "reader-17@example.com")); failure(t, err).Outcome != NotSent || !errors.Is(err, context.Canceled) {
		t.Errorf("canceled before: %v", err)
	}
}

func TestAcceptedThoughTheAnswerBreaksOff(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Message-Id", "m1")
		w.Header().Set("Content-Length", "10")
		w.WriteHeader(http.StatusAccepted)
	})
	if sent, err := sender(url).Send(t.Context(), message("d1", "reader-17@example.com")); err != nil || sent.MessageID != "m1" {
		t.Errorf("%+v, %v", sent, err)
	}
}

func TestRequest(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		for _, want := range []string{`"custom_args":{"delivery_id":"d1"}`, `"click_tracking":{"enable":false,"enable_text":false}`, `"open_tracking":{"enable":false}`,
			base64.StdEncoding.EncodeToString([]byte("%PDF%PDF%PDF")), `"disposition":"attachment"`} {
			if !strings.Contains(string(b), want) {
				t.Errorf("%s is not in %s", want, b)
			}
		}
		if r.Method != http.MethodPost || r.URL.Path != "/v3/mail/send" || r.Header.Get("Authorization") != "Bearer key-for-tests" {
			t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
		}
		w.WriteHeader(http.StatusAccepted)
	})
	if _, err := sender(url).Send(t.Context(), message("d1", "reader-17@example.com")); err != nil {
		t.Error(err)
	}
}
