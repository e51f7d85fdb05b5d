package worker_test

import (
	"crypto/x509"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/anchor"
	"github.com/sealbook/sealbook/internal/anchor/anchortest"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/internal/tsa"
	"github.com/sealbook/sealbook/internal/tsa/tsatest"
	"github.com/sealbook/sealbook/ledger/ledgertest"
	"github.com/sealbook/sealbook/workflows"
)

// outside is every kind of place, real and on loopback.
type outside struct {
	authority *tsatest.Authority
	roots     *x509.CertPool
	witness   *anchortest.Witness
	bucket    string
	anchors   []activities.Anchor
}

func newOutside(t *testing.T) *outside {
	t.Helper()
	o := &outside{authority: tsatest.NewAuthority(t), witness: anchortest.NewWitness(t, "witness.example/w1", registryKey()), bucket: t.TempDir()}
	var err error
	if o.roots, err = tsa.ParseRoots(o.authority.Roots); err != nil {
		t.Fatal(err)
	}
	a, err := anchor.NewAuthority(o.authority.URL, o.authority.Roots)
	if err != nil {
		t.Fatal(err)
	}
	b, err := anchor.NewBucket("file://" + o.bucket)
	if err != nil {
		t.Fatal(err)
	}
	o.anchors = []activities.Anchor{a, b, witnessAt(t, o.witness, o.witness.URL)}
	return o
}

func registryKey() string { return ledgertest.Key.VerifierKey(ledgertest.Origin) }

