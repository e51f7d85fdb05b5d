package api_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// detectives do what the worker does for investigations, in its own code: what the
// workflow orders by itself when they are told to work, and steps of people at once.
type detectives struct {
	b   *bench
	do  *activities.Activities
	env *testsuite.TestActivityEnvironment
}

func newDetectives(b *bench) *detectives {
	d := &detectives{b: b, do: &activities.Activities{Log: b.log, Store: b.store, Artifacts: b.artifacts, Clock: b.clock.now, Software: "sealbook test"}}
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	d.env = suite.NewTestActivityEnvironment()
	d.env.RegisterActivity(d.do)
	b.workflows.mu.Lock()
	defer b.workflows.mu.Unlock()
	b.workflows.step = d.step
	return d
}

func (d *detectives) start(id string) audit.InvestigationStart {
	return audit.InvestigationStart{ID: audit.InvestigationID(id), Ledger: d.b.ledger, Organisation: "org_test"}
}

func (d *detectives) step(ctx context.Context, id audit.InvestigationID, step audit.CaseStep) (audit.Case, error) {
	return d.do.TakePersonStep(ctx, activities.PersonStep{Start: d.start(string(id)), Step: step})
}

// work does each stage that needs no people, and each of its steps twice: repeated,
// it changes nothing.
func (d *detectives) work(id string) (at audit.Case) {
	d.b.t.Helper()
	run := func(activity, args any) {
		d.b.t.Helper()
		for range 2 {
			v, err := d.env.ExecuteActivity(activity, args)
			if err == nil {
				err = v.Get(&at)
			}
			if err != nil {
				d.b.t.Fatal(err)
			}
		}
	}
	if row := d.row(id); row.Stage == audit.StageScoping {
		run(d.do.ScopeInvestigation, d.start(id))
	}
	if row := d.row(id); row.Stage == audit.StageCollection {
		run(d.do.CollectEvidence, d.start(id))
	}
	for _, n := range audit.Analyses {
		run(d.do.AnalyseCase, activities.CaseAnalysis{Start: d.start(id), Analysis: n})
	}
	run(d.do.FinishAnalyses, d.start(id))
	return at
}

func (d *detectives) row(id string) store.Investigation {
	d.b.t.Helper()
	row, err := d.b.store.Investigation(d.b.t.Context(), d.b.ledger, audit.InvestigationID(id))
	if err != nil {
		d.b.t.Fatal(err)
	}
	return row
}

// crime appends five weeks of an operator's work, and then a day's work in which an alarm limit was widened without approval,
// and returns the entry's id.
func (b *bench) crime() string {
	b.t.Helper()
	var list []string
	for day := range 35 {
		for i := range 3 {
			at := time.Date(2025, 7, 20+day, 8+2*i, 5*day%60, 0, 0, time.UTC)
			list = append(list, fmt.Sprintf(`{"event_type":"data_change","severity":"low","description":"Batch","timestamp":%q,"user_id":"user_operator_003","resource_id":"batch_%d",
				"user":{"user_id":"user_operator_003","role":"operator","session_id":"d%d"},"action":{"operation":"update_batch"}}`, at.Format(time.RFC3339), i, day))
		}
	}
	for i := range 20 {
		list = append(list, fmt.Sprintf(`{"event_type":"data_change","severity":"low","description":"Batch","timestamp":"2025-08-25T%02d:%02d:00Z","user_id":"user_engineer_007","resource_id":"batch_%d",
			"user":{"user_id":"user_engineer_007","session_id":"s1"},"action":{"operation":"update_batch","changes":[{"field":"note","old_value":"a%d","new_value":"b%d","change_reason":"r"}]}}`, 8+i/6, i%6*10, i, i, i))
	}
	list = append(list, `{"event_type":"system_event","severity":"low","description":"Backup","timestamp":"2025-08-25T02:00:00Z","user_id":"user_service"}`)
	b.post("full", "~/entries/bulk?receipts=none", `{"entries":[`+strings.Join(list, ",")+`]}`).want(201)
	return b.post("full", "~/entries", `{"event_type":"data_change","category":"configuration_change","severity":"high","description":"Alarm limits changed","timestamp":"2025-08-25T14:30:00Z",
		"user_id":"user_operator_003","resource_id":"tag_temp_001","user":{"user_id":"user_operator_003","session_id":"s2"},
		"resource":{"resource_type":"tag","resource_id":"tag_temp_001","parent_machine":"production_reactor_001"},
		"action":{"operation":"update_alarm_limits","changes":[{"field":"alarm_high","old_value":180.0,"new_value":230.0,"change_reason":"test"}]},"compliance_frameworks":["FDA_21CFR11"]}`).want(201).text("data.id")
}

