package importer

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sealbook/sealbook/audit"
)

var update = flag.Bool("update", false, "write the golden files anew")

// samples are the recordings in testdata that have a golden file. All people
// and organisations in them are made up.
func samples(t testing.TB) map[string]Format {
	return map[string]Format{
		"github.jsonl": GitHub, "okta.json": Okta,
		"payroll.csv": CSV(mapping(t, "payroll.yaml")), "events.csv": CSV(mapping(t, "events.json")),
	}
}

func mapping(t testing.TB, name string) *Mapping {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := ReadMapping(f)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestSamples holds what each recording becomes against its golden file, and
// asks the ledger's own rules whether they take it.
func TestSamples(t *testing.T) {
	t.Parallel()
	for name, format := range samples(t) {
		content := read(t, name)
		var got bytes.Buffer
		for _, item := range collect(t, format, content) {
			if item.Err != nil {
				t.Errorf("%s, line %d: %v", name, item.Line, item.Err)
				continue
			}
			acceptable(t, item)
			v, err := decode(item.Entry)
			if err != nil {
				t.Fatal(err)
			}
			e := json.NewEncoder(&got)
			e.SetIndent("", " ")
			if err := e.Encode(map[string]any{"line": item.Line, "type": item.Type, "entry": v}); err != nil {
				t.Fatal(err)
			}
		}
		golden := "testdata/golden/" + name + ".txt"
		if *update {
			if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); d != "" {
			t.Errorf("%s (run the test with -update if this is meant):\n%s", golden, d)
		}
		again := collect(t, format, content)
		if d := cmp.Diff(collect(t, format, content), again); d != "" {
			t.Errorf("%s gives something else the second time:\n%s", name, d)
		}
	}
}

// acceptable holds an entry against the rules of POST /entries.
func acceptable(t testing.TB, item Item) {
	t.Helper()
	var r audit.EntryRequest
	if err := json.Unmarshal(item.Entry, &r); err != nil {
		t.Fatal(err)
	}
	find := func(name string) (audit.EventType, bool) { return item.Type, name == item.Type.Name }
	if _, bad := r.Event(find, time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)); bad != nil {
		t.Errorf("line %d: %+v\n%s", item.Line, bad, item.Entry)
	}
	// A bulk request is two levels more, and a payload has 16.
	if v, err := decode(item.Entry); err != nil || depthOf(v) > 14 {
		t.Errorf("line %d: %d levels, %v", item.Line, depthOf(v), err)
	}
	if item.Type.Name != "" && !audit.ValidEventTypeName(item.Type.Name) {
		t.Errorf("no record can hold the type %q", item.Type.Name)
	}
}

// TestNobodyIsNamedWhereNothingCanBeErased: what names the people of the
// samples is in fields that are committed one by one.
func TestNobodyIsNamedWhereNothingCanBeErased(t *testing.T) {
	t.Parallel()
	for name, people := range map[string][]string{
		"github.jsonl": {"ada-example", "grace-example", "203.0.113", "198.51.100", "2001:db8"},
		"okta.json":    {"ada@", "Ada", "00uEXAMPLEADA", "grace@", "Grace Example", "mallory", "203.0.113", "Potsdam", "14467", "session-"},
		"payroll.csv":  {"u-1", "Ada", "Grace", "203.0.113", "agreed"},
		"events.csv":   {"u-1", "failed logins"},
	} {
		for _, item := range collect(t, samples(t)[name], read(t, name)) {
			var e map[string]any
			if err := json.Unmarshal(item.Entry, &e); err != nil {
				t.Fatal(err)
			}
			for _, erasable := range []string{"actor", "metadata", "description"} {
				delete(e, erasable)
			}
			for _, erasable := range []string{"source_ip", "user_agent", "location"} {
				delete(object(e["context"]), erasable)
			}
			rest, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range people {
				if bytes.Contains(rest, []byte(p)) {
					t.Errorf("%s, line %d: %q stays in %s", name, item.Line, p, rest)
				}
			}
		}
	}
}
