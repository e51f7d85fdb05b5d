package report_test

import (
	"bytes"
	"compress/zlib"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/sealbook/sealbook/internal/report"
)

// child makes the test program print the sample's PDF, and nothing else.
const child = "SEALBOOK_TEST_PRINT_REPORT"

func TestMain(m *testing.M) {
	if os.Getenv(child) != "" {
		out, err := report.PDF(context.Background(), sample())
		if err != nil {
			panic(err)
		}
		os.Stdout.Write(out.Bytes)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestEqualDocumentsGiveEqualBytes(t *testing.T) {
	t.Parallel()
	want := render(t, sample()).Bytes
	var all sync.WaitGroup
	for range 4 { // at the same time: gofpdf writes into the fonts that it is given
		all.Go(func() {
			if out, err := report.PDF(t.Context(), sample()); err != nil || !bytes.Equal(out.Bytes, want) {
				t.Errorf("rendered again: %v, equal %v", err, bytes.Equal(out.Bytes, want))
			}
		})
	}
	all.Wait()
	for range 3 {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), child+"=1")
		got, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("another process made %d bytes that differ from these %d", len(got), len(want))
		}
	}
}

func TestThePDFIsWellFormed(t *testing.T) {
	t.Parallel()
	report := render(t, sample())
	if out := tool(t, report.Bytes, "qpdf", "--check", "FILE"); !strings.Contains(out, "No syntax or stream encoding errors") {
		t.Error(out)
	}
	// qpdf and poppler do not look at zlib's checksum.
	streams := regexp.MustCompile(`<</Filter /FlateDecode /Length (\d+)>>\nstream\n`).FindAllSubmatchIndex(report.Bytes, -1)
	if len(streams) != report.Pages {
		t.Errorf("%d pages have %d streams", report.Pages, len(streams))
	}
	for _, at := range streams {
		length, _ := strconv.Atoi(string(report.Bytes[at[2]:at[3]]))
		stream := bytes.NewReader(report.Bytes[at[1] : at[1]+length])
		r, err := zlib.NewReader(stream)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(r); err != nil || !bytes.Contains(text, []byte(" Tf ET")) || stream.Len() > 0 {
			t.Errorf("a page of %d bytes: %v, %d bytes follow", len(text), err, stream.Len())
		}
	}
}

// pagesOf returns the text of each page.
func pagesOf(t *testing.T, out report.Rendered) []string {
	t.Helper()
	pages := strings.Split(tool(t, out.Bytes, "pdftotext", "-layout", "FILE", "-"), "\f")
	pages = pages[:len(pages)-1]
	if len(pages) != out.Pages {
		t.Fatalf("%d pages are said to be there, and %d are", out.Pages, len(pages))
	}
	return pages
}

func TestTheTextIsThere(t *testing.T) {
	t.Parallel()
	out := render(t, sample())
	pages := pagesOf(t, out)
	all := strings.Join(pages, "\f")
	for what, want := range map[string]string{
		"score": "87.5 %", "coverage": "72.7 %", "floor": "63.6 %", "no score": "nothing of the framework was assessed",
		"status": "Partially compliant", "reason": "whether people have the education",
		"entry of a finding": "audit_entry_20260502_021007", "entry of a violation": "audit_entry_20260611_027350",
		"due": "2026-08-15", "entry of a table": "audit_entry_20260702_000119",
		"printed name": "Prüferin für Qualität", "time": "2026-07-03 16:05:09 +02:00 (2026-07-03 14:05:09 UTC)", "meaning": "Approved for release to the authority",
		"checkpoint": "30552", "verification": "Check the digital signature", "limits": "A log shows what systems reported to it",
		"cyrillic": "Старший аудитор", "replaced": "[U+5BA1] [U+8BA1]", "count": fmt.Sprintf("Characters replaced: %d.", out.Replaced),
		"rows": "123 entries listed, none left out", "empty table": "There is no entry of this kind",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("%s: %q is not in the text", what, want)
		}
	}
	if out.Replaced != 2*24 {
		t.Errorf("%d characters replaced, want 48", out.Replaced)
	}
	for n, page := range pages {
		for _, want := range []string{fmt.Sprintf("%d of %d", n+1, len(pages)), sample().Digest, "DEVELOPMENT SIGNATURE"} {
			if !strings.Contains(page, want) {
				t.Errorf("page %d has no %q", n+1, want)
			}
		}
	}
}

