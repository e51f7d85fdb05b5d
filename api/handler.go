package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gorilla/mux"
	"github.com/oklog/ulid/v2"

	"github.com/sealbook/sealbook/audit"
)

// A handler returns its result instead of writing it, so that encoding, the
// mapping of errors and logging each happen in one place. The reply's header
// is sent with an error, too.
type handler func(*http.Request) (reply, error)

// reply is what a handler answers with. Nothing is stored on the way to the
// client unless the header's Cache-Control says that it may be.
type reply struct {
	status     int // 0 is 200
	header     http.Header
	data       any
	tagged     bool // data get a tag, and If-None-Match is minded
	pagination any
	metadata   map[string]any // beside timestamp and request_id

	raw       []byte                // sent as it is, instead of the envelope
	mediaType string                // of raw; "" is application/json
	stream    func(io.Writer) error // likewise; an error breaks the connection off
}

// limit is how long a request may take.
type limit int

const (
	quick     limit = iota // Config.RequestTimeout
	long                   // Config.VerifyTimeout
	unlimited              // as long as the client takes what is sent
)

// call is what is known about a request while it is served.
type call struct {
	id        string
	mount     string     // under which it came; "" outside
	path      string     // below the mount: the same for every mount
	peer      netip.Addr // from where it came; not valid if that cannot be told
	principal audit.Principal
	query     *query // of routes that need a permission
	seen      seen   // for the entry about a read

	fromArchive bool // the entry that is shown was read out of a segment file

	header http.Header
}

type callKey struct{}

func callOf(r *http.Request) *call { return r.Context().Value(callKey{}).(*call) }

func principal(r *http.Request) audit.Principal { return callOf(r).principal }

// serve makes an http.Handler of a route under a mount.
func (s *server) serve(mount string, rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := s.Clock()
		c := &call{id: requestID(r, started), mount: mount, path: strings.TrimPrefix(r.URL.Path, mount), peer: s.peer(r)}
		ctx, cancel := s.bound(context.WithValue(r.Context(), callKey{}, c), rt.limit)
		defer cancel()
		gone := r.Context()
		r = r.WithContext(ctx)
		if r.Body != nil {
			r.Body = http.MaxBytesReader(w, r.Body, rt.body)
		}
		rep, err := s.run(rt, r)
		sent := &counter{ResponseWriter: w}
		status := s.respond(sent, r, rep, err)
		if sent.err != nil && err == nil {
			err = sent.err
		}
		status, code := outcome(gone, status, err)
		s.logRequest(r, status, code, sent.n, s.Clock().Sub(started), err)
		if sent.broken { // the client must not take what it got for the whole
			panic(http.ErrAbortHandler)
		}
	})
}

func (s *server) bound(ctx context.Context, l limit) (context.Context, context.CancelFunc) {
	switch l {
	case long:
		return context.WithTimeout(ctx, s.VerifyTimeout)
	case unlimited:
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, s.RequestTimeout)
}

