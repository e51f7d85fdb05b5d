//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sealbook/sealbook/internal/mail"
)

// mailServer is Mailpit, as it was released.
type mailServer struct {
	t     *testing.T
	url   string // of its API
	smtp  string // host:port
	roots *x509.CertPool
}

// startMailServer runs it until the end of the test; it wants STARTTLS, and one
// password.
func startMailServer(t *testing.T) *mailServer {
	t.Helper()
	program := os.Getenv("MAILPIT")
	if program == "" {
		t.Fatal("MAILPIT is not set: run the tests with make e2e, which builds Mailpit")
	}
	// What the standard library's test servers show is for 127.0.0.1.
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	m := &mailServer{t: t, url: "http://127.0.0.1:" + freePort(t), smtp: "127.0.0.1:" + freePort(t), roots: x509.NewCertPool()}
	m.roots.AddCert(s.Certificate())
	key, err := x509.MarshalPKCS8PrivateKey(s.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var said bytes.Buffer
	cmd := exec.Command(program,
		"--listen", strings.TrimPrefix(m.url, "http://"), "--smtp", m.smtp, "--database", filepath.Join(dir, "mail.db"),
		"--smtp-tls-cert", file("cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})),
		"--smtp-tls-key", file("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})),
		"--smtp-auth-file", file("passwords", []byte("ledger:secret-17\n")), "--smtp-require-starttls", "--smtp-strict-rfc-headers",
		"--smtp-disable-rdns", "--disable-version-check", "--enable-chaos")
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); cmd.Wait() }()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("mailpit said:\n%s", said.String())
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), commandTime)
	defer cancel()
	for {
		if resp, err := http.Get(m.url + "/readyz"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return m
			}
		}
		select {
		case <-ended:
			t.Fatal("mailpit ended")
		case <-ctx.Done():
			t.Fatal("mailpit is not ready")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (m *mailServer) ask(method, path string, body string) []byte {
	m.t.Helper()
	r, err := http.NewRequestWithContext(m.t.Context(), method, m.url+path, strings.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		m.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		m.t.Fatalf("%s %s: status %d, %v: %s", method, path, resp.StatusCode, err, text)
	}
	return text
}

func (m *mailServer) get(path string, into any) {
	m.t.Helper()
	if err := json.Unmarshal(m.ask(http.MethodGet, path, ""), into); err != nil {
		m.t.Fatal(err)
	}
}

// A mail server that others wrote takes what is sent, understands it, and
// refuses in ways that are understood here.
func TestMailServerTakesReports(t *testing.T) {
	server := startMailServer(t)
	s := &mail.SMTP{Addr: server.smtp, Username: "ledger", Password: "secret-17", From: "ledger@example.com", FromName: "Lédger", Roots: server.roots}
	report := bytes.Repeat([]byte("%PDF\r\n.\r\n\x00\xff"), 50_000)
	message := mail.Message{
		DeliveryID: "d_1-A", To: "reader@example.com", Subject: "Report für Q3 – " + strings.Repeat("länger ", 20),
		Text:       ".\n..\nThe report is attached: größer.\n",
		Attachment: &mail.Attachment{Name: "report – Q3.pdf", Type: "application/pdf", Content: report},
	}
	for range 2 { // as when nobody knows whether it was sent
		sent, err := s.Send(t.Context(), message)
		if err != nil || sent.MessageID != "d_1-A@example.com" {
			t.Fatalf("%+v, %v", sent, err)
		}
	}
	var list struct {
		Messages []struct{ ID, MessageID string }
	}
	server.get("/api/v1/messages", &list)
	if len(list.Messages) != 2 || list.Messages[0].MessageID != "d_1-A@example.com" || list.Messages[1].MessageID != "d_1-A@example.com" {
		t.Fatalf("a repetition cannot be recognised: %+v", list)
	}
	type address struct{ Name, Address string }
	var got struct {
		From          address
		To            []address
		Subject, Text string
		Attachments   []struct{ PartID, FileName, ContentType string }
	}
	id := list.Messages[0].ID
	server.get("/api/v1/message/"+id, &got)
	if got.From != (address{"Lédger", "ledger@example.com"}) || len(got.To) != 1 || got.To[0].Address != message.To ||
		got.Subject != message.Subject || strings.ReplaceAll(got.Text, "\r\n", "\n") != message.Text {
		t.Errorf("%+v", got)
	}
	if len(got.Attachments) != 1 || got.Attachments[0].FileName != message.Attachment.Name || got.Attachments[0].ContentType != "application/pdf" {
		t.Fatalf("%+v", got.Attachments)
	}
	if b := server.ask(http.MethodGet, "/api/v1/message/"+id+"/part/"+got.Attachments[0].PartID, ""); !bytes.Equal(b, report) {
		t.Errorf("the attachment has %d bytes of %d, or others", len(b), len(report))
	}
	var headers map[string][]string
	server.get("/api/v1/message/"+id+"/headers", &headers)
	if h := headers["X-Delivery-Id"]; len(h) != 1 || h[0] != "d_1-A" {
		t.Errorf("%v", headers)
	}

	outcome := func(s *mail.SMTP, want mail.Outcome, status int) {
		t.Helper()
		_, err := s.Send(t.Context(), message)
		var f *mail.Failure
		if !errors.As(err, &f) || f.Outcome != want || f.Status != status {
			t.Errorf("%v, not %s and %d", err, want, status)
		}
	}
	wrong, stranger := *s, *s
	wrong.Password = "secret-18"
	outcome(&wrong, mail.Refused, 535)
	stranger.Roots = x509.NewCertPool()
	outcome(&stranger, mail.NotSent, 0)
	server.ask(http.MethodPut, "/api/v1/chaos", `{"Recipient": {"ErrorCode": 451, "Probability": 100}}`)
	outcome(s, mail.Limited, 451)
	server.ask(http.MethodPut, "/api/v1/chaos", `{"Recipient": {"ErrorCode": 550, "Probability": 100}}`)
	outcome(s, mail.Refused, 550)
	server.get("/api/v1/messages", &list)
	if len(list.Messages) != 2 {
		t.Errorf("%d messages came", len(list.Messages))
	}
}
