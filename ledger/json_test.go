package ledger_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gowebpki/jcs"
	"pgregory.net/rapid"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

func TestCanonical(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"b":1,"a":[1.0,1e2,-0,0.1e-6,"\u00e9\/"]}`: `{"a":[1,100,0,1e-7,"é/"],"b":1}`,
		` null `:                   `null`,
		`"x"`:                      `"x"`,
		`9007199254740991`:         `9007199254740991`,
		`-9007199254740991`:        `-9007199254740991`,
		`6.02e23`:                  `6.02e+23`,
		`{"":{},"\ud83d\ude00":1}`: "{\"\":{},\"\U0001F600\":1}",
	} {
		got, err := ledger.Canonical([]byte(in))
		if err != nil || string(got) != want {
			t.Errorf("%s: %s %v, want %s", in, got, err, want)
		}
	}
}

func TestCanonicalRefuses(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", ledger.MaxDepth+1) + strings.Repeat("]", ledger.MaxDepth+1)
	for in, want := range map[string]string{
		`{"a":{"b":1,"b":2}}`:            "names a key twice at /a",
		"{\"a\":\"\xff\"}":               "not valid UTF-8",
		`{"a":"\ud800"}`:                 "half a surrogate pair",
		`{"a":[9007199254740992]}`:       "beyond ±(2^53−1); send it as a string at /a/0",
		`-9007199254740992`:              "beyond ±(2^53−1)",
		`123456789012345678901234567890`: "beyond ±(2^53−1)",
		`1e18`:                           "would be written as an integer",
		`1e999`:                          "too large for a double",
		deep:                             "nested deeper than 16 levels",
		`{} {}`:                          "something after the JSON value, at byte 3",
		`{"a":1`:                         "ends too early",
		``:                               "ends too early",
		`{'a':1}`:                        "malformed at byte 1",
		`{"a":01}`:                       "malformed",
		`{"a":NaN}`:                      "malformed",
		`{"a":"\u0000"}`:                 "NUL",
		`{"a\u0000":1}`:                  "NUL",
	} {
		got, err := ledger.Canonical([]byte(in))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %s %v, want an error with %q", in, got, err, want)
		}
		if code := audit.CodeOf(err); code != audit.MalformedJSON && code != audit.ValidationFailed {
			t.Errorf("%.40s: code %s", in, code)
		}
	}
}

// anyJSON draws a JSON value that I-JSON allows.
func anyJSON(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		kind := rapid.IntRange(0, 5).Draw(t, "kind")
		if depth == 0 {
			kind %= 4
		}
		switch kind {
		case 0:
			return nil
		case 1:
			return rapid.Bool().Draw(t, "bool")
		case 2:
			return rapid.Float64Range(-1e15, 1e15).Draw(t, "number")
		case 3:
			return strings.ReplaceAll(rapid.String().Draw(t, "string"), "\x00", "")
		case 4:
			return rapid.SliceOfN(anyJSON(depth-1), 0, 4).Draw(t, "array")
		}
		m := map[string]any{}
		for k, v := range rapid.MapOfN(rapid.String(), anyJSON(depth-1), 0, 4).Draw(t, "object") {
			m[strings.ReplaceAll(k, "\x00", "")] = v
		}
		return m
	})
}

// Two implementations of RFC 8785 agree, and the canonical form is its own.
func TestCanonicalAgreesWithASecondImplementation(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text, err := json.Marshal(anyJSON(4).Draw(t, "value"))
		if err != nil {
			t.Fatal(err)
		}
		compareCanonical(t, text)
	})
}

type fataler interface {
	Fatalf(format string, args ...any)
	Skip(args ...any)
}

func compareCanonical(t fataler, text []byte) {
	got, err := ledger.Canonical(text)
	if err != nil {
		return // strictness is tested above
	}
	// The second implementation takes only objects and arrays at the top.
	want, err := jcs.Transform(append(append([]byte("["), text...), ']'))
	if err != nil {
		t.Fatalf("%s: the second implementation refuses: %v", text, err)
	}
	if string(want) != "["+string(got)+"]" {
		t.Fatalf("%s:\n%s\n%s", text, got, want)
	}
	again, err := ledger.Canonical(got)
	if err != nil || string(again) != string(got) {
		t.Fatalf("%s: not stable: %s %v", got, again, err)
	}
}

func FuzzCanonical(f *testing.F) {
	for _, s := range []string{`{"b":[1,2.5,-0.0,1e21],"a":{"c":null}}`, `"\ud83d\ude00\u2028"`, `[1e-7,123456789.125,4.35]`, `{"a":1,"a":2}`, "\"\xed\xa0\x80\""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) { compareCanonical(t, text) })
}
