package report_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"testing"
	"time"

	"github.com/sealbook/sealbook/internal/report"
)

// mostMemory is what a report of the most rows may take of the process, in MB.
const mostMemory = 150

// BenchmarkPDF renders a report with as many rows. It gives the pages per second,
// the most memory that the process had in use (VmHWM, where there is a /proc),
// and how many times longer than the baseline it takes: the same document as CSV.
func BenchmarkPDF(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) {
			d := sample()
			d.Tables = []report.Table{{Title: "All", Rows: rows(n)}}
			pages := 0
			debug.FreeOSMemory()
			os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // begins VmHWM anew
			start := time.Now()
			for b.Loop() {
				out, err := report.PDF(b.Context(), d)
				if err != nil {
					b.Fatal(err)
				}
				pages += out.Pages
			}
			took := time.Since(start)
			if peak, ok := peakMemory(); ok {
				b.ReportMetric(peak, "MB-peak")
				if peak > mostMemory {
					b.Errorf("%d rows took %.0f MB, more than %d", n, peak, mostMemory)
				}
			}
			start = time.Now()
			for range b.N {
				if err := report.CSV(b.Context(), io.Discard, d); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(pages)/took.Seconds(), "pages/s")
			b.ReportMetric(float64(pages)/float64(b.N), "pages")
			b.ReportMetric(took.Seconds()/time.Since(start).Seconds(), "times-CSV")
		})
	}
}

// peakMemory returns the most resident memory of the process so far, in MB.
func peakMemory() (float64, bool) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, false
	}
	_, after, ok := bytes.Cut(status, []byte("VmHWM:"))
	if !ok {
		return 0, false
	}
	kB, err := strconv.ParseFloat(string(bytes.Fields(after)[0]), 64)
	return kB / 1000, err == nil
}
