package api_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/api"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// TestStorageIsMeasured appends something large: the figure that was measured
// before is kept for its life, and the next one has grown by what is stored.
func TestStorageIsMeasured(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	used := func(as string) (gb float64, at string) {
		a := b.get(as, "~/retention").want(http.StatusOK)
		v, _ := a.at("data.storage_used_gb")
		gb, ok := v.(float64)
		if !ok {
			t.Fatalf("%s", a.body)
		}
		return gb, a.text("metadata.storage_measured_at")
	}
	before, at := used("full")
	other, _ := used("other")
	noise := make([]byte, 50_000) // does not compress
	rand.Read(noise)
	b.post("full", "~/entries", fmt.Sprintf(`{"event_type": "config.changed", "details": {"text": "%x"}}`, noise)).want(http.StatusCreated)
	if again, then := used("full"); again != before || then != at {
		t.Errorf("measured again: %v at %s", again, then)
	}
	b.clock.move(api.DefaultMeasureLife + time.Second)
	after, _ := used("full")
	if grown := after - before; grown < 50_000/1e9 || grown > 120_000/1e9 { // hex may be packed to half, and reading leaves entries
		t.Errorf("100,000 characters are %v GB more", grown)
	}
	if again, _ := used("other"); again != other {
		t.Errorf("another organisation holds %v, and held %v", again, other)
	}
}

// TestStorageThatCannotBeMeasured gives measuring no time.
func TestStorageThatCannotBeMeasured(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *api.Config, _ *ledger.Config) { c.MeasureTimeout = time.Millisecond })
	for range 5 {
		b.post("full", "~/entries/bulk", `{"entries": [`+strings.Repeat(`{"event_type": "scan.started"},`, 999)+`{"event_type": "scan.started"}]}`).want(http.StatusCreated)
	}
	a := b.get("full", "~/retention").want(http.StatusOK)
	if v, there := a.at("data.storage_used_gb"); v != nil || !there {
		t.Errorf("%v was measured in no time", v)
	}
	if v, _ := a.at("metadata.storage_measured_at"); v != nil || !strings.Contains(a.text("metadata.storage_reason"), "1ms") {
		t.Errorf("%s", a.body)
	}
	policy := `{"audit_logs": {"retention_days": 3650, "archive_after_days": 1}, "scan_results": {"retention_days": 800, "archive_after_days": 1}, "evidence_exports": {"retention_days": 1}}`
	b.send(request{method: "PUT", path: "~/retention", as: "full", header: http.Header{"If-Match": {"*"}}, body: []byte(policy)}).want(http.StatusServiceUnavailable)
}

// TestOtherProcessesSetPolicies sets one as another process does: entries follow
// it after the life of what is remembered, and the policy itself is shown at
// once.
func TestOtherProcessesSetPolicies(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.post("full", "~/entries", `{"event_type": "config.changed"}`).want(http.StatusCreated).text("data.id")
	kept := func() string {
		return b.get("full", "~/entries/"+id).want(http.StatusOK).text("data.retention.retention_period")
	}
	if got := kept(); got != "7_years" {
		t.Fatal(got)
	}
	p := audit.DefaultRetention
	p.AuditLogs.RetentionDays = 3650
	e := audit.Event{Type: "audit.test", Class: audit.ClassSystem, Severity: audit.SeverityLow}
	if _, err := b.log.Append(t.Context(), ledger.Submission{Ledger: b.ledger, Events: []audit.Event{e}, With: store.SetRetention(b.ledger, 0, p, b.clock.now())}); err != nil {
		t.Fatal(err)
	}
	if got := kept(); got != "7_years" {
		t.Fatal(got)
	}
	b.clock.move(api.DefaultRetentionCacheLife + time.Millisecond)
	if got := kept(); got != "10_years" {
		t.Fatal(got)
	}
	if a := b.get("full", "~/retention").want(http.StatusOK); a.number("data.version") != 1 {
		t.Errorf("%s", a.body)
	}
}

