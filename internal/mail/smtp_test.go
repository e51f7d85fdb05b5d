package mail

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"
	"time"
)

// script is a mail server that answers each step as it is told: with a line,
// or by doing something to the connection.
type script struct {
	answers  map[string]string // by step: greeting, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, half, dot
	offers   []string          // lines of the answer to EHLO
	implicit bool
	hung     func() // called when a step hangs

	addr  string
	tls   *tls.Config
	roots *x509.CertPool

	mu    sync.Mutex
	said  []string // commands that came
	mails []string
}

const (
	hang  = "(hang)"
	leave = "(leave)" // close the connection
)

// serveSMTP starts it, with a certificate for 127.0.0.1.
func serveSMTP(t *testing.T, s *script) *script {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err == nil {
		c, err = x509.ParseCertificate(der)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.roots = x509.NewCertPool()
	s.roots.AddCert(c)
	s.tls = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	var open sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	open.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() {
				defer conn.Close()
				defer context.AfterFunc(ctx, func() { conn.Close() })()
				s.session(ctx, conn)
			})
		}
	})
	t.Cleanup(func() { stop(); l.Close(); open.Wait() })
	return s
}

// answer reports whether the session goes on.
func (s *script) answer(ctx context.Context, w io.Writer, step, usual string) bool {
	text, ok := s.answers[step]
	if !ok {
		text = usual
	}
	switch text {
	case leave:
		return false
	case hang:
		s.hung()
		<-ctx.Done()
		return false
	case "":
		return true
	}
	fmt.Fprintf(w, "%s\r\n", text)
	return true
}

func (s *script) session(ctx context.Context, conn net.Conn) {
	if s.implicit {
		conn = tls.Server(conn, s.tls)
	}
	r := bufio.NewReader(conn)
	if !s.answer(ctx, conn, "greeting", "220 ready") {
		return
	}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSuffix(line, "\r\n")
		s.mu.Lock()
		s.said = append(s.said, line)
		s.mu.Unlock()
		verb, _, _ := strings.Cut(line, " ")
		switch usual := "250 fine"; verb {
		case "EHLO":
			usual = ""
			for _, o := range append([]string{"mail.example.com"}, s.offers...) {
				usual += "250-" + o + "\r\n"
			}
			usual += "250 PIPELINING"
			if !s.answer(ctx, conn, verb, usual) {
				return
			}
		case "STARTTLS":
			if !s.answer(ctx, conn, verb, "220 go") {
				return
			}
			conn = tls.Server(conn, s.tls)
			r = bufio.NewReader(conn)
		case "AUTH":
			if !s.auth(ctx, conn, r, line) {
				return
			}
		case "DATA":
			if !s.answer(ctx, conn, verb, "354 go on") || !s.data(ctx, conn, r) {
				return
			}
		case "QUIT":
			fmt.Fprint(conn, "221 bye\r\n")
			return
		default:
			if !s.answer(ctx, conn, verb, usual) {
				return
			}
		}
	}
}

func (s *script) auth(ctx context.Context, conn net.Conn, r *bufio.Reader, line string) bool {
	if line == "AUTH LOGIN" {
		for _, prompt := range []string{"Username:", "Password:"} {
			fmt.Fprintf(conn, "334 %s\r\n", base64.StdEncoding.EncodeToString([]byte(prompt)))
			text, err := r.ReadString('\n')
			if err != nil {
				return false
			}
			word, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
			s.mu.Lock()
			s.said = append(s.said, string(word))
			s.mu.Unlock()
		}
	}
	return s.answer(ctx, conn, "AUTH", "235 welcome")
}

func (s *script) data(ctx context.Context, conn net.Conn, r *bufio.Reader) bool {
	var text strings.Builder
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		text.WriteString(strings.TrimPrefix(line, "."))
		if step, ok := s.answers["half"]; ok {
			if step != hang && step != leave {
				fmt.Fprintf(conn, "%s\r\n", step)
				return false
			}
			return s.answer(ctx, conn, "half", "")
		}
	}
	s.mu.Lock()
	s.mails = append(s.mails, text.String())
	s.mu.Unlock()
	return s.answer(ctx, conn, "dot", "250 queued")
}

