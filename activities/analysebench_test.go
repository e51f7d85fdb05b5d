package activities_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/dataflow"
	"github.com/sealbook/sealbook/internal/forensic"
	"github.com/sealbook/sealbook/internal/forensic/eval/synthetic"
	"github.com/sealbook/sealbook/ledger"
)

// BenchmarkAnalyses streams invented entries of ten plants, of as many years as it
// takes (internal/forensic/eval/synthetic, with incidents), through each analysis on
// one processor. The baseline is "scan": the same file, read and decoded as a ledger
// decodes what it has checked, and nothing else. It prints
//
//	entries/s   by the processor's time, reading and decoding included
//	own/s       the same without what the scan takes: the analysis alone
//	x-scan      the processor's time in scans
//	MB-peak     the most resident memory of the process (VmHWM, where there is a /proc)
//
// SEALBOOK_TEST_FORENSIC_ENTRIES is how many entries.
func BenchmarkAnalyses(b *testing.B) {
	n := envNumber(b, "SEALBOOK_TEST_FORENSIC_ENTRIES", 20_000)
	stream := plants(b, n)
	rules, err := forensic.Load()
	if err != nil {
		b.Fatal(err)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	scan := 0.0
	measure := func(name string, run func(yield func(func(*audit.Entry) error))) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				debug.FreeOSMemory()
				os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // begins VmHWM anew
				began := processorTime(b)
				run(func(each func(*audit.Entry) error) { stream(b, each) })
				took := (processorTime(b) - began).Seconds()
				if name == "scan" {
					scan = took
				}
				b.ReportMetric(float64(n)/took, "entries/s")
				b.ReportMetric(took/scan, "x-scan")
				if took > scan {
					b.ReportMetric(float64(n)/(took-scan), "own/s")
				}
				if peak, ok := peakMemory(); ok {
					b.ReportMetric(peak, "MB-peak")
				}
			}
		})
	}
	measure("scan", func(stream func(func(*audit.Entry) error)) {
		stream(func(*audit.Entry) error { return nil })
	})
	measure("patterns", func(stream func(func(*audit.Entry) error)) {
		e := forensic.New(rules)
		stream(func(entry *audit.Entry) error {
			e.Arrive(entry)
			return e.Add(entry)
		})
		e.Report()
	})
	measure("behaviour", func(stream func(func(*audit.Entry) error)) {
		w := forensic.NewWatch(forensic.Options{})
		stream(w.Add)
		w.Report()
	})
	measure("flows", func(stream func(func(*audit.Entry) error)) {
		builder := dataflow.New(dataflow.Bounds{})
		stream(builder.Add)
		builder.Graph()
	})
}

func envNumber(b *testing.B, name string, standard int) int {
	v := os.Getenv(name)
	if v == "" {
		return standard
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// processorTime is what this process has used, on all processors.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// plants writes so many entries to a file, in the order of their time, and returns
// what streams them. Each 56 days are another seed of the same plants.
func plants(b *testing.B, n int) func(*testing.B, func(*audit.Entry) error) {
	name := filepath.Join(b.TempDir(), "entries")
	f, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	split := synthetic.Splits[0]
	for written, block := 0, 0; written < n; block++ {
		c, err := split.NewSplit(uint64(7_000_001 * (block + 1))).Attacked(synthetic.Sites)
		if err != nil {
			b.Fatal(err)
		}
		entries, err := c.Entries()
		if err != nil {
			b.Fatal(err)
		}
		inTime(entries)
		for i := range entries[:min(len(entries), n-written)] {
			at := entries[i].Time().AddDate(0, 0, (synthetic.Days+7)*block) // some come late, on the days after
			entries[i].Timestamp = &at
			entries[i].ExternalID = fmt.Sprint(block, ":", entries[i].ExternalID)
			line, err := json.Marshal(&entries[i].Event)
			if err == nil {
				line, err = ledger.Canonical(line) // as it is read from a ledger
			}
			if err != nil {
				b.Fatal(err)
			}
			w.WriteString(entries[i].Type + "\t")
			w.Write(line)
			w.WriteByte('\n')
			written++
		}
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	f.Close()
	return func(b *testing.B, each func(*audit.Entry) error) {
		f, err := os.Open(name)
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(make([]byte, 1<<20), 1<<20)
		seq := int64(0)
		for ; lines.Scan(); seq++ {
			kind, payload, _ := bytes.Cut(lines.Bytes(), []byte("\t"))
			event, err := audit.DecodeEvent(string(kind), payload)
			if err == nil {
				err = each(&audit.Entry{Event: event, Seq: seq})
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		if lines.Err() != nil || seq != int64(n) {
			b.Fatalf("%d entries: %v", seq, lines.Err())
		}
	}
}

func inTime(entries []audit.Entry) {
	slices.SortStableFunc(entries, func(a, b audit.Entry) int { return a.Time().Compare(b.Time()) })
}
