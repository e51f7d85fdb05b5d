package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Error is an answer that is no success, or that there was no answer.
type Error struct {
	Status     int    // HTTP's; 0 when there was no answer
	Code       Code   // UNAVAILABLE when there was no answer
	Message    string // for people
	Details    ErrorBodyDetails
	RequestID  string        // names the request in the server's log
	RetryAfter time.Duration // whole seconds; 0 when the server does not say
	Server     string        // that was asked, as New was given it
	Foreign    bool          // the answer was not Sealbook's: a proxy's, or something else listens there
	Err        error         // why there was no answer, else nil
}

// ErrNotModified is the answer to a request with If-None-Match when that is
// what the server holds.
var ErrNotModified = errors.New("it is not modified")

// Error implements error.
func (e *Error) Error() string {
	s := string(e.Code) + ": " + e.Message
	for _, f := range e.Details.Fields {
		s += fmt.Sprintf("; %s: %s", f.Field, f.Message)
	}
	return s
}

// Unwrap gives errors.Is and errors.As the cause.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns the code of err, or "" when it is not an Error.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// passing reports whether the same request may succeed later.
func (e *Error) passing() bool {
	return e.Code == CodeUnavailable || e.Code == CodeRateLimited
}

// unanswered says why there was no answer.
func (c *Client) unanswered(err error) *Error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // what it adds is the address
	}
	message := fmt.Sprintf("%s cannot be reached: %s", c.base, err)
	var n net.Error
	if errors.As(err, &n) && n.Timeout() || errors.Is(err, errTimeout) {
		message = c.base + " did not answer in time"
	}
	return &Error{Server: c.base, Code: CodeUnavailable, Message: message, Err: err}
}

// refused makes an Error of an answer that is none of success.
func (c *Client) refused(answer *http.Response, body []byte) *Error {
	e := &Error{Server: c.base, Status: answer.StatusCode, RequestID: answer.Header.Get("X-Request-Id"), RetryAfter: retryAfter(answer)}
	var envelope struct {
		Error struct {
			Code    Code
			Message string
			Details json.RawMessage
		}
		Metadata struct {
			RequestID string `json:"request_id"`
		}
	}
	if json.Unmarshal(body, &envelope) == nil && envelope.Error.Code != "" {
		e.Code, e.Message = envelope.Error.Code, envelope.Error.Message
		if envelope.Metadata.RequestID != "" {
			e.RequestID = envelope.Metadata.RequestID
		}
		json.Unmarshal(envelope.Error.Details, &e.Details) //nolint:errcheck // the message stands without them
		return e
	}
	e.Foreign = true
	e.Message = fmt.Sprintf("%s answered %s and not as Sealbook does", c.base, answer.Status)
	switch answer.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		e.Code = CodeUnavailable
	case http.StatusTooManyRequests:
		e.Code = CodeRateLimited
	case http.StatusRequestEntityTooLarge:
		e.Code = CodePayloadTooLarge
	default:
		e.Code = CodeInternal
	}
	return e
}

// retryAfter reads the number of seconds (RFC 9110, section 10.2.3); Sealbook
// sends no dates there.
func retryAfter(answer *http.Response) time.Duration {
	seconds, err := strconv.ParseInt(answer.Header.Get("Retry-After"), 10, 32)
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