func (s *script) sender() *SMTP {
	mode := StartTLS
	if s.implicit {
		mode = ImplicitTLS
	}
	return &SMTP{Addr: s.addr, Username: "ledger", Password: "secret-17", From: "ledger@example.com", FromName: "Lédger", TLS: mode, Roots: s.roots}
}

var usualOffers = []string{"STARTTLS", "AUTH PLAIN LOGIN"}

func TestSMTP(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		server *script
		change func(*SMTP)
		said   []string
	}{
		"STARTTLS": {server: &script{offers: usualOffers}, said: []string{
			"EHLO [127.0.0.1]", "STARTTLS", "EHLO [127.0.0.1]",
			"AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00ledger\x00secret-17")),
			"MAIL FROM:<ledger@example.com>", "RCPT TO:<reader-17@example.com>", "DATA",
		}},
		"the mode that is not said": {server: &script{offers: usualOffers}, change: func(s *SMTP) { s.TLS = "" }, said: []string{"STARTTLS"}},
		"TLS from the start":        {server: &script{offers: usualOffers[1:], implicit: true}, said: []string{"EHLO [127.0.0.1]", "AUTH PLAIN "}},
		"LOGIN":                     {server: &script{offers: []string{"STARTTLS", "AUTH login"}}, said: []string{"AUTH LOGIN", "ledger", "secret-17"}},
		"on this machine": {server: &script{}, change: func(s *SMTP) { s.TLS, s.Username, s.Password = NoTLS, "", "" },
			said: []string{"EHLO [127.0.0.1]", "MAIL FROM:<ledger@example.com>"}},
		"room enough": {server: &script{offers: append([]string{"SIZE 5000"}, usualOffers...)}},
		"no limit":    {server: &script{offers: append([]string{"SIZE 0"}, usualOffers...)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serveSMTP(t, c.server)
			s := server.sender()
			s.Clock = func() time.Time { return time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC) }
			if c.change != nil {
				c.change(s)
			}
			m := message("d_1-A", "reader-17@example.com")
			m.Text = ".\n..two\nlines\rand .\n" + strings.Repeat("long ", 100)
			sent, err := s.Send(t.Context(), m)
			if err != nil || sent.MessageID != "d_1-A@example.com" {
				t.Fatalf("%+v, %v", sent, err)
			}
			server.mu.Lock()
			defer server.mu.Unlock()
			heard := strings.Join(server.said, "\n")
			for _, want := range c.said {
				before, rest, ok := strings.Cut(heard, want)
				if !ok {
					t.Fatalf("after %q comes no %q but %q", before, want, heard)
				}
				heard = rest
			}
			if len(server.mails) != 1 {
				t.Fatalf("%d messages", len(server.mails))
			}
			want, err := eml(&netmail.Address{Name: s.FromName, Address: s.From}, m, sent.MessageID, s.Clock())
			if err != nil {
				t.Fatal(err)
			}
			got := server.mails[0]
			read, err := netmail.ReadMessage(strings.NewReader(got))
			if err != nil {
				t.Fatal(err)
			}
			if h := read.Header; h.Get("X-Delivery-ID") != "d_1-A" || h.Get("Message-ID") != "<d_1-A@example.com>" || h.Get("Date") != "Wed, 02 Jan 2030 03:04:05 +0000" {
				t.Errorf("%v", h)
			}
			// The boundaries are drawn.
			if a, b := unbounded(got), unbounded(string(want)); a != b {
				t.Errorf("%q\nis not\n%q", a, b)
			}
		})
	}
}

// unbounded is a message without the boundary of its parts.
func unbounded(text string) string {
	_, rest, _ := strings.Cut(text, "boundary=")
	boundary, _, _ := strings.Cut(rest, "\r\n")
	return strings.ReplaceAll(text, boundary, "")
}

