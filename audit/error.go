package audit

import (
	"errors"
	"fmt"
	"time"
)

// Code classifies an [Error]. Codes are the API's error codes; the api package
// maps each to an HTTP status, the worker package to whether Temporal retries.
type Code string

// The codes, grouped by what the caller can do about them.
const (
	// The request is wrong and will stay wrong.
	InvalidParameter     Code = "INVALID_PARAMETER"
	MalformedJSON        Code = "MALFORMED_JSON"
	PaginationTooDeep    Code = "PAGINATION_TOO_DEEP"
	InvalidCursor        Code = "INVALID_CURSOR"
	PayloadTooLarge      Code = "PAYLOAD_TOO_LARGE"
	UnsupportedMediaType Code = "UNSUPPORTED_MEDIA_TYPE"
	ValidationFailed     Code = "VALIDATION_FAILED"
	IdempotencyKeyReused Code = "IDEMPOTENCY_KEY_REUSED"
	MethodNotAllowed     Code = "METHOD_NOT_ALLOWED"

	// The caller may not, or the thing is not there or not in that state.
	Unauthenticated    Code = "UNAUTHENTICATED"
	Forbidden          Code = "INSUFFICIENT_AUDIT_PRIVILEGES"
	NotFound           Code = "NOT_FOUND"
	InvalidState       Code = "INVALID_STATE"
	ExternalIDConflict Code = "EXTERNAL_ID_CONFLICT"
	InProgress         Code = "IDEMPOTENCY_IN_PROGRESS"
	ExportGone         Code = "EXPORT_EXPIRED"
	ReportGone         Code = "REPORT_DOWNLOAD_EXPIRED"
	Archived           Code = "AUDIT_DATA_ARCHIVED"  // a retrieval brings it back
	Destroyed          Code = "AUDIT_DATA_DESTROYED" // its retention ended
	LegalHoldActive    Code = "LEGAL_HOLD_ACTIVE"

	// The change needs the ETag of what it changes, or it was changed since.
	PreconditionRequired Code = "PRECONDITION_REQUIRED"
	PreconditionFailed   Code = "PRECONDITION_FAILED"

	// What is stored contradicts its own hashes. Never retried; alerts key on it.
	Tampered Code = "TAMPERED"

	// Try again.
	Unavailable Code = "UNAVAILABLE"
	RateLimited Code = "RATE_LIMITED"

	// Anything that no one classified; its text is logged and never sent.
	Internal Code = "INTERNAL"
)

// FieldError says what is wrong with one field of a request body.
type FieldError struct {
	Field   string `json:"field"` // JSON Pointer (RFC 6901), or a query parameter's name
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Error is the one error that crosses package boundaries with a meaning. Code
// and Message reach the client; Err is for the log. Wrapping context and Err
// do not survive a serialisation boundary, so what a client needs must be in
// Message, Details or Fields.
type Error struct {
	Code       Code
	Message    string
	Err        error
	Details    map[string]any // additional members of the error's details object
	Fields     []FieldError   // for ValidationFailed
	RetryAfter time.Duration  // for Unavailable and RateLimited; 0 is unknown
}

// Error implements error.
func (e *Error) Error() string {
	s := string(e.Code) + ": " + e.Message
	for _, f := range e.Fields {
		s += fmt.Sprintf("; %s: %s", f.Field, f.Message)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives errors.Is and errors.As the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error whose message is sent to clients. A %w operand
// becomes its Err and so must not be something a client may not see, unless
// its text is meant to be part of the message.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Err: errors.Unwrap(err)}
}

// With returns e with one more detail.
func (e *Error) With(key string, value any) *Error {
	if e.Details == nil {
		e.Details = map[string]any{}
	}
	e.Details[key] = value
	return e
}

// CodeOf returns the code of err, or Internal when nobody gave it one.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// Permanent reports whether trying the same thing again cannot help.
func Permanent(err error) bool {
	switch CodeOf(err) {
	case Internal, Unavailable, RateLimited, InProgress:
		return false
	}
	return true
}
