package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/sealbook/sealbook/api"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// BenchmarkCreateEntry appends one entry a request, in process: everything but
// the network.
func BenchmarkCreateEntry(b *testing.B) {
	bench := newBench(b, func(c *api.Config, _ *ledger.Config) { c.RateLimit = -1 })
	const body = `{"event_type":"security_event","severity":"high","description":"Multiple failed login attempts",
		"context":{"source_ip":"203.0.113.45","attempted_username":"admin","failure_count":5},"compliance_frameworks":["ISO_27001"],"user_id":"u1"}`
	b.ResetTimer()
	var wg sync.WaitGroup
	work := make(chan struct{})
	for range 256 {
		wg.Go(func() {
			for range work {
				r := httptest.NewRequest(http.MethodPost, "/api/v1/audit/entries", strings.NewReader(body))
				r.Header.Set("Authorization", "Bearer "+bench.keys["writer"])
				r.Header.Set("Content-Type", "application/json")
				w := httptest.NewRecorder()
				bench.handler.ServeHTTP(w, r)
				if w.Code != http.StatusCreated {
					b.Errorf("%d %s", w.Code, w.Body)
				}
			}
		})
	}
	for range b.N {
		work <- struct{}{}
	}
	close(work)
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
	ledgertest.Check(b, bench.log, bench.ledger, -1)
}
