package main

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"html/template"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sealbook/sealbook/api"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/mail"
)

// Names of the files that outbox makes beside the messages.
const (
	outboxKeyFile    = "events-key.pem"
	outboxPublicFile = "events.pub"
)

func outboxCommand() *command {
	return &command{
		name: "outbox", summary: "stand in for the mail provider, for development",
		usage: []string{"--dir DIR [--addr HOST:PORT] [--events URL]"},
		about: `Speaks SendGrid's HTTP API on this machine: it keeps each mail as a file in DIR
instead of sending it, shows them at /outbox, and posts signed events about them
as SendGrid does. DIR/events.pub is the key for SEALBOOK_SENDGRID_EVENT_KEY.
It asks nobody who they are, so it listens on loopback addresses alone.

What stands before the @ of a recipient tries an outcome out: bounce, drop,
ratelimit, reject, error, hang.`,
		examples: `sealbook outbox --dir outbox --events http://127.0.0.1:8080/webhooks/sendgrid`,
		exits:    "0  stopped in order\n1  it could not start or go on\n2  wrong usage or settings",
		setup: func(set *flag.FlagSet) action {
			dir := set.String("dir", "", "`DIR` for mails and keys; made if it is missing")
			addr := set.String("addr", "127.0.0.1:8025", "where to `LISTEN`")
			events := set.String("events", "", "`URL` to post events to (default: nowhere)")
			return func(ctx context.Context, c *call, args []string) error {
				host, _, err := net.SplitHostPort(*addr)
				ip := net.ParseIP(host)
				switch u, urlErr := url.Parse(*events); {
				case *dir == "" || len(args) > 0:
					return usagef("say where: sealbook outbox --dir DIR")
				case err != nil || ip == nil || !ip.IsLoopback():
					return usagef("--addr is a loopback address like 127.0.0.1:8025, not %q: whoever reaches the outbox reads every mail", *addr)
				case *events != "" && (urlErr != nil || u.Host == ""):
					return usagef("--events is a URL, not %q", *events)
				}
				return serveOutbox(ctx, c, *dir, *addr, *events)
			}
		},
	}
}

func serveOutbox(ctx context.Context, c *call, dir, addr, events string) error {
	key, err := outboxKey(dir)
	if err != nil {
		return err
	}
	outbox := &mail.Outbox{Dir: filepath.Join(dir, "mails"), EventsURL: events, Key: key, Clock: audit.SystemClock}
	defer outbox.Close()
	mux := http.NewServeMux()
	mux.Handle("/v3/mail/send", outbox)
	mux.HandleFunc("GET /outbox", func(w http.ResponseWriter, _ *http.Request) { showOutbox(w, outbox) })
	mux.HandleFunc("GET /outbox/{name}", func(w http.ResponseWriter, r *http.Request) { showMail(w, outbox, r.PathValue("name")) })
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("--addr: %w", err)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: api.ReadHeaderTimeout, ReadTimeout: api.ReadTimeout, IdleTimeout: api.IdleTimeout}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	fmt.Fprintf(c.stdout, "outbox  http://%s/outbox\n", listener.Addr())
	select {
	case err := <-failed:
		return fmt.Errorf("serve HTTP: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return server.Shutdown(drain)
}

// outboxKey is the key that signs events, made once.
func outboxKey(dir string) (*ecdsa.PrivateKey, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder: %w", err)
	}
	file := filepath.Join(dir, outboxKeyFile)
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		fresh, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, fmt.Errorf("make a key: %w", err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(fresh)
		if err != nil {
			return nil, fmt.Errorf("encode the key: %w", err)
		}
		text = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
		if err := writeNew(file, text, 0o600); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, fmt.Errorf("read the key of events: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s holds no key", file)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(*ecdsa.PrivateKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("%s holds no ECDSA key", file)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, fmt.Errorf("encode the key: %w", err)
	}
	return key, writeNew(filepath.Join(dir, outboxPublicFile), []byte(base64.StdEncoding.EncodeToString(public)+"\n"), 0o644)
}

var outboxPage = template.Must(template.New("outbox").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Outbox</title>
<style>body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #ddd}th{color:#555;font-weight:600}</style>
<h1>Outbox</h1><p>Mails that a provider would have sent. Nothing left this machine.</p>
<table><tr><th>Time<th>To<th>Subject<th>Attachment</tr>
{{range .}}<tr><td>{{.Time.UTC.Format "2006-01-02 15:04:05"}}<td>{{.To}}<td><a href="/outbox/{{.Name}}">{{.Subject}}</a><td>{{.Attachment}}{{if .Size}} ({{.Size}} bytes){{end}}</tr>
{{else}}<tr><td colspan="4">There is none.</tr>{{end}}</table></html>
`))

func showOutbox(w http.ResponseWriter, outbox *mail.Outbox) {
	list, err := outbox.List()
	if err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	outboxPage.Execute(w, list) //nolint:errcheck // the reader has gone
}

func refuse(w http.ResponseWriter, status int, why string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintln(w, why)
}

func showMail(w http.ResponseWriter, outbox *mail.Outbox, name string) {
	content, err := outbox.Open(name)
	if err != nil {
		refuse(w, http.StatusNotFound, "there is no such mail")
		return
	}
	defer content.Close()
	w.Header().Set("Content-Type", "message/rfc822")
	w.Header().Set("Content-Disposition", `attachment; filename="`+strings.ReplaceAll(cmp.Or(filepath.Base(name), "mail.eml"), `"`, "")+`"`)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	io.Copy(w, content) //nolint:errcheck // the reader has gone
}