const someCase = `{"investigation_type":"data_integrity_incident","title":"Suspicious changes","priority":"high",
	"scope":{"time_range":{"start":"2025-08-25T00:00:00Z","end":"2025-08-26T23:59:59Z"},"affected_systems":["production_reactor_001"],"potential_users":["user_operator_003"]},
	"trigger_event":{"event_id":%q,"description":"Alarm limits"},"compliance_frameworks":["FDA_21CFR11"]}`

// TestInvestigation leads a case from its opening to the decision, and opens it again.
func TestInvestigation(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	d := newDetectives(b)
	trigger := b.crime()
	investigator, reviewer := b.join("ines", audit.Investigator), b.join("rob", audit.Investigator)
	ines, rob := investigator.signIn(), reviewer.signIn()

	opened := b.post(ines, "~/investigations", fmt.Sprintf(someCase, trigger), "Idempotency-Key", "k1").want(201)
	id := opened.text("data.investigation_id")
	if again := b.post(ines, "~/investigations", fmt.Sprintf(someCase, trigger), "Idempotency-Key", "k1").want(201); again.text("data.investigation_id") != id {
		t.Errorf("the same request opened %s, too", again.text("data.investigation_id"))
	}
	if !strings.HasPrefix(id, "inv_") || !strings.HasSuffix(id, "_data_integrity_001") || !strings.HasPrefix(opened.text("metadata.case_number"), "CASE-") {
		t.Errorf("%s, %s", id, opened.text("metadata.case_number"))
	}
	opened.has("data.scope.data_points_analyzed", 22.0)
	opened.has("data.scope.users_in_scope", 3.0)
	opened.has("data.scope.time_range.duration_hours", 48.0)
	opened.has("data.evidence_collection.chain_of_custody_verified", nil)
	opened.has("data.automated_analysis.pattern_detection.status", "queued")
	path := "~/investigations/" + id

	b.post(ines, path+"/transitions", `{"to":"decision","reason":"too early"}`).want(409)
	d.work(id)
	now := b.get(ines, path).want(200)
	now.has("data.stage", "findings_review")
	now.has("data.automated_analysis.pattern_detection.status", "completed")
	now.has("data.evidence_collection.audit_entries_collected", 1.0)
	now.has("data.evidence_collection.system_logs_collected", 1.0)
	now.has("data.evidence_collection.change_records", 1.0)
	now.has("data.evidence_collection.user_session_data", 1.0)
	now.has("data.evidence_collection.chain_of_custody_verified", true)
	now.has("data.preliminary_findings.unauthorized_changes", 1.0)

	b.post(ines, path+"/notes", `{"text":"The operator was interviewed"}`).want(201)
	if refused := b.post(ines, path+"/transitions", `{"to":"implications","reason":"done"}`).want(409); refused.text("error.code") != "INVALID_STATE" {
		t.Error(refused.body)
	}
	found := b.get(ines, path+"/findings?status=candidate").want(200).list("data")
	if len(found) == 0 {
		t.Fatal("nothing was found")
	}
	for _, f := range found {
		b.send(request{method: "PATCH", path: path + "/findings/" + f["finding_id"].(string), as: ines, body: []byte(`{"status":"accepted","reason":"confirmed"}`)}).want(200)
	}
	implied := b.post(ines, path+"/transitions", `{"to":"implications","reason":"done"}`).want(200)
	if violations := implied.list("data.compliance_implications.potential_violations"); len(violations) == 0 || violations[0]["framework"] != "FDA_21CFR11" {
		t.Errorf("%v", violations)
	}
	changed := b.send(request{method: "PATCH", path: path, as: ines, header: http.Header{"If-Match": {implied.header.Get("Etag")}}, body: []byte(`{"assigned_investigator":"` + investigator.email + `","assigned_reviewer":"` + reviewer.email + `"}`)}).want(200)
	changed.has("data.assigned_investigator.user_id", investigator.id)
	b.post(ines, path+"/transitions", `{"to":"decision","reason":"ready"}`, "Idempotency-Key", "t1").want(200)
	if again := b.post(ines, path+"/transitions", `{"to":"decision","reason":"ready"}`, "Idempotency-Key", "t1").want(200); again.header.Get("Idempotent-Replayed") != "true" {
		t.Error("a step that was taken is taken again")
	}
	b.post(ines, path+"/transitions", `{"to":"implications","reason":"ready"}`, "Idempotency-Key", "t1").want(422)
	const decision = `{"resolution":"confirmed","root_cause":"A limit was moved by hand","regulatory_notification_required":false}`
	b.post(ines, path+"/close", decision).want(409) // nobody decides on their own investigation
	away := b.get(ines, path).want(200)
	b.send(request{method: "PATCH", path: path, as: ines, header: http.Header{"If-Match": {away.header.Get("Etag")}}, body: []byte(`{"assigned_investigator":"","assigned_reviewer":""}`)}).want(200)
	b.post(ines, path+"/close", decision).want(409) // whoever worked on it neither
	closed := b.post(rob, path+"/close", decision).want(200)
	closed.has("data.status", "closed")
	closed.has("data.compliance_implications.regulatory_notification_required", false)
	b.post(ines, path+"/notes", `{"text":"too late"}`).want(409)

	again := b.post(rob, path+"/reopen", `{"reason":"new evidence"}`).want(200)
	again.has("data.stage", "findings_review")
	again.has("data.status", "active")
	b.post(rob, path+"/reopen", `{"reason":"new evidence"}`).want(409)
	back := b.post(ines, path+"/transitions", `{"to":"evidence_collection","reason":"collect what came later"}`).want(200)
	back.has("data.round", 2.0)
	d.work(id)
	b.post(ines, path+"/transitions", `{"to":"canceled","reason":"merged into another case"}`).want(200).has("data.status", "canceled")
	b.post(rob, path+"/reopen", `{"reason":"it should not have ended"}`).want(200).has("data.stage", "findings_review")

	kinds := map[string]int{}
	for _, e := range b.get(ines, path+"/timeline").want(200).list("data") {
		kinds[e["event"].(string)]++
	}
	for kind, n := range map[string]int{"scoped": 1, "evidence_collected": 2, "analysed": 2, "note_added": 1, "finding_decided": len(found), "stage_changed": 3, "changed": 2, "closed": 1, "reopened": 2, "canceled": 1} {
		if kinds[kind] != n {
			t.Errorf("%d steps %s, not %d: %v", kinds[kind], kind, n, kinds)
		}
		if got := len(b.entriesOf(b.ledger, audit.InvestigationEvent+kind)); got != n {
			t.Errorf("%d entries of %s, not %d", got, kind, n)
		}
	}
	b.whole()
}

