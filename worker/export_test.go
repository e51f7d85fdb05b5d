package worker_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

func TestExportMakesAVerifiedPackage(t *testing.T) {
	s := newSystem(t)
	ledgertest.Append(t, s.log, s.ledger, 0, 700)
	s.work()
	r := request(audit.ScanResults, audit.IssueHistory, audit.AccessLogs)
	r.RepositoryIDs = []string{"repo_1", "repo_2"}
	id := s.order(r)
	data, report := s.pack(s.await(id))
	if !report.Verified() {
		t.Errorf("%+v", report)
	}
	if len(data) == 0 || report.Counts.Entries < 700 {
		t.Errorf("%+v", report.Counts)
	}
	// The same frozen scope gives the same bytes.
	again := s.order(r)
	if other, report := s.pack(s.await(again)); !report.Verified() || bytes.Equal(other, data) {
		t.Error("two exports at two checkpoints have the same bytes, or the second does not verify")
	}
	s.eventually("the histories are kept", func() bool { return s.histories() == 2 })
	s.eventually("the parts are removed", func() bool { return len(s.files("work/")) == 0 })
	if n := len(s.files("histories/" + string(id))); n != 1 {
		t.Errorf("%d histories", n)
	}
	if n := s.entries("audit.evidence_export_completed"); n != 2 {
		t.Errorf("%d completions", n)
	}
	s.readableInTemporal(id)
	s.record(id, "export_completed")
	ledgertest.Check(t, s.log, s.ledger, -1)
}

// readableInTemporal checks what an operator sees: summary, attributes,
// details, and no personal data anywhere in the history.
func (s *system) readableInTemporal(id audit.ExportID) {
	s.t.Helper()
	d, err := s.temporal.DescribeWorkflowExecution(s.t.Context(), string(id), "")
	if err != nil {
		s.t.Fatal(err)
	}
	attributes := d.GetWorkflowExecutionInfo().GetSearchAttributes().GetIndexedFields()
	for name, want := range map[string]string{"AuditTenant": `"org_test"`, "AuditKind": `"export"`, "AuditFramework": `"SOC2"`, "AuditStage": `"completed"`} {
		if got := string(attributes[name].GetData()); got != want {
			s.t.Errorf("search attribute %s is %s, not %s", name, got, want)
		}
	}
	if got := string(d.GetExecutionConfig().GetUserMetadata().GetSummary().GetData()); !strings.Contains(got, "Evidence for SOC2, 2024-01-01 to 2024-03-31") {
		s.t.Errorf("summary %s", got)
	}
	for it := s.temporal.GetWorkflowHistory(s.t.Context(), string(id), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); it.HasNext(); {
		event, err := it.Next()
		if err != nil {
			s.t.Fatal(err)
		}
		text := event.String()
		for _, personal := range []string{"@example.com", "203.0.113.1", "user_1", "event number"} {
			if strings.Contains(text, personal) {
				s.t.Errorf("the history holds %q: %.300s", personal, text)
			}
		}
		if len(text) > 64<<10 {
			s.t.Errorf("an event has %d bytes", len(text))
		}
	}
}

func TestExportFormats(t *testing.T) {
	s := newSystem(t)
	ledgertest.Append(t, s.log, s.ledger, 0, 50)
	s.work()
	for format, want := range map[audit.Format]string{audit.FormatJSON: `"record"`, audit.FormatCSV: "entry_id"} {
		r := request()
		r.Format = format
		e := s.await(s.order(r))
		data, _ := s.pack(e)
		if !bytes.Contains(data, []byte(want)) || int64(len(data)) != e.Artifact.V.Size {
			t.Errorf("%s: %.200s", format, data)
		}
	}
}

