package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// clientSettings are those of every command that calls the API.
var clientSettings = []string{"SEALBOOK_URL", "SEALBOOK_KEY"}

// apiClient calls Sealbook's HTTP API. Its errors are *audit.Error with the
// server's code and message; Unavailable when there is no answer.
type apiClient struct {
	base string // with the mount
	key  string
	http *http.Client
}

const (
	apiMount    = "/api/v1/audit"
	callTimeout = time.Minute
	maxAnswer   = 64 << 20 // bytes of one JSON answer
)

func newClient(c *call) (*apiClient, error) {
	if err := c.config.require("SEALBOOK_KEY"); err != nil {
		return nil, err
	}
	key := strings.TrimSpace(c.config.Key)
	if _, _, ok := store.ParseKey(key); !ok {
		return nil, usagef("SEALBOOK_KEY is not an API key: it is incomplete or has a typing error")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = callTimeout
	return &apiClient{
		base: c.config.URL + apiMount, key: key,
		// No redirect is followed: a key is for the server that it was given to.
		http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}, nil
}

// request is one call. POSTs carry a key of their own, so that sending the
// same one again is safe.
type request struct {
	method, path string
	body         any
	idempotency  string
	timeout      time.Duration // 0 is callTimeout
	status       *int          // if set, gets the status of an answer that is no error
}

// newKey makes an Idempotency-Key.
func newKey() string { return rand.Text() }

// call sends a request and decodes the answer's data into out, which may be nil.
func (a *apiClient) call(ctx context.Context, r request, out any) error {
	timeout := r.timeout
	if timeout == 0 {
		timeout = callTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	answer, err := a.send(ctx, r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return a.unreachable(ctx, err)
	}
	if out == nil {
		return nil
	}
	envelope := struct {
		Data any `json:"data"`
	}{out}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return fmt.Errorf("%s answered something else than Sealbook does: %w", a.base, err)
	}
	return nil
}

// send returns the response of a request that succeeded.
func (a *apiClient) send(ctx context.Context, r request) (*http.Response, error) {
	var body io.Reader
	if r.body != nil {
		encoded, err := json.Marshal(r.body)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		body = bytes.NewReader(encoded)
	}
	q, err := http.NewRequestWithContext(ctx, r.method, a.base+r.path, body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	q.Header.Set("Authorization", "Bearer "+a.key)
	q.Header.Set("User-Agent", "sealbook/"+release())
	if r.body != nil {
		q.Header.Set("Content-Type", "application/json")
	}
	if r.idempotency != "" {
		q.Header.Set("Idempotency-Key", r.idempotency)
	}
	answer, err := a.http.Do(q)
	if err != nil {
		return nil, a.unreachable(ctx, err)
	}
	if answer.StatusCode >= 200 && answer.StatusCode < 300 {
		if r.status != nil {
			*r.status = answer.StatusCode
		}
		return answer, nil
	}
	defer answer.Body.Close()
	return nil, a.refused(answer)
}

// unreachable says why there was no answer.
func (a *apiClient) unreachable(ctx context.Context, err error) error {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return &audit.Error{Code: audit.Unavailable, Message: a.server() + " did not answer in time", Err: err}
	case errors.Is(err, syscall.ECONNREFUSED):
		return &audit.Error{Code: audit.Unavailable, Message: "nothing listens at " + a.server() + "; is Sealbook running, and SEALBOOK_URL right?", Err: err}
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return &audit.Error{Code: audit.Unavailable, Message: fmt.Sprintf("%s cannot be reached: %s", a.server(), err), Err: err}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

func (a *apiClient) server() string { return strings.TrimSuffix(a.base, apiMount) }

// refused turns the documented error envelope back into the error it was.
func (a *apiClient) refused(answer *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	var envelope struct {
		Error struct {
			Code    audit.Code
			Message string
			Details map[string]json.RawMessage
		}
		Metadata struct {
			RequestID string `json:"request_id"`
		}
	}
	if err != nil || json.Unmarshal(body, &envelope) != nil || envelope.Error.Code == "" {
		// A proxy between us, or no Sealbook at all.
		code := audit.Internal
		switch answer.StatusCode {
		case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			code = audit.Unavailable
		case http.StatusTooManyRequests:
			code = audit.RateLimited
		case http.StatusRequestEntityTooLarge:
			code = audit.PayloadTooLarge
		}
		return &audit.Error{Code: code, Message: fmt.Sprintf("%s answered %s and not as Sealbook does", a.server(), answer.Status), RetryAfter: retryAfter(answer)}
	}
	e := &audit.Error{Code: envelope.Error.Code, Message: envelope.Error.Message, RetryAfter: retryAfter(answer)}
	if raw, ok := envelope.Error.Details["fields"]; ok {
		json.Unmarshal(raw, &e.Fields) //nolint:errcheck // the message stands without them
	}
	for _, name := range []string{"required_permission", "contact"} {
		var text string
		if json.Unmarshal(envelope.Error.Details[name], &text) == nil && text != "" {
			e.Message += "; " + strings.ReplaceAll(name, "_", " ") + ": " + text
		}
	}
	if envelope.Metadata.RequestID != "" {
		e.Details = map[string]any{"request_id": envelope.Metadata.RequestID}
	}
	return e
}

func retryAfter(answer *http.Response) time.Duration {
	seconds, err := strconv.Atoi(answer.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// patience is how long a request is repeated while Sealbook is away.
const patience = 5 * time.Minute

// repeat makes a call until it succeeds, fails for good, or Sealbook was away
// for as long as limit. do must be safe to repeat. away is told once when the
// waiting starts.
func repeat(ctx context.Context, limit time.Duration, away func(error), do func(context.Context) error) error {
	began := time.Now()
	pause := 200 * time.Millisecond
	for attempt := 1; ; attempt++ {
		err := do(ctx)
		var e *audit.Error
		if err == nil || ctx.Err() != nil || !errors.As(err, &e) || audit.Permanent(e) || e.Code == audit.Internal || time.Since(began) > limit {
			return err
		}
		if attempt == 2 {
			away(err)
		}
		if err := sleep(ctx, max(pause, min(e.RetryAfter, time.Minute))); err != nil {
			return err
		}
		pause = min(2*pause, 10*time.Second)
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
