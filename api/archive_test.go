package api_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/api"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// archivist does what the worker does for retention.
type archivist struct {
	b   *bench
	do  *activities.Activities
	env *testsuite.TestActivityEnvironment
}

func newArchivist(t *testing.T) *archivist {
	t.Helper()
	b := newBench(t, func(c *api.Config, lc *ledger.Config) { lc.Clock = c.Clock })
	a := &archivist{b: b, do: &activities.Activities{Log: b.log, Store: b.store, Artifacts: b.artifacts, Clock: b.clock.now, TempDir: t.TempDir()}}
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	a.env = suite.NewTestActivityEnvironment()
	a.env.RegisterActivity(a.do)
	return a
}

func (a *archivist) run(activity, args any, result any) {
	a.b.t.Helper()
	v, err := a.env.ExecuteActivity(activity, args)
	if err == nil && result != nil {
		err = v.Get(result)
	}
	if err != nil {
		a.b.t.Fatal(err)
	}
}

// retain archives and purges what is due.
func (a *archivist) retain() {
	a.b.t.Helper()
	for {
		var one activities.ArchivedOne
		a.run(a.do.ArchiveSegment, activities.ArchiveOrder{Ledger: a.b.ledger}, &one)
		if one.Segment == "" {
			break
		}
	}
	a.run(a.do.PurgeSegments, a.b.ledger, nil)
	a.b.clock.move(time.Minute) // whatever is remembered is old
}

func day(at time.Time) string { return at.UTC().Format(time.DateOnly) }

// Archived entries answer 410 with everything that the documents name, are in no
// list, come back when another person has approved it, and leave again; receipts
// verify all the time.
func TestArchivedEntriesAndTheirWayBack(t *testing.T) {
	t.Parallel()
	a := newArchivist(t)
	b := a.b
	began := b.clock.now()
	var ids, logs []string
	for i := range 6 {
		e := b.post("full", "~/entries", fmt.Sprintf(`{"event_type":"login","description":"d","severity":"low","user":{"user_id":"u_%d"},"resource":{"type":"host","id":"reactor"}}`, i%2)).want(201)
		ids, logs = append(ids, e.text("data.id")), append(logs, e.text("data.log_id"))
	}
	const same = `{"event_type":"login","description":"d","severity":"low","external_id":"once","user":{"user_id":"u_1"},"resource":{"type":"host","id":"reactor"}}`
	first := b.post("full", "~/entries", same).want(201)
	receipt := b.get("full", "~/entries/"+ids[0]+"/proof").want(200)
	period := fmt.Sprintf("start_time=%s&end_time=%s", day(began), day(began.AddDate(0, 1, 0)))
	b.clock.move(2 * 365 * 24 * time.Hour)
	a.retain()

	// Who sends the same event again gets its receipt, as ever.
	again := b.post("full", "~/entries", same).want(200)
	if again.text("data.id") != first.text("data.id") || again.text("data.receipt.proof") != first.text("data.receipt.proof") {
		t.Errorf("%s", again.body)
	}
	for _, path := range []string{"~/entries/" + ids[1], "~/logs/" + logs[1]} {
		gone := b.get("basic", path).want(410)
		if gone.text("error.code") != "AUDIT_DATA_ARCHIVED" || gone.text("error.details.archive_location") != "long_term_compliance_storage" || gone.text("error.details.archive_date") == "" ||
			gone.text("error.details.retrieval_process") == "" || gone.text("error.details.estimated_retrieval_reason") == "" {
			t.Errorf("%s", gone.body)
		}
	}
	if shown := b.get("full", "~/entries/"+ids[1]).want(200); shown.text("data.status") != "archived" || shown.text("data.user.user_id") != "u_1" {
		t.Errorf("who may read the archive gets %s", shown.body)
	}
	b.get("basic", "~/entries/audit_entry_19990101_000001").want(404)
	if code := b.get("basic", "~/entries?"+period).want(410).text("error.code"); code != "AUDIT_DATA_ARCHIVED" {
		t.Errorf("a period that is archived as a whole: %s", code)
	}
	all := b.get("basic", "~/entries").want(200)
	if all.number("metadata.archived_entries") < 6 || sources(all) != 1 {
		t.Errorf("%s", all.body)
	}
	if total := all.number("pagination.total"); int(total) != len(all.list("data")) {
		t.Errorf("the list says %v and shows %d", total, len(all.list("data")))
	}
	b.get("basic", fmt.Sprintf("~/statistics?from=%s&to=%s", day(began), day(began))).want(200)
	b.get("basic", fmt.Sprintf("~/statistics?from=%s&to=%s", began.UTC().Truncate(time.Hour).Add(-time.Hour).Format(time.RFC3339), began.UTC().Truncate(time.Hour).Add(time.Hour).Format(time.RFC3339))).want(410)
	for path, body := range map[string]string{
		"~/evidence/export":        fmt.Sprintf(`{"format":"zip","framework":"soc2","audit_period":{"from":%q,"to":%q},"include":["scan_results"]}`, day(began), day(began)),
		"~/compliance/assessments": fmt.Sprintf(`{"frameworks":["sox"],"from":%q,"to":%q}`, day(began), day(began.AddDate(0, 0, 1))),
		"~/investigations":         fmt.Sprintf(`{"investigation_type":"t","title":"t","priority":"low","scope":{"time_range":{"start":%q,"end":%q}}}`, began.UTC().Format(time.RFC3339), began.UTC().Add(time.Hour).Format(time.RFC3339)),
	} {
		if code := b.post("full", path, body).want(410).text("error.code"); code != "AUDIT_DATA_ARCHIVED" {
			t.Errorf("%s: %s", path, code)
		}
	}

	for body, status := range map[string]int{`{"before":"x","reason":"r"}`: 422, `{"before":"2999-01-01T00:00:00Z","reason":"r"}`: 422, `{"before":"2025-01-01T00:00:00Z","reason":" "}`: 422,
		`{"before":"2025-01-01T00:00:00Z","reason":"the disk is nearly full"}`: 202} {
		b.post("full", "~/archive/runs", body).want(status)
	}
	al, bo := b.join("al", audit.Administrator).signIn(), b.join("bo", audit.Administrator).signIn()
	ask := fmt.Sprintf(`{"start_date":%q,"end_date":%q,"reason":"Inspection","days":3}`, began.UTC().Add(-time.Hour).Format(time.RFC3339), began.UTC().Add(time.Hour).Format(time.RFC3339))
	b.post("basic", "~/archive/retrievals", ask).want(403)
	reader := b.key("org_test", "archivist", []audit.Permission{audit.ReadArchive, audit.ReadSensitive}, nil...)
	b.keys["archivist"] = reader
	for body, status := range map[string]int{
		`{"start_date":"x","end_date":"2025-01-01T00:00:00Z","reason":"r"}`:                              422,
		`{"start_date":"2025-01-02T00:00:00Z","end_date":"2025-01-01T00:00:00Z","reason":"r"}`:           422,
		`{"start_date":"2025-01-01T00:00:00Z","end_date":"2025-01-02T00:00:00Z","reason":" "}`:           422,
		`{"start_date":"2025-01-01T00:00:00Z","end_date":"2025-01-02T00:00:00Z","reason":"r","days":91}`: 422,
		`{"start_date":"2001-01-01T00:00:00Z","end_date":"2001-01-02T00:00:00Z","reason":"r"}`:           409,
	} {
		b.post("archivist", "~/archive/retrievals", body).want(status)
	}
	id := b.post("archivist", "~/archive/retrievals", ask).want(202).text("data.retrieval_id")
	decide := func(as, of, body string) *answer { return b.post(as, "~/archive/retrievals/"+of+"/decision", body) }
	decide("full", id, `{"decision":"approve"}`).want(409) // a key that no person made
	decide(al, id, `{"decision":"perhaps"}`).want(422)
	decide(al, id, `{"decision":"refuse"}`).want(422)
	refused := b.post("archivist", "~/archive/retrievals", ask).want(202).text("data.retrieval_id")
	if got := decide(bo, refused, `{"decision":"refuse","reason":"not needed"}`).want(200); got.text("data.status") != "refused" || got.text("data.refusal") != "not needed" {
		t.Errorf("%s", got.body)
	}
	decide(al, refused, `{"decision":"approve"}`).want(409)
	if got := decide(al, id, `{"decision":"approve"}`).want(200); got.text("data.status") != "restoring" {
		t.Errorf("%s", got.body)
	}
	a.run(a.do.RestoreRetrieval, audit.RetrievalStart{ID: audit.RetrievalID(id), Ledger: b.ledger}, nil)
	b.clock.move(time.Minute)
	if got := b.get("archivist", "~/archive/retrievals/"+id).want(200); got.text("data.status") != "available" || got.text("data.expires_at") == "" {
		t.Errorf("%s", got.body)
	}
	if got := b.get("archivist", "~/archive/segments").want(200).list("data"); len(got) != 1 || got[0]["state"] != "online" {
		t.Errorf("%v", got)
	}
	if back := b.get("basic", "~/entries?"+period).want(200); sources(back) != 2 || back.number("pagination.total") < 6 {
		t.Errorf("%s", back.body)
	}
	b.get("basic", "~/entries/"+ids[1]).want(200)

	b.clock.move(4 * 24 * time.Hour)
	a.retain()
	gone := b.get("basic", "~/entries/"+ids[1]).want(410)
	if gone.text("error.details.estimated_retrieval_time") == "" {
		t.Errorf("after a retrieval it is known how long one takes: %s", gone.body)
	}
	if now := b.get("full", "~/entries/"+ids[0]+"/proof").want(200); len(now.body) == 0 || len(receipt.body) == 0 {
		t.Error("there is no proof")
	}
	b.whole()
}

