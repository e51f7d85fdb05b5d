package importer

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// rowsOf reads every row; a bad one is told as "line:column what".
func rowsOf(content string, delimiter byte) (rows [][]string, bad []string, end error) {
	in := newCSVReader(strings.NewReader(content), delimiter)
	for {
		r, err := in.next()
		switch {
		case errors.Is(err, io.EOF):
			return rows, bad, nil
		case err != nil:
			return rows, bad, err
		case r.bad != nil:
			bad = append(bad, fmt.Sprintf("%d/%d:%d %s", r.line, r.bad.line, r.bad.column, r.bad.what))
		default:
			rows = append(rows, r.fields)
		}
	}
}

func TestCSVRows(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		"":                                      `[] []`,
		"a,b":                                   `[["a" "b"]] []`,
		"\xef\xbb\xbfa,b\r\n\r\n1,\r\n":         `[["a" "b"] ["1" ""]] []`,
		"a,\"b\r\nc\"\"\",\n,\n\"\"":            `[["a" "b\r\nc\"" ""] ["" ""] [""]] []`,
		"a\n\n\n\"b\nc\"\nd":                    `[["a"] ["b\nc"] ["d"]] []`,
		"a\rb,c\n1,2\n":                         `[["1" "2"]] ["1/1:1 a carriage return without a line feed"]`,
		"a\"b,c\n1,2\n":                         `[["1" "2"]] ["1/1:1 a quotation mark in a field that does not start with one"]`,
		"x,\"a\nb\"c,d\n1,2\n":                  `[["1" "2"]] ["1/2:2 text after the closing quotation mark"]`,
		"1,2\nx,\"a\nb,c\n":                     `[["1" "2"]] ["2/2:2 the quotation mark that opens it is never closed"]`,
		"x,\xff,y\n1,\x00\n3,4\r":               `[["3" "4"]] ["1/1:2 it is not UTF-8" "2/2:2 it holds a NUL character, which cannot be stored"]`,
		"1,2\n\r":                               `[["1" "2"]] []`,
		strings.Repeat(",", MaxColumns) + "\n1": `[["1"]] ["1/1:1001 the row has more than 1000 columns"]`,
		strings.Repeat("x", MaxLine) + "\n1":    fmt.Sprintf(`[[%q] ["1"]] []`, strings.Repeat("x", MaxLine)),
		strings.Repeat("x", MaxLine+1) + "\n1":  `[["1"]] ["1/1:1 the row is longer than 4 MiB"]`,
	} {
		rows, bad, err := rowsOf(content, ',')
		if got := fmt.Sprintf("%q %q", rows, bad); got != want || err != nil {
			t.Errorf("%.80q is %.300s %v, not %.300s", content, got, err, want)
		}
	}
	// Nobody can tell where the row after an endless field starts.
	_, _, err := rowsOf("1,2\n3,\""+strings.Repeat("x\n", MaxLine/2), ',')
	if err == nil || !strings.Contains(err.Error(), "the quotation mark in line 2, column 2, is not closed within 4 MiB") {
		t.Error(err)
	}
	broken := errors.New("the disk is gone")
	in := newCSVReader(io.MultiReader(strings.NewReader("a,b\nc"), iotest.ErrReader(broken)), ',')
	if _, err := in.next(); err != nil {
		t.Error(err)
	}
	if _, err := in.next(); !errors.Is(err, broken) || !strings.Contains(err.Error(), "line 2") {
		t.Error(err)
	}
}

// TestCSVRowsComeBack: whatever a writer of CSV writes is read as it was.
func TestCSVRowsComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "\"", "a\r\nb", "\n", "\r", ";", ",", " x ", "\ufeff"})).
			Filter(func(s string) bool { return !strings.ContainsRune(s, 0) })
		delimiter := rapid.SampledFrom([]byte(",;\t|")).Draw(t, "delimiter")
		want := rapid.SliceOfN(rapid.SliceOfN(cell, 2, 5), 0, 6).Draw(t, "rows")
		var b strings.Builder
		w := csv.NewWriter(&b)
		w.Comma = rune(delimiter)
		if err := w.WriteAll(want); err != nil {
			t.Fatal(err)
		}
		content := b.String()
		if len(want) > 0 && strings.HasPrefix(want[0][0], "\ufeff") {
			content = "\ufeff" + content
		}
		rows, bad, err := rowsOf(content, delimiter)
		if len(want) == 0 {
			want = nil
		}
		if d := cmp.Diff(want, rows); d != "" || bad != nil || err != nil {
			t.Errorf("%q: %v %v\n%s", content, bad, err, d)
		}
	})
}