func TestSMTPOutcomes(t *testing.T) {
	t.Parallel()
	const busy, never = "451 4.3.0 reader-17@EXAMPLE.com is busy", "550 5.1.1 no Reader-17@example.com here"
	large := func(m *Message) { m.Attachment.Content = make([]byte, MaxAttachment) }
	for name, c := range map[string]struct {
		answers map[string]string
		offers  []string // nil: usualOffers
		change  func(*SMTP)
		message func(*Message)
		want    Outcome
		status  int
		says    string
	}{
		"busy at once":             {answers: map[string]string{"greeting": "421 4.3.2 busy"}, want: Limited, status: 421},
		"closed to us":             {answers: map[string]string{"greeting": "554 5.7.1 no"}, want: Refused, status: 554},
		"no SMTP":                  {answers: map[string]string{"greeting": "HTTP/1.1 400 Bad Request"}, want: NotSent},
		"no end of greetings":      {answers: map[string]string{"greeting": strings.Repeat("220-x\r\n", 200_000) + "220 x"}, want: NotSent, says: "too much"},
		"hangs at once":            {answers: map[string]string{"greeting": hang}, want: NotSent, says: "canceled"},
		"leaves at once":           {answers: map[string]string{"greeting": leave}, want: NotSent},
		"no STARTTLS":              {offers: usualOffers[1:], want: NotSent, says: "does not offer STARTTLS"},
		"STARTTLS does not work":   {answers: map[string]string{"STARTTLS": "454 4.7.0 later"}, want: Limited, status: 454},
		"another certificate":      {change: func(s *SMTP) { s.Roots = x509.NewCertPool() }, want: NotSent, says: "unknown authority"},
		"nobody may log in":        {offers: usualOffers[:1], want: NotSent, says: "neither AUTH PLAIN nor LOGIN"},
		"wrong password":           {answers: map[string]string{"AUTH": "535 5.7.8 wrong"}, want: Refused, status: 535},
		"no password now":          {answers: map[string]string{"AUTH": "454 4.7.0 later"}, want: Limited, status: 454},
		"more than a password":     {offers: []string{"STARTTLS", "AUTH LOGIN"}, answers: map[string]string{"AUTH": "334 TW9yZTo="}, want: NotSent, says: "more than username"},
		"sender busy":              {answers: map[string]string{"MAIL": busy}, want: Limited, status: 451, says: "(recipient) is busy"},
		"recipient busy":           {answers: map[string]string{"RCPT": busy}, want: Limited, status: 451, says: "(recipient) is busy"},
		"no such recipient":        {answers: map[string]string{"RCPT": never}, want: Refused, status: 550, says: "no (recipient) here"},
		"no message":               {answers: map[string]string{"DATA": "554 5.5.1 no"}, want: Refused, status: 554},
		"no message now":           {answers: map[string]string{"DATA": busy}, want: Limited, status: 451},
		"hangs at the recipient":   {answers: map[string]string{"RCPT": hang}, want: NotSent, says: "canceled"},
		"hangs before the text":    {answers: map[string]string{"DATA": hang}, want: NotSent, says: "canceled"},
		"leaves before the text":   {answers: map[string]string{"DATA": leave}, want: NotSent},
		"hangs in the text":        {answers: map[string]string{"half": hang}, message: large, want: NotSent, says: "canceled"},
		"leaves in the text":       {answers: map[string]string{"half": leave}, message: large, want: NotSent},
		"hangs after the dot":      {answers: map[string]string{"dot": hang}, want: Unknown, says: "canceled"},
		"leaves after the dot":     {answers: map[string]string{"dot": leave}, want: Unknown},
		"nonsense after the dot":   {answers: map[string]string{"dot": "what?"}, want: Unknown},
		"354 after the dot":        {answers: map[string]string{"dot": "354 go on"}, want: Unknown, status: 354},
		"busy after the dot":       {answers: map[string]string{"dot": busy}, want: Limited, status: 451, says: "(recipient) is busy"},
		"refused after the dot":    {answers: map[string]string{"dot": never}, want: Refused, status: 550, says: "no (recipient) here"},
		"too large for it":         {offers: append([]string{"SIZE 500"}, usualOffers...), want: Refused, says: "takes 500 bytes"},
		"letters it does not know": {message: func(m *Message) { m.To = "léser@example.com" }, want: Refused, says: "only ASCII"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if c.offers == nil {
				c.offers = usualOffers
			}
			server := serveSMTP(t, &script{answers: c.answers, offers: c.offers, hung: cancel})
			s, m := server.sender(), message("d1", "reader-17@example.com")
			if c.change != nil {
				c.change(s)
			}
			if c.message != nil {
				c.message(&m)
			}
			sent, err := s.Send(ctx, m)
			f := failure(t, err)
			if sent.MessageID != "" || f.Outcome != c.want || f.Status != c.status || f.RetryAfter != 0 || !strings.Contains(f.Error(), c.says) {
				t.Errorf("%+v, not %s, %d and %q", f, c.want, c.status, c.says)
			}
			if text := strings.ToLower(f.Error()); strings.Contains(text, "reader-17") || strings.Contains(text, "secret") {
				t.Errorf("the error tells too much: %v", f)
			}
			if canceled := c.says == "canceled"; canceled != errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
		})
	}
}

