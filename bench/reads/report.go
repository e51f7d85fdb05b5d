package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

// report is the outcome of a run.
type report struct {
	CPU      string  `json:"cpu"`
	Cores    int     `json:"cores"`
	Go       string  `json:"go"`
	Postgres string  `json:"postgres"`
	Date     string  `json:"date"`
	Clients  int     `json:"clients"`
	Window   float64 `json:"window_s"`
	Data     facts   `json:"data"`
	Lines    []line  `json:"questions"`
}

// line is a question's figures.
type line struct {
	Question string  `json:"question"`
	API      figures `json:"api"`
	SQL      figures `json:"sql"`
	Ratio    float64 `json:"p50_of_sql"`
	Rates    float64 `json:"rate_of_sql"`
	Target   target  `json:"target"`
	Met      bool    `json:"met"`
	Refused  string  `json:"refused,omitempty"` // what the API answered instead of data
}

type figures struct {
	P50  float64 `json:"p50_ms"`
	P99  float64 `json:"p99_ms"`
	Rate float64 `json:"per_s"`
}

func figuresOf(s measured) figures {
	return figures{P50: s.quantile(0.50), P99: s.quantile(0.99), Rate: s.rate()}
}

// measureAll asks every question of the API and, right after it, in SQL.
func measureAll(ctx context.Context, o options, d *dataset, progress io.Writer) (*report, error) {
	rep := &report{
		CPU: cpu(), Cores: runtime.NumCPU(), Go: strings.TrimPrefix(runtime.Version(), "go"), Date: time.Now().UTC().Format(time.DateOnly),
		Clients: o.clients, Window: o.window.Seconds(),
	}
	if err := d.admin.QueryRow(ctx, `select split_part(current_setting('server_version'), ' ', 1)`).Scan(&rep.Postgres); err != nil {
		return nil, err
	}
	s, err := d.serve(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Stop(syscall.SIGTERM)
	drawn, err := d.draw(ctx, s)
	if err != nil {
		return nil, err
	}
	for _, q := range drawn.questions() {
		if !o.only.MatchString(q.name) {
			continue
		}
		api, err := q.measure(ctx, o, s)
		var refused *refusal
		if err != nil && !errors.As(err, &refused) {
			return nil, fmt.Errorf("%s: %w\n%s", q.name, err, s.Log())
		}
		sql, err := d.pgbench(ctx, q.script)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", q.name, err)
		}
		l := q.line(api, sql, refused)
		rep.Lines = append(rep.Lines, l)
		if refused != nil {
			fmt.Fprintf(progress, "%-40s %v\n", q.name, refused)
			continue
		}
		fmt.Fprintf(progress, "%-40s %9.2f ms, in SQL %9.2f ms\n", q.name, l.API.P50, l.SQL.P50)
	}
	rep.Data, err = d.facts(ctx)
	return rep, err
}

func (q *question) measure(ctx context.Context, o options, s *server) (out measured, err error) {
	if q.check != nil {
		if err := q.check(ctx); err != nil {
			return out, err
		}
	}
	return drive(ctx, o, s, q.ask)
}

// line makes a question's line. What was refused has no figures of the API, and
// misses whatever its target is.
func (q *question) line(api, sql measured, refused *refusal) line {
	l := line{Question: q.name, SQL: figuresOf(sql), Target: q.target}
	if refused != nil {
		l.Refused = refused.answer
		return l
	}
	l.API = figuresOf(api)
	if l.SQL.P50 > 0 {
		l.Ratio = l.API.P50 / l.SQL.P50
	}
	l.Rates = l.API.Rate / l.SQL.Rate
	l.Met = q.target.met(l)
	return l
}

func cpu() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	_, after, ok := strings.Cut(string(text), "model name\t: ")
	if !ok {
		return runtime.GOARCH
	}
	name, _, _ := strings.Cut(after, "\n")
	return name
}

func (rep *report) json(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(rep)
}

// title says under which conditions the figures hold.
func (rep *report) title() string {
	return fmt.Sprintf("%s, %d cores for everything; Postgres %s, Go %s; %s. %d clients, windows of %g s. %s.",
		rep.CPU, rep.Cores, rep.Postgres, rep.Go, rep.Date, rep.Clients, rep.Window, rep.Data)
}

var headings = []string{"what", "p50 ms", "p99 ms", "requests/s", "SQL p50 ms", "p99 ms", "statements/s", "p50 of SQL", "of its rate", "target", "met"}

func (l *line) cells() []string {
	met := "no"
	switch {
	case l.Refused != "":
		return []string{
			l.Question, "–", "–", "–", short(l.SQL.P50), short(l.SQL.P99), whole(l.SQL.Rate), "–", "–", l.Target.String(),
			"no: " + l.Refused,
		}
	case l.Target == (target{}):
		met = "–"
	case l.Met:
		met = "yes"
	}
	return []string{
		l.Question, short(l.API.P50), short(l.API.P99), whole(l.API.Rate), short(l.SQL.P50), short(l.SQL.P99), whole(l.SQL.Rate),
		share(l.Ratio), share(l.Rates), l.Target.String(), met,
	}
}

// share is a ratio.
func share(f float64) string {
	if f >= 100 {
		return whole(f)
	}
	return fmt.Sprintf("%.2f", f)
}

// short is a figure of milliseconds.
func short(f float64) string {
	if f >= 100 {
		return whole(f)
	}
	return fmt.Sprintf("%.1f", f)
}

// whole groups thousands.
func whole(f float64) string {
	s := fmt.Sprintf("%.0f", f)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func (rep *report) text(w io.Writer) error {
	fmt.Fprintf(w, "%s\n\n", rep.title())
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.Join(headings, "\t"))
	for i := range rep.Lines {
		fmt.Fprintln(t, strings.Join(rep.Lines[i].cells(), "\t"))
	}
	return t.Flush()
}

func (rep *report) markdown(w io.Writer) error {
	fmt.Fprintf(w, "%s\n\n| %s |\n|---|%s---|---|\n", rep.title(), strings.Join(headings, " | "), strings.Repeat("--:|", len(headings)-3))
	for i := range rep.Lines {
		cells := rep.Lines[i].cells()
		for n := range cells {
			cells[n] = strings.ReplaceAll(cells[n], "|", `\|`)
		}
		if _, err := fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | ")); err != nil {
			return err
		}
	}
	return nil
}
