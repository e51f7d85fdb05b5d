package schema_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/schema"
	"github.com/sealbook/sealbook/ledger"
)

func compile(t testing.TB, text string) *schema.Schema {
	t.Helper()
	s, bad := schema.Compile("plant.door_opened/1", "/schema", []byte(text))
	if bad != nil {
		t.Fatalf("%.200s: %+v", text, bad)
	}
	return s
}

func codes(bad []audit.FieldError) string {
	var out []string
	for _, f := range bad {
		out = append(out, f.Field+" "+f.Code)
	}
	return strings.Join(out, ", ")
}

const door = `{
	"$schema": "https://json-schema.org/draft/2020-12/schema",
	"$defs": {"code": {"type": "string", "pattern": "^[A-Z]{2}-\\d+$"}},
	"type": "object", "required": ["details"],
	"properties": {"details": {
		"type": "object", "required": ["door", "open/closed"], "additionalProperties": false,
		"properties": {
			"door": {"$ref": "#/$defs/code"}, "floor": {"type": "integer", "minimum": -2}, "open/closed": {"enum": ["open", "closed"]},
			"by": {"anyOf": [{"type": "string"}, {"type": "integer"}]}, "tags": {"items": {"$ref": "#/$defs/code"}, "maxItems": 3}}}},
	"x-owner": "plant security"}`

func TestEntriesAreHeldAgainstTheSchema(t *testing.T) {
	t.Parallel()
	s := compile(t, door)
	for details, want := range map[string]string{
		`{"door":"AB-1","open/closed":"open","floor":3,"tags":["AB-1"]}`: "",
		`{"door":"AB-1"}`: "/details/open~1closed required",
		`{"door":"ab","open/closed":"ajar","floor":-3}`:            "/details/door schema, /details/floor schema, /details/open~1closed schema",
		`{"door":5,"open/closed":"open","floor":"3"}`:              "/details/door type, /details/floor type",
		`{"door":"AB-1","open/closed":"open","colour":1}`:          "/details/colour unknown",
		`{"door":"AB-1","open/closed":"open","by":1.5}`:            "/details/by schema",
		`{"door":"AB-1","open/closed":"open","tags":["AB-1","x"]}`: "/details/tags/1 schema",
	} {
		left := schema.Budget(schema.MaxWork)
		bad := s.Check([]byte(`{"details":`+details+`}`), &left)
		if got := codes(bad); got != want {
			t.Errorf("%s: %s, not %s", details, got, want)
		}
		for _, f := range bad {
			if strings.Contains(f.Message, "ajar") || !strings.Contains(f.Message, "plant.door_opened/1") {
				t.Errorf("%s: %s", f.Field, f.Message)
			}
		}
	}
	left := schema.Budget(schema.MaxWork)
	if got := codes(s.Check([]byte(`{}`), &left)); got != "/details required" {
		t.Error(got)
	}
}

