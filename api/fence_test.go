package api_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/api"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

var pathVariable = regexp.MustCompile(`\{([a-z_]+)\}`)

// ids are values for the variables of paths. foreign names what another
// organisation has; absent has the same form and is nobody's; neutral names
// what everybody has or nobody can.
type ids struct {
	foreign, absent, neutral map[string]string // by variable, or by the path's first step and the variable
}

func foreignIDs(t *testing.T, b *bench) ids {
	t.Helper()
	// Every ledger numbers from 0: a number that only the other one has reached.
	many := strings.Repeat(`{"event_type":"scan.started"},`, 999) + `{"event_type":"scan.started"}`
	b.post("other", "~/entries/bulk?receipts=none", `{"entries":[`+many+`]}`).want(201)
	entry := b.post("other", "~/entries", `{"event_type":"scan.started"}`).want(201)
	export := b.post("other", "~/evidence/export",
		`{"format":"zip","framework":"soc2","audit_period":{"from":"2025-01-01","to":"2025-03-31"},"include":["scan_results"]}`).want(202)
	verification := b.post("other", "~/verify", `{"from":"2025-01-01","to":"2025-03-31"}`, "Prefer", "respond-async").want(202)
	assessment := b.post("other", "~/compliance/assessments", `{"frameworks":["sox"]}`).want(202)
	key := b.post("other", "~/api-keys", `{"name":"theirs","role":"ingest"}`).want(201)
	// Types and their schemas are named, not numbered: there is one of ours, and
	// one of theirs that we cannot see.
	for name, as := range map[string]string{"a.type": "full", "theirs.type": "other"} {
		b.send(request{method: "PUT", path: "~/event-types/" + name, as: as, body: []byte(`{"class":"system_event","severity":"low"}`)}).want(200)
		b.send(request{method: "PUT", path: "~/event-types/" + name + "/schemas", as: as, body: []byte(`{"schema":{}}`)}).want(201)
	}
	for _, path := range []string{"", "/schemas", "/schemas/1"} {
		b.get("full", "~/event-types/theirs.type"+path).want(404)
	}
	catalog := b.post("other", "~/compliance/catalogs", catalogBody(ownCatalog(1))).want(201)
	person := b.post("other", "~/directory/users", `{"email":"their@example.com","name":"Theirs","roles":["viewer"]}`).want(201)
	stream := b.post("other", "~/streams", `{"name":"theirs","url":"https://siem.example.com/","format":"ndjson"}`).want(201)
	gaps := store.Assessed{Gaps: []store.Gap{
		{Kind: audit.FindingGap, Framework: audit.SOX, Requirement: "S1", Title: "t", Severity: audit.SeverityLow, DetectedAt: b.clock.now()},
		{Kind: audit.ViolationGap, Framework: audit.SOX, Requirement: "S1", CheckID: "c", Title: "t", Severity: audit.SeverityLow, DetectedAt: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)},
	}}
	b.apply(store.ApplyAssessed(b.other, audit.AssessmentID(assessment.text("data.assessment_id")), gaps, b.clock.now()))
	file := b.uploadAs(t, "other", "theirs.txt", "theirs").want(201)
	_, artifact, _ := strings.Cut(file.text("data.artifacts.0.url"), "/evidence/download/")
	made := b.post("other", "~/reports", someReport, "Prefer", "respond-async").want(202)
	b.superuser(`insert into signature (id, ledger, report, person, printed_name, meaning, digest, components, comment, signed_at)
		values ('esig_01k3jy1z3n8w4q6t9v0b2c5d7a', $1, $2, $3, 'Theirs', 'approval', 'sha256:', '{password}', '', now())`, b.other, made.text("data.report_id"), person.text("data.user_id"))
	b.superuser(`insert into passkey (id, ledger, person, name, credential, public_key, counter, backed_up, created_at)
		values ('passkey_01k3jy1z3n8w4q6t9v0b2c5d7a', $1, $2, 'theirs', '1', '1', 0, false, now())`, b.other, person.text("data.user_id"))
	hold := b.post("other", "~/legal-holds", `{"matter":"theirs","reason":"theirs"}`).want(201)
	opened := b.post("other", "~/investigations", `{"investigation_type":"theirs","title":"t","priority":"low","scope":{"time_range":{"start":"2025-08-25T00:00:00Z","end":"2025-08-26T00:00:00Z"}}}`).want(201)
	b.superuser(`insert into investigation_evidence (ledger, investigation, id, kind, title, source, items, artifact, media_type, file_name, acquired_at, acquired_by, round)
		values ($1, $2, 'caseev_theirs', 'upload', 't', '{}', 1, '{}', 'm', 'f', now(), '{}', 1)`, b.other, opened.text("data.investigation_id"))
	b.superuser(`insert into archive_retrieval (ledger, id, status, from_time, until_time, reason, days, segments, entries, requested_by, requester, requested_at)
		values ($1, 'retrieval_theirs', 'requested', now(), now(), 'r', 1, '{}', 1, '{}', '', now())`, b.other)
	b.superuser(`insert into retention_change (ledger, id, status, based_on, previous, policy, reason, requested_by, requester, requested_at)
		values ($1, 'retention_change_theirs', 'pending', 0, '{}', '{}', 'r', '{}', 'user_theirs', now())`, b.other)
	return ids{
		foreign: map[string]string{
			"change_id":        "retention_change_theirs",
			"passkey_id":       "passkey_01k3jy1z3n8w4q6t9v0b2c5d7a",
			"retrieval_id":     "retrieval_theirs",
			"catalog_id":       catalog.text("data.catalog_id"),
			"investigation_id": opened.text("data.investigation_id"), "hold_id": hold.text("data.hold_id"),
			"evidence_id": "caseev_theirs", "investigations finding_id": "finding_00112233445566778899",
			"erasure_id": "erasure_01k3jy1z3n8w4q6t9v0b2c5d7a",
			"report_id":  made.text("data.report_id"), "signature_id": "esig_01k3jy1z3n8w4q6t9v0b2c5d7a",
			"id": entry.text("data.id"), "log_id": entry.text("data.log_id"), "evidence job_id": export.text("data.job_id"),
			"verify job_id": verification.text("data.job_id"), "key_id": key.text("data.id"), "assessment_id": assessment.text("data.assessment_id"), "user_id": person.text("data.user_id"), "stream_id": stream.text("data.stream_id"),
			"finding_id": "SOX_001", "violation_id": "viol_20260102_001",
			"evidence name": file.text("data.id"), "artifact": artifact,
		},
		absent: map[string]string{
			"change_id":        "retention_change_01k3jy1z3n8w4q6t9v0b2c5d7f",
			"passkey_id":       "passkey_01k3jy1z3n8w4q6t9v0b2c5d7f",
			"retrieval_id":     "retrieval_01k3jy1z3n8w4q6t9v0b2c5d7f",
			"catalog_id":       "catalog_01k3jy1z3n8w4q6t9v0b2c5d7f",
			"investigation_id": "inv_20250826_data_integrity_001", "hold_id": "hold_01k3jy1z3n8w4q6t9v0b2c5d7f",
			"evidence_id": "caseev_01k3jy1z3n8w4q6t9v0b2c5d7f", "investigations finding_id": "finding_99112233445566778899",
			"erasure_id": "erasure_01k3jy1z3n8w4q6t9v0b2c5d7f",
			"report_id":  "report_01k3jy1z3n8w4q6t9v0b2c5d7f", "signature_id": "esig_01k3jy1z3n8w4q6t9v0b2c5d7f",
			"id": "audit_entry_20250101_999999", "log_id": "log_01K3JY1Z3N8W4Q6T9V0B2C5D7F", "evidence job_id": "export_01k3jy1z3n8w4q6t9v0b2c5d7f",
			"verify job_id": "verify_01k3jy1z3n8w4q6t9v0b2c5d7f", "key_id": "000000000000", "assessment_id": "assess_01k3jy1z3n8w4q6t9v0b2c5d7f", "user_id": "user_01k3jy1z3n8w4q6t9v0b2c5d7f", "stream_id": "stream_01k3jy1z3n8w4q6t9v0b2c5d7f", "finding_id": "SOX_999", "violation_id": "viol_20260102_999",
			"evidence name": "ev_01k3jy1z3n8w4q6t9v0b2c5d7f", "artifact": "ev_01k3jy1z3n8w4q6t9v0b2c5d7f_artifact_1",
		},
		neutral: map[string]string{"name": "a.type", "size": "1", "level": "0", "framework": "sox", "index": "000.p/1", "version": "1", "subjects id": "user-4711"},
	}
}

