package evidence_test

import (
	"encoding/csv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sealbook/sealbook/internal/evidence"
)

func TestCSVInjection(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		"plain":                  "plain",
		"a = b":                  "a = b",
		"mail me at a@b.example": "mail me at a@b.example",
		"=1+1":                   "'=1+1",
		"+1":                     "'+1",
		"-5":                     "'-5",
		"@SUM(A1)":               "'@SUM(A1)",
		"\t=1":                   "'\t'=1",
		"\rx":                    "'\rx",
		"\nx":                    "'\nx",
		" =1":                    " '=1",
		"\u00a0=1":               "\u00a0'=1",
		"\ufeff=1":               "\ufeff'=1",
		"\u200b\u200b+1":         "\u200b\u200b'+1",
		"\"=1":                   "\"'=1",
		"'=1":                    "''=1",
		"\u201d=1":               "\u201d'=1",
		"\u0000=1":               "\u0000'=1",
		"＝1":                     "'＝1",
		"＋1":                     "'＋1",
		"－1":                     "'－1",
		"＠x":                     "'＠x",
		"a;=1":                   "a;'=1",
		"a; -1":                  "a; '-1",
		"a\n=cmd|' /C calc'!A0":  "a\n'=cmd|' /C calc'!A0",
		"a\t@x":                  "a\t'@x",
		"=1;=2":                  "'=1;'=2",
	} {
		if got := evidence.Harmless(in); got != want {
			t.Errorf("%q becomes %q, not %q", in, got, want)
		}
	}
}

func TestCSVQuoting(t *testing.T) {
	for in, want := range map[string]string{
		"a":          "a",
		"a b":        "a b",
		"a,b":        `"a,b"`,
		`a"b`:        `"a""b"`,
		"a\r\nb":     "\"a\r\nb\"",
		" a":         `" a"`,
		"a ":         `"a "`,
		`=cmd,"x"`:   `"'=cmd,""x"""`,
		"Ünsal, Ada": `"Ünsal, Ada"`,
	} {
		if got := evidence.AppendCell(in); got != want {
			t.Errorf("%q becomes %s, not %s", in, got, want)
		}
	}
}

// TestAnyCell holds for whatever a client submits: a reader of CSV finds one
// cell, it does not start a formula, and without the apostrophes it is what
// was submitted.
func TestAnyCell(t *testing.T) {
	letters := rapid.SampledFrom([]rune("ab=+-@;,\"' \t\r\n\ufeff\u200b＝é0"))
	rapid.Check(t, func(t *rapid.T) {
		in := string(rapid.SliceOfN(letters, 0, 12).Draw(t, "cell"))
		if strings.Contains(in, "\r") {
			t.Skip("the standard library's reader changes line ends")
		}
		rows, err := csv.NewReader(strings.NewReader("x," + evidence.AppendCell(in) + ",y\r\n")).ReadAll()
		if err != nil || len(rows) != 1 || len(rows[0]) != 3 {
			t.Fatalf("%q is not one cell: %v, %v", in, rows, err)
		}
		cell := rows[0][1]
		if strings.ReplaceAll(cell, "'", "") != strings.ReplaceAll(in, "'", "") {
			t.Fatalf("%q reads as %q", in, cell)
		}
		for _, part := range strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(";\t\n", r) }) {
			if part = strings.TrimLeft(part, " \ufeff\u200b\""); part != "" && strings.ContainsRune("=+-@＝", []rune(part)[0]) {
				t.Fatalf("%q still starts a formula: %q", in, cell)
			}
		}
	})
}
