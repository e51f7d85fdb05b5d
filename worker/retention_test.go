package worker_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
	"github.com/sealbook/sealbook/workflows"
)

// movable is a clock that a test sets.
type movable struct{ at atomic.Int64 }

func (m *movable) now() time.Time  { return time.UnixMicro(m.at.Load()).UTC() }
func (m *movable) set(t time.Time) { m.at.Store(t.UnixMicro()) }

// newOldSystem has n entries recorded in January 2024, and it is March 2025.
func newOldSystem(t *testing.T, n int) (*system, *movable, []ledger.Receipt) {
	t.Helper()
	clock := &movable{}
	clock.set(time.Date(2024, 1, 10, 9, 0, 0, 0, time.UTC))
	s := newSystem(t, func(c *ledger.Config) { c.Clock = clock.now })
	s.activities.Clock = clock.now
	receipts := ledgertest.Append(t, s.log, s.ledger, 0, n)
	clock.set(time.Date(2025, 3, 1, 9, 0, 0, 0, time.UTC))
	return s, clock, receipts
}

func (s *system) retain() (lost int) {
	s.t.Helper()
	return s.perform(audit.RetentionWorkflow, audit.RetentionRun{}, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterWorkflowWithOptions(workflows.EnforceRetention, workflow.RegisterOptions{Name: audit.RetentionWorkflow})
	})
}

// TestRetentionSurvivesEveryStep: each attempt of each activity is lost once after
// it was done, and every step has its effect once: one file for each segment, one
// entry for each step, no payload twice and none missing.
func TestRetentionSurvivesEveryStep(t *testing.T) {
	t.Parallel()
	s, clock, receipts := newOldSystem(t, 50)
	if lost := s.retain(); lost < 6 {
		t.Errorf("only %d attempts were lost", lost)
	}
	if n, files := s.entries("audit.retention_archived"), s.files("archive"); n != 2 || len(files) != 2 { // entries and scan results
		t.Errorf("%d entries about segments, files %v", n, files)
	}
	if n := s.entries("audit.retention_purge"); n != 2 {
		t.Errorf("%d entries about purges", n)
	}
	s.checkRetained(receipts, audit.Archived)

	id := s.retrieve()
	s.perform(audit.RetrievalWorkflow, audit.RetrievalStart{ID: id, Ledger: s.ledger, Organisation: "org_test"}, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterWorkflowWithOptions(workflows.RetrieveArchive, workflow.RegisterOptions{Name: audit.RetrievalWorkflow})
	})
	row, err := s.store.Retrieval(t.Context(), s.ledger, id)
	if err != nil || row.Status != audit.RetrievalAvailable || s.entries("audit.archive_retrieved") != 1 {
		t.Fatalf("%+v, %v", row, err)
	}
	s.checkRetained(receipts, "")

	clock.set(time.Date(2025, 4, 1, 9, 0, 0, 0, time.UTC))
	if _, err := s.activities.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.retain()
	if row, err = s.store.Retrieval(t.Context(), s.ledger, id); err != nil || row.Status != audit.RetrievalExpired {
		t.Errorf("%+v, %v", row, err)
	}
	s.checkRetained(receipts, audit.Archived)

	clock.set(time.Date(2036, 1, 1, 9, 0, 0, 0, time.UTC))
	s.retain()
	s.checkRetained(receipts, audit.Destroyed)
	if n := s.entries("audit.retention_destroyed"); n < 2 {
		t.Errorf("%d entries about destroyed files", n)
	}
}

// checkRetained verifies every receipt, whose entries' content is gone as code says.
func (s *system) checkRetained(receipts []ledger.Receipt, code audit.Code) {
	s.t.Helper()
	ledgertest.Check(s.t, s.log, s.ledger, -1)
	for i := range receipts {
		c, err := s.log.CheckReceipt(s.t.Context(), s.ledger, &receipts[i])
		if err != nil || !c.Genuine() || !c.Current || len(c.Problems) > 0 {
			s.t.Fatalf("receipt %d: %+v, %v", i, c, err)
		}
		if c.Gone != nil && c.Gone.Code != code || c.Gone == nil && code != "" {
			s.t.Fatalf("the content of entry %d is gone as %v, not as %q", i, c.Gone, code)
		}
	}
}