// TestInvestigationIsRefused: what is wrong is said, and nothing is opened.
func TestInvestigationIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for what, body := range map[string]string{
		"nothing":             `{}`,
		"reversed":            `{"investigation_type":"x","title":"t","priority":"low","scope":{"time_range":{"start":"2025-08-26T00:00:00Z","end":"2025-08-25T00:00:00Z"}}}`,
		"no range":            `{"investigation_type":"x","title":"t","priority":"low","scope":{"time_range":{"start":"","end":""}}}`,
		"unknown trigger":     fmt.Sprintf(someCase, "audit_entry_20250826_009999"),
		"no investigator":     `{"investigation_type":"x","title":"t","priority":"low","assigned_investigator":"nobody","scope":{"time_range":{"start":"2025-08-25T00:00:00Z","end":"2025-08-26T00:00:00Z"}}}`,
		"no such framework":   `{"investigation_type":"x","title":"t","priority":"low","compliance_frameworks":["ISO"],"scope":{"time_range":{"start":"2025-08-25T00:00:00Z","end":"2025-08-26T00:00:00Z"}}}`,
		"too long a range":    `{"investigation_type":"x","title":"t","priority":"low","scope":{"time_range":{"start":"2020-08-25T00:00:00Z","end":"2025-08-26T00:00:00Z"}}}`,
		"a slug with spaces":  `{"investigation_type":"a b","title":"t","priority":"low","scope":{"time_range":{"start":"2025-08-25T00:00:00Z","end":"2025-08-26T00:00:00Z"}}}`,
		"an unknown priority": `{"investigation_type":"x","title":"t","priority":"urgent","scope":{"time_range":{"start":"2025-08-25T00:00:00Z","end":"2025-08-26T00:00:00Z"}}}`,
	} {
		if got := b.post("full", "~/investigations", body).want(422); got.text("error.code") != "VALIDATION_FAILED" {
			t.Errorf("%s: %s", what, got.body)
		}
	}
	if n := len(b.get("full", "~/investigations").want(200).list("data")); n != 0 {
		t.Errorf("%d are open", n)
	}
}

