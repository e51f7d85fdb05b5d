package api_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/api"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// stall keeps the committer from committing until release is called.
func (b *bench) stall() (release func()) {
	b.t.Helper()
	conn, err := pgx.Connect(b.t.Context(), b.dsn)
	if err != nil {
		b.t.Fatal(err)
	}
	tx, err := conn.Begin(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := tx.Exec(b.t.Context(), `select from head for update`); err != nil {
		b.t.Fatal(err)
	}
	var once sync.Once
	release = func() {
		once.Do(func() {
			if err := tx.Rollback(context.WithoutCancel(b.t.Context())); err != nil {
				b.t.Error(err)
			}
			conn.Close(context.WithoutCancel(b.t.Context()))
		})
	}
	b.t.Cleanup(release)
	return release
}

// committerWaits returns once the committer holds a batch that it cannot
// commit.
func (b *bench) committerWaits() {
	b.t.Helper()
	conn, err := pgx.Connect(b.t.Context(), b.dsn)
	if err != nil {
		b.t.Fatal(err)
	}
	defer conn.Close(b.t.Context())
	for range 1000 {
		var waits bool
		if err := conn.QueryRow(b.t.Context(), `
			select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')`).Scan(&waits); err != nil {
			b.t.Fatal(err)
		}
		if waits {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.t.Fatal("the committer does not wait")
}

// raw sends a request without the harness, for use in goroutines.
func (b *bench) raw(ctx context.Context, method, path, as, body string, header ...string) (status int, h http.Header, text string, err error) {
	r, err := http.NewRequestWithContext(ctx, method, b.url+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, "", err
	}
	r.Header.Set("Authorization", "Bearer "+b.keys[as])
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, "", err
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, string(all), err
}

func TestAFullQueueIs503(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(_ *api.Config, l *ledger.Config) { l.QueueSize = 2 })
	before := ledgertest.Check(t, b.log, b.ledger, -1).Checkpoint.Size
	b.get("full", "/healthz")
	release := b.stall()
	const callers = 20
	type result struct {
		status int
		retry  string
		text   string
	}
	results := make(chan result, callers)
	post := func(i int) {
		status, h, text, err := b.raw(context.WithoutCancel(t.Context()), "POST", "/v1/audit/entries", "writer", fmt.Sprintf(`{"event_type":"scan.started","external_id":"%d"}`, i))
		if err != nil {
			text = err.Error()
		}
		results <- result{status, h.Get("Retry-After"), text}
	}
	go post(0)
	b.committerWaits()
	for i := range callers - 1 {
		go post(i + 1)
	}
	var created, refused int64
	// While the committer stands, answers are refusals only: of all but the one
	// that it holds and the two that fit into the queue.
	for range callers - 1 - 2 {
		select {
		case r := <-results:
			if r.status != http.StatusServiceUnavailable || r.retry != "1" || !strings.Contains(r.text, "UNAVAILABLE") {
				t.Fatalf("%+v", r)
			}
			refused++
		case <-time.After(20 * time.Second):
			t.Fatalf("only %d requests were refused", refused)
		}
	}
	release()
	for range callers - refused {
		if r := <-results; r.status != http.StatusCreated {
			t.Fatalf("%+v", r)
		}
		created++
	}
	ledgertest.Check(t, b.log, b.ledger, before+created)
}

func TestARequestThatTakesTooLongIs503(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *api.Config, _ *ledger.Config) { c.RequestTimeout = time.Second })
	b.get("writer", "~/entries").want(http.StatusForbidden)
	release := b.stall()
	a := b.post("writer", "~/entries", `{"event_type":"scan.started","external_id":"slow"}`).want(http.StatusServiceUnavailable)
	if a.header.Get("Retry-After") == "" || a.text("error.code") != "UNAVAILABLE" {
		t.Fatalf("%v %s", a.header, a.body)
	}
	release()
	// Whether it was written is found out by repeating it.
	for range 50 {
		if a = b.post("writer", "~/entries", `{"event_type":"scan.started","external_id":"slow"}`); a.status == http.StatusOK {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	a.want(http.StatusOK)
	b.whole()
}

func TestAClientThatLeavesIsLogged(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.get("writer", "~/entries").want(http.StatusForbidden)
	release := b.stall()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, _, _, err := b.raw(ctx, "POST", "/v1/audit/entries", "writer", `{"event_type":"scan.started"}`, "X-Request-Id", "leaving"); err == nil {
		t.Fatal("it got an answer")
	}
	for range 500 {
		if strings.Contains(b.logged.String(), `"leaving"`) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	release()
	if line := b.logLine("leaving"); !strings.Contains(line, `"status":499`) {
		t.Fatalf("logged %s", line)
	}
	b.whole()
}

// Leaving is nothing that went wrong here, whatever the client asked for and
// wherever that stood.
func TestLeavingIsNoError(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ method, path, body, lock string }{
		"search":     {"GET", "/search?q=event", "", "search_progress"},
		"list":       {"GET", "/entries", "", "payload"},
		"detail":     {"GET", "/entries/audit_entry_20250101_000000", "", "entry"},
		"statistics": {"GET", "/statistics", "", "rollup"},
		"evidence":   {"GET", "/evidence/soc2", "", "payload"},
		"append":     {"POST", "/entries", `{"event_type":"scan.started"}`, "head"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			conn, err := pgx.Connect(t.Context(), b.dsn)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(context.WithoutCancel(t.Context()))
			if _, err := conn.Exec(t.Context(), `begin; lock table `+c.lock+` in access exclusive mode`); err != nil {
				t.Fatal(err)
			}
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			left := make(chan error, 1)
			go func() {
				_, _, _, err := b.raw(ctx, c.method, "/v1/audit"+c.path, "full", c.body, "X-Request-Id", "leaving", "Idempotency-Key", "leaving")
				left <- err
			}()
			b.committerWaits()
			leave()
			if err := <-left; err == nil {
				t.Fatal("it got an answer")
			}
			line := b.logLine("leaving")
			for until := time.Now().Add(time.Minute); line == "" && time.Now().Before(until); line = b.logLine("leaving") {
				time.Sleep(10 * time.Millisecond)
			}
			if !strings.Contains(line, `"status":499`) || !strings.Contains(line, `"level":"INFO"`) || !strings.Contains(line, "cancel") || strings.Contains(line, `"code"`) {
				t.Errorf("logged %s", line)
			}
		})
	}
}

func (b *bench) logLine(requestID string) string {
	for _, line := range strings.Split(b.logged.String(), "\n") {
		if strings.Contains(line, `"msg":"request"`) && strings.Contains(line, `"`+requestID+`"`) {
			return line
		}
	}
	return ""
}

func TestOneKeyInManyHandsMakesOneEntry(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	before := ledgertest.Check(t, b.log, b.ledger, -1).Checkpoint.Size
	var wg sync.WaitGroup
	ids := make(chan string, 16)
	for range cap(ids) {
		wg.Go(func() {
			status, _, text, err := b.raw(t.Context(), "POST", "/v1/audit/entries", "writer", `{"event_type":"scan.started"}`, "Idempotency-Key", "one")
			if err != nil || status != http.StatusCreated {
				t.Errorf("%d %s %v", status, text, err)
				return
			}
			a := &answer{t: t, body: []byte(text)}
			a.parse()
			ids <- a.text("data.id")
		})
	}
	wg.Wait()
	close(ids)
	first := ""
	for id := range ids {
		if first == "" {
			first = id
		}
		if id != first {
			t.Errorf("entries %s and %s", first, id)
		}
	}
	ledgertest.Check(t, b.log, b.ledger, before+1)
}

func TestVerificationsAreLimited(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *api.Config, _ *ledger.Config) { c.MaxVerifyEntries, c.MaxVerifications = 20, 1 })
	ledgertest.Append(t, b.log, b.ledger, 0, 30)
	// One that is too long for a request is a job.
	b.post("verifier", "~/verify", `{"from":"2024-01-01","to":"2024-01-02"}`).want(http.StatusAccepted)
	const window = `{"from":"2024-01-01T00:00:00Z","to":"2024-01-01T00:00:10Z"}`
	b.post("verifier", "~/verify", window).want(http.StatusOK)

	// A second one at a time is one too many. The first waits for its entry.
	release := b.stallReads()
	done := make(chan int, 1)
	go func() {
		status, _, _, _ := b.raw(context.WithoutCancel(t.Context()), "POST", "/v1/audit/verify", "verifier", window)
		done <- status
	}()
	var refused *answer
	for range 100 {
		time.Sleep(20 * time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		status, _, _, _ := b.raw(ctx, "POST", "/v1/audit/verify", "verifier", window)
		cancel()
		if status == http.StatusServiceUnavailable {
			refused = b.post("verifier", "~/verify", window)
			break
		}
	}
	release()
	if refused == nil || refused.header.Get("Retry-After") == "" {
		t.Fatal("a second verification was not refused")
	}
	if status := <-done; status != http.StatusOK && status != http.StatusServiceUnavailable {
		t.Fatalf("the first verification ended with %d", status)
	}
}

