package report_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/report"
)

// bare is a document with nothing but tables.
func bare(tables ...report.Table) report.Document {
	return report.Document{Title: "Entries", ReportID: "r", Revision: 1, Type: report.AuditTrail, GeneratedAt: frozen, Tables: tables}
}

func TestRowsBeyondTheLimitAreCounted(t *testing.T) {
	t.Parallel()
	d := bare(report.Table{Title: "First", Rows: rows(4)}, report.Table{Title: "Second", Rows: rows(1500)}, report.Table{Title: "Third", Rows: rows(2)})
	d.MaxRows = 6
	out := render(t, d)
	if out.Rows != 6 || out.Omitted != 1500 {
		t.Errorf("%d rows, %d omitted; want 6 and 1500", out.Rows, out.Omitted)
	}
	all := strings.Join(strings.Fields(tool(t, out.Bytes, "pdftotext", "-layout", "FILE", "-")), " ")
	for _, want := range []string{
		"4 entries, none left out.",
		"1,498 entries of this table left out: a report lists 6 entries at most, and 2 entries are listed here.",
		"2 entries of this table left out: a report lists 6 entries at most, and 0 entries are listed here.",
		"6 entries listed, 1,500 entries left out: a report lists 6 at most. They are in the ledger, and in the report's JSON and CSV forms.",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("the report does not say %q", want)
		}
	}
	if strings.Contains(all, "none left out. There") || strings.Count(all, "audit_entry_") != 6 {
		t.Errorf("%d entries are listed", strings.Count(all, "audit_entry_"))
	}
}

func TestNoRowStandsAlone(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 58; n++ { // a page has 23 to 29
		if n == 4 {
			n = 20
		}
		d := bare(report.Table{Title: "All", Rows: rows(n)})
		listed := 0
		for i, page := range pagesOf(t, render(t, d)) {
			here := strings.Count(page, "audit_entry_")
			if headed := strings.Contains(page, "Position"); headed != (here > 0) || here == 1 && n > 1 {
				t.Errorf("of %d rows, page %d has %d, with a header: %v", n, i+1, here, headed)
			}
			listed += here
		}
		if listed != n {
			t.Errorf("%d of %d rows are listed", listed, n)
		}
	}
}

func TestARowHigherThanAPageIsContinued(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 4000 {
		fmt.Fprintf(&text, "word%04d ", i)
	}
	long := func(yield func(report.Row, error) bool) {
		_ = yield(report.Row{EntryID: "before"}, nil) && yield(report.Row{EntryID: "long", Description: text.String()}, nil) && yield(report.Row{EntryID: "after"}, nil)
	}
	out := render(t, bare(report.Table{Title: "All", Rows: long}))
	all := tool(t, out.Bytes, "pdftotext", "-raw", "FILE", "-")
	for i := range 4000 {
		if strings.Count(all, fmt.Sprintf("word%04d", i)) != 1 {
			t.Fatalf("word%04d is there %d times", i, strings.Count(all, fmt.Sprintf("word%04d", i)))
		}
	}
	if !strings.Contains(all, "after") {
		t.Error("the row after it is missing")
	}
}

func TestTheContextEndsARendering(t *testing.T) {
	t.Parallel()
	writers := map[string]func(context.Context, report.Document) error{
		"PDF":  func(ctx context.Context, d report.Document) error { _, err := report.PDF(ctx, d); return err },
		"JSON": func(ctx context.Context, d report.Document) error { return report.JSON(ctx, io.Discard, d) },
		"CSV":  func(ctx context.Context, d report.Document) error { return report.CSV(ctx, io.Discard, d) },
	}
	for name, write := range writers {
		ctx, cancel := context.WithCancel(t.Context())
		read := 0
		err := write(ctx, bare(report.Table{Rows: func(yield func(report.Row, error) bool) {
			for row := range rows(1_000_000) {
				if read++; read == 300 {
					cancel()
				}
				if !yield(row, nil) {
					return
				}
			}
		}}))
		if !errors.Is(err, context.Canceled) || audit.Permanent(err) || read > 1500 {
			t.Errorf("%s, canceled at row 300, read %d: %v", name, read, err)
		}
		broken := errors.New("connection lost")
		var failing iter.Seq2[report.Row, error] = func(yield func(report.Row, error) bool) {
			_ = yield(report.Row{}, nil) && yield(report.Row{}, broken)
		}
		if err := write(t.Context(), bare(report.Table{Title: "Logins", Rows: failing})); !errors.Is(err, broken) || !strings.Contains(err.Error(), "Logins") || audit.Permanent(err) {
			t.Errorf("%s of failing rows: %v", name, err)
		}
		for what, spoil := range map[string]func(*report.Document){
			"no time":          func(d *report.Document) { d.GeneratedAt = time.Time{} },
			"unknown type":     func(d *report.Document) { d.Type = "other" },
			"rows below 0":     func(d *report.Document) { d.MaxRows = -1 },
			"rows over all":    func(d *report.Document) { d.MaxRows = report.DefaultMaxRows + 1 },
			"score over 100":   func(d *report.Document) { d.Frameworks[0].Score = f64(100.1) },
			"no number":        func(d *report.Document) { d.Frameworks[0].Floor = math.NaN() },
			"coverage below 0": func(d *report.Document) { d.Frameworks[1].Coverage = -1 },
			"trend":            func(d *report.Document) { d.Frameworks[0].Trend[1].Score = math.Inf(1) },
			"count":            func(d *report.Document) { d.Severities[0].Count = -1 },
		} {
			d := sample()
			spoil(&d)
			if err := write(t.Context(), d); audit.CodeOf(err) != audit.ValidationFailed {
				t.Errorf("%s with %s: %v", name, what, err)
			}
		}
	}
}