// fill puts values in a path; foreign tells whether one of them is an id.
func (i ids) fill(t *testing.T, path string, from map[string]string) (filled string, foreign bool) {
	t.Helper()
	step := strings.Split(path, "/")[1]
	filled = pathVariable.ReplaceAllStringFunc(path, func(v string) string {
		v = strings.Trim(v, "{}")
		for _, name := range []string{step + " " + v, v} {
			if value, ok := from[name]; ok {
				foreign = true
				return value
			}
			if value, ok := i.neutral[name]; ok {
				return value
			}
		}
		t.Fatalf("%s: say in foreignIDs what another organisation has under {%s}", path, v)
		return ""
	})
	return "~" + filled, foreign
}

func bodyOf(method string) []byte {
	if method == "POST" || method == "PUT" || method == "PATCH" {
		return []byte("{}")
	}
	return nil
}

// TestEveryRouteForEveryRole walks the route table: who lacks a route's
// permission is 403, whatever they ask for; who holds it finds another
// organisation's things as little as things that never were; and nothing is a
// 5xx.
func TestEveryRouteForEveryRole(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	other := foreignIDs(t, b)
	b.post("full", "~/entries", `{"event_type":"scan.started"}`).want(201)
	crossed := 0
	for _, role := range audit.Roles {
		name, may := "role "+string(role.Name), audit.Principal{Permissions: role.KeyPermissions()}
		b.keys[name] = b.key("org_test", name, role.KeyPermissions())
		for _, rt := range api.Routes() {
			path, foreign := other.fill(t, rt.Path, other.foreign)
			what := fmt.Sprintf("%s: %s %s", role.Name, rt.Method, path)
			a := b.send(request{method: rt.Method, path: path, as: name, body: bodyOf(rt.Method)})
			switch {
			case rt.Permission != "" && !may.Can(rt.Permission) && (rt.OwnCases == "" || !may.Can(rt.OwnCases)):
				a.want(403)
				if a.text("error.details.required_permission") != string(rt.Permission) || a.text("error.details.contact") != "audit@example.com" {
					t.Errorf("%s: %s", what, a.body)
				}
			case foreign:
				crossed++
				nobodys, _ := other.fill(t, rt.Path, other.absent)
				if never := b.send(request{method: rt.Method, path: nobodys, as: name, body: bodyOf(rt.Method)}).want(404); a.status != 404 ||
					a.text("error.message") != never.text("error.message") {
					t.Errorf("%s: %d %s, and %s of what never was", what, a.status, a.body, never.body)
				}
			default:
				if slices.Contains([]int{401, 403, 404}, a.status) || a.status >= 500 {
					t.Errorf("%s: %d %s", what, a.status, a.body)
				}
			}
		}
	}
	if crossed < 2*len(other.foreign) {
		t.Errorf("only %d requests reached for another organisation", crossed)
	}
	b.whole()
}

