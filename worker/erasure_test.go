package worker_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	enumspb "go.temporal.io/api/enums/v1"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

var erasureCount atomic.Int64

// orderErasure does what the API does for POST /subjects/{id}/erasure.
func (s *system) orderErasure(identifiers ...string) audit.ErasureID {
	s.t.Helper()
	id := audit.ErasureID(fmt.Sprintf("erasure_%d_%d", os.Getpid(), erasureCount.Add(1)))
	e := store.Erasure{
		ID: id, Ledger: s.ledger, Subject: &identifiers[0], Identifiers: &store.JSON[[]string]{V: identifiers}, Reason: "asked for", Basis: "DSR-7",
		RequestedBy: store.JSON[audit.Object]{V: audit.Object{"type": "user", "id": "user_one", "name": "One"}}, Requester: "user_one", CreatedAt: audit.SystemClock(),
	}
	s.append("audit.erasure_requested", audit.Object{"erasure_id": id}, store.InsertErasure(e, store.Start{
		Workflow: audit.ErasureWorkflow, WorkflowID: string(id), At: audit.SystemClock(), Input: audit.ErasureStart{ID: id, Ledger: s.ledger, Organisation: "org_test"}}))
	s.relay.Wake()
	return id
}

func (s *system) erasure(id audit.ErasureID) store.Erasure {
	s.t.Helper()
	e, err := s.store.Erasure(s.t.Context(), s.ledger, id)
	if err != nil {
		s.t.Fatal(err)
	}
	return e
}

// approve waits for the plan and lets it run.
func (s *system) approve(id audit.ErasureID) audit.ErasureCounts {
	s.t.Helper()
	s.eventually("the erasure is planned", func() bool { return s.erasure(id).Plan != nil })
	d := store.ErasureDecision{By: audit.Object{"type": "user", "id": "user_two"}, Decider: "user_two", Reason: "founded", At: audit.SystemClock()}
	s.append("audit.erasure_approved", audit.Object{"erasure_id": id}, store.ApproveErasure(s.ledger, id, d))
	s.relay.Wake()
	return s.erasure(id).Plan.V
}

func (s *system) appendSubject(n int) {
	s.t.Helper()
	for i := range n {
		e := ledgertest.Event(i)
		e.Actor = audit.Object{"type": "user", "id": "u-ann", "email": "ann@subject.example"}
		if _, err := s.log.Append(s.t.Context(), ledger.Submission{Ledger: s.ledger, Events: []audit.Event{e}}); err != nil {
			s.t.Fatal(err)
		}
	}
}

