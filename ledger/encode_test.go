package ledger

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/sealbook/sealbook/audit"
)

// The one pass writes what the long way does, byte by byte, and refuses what
// it refuses.
func TestPlainPayloads(t *testing.T) {
	t.Parallel()
	text := rapid.SampledFrom([]string{"", "a", "id", "\u2028 <b> & é \"quoted\" \\ \x01\n", "\xff", "nul\x00", "😀", "\uFB33", "~odd/key"})
	number := rapid.SampledFrom([]any{
		0, -1, 1<<53 - 1, 1 << 53, -1 << 53, int64(7), 0.25, 1e30, json.Number("12"), json.Number("-0"), json.Number("007"), json.Number(""),
		json.Number("123456789012345"), json.Number("9007199254740993"), json.Number("1.50"), json.Number("1e2"), json.Number("x"),
	})
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		return rapid.Custom(func(t *rapid.T) any {
			switch kind := rapid.IntRange(0, 9).Draw(t, "kind"); {
			case kind < 2 && depth > 0:
				return rapid.SliceOfN(value(depth-1), 0, 3).Draw(t, "array")
			case kind == 2 && depth > 0:
				return rapid.MapOfN(text, value(depth-1), 0, 4).Draw(t, "object")
			case kind == 3 && depth > 0:
				return audit.Object(rapid.MapOfN(text, value(depth-1), 0, 4).Draw(t, "object"))
			case kind < 7:
				return text.Draw(t, "text")
			case kind == 7:
				return number.Draw(t, "number")
			}
			return rapid.SampledFrom([]any{nil, true, false, []any(nil), audit.Object(nil), map[string]any(nil), []string{"a"}, time.Second}).Draw(t, "other")
		})
	}
	object := rapid.Custom(func(t *rapid.T) audit.Object {
		o := audit.Object(rapid.MapOfN(text, value(3), 0, 3).Draw(t, "members"))
		if rapid.IntRange(0, 20).Draw(t, "deep") == 0 {
			var v any = "bottom"
			for range rapid.IntRange(MaxDepth-4, MaxDepth+1).Draw(t, "depth") {
				v = []any{v}
			}
			o["deep"] = v
		}
		return o
	})
	rapid.Check(t, func(t *rapid.T) {
		e := audit.Event{
			Type: "scan.completed", Class: audit.EventClass(text.Draw(t, "class")), Severity: audit.SeverityHigh,
			Category: text.Draw(t, "category"), Description: text.Draw(t, "description"), ExternalID: text.Draw(t, "external id"),
			Actor: object.Draw(t, "actor"), Details: object.Draw(t, "details"), Metadata: object.Draw(t, "metadata"),
			RequiresInvestigation: rapid.Bool().Draw(t, "requires investigation"),
			Schema:                rapid.SampledFrom([]string{"", "plant.door_opened/2"}).Draw(t, "schema"),
			Frameworks:            rapid.SliceOfN(rapid.SampledFrom(audit.Frameworks), 0, 2).Draw(t, "frameworks"),
		}
		if rapid.Bool().Draw(t, "timed") {
			at := time.UnixMicro(rapid.Int64Range(-1e17, 1e18).Draw(t, "time"))
			if rapid.Bool().Draw(t, "utc") {
				at = at.UTC()
			}
			e.Timestamp = &at
		}
		samePayload(t, &e)
	})
}

func samePayload(t rapid.TB, e *audit.Event) {
	got, gotErr := encodePayload(e)
	text, err := json.Marshal(e)
	var want []byte
	if err == nil {
		want, err = Canonical(text)
	}
	if !bytes.Equal(got, want) || (gotErr == nil) != (err == nil) || audit.CodeOf(gotErr) != audit.CodeOf(err) {
		t.Fatalf("%s %v\nis not\n%s %v", got, gotErr, want, err)
	}
}

// No member of an event is forgotten, and the usual ones need no long way.
func TestPlainPayloadsAreWhole(t *testing.T) {
	t.Parallel()
	var e audit.Event
	v := reflect.ValueOf(&e).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i).Addr().Interface().(type) {
		case *audit.Object:
			*f = audit.Object{"b": "text", "a": []any{json.Number("1"), nil, true, map[string]any{"x": -5}}}
		case *[]audit.Framework:
			*f = []audit.Framework{audit.SOC2}
		case **time.Time:
			at := time.UnixMicro(1700000000123456).UTC()
			*f = &at
		case *bool:
			*f = true
		default:
			v.Field(i).SetString("text of " + v.Type().Field(i).Name)
		}
	}
	samePayload(t, &e)
	var p plain
	if p.event(&e); p.odd {
		t.Error("an event of plain values took the long way")
	}
}

// FuzzScanner compares it with a strict parser on canonical text, and sees that
// it survives any other.
func FuzzScanner(f *testing.F) {
	for _, s := range []string{`{}`, `[]`, `{"a":1,"b":[1,{"c":"]}"}],"":null}`, `["\\","\"",-1.5e300]`, `{"a\\":"\\\""}`, `{"a":}`, `[1,]`, `{"a"`, `["\`, `7`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var parts [][]byte
		s := scanner{text: data}
		err := s.members(func(name, value []byte) error {
			parts = append(parts, name, value)
			return nil
		})
		if len(data) > 0 && data[0] == '[' {
			s = scanner{text: data}
			err = s.elements(func(value []byte) error {
				parts = append(parts, value)
				return nil
			})
		}
		canonical, notJSON := Canonical(data)
		if notJSON != nil || !bytes.Equal(canonical, data) || !strings.ContainsAny(string(data[:1]), "{[") {
			return
		}
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		d := jsontext.NewDecoder(bytes.NewReader(data))
		d.ReadToken() // it is canonical
		for i := range parts {
			if want, err := d.ReadValue(); err != nil || !bytes.Equal(parts[i], want) {
				t.Fatalf("%s: part %d is %s, not %s", data, i, parts[i], want)
			}
		}
		if kind := d.PeekKind(); kind != '}' && kind != ']' {
			t.Fatalf("%s has more than %d parts", data, len(parts))
		}
	})
}
