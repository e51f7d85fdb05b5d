package evidence_test

import (
	"archive/zip"
	"encoding/csv"
	"io"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/evidence"
	"github.com/sealbook/sealbook/ledger"
)

// wideRequest selects about half of a long book.
func wideRequest() audit.ExportRequest {
	r := allCategories(audit.FormatZIP)
	r.AuditPeriod.To = "2099-12-31"
	r.Include = []audit.Category{audit.AccessLogs, audit.IssueHistory}
	return r
}

// folder is an object store on disk.
type folder string

func (f folder) create(name string) (io.WriteCloser, error) {
	path := filepath.Join(string(f), name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	return os.Create(path)
}

func (f folder) open(name string) (io.ReadCloser, error) {
	return os.Open(filepath.Join(string(f), name))
}

// export collects and builds a package on disk, as the activities do. rows
// gives a part's rows.
func export(tb testing.TB, b *book, rows func(part string) iter.Seq[ledger.Row], s evidence.Scope, path string) {
	tb.Helper()
	store := folder(tb.TempDir())
	m := evidence.Material{Scope: s, Open: store.open, Sign: b.seal}
	for _, part := range append([]audit.Category{evidence.Skeleton}, s.Request.Include...) {
		c, err := evidence.NewCollector(s, string(part), nil, store.create)
		if err != nil {
			tb.Fatal(err)
		}
		for row := range rows(string(part)) {
			if err := c.Add(row); err != nil {
				tb.Fatal(err)
			}
		}
		p, err := c.Close()
		if err != nil {
			tb.Fatal(err)
		}
		m.Parts = append(m.Parts, p)
	}
	out, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer out.Close()
	if _, err := evidence.Build(out, m); err != nil {
		tb.Fatal(err)
	}
}

func verifyFile(tb testing.TB, path, key string) int64 {
	tb.Helper()
	in, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		tb.Fatal(err)
	}
	if r := evidence.Verify(in, info.Size(), evidence.VerifyOptions{Keys: []string{key}}); r.Exit() != 0 {
		tb.Fatalf("not verified:\n%s", reportText(tb, r))
	}
	return info.Size()
}

// peak runs do and returns by how many bytes what is live on the heap grew at
// most.
func peak(do func()) int64 {
	live := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := live()
	most := before
	stop := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
				most = max(most, live())
			}
		}
	})
	do()
	close(stop)
	done.Wait()
	return most - before
}

// TestMemory builds and verifies a package of a ledger that is never in memory
// as a whole, and neither is the package: its rows alone would take more.
func TestMemory(t *testing.T) {
	const entries, most = 12_000, 24 << 20
	b := newBook(t)
	b.forget = true
	b.fill(entries)
	s := b.scope(wideRequest(), 0)
	path := filepath.Join(t.TempDir(), "package.zip")
	var size int64
	build := peak(func() {
		export(t, b, func(part string) iter.Seq[ledger.Row] { return selected(s, part, all(t, entries)) }, s, path)
	})
	check := peak(func() { size = verifyFile(t, path, b.genesis.Key) })
	t.Logf("%d entries, %d bytes: building takes %d KiB, verifying %d KiB", entries, size, build>>10, check>>10)
	if build > most || check > most {
		t.Errorf("more than %d KiB", most>>10)
	}
}

// kept finds each part's rows once, as a database has them ready.
func kept(b *book, s evidence.Scope) func(part string) iter.Seq[ledger.Row] {
	parts := map[string][]ledger.Row{}
	for _, part := range append([]audit.Category{evidence.Skeleton}, s.Request.Include...) {
		parts[string(part)] = b.selected(s, string(part))
	}
	return func(part string) iter.Seq[ledger.Row] { return slices.Values(parts[part]) }
}

// BenchmarkBuild compares collecting, packing and signing a package with what
// it replaces: the same rows as CSV in a zip.
func BenchmarkBuild(b *testing.B) {
	const n = 10_000
	book := newBook(b).fill(n)
	s := book.scope(wideRequest(), 0)
	path := filepath.Join(b.TempDir(), "package.zip")
	rows := kept(book, s)
	var ours, plain time.Duration
	for b.Loop() {
		start := time.Now()
		export(b, book, rows, s, path)
		ours += time.Since(start)
		start = time.Now()
		plainCSV(b, book)
		plain += time.Since(start)
	}
	b.ReportMetric(float64(n)*float64(b.N)/ours.Seconds(), "package-entries/s")
	b.ReportMetric(float64(n)*float64(b.N)/plain.Seconds(), "plain-csv-entries/s")
	b.ReportMetric(ours.Seconds()/plain.Seconds(), "times-plain")
	b.ReportMetric(0, "ns/op")
}

// plainCSV writes all rows as a naive export does.
func plainCSV(tb testing.TB, b *book) {
	out, err := os.Create(filepath.Join(tb.TempDir(), "plain.zip"))
	if err != nil {
		tb.Fatal(err)
	}
	defer out.Close()
	z := zip.NewWriter(out)
	w, err := z.Create("entries.csv")
	if err != nil {
		tb.Fatal(err)
	}
	c := csv.NewWriter(w)
	for i := range b.rows {
		row := &b.rows[i]
		cells := []string{strconv.FormatInt(row.Seq, 10), string(row.Record)}
		for _, f := range row.Fields {
			cells = append(cells, string(f.Value))
		}
		if err := c.Write(cells); err != nil {
			tb.Fatal(err)
		}
	}
	c.Flush()
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkVerify verifies a package of which half the entries are shown.
func BenchmarkVerify(b *testing.B) {
	const n = 10_000
	book := newBook(b).fill(n)
	path := filepath.Join(b.TempDir(), "package.zip")
	s := book.scope(wideRequest(), 0)
	export(b, book, kept(book, s), s, path)
	for b.Loop() {
		b.SetBytes(verifyFile(b, path, book.genesis.Key))
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}