func TestSchemasThatAreRefused(t *testing.T) {
	t.Parallel()
	many := func(n int, each string) string {
		return strings.TrimSuffix(strings.Repeat(each+",", n), ",")
	}
	doubling := `"d0":{"type":"string"}`
	for i := range 20 {
		doubling += fmt.Sprintf(`,"d%d":{"allOf":[{"$ref":"#/$defs/d%d"},{"$ref":"#/$defs/d%d"}]}`, i+1, i, i)
	}
	for text, want := range map[string]string{
		`true`:                                 "/schema type",
		`[]`:                                   "/schema type",
		`{"typ":"object"}`:                     "/schema/typ unknown",
		`{"properties":{"a/b":{"minimun":1}}}`: "/schema/properties/a~1b/minimun unknown",
		`{"properties":[]}`:                    "/schema/properties type",
		`{"allOf":{}}`:                         "/schema/allOf type",
		`{"items":1}`:                          "/schema/items type",
		`{"type":"text"}`:                      "/schema/type invalid",
		`{"minLength":-1}`:                     "/schema/minLength invalid",
		`{"pattern":"(?=a)"}`:                  "/schema/pattern pattern",
		`{"pattern":"(a)\\1"}`:                 "/schema/pattern pattern",
		`{"pattern":"(\\pL{100}){10}"}`:        "/schema/pattern pattern",
		`{"patternProperties":{"(":true}}`:     "/schema/patternProperties/( pattern",
		`{"$schema":"http://json-schema.org/draft-07/schema"}`:          "/schema/$schema invalid",
		`{"not":{"$schema":"x"}}`:                                       "/schema/not/$schema misplaced",
		`{"$id":"https://example.com/s"}`:                               "/schema/$id unknown",
		`{"$ref":"https://example.com/s"}`:                              "/schema/$ref reference",
		`{"$ref":"file:///etc/passwd"}`:                                 "/schema/$ref reference",
		`{"$ref":"#"}`:                                                  "/schema/$ref reference",
		`{"$ref":"#/$defs/a"}`:                                          "/schema/$ref reference",
		`{"$dynamicRef":"#a"}`:                                          "/schema/$dynamicRef unknown",
		`{"$defs":{"a":{"items":{"$ref":"#/$defs/a"}}}}`:                "/schema/$defs/a/items/$ref recursion",
		`{"$defs":{` + doubling + `},"$ref":"#/$defs/d20"}`:             "/schema too_many",
		`{"enum":[` + many(schema.MaxRules, `1`) + `]}`:                 "/schema too_many",
		`{"description":"` + strings.Repeat("x", schema.MaxSize) + `"}`: "/schema length",
		`{"allOf":[` + many(200, `{"pattern":"a{100}"}`) + `]}`:         "/schema too_many",
	} {
		s, bad := schema.Compile("t/1", "/schema", []byte(text))
		if got := codes(bad); got != want || s != nil {
			t.Errorf("%.120s: %s, not %s", text, got, want)
		}
	}
}

// TestWorkHasABound asks for the most that the limits allow, and for more.
func TestWorkHasABound(t *testing.T) {
	t.Parallel()
	s := compile(t, `{"properties":{"details":{"items":{"allOf":[`+strings.TrimSuffix(strings.Repeat(`{"pattern":"^(a|b|ab)*c$"},`, 100), ",")+`]}}}}`)
	entry := []byte(`{"details":["` + strings.Repeat("ab", 100) + `"]}`)
	left := schema.Budget(schema.MaxWork)
	n := 0
	started := time.Now()
	for ; ; n++ {
		before := left
		bad := s.Check(entry, &left)
		if len(bad) == 1 && bad[0].Code == "too_complex" {
			break
		}
		if left >= before || n > schema.MaxWork {
			t.Fatal("checking costs nothing")
		}
	}
	t.Logf("%d checks until the budget was used up took %s", n, time.Since(started))
	if n == 0 {
		t.Fatal("not even one check fits")
	}
}

// FuzzSchema holds that no schema and no entry panic, and that a schema which
// was accepted gives the same answer twice.
func FuzzSchema(f *testing.F) {
	f.Add([]byte(door), []byte(`{"details":{"door":"AB-1","open/closed":"open"}}`))
	f.Add([]byte(`{"$defs":{"a":{"not":false}},"$ref":"#/$defs/a","unevaluatedProperties":false}`), []byte(`{"a":[1,{"b":null}]}`))
	f.Add([]byte(`{"contains":{"const":1e300},"uniqueItems":true,"dependentSchemas":{"a":{"propertyNames":{"pattern":"^x"}}}}`), []byte(`[1,1.0,"1"]`))
	f.Fuzz(func(t *testing.T, text, entry []byte) {
		text, err := ledger.Canonical(text)
		if err != nil {
			return
		}
		if entry, err = ledger.Canonical(entry); err != nil {
			return
		}
		s, bad := schema.Compile("t/1", "", text)
		if (s == nil) == (bad == nil) {
			t.Fatalf("neither a schema nor an error: %v", bad)
		}
		if s == nil {
			return
		}
		left, again := schema.Budget(schema.MaxWork), schema.Budget(schema.MaxWork)
		if a, b := codes(s.Check(entry, &left)), codes(s.Check(entry, &again)); a != b || left != again {
			t.Fatalf("two answers: %s and %s", a, b)
		}
	})
}