// retrieve does what the API does: somebody asks, and somebody else approves.
func (s *system) retrieve() audit.RetrievalID {
	s.t.Helper()
	exportMu.Lock()
	exportCount++
	id := audit.RetrievalID(fmt.Sprintf("retrieval_%d_%d", os.Getpid(), exportCount))
	exportMu.Unlock()
	list, err := s.log.ArchivedSegments(s.t.Context(), s.ledger, audit.Period{}, 100)
	if err != nil {
		s.t.Fatal(err)
	}
	v := store.Retrieval{ID: id, Ledger: s.ledger, FromTime: list[0].EventFrom, UntilTime: list[0].EventUntil.Add(time.Hour), Reason: "r", Days: 7,
		RequestedBy: store.JSON[audit.Object]{V: audit.Object{"type": "user", "id": "user_a"}}, RequestedAt: s.activities.Clock()}
	for _, x := range list {
		v.Segments, v.Entries = append(v.Segments, x.ID), v.Entries+x.Entries
	}
	s.append("audit.archive_retrieval_requested", audit.Object{}, store.InsertRetrieval(v))
	s.append("audit.archive_retrieval_approved", audit.Object{}, store.ApproveRetrieval(s.ledger, id, audit.Object{"type": "user", "id": "user_b"}, s.activities.Clock(),
		store.Start{Workflow: audit.RetrievalWorkflow, WorkflowID: string(id), At: s.activities.Clock(), Input: audit.RetrievalStart{ID: id, Ledger: s.ledger}}))
	return id
}

// A file that is damaged, missing or another one's brings nothing back, and the
// retrieval says why; what the database still had stays.
func TestRetrievalOfABadFileFails(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(t *testing.T, s *system, path string){
		"missing": func(t *testing.T, _ *system, path string) {
			if err := os.Remove(path); err != nil {
				t.Error(err)
			}
		},
		"damaged": func(t *testing.T, _ *system, path string) {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			b[len(b)/2] ^= 1
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Error(err)
			}
		},
		"swapped": func(t *testing.T, s *system, path string) {
			for _, other := range s.files("archive") {
				if other = filepath.Join(s.folder, other); other != path {
					b, err := os.ReadFile(other)
					if err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(path, b, 0o600); err != nil {
						t.Error(err)
					}
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _, _ := newOldSystem(t, 20)
			s.retain()
			damage(t, s, filepath.Join(s.folder, s.files("archive")[0]))
			id := s.retrieve()
			_, err := s.attempt(audit.RetrievalWorkflow, audit.RetrievalStart{ID: id, Ledger: s.ledger}, func(env *testsuite.TestWorkflowEnvironment) {
				env.RegisterWorkflowWithOptions(workflows.RetrieveArchive, workflow.RegisterOptions{Name: audit.RetrievalWorkflow})
			})
			if err == nil {
				t.Error("the workflow ended well")
			}
			row, err := s.store.Retrieval(t.Context(), s.ledger, id)
			if err != nil || row.Status != audit.RetrievalFailed || row.Problem == nil {
				t.Errorf("%+v, %v", row, err)
			}
		})
	}
}