func witnessAt(t *testing.T, w *anchortest.Witness, url string) *anchor.Witness {
	t.Helper()
	at, err := anchor.NewWitness(w.Key(t), url)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// states returns how it stands with each place, by its name.
func (s *system) states() map[string]store.AnchorState {
	s.t.Helper()
	list, err := s.store.AnchorStates(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	out := map[string]store.AnchorState{}
	for _, a := range list {
		out[a.Name] = a
	}
	return out
}

// anchor lets the schedule come round and waits for the run that it starts.
func (s *system) anchor() (workflowID string, err error) {
	s.t.Helper()
	handle := s.temporal.ScheduleClient().GetHandle(s.t.Context(), "sealbook-anchor")
	runs := func() (ids []string) {
		d, err := handle.Describe(s.t.Context())
		if err != nil {
			return nil
		}
		for _, a := range d.Info.RecentActions {
			ids = append(ids, a.StartWorkflowResult.WorkflowID)
		}
		return ids
	}
	s.eventually("there is a schedule", func() bool { _, err := handle.Describe(s.t.Context()); return err == nil })
	before := runs()
	time.Sleep(time.Second) // runs are named after the second that they start in
	if err := handle.Trigger(s.t.Context(), client.ScheduleTriggerOptions{}); err != nil {
		s.t.Fatal(err)
	}
	s.eventually("the schedule starts a run", func() bool {
		ids := runs()
		if len(ids) == 0 || slices.Contains(before, ids[len(ids)-1]) {
			return false
		}
		workflowID = ids[len(ids)-1]
		return true
	})
	return workflowID, s.temporal.GetWorkflow(s.t.Context(), workflowID, "").Get(s.t.Context(), nil)
}

func TestAnchoring(t *testing.T) {
	s, o := newSystem(t), newOutside(t)
	down := anchortest.NewWitness(t, "down.example", registryKey())
	hangs := anchortest.NewWitness(t, "hangs.example", registryKey())
	stranger := anchortest.NewWitness(t, "stranger.example") // knows no log
	released := make(chan struct{})
	defer close(released)
	hangs.Before = func(_ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-released:
		case <-r.Context().Done():
		}
		return true
	}
	s.activities.Anchors = append(slices.Clone(o.anchors),
		witnessAt(t, down, "http://127.0.0.1:1"), witnessAt(t, hangs, hangs.URL), witnessAt(t, stranger, stranger.URL))
	s.activities.AnchorAttempt = 2 * time.Second
	first := ledgertest.Publish(t, s.log, s.ledger, 5)
	stop := s.work()

	id, err := s.anchor()
	var app *temporal.ApplicationError
	if !errors.As(err, &app) || app.Type() != "NOT_ANCHORED" {
		t.Fatalf("the run ends with %v", err)
	}
	s.recordRun(id, "anchor_failed")
	states := s.states()
	for name, says := range map[string]string{
		"down.example": "UNAVAILABLE: the witness down.example refuses connections", "hangs.example": "UNAVAILABLE: the witness hangs.example did not answer in time",
		"stranger.example": "NOT_FOUND: the witness stranger.example does not know the log " + ledgertest.Origin,
	} {
		a := states[name]
		if a.Size != nil || a.AttemptError == nil || !strings.HasPrefix(*a.AttemptError, says) || !strings.Contains(app.Message(), strings.SplitN(says, ": ", 2)[1]) {
			t.Errorf("%s: %+v\n%s", name, a, app.Message())
		}
	}
	// What works took no harm, and an auditor needs nothing of us to see it.
	token := states[o.authority.URL]
	if *token.Size != first.Size || token.AttemptError != nil || string(token.Note) != string(first.Note) {
		t.Errorf("%+v", token)
	}
	if _, err := tsa.Verify(token.Evidence, token.Note, o.roots); err != nil {
		t.Error(err)
	}
	if err := o.authority.OpenSSLVerify(t, token.Note, token.Evidence); err != nil {
		t.Error(err)
	}
	witnessed := states["witness.example/w1"]
	if _, err := anchor.VerifyCosignature(anchor.WithCosignatures(witnessed.Note, witnessed.Evidence), o.witness.Key(t)); err != nil {
		t.Error(err)
	}
	kept, err := os.ReadFile(filepath.Join(o.bucket, anchor.ObjectName(ledgertest.Origin, first.Size)))
	if err != nil || string(kept) != string(first.Note) {
		t.Errorf("%s %v", kept, err)
	}

	// The next round proves that the registry only grew; one without news asks
	// nobody.
	stop()
	s.activities.Anchors = o.anchors
	second := ledgertest.Publish(t, s.log, s.ledger, 60)
	stop = s.work()
	for range 2 {
		if _, err := s.anchor(); err != nil {
			t.Fatal(err)
		}
	}
	for _, a := range o.anchors {
		if got := s.states()[a.Place().Name]; *got.Size != second.Size || got.AttemptError != nil {
			t.Errorf("%s: %+v", a.Place(), got)
		}
	}
	if got := o.witness.Requests(); !slices.Equal(got, []string{"old 0", "old 6"}) {
		t.Errorf("the witness was asked %q", got)
	}
	stop()

	// Without places there is no schedule, and nothing that was kept is lost.
	s.activities.Anchors = nil
	third := ledgertest.Publish(t, s.log, s.ledger, 1)
	stop = s.work()
	s.eventually("the schedule is gone", func() bool {
		_, err := s.temporal.ScheduleClient().GetHandle(t.Context(), "sealbook-anchor").Describe(t.Context())
		var gone *serviceerror.NotFound
		return errors.As(err, &gone)
	})
	stop()
	s.activities.Anchors = o.anchors
	s.work()
	if id, err = s.anchor(); err != nil {
		t.Fatal(err)
	}
	s.recordRun(id, "anchor_completed")
	if got := s.states()["witness.example/w1"]; *got.Size != third.Size {
		t.Errorf("%+v", got)
	}
}

// TestAnchorScheduleFollowsItsSetting: another interval takes effect, and what
// an operator did to the schedule stays.
func TestAnchorScheduleFollowsItsSetting(t *testing.T) {
	s := newSystem(t)
	c := workflows.NewClient(s.temporal)
	handle := s.temporal.ScheduleClient().GetHandle(t.Context(), "sealbook-anchor")
	t.Cleanup(func() { handle.Delete(t.Context()) })
	for i, every := range []time.Duration{time.Minute, time.Minute, 30 * time.Second} {
		if err := c.EnsureSchedules(t.Context(), every, 0, 0); err != nil {
			t.Fatal(err)
		}
		s.eventually("the interval is "+every.String(), func() bool {
			d, err := handle.Describe(t.Context())
			return err == nil && d.Schedule.State.Paused == (i > 0) && len(d.Schedule.Spec.Intervals) == 1 && d.Schedule.Spec.Intervals[0].Every == every
		})
		if i > 0 {
			continue
		}
		if err := handle.Pause(t.Context(), client.SchedulePauseOptions{}); err != nil {
			t.Fatal(err)
		}
		s.eventually("it is paused", func() bool {
			d, err := handle.Describe(t.Context())
			return err == nil && d.Schedule.State.Paused
		})
	}
	for range 2 {
		if err := c.EnsureSchedules(t.Context(), 0, 0, 0); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAnchorCheckpointNoticesAnOldBackup: the registry is behind what was
// anchored, whether this database still knows that or only the witness does.
func TestAnchorCheckpointNoticesAnOldBackup(t *testing.T) {
	s, o := newSystem(t), newOutside(t)
	s.activities.Anchors = o.anchors
	at := o.anchors[2].Place()
	older := ledgertest.Publish(t, s.log, s.ledger, 5)
	newest := ledgertest.Publish(t, s.log, s.ledger, 5)
	// One that a later round has overtaken is done.
	for _, size := range []int64{newest.Size, older.Size} {
		if err := s.activities.AnchorCheckpoint(t.Context(), activities.AnchorCheckpoint{Place: at, Size: size}); err != nil {
			t.Fatalf("%d: %v", size, err)
		}
	}
	conn, err := pgx.Connect(t.Context(), s.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, sql := range []string{`delete from publication where size > 6`, `delete from anchor`} {
		if _, err := conn.Exec(t.Context(), `set session_replication_role = replica; `+sql); err != nil {
			t.Fatal(err)
		}
		due, err := s.activities.ListDueAnchors(t.Context())
		if err != nil || !slices.Contains(due.Places, at) {
			t.Errorf("%+v %v", due, err)
		}
		err = s.activities.AnchorCheckpoint(t.Context(), activities.AnchorCheckpoint{Place: at, Size: due.Size})
		if audit.CodeOf(err) != audit.Tampered || !strings.Contains(err.Error(), "set back") {
			t.Errorf("after %s: %v", sql, err)
		}
		if a := s.states()[at.Name]; a.AttemptError == nil || !strings.HasPrefix(*a.AttemptError, "TAMPERED: ") {
			t.Errorf("after %s: %+v", sql, a)
		}
	}
	nobody := activities.AnchorCheckpoint{Place: anchor.Place{Kind: anchor.KindWitness, Name: "nobody"}, Size: 5}
	if err := s.activities.AnchorCheckpoint(t.Context(), nobody); audit.CodeOf(err) != audit.InvalidState {
		t.Errorf("an unknown place: %v", err)
	}
}

// TestAnchorWithoutAPublication: before the first there is nothing to do; when
// all are gone, what is anchored shows it.
func TestAnchorWithoutAPublication(t *testing.T) {
	s, o := newSystem(t), newOutside(t)
	s.activities.Anchors = o.anchors
	due := func(places int) activities.DueAnchors {
		t.Helper()
		due, err := s.activities.ListDueAnchors(t.Context())
		if err != nil || len(due.Places) != places {
			t.Errorf("%+v %v", due, err)
		}
		return due
	}
	due(0)
	ledgertest.Publish(t, s.log, s.ledger, 5)
	at := activities.AnchorCheckpoint{Place: o.anchors[1].Place(), Size: due(3).Size}
	if err := s.activities.AnchorCheckpoint(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	due(2)
	conn, err := pgx.Connect(t.Context(), s.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `set session_replication_role = replica; delete from publication`); err != nil {
		t.Fatal(err)
	}
	at.Size = due(1).Size
	if err := s.activities.AnchorCheckpoint(t.Context(), at); audit.CodeOf(err) != audit.Tampered {
		t.Errorf("%v", err)
	}
}

// recordRun keeps a run's history as a fixture of the replay test, when it is
// told to.
func (s *system) recordRun(id, name string) {
	s.t.Helper()
	if !*recordHistories {
		return
	}
	var history historypb.History
	for it := s.temporal.GetWorkflowHistory(s.t.Context(), id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); it.HasNext(); {
		event, err := it.Next()
		if err != nil {
			s.t.Fatal(err)
		}
		history.Events = append(history.Events, event)
	}
	text, err := temporalproto.CustomJSONMarshalOptions{}.Marshal(&history)
	if err == nil {
		err = os.WriteFile(filepath.Join("..", "workflows", "testdata", "histories", name+".json"), text, 0o644)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}
