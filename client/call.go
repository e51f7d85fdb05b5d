package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"time"
)

// request is one call of an operation.
type request struct {
	method, path string // with the mount
	open         bool   // it needs no credential
	repeatable   bool   // sending it again is safe
	keyed        bool   // it takes an Idempotency-Key
	bare         bool   // its answer has no envelope
	query        parameters
	header       parameters
	body         any // as JSON
	form         *form
}

// arrived is an answer that is a success, and read to its end.
type arrived struct {
	status int
	header http.Header
	body   []byte
}

// call asks for JSON.
func call[D, M any](ctx context.Context, c *Client, r request, options []CallOption) (*Answer[D, M], error) {
	page, err := callPage[D, struct{}, M](ctx, c, r, options)
	if err != nil {
		return nil, err
	}
	return &page.Answer, nil
}

// callPage asks for a page of a list.
func callPage[D, P, M any](ctx context.Context, c *Client, r request, options []CallOption) (*Page[D, P, M], error) {
	var a *arrived
	if err := c.send(ctx, r, options, func(answer *http.Response) (err error) {
		a, err = c.read(answer)
		return err
	}); err != nil {
		return nil, err
	}
	page := new(Page[D, P, M])
	if err := decode(c, a, !r.bare, page); err != nil {
		return nil, err
	}
	return page, nil
}

// callNothing asks for an answer without a body.
func callNothing(ctx context.Context, c *Client, r request, options []CallOption) error {
	return c.send(ctx, r, options, func(answer *http.Response) error { return answer.Body.Close() })
}

// callDownload asks for a body that is read while it arrives.
func callDownload(ctx context.Context, c *Client, r request, options []CallOption) (*Download, error) {
	var d *Download
	if err := c.send(ctx, r, options, func(answer *http.Response) error {
		d = &Download{ReadCloser: answer.Body, Header: answer.Header, Size: answer.ContentLength}
		return nil
	}); err != nil {
		return nil, err
	}
	return d, nil
}

// send makes attempts until one succeeds. use takes the answer of that one and
// owns its body, whose Close ends the attempt.
func (c *Client) send(ctx context.Context, r request, options []CallOption, use func(*http.Response) error) error {
	s := c.defaults
	for _, o := range options {
		o(&s)
	}
	if r.keyed && s.key == "" {
		s.key = rand.Text()
	}
	body := s.body
	if body == nil && r.body != nil {
		var err error
		if body, err = json.Marshal(r.body); err != nil {
			return fmt.Errorf("encode the request: %w", err)
		}
	}
	over := time.NewTimer(s.patience)
	defer over.Stop()
	pause := firstPause
	for number := 1; ; number++ {
		err := c.attempt(ctx, r, s, body, use)
		var e *Error
		if err == nil || !errors.As(err, &e) || !e.passing() || !r.repeatable || !r.form.rewind() {
			return err
		}
		wait := max(jitter(pause), min(e.RetryAfter, longestRetryAfter))
		pause = min(2*pause, longestPause)
		select {
		case <-over.C:
			return err
		default:
		}
		if s.patience <= 0 {
			return err
		}
		if s.repeating != nil {
			s.repeating(Attempt{Number: number, Err: err, Pause: wait})
		}
		again := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			again.Stop()
			return ctx.Err()
		case <-again.C:
		}
	}
}

// The pauses between attempts.
const (
	firstPause        = 200 * time.Millisecond
	longestPause      = 10 * time.Second
	longestRetryAfter = time.Minute // that is obeyed
)

// jitter keeps those whose requests failed together from coming back together:
// it is between half of d and d.
func jitter(d time.Duration) time.Duration { return d - mathrand.N(d/2) }

var errTimeout = errors.New("the time for an attempt is over")

// attempt sends the request once.
func (c *Client) attempt(ctx context.Context, r request, s settings, body []byte, use func(*http.Response) error) error {
	whole := ctx
	ctx, end := context.WithCancelCause(ctx)
	if s.timeout > 0 {
		timer := time.AfterFunc(s.timeout, func() { end(errTimeout) })
		defer timer.Stop() // so a download, which is not read here, has all the time that it needs
	}
	answer, err := c.exchange(ctx, r, s, body) //nolint:bodyclose // who uses it closes it
	if err == nil {
		answer.Body = &ending{answer.Body, func() { end(nil) }}
		if err = use(answer); err == nil {
			return nil
		}
	}
	end(nil)
	var e *Error
	var f *finalError
	switch {
	case whole.Err() != nil:
		return whole.Err()
	case errors.As(err, &f):
		return f.error
	case errors.As(err, &e), errors.Is(err, ErrNotModified):
		return err
	case errors.Is(context.Cause(ctx), errTimeout):
		err = errTimeout
	}
	return c.unanswered(err)
}

// ending is a body whose Close ends its attempt.
type ending struct {
	io.ReadCloser
	end func()
}

func (e *ending) Close() error {
	defer e.end()
	return e.ReadCloser.Close()
}

// finalError is what no repetition can mend.
type finalError struct{ error }

// exchange returns an answer that is a success.
func (c *Client) exchange(ctx context.Context, r request, s settings, body []byte) (*http.Response, error) {
	var content io.Reader
	contentType := "application/json"
	switch {
	case r.form != nil:
		reader, mediaType := r.form.open()
		defer reader.Close() // stops what writes it
		content, contentType = reader, mediaType
	case body != nil:
		content = bytes.NewReader(body)
	}
	address := c.base + r.path
	if len(r.query) > 0 {
		address += "?" + url.Values(r.query).Encode()
	}
	q, err := http.NewRequestWithContext(ctx, r.method, address, content)
	if err != nil {
		return nil, &finalError{fmt.Errorf("make the request: %w", err)}
	}
	for name, values := range r.header {
		q.Header[http.CanonicalHeaderKey(name)] = values
	}
	q.Header.Set("User-Agent", c.agent)
	if content != nil {
		q.Header.Set("Content-Type", contentType)
	}
	if !r.open && c.credential != "" {
		q.Header.Set("Authorization", "Bearer "+c.credential)
	}
	if r.keyed {
		q.Header.Set("Idempotency-Key", s.key)
	}
	if s.requestID != "" {
		q.Header.Set("X-Request-Id", s.requestID)
	}
	answer, err := c.http.Do(q)
	if err != nil {
		if unread := r.form.unread(); unread != nil {
			err = &finalError{fmt.Errorf("read what is uploaded: %w", unread)}
		}
		return nil, err
	}
	switch {
	case answer.StatusCode >= 200 && answer.StatusCode < 300:
		return answer, nil
	case answer.StatusCode == http.StatusNotModified:
		answer.Body.Close()
		return nil, ErrNotModified
	}
	refusal, err := c.read(answer)
	if err != nil {
		refusal = &arrived{} // its status says enough
	}
	return nil, c.refused(answer, refusal.body)
}

// read takes the whole body, within bounds.
func (c *Client) read(answer *http.Response) (*arrived, error) {
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, c.maxBytes+1))
	if err != nil {
		return nil, err
	}
	if int64(len(body)) > c.maxBytes {
		return nil, &finalError{fmt.Errorf("the answer of %s has more than %d bytes", c.base, c.maxBytes)}
	}
	return &arrived{answer.StatusCode, answer.Header, body}, nil
}
