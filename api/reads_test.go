package api_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealbook/sealbook/api"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// entriesOf returns the entries of a type in a ledger, in order.
func (b *bench) entriesOf(org int32, eventType string) (out []audit.Entry) {
	b.t.Helper()
	size := ledgertest.Check(b.t, b.log, org, -1).Checkpoint.Size
	for row, err := range b.log.Rows(b.t.Context(), org, 0, size) {
		if err != nil {
			b.t.Fatal(err)
		}
		e, err := row.Entry()
		if err != nil {
			b.t.Fatal(err)
		}
		if e.Type == eventType {
			out = append(out, e)
		}
	}
	return out
}

// requestsOf are the ids of the requests that entries are about.
func requestsOf(entries []audit.Entry) (out []string) {
	for _, e := range entries {
		out = append(out, e.Metadata.String("request_id"))
	}
	return out
}

// entry appends one and returns its path.
func (b *bench) entry(as string) string {
	b.t.Helper()
	return "/api/v1/audit/entries/" + b.post(as, "~/entries", `{"event_type":"scan.started"}`).want(http.StatusCreated).text("data.id")
}

// read reads a detail in process, under a request id.
func (b *bench) read(as, path, id string) int {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Authorization", "Bearer "+b.keys[as])
	r.Header.Set("X-Request-Id", id)
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	return w.Code
}

func (b *bench) reads(as, path string, ids ...string) {
	b.t.Helper()
	for _, id := range ids {
		if code := b.read(as, path, id); code != http.StatusOK {
			b.t.Fatalf("%s: %d", id, code)
		}
	}
}

func numbered(prefix string, n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("%s-%d", prefix, i))
	}
	return out
}

func (b *bench) wantReads(org int32, want []string) {
	b.t.Helper()
	if got := strings.Join(requestsOf(b.entriesOf(org, "audit.entry_read")), " "); got != strings.Join(want, " ") {
		b.t.Errorf("recorded are %s\nnot %s", got, strings.Join(want, " "))
	}
}

// TestEveryReadIsThoughtAbout: how each route that reads is recorded stands in
// the table, and nothing else does.
func TestEveryReadIsThoughtAbout(t *testing.T) {
	t.Parallel()
	readings, routes := api.Readings(), map[string]bool{}
	for _, rt := range api.Routes() {
		at := rt.Method + " " + rt.Path
		routes[at] = true
		if _, ok := readings[at]; !ok && rt.Method == http.MethodGet {
			t.Errorf("%s: nobody has said how reading it is recorded", at)
		}
	}
	for at, event := range readings {
		if !routes[at] {
			t.Errorf("%s is no route", at)
		}
		if event != "" && event != "itself" && !strings.HasPrefix(event, audit.ReservedPrefix) {
			t.Errorf("%s: type %s", at, event)
		}
	}
}

// TestANewRouteIsRecorded read by read, until somebody thinks about it.
func TestANewRouteIsRecorded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := httptest.NewRequest(http.MethodGet, "/new/thing", nil)
	r.Header.Set("Authorization", "Bearer "+b.keys["full"])
	w := httptest.NewRecorder()
	api.Unlisted(b.handler, "/new/thing").ServeHTTP(w, r)
	b.flush()
	if got := b.entriesOf(b.ledger, "audit.resource_read"); len(got) != 1 || got[0].Resource.String("id") != "/new/thing" || got[0].Resource.String("type") != "route" {
		t.Errorf("%d %s: %v", w.Code, w.Body, got)
	}
}

