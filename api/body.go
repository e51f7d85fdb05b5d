package api

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// readBody reads a JSON body within its route's limit and returns its
// canonical form. Returns PayloadTooLarge, UnsupportedMediaType, or what
// [ledger.Canonical] says of it.
func readBody(r *http.Request) ([]byte, error) {
	if err := checkMediaType(r); err != nil {
		return nil, err
	}
	data, err := rawBody(r)
	if err != nil {
		return nil, err
	}
	return ledger.Canonical(data)
}

// rawBody reads a body of any kind, to the last byte, within its route's limit.
func rawBody(r *http.Request) ([]byte, error) {
	data, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, audit.Errorf(audit.PayloadTooLarge, "the body has more than %d bytes", tooLarge.Limit)
	case err != nil:
		return nil, &audit.Error{Code: audit.MalformedJSON, Message: "the body ended before it was complete", Err: err}
	}
	return data, nil
}

func checkMediaType(r *http.Request) error {
	mediaType, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/json" {
		return audit.Errorf(audit.UnsupportedMediaType, "the body is JSON; send Content-Type: application/json")
	}
	if charset := parameters["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return audit.Errorf(audit.UnsupportedMediaType, "JSON is UTF-8, not %.40q", charset)
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return audit.Errorf(audit.UnsupportedMediaType, "a body is sent as it is, not in the encoding %.40q", encoding)
	}
	return nil
}

// decode reads a body of a known shape. An unknown key and a value of a wrong
// type are ValidationFailed and name their place.
func decode[T any](r *http.Request) (v T, body []byte, err error) {
	if body, err = readBody(r); err != nil {
		return v, nil, err
	}
	return v, body, unmarshal(body, &v)
}

func unmarshal(body []byte, v any) error {
	err := json.Unmarshal(body, v, json.RejectUnknownMembers(true))
	var wrong *json.SemanticError
	if !errors.As(err, &wrong) {
		return err
	}
	field := audit.FieldError{Field: string(wrong.JSONPointer), Code: "type", Message: "it is a JSON " + wrong.JSONKind.String() + ", which has no meaning here"}
	if errors.Is(err, json.ErrUnknownName) {
		field.Code, field.Message = "unknown", "this key has no meaning here"
	}
	return invalid("the body is not what this request takes", field)
}

// noBody accepts the absence of a body, or an empty object, where a request
// has nothing to say.
func noBody(r *http.Request) ([]byte, error) {
	if r.ContentLength == 0 {
		return nil, nil
	}
	_, body, err := decode[struct{}](r)
	return body, err
}

// requestKey reads the Idempotency-Key, quoted or bare; nil when there is
// none. The route is the same under every mount.
func requestKey(r *http.Request, body []byte) (*ledger.RequestKey, error) {
	values := r.Header.Values("Idempotency-Key")
	if len(values) == 0 {
		return nil, nil
	}
	key := strings.TrimSpace(values[0])
	if len(key) >= 2 && key[0] == '"' && key[len(key)-1] == '"' { // a structured field's string (RFC 9651)
		key = strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(key[1 : len(key)-1])
	}
	if len(values) > 1 || len(key) < 1 || len(key) > MaxIdempotencyKey || strings.ContainsFunc(key, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return nil, audit.Errorf(audit.InvalidParameter, "an Idempotency-Key has 1 to %d visible ASCII characters", MaxIdempotencyKey).
			With("parameter", "Idempotency-Key")
	}
	// A narrower caller must not get the answer that a wider one got.
	if c := principal(r).Constraints; !c.Empty() {
		body = append([]byte(c.String()+"\n"), body...)
	}
	return &ledger.RequestKey{Route: r.Method + " " + callOf(r).path, Key: key, Body: body}, nil
}

// replayed marks the answer of a request that was answered before.
func replayed(h http.Header, is bool) http.Header {
	if h == nil {
		h = http.Header{}
	}
	if is {
		h.Set("Idempotent-Replayed", "true")
	}
	return h
}
