package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// report is the outcome, of which every figure is a median over the runs.
type report struct {
	Machine  machine `json:"machine"`
	Runs     int     `json:"runs"`
	Window   float64 `json:"window_s"`
	RowBytes int     `json:"plain_row_bytes"`
	BodySize int     `json:"body_bytes"`
	Rows     []line  `json:"rows"`
}

type machine struct {
	CPU      string `json:"cpu"`
	Cores    int    `json:"cores"`
	Go       string `json:"go"`
	Postgres string `json:"postgres"`
	Tessera  string `json:"tessera"`
	Date     string `json:"date"`
}

// line is a row's figures. A figure that does not apply is 0.
type line struct {
	Name     string  `json:"name"`
	Callers  int     `json:"callers"`
	Rate     float64 `json:"entries_per_s"`
	Lowest   float64 `json:"lowest_run"`
	Highest  float64 `json:"highest_run"`
	P50      float64 `json:"p50_ms"`
	P99      float64 `json:"p99_ms"`
	PerBatch float64 `json:"entries_per_commit"`
	Program  float64 `json:"cpu_us_per_entry_program"` // load generator and ledger, or server
	Postgres float64 `json:"cpu_us_per_entry_postgres"`
	Ceiling  float64 `json:"of_insert"`
	Rival    float64 `json:"of_tessera_signed"`
	Promise  string  `json:"promise"`
}

func (b *bench) report(chosen []row, samples map[string][]sample) *report {
	rep := &report{Machine: b.machine(), Runs: b.runs, Window: b.window.Seconds(), RowBytes: b.rowBytes, BodySize: bodySize}
	rates := map[string]float64{}
	for name, all := range samples {
		rates[name] = median(all, sample.rate)
	}
	for _, r := range chosen {
		all := samples[r.name]
		perEntry := func(of func(sample) time.Duration) float64 {
			return median(all, func(s sample) float64 { return float64(of(s).Nanoseconds()) / 1000 / float64(max(s.entries, 1)) })
		}
		l := line{
			Name: r.name, Callers: r.callers, Rate: rates[r.name], Promise: r.promise,
			P50:      median(all, func(s sample) float64 { return milliseconds(s.quantile(0.50)) }),
			P99:      median(all, func(s sample) float64 { return milliseconds(s.quantile(0.99)) }),
			PerBatch: median(all, func(s sample) float64 { return s.perBatch }),
			Program:  perEntry(func(s sample) time.Duration { return s.own + s.server }),
			Postgres: perEntry(func(s sample) time.Duration { return s.postgres }),
			Ceiling:  ratio(rates[r.name], rates[r.ceiling]), Rival: ratio(rates[r.name], rates[r.rival]),
		}
		byRate := func(a, b sample) int { return cmp.Compare(a.rate(), b.rate()) }
		l.Lowest, l.Highest = slices.MinFunc(all, byRate).rate(), slices.MaxFunc(all, byRate).rate()
		rep.Rows = append(rep.Rows, l)
	}
	return rep
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func median(all []sample, of func(sample) float64) float64 {
	values := make([]float64, len(all))
	for i, s := range all {
		values[i] = of(s)
	}
	slices.Sort(values)
	if n := len(values); n%2 == 0 {
		return (values[n/2-1] + values[n/2]) / 2
	}
	return values[len(values)/2]
}

// ratio is 0 when the other row was not measured.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func (b *bench) machine() machine {
	m := machine{CPU: runtime.GOARCH, Cores: runtime.NumCPU(), Go: runtime.Version(), Date: time.Now().UTC().Format("2006-01-02")}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, after, ok := strings.Cut(string(text), "model name\t: "); ok {
			m.CPU, _, _ = strings.Cut(after, "\n")
		}
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if d.Path == "github.com/transparency-dev/tessera" {
				m.Tessera = d.Version
			}
		}
	}
	m.Postgres = b.version
	return m
}

func (rep *report) json(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(rep)
}

// title says under which conditions the figures hold.
func (rep *report) title() string {
	m := rep.Machine
	return fmt.Sprintf("%s, %d cores for everything; Postgres %s, Go %s, Tessera %s; %s. Medians of %d runs of %g s. Bodies of %d bytes; plain rows of %d, as many as ours take.",
		m.CPU, m.Cores, m.Postgres, strings.TrimPrefix(m.Go, "go"), strings.TrimPrefix(m.Tessera, "v"), m.Date, rep.Runs, rep.Window, rep.BodySize, rep.RowBytes)
}

var headings = []string{"what", "entries/s", "lowest – highest", "p50 ms", "p99 ms", "entries a commit", "CPU µs: program", "Postgres", "of INSERT", "× Tessera signed"}

func (l *line) cells() []string {
	return []string{
		l.Name, whole(l.Rate), whole(l.Lowest) + " – " + whole(l.Highest), figure(l.P50, 2), figure(l.P99, 2),
		figure(l.PerBatch, 0), figure(l.Program, 1), figure(l.Postgres, 1), figure(l.Ceiling, 2), figure(l.Rival, 1),
	}
}

// whole groups thousands.
func whole(f float64) string {
	s := fmt.Sprintf("%.0f", f)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func figure(f float64, digits int) string {
	if f == 0 {
		return "–"
	}
	return fmt.Sprintf("%.*f", digits, f)
}

func (rep *report) text(w io.Writer) error {
	fmt.Fprintf(w, "%s\n", rep.title())
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	promise := ""
	for i := range rep.Rows {
		l := &rep.Rows[i]
		if l.Promise != promise {
			promise = l.Promise
			if err := t.Flush(); err != nil {
				return err
			}
			fmt.Fprintf(w, "\nAcknowledged: %s\n", promise)
			fmt.Fprintln(t, strings.Join(headings, "\t"))
		}
		fmt.Fprintln(t, strings.Join(l.cells(), "\t"))
	}
	return t.Flush()
}

func (rep *report) markdown(w io.Writer) error {
	fmt.Fprintf(w, "%s\n", rep.title())
	promise := ""
	for i := range rep.Rows {
		l := &rep.Rows[i]
		if l.Promise != promise {
			promise = l.Promise
			fmt.Fprintf(w, "\nAcknowledged: %s.\n\n| %s |\n|%s\n", promise, strings.Join(headings, " | "), "---|"+strings.Repeat("--:|", len(headings)-1))
		}
		if _, err := fmt.Fprintf(w, "| %s |\n", strings.Join(l.cells(), " | ")); err != nil {
			return err
		}
	}
	return nil
}