// A server that has heard enough may say so and hang up.
func TestSMTPInterrupted(t *testing.T) {
	t.Parallel()
	server := serveSMTP(t, &script{offers: usualOffers, answers: map[string]string{"half": "552 5.3.4 too large"}})
	m := message("d1", "reader-17@example.com")
	m.Attachment.Content = make([]byte, MaxAttachment)
	_, err := server.sender().Send(t.Context(), m)
	if f := failure(t, err); f.Outcome != Refused || f.Status != 552 {
		t.Errorf("%+v", f)
	}
}

func TestSMTPSettings(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	l.Close()
	good := SMTP{Addr: nobody, From: "ledger@example.com"}
	_, err = good.Send(t.Context(), message("d1", "reader-17@example.com"))
	if f := failure(t, err); f.Outcome != NotSent {
		t.Errorf("nobody listens: %v", f)
	}
	for _, host := range []string{"localhost", "127.0.0.1", "[::1]"} {
		s := good
		s.Addr, s.TLS = host+":25", NoTLS
		if err := s.check(); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	for name, change := range map[string]func(*SMTP){
		"no address":        func(s *SMTP) { s.Addr = "" },
		"no port":           func(s *SMTP) { s.Addr = "127.0.0.1" },
		"no number":         func(s *SMTP) { s.Addr = "127.0.0.1:smtp" },
		"no host":           func(s *SMTP) { s.Addr = ":25" },
		"no TLS elsewhere":  func(s *SMTP) { s.Addr, s.TLS = "mail.example.com:25", NoTLS },
		"another mode":      func(s *SMTP) { s.TLS = "ssl" },
		"no sender":         func(s *SMTP) { s.From = "" },
		"other letters":     func(s *SMTP) { s.From = "lédger@example.com" },
		"a line break":      func(s *SMTP) { s.FromName = "x\r\nBcc: y@example.com" },
		"a long name":       func(s *SMTP) { s.FromName = strings.Repeat("x", MaxName+1) },
		"a name alone":      func(s *SMTP) { s.Username = "x" },
		"a password alone":  func(s *SMTP) { s.Password = "x" },
		"two lines":         func(s *SMTP) { s.Username, s.Password = "x\ny", "x" },
		"two lines, secret": func(s *SMTP) { s.Username, s.Password = "x", "x\ny" },
	} {
		s := good
		change(&s)
		_, err := s.Send(t.Context(), message("d1", "reader-17@example.com"))
		if f := failure(t, err); f.Outcome != Refused {
			t.Errorf("%s: %v", name, f)
		}
	}
	_, err = good.Send(t.Context(), message("no good id", "reader-17@example.com"))
	if f := failure(t, err); f.Outcome != Refused {
		t.Errorf("a bad message: %v", f)
	}
}

// The lines of a message have at most 998 bytes (RFC 5322 section 2.1.1),
// whatever it says.
func TestLongestLines(t *testing.T) {
	t.Parallel()
	m := message("d1", "reader-17@example.com")
	m.Subject = strings.Repeat("ü", MaxSubject/2)
	m.Text = strings.Repeat("ü", MaxText/2)
	m.Attachment.Name = strings.Repeat("ü", MaxName/2)
	data, err := eml(&netmail.Address{Name: strings.Repeat("ü", MaxName/2), Address: "ledger@example.com"}, m, "d1@example.com", time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.SplitSeq(data, []byte("\r\n")) {
		if len(line) > 998 || bytes.ContainsAny(line, "\r\n") {
			t.Errorf("a line of %d bytes: %.100q", len(line), line)
		}
	}
}
