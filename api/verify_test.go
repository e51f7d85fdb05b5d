package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/api"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// TestALongVerificationIsAJob follows one from the request to its result, which
// has the shape of every other.
func TestALongVerificationIsAJob(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *api.Config, _ *ledger.Config) {
		c.MaxVerifyEntries, c.ProgressTimeout = 20, 100*time.Millisecond
	})
	ledgertest.Append(t, b.log, b.ledger, 0, 30)
	const window = `{"from":"2024-01-01","to":"2024-01-02"}`
	a := b.post("verifier", "/api/audit/verify", window).want(http.StatusAccepted)
	job := a.text("data.job_id")
	if at := a.header.Get("Location"); at != "/api/audit/verify/"+job || a.header.Get("Preference-Applied") != "" {
		t.Errorf("%v", a.header)
	}
	if b.workflows.woken != 1 {
		t.Errorf("the relay was woken %d times", b.workflows.woken)
	}
	orders, err := b.store.TakeOrders(t.Context(), b.clock.now(), time.Minute, 10)
	if err != nil || len(orders) != 1 || orders[0].WorkflowID != job || orders[0].Workflow != audit.VerificationWorkflow {
		t.Fatalf("%+v %v", orders, err)
	}
	if want := fmt.Sprintf(`{"id":%q,"ledger":%d,"organisation":"org_test","period":"2024-01-01 to 2024-01-02"}`, job, b.ledger); orders[0].Input != want {
		t.Errorf("input %s, not %s", orders[0].Input, want)
	}
	// As many as are allowed are verified at once.
	b.post("verifier", "~/verify", `{"from":"2024-01-01T00:00:00Z","to":"2024-01-01T00:00:19Z"}`).want(http.StatusOK)
	b.post("verifier", "~/verify", `{"from":"2024-01-01T00:00:00Z","to":"2024-01-01T00:00:20Z"}`).want(http.StatusAccepted)

	if _, err := b.store.BeginVerification(t.Context(), b.ledger, audit.VerificationID(job), "run"); err != nil {
		t.Fatal(err)
	}
	// Progress that nobody tells does not fail the request.
	if _, ok := b.get("verifier", "~/verify/"+job).want(http.StatusOK).at("data.progress"); ok {
		t.Error("there is progress that nobody told")
	}
	b.workflows.mu.Lock()
	b.workflows.progress = progressOf(audit.Progress{Stage: "verifying", Done: 10, Total: 30})
	b.workflows.mu.Unlock()
	if a := b.get("verifier", "~/verify/"+job).want(http.StatusOK); a.number("data.progress.entries_done") != 10 || a.text("data.status") != "processing" {
		t.Errorf("%s", a.body)
	}

	v, err := b.log.Verify(t.Context(), b.ledger, 0, 30, nil)
	if err != nil {
		t.Fatal(err)
	}
	summary := v.Summary(30, ledger.MaxProblems, b.clock.now())
	summary.Anchored = &ledger.AnchorSummary{OperatorAttested: 30, Reason: "nothing is anchored"} // as the activity does
	result, err := json.Marshal(summary)
	if err != nil {
		t.Fatal(err)
	}
	b.apply(store.CompleteVerification(b.ledger, audit.VerificationID(job), result, b.clock.now()))
	a = b.get("verifier", "~/verify/"+job).want(http.StatusOK)
	if a.text("data.status") != "completed" || a.number("data.result.logs_checked") != 30 || a.text("data.result.verification_hash") != v.Digest || a.text("data.completed_at") == "" {
		t.Errorf("%s", a.body)
	}
	if _, ok := b.get("verifier", "~/verify").want(http.StatusOK).at("data.1.result"); ok {
		t.Error("a list has results")
	}
	b.send(request{method: "DELETE", path: "~/verify/" + job, as: "verifier"}).want(http.StatusConflict)
	b.whole()
}

// A replayed request gets what the first one got, although the same window is
// too long by now, or short enough.
func TestAReplayedVerificationStaysWhatItWas(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *api.Config, _ *ledger.Config) { c.MaxVerifyEntries = 20 })
	ledgertest.Append(t, b.log, b.ledger, 0, 15)
	const window = `{"from":"2024-01-01","to":"2024-01-02"}`
	first := b.post("verifier", "~/verify", window, "Idempotency-Key", "short").want(http.StatusOK)
	job := b.post("verifier", "~/verify", window, "Idempotency-Key", "job", "Prefer", "respond-async").want(http.StatusAccepted)
	again := b.post("verifier", "~/verify", window, "Idempotency-Key", "job").want(http.StatusAccepted)
	if again.text("data.job_id") != job.text("data.job_id") || again.header.Get("Location") != job.header.Get("Location") || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%v %s", again.header, again.body)
	}
	ledgertest.Append(t, b.log, b.ledger, 15, 15)
	b.post("verifier", "~/verify", window).want(http.StatusAccepted)
	replay := b.post("verifier", "~/verify", window, "Idempotency-Key", "short").want(http.StatusOK)
	if replay.text("data.verified_at") != first.text("data.verified_at") || replay.number("data.logs_checked") != 15 || replay.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%v %s", replay.header, replay.body)
	}
	if a := b.get("verifier", "~/verify").want(http.StatusOK); a.number("pagination.total") != 2 {
		t.Errorf("%s", a.body)
	}
	b.whole()
}

