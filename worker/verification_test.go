package worker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
	"github.com/sealbook/sealbook/workflows"
)

// everything is a window that holds all entries of ledgertest.
var everything = audit.VerificationRequest{From: "2024-01-01", To: "2024-03-31"}

// orderVerification does what the API does for a long POST /verify.
func (s *system) orderVerification(r audit.VerificationRequest) audit.VerificationID {
	s.t.Helper()
	exportMu.Lock()
	exportCount++
	id := audit.VerificationID(fmt.Sprintf("verify_%d_%d", os.Getpid(), exportCount))
	exportMu.Unlock()
	v := store.Verification{ID: id, Ledger: s.ledger, Request: store.JSON[audit.VerificationRequest]{V: r},
		RequestedBy: store.JSON[audit.Object]{V: audit.Object{"type": "api_key", "id": "k"}}, CreatedAt: audit.SystemClock()}
	start := store.Start{Workflow: audit.VerificationWorkflow, WorkflowID: string(id), At: audit.SystemClock(), Input: audit.VerificationStart{
		ID: id, Ledger: s.ledger, Organisation: "org_test", Period: r.From + " to " + r.To}}
	s.append("audit.ledger_verification_requested", audit.Object{"verification_id": id}, store.InsertVerification(v, start))
	s.relay.Wake()
	return id
}

func (s *system) cancelVerification(id audit.VerificationID) error {
	now := audit.SystemClock()
	_, err := s.log.Append(s.t.Context(), ledger.Submission{Ledger: s.ledger,
		Events: []audit.Event{{Type: "audit.ledger_verification_cancel_requested", Class: audit.ClassSystem, Severity: audit.SeverityLow}},
		With:   store.CancelVerification(s.ledger, id, now, store.Cancel{WorkflowID: string(id), At: now})})
	s.relay.Wake()
	return err
}

func (s *system) verification(id audit.VerificationID) store.Verification {
	s.t.Helper()
	v, err := s.store.Verification(s.t.Context(), s.ledger, id)
	if err != nil {
		s.t.Fatal(err)
	}
	return v
}

// awaitVerification waits until a verification has ended.
func (s *system) awaitVerification(id audit.VerificationID) store.Verification {
	s.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if v := s.verification(id); v.Status.Final() {
			return v
		}
	}
	s.t.Fatalf("verification %s does not end: %+v", id, s.verification(id))
	panic("unreachable")
}

// result of a completed verification.
func (s *system) result(v store.Verification) (r ledger.Summary) {
	s.t.Helper()
	if v.Status != audit.VerificationCompleted || v.Result == nil {
		s.t.Fatalf("the verification is %s: %v", v.Status, v.Error)
	}
	if err := json.Unmarshal(*v.Result, &r); err != nil {
		s.t.Fatal(err)
	}
	return r
}

