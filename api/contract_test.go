package api_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gorilla/mux"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/sealbook/sealbook/api"
)

// specification is openapi.yaml, made stricter for the tests: an object that
// lists its properties has no others. Published, it leaves room for more.
type specification struct {
	doc   *openapi3.T
	paths []pathPattern

	mu       sync.Mutex
	seen     map[string]bool // operations and statuses that were answered
	compiler *jsonschema.Compiler
	schemas  map[string]*jsonschema.Schema // compiled, by their place in the document
}

type pathPattern struct {
	template string
	match    *regexp.Regexp
}

var contract = loadContract()

func loadContract() *specification {
	source, err := os.ReadFile("openapi.yaml")
	if err != nil {
		panic(err)
	}
	var tree map[string]any
	if err := yaml.Unmarshal(source, &tree); err != nil {
		panic(err)
	}
	closeObjects(tree)
	text, err := json.Marshal(tree)
	if err != nil {
		panic(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		panic(err)
	}
	s := &specification{doc: doc, seen: map[string]bool{}, compiler: jsonschema.NewCompiler(), schemas: map[string]*jsonschema.Schema{}}
	s.compiler.AssertFormat()
	root, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		panic(err)
	}
	if err := s.compiler.AddResource(documentURL, root); err != nil {
		panic(err)
	}
	for _, template := range doc.Paths.InMatchingOrder() {
		pattern := regexp.MustCompile(`\\\{[^}]*\\\}`).ReplaceAllStringFunc(regexp.QuoteMeta(template), func(variable string) string {
			if severalSegments(doc, template, strings.Trim(variable, `\{}`)) {
				return `.+`
			}
			return `[^/]+`
		})
		s.paths = append(s.paths, pathPattern{template, regexp.MustCompile("^" + pattern + "$")})
	}
	return s
}

// documentURL names the document to the compiler of its schemas.
const documentURL = "https://audit.example.com/openapi.json"

// place is the JSON pointer, in a URL, to what is below another place.
func place(above string, steps ...string) string {
	for _, step := range steps {
		above += "/" + url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(step))
	}
	return above
}

// schema is the schema at a place of the document. Compiling it takes far longer
// than using it.
func (s *specification) schema(at string) (*jsonschema.Schema, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if schema := s.schemas[at]; schema != nil {
		return schema, nil
	}
	schema, err := s.compiler.Compile(documentURL + at)
	if err == nil {
		s.schemas[at] = schema
	}
	return schema, err
}

func (s *specification) validate(at string, value any) error {
	schema, err := s.schema(at)
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

// severalSegments reports whether a path's variable holds slashes, which OpenAPI
// has no word for.
func severalSegments(doc *openapi3.T, template, variable string) bool {
	for _, op := range doc.Paths.Value(template).Operations() {
		if p := op.Parameters.GetByInAndName("path", variable); p != nil && p.Extensions["x-several-segments"] == true {
			return true
		}
	}
	return false
}

func closeObjects(v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, isSchema := v["properties"].(map[string]any); isSchema && v["type"] == "object" && v["additionalProperties"] == nil {
			v["additionalProperties"] = false
		}
		for _, child := range v {
			closeObjects(child)
		}
	case []any:
		for _, child := range v {
			closeObjects(child)
		}
	}
}

// operation finds what the specification says of a request.
func (s *specification) operation(method, path string) (template string, op *openapi3.Operation) {
	for _, m := range slices.Backward(slices.Sorted(slices.Values(api.Mounts))) {
		if rest, ok := strings.CutPrefix(path, m+"/"); ok {
			path = "/" + rest
			break
		}
	}
	for _, p := range s.paths { // /entries/bulk is an {id}, too
		if op == nil && p.match.MatchString(path) {
			template, op = p.template, s.doc.Paths.Value(p.template).GetOperation(method)
		}
	}
	return template, op
}