// An erasure reaches archived payloads: values and salts go from the files, which
// are written anew, what a hold keeps stays, proofs and receipts hold, and what
// comes back lacks what was erased.
func TestErasureReachesTheArchive(t *testing.T) {
	t.Parallel()
	clock := &movable{}
	clock.set(time.Date(2024, 1, 10, 9, 0, 0, 0, time.UTC))
	s := newSystem(t, func(c *ledger.Config) { c.Clock = clock.now })
	s.activities.Clock = clock.now
	receipts := ledgertest.Append(t, s.log, s.ledger, 0, 10)
	s.appendSubject(10)
	clock.set(time.Date(2025, 3, 1, 9, 0, 0, 0, time.UTC))
	s.retain()
	before := s.files("archive")
	// A run that died before it registered its file left it behind.
	if err := os.WriteFile(filepath.Join(s.folder, filepath.Dir(before[0]), "left-behind"), []byte("u-ann"), 0o600); err != nil {
		t.Fatal(err)
	}

	id := s.orderErasure("u-ann", "ann@subject.example")
	start := audit.ErasureStart{ID: id, Ledger: s.ledger, Organisation: "org_test"}
	lost := s.perform(audit.ErasureWorkflow, start, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterWorkflowWithOptions(workflows.EraseSubject, workflow.RegisterOptions{Name: audit.ErasureWorkflow})
		env.RegisterDelayedCallback(func() {
			if plan := s.approve(id); plan.Entries != 10 || plan.Fields == 0 {
				t.Errorf("planned %+v", plan)
			}
			env.SignalWorkflow(audit.ErasureSignal, nil)
		}, time.Hour)
	})
	e := s.erasure(id)
	if lost < 6 || e.Status != audit.ErasureCompleted || e.Counts.V.Entries != 10 || e.Counts.V.Fields != e.Plan.V.Fields {
		t.Fatalf("%d attempts were lost; %+v %v", lost, e, e.Error)
	}
	after := s.files("archive")
	if len(after) != len(before) || fmt.Sprint(after) == fmt.Sprint(before) {
		t.Errorf("the files were %v and are %v", before, after)
	}
	for _, name := range after {
		if text := s.unzipped(name); strings.Contains(text, "u-ann") || strings.Contains(text, "ann@subject.example") {
			t.Errorf("%s still names the person", name)
		}
	}
	s.checkRetained(receipts, audit.Archived)
	s.perform(audit.RetrievalWorkflow, audit.RetrievalStart{ID: s.retrieve(), Ledger: s.ledger}, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterWorkflowWithOptions(workflows.RetrieveArchive, workflow.RegisterOptions{Name: audit.RetrievalWorkflow})
	})
	row, err := s.log.Row(t.Context(), s.ledger, receipts[9].Proof.Index+1)
	if err != nil {
		t.Fatal(err)
	}
	entry, err := row.Entry()
	if err != nil || !entry.Verified || entry.Actor.String("id") != "" || len(entry.Withheld) == 0 {
		t.Errorf("%+v, %v", entry, err)
	}
	s.checkRetained(receipts, "")
	if r, err := s.log.VerifyRegistry(t.Context(), ledger.Registry, ledger.VerifyOptions{}); err != nil || len(r.Problems) > 0 {
		t.Errorf("the registry: %v, %v", r.Problems, err)
	}
}

func (s *system) unzipped(name string) string {
	s.t.Helper()
	f, err := os.Open(filepath.Join(s.folder, name))
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		s.t.Fatal(err)
	}
	text, err := io.ReadAll(zip)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// A run on a real Temporal archives and purges; its history is what the replay test
