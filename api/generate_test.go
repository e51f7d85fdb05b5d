package api_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sealbook/sealbook/api"
)

// generator makes requests from openapi.yaml.
type generator struct {
	document   map[string]any
	operations []generated
	known      map[string][]string // values of parameters and members, by name, that lead somewhere
	receipt    map[string]any
}

type generated struct {
	method, path string
	outside      bool // of the mounts
	parameters   []map[string]any
	body         any // its schema
}

func newGenerator(b *bench) *generator {
	b.t.Helper()
	source, err := os.ReadFile("openapi.yaml")
	if err != nil {
		b.t.Fatal(err)
	}
	g := &generator{}
	if err := yaml.Unmarshal(source, &g.document); err != nil {
		b.t.Fatal(err)
	}
	paths := g.document["paths"].(map[string]any)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		item := paths[path].(map[string]any)
		for _, method := range []string{"get", "post", "put", "patch", "delete"} {
			op, ok := item[method].(map[string]any)
			if !ok {
				continue
			}
			o := generated{method: strings.ToUpper(method), path: path, outside: item["servers"] != nil}
			for _, list := range []any{item["parameters"], op["parameters"]} {
				list, _ := list.([]any)
				for _, p := range list {
					o.parameters = append(o.parameters, g.follow(p))
				}
			}
			if body := g.follow(op["requestBody"]); body != nil {
				if media, ok := body["content"].(map[string]any)["application/json"].(map[string]any); ok {
					o.body = media["schema"] // what takes forms is sent none: upload_test.go does
				}
			}
			g.operations = append(g.operations, o)
		}
	}
	g.learn(b)
	return g
}

// learn puts things there and keeps their names.
func (g *generator) learn(b *bench) {
	b.post("full", "~/entries/bulk", `{"entries":[`+strings.TrimSuffix(strings.Repeat(`{"event_type":"scan.started","user_id":"u1","repository":{"id":"r1","name":"acme/web"}},`, 300), ",")+`]}`).want(http.StatusCreated)
	entry := b.post("full", "~/entries", `{"event_type":"issue.created","requires_investigation":true,"category":"c","compliance_frameworks":["SOX"]}`).want(http.StatusCreated)
	export := b.post("full", "~/evidence/export", `{"format":"zip","framework":"soc2","audit_period":{"from":"2024-01-01","to":"2024-03-31"},"include":["scan_results"]}`).want(http.StatusAccepted)
	verify := b.post("full", "~/verify", `{"from":"2024-01-01","to":"2024-03-31"}`, "Prefer", "respond-async").want(http.StatusAccepted)
	b.send(request{method: "PUT", path: "~/event-types/plant.door_opened", as: "full", body: []byte(`{"class":"security_event","severity":"high"}`)}).want(http.StatusOK)
	b.send(request{method: "PUT", path: "~/event-types/plant.door_opened/schemas", as: "full", body: []byte(`{"schema":{"properties":{"details":{"maxProperties":2}}}}`)}).want(http.StatusCreated)
	cursor := b.get("full", "~/logs?limit=1").text("pagination.next_cursor")
	receipt, _ := entry.at("data.receipt")
	g.receipt = receipt.(map[string]any)
	times := []string{"2024-01-01", "2024-01-15T10:30:00Z", "2030-12-31", "2000-01-01T00:00:00.000001+02:00"}
	g.known = map[string][]string{
		"id": {entry.text("data.id"), entry.text("data.log_id")}, "log_id": {entry.text("data.log_id"), entry.text("data.id")},
		"job_id": {export.text("data.job_id"), verify.text("data.job_id")}, "name": {"plant.door_opened", "login", "plant.door_opened", "plant.new"}, "file": {"docs.js", "docs.css"},
		"index": {"000", "001.p/40", "x001/002", "000.p/256"}, "level": {"0", "1", "63"}, "version": {"1", "2", "3"}, "cursor": {cursor},
		"size": {"301", "302", "303", "1"}, "first": {"0", "1", "300"}, "second": {"301", "302"}, "end": {"1", "256", "301"},
		"event_type": {"scan.started", "login", "plant.door_opened", "data_change", "security_event", "issue.created"}, "actor": {"user", "u1"}, "user_id": {"u1"}, "repository_id": {"r1"},
		"timestamp": {"2024-01-15T10:30:00Z"}, "from": times, "to": times, "start_time": times, "end_time": times,
		"framework": {"soc2", "GDPR"}, "compliance_framework": {"sox", "FDA_21CFR11"}, "compliance_frameworks": {"SOX", "gdpr", "iso-27001"},
		"external_id": {"e1", "e2", "audit:x"},
	}
}

// follow returns what a node or the $ref in it stands for.
func (g *generator) follow(node any) map[string]any {
	n, _ := node.(map[string]any)
	for n["$ref"] != nil {
		var at any = g.document
		for _, step := range strings.Split(strings.TrimPrefix(n["$ref"].(string), "#/"), "/") {
			at = at.(map[string]any)[step]
		}
		n, _ = at.(map[string]any)
	}
	return n
}

