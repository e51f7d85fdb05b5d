package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// names reports whether a header such as Accept or Accept-Encoding names want
// among what the client takes; a wildcard names nothing.
func names(values []string, want string) bool {
	for _, value := range values {
		for _, part := range strings.Split(value, ",") {
			name, parameters, _ := strings.Cut(part, ";")
			if !strings.EqualFold(strings.TrimSpace(name), want) {
				continue
			}
			weight, weighted := strings.CutPrefix(strings.ReplaceAll(parameters, " ", ""), "q=")
			q, err := strconv.ParseFloat(weight, 64)
			return !weighted || err == nil && q > 0
		}
	}
	return false
}

func accepts(r *http.Request, mediaType string) bool {
	return names(r.Header.Values("Accept"), mediaType)
}

// packers are used again: one takes 800 KB.
var packers = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // an error would be about the level
	return w
}}

// packed compresses a body for a client that takes that, if it is worth it.
// What has a strong tag is sent as it is: the tag is of exactly these bytes.
func packed(r *http.Request, h http.Header, mediaType string, body []byte) []byte {
	if len(body) < MinPacked || mediaType == octets || !names(r.Header.Values("Accept-Encoding"), "gzip") {
		return body
	}
	if tag := h.Get("Etag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		return body
	}
	var b bytes.Buffer
	w := packers.Get().(*gzip.Writer)
	defer packers.Put(w)
	w.Reset(&b)
	if _, err := w.Write(body); err != nil {
		return body
	}
	if err := w.Close(); err != nil {
		return body
	}
	h.Set("Content-Encoding", "gzip")
	return b.Bytes()
}

// weakTag is the tag of an answer whose data are these, whatever the envelope
// around them says about this request (RFC 9110, section 8.8.1).
func weakTag(data []byte) string { return fmt.Sprintf(`W/"sha256:%x"`, sha256.Sum256(data)) }

// holds reports whether the client has what the tag stands for, in the weak
// comparison that If-None-Match demands (RFC 9110, section 13.1.2).
func holds(r *http.Request, tag string) bool {
	tag = strings.TrimPrefix(tag, "W/")
	for _, held := range strings.Split(strings.Join(r.Header.Values("If-None-Match"), ","), ",") {
		if held = strings.TrimPrefix(strings.TrimSpace(held), "W/"); held == tag || held == "*" {
			return true
		}
	}
	return false
}

// preferences are those of the Prefer header that have a meaning here (RFC
// 7240): not to wait for a job, and how long to wait for it.
type preferences struct {
	async bool
	wait  time.Duration // 0: not at all; at most MaxWait
	asked bool          // whether the caller said how long
}

func preferencesOf(r *http.Request) (p preferences) {
	for _, value := range r.Header.Values("Prefer") {
		for _, preference := range strings.Split(value, ",") {
			token, _, _ := strings.Cut(preference, ";")
			name, text, _ := strings.Cut(token, "=")
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "respond-async":
				p.async = true
			case "wait":
				if n, err := strconv.ParseUint(strings.Trim(strings.TrimSpace(text), `"`), 10, 31); err == nil {
					p.wait, p.asked = min(time.Duration(n)*time.Second, MaxWait), true
				}
			}
		}
	}
	return p
}

// applied says which preferences an answer follows.
func (p preferences) applied(h http.Header) {
	var list []string
	if p.async {
		list = append(list, "respond-async")
	}
	if p.wait > 0 {
		list = append(list, "wait="+strconv.FormatInt(int64(p.wait/time.Second), 10))
	}
	if list != nil {
		h.Set("Preference-Applied", strings.Join(list, ", "))
	}
}

// await asks again and again whether a job has ended, for as long as the
// caller prefers to wait. That it has not is no error.
func (p preferences) await(ctx context.Context, ended func(context.Context) (bool, error)) error {
	if p.wait == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, p.wait)
	defer cancel()
	every := time.NewTicker(waitPoll)
	defer every.Stop()
	for {
		if done, err := ended(ctx); done || err != nil {
			if ctx.Err() != nil {
				return nil // the time to wait is over
			}
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
		}
	}
}

// allowOrigin lets scripts of the origins that are configured read an answer.
// They send their key themselves: no cookie or other credential is allowed.
func (s *server) allowOrigin(h http.Header, r *http.Request) (allowed bool) {
	origin := r.Header.Get("Origin")
	if allowed = origin != "" && slices.Contains(s.CORSOrigins, origin); allowed {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", exposed)
	}
	return allowed
}

// What scripts of other origins may read and send.
const (
	exposed = "Content-Disposition, ETag, Idempotent-Replayed, Location, Preference-Applied, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"
	sent    = "Accept, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Prefer, X-Request-Id"
)

// preflight answers the question before a script's request; ok is whether it
// was one.
func (s *server) preflight(r *http.Request, allow string) (rep reply, ok bool) {
	h := http.Header{}
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" || !s.allowOrigin(h, r) {
		return reply{}, false
	}
	h.Set("Access-Control-Allow-Methods", allow)
	h.Set("Access-Control-Allow-Headers", sent)
	h.Set("Access-Control-Max-Age", "600")
	return reply{status: http.StatusNoContent, header: h}, true
}