// A person is erased from entries and from the packages that were made of them,
// while workers die; what is made after it says so, and all proofs hold.
func TestErasure(t *testing.T) {
	s := newSystem(t)
	ledgertest.Append(t, s.log, s.ledger, 0, 600)
	s.appendSubject(20)
	ledgertest.Append(t, s.log, s.ledger, 600, 600)
	s.appendSubject(20)
	s.activities.BackupDays = 35
	stop := s.work()
	holding := s.await(s.order(request()))
	data, _ := s.pack(holding)
	without := request()
	without.AuditPeriod = audit.AuditPeriod{From: "2024-02-01", To: "2024-03-31"} // the entries are of January
	other := s.await(s.order(without))
	if len(data) == 0 {
		t.Fatal("there is no package")
	}
	receipts, err := s.log.Receipts(t.Context(), s.ledger, []int64{600, 610, 1220})
	if err != nil {
		t.Fatal(err)
	}

	id := s.orderErasure("u-ann", "ann@subject.example")
	plan := s.approve(id)
	for range 3 { // at whatever step it is
		stop()
		stop = s.work()
	}
	s.eventually("the erasure ends", func() bool { return s.erasure(id).Status.Final() })
	e := s.erasure(id)
	if e.Status != audit.ErasureCompleted || e.Identifiers != nil || e.Subject != nil {
		t.Fatalf("%+v %v", e, e.Error)
	}
	if err := s.temporal.GetWorkflow(t.Context(), string(id), "").Get(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	s.recordRun(string(id), "subject_erased")
	var c audit.ErasureCertificate
	if err := json.Unmarshal(*e.Certificate, &c); err != nil {
		t.Fatal(err)
	}
	if c.Counts.Entries != 40 || plan.Entries != 40 || c.Counts.Fields != plan.Fields || c.Counts.Packages["exports"] != 1 || plan.Packages["exports"] != 1 || c.Counts.Held != 0 {
		t.Errorf("planned %+v, erased %+v", plan, c.Counts)
	}
	if got := fmt.Sprintf("sha256:%x", sha256.Sum256(*e.Certificate)); got != *e.Digest || c.ApprovedBy.String("id") != "user_two" || c.RequestedBy.String("name") != "" {
		t.Errorf("%s %s", got, *e.Certificate)
	}
	if s.job(holding.ID).Status != audit.ExportExpired || s.job(holding.ID).ErasedAt == nil || s.job(other.ID).Status != audit.ExportCompleted {
		t.Errorf("%+v %+v", s.job(holding.ID), s.job(other.ID))
	}
	if files := s.files("exports/" + string(holding.ID)); len(files) != 0 {
		t.Errorf("%v are left", files)
	}
	s.pack(s.job(other.ID))
	for seq, r := range receipts {
		if check, err := s.log.CheckReceipt(t.Context(), s.ledger, &r); err != nil || !check.OK() {
			t.Errorf("the receipt of %d: %+v %v", seq, check, err)
		}
	}
	for event, n := range map[string]int{"audit.erasure_completed": 1, "audit.erasure_file_destroyed": 1, "audit.erasure_failed": 0} {
		if got := s.entries(event); got != n {
			t.Errorf("%d entries %s", got, event)
		}
	}
	// The same package again verifies, and has nothing of the person.
	again := s.await(s.order(request()))
	_, report := s.pack(again)
	if !report.Verified() {
		t.Errorf("%+v", report.Findings)
	}
	s.noTrace(string(id), "u-ann", "ann@subject", "DSR-7 of")
	ledgertest.Check(t, s.log, s.ledger, -1)
	ledgertest.Check(t, s.log, ledger.Registry, -1)
	registered := 0
	head, _, err := s.log.Head(t.Context(), ledger.Registry)
	if err != nil {
		t.Fatal(err)
	}
	for row, err := range s.log.Rows(t.Context(), ledger.Registry, 0, head.Size) {
		if err != nil {
			t.Fatal(err)
		}
		if entry, err := row.Entry(); err == nil && entry.Type == ledger.SubjectErased && entry.Details.String("digest") == *e.Digest {
			registered++
		}
	}
	if registered != 1 {
		t.Errorf("%d entries of the registry", registered)
	}
}

// noTrace looks for texts in a workflow's history.
func (s *system) noTrace(workflow string, texts ...string) {
	s.t.Helper()
	for it := s.temporal.GetWorkflowHistory(context.Background(), workflow, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); it.HasNext(); {
		event, err := it.Next()
		if err != nil {
			s.t.Fatal(err)
		}
		for _, text := range texts {
			if strings.Contains(event.String(), text) {
				s.t.Errorf("the history holds %q: %.300s", text, event)
			}
		}
	}
}

// What a hold keeps is left, with the packages that hold it, and goes after the
// release.
func TestErasureUnderHold(t *testing.T) {
	s := newSystem(t)
	s.appendSubject(5)
	s.work()
	made := s.await(s.order(request()))
	for _, name := range []string{"r1", "r2", "e1"} { // of a report, its data and its file, and of evidence
		w, err := s.artifacts.Create(t.Context(), "kept/"+name)
		if err == nil {
			_, err = w.Write([]byte("of ann"))
		}
		if err != nil || w.Close() != nil {
			t.Fatal(err)
		}
	}
	s.superuser(
		fmt.Sprintf(`insert into person (id, ledger, email, name, title, roles, status, created_by, created_at, changed_at, password)
			values ('user_ann', %d, 'Ann@subject.example', 'Ann', 't', '{viewer}', 'deactivated', 'x', now(), now(), 'p')`, s.ledger),
		fmt.Sprintf(`insert into report (id, ledger, request, from_time, until_time, requested_by, status, frozen, summary, artifact, created_at, completed_at, links_expire_at)
			values ('report_x', %d, '{}', '2024-01-01', '2024-02-01', '{}', 'generated', '{"key": "kept/r1"}', '{"first_seq": 0, "end_seq": 3}', '{"key": "kept/r2"}', now(), now(), now())`, s.ledger),
		fmt.Sprintf(`insert into investigation_evidence (ledger, investigation, id, kind, title, source, first_seq, end_seq, items, artifact, media_type, file_name, acquired_at, acquired_by, round)
			values (%[1]d, 'inv_x', 'ev_x', 'k', 't', '{}', 0, 3, 1, '{"key": "kept/e1", "digest": "sha256:00"}', 'm', 'f', now(), '{}', 1),
				(%[1]d, 'inv_x', 'ev_y', 'k', 't', '{}', 100, 103, 1, '{"key": "kept/e2"}', 'm', 'f', now(), '{}', 1)`, s.ledger),
		fmt.Sprintf(`insert into investigation_note (ledger, investigation, id, author, body, created_at) values (%d, 'inv_x', 'n', '{}', 'about ANN@subject.example', now())`, s.ledger))
	id := s.orderErasure("u-ann", "ann@subject.example")
	if plan := s.approve(id); plan.Held != 0 || plan.Entries != 5 || plan.People != 1 || plan.Mentions["investigation_note"] != 1 {
		t.Errorf("%+v", plan)
	}
	s.eventually("it ends", func() bool { return s.erasure(id).Status.Final() })
	if got := fmt.Sprint(s.erasure(id).Counts.V.Packages, s.erasure(id).Counts.V.People, s.files("kept")); got != "map[case_evidence:1 exports:1 reports:1] 1 []" {
		t.Error(got)
	}
	conn, err := pgx.Connect(t.Context(), s.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var who, custody string
	if err := conn.QueryRow(t.Context(), `select (select concat_ws(' ', email, name, title, password) from person), (select string_agg(evidence || event, ' ') from custody_event)`).
		Scan(&who, &custody); err != nil || who != "user_ann@erased.invalid erased " || custody != "ev_xerased" {
		t.Errorf("%q %q %v", who, custody, err)
	}
	if s.erasure(id).Status != audit.ErasureCompleted || s.job(made.ID).ErasedAt == nil {
		t.Errorf("%+v", s.erasure(id))
	}

	s.appendSubject(5)
	made = s.await(s.order(request()))
	s.superuser(fmt.Sprintf(`insert into legal_hold (ledger, id, matter, reason, scope, issued_by, issuer, issued_at)
		values (%d, 'hold_x', 'm', 'r', '{"systems":["repo_1"]}', '{}', '', now())`, s.ledger))
	id = s.orderErasure("u-ann")
	s.approve(id)
	s.eventually("it ends", func() bool { return s.erasure(id).Status.Final() })
	if c := s.erasure(id).Counts.V; c.Held != 2 || c.Entries != 3 || s.job(made.ID).ErasedAt != nil {
		t.Errorf("%+v %+v", c, s.job(made.ID))
	}
	s.superuser(`update legal_hold set released_at = now(), released_by = '{}', release_reason = 'r'`)
	id = s.orderErasure("u-ann")
	s.approve(id)
	s.eventually("it ends", func() bool { return s.erasure(id).Status.Final() })
	if c := s.erasure(id).Counts.V; c.Held != 0 || c.Entries != 2 || s.job(made.ID).ErasedAt == nil {
		t.Errorf("%+v %+v", c, s.job(made.ID))
	}
	ledgertest.Check(t, s.log, s.ledger, -1)
}