// TestSubjectsDoNotSeeTheirInvestigation, whatever their role.
func TestSubjectsDoNotSeeTheirInvestigation(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	d := newDetectives(b)
	subject, other := b.join("sue", audit.Investigator), b.join("olga", audit.Investigator)
	sue, olga := subject.signIn(), other.signIn()
	for _, name := range []string{subject.id, strings.ToUpper(subject.email)} {
		body := fmt.Sprintf(`{"investigation_type":"x","title":"t","priority":"low","scope":{"time_range":{"start":"2025-08-25T00:00:00Z","end":"2025-08-26T00:00:00Z"},"potential_users":[%q]}}`, name)
		id := b.post(olga, "~/investigations", body).want(201).text("data.investigation_id")
		b.get(olga, "~/investigations/"+id).want(200)
		b.get(sue, "~/investigations/"+id).want(404)
		b.post(sue, "~/investigations/"+id+"/notes", `{"text":"It was not me"}`).want(404)
	}
	admin := b.join("adm", audit.Administrator, audit.Investigator, audit.ComplianceOfficer)
	adm := admin.signIn()
	b.keys["theirs"] = b.post(adm, "~/api-keys", `{"name":"theirs","role":"investigator"}`).want(201).text("data.key")
	body := fmt.Sprintf(`{"investigation_type":"x","title":"t","priority":"low","scope":{"time_range":{"start":"2025-08-25T00:00:00Z","end":"2025-08-26T00:00:00Z"},"potential_users":[%q]}}`, admin.email)
	about := b.post(olga, "~/investigations", body).want(201).text("data.investigation_id")
	d.work(about)
	for _, as := range []string{adm, "theirs"} {
		b.get(as, "~/investigations/"+about).want(404)
	}
	if n := len(b.get(adm, "~/legal-holds").want(200).list("data")); n != 0 {
		t.Errorf("a subject sees %d holds", n)
	}
	b.get(adm, "~/legal-holds/hold_"+about).want(404)
	b.send(request{method: "DELETE", path: "~/legal-holds/hold_" + about, as: adm, body: []byte(`{"reason":"over"}`)}).want(404)
	b.post(olga, "~/investigations", body[:len(body)-1]+`,"assigned_investigator":"`+admin.id+`"}`).want(422)
	if n := len(b.get(sue, "~/investigations").want(200).list("data")); n != 1 {
		t.Errorf("a subject sees %d cases, not the one that is about somebody else", n)
	}
	if n := len(b.get(olga, "~/investigations").want(200).list("data")); n != 3 {
		t.Errorf("others see %d cases, not 3", n)
	}
}

// TestCustody: who hands evidence over breaks the chain until it is accepted, and
// bytes that were changed in the store are found.
func TestCustody(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	d := newDetectives(b)
	trigger := b.crime()
	id := b.post("full", "~/investigations", fmt.Sprintf(someCase, trigger)).want(201).text("data.investigation_id")
	d.work(id)
	rob := b.join("rob", audit.Investigator)
	as := rob.signIn()
	path := "~/investigations/" + id
	items := b.get(as, path+"/evidence").want(200).list("data")
	if len(items) < 5 || items[0]["type"] != "trigger_entry" {
		t.Fatalf("%v", items)
	}
	item := path + "/evidence/" + items[1]["evidence_id"].(string)
	b.post("full", item+"/custody", `{"event":"accepted"}`).want(409)
	b.post("full", item+"/custody", `{"event":"transferred","recipient":"`+rob.email+`","reason":"review"}`).want(201).has("data.chain_of_custody_verified", false)
	b.get("full", path).want(200).has("data.evidence_collection.chain_of_custody_verified", false)
	b.post("full", item+"/custody", `{"event":"accepted"}`).want(409) // somebody else
	b.post(as, item+"/custody", `{"event":"accepted"}`).want(201).has("data.chain_of_custody_verified", true)
	b.get(as, item+"/download").want(200)
	b.post(as, item+"/verify", ``).want(200).has("data.chain_of_custody_verified", true)
	b.exportedCase(as, path, len(items))
	list, err := b.store.CaseEvidence(t.Context(), b.ledger, audit.InvestigationID(id))
	if err != nil {
		t.Fatal(err)
	}
	b.replace(list[1].Artifact.V.Key, []byte("something else"))
	b.post(as, item+"/verify", ``).want(200).has("data.chain_of_custody_verified", false)
	b.get(as, path).want(200).has("data.evidence_collection.chain_of_custody_verified", false)
	if n := len(b.entriesOf(b.ledger, audit.TypeCustody)); n != 5 {
		t.Errorf("%d entries about its custody, not 5", n)
	}
}

