package main

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/client"
	"github.com/sealbook/sealbook/internal/store"
)

// clientSettings are those of every command that calls the API.
var clientSettings = []string{"SEALBOOK_URL", "SEALBOOK_KEY"}

// newClient makes a client of the API that sends each request once, unless
// patiently says otherwise.
func newClient(c *call) (*client.Client, error) {
	if err := c.config.require("SEALBOOK_KEY"); err != nil {
		return nil, err
	}
	key := strings.TrimSpace(c.config.Key)
	if _, _, ok := store.ParseKey(key); !ok {
		return nil, usagef("SEALBOOK_KEY is not an API key: it is incomplete or has a typing error")
	}
	api, err := client.New(c.config.URL, key, client.WithUserAgent("sealbook/"+release()), client.WithDefaults(client.Patience(0)))
	if err != nil {
		return nil, usagef("SEALBOOK_URL: %s", err)
	}
	return api, nil
}

// patience is how long a request is repeated while Sealbook is away.
const patience = 5 * time.Minute

// patiently repeats a call while Sealbook is away, for as long as limit. away is
// told once, when the second attempt failed, too.
func patiently(limit time.Duration, away func(error)) client.CallOption {
	repeat, tell := client.Patience(limit), client.OnRepeat(func(a client.Attempt) {
		if a.Number == 2 {
			away(apiError(a.Err))
		}
	})
	return client.Options(repeat, tell)
}

// apiError turns the client's error back into the one that the server had, for
// sentence and audit.CodeOf. Other errors stay as they are.
func apiError(err error) error {
	var e *client.Error
	if !errors.As(err, &e) {
		return err
	}
	message := e.Message
	if e.Status == 0 && errors.Is(e.Err, syscall.ECONNREFUSED) {
		message = "nothing listens at " + e.Server + "; is Sealbook running, and SEALBOOK_URL right?"
	}
	if p := e.Details.RequiredPermission; p != "" {
		message += "; required permission: " + p
	}
	if c := e.Details.Contact; c != "" {
		message += "; contact: " + c
	}
	out := &audit.Error{Code: audit.Code(e.Code), Message: message, RetryAfter: e.RetryAfter, Err: e.Err}
	for _, f := range e.Details.Fields {
		out.Fields = append(out.Fields, audit.FieldError(f))
	}
	if e.RequestID != "" && !e.Foreign {
		out.Details = map[string]any{"request_id": e.RequestID}
	}
	return out
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
