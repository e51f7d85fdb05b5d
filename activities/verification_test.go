package activities_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// verifying is a verification job on a real ledger, whose activities are run
// one by one.
type verifying struct {
	t     *testing.T
	dsn   string
	log   *ledger.Log
	store *store.Store
	env   *testsuite.TestActivityEnvironment
	a     *activities.Activities
	start audit.VerificationStart
}

func newVerifying(t *testing.T, entries int, window audit.VerificationRequest) *verifying {
	t.Helper()
	v := &verifying{t: t}
	v.log, v.start.Ledger, v.dsn = ledgertest.New(t)
	v.start.ID, v.start.Organisation = "verify_1", "org_test"
	var err error
	if v.store, err = store.Open(t.Context(), v.dsn, 4); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.store.Close)
	ledgertest.Append(t, v.log, v.start.Ledger, 0, entries)
	v.a = &activities.Activities{Log: v.log, Store: v.store, Clock: audit.SystemClock, SegmentEntries: ledger.TileWidth}
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	v.env = suite.NewTestActivityEnvironment()
	v.env.RegisterActivity(v.a)
	job := store.Verification{ID: v.start.ID, Ledger: v.start.Ledger, Request: store.JSON[audit.VerificationRequest]{V: window}, CreatedAt: audit.SystemClock()}
	v.change(store.InsertVerification(job, store.Start{Workflow: audit.VerificationWorkflow, WorkflowID: string(v.start.ID), Input: v.start, At: audit.SystemClock()}))
	return v
}

// change appends an entry with statements, as the API does.
func (v *verifying) change(with store.Statements) {
	v.t.Helper()
	e := audit.Event{Type: "audit.test", Class: audit.ClassSystem, Severity: audit.SeverityLow}
	if _, err := v.log.Append(v.t.Context(), ledger.Submission{Ledger: v.start.Ledger, Events: []audit.Event{e}, With: with}); err != nil {
		v.t.Fatal(err)
	}
}