// TestReadsOfTwoOrganisations: many clients at once, and each read is an entry
// in its own organisation's ledger, with the time of the read and in each
// client's order.
func TestReadsOfTwoOrganisations(t *testing.T) {
	t.Parallel()
	const clients, each = 64, 157 // 10,048 together
	b := newBench(t, func(c *api.Config, _ *ledger.Config) { c.RateLimit, c.MaxWaitingReads = -1, 2000 })
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var running, reading sync.WaitGroup
	running.Go(func() { b.handler.Run(ctx) })
	paths := map[string]string{"full": b.entry("full"), "other": b.entry("other")}
	began := audit.SystemClock()
	for client := range clients {
		as := []string{"full", "full", "full", "other"}[client%4]
		reading.Go(func() {
			for n := range each {
				if code := b.read(as, paths[as], fmt.Sprintf("%d-%d", client, n)); code != http.StatusOK {
					t.Errorf("%d-%d: %d", client, n, code)
					return
				}
			}
		})
	}
	reading.Wait()
	ended := audit.SystemClock()
	b.flush()
	stop()
	running.Wait()
	next, total := map[int]int{}, 0
	for as, org := range map[string]int32{"full": b.ledger, "other": b.other} {
		for _, e := range b.entriesOf(org, "audit.entry_read") {
			var client, n int
			if _, err := fmt.Sscanf(e.Metadata.String("request_id"), "%d-%d", &client, &n); err != nil {
				t.Fatal(err)
			}
			if n != next[client] || (client%4 == 3) != (as == "other") {
				t.Fatalf("%s: %s comes after %d reads of that client", as, e.Metadata.String("request_id"), next[client])
			}
			if at := e.Time(); at.Before(began) || at.After(ended) || at.After(e.RecordedAt) {
				t.Fatalf("read at %s, recorded at %s", at, e.RecordedAt)
			}
			next[client]++
			total++
		}
	}
	if total != clients*each {
		t.Errorf("%d entries about %d reads", total, clients*each)
	}
}

// TestReadsWhileNothingCanBeAppended: reads go on, and once the database takes
// entries again each is there once and in order, also those of an append that
// was given up and took place all the same.
func TestReadsWhileNothingCanBeAppended(t *testing.T) {
	t.Parallel()
	for name, outcomeFor := range map[string]time.Duration{"the append fails": 300 * time.Millisecond, "the append is given up": time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, func(_ *api.Config, l *ledger.Config) { l.OutcomeFor = outcomeFor })
			here, there := b.entry("full"), b.entry("other")
			b.reads("full", here, "warm")
			b.flush()
			release := b.stall()
			b.reads("full", here, numbered("a", 5)...)
			b.reads("other", there, numbered("c", 3)...)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := b.handler.Flush(ctx); audit.CodeOf(err) != audit.Unavailable || !strings.Contains(err.Error(), "8 reads are not recorded") {
				t.Errorf("flushed while nothing can be written: %v", err)
			}
			if failed := strings.Contains(b.logged.String(), "reads not recorded yet"); failed != (outcomeFor < time.Second) {
				t.Errorf("the log says that it failed: %t", failed)
			}
			b.reads("full", here, numbered("b", 5)...)
			release()
			b.flush()
			b.wantReads(b.ledger, append(append([]string{"warm"}, numbered("a", 5)...), numbered("b", 5)...))
			b.wantReads(b.other, numbered("c", 3))
		})
	}
}

// TestReadsWaitForRoom: with no room left, a read waits for it, and is not
// answered when there is none in its time.
func TestReadsWaitForRoom(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *api.Config, _ *ledger.Config) { c.MaxWaitingReads, c.RequestTimeout = 5, 3*time.Second })
	path, there := b.entry("full"), b.entry("other")
	b.reads("full", path, numbered("a", 3)...)
	refused := b.get("full", path).want(http.StatusServiceUnavailable)
	if refused.header.Get("Retry-After") != "1" || refused.text("error.message") != "too many reads are waiting to be recorded" {
		t.Errorf("%v %s", refused.header, refused.body)
	}
	b.reads("other", there, numbered("c", 2)...)   // another organisation has room of its own
	b.get("full", "~/entries").want(http.StatusOK) // what is counted needs none
	waiting := make(chan int, 1)
	go func() { waiting <- b.read("full", path, "patient") }()
	select {
	case code := <-waiting:
		t.Fatalf("it does not wait: %d", code)
	case <-time.After(200 * time.Millisecond):
	}
	b.flush()
	if code := <-waiting; code != http.StatusOK {
		t.Errorf("there is room, and it is %d", code)
	}
	b.flush()
	b.wantReads(b.ledger, append(numbered("a", 3), "patient"))
	b.wantReads(b.other, numbered("c", 2))
}