// run checks the caller's right before anything else, replays included.
func (s *server) run(rt route, r *http.Request) (rep reply, err error) {
	defer func() {
		if p := recover(); p != nil {
			rep, err = reply{}, fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if rt.permission == "" { // what needs none does not mind parameters, either
		return rt.handle(r)
	}
	defer func() {
		if audit.CodeOf(err) == audit.Unauthenticated && rep.header == nil { // RFC 9110, section 15.5.2
			rep.header = http.Header{"Www-Authenticate": {`Bearer realm="sealbook"`}}
		}
	}()
	c := callOf(r)
	if rt.permission == anyone {
		if err := s.limitAddress(c); err != nil {
			return reply{}, err
		}
		if c.query = parseQuery(r, rt.query); c.query.err != nil {
			return reply{}, c.query.err
		}
		return rt.handle(r)
	}
	c.principal, err = s.authenticate(r)
	if err == nil {
		err = s.limitRate(c)
	}
	if err != nil {
		return reply{}, err
	}
	rep, err = s.answer(rt, r)
	if audit.CodeOf(err) == audit.Archived {
		err = s.explainArchived(r, err)
	}
	if unrecorded := s.recordRead(r, rt, rep, err); unrecorded != nil {
		return reply{}, unrecorded
	}
	return rep, err
}

// answer is what an authenticated caller gets.
func (s *server) answer(rt route, r *http.Request) (reply, error) {
	c := callOf(r)
	if err := s.admit(c.principal, rt); err != nil {
		return reply{}, err
	}
	if c.query = parseQuery(r, rt.query); c.query.err != nil {
		return reply{}, c.query.err
	}
	rep, err := rt.handle(r)
	if err == nil && rep.tagged {
		err = rep.tag(r)
	}
	return rep, err
}

// statusClientGone is logged, as nginx does, when nobody waits for the answer.
const statusClientGone = 499

// outcome is what the log says of a request: the status and, of an error, the
// code that was answered. What was broken off because the client left has no
// code: nothing is wrong here. What else went wrong meanwhile keeps its own.
func outcome(client context.Context, status int, err error) (int, audit.Code) {
	if err == nil {
		return status, ""
	}
	_, e := classify(err)
	switch {
	case client.Err() == nil:
		return status, e.Code
	case unreachable(err):
		return statusClientGone, ""
	}
	return statusClientGone, e.Code
}

// logRequest writes the one line about a request. Neither query nor body is in
// it: both can hold personal data.
func (s *server) logRequest(r *http.Request, status int, code audit.Code, bytes int64, took time.Duration, err error) {
	c := callOf(r)
	attrs := []slog.Attr{
		slog.String("request_id", c.id), slog.String("method", r.Method), slog.String("path", loggedPath(r.URL.Path)),
		slog.Int("status", status), slog.Int64("bytes", bytes), slog.Float64("ms", float64(took.Microseconds())/1000),
		slog.String("remote", remoteIP(r)),
	}
	if p := c.principal; p.Organisation != "" {
		attrs = append(attrs, slog.String("organisation", string(p.Organisation)))
		if !p.Person() { // who a person is stands in the ledger, not here
			attrs = append(attrs, slog.String("key", p.KeyID))
		}
	}
	level := slog.LevelInfo
	if err != nil {
		if code != "" {
			attrs = append(attrs, slog.String("code", string(code)))
		}
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	if status >= 500 || code == audit.Internal || code == audit.Tampered {
		level = slog.LevelError
	}
	s.Logger.LogAttrs(context.WithoutCancel(r.Context()), level, "request", attrs...)
}

var subjectInPath = regexp.MustCompile(`/subjects/[^/]+`)

// loggedPath leaves out whom an erasure is asked for.
func loggedPath(path string) string { return subjectInPath.ReplaceAllString(path, "/subjects/{id}") }

var saneRequestID = regexp.MustCompile(fmt.Sprintf(`^[A-Za-z0-9._:-]{1,%d}$`, MaxRequestID))

// requestID takes the caller's id if it can stand in a log and a header.
func requestID(r *http.Request, now time.Time) string {
	if id := r.Header.Get("X-Request-Id"); saneRequestID.MatchString(id) {
		return id
	}
	return "req_" + newULID(now)
}

func newULID(now time.Time) string {
	return strings.ToLower(ulid.MustNew(ulid.Timestamp(now), ulid.DefaultEntropy()).String())
}

// variable returns a part of the path.
func variable(r *http.Request, name string) string { return mux.Vars(r)[name] }

func notFound(*http.Request) (reply, error) {
	return reply{}, audit.Errorf(audit.NotFound, "there is nothing at this path")
}

func (s *server) methodNotAllowed(allowed []string) handler {
	allow := http.Header{"Allow": {strings.Join(allowed, ", ")}}
	return func(r *http.Request) (reply, error) {
		if rep, ok := s.preflight(r, allow.Get("Allow")); ok {
			return rep, nil
		}
		return reply{header: allow}, audit.Errorf(audit.MethodNotAllowed, "%.20q is not possible here; %s is", r.Method, allow.Get("Allow"))
	}
}

// counter notes what was sent.
type counter struct {
	http.ResponseWriter
	n      int64
	err    error
	broken bool // less was sent than announced
}

// Unwrap lets http.ResponseController reach the connection.
func (c *counter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.n += int64(n)
	if err != nil && !errors.Is(err, http.ErrBodyNotAllowed) {
		c.err = err
	}
	return n, err
}
