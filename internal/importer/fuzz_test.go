package importer

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzGitHub and its like: a recording never breaks the importer, gives the
// same every time, and every record that becomes an entry comes back from it.
func FuzzGitHub(f *testing.F) { fuzzRecords(f, "github", "github.jsonl") }

// FuzzOkta see FuzzGitHub.
func FuzzOkta(f *testing.F) { fuzzRecords(f, "okta", "okta.json") }

func fuzzRecords(f *testing.F, format, sample string) {
	for _, r := range sampleRecords(f, sample) {
		f.Add(encode(f, r))
	}
	f.Add(read(f, sample))
	f.Add(read(f, "damaged.jsonl"))
	f.Fuzz(func(t *testing.T, content []byte) {
		repeats(t, Formats[format], content)
		losesNothing(t, format, content)
	})
}

// FuzzCloudTrail see FuzzGitHub; TestCloudTrailLosesNothing restores.
func FuzzCloudTrail(f *testing.F) { fuzzFormat(f, "cloudtrail", "cloudtrail.jsonl") }

// FuzzJSONL see FuzzGitHub.
func FuzzJSONL(f *testing.F) { fuzzFormat(f, "jsonl", "damaged.jsonl") }

func fuzzFormat(f *testing.F, format string, sample string) {
	for line := range bytes.Lines(read(f, sample)) {
		f.Add(line)
	}
	f.Add(read(f, sample))
	f.Fuzz(func(t *testing.T, content []byte) { repeats(t, Formats[format], content) })
}

// repeats reads a recording twice. It returns what it gave.
func repeats(t *testing.T, format Format, content []byte) []Item {
	t.Helper()
	var runs [2][]Item
	for i := range runs {
		for item, err := range format(bytes.NewReader(content)) {
			if err != nil {
				break
			}
			if item.Err == nil {
				id := text(object(mustDecode(t, item.Entry))["external_id"])
				if id == "" && !strings.Contains(string(item.Entry), `"external_id":`) {
					t.Errorf("%s has no identity", item.Entry)
				}
			} else {
				item.Err = plainError(item.Err.Error())
			}
			runs[i] = append(runs[i], item)
		}
	}
	if d := cmp.Diff(runs[0], runs[1]); d != "" {
		t.Errorf("the second run differs:\n%s", d)
	}
	return runs[0]
}

type plainError string

func (e plainError) Error() string { return string(e) }

func mustDecode(t *testing.T, entry json.RawMessage) any {
	t.Helper()
	v, err := decode(entry)
	if err != nil {
		t.Fatalf("%v: %s", err, entry)
	}
	return v
}

// FuzzCSVRows holds the reader of rows against that of the standard library,
// which forgives more: what is a row here is the same row there, but for the
// carriage returns that it drops.
func FuzzCSVRows(f *testing.F) {
	for _, name := range []string{"payroll.csv", "events.csv"} {
		f.Add(read(f, name))
	}
	for _, seed := range []string{"a,b\n", "\"a\"\"\r\n\",\r\n\r\n", "a\"b\n1", "\"a\"b\n", "\"a\n", "\xef\xbb\xbf,\n", "a\rb", "\xff,\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		rows, bad, err := rowsOf(string(content), ',')
		if err != nil || bad != nil {
			return
		}
		r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(content, byteOrderMark)))
		r.FieldsPerRecord = -1
		var want [][]string
		for {
			row, err := r.Read()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%q is refused elsewhere: %v", content, err)
			}
			want = append(want, row)
		}
		for _, row := range rows {
			for i := range row {
				row[i] = strings.ReplaceAll(row[i], "\r\n", "\n")
			}
		}
		if d := cmp.Diff(want, rows); d != "" {
			t.Errorf("%q:\n%s", content, d)
		}
	})
}

// FuzzCSVMapping: no mapping and no file break the importer; what it makes has
// an identity, is the same every time, and names the line it is from.
func FuzzCSVMapping(f *testing.F) {
	for _, pair := range [][2]string{{"payroll.yaml", "payroll.csv"}, {"events.json", "events.csv"}, {"events.json", "payroll.csv"}} {
		f.Add(read(f, pair[0]), read(f, pair[1]))
	}
	f.Add([]byte(plainMapping), []byte("when\n2025-01-02T03:04:05Z\n"))
	f.Add([]byte(plainMapping+"columns: [when, x]\nunmapped: details\nexternal_id: x\n"), []byte("2025-01-02T03:04:05Z,1\n"))
	f.Add([]byte(`{"source":"s","fields":{"event_type":{"column":"a","values":{"":"login"}},"timestamp":{"column":"b","layout":"unix_ms"},"details.j":{"column":"c","type":"json"}}}`), []byte("a,b,c\n,0,{}\n"))
	f.Fuzz(func(t *testing.T, mapping, content []byte) {
		m, err := ParseMapping(mapping)
		if err != nil {
			return
		}
		items := repeats(t, CSV(m), content)
		if !slices.IsSortedFunc(items, func(a, b Item) int { return a.Line - b.Line }) {
			t.Error("the lines do not rise")
		}
		for _, item := range items {
			if item.Err != nil {
				continue
			}
			e := object(mustDecode(t, item.Entry))
			if !strings.HasPrefix(text(e["external_id"]), "csv") || text(e["timestamp"]) == "" || text(e["event_type"]) == "" {
				t.Errorf("%s", item.Entry)
			}
		}
	})
}
