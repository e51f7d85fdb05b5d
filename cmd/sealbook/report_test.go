package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealbook/sealbook/internal/port"
)

// post runs the outbox in this process for the length of the test.
func post(t testing.TB, dir, addr, events string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	said := &logLines{}
	var running sync.WaitGroup
	code := 0
	running.Go(func() {
		code = run(ctx, []string{"outbox", "--dir", dir, "--addr", addr, "--events", events}, strings.NewReader(""), said, &bytes.Buffer{}, nil)
	})
	t.Cleanup(func() {
		stop()
		running.Wait()
		if code != exitOK {
			t.Errorf("outbox ended with %d", code)
		}
	})
	for deadline := time.Now().Add(2 * time.Minute); !strings.Contains(said.String(), "/outbox"); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the outbox does not start")
		}
	}
}

// freeAddress is one on which nobody listens.
func freeAddress(t testing.TB) string {
	t.Helper()
	n, err := port.Free("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(n))
}

// TestReportIsSealedSentAndVerified goes the whole way: a year in, a report out,
// its mail delivered, its seal checked.
func TestReportIsSealedSentAndVerified(t *testing.T) {
	t.Parallel()
	i := install(t)
	invoke(t, nil, "", "certificate", "--development", "--dir", i.dir).want(t, exitOK).says(t, reportRootFile)
	addr, outbox, mails := freeAddress(t), freeAddress(t), filepath.Join(i.dir, "outbox")
	post(t, mails, outbox, "http://"+addr+"/webhooks/sendgrid")
	public, err := os.ReadFile(filepath.Join(mails, outboxPublicFile))
	if err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(i.dir, "mail-key")
	if err := os.WriteFile(secret, []byte("key\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	i.env = append(i.env, "TEMPORAL_ADDRESS="+startTemporal(t), "SEALBOOK_HTTP_ADDR="+addr, "SEALBOOK_SENDGRID_EVENT_KEY="+strings.TrimSpace(string(public)), "SEALBOOK_DEVELOPMENT=true",
		"SEALBOOK_REPORT_CERTIFICATE="+filepath.Join(i.dir, reportCertificateFile), "SEALBOOK_REPORT_KEY="+filepath.Join(i.dir, reportKeyFile),
		"SEALBOOK_MAIL_FROM=reports@example.com", "SEALBOOK_SENDGRID_KEY_FILE="+secret, "SEALBOOK_SENDGRID_URL=http://"+outbox)
	env := i.client(i.serve(t))
	invoke(t, env, "", "sample", "--entries", "300", "--year", "2023").want(t, exitOK)
	i.work(t)
	file := filepath.Join(t.TempDir(), "report.pdf")
	invoke(t, env, "", "report", "--type", "compliance_summary", "--framework", "soc2", "--from", "2023-01-01", "--to", "2023-12-31", "--send", "reader@example.com", "--out", file).
		want(t, exitOK).says(t, "was started", "coverage", "floor", "sealed with SHA256:", "1 recipient: delivered", file)
	invoke(t, nil, "", "verify", file, "--roots", filepath.Join(i.dir, reportRootFile)).want(t, exitOK).says(t, "VERIFIED", "Test")
	answer, err := http.Get("http://" + outbox + "/outbox")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	if err != nil || !bytes.Contains(page, []byte("reader@example.com")) || !bytes.Contains(page, []byte("report_")) {
		t.Errorf("%v\n%s", err, page)
	}
	for _, format := range []string{"json", "csv"} {
		file := filepath.Join(t.TempDir(), "report."+format)
		invoke(t, env, "", "report", "--type", "audit_trail", "--from", "2023-01-01", "--to", "2023-12-31", "--format", format, "--out", file).want(t, exitOK).says(t, "no score")
		if text, err := os.ReadFile(file); err != nil || !bytes.Contains(text, []byte("scan.completed")) {
			t.Errorf("%s: %v", format, err)
		}
	}
}

func TestReportOptions(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "r.pdf")
	for _, args := range [][]string{
		{}, {"--out", out}, {"--out", "/nowhere/at/all.pdf", "--id", "report_1"}, {"--out", out, "--id", "report_1", "--type", "audit_trail"},
		{"--out", out, "--type", "audit_trail", "--from", "2024-01-01"}, {"--out", out, "--type", "compliance_summary", "--from", "2024-01-01", "--to", "2024-01-31"},
		{"--out", out, "--type", "audit_trail", "--from", "2024-01-01", "--to", "2024-01-31", "--send", "nobody"},
		{"--out", out, "--type", "audit_trail", "--from", "2024-01-01", "--to", "2024-01-31", "--format", "csv", "--signatory", "a@example.com"}, {"surplus"},
		{"--out", out, "--type", "audit_trail", "--from", "2024-01-01", "--to", "2024-01-31", "--countersign", "b@example.com=review"},
		{"--out", out, "--type", "audit_trail", "--from", "2024-01-01", "--to", "2024-01-31", "--signatory", "a@example.com", "--countersign", "b@example.com"},
	} {
		invoke(t, nil, "", append([]string{"report"}, args...)...).want(t, exitUsage)
	}
	for _, args := range [][]string{{}, {"--dir", t.TempDir()}, {"--dir", t.TempDir(), "--addr", "0.0.0.0:8025"}, {"--dir", t.TempDir(), "--events", "nothing"}} {
		if len(args) != 2 { // two of them are all that it needs
			invoke(t, nil, "", append([]string{"outbox"}, args...)...).want(t, exitUsage)
		}
	}
}

func TestCertificateForDevelopment(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	invoke(t, nil, "", "certificate", "--dir", dir).want(t, exitUsage)
	invoke(t, nil, "", "certificate", "--development").want(t, exitUsage)
	invoke(t, nil, "", "certificate", "--development", "--dir", dir).want(t, exitOK)
	first, err := os.ReadFile(filepath.Join(dir, reportKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	invoke(t, nil, "", "certificate", "--development", "--dir", dir).want(t, exitFailed).says(t, "is never overwritten")
	invoke(t, nil, "", "certificate", "--development", "--dir", dir, "--if-missing").want(t, exitOK)
	if again, err := os.ReadFile(filepath.Join(dir, reportKeyFile)); err != nil || !bytes.Equal(first, again) {
		t.Errorf("the key was replaced: %v", err)
	}
	if info, err := os.Stat(filepath.Join(dir, reportKeyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := os.Remove(filepath.Join(dir, reportRootFile)); err != nil {
		t.Fatal(err)
	}
	invoke(t, nil, "", "certificate", "--development", "--dir", dir, "--if-missing").want(t, exitFailed).says(t, "some are not")
}

// TestReportSettings: a worker whose settings cannot be meant does not start.
func TestReportSettings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	invoke(t, nil, "", "certificate", "--development", "--dir", dir).want(t, exitOK)
	certificate, key := "SEALBOOK_REPORT_CERTIFICATE="+filepath.Join(dir, reportCertificateFile), "SEALBOOK_REPORT_KEY="+filepath.Join(dir, reportKeyFile)
	secret := filepath.Join(dir, reportKeyFile)
	for says, env := range map[string][]string{
		"belong together":            {certificate},
		"was made for development":   {certificate, key},
		"holds certificate and key":  {certificate, key, "SEALBOOK_REPORT_PKCS12=" + secret},
		"SEALBOOK_REPORT_PKCS12: ":   {"SEALBOOK_REPORT_PKCS12=" + secret},
		"there is no file":           {certificate, "SEALBOOK_REPORT_KEY=" + filepath.Join(dir, "nothing")},
		"is not true or false":       {"SEALBOOK_DEVELOPMENT=perhaps"},
		"mails need a sender":        {"SEALBOOK_SENDGRID_KEY_FILE=" + secret},
		"nothing to send with":       {"SEALBOOK_MAIL_FROM=a@example.com"},
		"two ways to send":           {"SEALBOOK_MAIL_FROM=a@example.com", "SEALBOOK_SENDGRID_KEY_FILE=" + secret, "SEALBOOK_SMTP_ADDR=mail.example.com:587"},
		"SMTP_PASSWORD_FILE belong":  {"SEALBOOK_MAIL_FROM=a@example.com", "SEALBOOK_SMTP_ADDR=mail.example.com:587", "SEALBOOK_SMTP_USERNAME=a"},
		"is not an address like":     {"SEALBOOK_SMTP_ADDR=mail.example.com"},
		"is not one of starttls":     {"SEALBOOK_SMTP_TLS=always"},
		"SEALBOOK_SENDGRID_EVENT_KE": {"SEALBOOK_SENDGRID_EVENT_KEY=AAAA"},
	} {
		i := []string{"SEALBOOK_DATABASE_URL=postgres://127.0.0.1:1/x", "SEALBOOK_SIGNER_KEY=" + secret, "SEALBOOK_ARTIFACTS=file://" + dir, "SEALBOOK_PEPPER_FILE=" + pepperIn(t)}
		invoke(t, append(i, env...), "", "worker").want(t, exitUsage).says(t, says)
	}
}

// pepperIn makes the secret that API keys are hashed with.
func pepperIn(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	invoke(t, []string{"SEALBOOK_ORIGIN=ledger.test"}, "", "keygen", "--dir", dir).want(t, exitOK)
	return filepath.Join(dir, pepperFile)
}