// segments counts the kept segments of every verification.
func (s *system) segments() (n int) {
	s.t.Helper()
	conn, err := pgx.Connect(s.t.Context(), s.dsn)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(s.t.Context(), `select count(*) from verification_segment`).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

// superuser changes what no role of ours may.
func (s *system) superuser(statements ...string) {
	s.t.Helper()
	conn, err := pgx.Connect(s.t.Context(), s.dsn)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, sql := range append([]string{`set session_replication_role = replica`}, statements...) {
		if _, err := conn.Exec(s.t.Context(), sql); err != nil {
			s.t.Fatal(err)
		}
	}
}

// A job answers what a request would have answered at once.
func TestVerificationAsAJob(t *testing.T) {
	s := newSystem(t)
	s.activities.SegmentEntries = ledger.TileWidth
	ledgertest.Append(t, s.log, s.ledger, 0, 1100)
	s.work()
	at := audit.SystemClock()
	for name, r := range map[string]audit.VerificationRequest{
		"all":         everything,
		"some":        {From: "2024-01-01T00:05:00Z", To: "2024-01-01T00:14:59Z", RepositoryID: "repo_1"},
		"none":        {From: "1999-01-01", To: "1999-12-31"},
		"one":         {From: "2024-01-01T00:00:07Z", To: "2024-01-01T00:00:07Z"},
		"own actions": {From: at.Format(time.DateOnly), To: "9999-12-31"},
	} {
		v := s.awaitVerification(s.orderVerification(r))
		got := s.result(v)
		f, err := r.Filter()
		if err != nil {
			t.Fatal(err)
		}
		first, end, count, err := s.log.Range(t.Context(), s.ledger, f)
		if err != nil {
			t.Fatal(err)
		}
		if name == "own actions" { // there are more of them by now
			if !got.Verified || got.Checked < 1 {
				t.Errorf("%s: %+v", name, got)
			}
			continue
		}
		found, err := s.log.Verify(t.Context(), s.ledger, max(first, 0), max(end, 0), nil)
		if err != nil {
			t.Fatal(err)
		}
		want := found.Summary(count, ledger.MaxProblems, at)
		if got.Verified != (count > 0) || got.Verified != want.Verified || got.Checked != want.Checked || got.Digest != want.Digest || got.ChainValid != want.ChainValid ||
			got.ProblemCount != 0 || (got.Range == nil) != (count == 0) || got.Range != nil && *got.Range != *want.Range {
			t.Errorf("%s: %+v, not %+v", name, got, want)
		}
		c, err := ledger.OpenCheckpoint([]byte(got.Checkpoint), s.log.Key(ledgertest.Origin+"/org_test"))
		if err != nil || c.Size > got.TreeSize {
			t.Errorf("%s: checkpoint %+v of a tree of %d: %v", name, c, got.TreeSize, err)
		}
	}
	if n := s.entries(audit.TypeLedgerVerified); n != 5 {
		t.Errorf("%d results are recorded", n)
	}
	if n := s.segments(); n != 0 {
		t.Errorf("%d segments are left", n)
	}
	s.eventually("the histories are kept", func() bool { return s.histories() == 5 })
	ledgertest.Check(t, s.log, s.ledger, -1)
}

// What an operator sees, and what must never be seen.
func TestVerificationIsReadableInTemporal(t *testing.T) {
	s := newSystem(t)
	s.activities.SegmentEntries = ledger.TileWidth
	ledgertest.Append(t, s.log, s.ledger, 0, 600)
	s.superuser(`update payload set fields = replace(fields, 'event number 42"', 'event number 43"'), actor_email = 'x@example.com' where seq = 42`)
	s.work()
	id := s.orderVerification(everything)
	r := s.result(s.awaitVerification(id))
	if r.Verified || r.Mismatches != 1 || r.FirstInvalid.Seq != 42 || r.ProblemCount != int64(len(r.Problems)) {
		t.Errorf("%+v", r)
	}
	if err := s.temporal.GetWorkflow(t.Context(), string(id), "").Get(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	d, err := s.temporal.DescribeWorkflowExecution(t.Context(), string(id), "")
	if err != nil {
		t.Fatal(err)
	}
	attributes := d.GetWorkflowExecutionInfo().GetSearchAttributes().GetIndexedFields()
	for name, want := range map[string]string{"AuditTenant": `"org_test"`, "AuditKind": `"verification"`, "AuditStage": `"completed"`, "AuditItems": "600"} {
		if got := string(attributes[name].GetData()); got != want {
			t.Errorf("search attribute %s is %s, not %s", name, got, want)
		}
	}
	if got := string(d.GetExecutionConfig().GetUserMetadata().GetSummary().GetData()); !strings.Contains(got, "Verification of 2024-01-01 to 2024-03-31") {
		t.Errorf("summary %s", got)
	}
	for it := s.temporal.GetWorkflowHistory(t.Context(), string(id), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); it.HasNext(); {
		event, err := it.Next()
		if err != nil {
			t.Fatal(err)
		}
		for _, personal := range []string{"@example.com", "203.0.113.1", "user_1", "event number"} {
			if strings.Contains(event.String(), personal) {
				t.Errorf("the history holds %q: %.300s", personal, event)
			}
		}
	}
	s.record(audit.ExportID(id), "verify_completed")
}

// However much is wrong, it is counted, and a thousand are named.
func TestVerificationOfManyProblems(t *testing.T) {
	s := newSystem(t)
	s.activities.SegmentEntries = ledger.TileWidth
	ledgertest.Append(t, s.log, s.ledger, 0, 700)
	s.superuser(`update payload set actor_id = 'x', category = 'x' where seq < 650`, `delete from payload where seq = 680`, `delete from entry where seq = 680`)
	s.work()
	r := s.result(s.awaitVerification(s.orderVerification(everything)))
	if r.Verified || r.ProblemCount < 1301 || len(r.Problems) != ledger.MaxProblems || r.Gaps != 1 || r.Range.Count != 699 {
		t.Errorf("%d problems, %d listed, %d gaps, %+v", r.ProblemCount, len(r.Problems), r.Gaps, r.Range)
	}
	head, _, err := s.log.Head(t.Context(), s.ledger)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for row, err := range s.log.Rows(t.Context(), s.ledger, 700, head.Size) {
		if err != nil {
			t.Fatal(err)
		}
		if e, err := row.Entry(); err == nil && e.Type == audit.TypeLedgerVerified && e.Severity == audit.SeverityCritical {
			n++
		}
	}
	if n != 1 {
		t.Error("the result is not a critical entry")
	}
}

func TestVerificationCancel(t *testing.T) {
	s := newSystem(t)
	s.activities.SegmentEntries = ledger.TileWidth
	ledgertest.Append(t, s.log, s.ledger, 0, 6000)
	// Before a worker is there: start and cancel both wait in the outbox.
	early := s.orderVerification(everything)
	if err := s.cancelVerification(early); err != nil {
		t.Fatal(err)
	}
	s.work()
	if v := s.awaitVerification(early); v.Status != audit.VerificationCanceled {
		t.Errorf("%+v", v)
	}
	// While it runs.
	running := s.orderVerification(everything)
	s.eventually("segments are verified", func() bool { return s.segments() > 2 })
	if err := s.cancelVerification(running); err != nil {
		t.Fatal(err)
	}
	if v := s.awaitVerification(running); v.Status != audit.VerificationCanceled || v.Result != nil {
		t.Errorf("%+v", v)
	}
	s.record(audit.ExportID(running), "verify_canceled")
	if err := s.cancelVerification(running); audit.CodeOf(err) != audit.InvalidState {
		t.Errorf("a second cancel: %v", err)
	}
	if n := s.segments(); n != 0 {
		t.Errorf("%d segments are left", n)
	}
	// Once it is completed it is too late.
	done := s.orderVerification(audit.VerificationRequest{From: "2024-01-01T00:00:00Z", To: "2024-01-01T00:00:09Z"})
	s.awaitVerification(done)
	if err := s.cancelVerification(done); audit.CodeOf(err) != audit.InvalidState {
		t.Errorf("a cancel after the end: %v", err)
	}
	ledgertest.Check(t, s.log, s.ledger, -1)
}

// An operator's Reset runs the workflow again from an earlier point: no effect
// may happen twice, and the result stays.
func TestVerificationReset(t *testing.T) {
	s := newSystem(t)
	s.activities.SegmentEntries = ledger.TileWidth
	ledgertest.Append(t, s.log, s.ledger, 0, 800)
	s.work()
	id := s.orderVerification(everything)
	before := s.awaitVerification(id)
	s.eventually("the history is kept", func() bool { return s.histories() == 1 })
	for i := range 5 {
		tasks := s.workflowTasks(audit.ExportID(id)) // of the newest run: from its end to its start
		at := tasks[(4-i)*(len(tasks)-1)/4]
		_, err := s.temporal.ResetWorkflowExecution(t.Context(), &workflowservice.ResetWorkflowExecutionRequest{
			Namespace: "default", RequestId: fmt.Sprint("reset-", id, at), Reason: "test", WorkflowTaskFinishEventId: at,
			WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: string(id)},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.temporal.GetWorkflow(t.Context(), string(id), "").Get(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	after := s.verification(id)
	if after.Status != audit.VerificationCompleted || string(*after.Result) != string(*before.Result) || !after.CompletedAt.Equal(*before.CompletedAt) {
		t.Errorf("%+v became %+v", before, after)
	}
	if n := s.entries(audit.TypeLedgerVerified); n != 1 {
		t.Errorf("%d results are recorded", n)
	}
	if n := s.segments(); n != 0 {
		t.Errorf("%d segments are left", n)
	}
	ledgertest.Check(t, s.log, s.ledger, -1)
}

// A worker that stops in the middle hands over, while the ledger grows: what is
// kept is not verified again.
func TestVerificationSurvivesItsWorker(t *testing.T) {
	s := newSystem(t)
	s.activities.SegmentEntries = ledger.TileWidth
	ledgertest.Append(t, s.log, s.ledger, 0, 5000)
	stop := s.work()
	id := s.orderVerification(everything)
	most := 0
	for i := range 4 {
		before := s.segments()
		s.eventually("segments are verified", func() bool { return s.segments() > before || s.verification(id).Status.Final() })
		stop()
		if n := s.segments(); n < most && !s.verification(id).Status.Final() {
			t.Errorf("%d segments are kept, there were %d", n, most)
		} else {
			most = n
		}
		ledgertest.Append(t, s.log, s.ledger, 5000+10*i, 10)
		stop = s.work()
	}
	s.eventually("the job says how far it is", func() bool { // the new worker may not have replayed it yet
		p, err := workflows.NewClient(s.temporal).VerificationProgress(t.Context(), id)
		return err == nil && p.Total == 5000
	})
	r := s.result(s.awaitVerification(id))
	if !r.Verified || r.Range.Count != 5000 || r.TreeSize < 5001 {
		t.Errorf("%+v", r)
	}
	if n := s.entries(audit.TypeLedgerVerified); n != 1 {
		t.Errorf("%d results are recorded", n)
	}
	ledgertest.Check(t, s.log, s.ledger, -1)
}

// What keeps a verification from being made fails the job, and is said.
func TestVerificationFails(t *testing.T) {
	s := newSystem(t)
	ledgertest.Append(t, s.log, s.ledger, 0, 10)
	s.work()
	id := s.orderVerification(audit.VerificationRequest{From: "once", To: "later"}) // the API refuses it
	if v := s.awaitVerification(id); v.Status != audit.VerificationFailed || v.Error == nil || !strings.Contains(*v.Error, "neither an RFC 3339 time nor a date") {
		t.Errorf("%+v", v)
	}
	s.record(audit.ExportID(id), "verify_failed")
	if n := s.entries("audit.ledger_verification_failed"); n != 1 {
		t.Errorf("%d entries", n)
	}
	ledgertest.Check(t, s.log, s.ledger, -1)
}

// Sweeping ends a job whose workflow is gone.
func TestSweepEndsAnAbandonedVerification(t *testing.T) {
	s := newSystem(t)
	ledgertest.Append(t, s.log, s.ledger, 0, 10)
	id := fmt.Sprint("verify_orphan_", os.Getpid())
	s.superuser(fmt.Sprintf(`insert into verification (id, ledger, request, requested_by, status, created_at) values ('%s', %d, '{}', '{}', 'processing', now() - interval '1 hour')`, id, s.ledger))
	s.work()
	for _, want := range []int{1, 0} {
		if swept, err := s.activities.Sweep(t.Context()); err != nil || swept.Ended != want {
			t.Fatalf("%+v %v", swept, err)
		}
	}
	if v := s.verification(audit.VerificationID(id)); v.Status != audit.VerificationFailed || v.Error == nil || !strings.Contains(*v.Error, "not known to Temporal") {
		t.Errorf("%+v", v)
	}
	if n := s.entries("audit.ledger_verification_failed"); n != 1 {
		t.Errorf("%d entries", n)
	}
	ledgertest.Check(t, s.log, s.ledger, -1)
}