// TestEveryRouteForConstraints: a route takes a constrained credential only if
// somebody has said why it may.
func TestEveryRouteForConstraints(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	other := foreignIDs(t, b)
	b.post("full", "~/entries", `{"event_type":"scan.started"}`).want(201)
	b.keys["narrow"] = b.key("org_test", "narrow", audit.Permissions, func(k *store.Key) {
		k.Constraints = &store.JSON[audit.Constraints]{V: audit.Constraints{Repositories: []string{"r1"}}}
	})
	routes := map[string]bool{}
	for _, rt := range api.Routes() {
		routes[rt.Method+" "+rt.Path] = true
		path, _ := other.fill(t, rt.Path, other.foreign)
		if i, _ := rt.Permission.Info(); i.Personal { // no key has it, constrained or not
			continue
		}
		a := b.send(request{method: rt.Method, path: path, as: "narrow", body: bodyOf(rt.Method)})
		if constraints, there := a.at("error.details.constraints"); (a.status == 403 && there) == rt.Honours || a.status >= 500 {
			t.Errorf("%s %s: %d, %v, and honours %v", rt.Method, rt.Path, a.status, constraints, rt.Honours)
		}
	}
	for at := range maps.Keys(api.Honoured()) {
		if !routes[strings.ReplaceAll(at, ":.+", "")] {
			t.Errorf("%s is no route", at)
		}
	}
}
