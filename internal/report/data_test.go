package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/internal/report"
)

func TestJSONHasEverything(t *testing.T) {
	t.Parallel()
	d := sample()
	d.MaxRows = 1 // of a PDF
	d.Scope = append(d.Scope, "not UTF-8: \xff")
	var first, second bytes.Buffer
	if err := errors.Join(report.JSON(t.Context(), &first, d), report.JSON(t.Context(), &second, d)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("written again, it is different")
	}
	var got struct {
		Report report.Document `json:"report"`
		Tables []struct {
			Title, Note string
			Rows        []report.Row
			Count       int
		}
	}
	decoder := json.NewDecoder(&first)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if r := got.Report; *r.Frameworks[0].Score != 87.5 || r.Frameworks[1].Score != nil || r.Violations[0].EntryIDs[0] != "audit_entry_20260611_027350" ||
		r.Scope[3] != "not UTF-8: \uFFFD" || !r.Period.Until.Equal(d.Period.Until) {
		t.Errorf("%+v", r)
	}
	if at := got.Report.Signatures[0].SignedAt.Format(time.RFC3339); at != "2026-07-03T16:05:09+02:00" {
		t.Errorf("signed at %s: the offset is lost", at)
	}
	if len(got.Tables) != 3 || got.Tables[0].Note == "" {
		t.Fatalf("%+v", got.Tables)
	}
	for i, n := range []int{120, 3, 0} {
		table := got.Tables[i]
		if table.Title != d.Tables[i].Title || len(table.Rows) != n || table.Count != n || table.Rows == nil {
			t.Errorf("table %d: %q with %d rows, said to be %d", i, table.Title, len(table.Rows), table.Count)
		}
		for row := range rows(n) {
			if !table.Rows[row.Seq].Time.Equal(row.Time) || table.Rows[row.Seq].EntryID != row.EntryID || table.Rows[row.Seq].Actor != row.Actor {
				t.Errorf("%+v, want %+v", table.Rows[row.Seq], row)
			}
		}
	}
}

// records writes a document as CSV and reads it again.
func records(t *testing.T, d report.Document) []map[string]string {
	t.Helper()
	var b bytes.Buffer
	if err := report.CSV(t.Context(), &b, d); err != nil {
		t.Fatal(err)
	}
	if strings.Count(b.String(), "\n") != strings.Count(b.String(), "\r\n") {
		t.Error("a line does not end with CRLF")
	}
	lines, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, line := range lines[1:] {
		record := map[string]string{}
		for i, value := range line {
			if value != "" {
				record[lines[0][i]] = value
			}
		}
		out = append(out, record)
	}
	return out
}

func TestCSVHasEverything(t *testing.T) {
	t.Parallel()
	d := sample()
	d.MaxRows = 1 // of a PDF
	kinds := map[string]int{}
	for _, r := range records(t, d) {
		kinds[r["record"]]++
		switch {
		case r["record"] == "framework" && r["id"] == "floor" && r["group"] == "FDA_21CFR11" && r["text"] != "63.6",
			r["record"] == "violation" && (r["entry_ids"] != "audit_entry_20260611_027350" || r["owner"] != "Site security"),
			r["record"] == "finding" && r["due"] != "2026-08-15",
			r["record"] == "signature" && r["id"] == "signed_at" && r["text"] != "2026-07-03T16:05:09+02:00",
			r["record"] == "entry" && r["position"] == "119" && (r["time"] != "2026-07-02T08:27:43.000Z" || r["id"] != "audit_entry_20260702_000119" || r["type"] != "config.changed"):
			t.Errorf("%v", r)
		}
	}
	want := map[string]int{"report": 11, "basis": 7, "checked": 1, "limit": 2, "framework": 7, "score": 7, "requirement": 18, "not_assessed": 4, "finding": 4,
		"violation": 1, "event_type": 5, "severity": 4, "checkpoint": 1, "verification": 3, "signature": 4, "entry": 123}
	for kind, n := range want {
		if kinds[kind] != n {
			t.Errorf("%d records of kind %s, want %d", kinds[kind], kind, n)
		}
	}
	if len(kinds) != len(want) {
		t.Errorf("kinds %v", kinds)
	}
}

func TestCSVCalculatesNothing(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\tx": "'\tx", "\rx": "'\nx", "x\ry": "x\ny", "＝1": "'＝1",
		`=HYPERLINK("http://x","y")`: `'=HYPERLINK("http://x","y")`,
		"plain":                      "plain", "1=1": "1=1", "'quoted": "'quoted", "a, \"b\"": "a, \"b\"", "bad \xff": "bad \uFFFD",
	} {
		next := func() string { return text }
		got := append(records(t, filled(next)), records(t, filledCase(next))...)
		values := 0
		for _, r := range got {
			for column, value := range r {
				if slices.Contains([]string{"=", "+", "-", "@", "\t", "\r"}, value[:1]) {
					t.Errorf("%q: a spreadsheet calculates %s: %q", text, column, value)
				}
				if value == want {
					values++
				}
			}
		}
		if values < 100 {
			t.Errorf("%q is written as %q %d times only", text, want, values)
		}
	}
}

// full is a disk that takes some bytes.
type full struct{ left int }

var errFull = errors.New("no space left")

func (w *full) Write(b []byte) (int, error) {
	if w.left -= len(b); w.left < 0 {
		return 0, errFull
	}
	return len(b), nil
}

func TestAWriterThatFailsIsReported(t *testing.T) {
	t.Parallel()
	for _, left := range []int{0, 10_000, 100_000} {
		d := bare(report.Table{Rows: rows(2000)})
		if err := report.JSON(t.Context(), &full{left}, d); !errors.Is(err, errFull) {
			t.Errorf("JSON to %d bytes: %v", left, err)
		}
		if err := report.CSV(t.Context(), &full{left}, d); !errors.Is(err, errFull) {
			t.Errorf("CSV to %d bytes: %v", left, err)
		}
	}
}
