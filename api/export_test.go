package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"github.com/sealbook/sealbook/audit"
)

// Router and Parameters open two doors for the test that holds openapi.yaml
// against the code: the router that is served, and the query parameters of a
// route, by method and path.
func Router(h http.Handler) *mux.Router { return h.(*API).Handler.(*mux.Router) }

func Parameters() map[string][]string {
	s := &server{}
	out := map[string][]string{}
	for _, rt := range append(s.routes(), s.operations()...) {
		out[rt.method+" "+strings.ReplaceAll(rt.path, ":.+", "")] = rt.query
	}
	return out
}

// Route is a line of the table, as the test that walks all of them needs it.
type Route struct {
	Method, Path string
	Permission   audit.Permission // "" when every credential will do
	OwnCases     audit.Permission // with which it may be used for reports of the caller's own cases; may be ""
	Honours      bool             // takes constrained credentials
}

// Routes are those that need a credential.
func Routes() (out []Route) {
	for _, rt := range (&server{}).routes() {
		if rt.permission == anyone {
			continue
		}
		r := Route{Method: rt.method, Path: strings.ReplaceAll(rt.path, ":.+", ""), Permission: rt.permission}
		if r.Permission == signedIn {
			r.Permission = ""
		}
		r.OwnCases = ownCases[rt.method+" "+rt.path]
		_, r.Honours = honoured[rt.method+" "+rt.path]
		out = append(out, r)
	}
	return out
}

// Honoured lists the routes that are said to take constrained credentials.
func Honoured() map[string]string { return honoured }

// Readings lists how the routes that read are recorded: by the type of the entry
// about each read, "" for those that are counted.
func Readings() map[string]string {
	out := map[string]string{}
	for at, how := range readings {
		out[strings.ReplaceAll(at, ":.+", "")] = how.event
	}
	return out
}

// Unlisted serves a route at a path that stands in no table.
func Unlisted(a *API, path string) http.Handler {
	return a.server.serve("", route{method: http.MethodGet, path: path, permission: signedIn, limit: quick,
		handle: func(*http.Request) (reply, error) { return reply{data: "new"}, nil }})
}

// TakeRead notes a read as requests do.
func TakeRead(ctx context.Context, a *API, ledger int32, e audit.Event) error {
	return a.server.reads.take(ctx, ledger, e)
}

// RetentionOf and Status are pure and decide what no request can bring about.
var RetentionOf = audit.KeptFrom

func Status(err error) (int, string) {
	status, e := classify(err)
	return status, e.Message
}
