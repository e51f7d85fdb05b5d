package api_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

const erasureOfAnn = `{"reason": "asked for", "basis": "DSR-7", "identifiers": ["ann@subject.example"]}`

// eraseAs does what a worker does, up to the plan or to the end.
func (b *bench) eraseAs(id string, plan bool) {
	b.t.Helper()
	ctx, eid := b.t.Context(), audit.ErasureID(id)
	head, _, err := b.log.Head(ctx, b.ledger)
	if err != nil {
		b.t.Fatal(err)
	}
	begin := b.store.BeginErasing
	if plan {
		begin = b.store.BeginErasurePlan
	}
	e, err := begin(ctx, b.ledger, eid, "run", head.Size)
	if err != nil {
		b.t.Fatal(err)
	}
	err = b.log.Erase(ctx, ledger.Erasure{Ledger: b.ledger, End: *e.EndSeq, Subject: ledger.NewSubject(e.Identifiers.V), Plan: plan,
		With: func(part *ledger.Erased) store.Statements {
			p := store.ErasedPart{First: part.First, End: part.End, Counts: part.Counts, Months: part.Months}
			for _, f := range part.Found {
				p.Seqs, p.Times, p.Held = append(p.Seqs, f.Seq), append(p.Times, f.Time), append(p.Held, f.Held)
			}
			return store.KeepErased(eid, e.Status, p)
		}})
	if err == nil {
		e, err = b.store.Erasure(ctx, b.ledger, eid)
	}
	if err == nil && plan {
		err = b.store.PlanErasure(ctx, b.ledger, eid, e.Counts.V)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	if plan {
		return
	}
	c := audit.ErasureCertificate{Version: audit.CertificateVersion, ErasureID: eid, RequestedBy: audit.Object{}, ApprovedBy: audit.Object{}, Counts: e.Counts.V,
		RequestedAt: audit.FormatTime(e.CreatedAt), ApprovedAt: audit.FormatTime(*e.DecidedAt), CompletedAt: audit.FormatTime(b.clock.now()), NotReached: []audit.NotReached{}}
	text, err := json.Marshal(c)
	if err == nil {
		text, err = ledger.Canonical(text)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	b.apply(store.CompleteErasure(b.ledger, eid, text, fmt.Sprintf("sha256:%x", sha256.Sum256(text)), b.clock.now()))
}

// appendAnn appends an entry of the subject, one about them, and one of another.
func (b *bench) appendAnn() {
	b.t.Helper()
	for _, e := range []string{
		`{"event_type": "config.changed", "actor": {"type": "user", "id": "u-ann", "email": "ann@subject.example"}, "description": "hers", "resource": {"type": "file", "id": "f"}}`,
		`{"event_type": "config.changed", "actor": {"type": "user", "id": "u-bob"}, "description": "for ann@subject.example", "resource": {"type": "user", "id": "u-ann"}}`,
		`{"event_type": "config.changed", "actor": {"type": "user", "id": "u-bob"}, "description": "of another", "resource": {"type": "file", "id": "f"}}`,
	} {
		b.post("full", "~/entries", e).want(201)
	}
}

func TestErasure(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.appendAnn()
	one, two := b.join("one", audit.Administrator).signIn(), b.join("two", audit.Administrator).signIn()
	// No key may, whatever it holds.
	b.keys["old"] = b.key("org_test", "old", []audit.Permission{audit.ExecuteErasure})
	b.post("old", "~/subjects/u-ann/erasure", erasureOfAnn).want(403)
	b.post("full", "~/subjects/u-ann/erasure", erasureOfAnn).want(403)
	b.post("full", "~/api-keys", `{"name": "k", "permissions": ["audit:erasure:execute"]}`).want(422)

	a := b.post(one, "~/subjects/u-ann/erasure", erasureOfAnn, "Idempotency-Key", "k").want(202)
	id := a.text("data.erasure_id")
	if a.header.Get("Location") != "/api/v1/audit/erasures/"+id || a.text("data.status") != "requested" || b.workflows.woken == 0 {
		t.Errorf("%v %s", a.header, a.body)
	}
	if again := b.post(one, "~/subjects/u-ann/erasure", erasureOfAnn, "Idempotency-Key", "k").want(202); again.text("data.erasure_id") != id {
		t.Errorf("%s", again.body)
	}
	b.post(one, "~/subjects/u-other/erasure", erasureOfAnn, "Idempotency-Key", "k").want(422)
	if a := b.post(two, "~/subjects/U-ANN/erasure", erasureOfAnn).want(409); !strings.Contains(a.text("error.message"), "under way") {
		t.Errorf("%s", a.body)
	}
	// Nothing is approved that is not counted, nor by who asked.
	b.post(two, "~/erasures/"+id+"/approval", `{"reason": "founded"}`).want(409)
	b.eraseAs(id, true)
	a = b.get(two, "~/erasures/"+id).want(200)
	if a.number("data.plan.entries") != 2 || a.number("data.plan.fields") != 4 || a.number("data.plan.held_entries") != 0 {
		t.Errorf("%s", a.body)
	}
	b.post(one, "~/erasures/"+id+"/approval", `{"reason": "founded"}`).want(403)
	b.superuser(`update person set created_by = 'user ' || (select requester from erasure) where email = 'two@example.com'`)
	b.post(two, "~/erasures/"+id+"/approval", `{"reason": "founded"}`).want(403) // the requester could be both
	b.superuser(`update person set created_by = 'operator x', reset_by = 'one' where email = 'two@example.com'`)
	b.post(two, "~/erasures/"+id+"/approval", `{"reason": "founded"}`).want(403) // likewise, until another has confirmed it
	b.superuser(`update person set reset_by = null where email = 'two@example.com'`)
	b.post(two, "~/erasures/"+id+"/approval", `{"reason": ""}`).want(422)
	b.post(two, "~/erasures/"+id+"/approval", `{"reason": "for ann@subject.example"}`).want(422)
	b.get(two, "~/erasures/"+id+"/certificate").want(409)
	b.post(two, "~/erasures/"+id+"/approval", `{"reason": "founded"}`).want(202)
	b.post(two, "~/erasures/"+id+"/approval", `{"reason": "founded"}`).want(409)
	b.post(two, "~/erasures/"+id+"/decline", `{"reason": "late"}`).want(409)
	b.eraseAs(id, false)

	a = b.get(one, "~/erasures/"+id).want(200)
	if v, _ := a.at("data.identifiers"); v != nil || a.text("data.status") != "completed" || a.number("data.erased.entries") != 2 {
		t.Errorf("%s", a.body)
	}
	a = b.get(one, "~/erasures/"+id+"/certificate").want(200)
	v, _ := a.at("data.certificate")
	text, err := json.Marshal(v)
	if err == nil {
		text, err = ledger.Canonical(text)
	}
	if got := fmt.Sprintf("sha256:%x", sha256.Sum256(text)); err != nil || got != a.text("data.digest") || !strings.Contains(a.text("data.scrub_reason"), "scrub") {
		t.Errorf("%v %s %s", err, got, a.body)
	}
	if a := b.get(one, "~/erasures?status=completed").want(200); a.number("pagination.total") != 1 {
		t.Errorf("%s", a.body)
	}
	b.get(one, "~/erasures?status=gone").want(400)
	b.get(one, "~/erasures/erasure_01k3jy1z3n8w4q6t9v0b2c5d7f").want(404)
	b.flush()
	b.whole()

	// Neither the ledger nor the log nor any other row ever had the identifiers.
	head, _, err := b.log.Head(t.Context(), b.ledger)
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for row, err := range b.log.Rows(t.Context(), b.ledger, 0, head.Size) {
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range row.Fields {
			if strings.Contains(string(f.Value), "u-ann") || strings.Contains(string(f.Value), "ann@subject") {
				named++
			}
		}
	}
	if named != 1 { // the resource of the second entry
		t.Errorf("%d fields name the subject", named)
	}
	if logged := b.logged.String(); strings.Contains(logged, "u-ann") || strings.Contains(logged, "U-ANN") || strings.Contains(logged, "ann@subject") {
		t.Error("the log names the subject")
	}
	conn, err := pgx.Connect(t.Context(), b.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, table := range []string{"erasure", "erasure_entry", "request_key", "outbox"} {
		var n int
		if err := conn.QueryRow(t.Context(), `select count(*) from `+table+` t where t::text ilike '%u-ann%' or t::text ilike '%ann@subject%'`).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d rows of %s name the subject: %v", n, table, err)
		}
	}
	var kinds []string
	for _, kind := range []string{"audit.erasure_requested", "audit.erasure_approved"} {
		for range b.entriesOf(b.ledger, kind) {
			kinds = append(kinds, kind)
		}
	}
	if !slices.Equal(kinds, []string{"audit.erasure_requested", "audit.erasure_approved"}) {
		t.Errorf("%v", kinds)
	}
}

func TestErasureIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	member := b.join("ann", audit.Administrator)
	one, two := b.join("one", audit.Administrator).signIn(), b.join("two", audit.Administrator).signIn()
	ann := member.signIn()
	for body, field := range map[string]string{
		`{}`: "/basis", `{"basis": "b", "reason": " "}`: "/reason",
		`{"reason": "r", "basis": "b", "identifiers": ["ab"]}`:                                        "/identifiers/0",
		`{"reason": "r", "basis": "b", "identifiers": ["` + strings.Repeat("x", 257) + `"]}`:          "/identifiers/0",
		`{"reason": "r", "basis": "b", "identifiers": [` + strings.Repeat(`"name",`, 20) + `"name"]}`: "/identifiers",
		`{"reason": "` + strings.Repeat("r", 4097) + `", "basis": "b"}`:                               "/reason",
		`{"reason": "r", "basis": "` + strings.Repeat("b", 257) + `"}`:                                "/basis",
		`{"reason": "she, Ann Example, asked", "basis": "b", "identifiers": ["ann example"]}`:         "/reason",
		`{"reason": "r", "basis": "request of SUBJECT-1"}`:                                            "/basis",
	} {
		a := b.post(one, "~/subjects/subject-1/erasure", body).want(422)
		if !strings.Contains(string(a.body), `"field":"`+field+`"`) {
			t.Errorf("%.80s: %s", body, a.body)
		}
	}
	b.post(one, "~/subjects/ab/erasure", `{"reason": "r", "basis": "b"}`).want(422)
	b.post(one, "~/subjects/subject-1/erasure", `{"reason": "r", "basis": "b", "other": 1}`).want(422)
	// An account is closed first, by its own route.
	for _, who := range []string{member.id, strings.ToUpper(member.email)} {
		if a := b.post(one, "~/subjects/"+who+"/erasure", `{"reason": "r", "basis": "b"}`).want(409); !strings.Contains(a.text("error.message"), "deactivate") {
			t.Errorf("%s", a.body)
		}
	}
	// Nobody approves what is about themselves, nor what a hold keeps.
	b.post("full", "~/entries", `{"event_type": "config.changed", "actor": {"type": "user", "id": "u-held"}}`).want(201)
	id := b.post(one, "~/subjects/u-held/erasure", `{"reason": "r", "basis": "b"}`).want(202).text("data.erasure_id")
	b.post(two, "~/legal-holds", `{"matter": "m", "reason": "r", "scope": {"users": ["U-HELD"]}}`).want(201)
	b.eraseAs(id, true)
	if a := b.post(two, "~/erasures/"+id+"/approval", `{"reason": "founded"}`).want(409); a.text("error.code") != "LEGAL_HOLD_ACTIVE" || a.number("error.details.held_entries") != 2 {
		t.Errorf("%s", a.body)
	}
	a := b.post(one, "~/erasures/"+id+"/decline", `{"reason": "it is held"}`).want(200) // who asked may take it back
	if v, _ := a.at("data.identifiers"); v != nil || a.text("data.status") != "declined" {
		t.Errorf("%s", a.body)
	}
	b.post(two, "~/erasures/"+id+"/approval", `{"reason": "founded"}`).want(409)
	// Nothing is found: a plan of zero, which may be approved.
	id = b.post(one, "~/subjects/nobody/erasure", `{"reason": "r", "basis": "b"}`).want(202).text("data.erasure_id")
	b.eraseAs(id, true)
	b.post(ann, "~/erasures/"+id+"/approval", `{"reason": "founded"}`).want(202)
	b.eraseAs(id, false)
	if a := b.get(two, "~/erasures/"+id).want(200); a.number("data.erased.entries") != 0 || a.text("data.status") != "completed" {
		t.Errorf("%s", a.body)
	}
	// Not of another organisation.
	b.superuser(`update erasure set ledger = $1`, b.other)
	b.get(two, "~/erasures/"+id).want(404)
	b.post(two, "~/erasures/"+id+"/decline", `{"reason": "r"}`).want(404)
	b.whole()
}

// TestErasedFiles: what was destroyed is 410 with its reason, an export can be made
// again, and a case says what became of its evidence.
func TestErasedFiles(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	job := b.post("full", "~/evidence/export",
		`{"format":"zip","framework":"soc2","audit_period":{"from":"2024-01-01","to":"2024-03-31"},"include":["scan_results"]}`).want(202).text("data.job_id")
	b.complete(job, []byte("a package"))
	report := b.post("full", "~/reports", someReport, "Prefer", "respond-async").want(202).text("data.report_id")
	kase := b.post("full", "~/investigations", `{"investigation_type":"t","title":"t","priority":"low","scope":{"time_range":{"start":"2025-08-25T00:00:00Z","end":"2025-08-26T00:00:00Z"}}}`).
		want(201).text("data.investigation_id")
	b.superuser(`insert into investigation_evidence (ledger, investigation, id, kind, title, source, items, artifact, media_type, file_name, acquired_at, acquired_by, round)
		values ($1, $2, 'caseev_a', 'audit_entries', 't', '{}', 1, '{"key": "k", "sha256": "sha256:00"}', 'm', 'f', now(), '{}', 1)`, b.ledger, kase)
	for _, table := range []string{"export", "report", "investigation_evidence"} {
		b.superuser(`update ` + table + ` set erased_at = now()`)
	}
	b.superuser(`update export set status = 'expired'`)
	b.superuser(`update report set status = 'generated', frozen = '{}', artifact = '{}', completed_at = now(), links_expire_at = now() + interval '1 day'`)
	for path, method := range map[string]string{
		"~/evidence/export/" + job + "/download":                   "GET",
		"~/reports/" + report + "/download":                        "GET",
		"~/reports/" + report + "/download-links":                  "POST",
		"~/investigations/" + kase + "/evidence/caseev_a/download": "GET",
		"~/investigations/" + kase + "/evidence/caseev_a/verify":   "POST",
	} {
		a := b.send(request{method: method, path: path, as: "full"}).want(410)
		if a.text("error.details.reason") != "erased" || a.text("error.details.erased_at") == "" {
			t.Errorf("%s: %s", path, a.body)
		}
	}
	b.send(request{method: "POST", path: "~/evidence/export/" + job + "/retry", as: "full"}).want(202)
	b.send(request{method: "POST", path: "~/investigations/" + kase + "/export", as: "full"}).want(200)
	b.whole()
}
