package api

import (
	"embed"
	"net/http"
	"path"

	"github.com/sealbook/sealbook/audit"
)

// docsFiles is the page that shows openapi.yaml: three files, written by hand.
//
//go:embed docs/index.html docs/docs.css docs/docs.js
var docsFiles embed.FS

// docsPolicy lets the page use its own files and this API, and nothing else:
// no other server, no script or style that stands in the page.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

var docsTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
}

// docsPage answers GET /docs.
func (s *server) docsPage(*http.Request) (reply, error) { return docsFile("index.html") }

// docsPart answers GET /docs/{file}.
func (s *server) docsPart(r *http.Request) (reply, error) {
	switch name := variable(r, "file"); name {
	case "docs.css", "docs.js":
		return docsFile(name)
	}
	return notFound(r)
}

func docsFile(name string) (reply, error) {
	text, err := docsFiles.ReadFile("docs/" + name)
	if err != nil {
		return reply{}, &audit.Error{Code: audit.Internal, Message: "page of the documentation", Err: err}
	}
	return reply{raw: text, mediaType: docsTypes[path.Ext(name)], header: http.Header{
		"Content-Security-Policy": {docsPolicy}, "Referrer-Policy": {"no-referrer"}, "Cache-Control": {"no-cache"},
	}}, nil
}
