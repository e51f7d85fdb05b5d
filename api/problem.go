package api

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// statuses is the one place where a code becomes an HTTP status.
var statuses = map[audit.Code]int{
	audit.InvalidParameter:     http.StatusBadRequest,
	audit.MalformedJSON:        http.StatusBadRequest,
	audit.PaginationTooDeep:    http.StatusBadRequest,
	audit.InvalidCursor:        http.StatusBadRequest,
	audit.Unauthenticated:      http.StatusUnauthorized,
	audit.Forbidden:            http.StatusForbidden,
	audit.NotFound:             http.StatusNotFound,
	audit.MethodNotAllowed:     http.StatusMethodNotAllowed,
	audit.InvalidState:         http.StatusConflict,
	audit.ExternalIDConflict:   http.StatusConflict,
	audit.InProgress:           http.StatusConflict,
	audit.ExportGone:           http.StatusGone,
	audit.ReportGone:           http.StatusGone,
	audit.Archived:             http.StatusGone,
	audit.Destroyed:            http.StatusGone,
	audit.LegalHoldActive:      http.StatusConflict,
	audit.PreconditionFailed:   http.StatusPreconditionFailed,
	audit.PreconditionRequired: http.StatusPreconditionRequired,
	audit.PayloadTooLarge:      http.StatusRequestEntityTooLarge,
	audit.UnsupportedMediaType: http.StatusUnsupportedMediaType,
	audit.ValidationFailed:     http.StatusUnprocessableEntity,
	audit.IdempotencyKeyReused: http.StatusUnprocessableEntity,
	audit.RateLimited:          http.StatusTooManyRequests,
	audit.Tampered:             http.StatusInternalServerError,
	audit.Internal:             http.StatusInternalServerError,
	audit.Unavailable:          http.StatusServiceUnavailable,
}

// classify says what a client may know of an error. What nobody classified is
// internal, and its text stays here; a dependency that cannot be reached is
// worth another try.
func classify(err error) (int, *audit.Error) {
	var e *audit.Error
	switch {
	case errors.As(err, &e) && e.Code != audit.Internal:
	case unreachable(err):
		e = &audit.Error{Code: audit.Unavailable, Message: "a service that this request needs does not answer"}
	default:
		e = &audit.Error{Code: audit.Internal, Message: "something went wrong here; the request id names it in the log"}
	}
	status, known := statuses[e.Code]
	if !known {
		status = http.StatusInternalServerError
	}
	if e.RetryAfter == 0 && (status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests) {
		again := *e // the original may be shared
		again.RetryAfter = time.Second
		e = &again
	}
	return status, e
}

func unreachable(err error) bool {
	var network net.Error
	if errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	// SQLSTATE classes: connection exception, insufficient resources, the
	// operator's intervention, such as a shutdown, and system error.
	var database interface{ SQLState() string }
	if errors.As(err, &database) {
		state := database.SQLState()
		return len(state) == 5 && slices.Contains([]string{"08", "53", "57", "58"}, state[:2])
	}
	// A connection that was found closed before anything was sent is neither a
	// network's error nor the database's.
	var unsent interface{ SafeToRetry() bool }
	return errors.As(err, &unsent) && unsent.SafeToRetry()
}

type errorBody struct {
	Code    audit.Code     `json:"code"`
	Message string         `json:"message"`
	Details map[string]any `json:"details,omitempty"`
}

func newErrorBody(e *audit.Error) *errorBody {
	return &errorBody{Code: e.Code, Message: e.Message, Details: details(e)}
}

func details(e *audit.Error) map[string]any {
	d := map[string]any{}
	maps.Copy(d, e.Details)
	if e.Fields != nil {
		d["fields"] = e.Fields
	}
	return d
}

// problem is the error as RFC 9457 has it; details become extension members.
func (s *server) problem(status int, e *audit.Error, requestID string) map[string]any {
	p := details(e)
	p["type"] = s.PublicURL + "/problems/" + strings.ToLower(string(e.Code))
	p["title"] = http.StatusText(status)
	p["status"] = status
	p["detail"] = e.Message
	p["instance"] = requestID
	p["code"] = e.Code
	return p
}

// invalid is the error of a body whose fields are bad.
func invalid(message string, fields ...audit.FieldError) error {
	return &audit.Error{Code: audit.ValidationFailed, Message: message, Fields: fields}
}