// policyBody is a policy in the form that PUT takes, with how many days entries,
// scans and packages are kept.
func policyBody(logs, scans, exports int, reason string) []byte {
	return fmt.Appendf(nil, `{"audit_logs":{"retention_days":%d,"archive_after_days":1},"scan_results":{"retention_days":%d,"archive_after_days":1},"evidence_exports":{"retention_days":%d},"reason":%q}`,
		logs, scans, exports, reason)
}

// TestShorterPoliciesNeedTwoPersons walks a policy that keeps less from its request
// to its approval, and tries everything that would do without a second person.
func TestShorterPoliciesNeedTwoPersons(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *api.Config, l *ledger.Config) { l.Clock = c.Clock }) // to sign in moves it
	alice, bob := b.join("al", audit.Administrator), b.join("bo", audit.Administrator)
	al, bo := alice.signIn(), bob.signIn()
	made := func(by string) func(*store.Key) { return func(k *store.Key) { k.CreatedBy = by } }
	b.keys["of al"] = b.key("org_test", "of al", audit.Permissions, made("user "+alice.id))
	b.keys["of bo"] = b.key("org_test", "of bo", audit.Permissions, made("user "+bob.id))
	b.keys["of nobody"] = b.key("org_test", "of nobody", audit.Permissions, made("operator x"))
	maker := "user " + alice.id
	for range 30 { // keys that keys made
		b.keys["far from al"] = b.key("org_test", "far from al", audit.Permissions, made(maker), func(k *store.Key) { maker = "api_key " + k.ID })
	}
	put := func(as string, body []byte) *answer {
		return b.send(request{method: "PUT", path: "~/retention", as: as, header: http.Header{"If-Match": {"*"}}, body: body})
	}
	decide := func(as, id, body string) *answer { return b.post(as, "~/retention/changes/"+id+"/decision", body) }
	const approve, refuse = `{"decision":"approve"}`, `{"decision":"refuse","reason":"Not yet"}`
	since := b.post("full", "~/entries", `{"event_type":"config.changed"}`).want(201).text("data.id")
	kept := func(id, want string) {
		t.Helper()
		if got := b.get("full", "~/entries/"+id).want(200).text("data.retention.retention_period"); got != want {
			t.Errorf("%s is kept for %s, not %s", id, got, want)
		}
	}

	less := policyBody(2600, 365, 1, "Storage costs")
	put("full", policyBody(3650, 730, 30, "")).want(200)
	if got := put(al, policyBody(2600, 365, 1, "")).want(422); got.text("error.details.fields.0.field") != "/reason" {
		t.Errorf("%s", got.body)
	}
	put(al, policyBody(2600, 365, 1, strings.Repeat("x", audit.MaxRetentionReason+1))).want(422)
	put("of nobody", less).want(409)
	asked := put(al, less).want(202)
	id := asked.text("data.change_id")
	if asked.header.Get("Location") != api.Mounts[0]+"/retention/changes/"+id || asked.text("data.status") != "pending" || len(asked.json.(map[string]any)["data"].(map[string]any)["shortens"].([]any)) != 3 {
		t.Errorf("%s", asked.body)
	}
	if got := b.get("full", "~/retention").want(200); got.number("data.version") != 1 || got.number("data.policy.audit_logs.retention_days") != 3650 {
		t.Errorf("a policy that waits is in force: %s", got.body)
	}
	put(bo, policyBody(3000, 730, 30, "Another")).want(409) // one at a time

	for as, status := range map[string]int{al: 409, "of al": 409, "of nobody": 409, "far from al": 409, "basic": 403, "other": 404} {
		decide(as, id, approve).want(status)
	}
	decide(bo, id, `{"decision":"perhaps"}`).want(422)
	decide(bo, id, `{"decision":"refuse"}`).want(422)
	if got := decide(bo, id, approve).want(200); got.text("data.status") != "approved" || got.number("data.version") != 2 || got.text("data.decided_by.id") != bob.id {
		t.Errorf("%s", got.body)
	}
	decide(bo, id, refuse).want(409)
	if got := b.get("full", "~/retention").want(200); got.number("data.version") != 2 || got.number("data.policy.scan_results.retention_days") != 365 {
		t.Errorf("%s", got.body)
	}
	kept(since, "10_years") // what was promised stays
	kept(b.post("full", "~/entries", `{"event_type":"config.changed"}`).want(201).text("data.id"), "2600_days")

	refused := put("of al", policyBody(2599, 365, 1, "More of it")).want(202).text("data.change_id")
	if got := decide("of bo", refused, refuse).want(200); got.text("data.status") != "refused" || got.text("data.decision_reason") != "Not yet" {
		t.Errorf("%s", got.body)
	}
	if got := b.get("full", "~/retention/changes").want(200); got.number("pagination.total") != 2 || got.list("data")[0]["change_id"] != refused {
		t.Errorf("%s", got.body)
	}
	if got := b.get("full", "~/retention/changes?status=approved&limit=1").want(200).list("data"); len(got) != 1 || got[0]["change_id"] != id {
		t.Errorf("%v", got)
	}
	for event, want := range map[string]int{"requested": 2, "approved": 1, "refused": 1} {
		list := b.entriesOf(b.ledger, "audit.retention_change_"+event)
		if len(list) != want || list[0].Metadata.String("reason") == "" && event != "approved" || list[0].Details["policy"] == nil {
			t.Errorf("%s: %v", event, list)
		}
	}
	set := b.entriesOf(b.ledger, "audit.retention_policy_changed")
	if last := set[len(set)-1]; len(set) != 2 || last.Metadata.String("reason") != "Storage costs" || last.Details.String("change_id") != id {
		t.Errorf("%v", set)
	}
	b.whole()
}