func TestContentsAndBookmarksLeadToTheirPages(t *testing.T) {
	t.Parallel()
	d := sample()
	for i := range 60 { // contents of three pages
		d.Tables = append(d.Tables, report.Table{Title: fmt.Sprintf("Table number %d", i), Rows: rows(i % 3)})
	}
	out := render(t, d)
	pages := pagesOf(t, out)
	var titles []string
	var numbers []int
	for _, line := range regexp.MustCompile(`(?m)^ *(\S.*?) {2,}(\d+)$`).FindAllStringSubmatch(strings.Join(pages[1:4], "\n"), -1) {
		n, _ := strconv.Atoi(line[2])
		titles, numbers = append(titles, strings.TrimSpace(line[1])), append(numbers, n)
	}
	if len(titles) != 8+2+63 {
		t.Fatalf("the contents have %d lines, want 73: %q", len(titles), titles)
	}
	spaces := regexp.MustCompile(` +`)
	for i, title := range titles {
		if page := spaces.ReplaceAllString(pages[numbers[i]-1], " "); !strings.Contains(page, spaces.ReplaceAllString(title, " ")) {
			t.Errorf("%q is not on page %d", title, numbers[i])
		}
	}
	var targets []int
	for _, to := range regexp.MustCompile(`/Dest \[(\d+) 0 R /XYZ 0 ([0-9.]+) null\]`).FindAllSubmatch(out.Bytes, -1) {
		object, _ := strconv.Atoi(string(to[1]))
		y, _ := strconv.ParseFloat(string(to[2]), 64)
		targets = append(targets, (object-1)/2)
		if landscape := numbers[7] <= (object-1)/2 && (object-1)/2 < numbers[len(numbers)-2]; y < 60 || y > 842 || landscape && y > 595 {
			t.Errorf("a link leads to %.0f points on page %d", y, (object-1)/2)
		}
	}
	if !slices.Equal(targets, append(slices.Clone(numbers), numbers...)) { // the links, then the bookmarks
		t.Errorf("links and bookmarks lead to\n%v, the contents say\n%v", targets, numbers)
	}
}

func TestTheSignatureBoxIsFree(t *testing.T) {
	t.Parallel()
	d := sample()
	out := render(t, d)
	box := out.Signature
	if box.Page != out.Pages || box.X < 50 || box.X+box.Width > 545 || box.Y < 60 || box.Y+box.Height > 780 || box.Width < 200 || box.Height < 60 {
		t.Fatalf("%+v of %d pages", box, out.Pages)
	}
	whole := func(n float64) string { return strconv.Itoa(int(n)) }
	in := tool(t, out.Bytes, "pdftotext", "-f", whole(float64(box.Page)), "-l", whole(float64(box.Page)), "-r", "72",
		"-x", whole(box.X), "-y", whole(841.89-box.Y-box.Height), "-W", whole(box.Width), "-H", whole(box.Height), "FILE", "-")
	if strings.TrimSpace(in) != "" {
		t.Errorf("the box has text: %q", in)
	}
	above := tool(t, out.Bytes, "pdftotext", "-f", whole(float64(box.Page)), "-l", whole(float64(box.Page)), "-r", "72",
		"-x", whole(box.X), "-y", whole(841.89-box.Y-box.Height-14), "-W", whole(box.Width), "-H", "14", "FILE", "-")
	if strings.TrimSpace(above) != "Digital signature" {
		t.Errorf("above the box stands %q", above)
	}

	d.Signatures = []report.Signature{{Signatory: "Prüferin für Qualität", Meaning: "Reviewed"}}
	awaited := render(t, d)
	if page := pagesOf(t, awaited)[awaited.Signature.Page-1]; !strings.Contains(page, "Awaiting signature") || !strings.Contains(page, "not yet") || strings.Contains(page, "Signed electronically") {
		t.Error(page)
	}
	d.Signatures = nil
	if none := render(t, d); none.Signature != (report.SignatureBox{}) {
		t.Errorf("%+v of a report that is not to be signed", none.Signature)
	}
}