// Entries that a hold covers stay, and say so to those who may know of it.
func TestHeldEntriesStay(t *testing.T) {
	t.Parallel()
	a := newArchivist(t)
	b := a.b
	held := b.post("full", "~/entries", `{"event_type":"login","description":"d","severity":"low","user":{"user_id":"u_1"},"resource":{"type":"host","id":"reactor"}}`).want(201).text("data.id")
	free := b.post("full", "~/entries", `{"event_type":"login","description":"d","severity":"low","user":{"user_id":"u_2"},"resource":{"type":"host","id":"boiler"}}`).want(201).text("data.id")
	b.post("full", "~/legal-holds", `{"matter":"m","reason":"r","scope":{"systems":["reactor"]}}`).want(201)
	b.clock.move(2 * 365 * 24 * time.Hour)
	a.retain()
	if got := b.get("full", "~/entries/"+held).want(200); got.text("data.status") != "on_hold" {
		t.Errorf("%s", got.body)
	}
	if got := b.get("basic", "~/entries/"+held).want(200); got.text("data.status") != "active" {
		t.Errorf("who may not know of holds sees %s", got.text("data.status"))
	}
	b.get("basic", "~/entries/"+free).want(410)
	if got := b.get("full", "~/entries?status=on_hold").want(200); got.number("pagination.total") != 2 { // and the entry about the hold
		t.Errorf("%s", got.body)
	}
	b.get("basic", "~/entries?status=on_hold").want(403)
	b.whole()
}

func sources(a *answer) int {
	got, _ := a.at("metadata.data_sources")
	list, _ := got.([]any)
	return len(list)
}