// TestShorterPoliciesAreHeldAgainstThePresent sets another policy, and appends
// entries that are kept for longer, while a change waits.
func TestShorterPoliciesAreHeldAgainstThePresent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	alice, bob := b.join("al", audit.Administrator), b.join("bo", audit.Administrator)
	al, bo := alice.signIn(), bob.signIn()
	put := func(as string, body []byte) *answer {
		return b.send(request{method: "PUT", path: "~/retention", as: as, header: http.Header{"If-Match": {"*"}}, body: body})
	}
	decide := func(as, id, decision string) *answer {
		return b.post(as, "~/retention/changes/"+id+"/decision", `{"decision":"`+decision+`","reason":"r"}`)
	}
	stale := put(al, policyBody(2000, 730, 30, "Storage costs")).want(202).text("data.change_id")
	put(al, policyBody(2555, 730, 31, "")).want(200)
	if got := decide(bo, stale, "approve").want(409); got.text("error.code") != "INVALID_STATE" || !strings.Contains(got.text("error.message"), "version 0") {
		t.Errorf("%s", got.body)
	}
	decide(bo, stale, "refuse").want(200)

	floored := put(al, policyBody(2000, 730, 31, "Storage costs")).want(202).text("data.change_id")
	b.post("full", "~/entries", `{"event_type":"config.changed","compliance_frameworks":["SOX"]}`).want(201)
	if got := decide(bo, floored, "approve").want(409); !strings.Contains(got.text("error.message"), "SOX") {
		t.Errorf("%s", got.body)
	}
	if got := b.get(al, "~/retention/changes/"+floored).want(200); got.text("data.status") != "pending" {
		t.Errorf("%s", got.body)
	}
	if got := b.get(al, "~/retention").want(200); got.number("data.version") != 1 {
		t.Errorf("%s", got.body)
	}

	puppet := b.join("cy", audit.Administrator)
	b.superuser(`update person set created_by = $1 where id = $2`, "user "+alice.id, puppet.id)
	decide(puppet.signIn(), floored, "approve").want(409)
	b.whole()
}