func (g *generator) request(c *chooser) request {
	op := g.operations[c.n(len(g.operations))]
	path, query := op.path, url.Values{}
	odd := c.n(2 * len(op.parameters)) // at most one part of the path: two at once lead nowhere
	for i, p := range op.parameters {
		name := p["name"].(string)
		switch p["in"] {
		case "path":
			value := g.parameter(c, name, p["schema"], i == odd)
			path = strings.Replace(path, "{"+name+"}", segments(value), 1)
		case "query":
			if p["required"] == true && !c.rarely(8) || c.rarely(3) {
				query.Set(name, g.parameter(c, name, p["schema"], c.rarely(3)))
			}
		}
	}
	if c.rarely(32) {
		query.Set(c.text(), c.text())
	}
	if !op.outside {
		path = pick(c, api.Mounts) + path
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	req := request{method: op.method, path: path, as: g.caller(c), header: g.headers(c, op.method == "POST")}
	if op.body != nil {
		req.body = g.body(c, op.body)
	}
	return req
}

// segments escapes a path's variable. Slashes stay where they may be; names of
// other routes are not taken for ids.
func segments(value string) string {
	if value == "bulk" || value == "latest" || value == "entries" {
		value += "!"
	}
	parts := strings.Split(value, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}

// parameter makes a value that leads somewhere, or an odd one.
func (g *generator) parameter(c *chooser, name string, schema any, odd bool) string {
	if known := g.known[name]; known != nil && !odd {
		return pick(c, known)
	}
	s := g.follow(schema)
	if enum, ok := s["enum"].([]any); ok && !odd {
		v, _ := pick(c, enum).(string)
		return v
	}
	switch s["type"] {
	case "integer":
		return pick(c, []string{"1", "4294967296", "9223372036854775807", "0", "-1", "201", "10001", "1.5", "x", "2"})
	case "boolean":
		return pick(c, []string{"true", "false", "1"}) // the last is none
	}
	return c.text()
}

func (g *generator) body(c *chooser, schema any) []byte {
	if c.rarely(32) {
		return []byte(c.bytes(64))
	}
	text, err := json.Marshal(g.value(c, "", schema, 0))
	if err != nil {
		panic(err)
	}
	switch {
	case c.rarely(32):
		text = text[:c.n(255)*len(text)/255]
	case c.rarely(32):
		text = append(text, c.bytes(8)...)
	case c.rarely(32):
		at := c.n(255) * len(text) / 255
		text = slices.Concat(text[:at], []byte(c.bytes(8)), text[at:])
	}
	return text
}

// value makes a JSON value of a schema, now and then of another.
func (g *generator) value(c *chooser, name string, schema any, depth int) any {
	s := g.follow(schema)
	if depth > 0 && c.rarely(24) || depth > 20 {
		return pick(c, []any{
			nil, true, 0, -1, 1.5, json.Number("1e308"), json.Number("1e400"), json.Number("9007199254740993"), json.Number("-0"), "", "\x00", strings.Repeat("x", 5000),
			[]any{}, map[string]any{}, []any{[]any{[]any{nil}}}, map[string]any{"$ref": "#"}, map[string]any{"a/b~c": "\u2028"}, c.text(),
		})
	}
	if name == "receipt" && !c.rarely(4) {
		return g.receipt
	}
	if enum, ok := s["enum"].([]any); ok {
		return pick(c, enum)
	}
	for _, k := range []string{"oneOf", "anyOf", "allOf"} {
		if list, ok := s[k].([]any); ok {
			return g.value(c, name, pick(c, list), depth+1)
		}
	}
	switch s["type"] {
	case "object":
		return g.object(c, s, depth)
	case "array":
		list := []any{}
		for range 1 + c.n(3) {
			list = append(list, g.value(c, name, s["items"], depth+1))
		}
		return list
	case "integer", "number":
		return pick(c, []any{0, 1, 2, 100, 1.5, -1})
	case "boolean":
		return c.n(2) == 0
	case "string":
		if known := g.known[name]; known != nil && !c.rarely(8) {
			return pick(c, known)
		}
		return strings.ToValidUTF8(c.text(), "?")
	}
	return pick(c, []any{"x", 1, nil, []any{1, "a"}, map[string]any{"k": true}})
}

func (g *generator) object(c *chooser, s map[string]any, depth int) map[string]any {
	out := map[string]any{}
	required, _ := s["required"].([]any)
	properties, _ := s["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		needed := slices.Contains(required, any(name))
		if needed && !c.rarely(24) || !needed && c.rarely(4) {
			out[name] = g.value(c, name, properties[name], depth+1)
		}
	}
	if s["additionalProperties"] == true && c.rarely(2) || c.rarely(32) {
		words := []string{"type", "required", "properties", "$ref", "pattern", "items", "enum", "$defs", "k"}
		name := pick(c, words)
		if c.rarely(4) {
			name = strings.ToValidUTF8(c.text(), "?")
		}
		out[name] = g.value(c, name, pick(c, []any{map[string]any{"type": "string"}, map[string]any{"type": "object", "additionalProperties": true}, map[string]any{}}), depth+1)
	}
	return out
}
