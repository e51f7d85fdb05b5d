package sign_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/sign"
)

// handmade is a PDF of these objects, numbered from 1; the first is the catalog.
func handmade(trailer string, objects ...string) []byte {
	out := []byte("%PDF-1.4\n")
	places := make([]int, len(objects))
	for i, o := range objects {
		places[i] = len(out)
		out = fmt.Appendf(out, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	table := len(out)
	out = fmt.Appendf(out, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, p := range places {
		out = fmt.Appendf(out, "%010d 00000 n \n", p)
	}
	return fmt.Appendf(out, "trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, trailer, table)
}

func TestHostileFiles(t *testing.T) {
	t.Parallel()
	catalog := func(fields string) string { return "<< /AcroForm << /Fields [" + fields + "] >> >>" }
	field := "<< /FT /Sig /V << /Type /Sig >> >>"
	loop := handmade("/Prev 0000000000", catalog(""))
	loop = bytes.Replace(loop, []byte("/Prev 0000000000"), fmt.Appendf(nil, "/Prev %010d", bytes.Index(loop, []byte("xref\n"))), 1)
	moved := handmade("", catalog("2 0 R"), field)
	moved = bytes.Replace(moved, []byte("2 0 obj"), []byte("3 0 obj"), 1)
	for name, c := range map[string]struct {
		pdf   []byte
		count int
		says  string
	}{
		"a field":              {handmade("", catalog("2 0 R"), field), 1, ""},
		"a field there":        {handmade("", catalog(field)), 1, ""},
		"an empty field":       {handmade("", catalog("<< /FT /Sig >> << /FT /Sig /V null >> << /FT /Sig /V 9 0 R >> 7 8 0 R")), 0, ""},
		"a text field":         {handmade("", catalog("<< /FT /Tx /V (x) >>")), 0, ""},
		"inherited":            {handmade("", catalog("<< /FT /Sig /V << >> /Kids [<< >> 2 0 R] >>"), "<< /Kids [<< >>] >>"), 2, ""},
		"fifty":                {handmade("", catalog(strings.Repeat(field, 50))), 50, ""},
		"fifty-one":            {handmade("", catalog(strings.Repeat(field, 51))), 0, "more than 50 signatures"},
		"a field twice":        {handmade("", catalog("2 0 R 2 0 R"), field), 0, "there twice"},
		"fields in a circle":   {handmade("", catalog("2 0 R"), "<< /Kids [2 0 R] >>"), 0, "there twice"},
		"deep fields":          {handmade("", append([]string{catalog("2 0 R")}, chain(100)...)...), 0, "deep in each other"},
		"a key twice":          {handmade("", "<< /AcroForm << >> /AcroForm << /Fields [] >> >>"), 0, "one twice"},
		"a key spelled twice":  {handmade("", "<< /AcroForm << >> /Acro#46orm << /Fields [] >> >>"), 0, "one twice"},
		"deep arrays":          {handmade("", strings.Repeat("[", 100)+strings.Repeat("]", 100)), 0, "deep in each other"},
		"tables in a circle":   {loop, 0, "cannot be a cross-reference table"},
		"a table elsewhere":    {bytes.Replace(handmade("", catalog("")), []byte("startxref\n"), []byte("startxref\n9"), 1), 0, "cannot be a cross-reference table"},
		"another object":       {moved, 0, "here is object 3 0 and not 2 0"},
		"no catalog":           {handmade("", "null"), 0, "no catalog"},
		"another catalog":      {handmade("", "[]"), 0, "another kind"},
		"fields of text":       {handmade("", "<< /AcroForm << /Fields (x) >> >>"), 0, "another kind"},
		"an object that stays": {handmade("", "<< >> 1"), 0, "does not end"},
		"an operator":          {handmade("", "<< /A foo >>"), 0, "no value"},
	} {
		all, err := sign.Verify(c.pdf, nil, nil)
		if c.says == "" {
			if err != nil || len(all) != c.count {
				t.Errorf("%s: %+v, %v", name, all, err)
			}
			continue
		}
		if audit.CodeOf(err) != audit.InvalidParameter || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, not %q", name, err, c.says)
		}
	}
}

// chain is fields under fields, from object 2 on.
func chain(n int) (objects []string) {
	for i := range n {
		objects = append(objects, fmt.Sprintf("<< /Kids [%d 0 R] >>", i+3))
	}
	return append(objects, "<< >>")
}

// Objects that stand in each other's strings would be read again and again:
// some megabytes took hours.
func TestOverlappingObjects(t *testing.T) {
	t.Parallel()
	const n = 40000
	var fields, body, table strings.Builder
	body.WriteString("%PDF-1.4\n")
	for i := range n {
		fmt.Fprintf(&fields, "%d 0 R ", i+2)
		fmt.Fprintf(&table, "%010d 00000 n \n", body.Len())
		fmt.Fprintf(&body, "%d 0 obj (", i+2)
	}
	body.WriteString(strings.Repeat(") endobj ", n))
	at := body.Len()
	fmt.Fprintf(&body, "1 0 obj << /AcroForm << /Fields [%s] >> >> endobj\n", fields.String())
	start := body.Len()
	fmt.Fprintf(&body, "xref\n1 %d\n%010d 00000 n \n%strailer\n<< /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", n+1, at, table.String(), start)
	began := time.Now()
	_, err := sign.Verify([]byte(body.String()), nil, nil)
	if audit.CodeOf(err) != audit.InvalidParameter || !strings.Contains(err.Error(), "overlap") {
		t.Errorf("%v", err)
	}
	t.Logf("%d bytes in %s", body.Len(), time.Since(began))
}
