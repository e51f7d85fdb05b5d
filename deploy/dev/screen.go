package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// screen writes what people read. On a terminal it may colour and redraw; in a
// pipe it writes whole lines only.
type screen struct {
	mu       sync.Mutex
	out      io.Writer
	terminal bool
	colour   bool
}

func newScreen(f *os.File) *screen {
	s := &screen{out: f}
	if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb" {
		s.terminal = true
		s.colour = os.Getenv("NO_COLOR") == ""
	}
	return s
}

func (s *screen) line(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, format+"\n", args...)
}

func (s *screen) paint(code, text string) string {
	if !s.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s *screen) bold(text string) string  { return s.paint("1", text) }
func (s *screen) faint(text string) string { return s.paint("2", text) }
func (s *screen) green(text string) string { return s.paint("32", text) }
func (s *screen) red(text string) string   { return s.paint("31", text) }

// done is one line for one thing that works now.
func (s *screen) done(what, detail string, began time.Time) {
	s.line("  %s %-11s %s %s", s.green("✓"), what, detail, s.faint("("+took(began)+")"))
}

func (s *screen) note(what, detail string) { s.line("  … %-11s %s", what, detail) }

func took(began time.Time) string {
	d := time.Since(began)
	if d < 10*time.Second {
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// indent returns a writer for another program's output, which keeps lines
// whole and moves them to the right. flush writes what has no line end.
func (s *screen) indent(by string) (w io.Writer, flush func()) {
	i := &indenter{screen: s, by: by}
	return i, func() {
		if i.rest.Len() > 0 {
			s.line("%s%s", by, i.rest.String())
			i.rest.Reset()
		}
	}
}

type indenter struct {
	screen *screen
	by     string
	rest   bytes.Buffer
}

func (i *indenter) Write(p []byte) (int, error) {
	i.rest.Write(p)
	for {
		line, rest, ok := bytes.Cut(i.rest.Bytes(), []byte("\n"))
		if !ok {
			return len(p), nil
		}
		i.screen.line("%s", strings.TrimRight(i.by+string(line), " \r"))
		i.rest = *bytes.NewBuffer(bytes.Clone(rest))
	}
}

// progress is long work that can say how far it is.
type progress interface {
	// now returns a share between 0 and 1 and words for it, or "" when there is
	// nothing to show.
	now() (share float64, words string)
}

// wait runs work and shows its progress: a bar on a terminal, a line every
// twenty seconds in a pipe.
func (s *screen) wait(ctx context.Context, p progress, work func() error) error {
	every := 20 * time.Second
	if s.terminal {
		every = 200 * time.Millisecond
	}
	result := make(chan error, 1)
	go func() { result <- work() }()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for drawn := false; ; {
		select {
		case err := <-result:
			if drawn && s.terminal {
				s.mu.Lock()
				fmt.Fprint(s.out, "\r\x1b[K")
				s.mu.Unlock()
			}
			return err
		case <-tick.C:
		}
		share, words := p.now()
		if words == "" || ctx.Err() != nil {
			continue
		}
		drawn = true
		if !s.terminal {
			s.note("temporal", fmt.Sprintf("%3.0f %%  %s", share*100, words))
			continue
		}
		const width = 28
		full := int(share * width)
		s.mu.Lock()
		fmt.Fprintf(s.out, "\r\x1b[K  … %-11s %s%s %3.0f %%  %s", "temporal",
			s.green(strings.Repeat("█", full)), s.faint(strings.Repeat("░", width-full)), share*100, words)
		s.mu.Unlock()
	}
}