// stallReads keeps verifications waiting: they read the tiles last.
func (b *bench) stallReads() (release func()) {
	b.t.Helper()
	conn, err := pgx.Connect(b.t.Context(), b.dsn)
	if err != nil {
		b.t.Fatal(err)
	}
	tx, err := conn.Begin(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := tx.Exec(b.t.Context(), `lock table checkpoint in access exclusive mode`); err != nil {
		b.t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(context.WithoutCancel(b.t.Context())); err != nil {
			b.t.Error(err)
		}
		conn.Close(context.WithoutCancel(b.t.Context()))
	}
}

func TestARequestIsOneLogLine(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.send(request{method: "GET", path: "~/entries?user_id=alice@example.com", as: "reader", header: http.Header{"X-Request-Id": {"logged"}}}).want(http.StatusOK)
	line := b.logLine("logged")
	for _, part := range []string{`"status":200`, `"method":"GET"`, `"path":"/api/v1/audit/entries"`, `"organisation":"org_test"`, `"ms":`, `"bytes":`, `"level":"INFO"`} {
		if !strings.Contains(line, part) {
			t.Errorf("no %s in %s", part, line)
		}
	}
	if strings.Contains(b.logged.String(), "alice") {
		t.Errorf("the query is logged: %s", line)
	}
	if strings.Contains(b.logged.String(), "sk_live_") {
		t.Error("a key is logged")
	}
}

func TestBulkTakesAThousand(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	before := ledgertest.Check(t, b.log, b.ledger, -1).Checkpoint.Size
	var s strings.Builder
	for i := range ledger.MaxBulk {
		fmt.Fprintf(&s, `,{"event_type":"scan.completed","external_id":"scan:%d","details":{"n":%d}}`, i, i)
	}
	body := `{"entries":[` + s.String()[1:] + `]}`
	a := b.post("writer", "~/entries/bulk", body).want(http.StatusCreated)
	if a.number("data.created") != ledger.MaxBulk {
		t.Fatalf("%.500s", a.body)
	}
	ledgertest.Check(t, b.log, b.ledger, before+ledger.MaxBulk)
	a = b.post("writer", "~/entries/bulk?atomic=true", body).want(http.StatusOK)
	if a.number("data.duplicate") != ledger.MaxBulk {
		t.Fatalf("%.500s", a.body)
	}
	// One contradiction among a thousand new ones writes nothing.
	body = strings.Replace(strings.ReplaceAll(body, `"scan:`, `"new:`), `"new:500"`, `"scan:500"`, 1)
	body = strings.Replace(body, `"n":500`, `"n":-1`, 1)
	a = b.post("writer", "~/entries/bulk?atomic=true", body).want(http.StatusUnprocessableEntity)
	if a.number("error.details.results.0.index") != 500 {
		t.Fatalf("%.500s", a.body)
	}
	ledgertest.Check(t, b.log, b.ledger, before+ledger.MaxBulk)
}

func TestReceiptsHoldOffline(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	d, err := b.log.Descriptor(t.Context(), b.ledger)
	if err != nil {
		t.Fatal(err)
	}
	single := b.post("writer", "~/entries", `{"event_type":"scan.started","external_id":"r"}`).want(http.StatusCreated)
	again := b.post("writer", "~/entries", `{"event_type":"scan.started","external_id":"r"}`).want(http.StatusOK)
	bulk := b.post("writer", "~/entries/bulk", `{"entries":[{"event_type":"scan.started"}]}`).want(http.StatusCreated)
	var kept []string
	for _, x := range []struct {
		a  *answer
		at string
	}{{single, "data"}, {again, "data"}, {bulk, "data.results.0"}} {
		r := x.a.receipt(x.at + ".receipt")
		rec, _, err := r.Check(d.Genesis.Key)
		if err != nil {
			t.Fatal(err)
		}
		if hash := ledger.FormatHash(ledger.LeafHash(r.Record)); hash != x.a.text(x.at+".hash") || rec.Seq != x.a.number(x.at+".seq") {
			t.Fatalf("%s of %d is not %s", hash, rec.Seq, x.a.body)
		}
		if id := audit.EntryID(rec.Seq, rec.RecordedAt); id != x.a.text(x.at+".id") {
			t.Fatalf("%s is not %s", id, x.a.body)
		}
		kept = append(kept, string(r.Record))
	}
	if kept[0] != kept[1] {
		t.Fatalf("a duplicate got another record:\n%s\n%s", kept[0], kept[1])
	}
}