// check holds an answer against the specification: its status, its media type,
// its required headers and its body; and, if the request was accepted, the
// request's body, too.
func (s *specification) check(t testing.TB, method, path string, sent []byte, a *answer) {
	t.Helper()
	what := fmt.Sprintf("%s %s → %d", method, path, a.status)
	template, op := s.operation(method, path)
	var response *openapi3.Response
	var at string // where the document has it
	switch {
	case op != nil:
		s.note(method, template, a.status)
		ref := op.Responses.Value(strconv.Itoa(a.status))
		if ref == nil {
			t.Errorf("%s: the status is not documented: %s", what, a.body)
			return
		}
		response, at = ref.Value, cmp.Or(ref.Ref, place("#/paths", template, strings.ToLower(method), "responses", strconv.Itoa(a.status)))
	case template == "" && a.status == 404:
		at = "#/components/responses/NotFound"
		response = s.doc.Components.Responses["NotFound"].Value
	case template != "" && a.status == 405:
		at = "#/components/responses/MethodNotAllowed"
		response = s.doc.Components.Responses["MethodNotAllowed"].Value
	default:
		t.Errorf("%s: there is no such operation: %s", what, a.body)
		return
	}
	if a.header.Get("X-Request-Id") == "" {
		t.Errorf("%s: no request id", what)
	}
	for name, header := range response.Headers {
		if header.Value.Required && a.header.Get(name) == "" {
			t.Errorf("%s: no header %s", what, name)
		}
	}
	if a.status == 304 || a.status == 204 {
		if len(a.body) > 0 || a.header.Get("Content-Type") != "" {
			t.Errorf("%s: there is content: %s", what, a.body)
		}
		return
	}
	mediaType, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	content := response.Content[mediaType]
	if content == nil {
		t.Errorf("%s: the media type %q is not documented", what, mediaType)
		return
	}
	if content.Schema != nil {
		if err := s.validate(place(at, "content", mediaType, "schema"), a.json); err != nil {
			t.Errorf("%s: the answer is not as documented: %v\n%s", what, err, a.body)
		}
	}
	if rejected, _ := a.at("data.rejected"); rejected != nil && rejected != 0. {
		return // a bulk request may hold what is not documented: it says of each that it is not
	}
	if op == nil || a.status >= 300 || sent == nil || op.RequestBody == nil {
		return
	}
	if content := op.RequestBody.Value.Content["application/json"]; content != nil && content.Schema != nil {
		var body any
		if err := json.Unmarshal(sent, &body); err != nil {
			t.Errorf("%s: accepted what is not JSON: %v", what, err)
			return
		}
		at := cmp.Or(op.RequestBody.Ref, place("#/paths", template, strings.ToLower(method), "requestBody"))
		if err := s.validate(place(at, "content", "application/json", "schema"), body); err != nil {
			t.Errorf("%s: accepted what is not documented: %v\n%.500s", what, err, sent)
		}
	}
}

func (s *specification) note(method, template string, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[fmt.Sprintf("%s %s %d", method, template, status)] = true
}

func TestSpecificationIsValid(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(source)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(doc.Servers) != len(api.Mounts) {
		t.Errorf("%d servers for %d mounts", len(doc.Servers), len(api.Mounts))
	}
	for i, m := range api.Mounts {
		if doc.Servers[i].URL != m {
			t.Errorf("server %d is %s, not %s", i, doc.Servers[i].URL, m)
		}
	}
}

// TestSpecificationMatchesRouter walks both ways: every route is documented
// under every mount, and everything that is documented is a route, with the
// same query parameters.
func TestSpecificationMatchesRouter(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	documented := map[string][]string{}
	for template, item := range contract.doc.Paths.Map() {
		for method, op := range item.Operations() {
			names := []string{}
			for _, p := range append(slices.Clone(item.Parameters), op.Parameters...) {
				if p.Value.In == "query" {
					names = append(names, p.Value.Name)
				}
			}
			slices.Sort(names)
			documented[method+" "+template] = names
		}
	}
	routed := map[string]int{}
	err := api.Router(b.handler).Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		template, err := route.GetPathTemplate()
		if err != nil {
			return err
		}
		methods, err := route.GetMethods()
		if err != nil {
			return nil //nolint:nilerr // the route that answers 405 has none
		}
		for _, method := range methods {
			found, op := contract.operation(method, template)
			if op == nil {
				t.Errorf("%s %s is not documented", method, template)
			}
			routed[method+" "+found]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	parameters := api.Parameters()
	for _, op := range slices.Sorted(maps.Keys(documented)) {
		_, path, _ := strings.Cut(op, " ")
		want := len(api.Mounts)
		if len(contract.doc.Paths.Value(path).Servers) > 0 {
			want = 1
		}
		if routed[op] != want {
			t.Errorf("%s is documented and routed %d times, not %d", op, routed[op], want)
		}
		known := slices.Sorted(slices.Values(parameters[op]))
		if !slices.Equal(known, documented[op]) {
			t.Errorf("%s: the parameters %v are documented, %v are known", op, documented[op], known)
		}
	}
}