func TestExportCancel(t *testing.T) {
	s := newSystem(t)
	ledgertest.Append(t, s.log, s.ledger, 0, 3000)
	// Before a worker is there: start and cancel both wait in the outbox.
	early := s.order(request())
	if err := s.cancel(early); err != nil {
		t.Fatal(err)
	}
	s.work()
	if e := s.await(early); e.Status != audit.ExportCanceled {
		t.Errorf("%+v", e)
	}
	// While it runs.
	running := s.order(request())
	s.eventually("the export runs", func() bool { return s.job(running).Status == audit.ExportProcessing })
	if err := s.cancel(running); err != nil {
		t.Fatal(err)
	}
	e := s.await(running)
	if e.Status != audit.ExportCanceled {
		t.Errorf("%+v", e)
	}
	s.record(running, "export_canceled")
	if err := s.cancel(running); audit.CodeOf(err) != audit.InvalidState {
		t.Errorf("a second cancel: %v", err)
	}
	s.eventually("nothing is left of them", func() bool { return len(s.files("work/"))+len(s.files("exports/")) == 0 })
	// Once it is completed it is too late.
	done := s.order(request())
	s.await(done)
	if err := s.cancel(done); audit.CodeOf(err) != audit.InvalidState {
		t.Errorf("a cancel after the end: %v", err)
	}
	ledgertest.Check(t, s.log, s.ledger, -1)
}