// TestACrashLosesTheLastInterval: what Run has not appended when the process
// dies is lost, and nothing else.
func TestACrashLosesTheLastInterval(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *api.Config, _ *ledger.Config) { c.ReadFlushEvery = 50 * time.Millisecond })
	path := b.entry("full")
	ctx, crash := context.WithCancel(t.Context())
	defer crash()
	var running sync.WaitGroup
	running.Go(func() { b.handler.Run(ctx) })
	const safe, last = 40, 7
	b.reads("full", path, numbered("safe", safe)...)
	for deadline := time.Now().Add(2 * time.Minute); len(b.entriesOf(b.ledger, "audit.entry_read")) < safe; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nobody records the reads")
		}
	}
	crash()
	running.Wait()
	b.reads("full", path, numbered("last", last)...)
	b.get("full", "~/entries").want(http.StatusOK)
	b.wantReads(b.ledger, numbered("safe", safe))
	t.Logf("of %d reads, the %d after the last flush are lost", safe+last, safe+last-len(b.entriesOf(b.ledger, "audit.entry_read")))
}

// TestCloseRecordsAll: what was read last, and the counts of a minute that is
// not over.
func TestCloseRecordsAll(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	path := b.entry("full")
	b.reads("full", path, "a", "b")
	b.get("full", "~/entries").want(http.StatusOK)
	if err := b.handler.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.wantReads(b.ledger, []string{"a", "b"})
	if n := len(b.entriesOf(b.ledger, "audit.reads_counted")); n != 1 {
		t.Errorf("%d sums", n)
	}
	b.get("full", path).want(http.StatusServiceUnavailable)
	b.get("full", "~/entries").want(http.StatusServiceUnavailable)
}

// TestReadsCanBeSynchronous: with a negative interval, the entry is there
// before the answer.
func TestReadsCanBeSynchronous(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *api.Config, _ *ledger.Config) { c.ReadFlushEvery = -1 })
	b.reads("full", b.entry("full"), "a")
	b.wantReads(b.ledger, []string{"a"})
}

// TestUnrecordableReads: an entry that no ledger takes keeps no other out, and
// the log says so; a read whose time is too far ahead is recorded without it.
func TestUnrecordableReads(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	path := b.entry("full")
	b.reads("full", path, "before")
	huge := audit.Event{
		Type: "audit.entry_read", Class: audit.ClassSystem, Severity: audit.SeverityLow,
		Details: audit.Object{"text": strings.Repeat("x", 4<<20)}, Metadata: audit.Object{"request_id": "huge"},
	}
	if err := api.TakeRead(t.Context(), b.handler, b.ledger, huge); err != nil {
		t.Fatal(err)
	}
	b.clock.move(10 * time.Minute)
	b.reads("full", path, "early")
	b.clock.move(-10 * time.Minute)
	b.reads("full", path, "after")
	b.flush()
	b.wantReads(b.ledger, []string{"before", "after", "early"})
	if log := b.logged.String(); !strings.Contains(log, "a read cannot be recorded") || !strings.Contains(log, `"request_id":"huge"`) {
		t.Error("the log does not say what is missing")
	}
	for _, e := range b.entriesOf(b.ledger, "audit.entry_read") {
		if e.Metadata.String("request_id") == "early" && (e.Timestamp != nil || e.Details.String("read_at") == "") {
			t.Errorf("%v %v", e.Timestamp, e.Details)
		}
	}
}
