package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"

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
	h.Set("Cache-Control", keepNever)
	h.Set("Vary", s.vary)
	s.allowOrigin(h, r)
	for _, more := range []http.Header{c.header, rep.header} {
		for name, values := range more {
			h[name] = values
		}
	}
	h.Set("X-Request-Id", c.id)
	h.Set("X-Content-Type-Options", "nosniff")
	if err != nil {
		h.Set("Cache-Control", keepNever)
		return s.respondError(w, r, err)
	}
	status := rep.status
	if status == 0 {
		status = http.StatusOK
	}
	switch {
	case status == http.StatusNotModified, status == http.StatusNoContent:
		w.WriteHeader(status)
		return status
	case rep.stream != nil:
		w.WriteHeader(status)
		if w.err = rep.stream(w); w.err != nil {
			w.broken = true
		}
		return status
	case rep.raw != nil:
		write(w, r, status, cmp.Or(rep.mediaType, "application/json"), rep.raw)
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
	write(w, r, status, "application/json", text)
	return status
}

// tag gives the reply a tag, and no body when the client has it.
func (rep *reply) tag(r *http.Request) error {
	data, err := encode(rep.data)
	if err != nil {
		return err
	}
	tag := weakTag(data)
	if rep.header == nil {
		rep.header = http.Header{}
	}
	rep.header.Set("Etag", tag)
	if rep.data = json.RawMessage(data); holds(r, tag) {
		rep.status = http.StatusNotModified
	}
	return nil
}

// problemType is the media type of RFC 9457.
const problemType = "application/problem+json"

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
	if accepts(r, problemType) {
		mediaType = problemType
		body = s.problem(status, e, c.id)
	} else {
		body = envelope{Error: newErrorBody(e), Metadata: map[string]any{"timestamp": audit.FormatTime(s.Clock()), "request_id": c.id}}
	}
	text, encodeErr := encode(body)
	if encodeErr != nil { // details hold nothing that cannot be encoded
		text = []byte(`{"success":false}`)
	}
	write(w, r, status, mediaType, text)
	return status
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

func write(w *counter, r *http.Request, status int, mediaType string, body []byte) {
	body = packed(r, w.Header(), mediaType, body)
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body) //nolint:errcheck // the counter keeps it
}
