package audit

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// decodeLong is what decodeShort must agree with.
func decodeLong(payload []byte) (e Event, err error) {
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	err = d.Decode(&e)
	return e, err
}

// agrees fails when the short way takes a payload and says something else.
func agrees(t interface {
	Helper()
	Fatalf(string, ...any)
}, payload []byte) (short bool) {
	t.Helper()
	var got Event
	if short = decodeShort(&got, payload); !short {
		return false
	}
	want, err := decodeLong(payload)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%s\nthe short way: %+v\nthe long way:  %+v %v", payload, got, want, err)
	}
	return true
}

func TestDecodeTheShortWay(t *testing.T) {
	t.Parallel()
	for payload, short := range map[string]bool{
		`{}`: true,
		`{"actor":{"id":"u","n":[1,-2.5,0,[],{}],"x":null,"y":true,"z":false},"class":"login","severity":"low","timestamp":"2025-01-02T03:04:05.6Z"}`:                                                                                                            true,
		`{"class":"a\"b\\c\u00e9 é","frameworks":["SOC2","GDPR"],"requires_investigation":true}`:                                                                                                                                                                 true,
		`{"action":{"a":{"b":{"c":"d"}}},"auto_response":{"a":1},"category":"c","context":{},"description":"d","details":{"a":"ä"},"electronic_signature":{},"external_id":"e","impact_assessment":{},"metadata":{},"repository":{},"resource":{},"schema":"s"}`: true,

		``: false, `[]`: false, `{"class":"login"} `: false, `{ "class":"login"}`: false, `{"class":"login",}`: false, `{"class":"login"`: false,
		`{"Class":"login"}`: false, `{"severity":"low","class":"login"}`: false, `{"class":"a","class":"b"}`: false, `{"unknown":1}`: false,
		`{"class":null}`: false, `{"class":1}`: false, `{"actor":null}`: false, `{"actor":{"a":1,"a":2}}`: false, `{"frameworks":[]}`: false, `{"frameworks":null}`: false,
		`{"requires_investigation":false}`: false, `{"timestamp":"yesterday"}`: false, `{"details":{"a":1e5}}`: false, `{"details":{"a":01}}`: false, `{"details":{"a":1.}}`: false,
		`{"details":{"a":-}}`: false, `{"details":{"a":nul}}`: false, "{\"class\":\"a\nb\"}": false, "{\"class\":\"\xff\"}": false, `{"class":"\x"}`: false, `{"class":"a\`: false,
		`{"details":{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}}`: false,
	} {
		if got := agrees(t, []byte(payload)); got != short {
			t.Errorf("%s: the short way takes it: %v", payload, got)
		}
	}
}

// TestDecodingAgrees: whatever the short way takes, of events and of events
// with a byte changed, the long way reads the same.
func TestDecodingAgrees(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, 6, -1)
		values := rapid.OneOf(text.AsAny(), rapid.Bool().AsAny(), rapid.Just[any](nil), rapid.Int32().AsAny(), rapid.Float64().AsAny(),
			rapid.SliceOfN(text.AsAny(), 0, 3).AsAny(), rapid.MapOfN(text, rapid.OneOf(text.AsAny(), rapid.Int8().AsAny()), 0, 3).AsAny())
		object := func(name string) Object { return rapid.MapOfN(text, values, 0, 4).Draw(t, name) }
		e := Event{
			Class: EventClass(text.Draw(t, "class")), Severity: SeverityLow, Description: text.Draw(t, "description"),
			Actor: object("actor"), Details: object("details"), Action: object("action"), Frameworks: []Framework{SOX},
			RequiresInvestigation: rapid.Bool().Draw(t, "investigate"),
		}
		encoded, err := json.Marshal(e)
		if err != nil {
			t.Skip(err)
		}
		var sorted map[string]any // the order of canonical JSON
		d := json.NewDecoder(bytes.NewReader(encoded))
		d.UseNumber()
		if err := d.Decode(&sorted); err != nil {
			t.Fatal(err)
		}
		if encoded, err = json.Marshal(sorted); err != nil {
			t.Fatal(err)
		}
		agrees(t, encoded)
		at := rapid.IntRange(0, len(encoded)-1).Draw(t, "at")
		encoded[at] = rapid.Byte().Draw(t, "byte")
		agrees(t, encoded)
	})
}
