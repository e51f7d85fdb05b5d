package client

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// What a client does unless it is told otherwise.
const (
	DefaultTimeout  = time.Minute     // for one attempt, of a download until its first byte
	DefaultPatience = 5 * time.Minute // for repeating a request
	DefaultMaxBytes = 64 << 20        // of one JSON answer, unpacked

	MaxIdleConnections = 64 // that are kept for the next requests
)

// Client calls one Sealbook with one credential. It may be used by several
// goroutines at once.
type Client struct {
	base       string // without a slash at its end
	credential string
	agent      string
	maxBytes   int64
	http       *http.Client
	defaults   settings
}

// Option sets up a Client.
type Option func(*Client)

// WithHTTPClient sends requests through a copy of h instead of a client of the
// package's own. Redirects are followed only if h says how, because a credential
// is for the server that it was given to.
func WithHTTPClient(h *http.Client) Option {
	return func(c *Client) {
		own := *h
		if own.CheckRedirect == nil {
			own.CheckRedirect = stay
		}
		c.http = &own
	}
}

// transport is Go's own, except that it keeps as many idle connections as there
// are likely to be callers; with two, most requests of 16 callers open one.
func transport() http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport // the program has replaced it
	}
	own := t.Clone()
	own.MaxIdleConnsPerHost = MaxIdleConnections
	return own
}

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// WithUserAgent names the program in the User-Agent header.
func WithUserAgent(name string) Option { return func(c *Client) { c.agent = name } }

// WithMaxBytes bounds a JSON answer, in bytes; a longer one is an error.
func WithMaxBytes(n int64) Option { return func(c *Client) { c.maxBytes = n } }

// WithDefaults applies options to every call, before the call's own.
func WithDefaults(options ...CallOption) Option {
	return func(c *Client) { Options(options...)(&c.defaults) }
}

// New makes a client of the Sealbook at baseURL, which is that of the server,
// such as https://audit.example.com, without the API's mount. The credential is
// an API key or an identity provider's token; it may be empty for the operations
// that need none. Nothing is sent yet.
func New(baseURL, credential string, options ...Option) (*Client, error) {
	base := strings.TrimRight(baseURL, "/")
	u, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("the server's URL: %w", err)
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, fmt.Errorf("the server's URL %q is not of the form https://HOST", u.Redacted())
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the server's URL has a name, a query or a fragment in it")
	case strings.ContainsFunc(credential, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, errors.New("the credential has a space or an unprintable character in it")
	}
	c := &Client{
		base: base, credential: credential, agent: "sealbook-client", maxBytes: DefaultMaxBytes,
		http:     &http.Client{Transport: transport(), CheckRedirect: stay},
		defaults: settings{timeout: DefaultTimeout, patience: DefaultPatience},
	}
	for _, o := range options {
		o(c)
	}
	return c, nil
}

// settings are those of one call.
type settings struct {
	timeout, patience time.Duration
	repeating         func(Attempt)
	key, requestID    string
	body              []byte // instead of what the method was given
}

// CallOption changes one call.
type CallOption func(*settings)

// Options makes one option of several.
func Options(options ...CallOption) CallOption {
	return func(s *settings) {
		for _, o := range options {
			o(s)
		}
	}
}

// Timeout bounds each attempt; of a download, until its headers are there.
func Timeout(d time.Duration) CallOption { return func(s *settings) { s.timeout = d } }

// Patience is how long a call is repeated, from its start. With 0 it is sent
// once.
func Patience(d time.Duration) CallOption { return func(s *settings) { s.patience = d } }

// Attempt is one that failed and is followed by another.
type Attempt struct {
	Number int           // from 1
	Err    error         // why it failed
	Pause  time.Duration // until the next
}

// OnRepeat calls f before each pause.
func OnRepeat(f func(Attempt)) CallOption { return func(s *settings) { s.repeating = f } }

// IdempotencyKey sends this key instead of a new one, so that a program that was
// started again repeats a request of the one before it. 1 to 255 visible ASCII
// characters; the server remembers one for 24 hours.
func IdempotencyKey(key string) CallOption { return func(s *settings) { s.key = key } }

// RequestID names the request in the server's log and in the answer: 1 to 128 of
// letters, digits and ._:-
func RequestID(id string) CallOption { return func(s *settings) { s.requestID = id } }

// RawBody sends this JSON instead of the request that the method was given: for
// who passes on what others wrote, of which nothing may be lost.
func RawBody(text []byte) CallOption { return func(s *settings) { s.body = text } }