func (b *bench) postReceipt(r ledger.Receipt) *answer {
	b.t.Helper()
	text, err := json.Marshal(map[string]any{"receipt": r})
	if err != nil {
		b.t.Fatal(err)
	}
	return b.post("verifier", "~/verify", string(text))
}

// TestReceiptsAreHeldAgainstTheLedger: what each says that does not hold has a
// name of its own, and only a genuine receipt raises an alarm.
func TestReceiptsAreHeldAgainstTheLedger(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	old := b.post("writer", "~/entries", `{"event_type":"issue.created","severity":"low"}`).want(http.StatusCreated).receipt("data.receipt")
	ledgertest.Append(t, b.log, b.ledger, 0, 20)
	b.postReceipt(old).want(http.StatusOK)

	// The checkpoints and the proof of the answer can be checked by whoever has
	// the receipt.
	a := b.postReceipt(old).want(http.StatusOK)
	now, err := ledger.OpenCheckpoint([]byte(a.text("data.checkpoint")), b.log.Key(ledgertest.Origin+"/org_test"))
	if err != nil || now.Size != a.number("data.tree_size") || a.number("data.receipt.consistency.second") != now.Size || a.number("data.receipt.consistency.first") != a.number("data.receipt.tree_size") {
		t.Errorf("%+v %v: %s", now, err, a.body)
	}

	for name, c := range map[string]struct {
		change func(*ledger.Receipt)
		field  string // of an unreadable one
		kind   string // of one that does not hold
	}{
		"a forged record": {func(r *ledger.Receipt) {
			r.Record = []byte(strings.Replace(string(r.Record), "issue.created", "issue.resolved", 1))
		}, "", "forged"},
		"a signature cut short": {func(r *ledger.Receipt) { r.Proof.Checkpoint = r.Proof.Checkpoint[:len(r.Proof.Checkpoint)-9] }, "/receipt/proof", ""},
		"no signature":          {func(r *ledger.Receipt) { r.Proof.Checkpoint = r.Proof.Checkpoint[:40] }, "/receipt/proof", ""},
		"half a record":         {func(r *ledger.Receipt) { r.Record = r.Record[:60] }, "/receipt/record", ""},
		"a record of a future": {func(r *ledger.Receipt) {
			r.Record = []byte(strings.Replace(string(r.Record), "entry/v1", "entry/v2", 1))
		}, "/receipt/record", ""},
		"too many hashes": {func(r *ledger.Receipt) { r.Proof.Hashes = make([]ledger.Hash, 64) }, "/receipt/proof", ""},
	} {
		r := ledger.Receipt{Record: old.Record, Proof: old.Proof}
		c.change(&r)
		a := b.postReceipt(r)
		if c.field != "" {
			if a.want(http.StatusUnprocessableEntity); a.text("error.details.fields.0.field") != c.field || a.text("error.details.fields.0.code") != "malformed" {
				t.Errorf("%s: %s", name, a.body)
			}
			continue
		}
		if a.want(http.StatusOK); a.text("data.problems.0.kind") != c.kind || a.number("data.problems_total") != 1 {
			t.Errorf("%s: %s", name, a.body)
		}
	}
	if a := b.get("reader", "~/entries?severity=critical").want(http.StatusOK); a.number("pagination.total") != 0 {
		t.Errorf("a bad receipt is an alarm about the ledger: %s", a.body)
	}

	// The ledger is rewritten: its tree does not hold the receipt's any more, and
	// is not signed.
	b.superuser(`update entry set leaf = sha256('x') where ledger = $1 and seq = $2`, b.ledger, now.Size-2)
	b.superuser(`update entry set leaf = sha256('x') where ledger = $1 and seq = 0`, b.ledger)
	a = b.postReceipt(old).want(http.StatusOK)
	for path, want := range map[string]any{
		"data.verified": false, "data.chain_valid": false, "data.problems.0.kind": "forked", "data.receipt.genuine": true, "data.receipt.current": true, "data.receipt.extended": false,
	} {
		if got, _ := a.at(path); got != want {
			t.Errorf("%s is %v, not %v: %s", path, got, want, a.body)
		}
	}
	for _, path := range []string{"data.checkpoint", "data.receipt.consistency"} {
		if _, ok := a.at(path); ok {
			t.Errorf("%s is there: %s", path, a.body)
		}
	}
	if a := b.get("reader", "~/entries?severity=critical").want(http.StatusOK); a.number("pagination.total") != 1 {
		t.Errorf("%s", a.body)
	}
}
