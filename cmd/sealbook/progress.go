package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// isTerminal reports whether somebody is looking.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// progress is a bar on a terminal and nothing anywhere else, so that what goes
// through a pipe or into a log is results only.
type progress struct{ bar *progressbar.ProgressBar }

// newProgress starts a bar of total steps; -1 is an unknown number. Bytes are
// shown as such.
func newProgress(w io.Writer, what string, total int64, bytes bool) *progress {
	if !isTerminal(w) {
		return &progress{}
	}
	options := []progressbar.Option{
		progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(what), progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(80 * time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionShowCount(),
		progressbar.OptionSetPredictTime(true),
	}
	if bytes {
		options = append(options, progressbar.OptionShowBytes(true))
	}
	return &progress{progressbar.NewOptions64(total, options...)}
}

// to moves the bar; a total that became known is set on the way.
func (p *progress) to(done, total int64) {
	if p.bar == nil {
		return
	}
	if total > 0 && p.bar.GetMax64() != total {
		p.bar.ChangeMax64(total)
	}
	p.bar.Set64(done) //nolint:errcheck // a bar that cannot be drawn changes nothing
}

// say changes the words before the bar.
func (p *progress) say(what string) {
	if p.bar != nil {
		p.bar.Describe(what)
	}
}

// clear makes room for a line; the bar comes back when it moves.
func (p *progress) clear() {
	if p.bar != nil {
		p.bar.Clear() //nolint:errcheck // as above
	}
}

// end removes the bar.
func (p *progress) end() {
	if p.bar != nil {
		p.bar.Finish() //nolint:errcheck // as above
	}
}

// metered reads and tells how far.
type metered struct {
	r     io.Reader
	done  int64
	moved func(done int64) // may be nil
}

func (c *metered) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.done += int64(n)
	if c.moved != nil {
		c.moved(c.done)
	}
	return n, err
}
