package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/report"
	"github.com/sealbook/sealbook/internal/sign"
	"github.com/sealbook/sealbook/internal/store"
)

// caseReport is the request for a report of a case.
func caseReport(id, more string) string {
	return fmt.Sprintf(`{"report_type":"investigation","investigation_id":%q%s}`, id, more)
}

// reported is a report of a case in JSON.
type reported struct {
	Report report.Document `json:"report"`
	Tables []struct {
		Rows []report.Row `json:"rows"`
	} `json:"tables"`
}

// made has a report of a case made and downloads it.
func (p *press) made(as, id, more string) (got reported, report string) {
	p.b.t.Helper()
	report = p.b.post(as, "~/reports", caseReport(id, `,"format":"json"`+more), "Prefer", "wait=0").want(202).text("data.report_id")
	p.begin(report)
	p.finish(report)
	if err := json.Unmarshal(p.b.get(as, "~/reports/"+report+"/download").want(200).body, &got); err != nil {
		p.b.t.Fatal(err)
	}
	return got, report
}

// TestReportOfAnInvestigation, of one that is open and of one that was decided.
func TestReportOfAnInvestigation(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	d, p := newDetectives(b), newPress(b)
	trigger := b.crime()
	ines, rob, officer := b.join("ines", audit.Investigator), b.join("rob", audit.Investigator), b.join("olaf", audit.ComplianceOfficer)
	inv, rev, off := ines.signIn(), rob.signIn(), officer.signIn()
	id := b.post(inv, "~/investigations", fmt.Sprintf(someCase, trigger)).want(201).text("data.investigation_id")

	early, _ := p.made(off, id, "") // nothing is collected
	if c := early.Report.Case; !c.Interim || c.Flow != nil || c.FlowReason == "" || len(c.Evidence) != 0 || c.Stage != "scoping" || c.Decision != nil {
		t.Errorf("%+v", c)
	}
	d.work(id)
	path := "~/investigations/" + id
	b.post(inv, path+"/notes", `{"text":"A very secret note"}`).want(201)
	var decided []string
	for i, f := range b.get(inv, path+"/findings?status=candidate").want(200).list("data") {
		decided = append(decided, f["finding_id"].(string))
		b.send(request{method: "PATCH", path: path + "/findings/" + decided[i], as: inv, body: []byte(`{"status":"` + []string{"accepted", "rejected"}[i%2] + `","reason":"seen on site"}`)}).want(200)
	}
	b.flush()
	reads := len(b.entriesOf(b.ledger, "audit.investigation_read"))
	open, first := p.made(off, id, "")
	b.flush()
	if n := len(b.entriesOf(b.ledger, "audit.investigation_read")); n != reads+1 {
		t.Errorf("asking for a report is %d reads of the case", n-reads)
	}
	c := open.Report.Case
	if !c.Interim || c.Number == "" || c.OpenedBy != "ines ("+ines.id+")" || c.Trigger != trigger || c.Flow == nil || len(c.Flow.Boxes) == 0 || len(c.Findings) != len(decided) || len(open.Report.Limits) < 4 ||
		!strings.Contains(open.Report.Limits[0], "interim") || open.Report.Title != "Suspicious changes" {
		t.Errorf("%+v", c)
	}
	for _, f := range c.Findings {
		if f.DecidedBy == "" || f.Reason != "seen on site" || len(f.EntryIDs) == 0 || f.Basis == "" {
			t.Errorf("%+v", f)
		}
	}
	text, err := json.Marshal(open)
	if err != nil || bytes.Contains(text, []byte("secret note")) {
		t.Errorf("the report has the text of a note, %v", err)
	}
	if said := strings.Join(c.Narrative, "\n"); !strings.Contains(said, "ines ("+ines.id+") wrote a note") || !strings.Contains(said, "opened by ines") || !strings.Contains(said, "findings_review") && !strings.Contains(said, "findings review") {
		t.Error(said)
	}
	if len(open.Tables) != 1 || len(open.Tables[0].Rows) == 0 || open.Tables[0].Rows[len(open.Tables[0].Rows)-1].EntryID != trigger {
		t.Errorf("%+v", open.Tables)
	}
	read := 0
	for _, e := range c.Evidence {
		if !e.Verified || e.Digest == "" || e.FirstSeq == nil || len(e.Custody) == 0 || e.Custody[0].Event != "collected" {
			t.Errorf("%+v", e)
		}
		for _, h := range e.Custody {
			if strings.Contains(h.Reason, first) {
				read++
			}
		}
	}
	if read != 1 {
		t.Errorf("the custody has %d readings for the report", read)
	}
	view := b.get(off, "~/reports/"+first).want(200)
	view.has("data.investigation_id", id)
	view.has("data.summary.total_audit_entries", 1)
	view.has("data.summary.pending_actions", 0)
	view.has("data.period.start", "2025-08-25T00:00:00.000Z")

	b.post(inv, path+"/transitions", `{"to":"implications","reason":"done"}`).want(200)
	b.post(inv, path+"/transitions", `{"to":"decision","reason":"ready"}`).want(200)
	b.post(rev, path+"/close", `{"resolution":"confirmed","root_cause":"A limit was moved by hand","regulatory_notification_required":true}`).want(200)
	closed, _ := p.made(off, id, `,"period":{"start":"2025-08-01","end":"2025-08-31"}`)
	c = closed.Report.Case
	if c.Interim || c.Decision == nil || c.Decision.Resolution != "confirmed" || c.Decision.By != "rob ("+rob.id+")" || !strings.Contains(c.Notification, "must be notified") || len(c.Implications) == 0 ||
		strings.Contains(strings.Join(closed.Report.Limits, ""), "interim") {
		t.Errorf("%+v", c)
	}
	if was, _ := p.made(off, id, ""); was.Report.Case.Version != c.Version {
		t.Error("a report changes the case")
	}

	// An attempt that dies before the data are fixed has read the map; it is read once.
	again := b.post(off, "~/reports", caseReport(id, ""), "Prefer", "wait=0").want(202).text("data.report_id")
	p.begin(again)
	b.superuser(`update report set frozen = null, summary = null where id = $1`, again)
	p.must(p.do.SnapshotReport, p.start(again), nil)
	custody, err := b.store.CustodyOf(t.Context(), b.ledger, audit.InvestigationID(id))
	if err != nil {
		t.Fatal(err)
	}
	read = 0
	for _, h := range custody {
		if strings.Contains(h.Reason, again) {
			read++
		}
	}
	if read != 1 {
		t.Errorf("the map was read %d times for a report whose data were fixed twice", read)
	}

	pdf := b.post(off, "~/reports", caseReport(id, ""), "Prefer", "wait=0").want(202).text("data.report_id")
	p.begin(pdf)
	p.finish(pdf)
	file := b.get(off, "~/reports/"+pdf+"/download").want(200).body
	if seals, err := sign.Verify(file, p.roots, nil); err != nil || len(seals) != 1 || len(seals[0].Problems) > 0 {
		t.Errorf("%+v %v", seals, err)
	}
	if keep := os.Getenv("SEALBOOK_TEST_KEEP_REPORT"); keep != "" {
		if err := os.WriteFile(keep, file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	csv := b.post(off, "~/reports", caseReport(id, `,"format":"csv"`), "Prefer", "wait=0").want(202).text("data.report_id")
	p.begin(csv)
	p.finish(csv)
	if file := b.get(off, "~/reports/"+csv+"/download").want(200).body; !bytes.Contains(file, []byte("custody,")) || !bytes.Contains(file, []byte("decision,")) {
		t.Errorf("%.500s", file)
	}
	b.whole()
}

// TestReportOfACaseWhoseEvidenceWasChanged says so, and draws no picture of it.
func TestReportOfACaseWhoseEvidenceWasChanged(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	d, p := newDetectives(b), newPress(b)
	id := b.post("full", "~/investigations", fmt.Sprintf(someCase, b.crime())).want(201).text("data.investigation_id")
	d.work(id)
	item, err := b.store.CaseEvidenceItem(t.Context(), b.ledger, audit.InvestigationID(id), d.row(id).Analyses.V[audit.DataFlowMapping].Evidence)
	if err != nil {
		t.Fatal(err)
	}
	b.replace(item.Artifact.V.Key, []byte("something else"))
	got, _ := p.made("full", id, "")
	if c := got.Report.Case; c.Flow != nil || !strings.Contains(c.FlowReason, item.ID) {
		t.Errorf("%+v", c)
	}
	for _, e := range got.Report.Case.Evidence {
		if e.Verified == (e.ID == item.ID) {
			t.Errorf("%s is verified: %v", e.ID, e.Verified)
		}
	}
	if !strings.Contains(strings.Join(got.Report.Checked, "\n"), "does not hold") {
		t.Errorf("%q", got.Report.Checked)
	}
}

// TestSubjectsHaveNoPartInReportsOfTheirCase: they neither ask for one, nor see,
// sign, receive or recognise it, and neither does who may not read cases.
func TestSubjectsHaveNoPartInReportsOfTheirCase(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	newDetectives(b)
	p := newPress(b)
	subject, officer := b.join("sue", audit.ComplianceOfficer, audit.Investigator), b.join("olaf", audit.ComplianceOfficer)
	sue, off := subject.signIn(), officer.signIn()
	b.keys["reader"] = b.key("org_test", "reader", []audit.Permission{audit.ReadReports, audit.CreateReports, audit.DistributeReports})
	b.keys["theirs"] = b.key("org_test", "theirs", audit.Permissions, func(k *store.Key) { k.CreatedBy = "user " + subject.id })
	// The scope names a person by their id, so that the directory has to know the address.
	body := fmt.Sprintf(`{"investigation_type":"x","title":"t","priority":"low","scope":{"time_range":{"start":"2025-08-25T00:00:00Z","end":"2025-08-26T00:00:00Z"},"potential_users":[%q]}}`, subject.id)
	id := b.post(off, "~/investigations", body).want(201).text("data.investigation_id")
	theirs := b.post("other", "~/investigations", body).want(201).text("data.investigation_id")
	b.superuser(`update investigation set id = 'inv_elsewhere' where ledger = $1 and id = $2`, b.other, theirs)
	signature := func(who string) string {
		return fmt.Sprintf(`,"digital_signature":{"required":true,"signatory":%q,"signature_meaning":"review"}`, who)
	}

	for _, as := range []string{sue, "theirs"} {
		never := b.post(as, "~/reports", caseReport("inv_20250826_none_001", "")).want(404)
		if about := b.post(as, "~/reports", caseReport(id, "")).want(404); about.text("error.message") != never.text("error.message") {
			t.Errorf("%s, and of none %s", about.body, never.body)
		}
	}
	b.post(off, "~/reports", caseReport("inv_elsewhere", "")).want(404)
	b.post(off, "~/reports", caseReport("../x", "")).want(404)
	b.post("reader", "~/reports", caseReport(id, "")).want(403)
	for more, field := range map[string]string{
		signature(subject.email):                                        "/digital_signature/signatory",
		`,"distribution":["` + strings.ToUpper(subject.email) + `"]`:    "/distribution/0",
		`,"framework":"soc2"`:                                           "/framework",
		`,"scope":{"include_systems":["a"]}`:                            "/scope",
		`,"scope":{"include_violations":false}`:                         "/scope",
		`,"period":{"start":"2025-08-25T12:00:00Z","end":"2025-08-31"}`: "/period",
	} {
		if a := b.post(off, "~/reports", caseReport(id, more)).want(422); a.text("error.details.fields.0.field") != field {
			t.Errorf("%s: %s", more, a.body)
		}
	}
	for request, field := range map[string]string{
		`{"report_type":"investigation"}`: "/investigation_id",
		`{"report_type":"audit_trail","period":{"start":"2025-08-25","end":"2025-08-31"},"investigation_id":"` + id + `"}`: "/investigation_id",
	} {
		if a := b.post(off, "~/reports", request).want(422); a.text("error.details.fields.0.field") != field {
			t.Errorf("%s: %s", request, a.body)
		}
	}

	boss := b.join("boss", audit.ComplianceOfficer)
	boss.signIn()
	report := b.post(off, "~/reports", caseReport(id, signature(boss.email)+`,"scope":{"include_users":"all"},"distribution":["regulator@example.com"]`), "Prefer", "wait=0").want(202).text("data.report_id")
	p.begin(report)
	boss.sign(report, boss.challenge(report)).want(201)
	p.finish(report)
	esig := b.get(off, "~/signatures").want(200).text("data.0.signature_id")
	file := b.get(off, "~/reports/"+report+"/download").want(200).body
	verify := func(as string) *answer {
		return b.send(request{method: "POST", path: "~/reports/verify", as: as, header: http.Header{"Content-Type": {"application/octet-stream"}}, body: file}).want(200)
	}
	verify(off).has("data.report_id", report)
	b.post(off, "~/reports/"+report+"/distribution", `{"recipients":["`+subject.email+`"]}`).want(422)
	for _, as := range []string{sue, "theirs", "reader"} {
		if n := b.get(as, "~/reports").want(200).number("pagination.total"); n != 0 {
			t.Errorf("%s sees %d reports", as, n)
		}
		for _, path := range []string{"", "/download", "/deliveries", "/signature", "/signature/document"} {
			b.get(as, "~/reports/"+report+path).want(404)
		}
		b.post(as, "~/reports/"+report+"/download-links", `{}`).want(404)
		b.post(as, "~/reports/"+report+"/distribution", `{}`).want(404)
		b.send(request{method: "DELETE", path: "~/reports/" + report, as: as}).want(404)
		b.get(as, "~/signatures/"+esig).want(404)
		if n := len(b.get(as, "~/signatures").want(200).list("data")); n != 0 {
			t.Errorf("%s sees %d signatures", as, n)
		}
		a := verify(as)
		a.has("data.report_id", nil)
		a.has("data.verified", false)
		if a.text("data.reason") != "no report of this organisation has these bytes" {
			t.Errorf("%s", a.body)
		}
	}
	for _, path := range []string{"/challenge", "/decline", ""} {
		b.post(sue, "~/reports/"+report+"/signature"+path, `{"reason":"r"}`).want(404)
	}
	for as, want := range map[string]int64{off: 1, "full": 1} {
		if n := b.get(as, "~/reports?report_type=investigation").want(200).number("pagination.total"); n != want {
			t.Errorf("%d reports of cases, not %d", n, want)
		}
	}
	if n := len(b.get(off, "~/signatures").want(200).list("data")); n != 1 {
		t.Errorf("%d signatures", n)
	}
	other := b.post(sue, "~/reports", someReport, "Prefer", "wait=0").want(202).text("data.report_id")
	if n := b.get(sue, "~/reports").want(200).number("pagination.total"); n != 1 {
		t.Errorf("a subject sees %d of the other reports, not %s", n, other)
	}
}