// An operator's Reset runs the workflow again from an earlier point, with new
// run and activity ids: no effect may happen twice.
func TestExportReset(t *testing.T) {
	s := newSystem(t)
	ledgertest.Append(t, s.log, s.ledger, 0, 300)
	s.work()
	id := s.order(request())
	before := s.await(id)
	s.eventually("the history is kept", func() bool { return s.histories() == 1 })
	for i := range 4 {
		tasks := s.workflowTasks(id) // of the newest run: from its end to its start
		at := tasks[(3-i)*(len(tasks)-1)/3]
		_, err := s.temporal.ResetWorkflowExecution(s.t.Context(), &workflowservice.ResetWorkflowExecutionRequest{
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
	after := s.job(id)
	if after.Status != audit.ExportCompleted || after.Artifact.V != before.Artifact.V || !after.CompletedAt.Equal(*before.CompletedAt) {
		t.Errorf("%+v became %+v", before, after)
	}
	if n := s.entries("audit.evidence_export_completed"); n != 1 {
		t.Errorf("completed %d times", n)
	}
	if _, report := s.pack(after); !report.Verified() {
		t.Errorf("%+v", report)
	}
	ledgertest.Check(t, s.log, s.ledger, -1)
}

// workflowTasks returns the events to which a workflow can be reset.
func (s *system) workflowTasks(id audit.ExportID) (events []int64) {
	s.t.Helper()
	for it := s.temporal.GetWorkflowHistory(s.t.Context(), string(id), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); it.HasNext(); {
		event, err := it.Next()
		if err != nil {
			s.t.Fatal(err)
		}
		if event.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
			events = append(events, event.GetEventId())
		}
	}
	return events
}

// A worker that stops in the middle hands over: the next one resumes.
func TestExportSurvivesItsWorker(t *testing.T) {
	s := newSystem(t)
	ledgertest.Append(t, s.log, s.ledger, 0, 3_000)
	stop := s.work()
	id := s.order(request())
	for range 5 {
		s.eventually("the export runs", func() bool { return s.job(id).Status != audit.ExportQueued })
		time.Sleep(150 * time.Millisecond)
		stop()
		if s.job(id).Status != audit.ExportProcessing {
			t.Error("the export had ended before its worker did")
		}
		stop = s.work()
	}
	if _, report := s.pack(s.await(id)); !report.Verified() {
		t.Errorf("%+v", report)
	}
	if n := s.entries("audit.evidence_export_completed"); n != 1 {
		t.Errorf("completed %d times", n)
	}
	ledgertest.Check(t, s.log, s.ledger, -1)
}

// Entries that were altered never leave in a package: the export fails and
// names them.
func TestExportOfAlteredEntriesFails(t *testing.T) {
	s := newSystem(t)
	ledgertest.Append(t, s.log, s.ledger, 0, 100)
	conn, err := pgx.Connect(t.Context(), s.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, sql := range []string{`set session_replication_role = replica`, `update payload set fields = replace(fields, 'event number 42"', 'event number 43"') where seq = 42`} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	s.work()
	e := s.await(s.order(request()))
	if e.Status != audit.ExportFailed || e.Error == nil || !strings.Contains(*e.Error, "entry 42") {
		t.Errorf("%+v", e)
	}
	s.record(e.ID, "export_failed")
	s.eventually("nothing is left of it", func() bool { return len(s.files("work/"))+len(s.files("exports/")) == 0 })
}

// A column that hides an entry from the search cannot hide it from a package.
func TestExportNoticesAHiddenEntry(t *testing.T) {
	s := newSystem(t)
	ledgertest.Append(t, s.log, s.ledger, 0, 100)
	conn, err := pgx.Connect(t.Context(), s.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, sql := range []string{`set session_replication_role = replica`, `update payload set event_type = 'audit.hidden' where seq = 40`} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	s.work()
	if e := s.await(s.order(request())); e.Status != audit.ExportFailed {
		t.Errorf("%+v", e)
	}
}

// Nothing relays while Temporal is away, and everything once it is back.
func TestOrdersWaitForTemporal(t *testing.T) {
	s := newSystem(t)
	ledgertest.Append(t, s.log, s.ledger, 0, 10)
	var ids []audit.ExportID
	for range 5 {
		ids = append(ids, s.order(request()))
	}
	if e := s.job(ids[0]); e.Status != audit.ExportQueued {
		t.Fatalf("%+v", e)
	}
	s.work()
	for _, id := range ids {
		if _, report := s.pack(s.await(id)); !report.Verified() {
			t.Errorf("%+v", report)
		}
	}
}

// The sweep expires packages, and ends a job whose workflow an operator
// terminated.
func TestSweep(t *testing.T) {
	s := newSystem(t)
	ledgertest.Append(t, s.log, s.ledger, 0, 10)
	s.work()
	old := s.await(s.order(request()))

	now := audit.SystemClock()
	later := *s.activities
	later.Clock = func() time.Time { return now.Add(audit.ExportArtifactLife + time.Minute) }
	orphan := s.orphan()
	swept, err := later.Sweep(t.Context())
	if err != nil || swept.Expired != 1 || swept.Ended != 1 {
		t.Fatalf("%+v %v", swept, err)
	}
	if e := s.job(old.ID); e.Status != audit.ExportExpired {
		t.Errorf("%+v", e)
	}
	if e := s.job(orphan); e.Status != audit.ExportFailed {
		t.Errorf("%+v", e)
	}
	if files := s.files("exports/"); len(files) != 0 {
		t.Errorf("%v are left", files)
	}
	if again, err := later.Sweep(t.Context()); err != nil || again.Expired+again.Ended != 0 {
		t.Errorf("%+v %v", again, err)
	}
	ledgertest.Check(t, s.log, s.ledger, -1)
}

// orphan is a job whose order was lost, as if its workflow had been terminated
// and forgotten.
func (s *system) orphan() audit.ExportID {
	s.t.Helper()
	conn, err := pgx.Connect(s.t.Context(), s.dsn)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	id := audit.ExportID(fmt.Sprint("export_orphan_", os.Getpid()))
	_, err = conn.Exec(s.t.Context(), `
		insert into export (id, ledger, request, requested_by, status, created_at) values ($1, $2, '{}', '{}', 'processing', now())`, id, s.ledger)
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

// BenchmarkExport makes packages of 20,000 entries, of the order and until
// they are published: frozen, collected, built, verified. The baseline streams
// the same rows with COPY into a zip.
func BenchmarkExport(b *testing.B) {
	const n = 20_000
	s := newSystem(b)
	ledgertest.Append(b, s.log, s.ledger, 0, n)
	s.work()
	b.ResetTimer()
	start := time.Now()
	for range b.N {
		if e := s.await(s.order(request())); e.Status != audit.ExportCompleted {
			b.Fatalf("%+v", e)
		}
	}
	rate := float64(b.N) * n / time.Since(start).Seconds()
	b.StopTimer()
	copied := s.copyRate(n)
	b.ReportMetric(rate, "entries/s")
	b.ReportMetric(copied, "copy-zip-rows/s")
	b.ReportMetric(rate/copied, "of-copy-zip")
}

// copyRate is the baseline: the same rows without a proof of anything.
func (s *system) copyRate(n int) float64 {
	s.t.Helper()
	conn, err := pgx.Connect(s.t.Context(), s.dsn)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	start := time.Now()
	z := zip.NewWriter(io.Discard)
	w, err := z.Create("entries.csv")
	if err != nil {
		s.t.Fatal(err)
	}
	_, err = conn.PgConn().CopyTo(s.t.Context(), w, `copy (select e.record, e.leaf, p.fields from entry e join payload p using (ledger, seq) where e.ledger = 1 order by seq) to stdout csv`)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		s.t.Fatal(err)
	}
	return float64(n) / time.Since(start).Seconds()
}
