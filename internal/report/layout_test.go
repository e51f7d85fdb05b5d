package report_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sealbook/sealbook/internal/report"
)

func TestNoPageIsEmpty(t *testing.T) {
	t.Parallel()
	alone := bare()
	alone.Checkpoint = "origin\n1\nhash\n"
	cut := sample()
	cut.Signatures, cut.Checkpoint, cut.Verification = nil, "", nil
	for name, d := range map[string]report.Document{
		"all": sample(), "nothing": bare(), "entries": bare(report.Table{Title: "T", Rows: rows(3)}), "checkpoint": alone, "ends with entries": cut,
	} {
		for n, page := range pagesOf(t, render(t, d)) {
			lines := slices.DeleteFunc(strings.Split(page, "\n"), func(s string) bool { return strings.TrimSpace(s) == "" })
			if len(lines) < 3 { // the first and the last are on every page
				t.Errorf("%s: page %d has nothing on it: %q", name, n+1, lines)
			}
		}
	}
}

func TestAFindingStaysTogether(t *testing.T) {
	t.Parallel()
	for more := range 12 { // lines of the first, which move the others down
		d := sample()
		d.Findings = nil
		for i := range 12 {
			d.Findings = append(d.Findings, report.Finding{ID: "f", Title: fmt.Sprintf("Title %02d.", i), Description: "Described." + strings.Repeat("\nmore", 8),
				Severity: "high", Status: "open", Owner: "QA", EntryIDs: []string{fmt.Sprintf("audit_entry_x_%02d", i)}})
		}
		d.Findings[0].Description += strings.Repeat("\nline", more)
		pages := pagesOf(t, render(t, d))
		for i := range 12 {
			on := func(s string) int {
				return slices.IndexFunc(pages, func(p string) bool { return strings.Contains(p, s) })
			}
			if from, to := on(fmt.Sprintf("Title %02d.", i)), on(fmt.Sprintf("audit_entry_x_%02d", i)); from < 0 || from != to {
				t.Errorf("finding %d begins on page %d and ends on %d", i, from+1, to+1)
			}
		}
	}
}

func TestNoLineStandsAlone(t *testing.T) {
	t.Parallel()
	for words := 20; words < 140; words += 9 { // two lines and more
		d := bare()
		for i := range 40 {
			d.Verification = append(d.Verification, strings.Repeat(fmt.Sprintf("word%02d ", i), words))
		}
		for n, page := range pagesOf(t, render(t, d)) {
			for i := range 40 {
				lines := 0
				for line := range strings.Lines(page) {
					if strings.Contains(line, fmt.Sprintf("word%02d", i)) {
						lines++
					}
				}
				if lines == 1 {
					t.Errorf("of a paragraph of %d words, one line is on page %d", words, n+1)
				}
			}
		}
	}
}

func TestAHeadingStaysWithItsTable(t *testing.T) {
	t.Parallel()
	for before := 8; before < 30; before++ {
		tall := func(yield func(report.Row, error) bool) {
			_ = yield(report.Row{EntryID: "tall_1", Description: strings.Repeat("line\n", 6) + "its end"}, nil) && yield(report.Row{EntryID: "tall_2"}, nil)
		}
		d := bare(report.Table{Title: "Before", Rows: rows(before)}, report.Table{Title: "Behind", Note: "How they were chosen.", Rows: tall})
		found := false
		for n, page := range pagesOf(t, render(t, d))[2:] {
			heading := strings.Contains(page, "Behind")
			if heading != strings.Contains(page, "tall_1") || heading != strings.Contains(page, "How they were chosen") || heading != strings.Contains(page, "its end") {
				t.Errorf("after %d rows, the heading is on page %d without its table", before, n+3)
			}
			found = found || heading
		}
		if !found {
			t.Errorf("after %d rows, the heading is missing", before)
		}
	}
}
