package ledger

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sealbook/sealbook/audit"
)

// FuzzStrict: what it accepts is canonical, so no value can be read on the
// short way that the long one refuses or reads otherwise.
func FuzzStrict(f *testing.F) {
	for _, s := range []string{
		`{}`, `[]`, `{"a":1,"b":[1,{"c":"]}"}],"c":null}`, `["\\","\"",-1.5]`, `{"b":1,"a":2}`, `{"a":1,"a":2}`, `{"a":}`, `[1,]`, `[1 ]`, `{"a"`, `["\`,
		`-0`, `00`, `0.10`, `0.000001`, `0.0000001`, `123456789012345`, `1234567890123456`, `1e2`, `-0.5`, `1.`, `-`, `"é"`, "\"\xff\"", `"\/"`, `"\u0000"`, "\"\x7f\"", `tru`, `{"é":1}`,
		strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth), strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := strict{text: data}
		if !s.value(0) || s.at != len(data) {
			return
		}
		if canonical, err := Canonical(data); err != nil || !bytes.Equal(canonical, data) {
			t.Fatalf("%q is accepted; its canonical form is %q %v", data, canonical, err)
		}
	})
}

// payloadText draws a canonical payload with names that have a meaning and
// names that do not.
func payloadText() *rapid.Generator[[]byte] {
	name := rapid.SampledFrom([]string{"actor", "actor-x", "class", "context", "description", "frameworks", "id", "metadata", "timestamp", "type", "a/b", "c~d", "", "é", "old_value", "action", "changes", "quo\"te"})
	scalar := rapid.SampledFrom([]any{
		nil, true, false, "", "text", "é \u2028", "a\\b\n\"", "\x01", "2024-05-01T10:00:00.123456Z", json.Number("0"), json.Number("-7"), json.Number("0.25"),
		json.Number("1e-7"), json.Number("123456789012345"), json.Number("1234567890123456"), json.Number("0.0000012"), json.Number("100.5"),
	})
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		return rapid.Custom(func(t *rapid.T) any {
			switch kind := rapid.IntRange(0, 3).Draw(t, "kind"); {
			case kind == 0 && depth > 0:
				return rapid.SliceOfN(value(depth-1), 0, 3).Draw(t, "array")
			case kind == 1 && depth > 0:
				return rapid.MapOfN(name, value(depth-1), 0, 4).Draw(t, "object")
			}
			return scalar.Draw(t, "scalar")
		})
	}
	return rapid.Custom(func(t *rapid.T) []byte {
		text, err := json.Marshal(rapid.MapOfN(name, value(3), 1, 6).Draw(t, "payload"))
		if err == nil {
			text, err = Canonical(text)
		}
		if err != nil {
			t.Fatal(err)
		}
		return text
	})
}

// damage changes, adds or removes a few bytes, or none.
func damage(t *rapid.T, text []byte) []byte {
	odd := rapid.SampledFrom([]byte("\"\\{}[],: 0123.eE-+nu\x00\x1f\x7f\xc3\xa9\xff/~az"))
	text = bytes.Clone(text)
	for range rapid.IntRange(0, 2).Draw(t, "times") {
		at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		switch rapid.IntRange(0, 2).Draw(t, "how") {
		case 0:
			text[at] = odd.Draw(t, "changed")
		case 1:
			text = append(text[:at:at], append([]byte{odd.Draw(t, "added")}, text[at:]...)...)
		case 2:
			if len(text) > 1 {
				text = append(text[:at:at], text[at+1:]...)
			}
		}
	}
	return text
}

// The short way reads a row as the long way does or gives up, whatever stands
// in the column and whatever row was read before. And what it has read is put
// together as Join does.
func TestPlainFieldsAreThoseOfTheLongWay(t *testing.T) {
	t.Parallel()
	var r fieldReader
	accepted, joined := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.SliceOfN(rapid.Byte(), SeedSize, SeedSize).Draw(t, "seed")
		personal := rapid.SampledFrom([][]string{PersonalPaths, nil, {"/*/id", "/class"}, {"/*/*/*"}, {"/*/*/*/*", "/*/a"}}).Draw(t, "personal")
		fields, err := Split(payloadText().Draw(t, "payload"), seed, personal)
		if err != nil {
			t.Fatal(err)
		}
		text, err := encodeFields(fields)
		if err != nil {
			t.Fatal(err)
		}
		column := damage(t, []byte(text))
		if !r.plain(seed, column) {
			return
		}
		accepted++
		want, err := decodeFields(seed, column, nil, nil)
		if err != nil || !sameFields(r.fields, want) {
			t.Fatalf("%s:\n%v\nis not\n%v %v", column, r.fields, want, err)
		}
		if checkFields(want) != nil {
			return
		}
		if got, ok := joinPlain(nil, r.fields); ok {
			joined++
			if payload, withheld, err := Join(want); err != nil || withheld != nil || !bytes.Equal(got, payload) {
				t.Fatalf("%s is put together to\n%s, not\n%s %v", column, got, payload, err)
			}
		}
	})
	if accepted == 0 || joined == 0 {
		t.Errorf("%d accepted, %d joined: this test says nothing", accepted, joined)
	}
}

// What chance would seldom draw goes the long way.
func TestUnusualColumnsTakeTheLongWay(t *testing.T) {
	t.Parallel()
	var r fieldReader
	for _, column := range []string{
		`{}`, ``, `{`, `{"/a":1`, `{"/a":1,}`, `{"/a":1}}`, `{"/a":1} `, `{"/a": 1}`, `{"/b":1,"/a":1}`, `{"/a":1,"/a":1}`, `{"/é":1}`, `{"/\u0061":1}`, `["/a"]`, `null`,
		"{\"/a\":\"\xff\"}",
	} {
		if r.plain(make([]byte, SeedSize), []byte(column)) {
			t.Errorf("%s was read", column)
		}
	}
	for _, column := range []string{
		`{"/actor":{"id":1},"/actor/id":1}`, `{"/actor":[{}],"/actor/1/id":1}`, `{"/actor":[{}],"/actor/x/id":1}`, `{"/actor":[{}],"/actor/0":1}`,
		`{"/actor":[{"id":2}],"/actor/0/id":1}`, `{"/actor":[7],"/actor/0/id":1}`, `{"/actor":{"a":{}},"/actor/a":1,"/actor/a/id":1}`, `{"/actor":{},"/actor/a/id":1}`, `{"/actor/id":1}`, `{"/a~0":1}`, `{"/actor":7,"/actor/id":1}`,
		`{"/actor":{},"/actor-x":1,"/actor/id":1}`,
	} {
		if !r.plain(make([]byte, SeedSize), []byte(column)) {
			t.Fatalf("%s was not read", column)
		}
		if joined, ok := joinPlain(nil, r.fields); ok {
			t.Errorf("%s was put together to %s", column, joined)
		}
	}
}

func sameFields(a, b []Field) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Path != b[i].Path || !bytes.Equal(a[i].Salt, b[i].Salt) || !bytes.Equal(a[i].Value, b[i].Value) || a[i].Commitment != nil || b[i].Commitment != nil {
			return false
		}
	}
	return true
}

// What usual events are made of never needs the long way.
func TestUsualEventsTakeTheShortWay(t *testing.T) {
	t.Parallel()
	payload, err := encodePayload(&audit.Event{
		Type: "scan.completed", Class: audit.ClassSystem, Severity: audit.SeverityHigh, Description: "Prüfung \"x\"", ExternalID: "e-1",
		Actor: audit.Object{"type": "user", "id": "u"}, Resource: audit.Object{"id": "r", "type": "issue"},
		Details: audit.Object{"number": 7, "ratio": 0.25, "list": []any{1, "two", nil, true}}, Frameworks: []audit.Framework{audit.SOC2, audit.GDPR},
		Context: audit.Object{"source_ip": "203.0.113.1", "approval": "CR-1", "location": "Plant A"},
		Action: audit.Object{"operation": "update", "changes": []any{
			map[string]any{"field": "a", "old_value": nil, "new_value": 1, "change_reason": "x"}, map[string]any{"field": "b", "old_value": "1", "new_value": []any{}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	seed := make([]byte, SeedSize)
	fields, err := Split(payload, seed, PersonalPaths)
	if err != nil {
		t.Fatal(err)
	}
	text, err := encodeFields(fields)
	if err != nil {
		t.Fatal(err)
	}
	var r fieldReader
	if !r.plain(seed, []byte(text)) || !sameFields(r.fields, fields) {
		t.Fatalf("%s was not read", text)
	}
	if got, ok := joinPlain(nil, r.fields); !ok || !bytes.Equal(got, payload) {
		t.Errorf("put together it is %s", got)
	}
	rec := Record{EventType: "scan.completed"}
	columns, _, err := project(&rec, r.fields)
	if from := sourcesOf(r.fields); err != nil || !from.agree(&rec, stored(&columns)) {
		t.Error("the columns were not compared")
	}
}
