package importer

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// putBack gathers a record again from the parts of its entry.
type putBack struct {
	t      testing.TB
	record map[string]any
}

func (p putBack) put(key string, v any) {
	if v == nil {
		return
	}
	if _, there := p.record[key]; there {
		p.t.Errorf("%s is in the entry twice", key)
	}
	p.record[key] = v
}

func (p putBack) all(o map[string]any, except ...string) {
	for key, v := range o {
		if _, there := p.record[key]; there {
			p.t.Errorf("%s is in the entry twice", key)
		}
		if !slices.Contains(except, key) {
			p.record[key] = v
		}
	}
}

// notes undoes what fit did, by the notes about it. It reports whether the
// entry's time is another than that of @timestamp.
func (p putBack) notes() (otherTime bool) {
	key := notesKey
	for ; p.record[key+"_"] != nil; key += "_" {
	}
	notes, _ := p.record[key].([]any)
	if notes == nil || !strings.Contains(text(notes[0]), ": a ") {
		return false
	}
	delete(p.record, key)
	for _, n := range notes {
		cut := strings.LastIndex(text(n), ": a ")
		at, what := text(n)[:cut], text(n)[cut:]
		if strings.Contains(what, "no @timestamp") {
			otherTime = true
			continue
		}
		var parent any = p.record
		steps := strings.Split(at, "/")[1:]
		for i, s := range steps {
			s = strings.ReplaceAll(strings.ReplaceAll(s, "~1", "/"), "~0", "~")
			step := func(set func(any), v any) {
				if i < len(steps)-1 {
					parent = v
				} else if strings.Contains(what, "number") {
					set(json.Number(text(v)))
				} else if back, err := decode([]byte(text(v))); err != nil {
					p.t.Errorf("%s: %v", at, err)
				} else {
					set(back)
				}
			}
			switch v := parent.(type) {
			case map[string]any:
				step(func(x any) { v[s] = x }, v[s])
			case []any:
				k, err := strconv.Atoi(s)
				if err != nil {
					p.t.Fatal(err)
				}
				step(func(x any) { v[k] = x }, v[k])
			}
		}
	}
	return otherTime
}

func restoredGitHub(t testing.TB, entry map[string]any) map[string]any {
	p := putBack{t, object(entry["details"])}
	p.put("action", object(entry["action"])["operation"])
	if id, ok := strings.CutPrefix(text(entry["external_id"]), "github:"); ok {
		p.put("_document_id", id)
	}
	metadata := object(entry["metadata"])
	_, kept := p.record["actor"]
	_, kept2 := metadata["actor"]
	if who := object(entry["actor"]); !kept && !kept2 && who["name"] != "GitHub" {
		p.put("actor", who["id"])
	}
	p.put("repo", object(entry["repository"])["id"])
	p.put("actor_ip", object(entry["context"])["source_ip"])
	p.put("user_agent", object(entry["context"])["user_agent"])
	p.all(metadata, othersKey)
	p.all(object(metadata[othersKey]))
	at, err := time.Parse(milliseconds, text(entry["timestamp"]))
	if err != nil {
		t.Error(err)
	}
	if !p.notes() {
		p.put("@timestamp", json.Number(strconv.FormatInt(at.UnixMilli(), 10)))
	}
	return p.record
}

func restoredOkta(t testing.TB, entry map[string]any) map[string]any {
	p := putBack{t, object(entry["details"])}
	p.put("eventType", object(entry["action"])["operation"])
	p.put("uuid", strings.TrimPrefix(text(entry["external_id"]), "okta:"))
	if p.record["published"] == nil {
		p.put("published", entry["timestamp"])
	}
	p.all(object(entry["metadata"]))
	p.notes()
	return p.record
}

var restorers = map[string]func(testing.TB, map[string]any) map[string]any{"github": restoredGitHub, "okta": restoredOkta}

// losesNothing puts a record together again from its entry. It reports whether
// the record became one.
func losesNothing(t testing.TB, format string, record []byte) bool {
	t.Helper()
	want, err := decode(record)
	if err != nil {
		return false
	}
	one := false
	for item, err := range Formats[format](strings.NewReader("[" + string(record) + "]")) {
		if err != nil {
			t.Fatalf("%s: %v", record, err)
		}
		if item.Err != nil {
			continue
		}
		one = true
		if item.Type.Name == "" || !strings.HasPrefix(item.Type.Name, format+".") {
			t.Errorf("type %q", item.Type.Name)
		}
		got, err := decode(item.Entry)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, any(restorers[format](t, object(got)))); d != "" {
			t.Errorf("%s comes back differently:\n%s", record, d)
		}
	}
	return one
}

// TestRecordsLoseNothing restores the samples, and records that are made of
// them by changing members.
func TestRecordsLoseNothing(t *testing.T) {
	t.Parallel()
	for format, name := range map[string]string{"github": "github.jsonl", "okta": "okta.json"} {
		records := sampleRecords(t, name)
		for _, r := range records {
			if encoded := encode(t, r); !losesNothing(t, format, encoded) {
				t.Errorf("%s is no entry", encoded)
			}
		}
		rapid.Check(t, func(rt *rapid.T) {
			record := maps.Clone(rapid.SampledFrom(records).Draw(rt, "record"))
			keys := slices.Sorted(maps.Keys(record))
			for range rapid.IntRange(1, 4).Draw(rt, "changes") {
				key := rapid.OneOf(rapid.SampledFrom(keys), rapid.SampledFrom([]string{"user_email", "member", notesKey, othersKey, "ip_address", "x"})).Draw(rt, "key")
				record[key] = rapid.OneOf(
					rapid.String().AsAny(), rapid.Just[any](nil), rapid.Just[any](json.Number("9007199254740993")), rapid.Just[any](json.Number("1735830245678")),
					rapid.Just[any](strings.Repeat("ä", 3000)), rapid.Just[any](map[string]any{"a/b~": []any{json.Number("1e400")}}),
					rapid.Just[any]([]any{"ada", map[string]any{"type": "User", "id": "x@example.com"}}),
				).Draw(rt, "value")
			}
			losesNothing(t, format, encode(t, record))
		})
	}
}

// sampleRecords are the records of a sample, as they are before they become
// entries.
func sampleRecords(t testing.TB, name string) (out []map[string]any) {
	t.Helper()
	for _, err := range records(strings.NewReader(string(read(t, name))), bareArray, func(_ int, v any) Item {
		out = append(out, object(v))
		return Item{}
	}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
