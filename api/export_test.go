package api

import (
	"net/http"

	"github.com/gorilla/mux"
)

// Router and Parameters open two doors for the test that holds openapi.yaml
// against the code: the router that is served, and the query parameters of a
// route, by method and path.
func Router(h http.Handler) *mux.Router { return h.(*mux.Router) }

func Parameters() map[string][]string {
	s := &server{}
	out := map[string][]string{}
	for _, rt := range append(s.routes(), s.operations()...) {
		out[rt.method+" "+rt.path] = rt.query
	}
	return out
}

// RetentionOf and Status are pure and decide what no request can bring about.
var RetentionOf = retentionOf

func Status(err error) (int, string) {
	status, e := classify(err)
	return status, e.Message
}
