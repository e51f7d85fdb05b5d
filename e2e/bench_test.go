package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// benchBody is an entry of about 450 bytes.
func benchBody(run string, n int) string {
	return fmt.Sprintf(`{"event_type":"config.changed","severity":"medium","description":"alarm limit changed by engineering, request %d","external_id":"bench-%s-%d",`+
		`"actor":{"type":"user","id":"user_%d","email":"u%d@example.com"},"resource":{"type":"tag","id":"tag_%d","name":"Reactor temperature"},`+
		`"repository":{"id":"repo_1","name":"acme/plant"},"context":{"source_ip":"203.0.113.1","approval_reference":"CR-2026-11-001"},"compliance_frameworks":["SOC2","GDPR"]}`, n, run, n, n%7, n%7, n)
}

// BenchmarkAppendHTTP measures acknowledged appends over HTTP, one event a
// request, against a server process. The baseline is ledgertest's.
func BenchmarkAppendHTTP(b *testing.B) {
	for _, callers := range []int{1, 32, 256} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			i := install(b)
			client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: callers}}
			waits := make([][]time.Duration, callers)
			next := make(chan int, callers)
			run := fmt.Sprint(b.N)
			var wg sync.WaitGroup
			b.ResetTimer()
			start := time.Now()
			for c := range callers {
				wg.Go(func() {
					for n := range next {
						at := time.Now()
						if status, answer := i.post(client, "/entries", benchBody(run, n)); status != http.StatusCreated {
							b.Errorf("%d %s", status, answer)
						}
						waits[c] = append(waits[c], time.Since(at))
					}
				})
			}
			for n := range b.N {
				next <- n
			}
			close(next)
			wg.Wait()
			rate := float64(b.N) / time.Since(start).Seconds()
			b.StopTimer()
			ledgertest.Report(b, rate, ledgertest.PlainInsertRate(b, i.dsn, b.N, 256), slices.Concat(waits...))
		})
	}
}

// BenchmarkAppendBulkHTTP sends 1,000 events a request.
func BenchmarkAppendBulkHTTP(b *testing.B) {
	i := install(b)
	client := &http.Client{Timeout: time.Minute}
	var waits []time.Duration
	b.ResetTimer()
	start := time.Now()
	for r := range b.N {
		events := make([]string, 1000)
		for n := range events {
			events[n] = benchBody(fmt.Sprint(b.N), r*1000+n)
		}
		at := time.Now()
		if status, answer := i.post(client, "/entries/bulk", `{"entries":[`+strings.Join(events, ",")+`]}`); status != http.StatusCreated {
			b.Fatalf("%d %.300s", status, answer)
		}
		waits = append(waits, time.Since(at))
	}
	rate := float64(b.N) * 1000 / time.Since(start).Seconds()
	b.StopTimer()
	ledgertest.Report(b, rate, ledgertest.PlainInsertRate(b, i.dsn, 1000*b.N, 1000), waits)
}