// holds later versions against.
func TestRetentionRuns(t *testing.T) {
	s, clock, receipts := newOldSystem(t, 30)
	s.work()
	id := fmt.Sprintf("retention_%d", os.Getpid())
	run, err := s.temporal.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: workflows.CoreQueue}, audit.RetentionWorkflow, audit.RetentionRun{})
	if err == nil {
		err = run.Get(t.Context(), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.checkRetained(receipts, audit.Archived)
	s.recordRun(id, "retention_enforced")

	// What is not due is archived because somebody orders it.
	late := ledgertest.Append(t, s.log, s.ledger, 100, 10)
	clock.set(clock.now().Add(time.Second))
	before := clock.now()
	order := fmt.Sprintf("archive_%d", os.Getpid())
	s.append("audit.archive_ordered", audit.Object{}, store.Starting(store.Start{Workflow: audit.RetentionWorkflow, WorkflowID: order, At: audit.SystemClock(),
		Input: audit.RetentionRun{Only: s.ledger, Before: &before}}))
	s.relay.Wake()
	s.eventually("the order is done", func() bool {
		for i := range late {
			if c, err := s.log.CheckReceipt(t.Context(), s.ledger, &late[i]); err != nil || c.Gone == nil {
				return false
			}
		}
		return true
	})
	s.checkRetained(late, audit.Archived)
	retrieval := s.retrieve()
	s.relay.Wake()
	s.eventually("the payloads are back", func() bool {
		row, err := s.store.Retrieval(t.Context(), s.ledger, retrieval)
		return err == nil && row.Status == audit.RetrievalAvailable
	})
	s.checkRetained(receipts, "")
	if err := s.temporal.GetWorkflow(t.Context(), string(retrieval), "").Get(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	s.recordRun(string(retrieval), "archive_retrieved")
}

// Nothing is purged whose file is not there, or is not the one that was registered.
func TestNoFileNoPurge(t *testing.T) {
	t.Parallel()
	s, _, receipts := newOldSystem(t, 20)
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(s.activities)
	for range 2 {
		if _, err := env.ExecuteActivity(s.activities.ArchiveSegment, activities.ArchiveOrder{Ledger: s.ledger}); err != nil {
			t.Fatal(err)
		}
	}
	files := s.files("archive")
	if len(files) != 2 {
		t.Fatal(files)
	}
	if err := os.Remove(filepath.Join(s.folder, files[0])); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.folder, files[1]), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := env.ExecuteActivity(s.activities.PurgeSegments, s.ledger); err == nil {
		t.Error("it was purged")
	}
	s.checkRetained(receipts, "")
	if n := s.entries("audit.retention_purge"); n != 0 {
		t.Errorf("%d entries say that it was", n)
	}
}

// A stream whose next entries are archived says so to who runs it, and goes on when
// they are back.
func TestStreamsSayThatEntriesAreArchived(t *testing.T) {
	t.Parallel()
	s, _, _ := newOldSystem(t, 10)
	s.retain()
	s.reachReceivers()
	r := newReceiver(t, bytes.Repeat([]byte("s"), 32))
	id := s.orderStream(r, audit.StreamFilter{})
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(s.activities)
	start := audit.StreamStart{ID: id, Ledger: s.ledger, Organisation: "org_test"}
	if _, err := env.ExecuteActivity(s.activities.DeliverMessage, start); err != nil {
		t.Fatal(err)
	}
	if x := s.stream(id); x.LastError == nil || !strings.Contains(*x.LastError, "has been archived") || x.NextSeq != 0 {
		t.Errorf("%+v", x)
	}
}

// A scheduled assessment brings back what it needs, for a time; one that a person
// ordered does not.
func TestScheduledAssessmentsRecall(t *testing.T) {
	t.Parallel()
	s, clock, receipts := newOldSystem(t, 20)
	s.retain()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(s.activities)
	assess := func(id audit.AssessmentID, by audit.Object) error {
		row := store.Assessment{
			ID: id, Ledger: s.ledger, Frameworks: []audit.Framework{audit.SOC2}, FromTime: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), UntilTime: time.Date(2024, 2, 1, 0, 0, 0, 0, time.UTC),
			PeriodName: "January", CreatedAt: clock.now(), RequestedBy: store.JSON[audit.Object]{V: by},
		}
		s.append("audit.test", nil, store.InsertAssessment(row, "org_test"))
		_, err := env.ExecuteActivity(s.activities.AssessPeriod, audit.AssessmentStart{ID: id, Ledger: s.ledger})
		return err
	}
	if err := assess("assess_ordered", audit.Object{"type": "user", "id": "user_a"}); err == nil {
		t.Error("one that somebody ordered was made of what is archived")
	}
	s.checkRetained(receipts, audit.Archived)
	if err := assess("assess_scheduled", store.ScheduledBy); err != nil {
		t.Fatal(err)
	}
	s.checkRetained(receipts, "")
	if n := s.entries("audit.archive_retrieved"); n != 1 {
		t.Errorf("%d entries say so", n)
	}
	clock.set(clock.now().AddDate(0, 0, 3))
	s.retain()
	s.checkRetained(receipts, audit.Archived)
}