func (v *verifying) superuser(statements ...string) {
	v.t.Helper()
	conn, err := pgx.Connect(v.t.Context(), v.dsn)
	if err != nil {
		v.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, sql := range append([]string{`set session_replication_role = replica`}, statements...) {
		if _, err := conn.Exec(v.t.Context(), sql); err != nil {
			v.t.Fatal(err)
		}
	}
}

// begin takes the job over and freezes it.
func (v *verifying) begin() (f activities.FrozenVerification) {
	v.t.Helper()
	if _, err := v.env.ExecuteActivity(v.a.BeginVerification, v.start); err != nil {
		v.t.Fatal(err)
	}
	got, err := v.env.ExecuteActivity(v.a.FreezeVerification, v.start)
	if err == nil {
		err = got.Get(&f)
	}
	if err != nil {
		v.t.Fatal(err)
	}
	return f
}

func (v *verifying) segment(i int) error {
	_, err := v.env.ExecuteActivity(v.a.VerifySegment, activities.VerifySegment{Start: v.start, Index: i})
	return err
}

func (v *verifying) finish() (o activities.VerificationOutcome, err error) {
	got, err := v.env.ExecuteActivity(v.a.FinishVerification, v.start)
	if err == nil {
		err = got.Get(&o)
	}
	return o, err
}

func (v *verifying) job() store.Verification {
	v.t.Helper()
	j, err := v.store.Verification(v.t.Context(), v.start.Ledger, v.start.ID)
	if err != nil {
		v.t.Fatal(err)
	}
	return j
}

func (v *verifying) result() (s ledger.Summary) {
	v.t.Helper()
	j := v.job()
	if j.Result == nil {
		v.t.Fatalf("%+v", j)
	}
	if err := json.Unmarshal(*j.Result, &s); err != nil {
		v.t.Fatal(err)
	}
	return s
}

func refused(err error, why string) bool { return err != nil && strings.Contains(err.Error(), why) }

var window = audit.VerificationRequest{From: "2024-01-01", To: "2024-12-31"}

func TestVerificationStepByStep(t *testing.T) {
	t.Parallel()
	v := newVerifying(t, 600, window)
	f := v.begin()
	if f.First != 0 || f.End != 600 || len(f.Segments) != 3 {
		t.Fatalf("%+v", f)
	}
	// What was frozen stays, whatever is appended and configured since.
	ledgertest.Append(t, v.log, v.start.Ledger, 600, 100)
	v.a.SegmentEntries = 2 * ledger.TileWidth
	if again := v.begin(); len(again.Segments) != 3 || again.End != 600 {
		t.Errorf("%+v", again)
	}
	for _, i := range []int{2, 0} {
		if err := v.segment(i); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := v.finish(); !refused(err, "2 of the 3 segments") {
		t.Errorf("a verification is finished without a segment: %v", err)
	}
	for _, i := range []int{-1, 3} {
		if err := v.segment(i); !refused(err, "not a segment") {
			t.Errorf("segment %d: %v", i, err)
		}
	}
	// What is kept is not verified again: what happens to it since is for the
	// next verification.
	v.superuser(`update payload set actor_id = 'x' where seq = 10`)
	for _, i := range []int{0, 1} {
		if err := v.segment(i); err != nil {
			t.Fatal(err)
		}
	}
	o, err := v.finish()
	if err != nil || !o.Verified || o.Rows != 600 {
		t.Fatalf("%+v %v", o, err)
	}
	v.superuser(`update payload set actor_id = 'user_3' where seq = 10`)
	first := v.result()
	if first.Checked != 600 || first.TreeSize != 701 || first.Range.Last != 599 || first.Problems == nil {
		t.Errorf("%+v", first)
	}
	// A job that is completed stays as it is.
	for i := range 3 {
		if err := v.segment(i); err != nil {
			t.Error(err)
		}
	}
	if again, err := v.finish(); err != nil || again != o || v.result().VerifiedAt != first.VerifiedAt {
		t.Errorf("%+v %v", again, err)
	}
	got, err := v.env.ExecuteActivity(v.a.EndVerification, activities.EndVerification{Start: v.start, Status: audit.VerificationFailed})
	var status audit.VerificationStatus
	if err != nil || got.Get(&status) != nil || status != audit.VerificationCompleted {
		t.Errorf("%s %v", status, err)
	}
	ledgertest.Check(t, v.log, v.start.Ledger, 702) // the entries, the order's, and one result
}

func TestVerificationOfNothing(t *testing.T) {
	t.Parallel()
	v := newVerifying(t, 5, audit.VerificationRequest{From: "1999-01-01", To: "1999-12-31"})
	if f := v.begin(); f.First != 0 || f.End != 0 || len(f.Segments) != 1 {
		t.Fatalf("%+v", f)
	}
	if err := v.segment(0); err != nil {
		t.Fatal(err)
	}
	o, err := v.finish()
	if r := v.result(); err != nil || o.Verified || r.Verified || r.Checked != 0 || r.ChainValid || r.ProblemCount != 0 || r.Range != nil || r.Digest == "" {
		t.Errorf("%+v %+v %v", o, r, err)
	}
	ledgertest.Check(t, v.log, v.start.Ledger, -1)
}

// A cancel that comes before the result wins over it.
func TestVerificationThatIsCanceledHasNoResult(t *testing.T) {
	t.Parallel()
	v := newVerifying(t, 5, window)
	v.begin()
	if err := v.segment(0); err != nil {
		t.Fatal(err)
	}
	at := audit.SystemClock()
	v.change(store.CancelVerification(v.start.Ledger, v.start.ID, at, store.Cancel{WorkflowID: string(v.start.ID), At: at}))
	if _, err := v.finish(); !refused(err, "not in a state that allows this") {
		t.Errorf("%v", err)
	}
	if _, err := v.env.ExecuteActivity(v.a.EndVerification, activities.EndVerification{Start: v.start, Status: audit.VerificationFailed, Reason: "x"}); err != nil {
		t.Fatal(err)
	}
	if j := v.job(); j.Status != audit.VerificationCanceled || j.Error != nil || j.Result != nil {
		t.Errorf("%+v", j)
	}
	if err := v.segment(0); !refused(err, "has ended as canceled") {
		t.Errorf("a canceled job is worked on: %v", err)
	}
	ledgertest.Check(t, v.log, v.start.Ledger, -1)
}

// Somebody makes another history while the verification runs. Each segment may
// fit the tree that it sees; the trees do not fit each other.
func TestVerificationNoticesAFork(t *testing.T) {
	t.Parallel()
	v := newVerifying(t, 600, window)
	v.begin()
	for _, i := range []int{0, 1} {
		if err := v.segment(i); err != nil {
			t.Fatal(err)
		}
	}
	v.superuser(`update checkpoint set root = sha256('x') where ledger = 1 and size = (select size from head where ledger = 1)`, `update head set root = sha256('x') where ledger = 1`)
	if err := v.segment(2); err != nil {
		t.Fatal(err)
	}
	if _, err := v.finish(); err != nil {
		t.Fatal(err)
	}
	r := v.result()
	kinds := map[ledger.ProblemKind]bool{}
	for _, p := range r.Problems {
		kinds[p.Kind] = true
	}
	if r.Verified || r.ChainValid || !kinds[ledger.Forked] || r.Severity() != audit.SeverityCritical {
		t.Errorf("%v %+v", slices.Sorted(maps.Keys(kinds)), r)
	}
}
