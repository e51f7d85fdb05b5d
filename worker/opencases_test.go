package worker_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sealbook/sealbook/api"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
	"github.com/sealbook/sealbook/worker"
	"github.com/sealbook/sealbook/workflows"
)

// BenchmarkOpenCases opens SEALBOOK_TEST_OPEN_CASES cases, waits until all of them wait
// for people, and prints
//
//	idle-ms/s       the processor's time that this process, with worker, relay and
//	                API in it, takes a second while nothing happens
//	empty-ms/s      the baseline: the same before there was a case
//	cases/s         how many were opened, collected and analysed a second
//	status-p50-ms, status-p99-ms
//	                of GET /investigations/{id} by SEALBOOK_TEST_CLIENTS clients, of
//	                cases at random, over HTTP
//	bare-p50-ms, bare-p99-ms
//	                the baseline: an answer that reads nothing, by as many clients
//
// SEALBOOK_TEST_IDLE is how many seconds each of them is measured. Temporal and
// Postgres are other processes on the same machine.
func BenchmarkOpenCases(b *testing.B) {
	number := func(name string, standard int) int {
		if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
			return n
		}
		return standard
	}
	cases, clients := number("SEALBOOK_TEST_OPEN_CASES", 10), number("SEALBOOK_TEST_CLIENTS", 8)
	window := time.Duration(number("SEALBOOK_TEST_IDLE", 2)) * time.Second
	for b.Loop() {
		s := newSystem(b)
		ledgertest.Append(b, s.log, s.ledger, 0, 50)
		pepper := []byte("pepper of a benchmark")
		handler, err := api.New(api.Config{
			Log: s.log, Store: s.store, Artifacts: s.artifacts, Workflows: connected{workflows.NewClient(s.temporal), s.relay}, Pepper: pepper, PublicURL: "https://audit.example.com",
			Clock: audit.SystemClock, RateLimit: -1,
		})
		if err != nil {
			b.Fatal(err)
		}
		server := httptest.NewServer(handler)
		key, secret, err := store.NewKey(pepper, "org_test", "bench", "test", []audit.Permission{audit.ReadInvestigations}, audit.SystemClock())
		if err != nil {
			b.Fatal(err)
		}
		s.append("audit.api_key_created", audit.Object{}, store.InsertKey(key))
		stop := s.work()
		time.Sleep(time.Second) // the worker has just begun to poll
		b.ReportMetric(idle(b, window), "empty-ms/s")

		began := time.Now()
		ids := make([]audit.InvestigationID, cases)
		for i := range ids {
			ids[i] = s.openNumbered(i + 1)
		}
		for waiting := cases; waiting > 0; time.Sleep(100 * time.Millisecond) {
			_, ready, err := s.store.Investigations(b.Context(), s.ledger, store.InvestigationFilter{Stage: string(audit.StageReview)}, 1, 0)
			if err != nil {
				b.Fatal(err)
			}
			if waiting = cases - int(ready); time.Since(began) > time.Hour {
				b.Fatalf("%d cases do not come to their review", waiting)
			}
		}
		b.ReportMetric(float64(cases)/time.Since(began).Seconds(), "cases/s")
		time.Sleep(time.Second)
		b.ReportMetric(idle(b, window), "idle-ms/s")

		for name, path := range map[string]func() string{
			"bare":   func() string { return api.Mounts[0] + "/permissions" },
			"status": func() string { return api.Mounts[0] + "/investigations/" + string(ids[rand.IntN(len(ids))]) },
		} {
			waits := ask(b, server.URL, secret, clients, window, path)
			b.ReportMetric(waits[len(waits)/2].Seconds()*1e3, name+"-p50-ms")
			b.ReportMetric(waits[len(waits)*99/100].Seconds()*1e3, name+"-p99-ms")
		}
		server.Close()
		stop()
	}
}

// connected is what the API needs of Temporal.
type connected struct {
	*workflows.Client
	*worker.Relay
}

// openNumbered is openCase for many cases of one day.
func (s *system) openNumbered(n int) audit.InvestigationID {
	s.t.Helper()
	now := audit.SystemClock()
	id := audit.InvestigationID(fmt.Sprintf("inv_%d_open_%05d", os.Getpid(), n))
	from := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	row := store.Investigation{
		ID: id, Ledger: s.ledger, Kind: "open", Type: "open_incident", Title: "Test", FromTime: from, UntilTime: from.AddDate(0, 3, 0), Priority: audit.SeverityHigh,
		AssignedTo: audit.DefaultInvestigator, CreatedAt: now, OpenedBy: &store.JSON[audit.Object]{V: audit.Object{"type": "user", "id": "user_a"}},
	}
	e := audit.Event{Type: audit.InvestigationEvent + "opened", Class: audit.ClassSystem, Severity: audit.SeverityLow, Actor: audit.Object{"type": "system", "id": "test"}}
	out, err := s.log.Append(s.t.Context(), ledger.Submission{Ledger: s.ledger, Events: []audit.Event{e}, WithNew: store.OpenInvestigation("org_test", row, now.Format("20060102"), n)})
	if err == nil {
		err = out.Items[0].Err
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.relay.Wake()
	return id
}

// idle is the processor's time, in milliseconds a second, that this process takes
// while it is left alone.
func idle(b *testing.B, window time.Duration) float64 {
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before, began := used(), time.Now()
	time.Sleep(window)
	return (used() - before).Seconds() * 1e3 / time.Since(began).Seconds()
}

// ask returns how long answers took, the shortest first.
func ask(b *testing.B, url, secret string, clients int, window time.Duration, path func() string) (all []time.Duration) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	defer client.CloseIdleConnections()
	began := time.Now()
	for range clients {
		wg.Go(func() {
			var waits []time.Duration
			for time.Since(began) < window {
				r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url+path(), nil)
				if err != nil {
					b.Error(err)
					return
				}
				r.Header.Set("Authorization", "Bearer "+secret)
				asked := time.Now()
				answer, err := client.Do(r)
				if err != nil {
					b.Error(err)
					return
				}
				body, err := io.ReadAll(answer.Body)
				answer.Body.Close()
				if err != nil || answer.StatusCode != http.StatusOK {
					b.Errorf("%s: %d %v, after %s: %s", r.URL.Path, answer.StatusCode, err, time.Since(asked), body)
					return
				}
				waits = append(waits, time.Since(asked))
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, waits...)
		})
	}
	wg.Wait()
	if len(all) == 0 {
		b.Fatal("there was no answer")
	}
	slices.Sort(all)
	return all
}
