// Package schema holds events against the JSON Schemas that organisations give
// for their event types (draft 2020-12). It guards that a schema which a
// stranger wrote can do no more than say yes or no: it loads nothing, does not
// refer to itself, and its work on a request has a bound. The API uses it.
package schema

import (
	"bytes"
	"fmt"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sealbook/sealbook/audit"
)

// Limits of a schema and of the work that it may be.
const (
	MaxSize    = 32 << 10    // bytes of its canonical JSON
	MaxRules   = 5_000       // JSON values in it, and steps of its patterns, each counted wherever a $ref puts it
	MaxPattern = 1_000       // steps of a pattern's program
	MaxWork    = 100_000_000 // over all entries of a request: about a second; see Schema.work
)

// Dialect is the only value that $schema may have.
const Dialect = "https://json-schema.org/draft/2020-12/schema"

// Schema is a compiled schema. It may be used by many at a time.
type Schema struct {
	name     string // in messages
	cost     cost
	compiled *jsonschema.Schema
}

// place is the URL under which the library knows the schema; nothing is there.
const place = "https://schema.invalid/event"

// nowhere refuses to load anything.
type nowhere struct{}

// Load implements jsonschema.URLLoader.
func (nowhere) Load(url string) (any, error) {
	return nil, fmt.Errorf("%.200q is outside of the schema", url)
}

// Compile reads a schema, which must be canonical JSON. name stands for it in
// messages. The errors say, by JSON Pointers that start with at, what is wrong
// with it.
func Compile(name, at string, text []byte) (*Schema, []audit.FieldError) {
	fail := func(pointer, code, format string, args ...any) []audit.FieldError {
		return []audit.FieldError{{Field: at + pointer, Code: code, Message: fmt.Sprintf(format, args...)}}
	}
	if len(text) > MaxSize {
		return nil, fail("", "length", "a schema has at most %d bytes", MaxSize)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, fail("", "type", "a schema is a JSON object")
	}
	root, ok := document.(map[string]any)
	if !ok {
		return nil, fail("", "type", "a schema is a JSON object")
	}
	cost, bad := measure(root)
	if bad != nil {
		for i := range bad {
			bad[i].Field = at + bad[i].Field
		}
		return nil, bad
	}
	if cost.rules > MaxRules || cost.steps > MaxRules {
		return nil, fail("", "too_many", "a schema has at most %d values, and its patterns as many steps, each counted wherever a $ref puts it", MaxRules)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.UseLoader(nowhere{})
	if err := c.AddResource(place, document); err != nil {
		return nil, fail("", "invalid", "it is not a schema of draft 2020-12")
	}
	compiled, err := c.Compile(place)
	if err != nil {
		return nil, invalidSchema(at, err)
	}
	return &Schema{name, cost, compiled}, nil
}
