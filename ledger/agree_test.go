package ledger

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// agree says yes only to columns in which differs finds nothing, whatever the
// fields and the columns hold.
func TestAgreementIsNoLaxer(t *testing.T) {
	t.Parallel()
	value := rapid.SampledFrom([]string{
		`""`, `"a"`, `"b"`, `"é"`, `"a\\\""`, `"SOC2"`, `7`, `null`, `{}`, `[]`, `["SOC2"]`, `["SOC2","GDPR"]`, `["SOC2,GDPR"]`, `["SOC2",""]`, `["SOC2",null]`,
		`{"email":"a","id":"b","type":7}`, `{"id":"a","name":"b"}`, `{"id":"a","type":"b"}`, `"1970-01-01T00:00:00.000005Z"`, `"1970-01-01T01:00:00.000005+01:00"`, `"1970-01-01T00:00:00.00000500Z"`,
	})
	usual := map[string]string{
		"/class": `"system"`, "/severity": `"low"`, "/actor": `{}`, "/actor/id": `"u"`, "/resource": `{"id":"é","name":7,"type":"t"}`,
		"/frameworks": `["SOC2","GDPR"]`, "/timestamp": `"2024-05-01T10:00:00.12Z"`,
	}
	path := rapid.SampledFrom([]string{
		"/actor", "/actor/email", "/actor/id", "/actor/type", "/category", "/class", "/frameworks", "/other", "/repository", "/repository/id",
		"/repository/name", "/resource", "/resource/id", "/resource/type", "/severity", "/timestamp",
	})
	agreed := 0
	rapid.Check(t, func(t *rapid.T) {
		rec := Record{EventType: "scan.completed", RecordedAt: time.UnixMicro(5).UTC()}
		content := map[string]Field{}
		for at, v := range usual {
			content[at] = Field{Path: at, Value: []byte(v)}
		}
		for range rapid.IntRange(0, 4).Draw(t, "changes") {
			at := path.Draw(t, "path")
			switch rapid.IntRange(0, 3).Draw(t, "change") {
			case 0, 1:
				content[at] = Field{Path: at, Value: []byte(value.Draw(t, "value"))}
			case 2:
				delete(content, at)
			case 3:
				content[at] = Field{Path: at, Commitment: new(Hash)}
			}
		}
		fields := slices.Collect(maps.Values(content))
		sortFields(fields)
		p, erased, err := project(&rec, fields)
		checkSources(t, fields, erased)
		columns := stored(&p)
		switch at := rapid.IntRange(-len(columns), len(columns)-1).Draw(t, "column"); {
		case at < 0:
		case rapid.Bool().Draw(t, "null"):
			columns[at] = nil
		case len(columns[at]) > 0:
			columns[at][rapid.IntRange(0, len(columns[at])-1).Draw(t, "byte")] ^= 1
		default:
			columns[at] = []byte("x")
		}
		from := sourcesOf(fields)
		if !from.agree(&rec, columns) {
			return
		}
		agreed++
		if err != nil || erased != nil || p.differs(columns) != nil {
			t.Fatalf("%v %v: %v differ", err, erased, p.differs(columns))
		}
	})
	if agreed == 0 {
		t.Error("nothing agreed: this test says nothing")
	}
}

// checkSources looks every place up by itself: the field, or what its parent
// holds.
func checkSources(t *rapid.T, fields []Field, erased []string) {
	at := func(path string) *Field {
		for i := range fields {
			if fields[i].Path == path {
				return &fields[i]
			}
		}
		return nil
	}
	s := sourcesOf(fields)
	gone := 0
	for i, path := range []string{
		"/class", "/timestamp", "/severity", "/category", "/actor/type", "/actor/id", "/actor/email",
		"/resource/type", "/resource/id", "/repository/id", "/repository/name", "/frameworks",
	} {
		f, want := at(path), []byte(nil)
		if parent, key, nested := strings.Cut(path[1:], "/"); f == nil && nested {
			if f = at("/" + parent); f != nil && f.Disclosed() {
				var o map[string]json.RawMessage
				if json.Unmarshal(f.Value, &o) == nil {
					want = o[key]
				}
				f = nil
			}
		}
		if f != nil {
			want = f.Value // nil when it was erased
		}
		lost := f != nil && !f.Disclosed()
		if !bytes.Equal(s.value[i], want) || s.erased[i] != lost || lost != slices.Contains(erased, projected[i+1].name) {
			t.Fatalf("%s: %s %v, not %s %v", path, s.value[i], s.erased[i], want, lost)
		}
		if lost {
			gone++
		}
	}
	if gone != len(erased) {
		t.Fatalf("%d are erased, not %v", gone, erased)
	}
}

// What chance would seldom draw.
func TestWhatLooksAlikeDoesNotAgree(t *testing.T) {
	t.Parallel()
	for name, agreed := range map[string]bool{
		"one element with a comma": agreeList([]byte(`["SOC2,GDPR"]`), textArray([]string{"SOC2,GDPR"})),
		"an empty element":         agreeList([]byte(`[""]`), textArray([]string{""})),
		"an empty list":            agreeList([]byte(`[]`), textArray(nil)),
		"a shorter list":           agreeList([]byte(`["SOC2","GDPR"]`), textArray([]string{"SOC2"})),
		"another recording time":   agreeTime(nil, timestamp(6), time.UnixMicro(5)),
		"another time":             agreeTime([]byte(`"1970-01-01T00:00:00.000005Z"`), timestamp(6), time.UnixMicro(6)),
		"a year of five digits":    agreeTime([]byte(`"10000-01-01T00:00:00Z"`), timestamp(253402300800e6), time.UnixMicro(0)),
	} {
		if agreed {
			t.Error(name)
		}
	}
}

func timestamp(micros int64) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(micros-946684800*1e6))
}