// exportedCase checks the ZIP of a case by its manifest, as sha256sum would.
func (b *bench) exportedCase(as, path string, items int) {
	b.t.Helper()
	body := b.post(as, path+"/export", ``).want(200).body
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		b.t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			b.t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(r); err != nil {
			b.t.Fatal(err)
		}
	}
	lines := strings.Split(strings.TrimSpace(string(files["manifest-sha256.txt"])), "\n")
	evidence := 0
	for _, line := range lines {
		digest, name, _ := strings.Cut(line, "  ")
		if got := fmt.Sprintf("%x", sha256.Sum256(files[name])); got != digest {
			b.t.Errorf("%s has the digest %s, not %s", name, got, digest)
		}
		if strings.HasPrefix(name, "evidence/") {
			evidence++
		}
	}
	if len(lines) != len(z.File)-1 || evidence != items {
		b.t.Errorf("%d lines of %d files, %d items of %d", len(lines), len(z.File), evidence, items)
	}
	var description struct {
		Graph []map[string]any `json:"@graph"`
	}
	if err := json.Unmarshal(files["case.jsonld"], &description); err != nil {
		b.t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, n := range description.Graph {
		kinds[n["@type"].(string)]++
	}
	if kinds["case-investigation:Investigation"] != 1 || kinds["case-investigation:ProvenanceRecord"] != items || kinds["case-investigation:InvestigativeAction"] < 2*items {
		b.t.Errorf("%v", kinds)
	}
}

// TestLegalHolds: whoever issues one does not release it.
func TestLegalHolds(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a, c := b.join("al", audit.ComplianceOfficer), b.join("cy", audit.ComplianceOfficer)
	al, cy := a.signIn(), c.signIn()
	b.post(al, "~/legal-holds", `{"matter":" ","reason":"r"}`).want(422)
	b.post(al, "~/legal-holds", `{"matter":"m","reason":"r","scope":{"start":"2025-01-02T00:00:00Z","end":"2025-01-01T00:00:00Z"}}`).want(422)
	id := b.post(al, "~/legal-holds", `{"matter":"Inspection","reason":"letter","scope":{"start":"2025-01-01T00:00:00Z","systems":["reactor"]}}`).want(201).text("data.hold_id")
	release := func(as string) *answer {
		return b.send(request{method: "DELETE", path: "~/legal-holds/" + id, as: as, body: []byte(`{"reason":"over"}`)})
	}
	release(al).want(409)
	release(cy).want(200).has("data.state", "released")
	release(cy).want(409)
	if n := len(b.get(al, "~/legal-holds?state=active").want(200).list("data")); n != 0 {
		t.Errorf("%d are active", n)
	}
}

// TestEntryOpensInvestigation: what an entry opens is a case like any other.
func TestEntryOpensInvestigation(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	d := newDetectives(b)
	entry := b.post("full", "~/entries", `{"event_type":"security_event","severity":"critical","description":"Many failed sign-ins","requires_investigation":true}`).want(201)
	id := entry.text("data.investigation.investigation_id")
	shown := b.get("full", "~/investigations/"+id).want(200)
	shown.has("data.assigned_investigator.user_id", "security_team")
	shown.has("data.opened_by", nil)
	if at := d.work(id); at.Stage != audit.StageReview {
		t.Errorf("%+v", at)
	}
	items := b.get("full", "~/investigations/"+id+"/evidence").want(200).list("data")
	if items[0]["type"] != "trigger_entry" {
		t.Errorf("%v", items[0])
	}
	orders, err := b.store.TakeOrders(t.Context(), b.clock.now(), time.Minute, 10)
	if err != nil || len(orders) != 1 || orders[0].Workflow != audit.InvestigationWorkflow || orders[0].WorkflowID != id {
		t.Errorf("%+v %v", orders, err)
	}
}

// has holds a value of the answer against what it should be.
func (a *answer) has(path string, want any) {
	a.t.Helper()
	if got, _ := a.at(path); fmt.Sprint(got) != fmt.Sprint(want) {
		a.t.Errorf("%s is %v, not %v", path, got, want)
	}
}

// list is an array of objects.
func (a *answer) list(path string) (out []map[string]any) {
	a.t.Helper()
	got, _ := a.at(path)
	items, ok := got.([]any)
	if !ok {
		a.t.Fatalf("%s is no list: %s", path, a.body)
	}
	for _, item := range items {
		out = append(out, item.(map[string]any))
	}
	return out
}
