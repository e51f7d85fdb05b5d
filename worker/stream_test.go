package worker_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/seal"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/internal/stream"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// receiver is a webhook that answers as it is told, and keeps what it took.
type receiver struct {
	t      *testing.T
	secret []byte
	url    string

	mu       sync.Mutex
	answers  []int // the next ones; then 200
	taken    []int64
	messages map[string]string // by id: the body
	attempts int
	repeated int // messages that came again, under their id
}

func newReceiver(t *testing.T, secret []byte, answers ...int) *receiver {
	r := &receiver{t: t, secret: secret, answers: answers, messages: map[string]string{}}
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	r.url = s.URL
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err == nil {
		err = stream.Verify(q.Header, body, [][]byte{r.secret}, time.Now(), time.Minute)
	}
	if err != nil {
		r.t.Error(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.attempts++
	id := q.Header.Get("webhook-id")
	if before, again := r.messages[id]; again {
		if r.repeated++; before != string(body) {
			r.t.Errorf("message %s has another body when it is sent again", id)
		}
	}
	r.messages[id] = string(body)
	if len(r.answers) > 0 {
		status := r.answers[0]
		if r.answers = r.answers[1:]; status != 200 {
			w.WriteHeader(status)
			return
		}
	}
	for lines := bufio.NewScanner(bytes.NewReader(body)); lines.Scan(); {
		var e struct{ Seq int64 }
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			r.t.Error(err)
		}
		r.taken = append(r.taken, e.Seq)
	}
}

// orderStream does what the API does for POST /streams.
func (s *system) orderStream(r *receiver, filter audit.StreamFilter) audit.StreamID {
	s.t.Helper()
	exportMu.Lock()
	exportCount++
	id := audit.StreamID(fmt.Sprintf("stream_%d_%d", os.Getpid(), exportCount))
	exportMu.Unlock()
	sealed, err := s.activities.Sealer.Seal(r.secret, string(id))
	if err != nil {
		s.t.Fatal(err)
	}
	now := audit.SystemClock()
	x := store.Stream{ID: id, Ledger: s.ledger, Name: "test", URL: r.url, Format: "ndjson", Filter: store.JSON[audit.StreamFilter]{V: filter},
		Status: audit.StreamActive, Secret: sealed, CreatedBy: "x", CreatedAt: now, ChangedAt: now}
	s.append("audit.stream_created", audit.Object{"stream_id": id}, store.InsertStream(x, store.Start{Workflow: audit.StreamWorkflow, WorkflowID: string(id), At: now,
		Input: audit.StreamStart{ID: id, Ledger: s.ledger, Organisation: "org_test"}}))
	s.relay.Wake()
	return id
}

func (s *system) stream(id audit.StreamID) store.Stream {
	s.t.Helper()
	x, err := s.store.Stream(s.t.Context(), s.ledger, id)
	if err != nil {
		s.t.Fatal(err)
	}
	return x
}

// streaming lets the system reach receivers of the test.
func streaming(t *testing.T) *system {
	s := newSystem(t)
	s.reachReceivers()
	return s
}

func (s *system) reachReceivers() {
	s.t.Helper()
	sealer, err := seal.New([]byte("pepper"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.activities.Sealer = sealer
	s.activities.Sender = &stream.Sender{Clock: audit.SystemClock, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
}

// TestStream delivers every entry that the filter selects, in order and at least
// once, to a receiver that fails on the way, across a worker that is stopped.
func TestStream(t *testing.T) {
	s := streaming(t)
	ledgertest.Append(t, s.log, s.ledger, 0, 1200)
	r := newReceiver(t, bytes.Repeat([]byte("s"), 32), 500, 200, 503)
	stop := s.work()
	id := s.orderStream(r, audit.StreamFilter{})
	s.eventually("the first message is taken", func() bool { return s.stream(id).Delivered > 0 })
	stop()
	ledgertest.Append(t, s.log, s.ledger, 1200, 50)
	s.work()
	s.eventually("all are delivered", func() bool { return s.stream(id).Delivered >= 1250 })

	r.mu.Lock()
	var last int64 = -1
	missing := 0
	for _, seq := range r.taken {
		if seq > last+1 && last < 1199 { // after these stands the stream's own entry, which is not selected
			missing++
		}
		last = max(last, seq)
	}
	if missing > 0 || len(r.taken) < 1250 || r.repeated == 0 {
		t.Errorf("%d gaps in %d entries, %d messages came again", missing, len(r.taken), r.repeated)
	}
	r.mu.Unlock()

	// What an operator terminates, the sweep starts again.
	if err := s.temporal.TerminateWorkflow(t.Context(), string(id), "", "a mistake"); err != nil {
		t.Fatal(err)
	}
	later := *s.activities
	later.Clock = func() time.Time { return audit.SystemClock().Add(time.Hour) }
	if swept, err := later.Sweep(t.Context()); err != nil || swept.Streams != 1 {
		t.Errorf("%+v %v", swept, err)
	}
	s.superuser(`update outbox set next_at = now() where workflow_id = '` + string(id) + `'`)
	s.relay.Wake()

	// A replay begins again, with other ids.
	before := len(r.messages)
	s.append("audit.stream_replayed", nil, store.ReplayStream(s.ledger, id, 1190, audit.SystemClock()))
	s.eventually("the replay is delivered", func() bool { return s.stream(id).Delivered >= 1300 })
	if r.mu.Lock(); len(r.messages) == before {
		t.Error("messages of a replay have the ids of the first ones")
	}
	r.mu.Unlock()

	// Deleting it ends the workflow.
	s.append("audit.stream_deleted", nil, store.DeleteStream(s.ledger, id, audit.SystemClock()))
	s.eventually("the workflow ends", func() bool {
		d, err := s.temporal.DescribeWorkflowExecution(t.Context(), string(id), "")
		return err == nil && d.WorkflowExecutionInfo.Status.String() == "Completed"
	})
	s.recordRun(string(id), "stream_deleted")
}

// TestStreamThatIsGone: a receiver that says so is not asked again until somebody
// makes the stream active.
func TestStreamThatIsGone(t *testing.T) {
	s := streaming(t)
	ledgertest.Append(t, s.log, s.ledger, 0, 20)
	r := newReceiver(t, bytes.Repeat([]byte("s"), 32), 410)
	s.work()
	id := s.orderStream(r, audit.StreamFilter{})
	s.eventually("it is disabled", func() bool { return s.stream(id).Status == audit.StreamDisabled })
	if n := s.entries("audit.stream_disabled"); n != 1 {
		t.Errorf("%d entries say so", n)
	}
	x := s.stream(id)
	if x.LastError == nil || !strings.Contains(*x.LastError, "410") {
		t.Errorf("%+v", x)
	}
	x.Status = audit.StreamActive
	s.append("audit.stream_changed", nil, store.ChangeStream(x, audit.SystemClock()))
	s.eventually("it goes on", func() bool { return s.stream(id).Delivered > 0 })
	s.append("audit.stream_deleted", nil, store.DeleteStream(s.ledger, id, audit.SystemClock()))
}