const plainMapping = `
source: s
fields:
  event_type: {constant: login}
  timestamp: {column: when, layout: rfc3339}
`

func parsed(t testing.TB, text string) *Mapping {
	t.Helper()
	m, err := ParseMapping([]byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return m
}

func TestCSVIdentities(t *testing.T) {
	t.Parallel()
	ids := func(mapping, content string) (out []string) {
		for _, item := range collect(t, CSV(parsed(t, mapping)), []byte(content)) {
			var e struct {
				ID string `json:"external_id"`
			}
			if item.Err != nil {
				out = append(out, item.Err.Error())
			} else if err := json.Unmarshal(item.Entry, &e); err != nil {
				t.Fatal(err)
			} else {
				out = append(out, e.ID)
			}
		}
		return out
	}
	const when = "2025-01-02T03:04:05Z"
	by := ids(plainMapping, "when,a\n"+when+",1\n"+when+",2\n"+when+",1\n")
	other := ids(plainMapping+"delimiter: ;\n", "a;\"when\"\r\n1;"+when+"\r\n2;"+when+"\r\n1;\""+when+"\"")
	if !slices.Equal(by, other) || by[2] != by[0]+":2" || by[1] == by[0] || !strings.HasPrefix(by[0], "csv.content:s:") {
		t.Errorf("%q %q", by, other)
	}
	named := ids(plainMapping+"external_id: id\n", "id,when\n7,"+when+"\n,"+when+"\n"+strings.Repeat("x", 250)+","+when+"\n")
	if !slices.Equal(named, []string{"csv:s:7", "column 1, id: an id has 1 to 250 bytes", "csv:s:" + strings.Repeat("x", 250)}) {
		t.Errorf("%q", named)
	}
	headless := ids(plainMapping+"columns: [when, a]\n", when+",1\n")
	if len(headless) != 1 || headless[0] != by[0] {
		t.Errorf("%q", headless)
	}
}

// TestCSVFilesThatDoNotFit: a file that cannot be what the mapping is for is
// not read at all.
func TestCSVFilesThatDoNotFit(t *testing.T) {
	t.Parallel()
	var many strings.Builder
	for i := range 65 {
		fmt.Fprintf(&many, ",c%d", i)
	}
	for _, c := range []struct{ mapping, content, says string }{
		{plainMapping, "whem,x\n1,2\n", `the columns of line 1 do not fit the mapping: there is no column "when"; there are whem, x`},
		{plainMapping, "\n\nwhen,when\n", `line 3 do not fit the mapping: there are two columns "when"`},
		{plainMapping + "external_id: id", "when\n", `there is no column "id"`},
		{plainMapping + "unmapped: details", "when,,x\n", `column 2, "", cannot go to details`},
		{plainMapping + "unmapped: details", "when,x,x\n", `column 2, "x", cannot go to details`},
		{plainMapping + "unmapped: metadata", "when" + many.String() + "\n", `65 columns would go to metadata, which holds 64`},
		{plainMapping + "  details.x: {column: y}\nunmapped: details", "when,x,y\n", `column 2, "x", cannot go to details`},
		{plainMapping, "when,\"x\"y\n", "line 1, column 2: text after the closing quotation mark"},
	} {
		var got error
		n := 0
		for _, err := range CSV(parsed(t, c.mapping))(strings.NewReader(c.content)) {
			n, got = n+1, err
		}
		if n != 1 || got == nil || !strings.Contains(got.Error(), c.says) {
			t.Errorf("%q gives %d items and %v, not %s", c.content, n, got, c.says)
		}
	}
	// What is dropped may have any name.
	if items := collect(t, CSV(parsed(t, plainMapping)), []byte("when,,x,x\n2025-01-02T03:04:05Z,1,2,3\n")); len(items) != 1 || items[0].Err != nil {
		t.Errorf("%+v", items)
	}
	if items := collect(t, CSV(parsed(t, plainMapping)), nil); items != nil {
		t.Errorf("%+v", items)
	}
}
