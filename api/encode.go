package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/sealbook/sealbook/audit"
)

// envelope is what every answer but a file is wrapped in.
type envelope struct {
	Success    bool           `json:"success"`
	Data       any            `json:"data,omitempty"`
	Error      *errorBody     `json:"error,omitempty"`
	Pagination any            `json:"pagination,omitempty"`
	Metadata   map[string]any `json:"metadata"`
}

// respond is the one encoder: nothing else writes to a client. It returns the
// status that was sent.
func (s *server) respond(w *counter, r *http.Request, rep reply, err error) int {
	c := callOf(r)
	h := w.Header()
	for name, values := range rep.header {
		h[name] = values
	}
	h.Set("X-Request-Id", c.id)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if err != nil {
		return s.respondError(w, r, err)
	}
	status := rep.status
	if status == 0 {
		status = http.StatusOK
	}
	switch {
	case rep.stream != nil:
		w.WriteHeader(status)
		if w.err = rep.stream(w); w.err != nil {
			w.broken = true
		}
		return status
	case rep.raw != nil:
		write(w, status, "application/json", rep.raw)
		return status
	}
	metadata := map[string]any{"timestamp": audit.FormatTime(s.Clock()), "request_id": c.id}
	for k, v := range rep.metadata {
		metadata[k] = v
	}
	text, err := encode(envelope{Success: true, Data: rep.data, Pagination: rep.pagination, Metadata: metadata})
	if err != nil {
		return s.respondError(w, r, err)
	}
	write(w, status, "application/json", text)
	return status
}

// respondError sends document B's error envelope, or a problem document
// (RFC 9457) to a client that accepts one.
func (s *server) respondError(w *counter, r *http.Request, err error) int {
	c := callOf(r)
	status, e := classify(err)
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((e.RetryAfter+999_999_999)/1_000_000_000)))
	}
	var body any
	mediaType := "application/json"
	if acceptsProblem(r) {
		mediaType = "application/problem+json"
		body = s.problem(status, e, c.id)
	} else {
		body = envelope{Error: newErrorBody(e), Metadata: map[string]any{"timestamp": audit.FormatTime(s.Clock()), "request_id": c.id}}
	}
	text, encodeErr := encode(body)
	if encodeErr != nil { // details hold nothing that cannot be encoded
		text = []byte(`{"success":false}`)
	}
	write(w, status, mediaType, text)
	return status
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

func write(w *counter, status int, mediaType string, body []byte) {
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body) //nolint:errcheck // the counter keeps it
}

func acceptsProblem(r *http.Request) bool {
	for _, accepted := range r.Header.Values("Accept") {
		for _, part := range strings.Split(accepted, ",") {
			mediaType, parameters, _ := strings.Cut(part, ";")
			if strings.EqualFold(strings.TrimSpace(mediaType), "application/problem+json") && strings.ReplaceAll(parameters, " ", "") != "q=0" {
				return true
			}
		}
	}
	return false
}
