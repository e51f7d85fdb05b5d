package api_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sealbook/sealbook/api"
	"github.com/sealbook/sealbook/ledger"
)

// BenchmarkShowEntry reads details from 1 and from 32 clients, in process: in
// turns with an entry appended before each answer and with the entries
// following, each turn's last flush included. It prints both, the ratio of the
// rates, and how old a read was at most when its entry was recorded: what a
// crash at the worst moment would have lost.
func BenchmarkShowEntry(b *testing.B) {
	for _, clients := range []int{1, 32} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			before, after := newReaders(b, -1), newReaders(b, api.DefaultReadFlushEvery)
			const turns = 6
			b.ResetTimer()
			for turn := range turns {
				n := b.N*(turn+1)/turns - b.N*turn/turns
				before.read(clients, n)
				after.read(clients, n)
			}
			b.StopTimer()
			was, is := before.report("before"), after.report("after")
			b.ReportMetric(is/was, "ratio")
			b.ReportMetric(float64(after.oldest().Milliseconds()), "oldest-ms")
		})
	}
}

// readers read one entry of an API of their own, again and again.
type readers struct {
	b     *testing.B
	bench *bench
	path  string
	took  time.Duration
	mu    sync.Mutex
	waits []time.Duration
}

func newReaders(b *testing.B, interval time.Duration) *readers {
	bench := newBench(b, func(c *api.Config, _ *ledger.Config) { c.RateLimit, c.ReadFlushEvery = -1, interval })
	r := &readers{b: b, bench: bench, path: bench.entry("full")}
	ctx, stop := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { bench.handler.Run(ctx) })
	b.Cleanup(func() {
		stop()
		running.Wait()
	})
	return r
}

// read reads n times; the time that it takes ends when all is recorded.
func (r *readers) read(clients, n int) {
	began := time.Now()
	work := make(chan struct{})
	var reading sync.WaitGroup
	for range clients {
		reading.Go(func() {
			var waits []time.Duration
			for range work {
				at := time.Now()
				if code := r.bench.read("full", r.path, "r"); code != http.StatusOK {
					r.b.Errorf("status %d", code)
				}
				waits = append(waits, time.Since(at))
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			r.waits = append(r.waits, waits...)
		})
	}
	for range n {
		work <- struct{}{}
	}
	close(work)
	reading.Wait()
	r.bench.flush()
	r.took += time.Since(began)
}

func (r *readers) report(name string) (rate float64) {
	slices.Sort(r.waits)
	rate = float64(len(r.waits)) / r.took.Seconds()
	r.b.ReportMetric(rate, name+"-reads/s")
	r.b.ReportMetric(float64(r.waits[len(r.waits)/2].Microseconds())/1000, name+"-p50-ms")
	r.b.ReportMetric(float64(r.waits[len(r.waits)*99/100].Microseconds())/1000, name+"-p99-ms")
	if entries := len(r.bench.entriesOf(r.bench.ledger, "audit.entry_read")); entries != len(r.waits) {
		r.b.Errorf("%s: %d entries about %d reads", name, entries, len(r.waits))
	}
	return rate
}

// oldest is the longest time from a read to the recording of its entry.
func (r *readers) oldest() (d time.Duration) {
	for _, e := range r.bench.entriesOf(r.bench.ledger, "audit.entry_read") {
		d = max(d, e.RecordedAt.Sub(e.Time()))
	}
	return d
}
