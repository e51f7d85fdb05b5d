package api_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/api"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/mail"
	"github.com/sealbook/sealbook/internal/sign"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/internal/tsa"
	"github.com/sealbook/sealbook/internal/tsa/tsatest"
	"github.com/sealbook/sealbook/ledger"
)

// press does what the worker does for reports, in its own code.
type press struct {
	b     *bench
	do    *activities.Activities
	env   *testsuite.TestActivityEnvironment
	roots *x509.CertPool
	mails *mail.Outbox
}

func newPress(b *bench) *press {
	b.t.Helper()
	made, err := sign.Development(b.clock.now())
	if err != nil {
		b.t.Fatal(err)
	}
	identity, err := sign.LoadPEM(made.Certificates, made.Key)
	if err != nil {
		b.t.Fatal(err)
	}
	p := &press{b: b, roots: x509.NewCertPool()}
	p.roots.AppendCertsFromPEM(made.Root)
	p.mails = &mail.Outbox{Dir: b.t.TempDir(), Clock: b.clock.now}
	server := httptest.NewServer(p.mails)
	b.t.Cleanup(server.Close)
	p.do = &activities.Activities{
		Log: b.log, Store: b.store, Artifacts: b.artifacts, Clock: b.clock.now, Notary: &activities.Notary{Identity: identity}, PublicURL: "https://audit.example.com",
		Mail: &mail.Sender{Key: "k", From: "reports@example.com", FromName: "Sealbook", BaseURL: server.URL},
	}
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	p.env = suite.NewTestActivityEnvironment()
	p.env.RegisterActivity(p.do)
	return p
}

func (p *press) run(activity any, args, into any) error {
	v, err := p.env.ExecuteActivity(activity, args)
	if err == nil && into != nil {
		err = v.Get(into)
	}
	return err
}

func (p *press) must(activity any, args, into any) {
	p.b.t.Helper()
	if err := p.run(activity, args, into); err != nil {
		p.b.t.Fatal(err)
	}
}

func (p *press) start(id string) audit.ReportStart {
	return audit.ReportStart{ID: audit.ReportID(id), Ledger: p.b.ledger, Organisation: "org_test"}
}

// begin does all that comes before a signature; each step twice: repeated, it
// changes nothing.
func (p *press) begin(id string) {
	p.b.t.Helper()
	start := p.start(id)
	var job activities.ReportJob
	var first, second activities.ReportData
	p.must(p.do.BeginReport, start, &job)
	p.must(p.do.SnapshotReport, start, &first)
	p.must(p.do.SnapshotReport, start, &second)
	if first != second {
		p.b.t.Errorf("read again, the data are other: %v, %v", first, second)
	}
	if job.MustSign {
		p.must(p.do.DraftReport, start, nil)
		p.must(p.do.DraftReport, start, nil)
	}
}

// finish makes the file and publishes it.
func (p *press) finish(id string) (file audit.Artifact) {
	p.b.t.Helper()
	var again audit.Artifact
	p.must(p.do.FinishReport, p.start(id), &file)
	p.b.clock.move(time.Second)
	p.must(p.do.FinishReport, p.start(id), &again)
	p.must(p.do.PublishReport, p.start(id), &again)
	p.must(p.do.PublishReport, p.start(id), &again)
	if again != file {
		p.b.t.Errorf("made again, the file is another: %v, %v", file, again)
	}
	return file
}

// distribute sends what waits to be sent of a report.
func (p *press) distribute(id string) {
	p.b.t.Helper()
	list, err := p.b.store.Deliveries(p.b.t.Context(), p.b.ledger, audit.ReportID(id))
	if err != nil {
		p.b.t.Fatal(err)
	}
	for _, d := range list {
		start := audit.DistributionStart{ID: d.Distribution, Report: audit.ReportID(id), Ledger: p.b.ledger, Organisation: "org_test"}
		var state audit.DeliveryState
		_ = p.run(p.do.SendReport, activities.SendReport{Start: start, Delivery: d.ID}, &state) // what fails is told by its state
	}
}

// publish does what a worker does for a report, an officer who signs it, and the
// servers that take its mails.
func (b *bench) publish(id string, officer *member) {
	b.t.Helper()
	p := newPress(b)
	p.begin(id)
	row, err := b.store.Report(b.t.Context(), b.ledger, audit.ReportID(id))
	if err != nil {
		b.t.Fatal(err)
	}
	if row.Signatory != nil {
		officer.sign(id, officer.challenge(id)).want(201)
	}
	p.finish(id)
	p.distribute(id)
	list, err := b.store.Deliveries(b.t.Context(), b.ledger, row.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, d := range list {
		now := b.clock.now()
		if _, err := b.store.NoteDelivery(b.t.Context(), store.DeliveryEvent{ID: "e" + d.ID, Delivery: d.ID, Event: mail.Delivered, At: now, State: audit.DeliveryDelivered}, now); err != nil {
			b.t.Fatal(err)
		}
	}
}

// TestFindingsOfAReport: a requirement that does not hold has a finding, though no
// assessment has opened one.
func TestFindingsOfAReport(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.post("full", "~/entries", `{"event_type":"access.granted","timestamp":"2024-02-01T10:00:00Z","user_id":"u1","resource_id":"vault"}`).want(201)
	id := b.post("full", "~/reports", `{"report_type":"compliance_summary","framework":"soc2","format":"json","period":{"start":"2024-01-01","end":"2024-03-31"}}`).want(202).text("data.report_id")
	b.publish(id, nil)
	var got struct {
		Report struct {
			Frameworks []struct {
				Requirements []struct{ ID, Status string }
			}
			Findings []struct{ Requirement, Status string }
		}
	}
	if err := json.Unmarshal(b.get("full", "~/reports/"+id+"/download").want(200).body, &got); err != nil {
		t.Fatal(err)
	}
	failing := 0
	for _, q := range got.Report.Frameworks[0].Requirements {
		if q.Status != "partial" && q.Status != "non_compliant" {
			continue
		}
		failing++
		found := 0
		for _, f := range got.Report.Findings {
			if f.Requirement == "SOC2 "+q.ID && f.Status == "open" {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%s is %s and has %d findings", q.ID, q.Status, found)
		}
	}
	if failing == 0 || failing != len(got.Report.Findings) {
		t.Errorf("%d requirements fail, and there are %d findings", failing, len(got.Report.Findings))
	}
	if a := b.get("full", "~/reports/"+id).want(200); a.number("data.summary.pending_actions") < int64(failing) {
		t.Errorf("%s", a.body)
	}
}

// TestReportAfterAViolationWasResolved: what a person has dealt with is not said to
// be unopened, until there is more of it.
func TestReportAfterAViolationWasResolved(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	day := b.clock.now().AddDate(0, 0, -10).Format(time.DateOnly)
	own := func() {
		b.post("full", "~/entries", `{"event_type":"security_event","category":"access_review","severity":"low","description":"Own review","resource_id":"crm","user_id":"user_2","details":{"approved_by":"user_2"}}`).want(201)
	}
	violations := func() (unopened, all int) {
		id := b.post("full", "~/reports", fmt.Sprintf(`{"report_type":"compliance_summary","framework":"soc2","format":"json","period":{"start":%q,"end":"2099-01-01"}}`, day)).want(202).text("data.report_id")
		b.publish(id, nil)
		var got struct {
			Report struct {
				Violations []struct{ Description string }
			}
		}
		if err := json.Unmarshal(b.get("full", "~/reports/"+id+"/download").want(200).body, &got); err != nil {
			t.Fatal(err)
		}
		for _, v := range got.Report.Violations {
			if strings.Contains(v.Description, "nobody has opened it yet") {
				unopened++
			}
		}
		return unopened, len(got.Report.Violations)
	}
	own()
	if unopened, all := violations(); unopened != 1 || all != 1 {
		t.Fatalf("%d of %d violations are unopened before an assessment", unopened, all)
	}
	b.completeAssessment(audit.AssessmentID(b.post("full", "~/compliance/assessments", fmt.Sprintf(`{"frameworks":["soc2"],"from":%q}`, day)).want(202).text("data.assessment_id")))
	if unopened, all := violations(); unopened != 0 || all != 1 {
		t.Errorf("%d of %d violations are unopened after it", unopened, all)
	}
	b.superuser(`update gap set status = 'resolved', closed_at = now(), reason = 'reviewed again' where kind = 'violation' and ledger = $1`, b.ledger)
	if unopened, all := violations(); unopened != 0 || all != 1 {
		t.Errorf("%d of %d violations are unopened after it was resolved", unopened, all)
	}
	own()
	if unopened, all := violations(); unopened != 1 || all != 2 {
		t.Errorf("%d of %d violations are unopened after it happened again", unopened, all)
	}
}

const someReport = `{"report_type":"audit_trail","period":{"start":"2024-01-01","end":"2024-03-31"}}`

func TestReportFromRequestToDownload(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := newPress(b)
	for i := range 3 {
		b.post("full", "~/entries", fmt.Sprintf(`{"event_type":"access.granted","timestamp":"2024-02-0%dT10:00:00Z","user_id":"u%d","resource_id":"vault","severity":"high"}`, i+1, i)).want(201)
	}
	b.post("full", "~/entries", `{"event_type":"access.granted","timestamp":"2024-05-01T10:00:00Z","user_id":"late"}`).want(201)
	a := b.post("full", "~/reports", `{"report_type":"compliance_summary","framework":"soc2","period":{"start":"2024-01-01T00:00:00Z","end":"2024-03-31T23:59:59Z"},
		"scope":{"include_systems":[],"include_users":"all","include_violations":true,"include_remediation":true},"format":"pdf","digital_signature":{"required":false},
		"distribution":["one@example.com","two@example.com","ONE@example.com"]}`, "Prefer", "respond-async", "Idempotency-Key", "r1").want(202)
	id := a.text("data.report_id")
	if a.text("data.status") != "queued" || a.header.Get("Location") != api.Mounts[0]+"/reports/"+id || a.number("data.period.duration_days") != 91 ||
		a.text("data.period.end") != "2024-03-31T23:59:59.000Z" {
		t.Errorf("%s", a.body)
	}
	for _, key := range []string{"summary", "file_info", "retention", "generation_info.generated_at"} {
		if v, there := a.at("data." + key); v != nil || !there {
			t.Errorf("%s is %v before there is a report", key, v)
		}
	}
	b.get("full", "~/reports/"+id+"/download").want(409)
	b.post("full", "~/reports/"+id+"/download-links", "{}").want(409)
	b.post("full", "~/reports/"+id+"/distribution", `{"recipients":["x@example.com"]}`).want(409)
	p.begin(id)
	file := p.finish(id)
	p.distribute(id)

	again := b.post("full", "~/reports", `{"report_type":"compliance_summary","framework":"soc2","period":{"start":"2024-01-01T00:00:00Z","end":"2024-03-31T23:59:59Z"},
		"scope":{"include_systems":[],"include_users":"all","include_violations":true,"include_remediation":true},"format":"pdf","digital_signature":{"required":false},
		"distribution":["one@example.com","two@example.com","ONE@example.com"]}`, "Idempotency-Key", "r1").want(201)
	if again.text("data.report_id") != id || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("repeated: %s", again.body)
	}
	a = b.get("full", "~/reports/"+id).want(200)
	if a.number("data.summary.total_audit_entries") != 3 || a.number("data.generation_info.total_records_analyzed") != 3 || a.text("data.file_info.checksum") != file.Digest ||
		a.number("data.file_info.size_bytes") != file.Size || a.text("data.retention.retention_period") != "7_years" {
		t.Errorf("%s", a.body)
	}
	for path, want := range map[string]any{
		"digital_signature.signed": false, "digital_signature.sealed": true, "digital_signature.signatory": nil, "digital_signature.development_certificate": true,
		"distribution.email_sent": true, "distribution.delivery_confirmation": false, "retention.immutable": true,
	} {
		if v, _ := a.at("data." + path); v != want {
			t.Errorf("%s is %v, not %v", path, v, want)
		}
	}
	got := b.get("full", "~/reports/"+id+"/download").want(200)
	if ledger.FormatHash(sha256.Sum256(got.body)) != file.Digest || got.header.Get("Etag") != `"`+file.Digest+`"` || got.header.Get("Content-Type") != "application/pdf" {
		t.Errorf("the download is not what was published: %v", got.header)
	}
	seals, err := sign.Verify(got.body, p.roots, nil)
	if err != nil || len(seals) != 1 || len(seals[0].Problems) > 0 || seals[0].Fingerprint != a.text("data.digital_signature.certificate_fingerprint") {
		t.Errorf("the seal: %+v, %v", seals, err)
	}
	list := b.get("full", "~/reports?report_type=compliance_summary&framework=soc2&status=generated").want(200)
	if list.text("data.0.report_id") != id || list.number("pagination.total") != 1 {
		t.Errorf("%s", list.body)
	}
	if other := b.get("full", "~/reports?report_type=audit_trail").want(200); other.number("pagination.total") != 0 {
		t.Errorf("%s", other.body)
	}

	b.clock.move(audit.ReportDownloadLife)
	if gone := b.get("full", "~/reports/"+id+"/download").want(410); gone.text("error.code") != "REPORT_DOWNLOAD_EXPIRED" {
		t.Errorf("%s", gone.body)
	}
	b.post("full", "~/reports/"+id+"/download-links", "{}").want(201)
	b.get("full", "~/reports/"+id+"/download").want(200)
	b.send(request{method: "DELETE", path: "~/reports/" + id, as: "full"}).want(409)
	b.whole()
}

func TestReportFileIsRecognised(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := newPress(b)
	b.post("full", "~/entries", `{"event_type":"access.granted","timestamp":"2024-02-01T10:00:00Z"}`).want(201)
	for _, format := range []string{"pdf", "json", "csv"} {
		id := b.post("full", "~/reports", strings.Replace(someReport, "}}", `},"format":"`+format+`"}`, 1), "Prefer", "wait=0").want(202).text("data.report_id")
		p.begin(id)
		p.finish(id)
		file := b.get("full", "~/reports/"+id+"/download").want(200).body
		post := func(content []byte) *answer {
			return b.send(request{method: "POST", path: "~/reports/verify", as: "full", header: http.Header{"Content-Type": {"application/octet-stream"}}, body: content}).want(200)
		}
		if a := post(file); a.text("data.report_id") != id {
			t.Errorf("%s: %s", format, a.body)
		} else if n := len(a.json.(map[string]any)["data"].(map[string]any)["signatures"].([]any)); (n == 1) != (format == "pdf") {
			t.Errorf("%s has %d signatures", format, n)
		}
		file[len(file)/2] ^= 1
		if a := post(file); a.json.(map[string]any)["data"].(map[string]any)["verified"] != false {
			t.Errorf("a changed %s: %s", format, a.body)
		}
		if format != "pdf" && !bytes.Contains(file, []byte("access.granted")) {
			t.Errorf("%s does not list the entry:\n%s", format, file)
		}
	}
}

func TestReportRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	officer := b.join("officer", audit.ComplianceOfficer)
	viewer := b.join("viewer", audit.Viewer)
	signature := func(who, meaning string) string {
		return fmt.Sprintf(`"period":{"start":"2024-01-01","end":"2024-01-31"},"digital_signature":{"required":true,"signatory":%q,"signature_meaning":%q}`, who, meaning)
	}
	period := `"period":{"start":"2024-01-01","end":"2024-01-31"}`
	many := make([]string, audit.MaxRecipients+1)
	for i := range many {
		many[i] = fmt.Sprintf(`"p%d@example.com"`, i)
	}
	for body, field := range map[string]string{
		`{}`: "/report_type",
		`{"report_type":"nonsense",` + period + `}`:                                                     "/report_type",
		`{"report_type":"investigation",` + period + `}`:                                                "/investigation_id",
		`{"report_type":"compliance_summary",` + period + `}`:                                           "/framework",
		`{"report_type":"compliance_summary","framework":"HIPAA",` + period + `}`:                       "/framework",
		`{"report_type":"audit_trail"}`:                                                                 "/period",
		`{"report_type":"audit_trail","period":{"start":"yesterday","end":"2024-01-31"}}`:               "/period",
		`{"report_type":"audit_trail","period":{"start":"2024-02-01","end":"2024-01-31"}}`:              "/period",
		`{"report_type":"audit_trail","period":{"start":"2090-01-01","end":"2090-01-31"}}`:              "/period/start",
		`{"report_type":"audit_trail","period":{"start":"2010-01-01","end":"2024-01-31"}}`:              "/period/start",
		`{"report_type":"audit_trail","format":"docx",` + period + `}`:                                  "/format",
		`{"report_type":"audit_trail","format":"csv",` + signature(officer.email, "approval") + `}`:     "/format",
		`{"report_type":"audit_trail","distribution":["not an address"],` + period + `}`:                "/distribution/0",
		`{"report_type":"audit_trail","distribution":["Ada <ada@example.com>"],` + period + `}`:         "/distribution/0",
		`{"report_type":"audit_trail","distribution":[` + strings.Join(many, ",") + `],` + period + `}`: "/distribution",
		`{"report_type":"audit_trail","scope":{"include_users":"some"},` + period + `}`:                 "/scope/include_users",
		`{"report_type":"audit_trail","scope":{"include_systems":[""]},` + period + `}`:                 "/scope/include_systems/0",
		`{"report_type":"audit_trail",` + signature("nobody@example.com", "approval") + `}`:             "/digital_signature/signatory",
		`{"report_type":"audit_trail",` + signature("", "approval") + `}`:                               "/digital_signature/signatory",
		`{"report_type":"audit_trail",` + signature(viewer.email, "approval") + `}`:                     "/digital_signature/signatory",
		`{"report_type":"audit_trail",` + signature(officer.email, "fun") + `}`:                         "/digital_signature/signature_meaning",
	} {
		a := b.post("full", "~/reports", body).want(422)
		if a.text("error.code") != "VALIDATION_FAILED" || a.text("error.details.fields.0.field") != field {
			t.Errorf("%s: %s", body, a.body)
		}
	}
	as := officer.signIn()
	if a := b.post(as, "~/reports", `{"report_type":"audit_trail",`+signature(officer.id, "approval")+`}`).want(422); a.text("error.details.fields.0.code") != "conflict" {
		t.Errorf("an officer approves their own report: %s", a.body)
	}
	// A key is whoever made it.
	boss := b.join("boss", audit.ComplianceOfficer, audit.Administrator)
	b.keys["bosskey"] = b.key("org_test", "bosskey", []audit.Permission{audit.CreateReports}, func(k *store.Key) { k.CreatedBy = "user " + boss.id })
	if a := b.post("bosskey", "~/reports", `{"report_type":"audit_trail",`+signature(boss.id, "approval")+`}`).want(422); a.text("error.details.fields.0.code") != "conflict" {
		t.Errorf("an officer approves what their key asked for: %s", a.body)
	}
	b.superuser(`update person set locked_until = now() + interval '1 h', failures = 5 where id = any($1)`, []string{viewer.id, officer.id})
	b.post("full", "~/reports", `{"report_type":"audit_trail",`+signature(viewer.email, "approval")+`}`).want(422) // locked or not, none of the roles may
	b.superuser(`update person set locked_until = null, failures = 0, constraints = '{"frameworks":["SOX"]}' where id = $1`, officer.id)
	b.post("full", "~/reports", `{"report_type":"audit_trail",`+signature(officer.email, "approval")+`}`).want(422)
	b.keys["maker"] = b.key("org_test", "maker", []audit.Permission{audit.CreateReports})
	b.post("maker", "~/reports", `{"report_type":"audit_trail","distribution":["x@example.com"],`+period+`}`).want(403)
	if a := b.get("full", "~/reports").want(200); a.number("pagination.total") != 0 {
		t.Errorf("refused requests left reports: %s", a.body)
	}
}

func TestMailsOfReports(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, func(c *api.Config, _ *ledger.Config) { c.MailEvents = &key.PublicKey })
	p := newPress(b)
	p.mails.EventsURL, p.mails.Key = b.url+"/webhooks/sendgrid", key
	id := b.post("full", "~/reports", strings.Replace(someReport, "}}", `},"distribution":["good@example.com","bounce@example.com","drop@example.com","reject@example.com","error@example.com","ratelimit@example.com"]}`, 1),
		"Prefer", "wait=0").want(202).text("data.report_id")
	p.begin(id)
	p.finish(id)
	p.distribute(id)
	p.mails.Close() // when all events are posted
	want := map[string]audit.DeliveryState{
		"good@example.com": audit.DeliveryDelivered, "bounce@example.com": audit.DeliveryBounced, "drop@example.com": audit.DeliveryDropped,
		"reject@example.com": audit.DeliveryRefused, "error@example.com": audit.DeliveryUnknown, "ratelimit@example.com": audit.DeliveryPending,
	}
	a := b.get("full", "~/reports/"+id+"/deliveries").want(200)
	for i := range len(want) {
		at := fmt.Sprintf("data.%d.", i)
		who := a.text(at + "recipient")
		if state := audit.DeliveryState(a.text(at + "state")); state != want[who] {
			t.Errorf("%s is %s, not %s", who, state, want[who])
		}
		if state := want[who]; state == audit.DeliveryRefused || state == audit.DeliveryUnknown || state == audit.DeliveryPending {
			if a.text(at+"detail") == "" || strings.Contains(a.text(at+"detail"), who) {
				t.Errorf("%s: %s", who, a.text(at+"detail"))
			}
		} else if a.text(at+"events.0.event") == "" || a.number(at+"attempts") != 1 {
			t.Errorf("%s has no events: %s", who, a.body)
		}
	}
	b.keys["public"] = b.key("org_test", "public", []audit.Permission{audit.ReadReports})
	for _, path := range []string{"", "/deliveries"} {
		if masked := b.get("public", "~/reports/"+id+path).want(200); bytes.Contains(masked.body, []byte("@example.com")) {
			t.Errorf("%s shows addresses: %s", path, masked.body)
		}
	}
	p.distribute(id) // nobody gets a second mail
	list, err := p.mails.List()
	if err != nil || len(list) != 3 || list[0].Attachment != id+".pdf" {
		t.Errorf("%d mails: %+v, %v", len(list), list, err)
	}
	b.post("full", "~/reports/"+id+"/distribution", `{"recipients":["broken"]}`).want(422)
	sent := b.post("full", "~/reports/"+id+"/distribution", `{"recipients":["third@example.com"]}`, "Idempotency-Key", "d1").want(202)
	if again := b.post("full", "~/reports/"+id+"/distribution", `{"recipients":["third@example.com"]}`, "Idempotency-Key", "d1").want(202); again.text("data.distribution_id") != sent.text("data.distribution_id") {
		t.Errorf("repeated: %s", again.body)
	}
	b.send(request{method: "POST", path: "/webhooks/sendgrid", header: http.Header{"Content-Type": {"application/json"}}, body: []byte("[]")}).want(403)
	b.whole()
}

func TestMailEventsComeInAnyOrder(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := newPress(b)
	id := b.post("full", "~/reports", strings.Replace(someReport, "}}", `},"distribution":["a@example.com"]}`, 1), "Prefer", "wait=0").want(202).text("data.report_id")
	p.begin(id)
	p.finish(id)
	p.distribute(id)
	now := b.clock.now()
	first, err := b.store.Deliveries(t.Context(), b.ledger, audit.ReportID(id))
	if err != nil {
		t.Fatal(err)
	}
	for i, step := range []struct {
		id, event   string
		after       time.Duration
		means, want audit.DeliveryState
	}{
		{"e2", "delivered", 2 * time.Second, audit.DeliveryDelivered, audit.DeliveryDelivered},
		{"e1", "processed", time.Second, audit.DeliveryAccepted, audit.DeliveryDelivered},
		{"e0", "dropped", 0, audit.DeliveryDropped, audit.DeliveryDelivered}, // happened before
		{"e3", "deferred", 3 * time.Second, "", audit.DeliveryDelivered},
		{"e4", "bounce", 4 * time.Second, audit.DeliveryBounced, audit.DeliveryBounced},
		{"e2", "delivered", 2 * time.Second, audit.DeliveryDelivered, audit.DeliveryBounced}, // once more
	} {
		known, err := b.store.NoteDelivery(t.Context(), store.DeliveryEvent{ID: step.id, Delivery: first[0].ID, Event: step.event, At: now.Add(step.after), State: step.means}, now)
		if err != nil || !known {
			t.Fatal(known, err)
		}
		if x, err := b.store.Delivery(t.Context(), b.ledger, first[0].ID); err != nil || x.State != step.want {
			t.Errorf("step %d: %s, not %s: %v", i, x.State, step.want, err)
		}
	}
	if known, err := b.store.NoteDelivery(t.Context(), store.DeliveryEvent{ID: "x", Delivery: "delivery_of_nobody", Event: "delivered", At: now, State: audit.DeliveryDelivered}, now); known || err != nil {
		t.Errorf("an event of no delivery: %v, %v", known, err)
	}
}

// TestDataIntegrityReport: it says what verifying the ledger found, of a ledger that
// holds and of one that was altered; entries that were are not counted.
func TestDataIntegrityReport(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	made := func() (checked, limits, entries string) {
		id := b.post("full", "~/reports", `{"report_type":"data_integrity","format":"json","period":{"start":"2024-01-01","end":"2024-03-31"}}`).want(202).text("data.report_id")
		b.publish(id, nil)
		var got struct {
			Report struct{ Checked, Limits []string }
			Tables []struct{ Rows []json.RawMessage }
		}
		if err := json.Unmarshal(b.get("full", "~/reports/"+id+"/download").want(200).body, &got); err != nil {
			t.Fatal(err)
		}
		a := b.get("full", "~/reports/"+id).want(200)
		return strings.Join(got.Report.Checked, " "), strings.Join(got.Report.Limits, " "), fmt.Sprint(a.number("data.summary.total_audit_entries"), len(got.Tables[0].Rows))
	}
	var seq int64
	for range 3 {
		seq = b.post("full", "~/entries", `{"event_type":"data_change","category":"c","severity":"low","description":"d","resource_id":"r","user_id":"mallory","timestamp":"2024-02-01T10:00:00Z"}`).want(201).number("data.seq")
	}
	if checked, limits, entries := made(); !strings.Contains(checked, "All are what was recorded") || strings.Contains(limits, "altered") || entries != "3 3" {
		t.Errorf("%s\n%s\n%s", checked, limits, entries)
	}
	b.superuser(`update payload set fields = replace(fields, 'mallory', 'alice_x'), actor_id = 'alice_x' where ledger = $1 and seq = $2`, b.ledger, seq)
	if checked, limits, entries := made(); !strings.Contains(checked, "not all what was recorded") || !strings.Contains(checked, fmt.Sprintf("entry %d: ", seq)) ||
		!strings.Contains(limits, fmt.Sprintf("listed: 1, the first at positions [%d]", seq)) || entries != "2 2" {
		t.Errorf("%s\n%s\n%s", checked, limits, entries)
	}
}

// TestReportOfADamagedLedger: what was altered so that it seems to be of another
// time, or is missing, is told and stops nothing; what is altered between the
// snapshot and the file does.
func TestReportOfADamagedLedger(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := newPress(b)
	var seqs []int64
	for range 4 {
		seqs = append(seqs, b.post("full", "~/entries", `{"event_type":"access.granted","user_id":"mallory","timestamp":"2024-02-01T10:00:00Z"}`).want(201).number("data.seq"))
	}
	order := func() string {
		return b.post("full", "~/reports", strings.Replace(someReport, "}}", `},"format":"json"}`, 1)).want(202).text("data.report_id")
	}
	b.superuser(`update payload set fields = replace(fields, '2024-02-01', '2020-02-01') where ledger = $1 and seq = $2`, b.ledger, seqs[1])
	b.superuser(`delete from payload where ledger = $1 and seq = $2`, b.ledger, seqs[2])
	id := order()
	p.begin(id)
	p.finish(id)
	text := string(b.get("full", "~/reports/"+id+"/download").want(200).body)
	if !strings.Contains(text, fmt.Sprintf("listed: 2, the first at positions [%d %d]", seqs[1], seqs[2])) {
		t.Errorf("%s", text)
	}
	if a := b.get("full", "~/reports/"+id).want(200); a.number("data.summary.total_audit_entries") != 2 {
		t.Errorf("%s", a.body)
	}
	id = order()
	p.begin(id)
	b.superuser(`update payload set fields = replace(fields, 'mallory', 'alice_x') where ledger = $1 and seq = $2`, b.ledger, seqs[3])
	if err := p.run(p.do.FinishReport, p.start(id), nil); err == nil || !strings.Contains(err.Error(), "TAMPERED") {
		t.Errorf("a report is made of what was altered since: %v", err)
	}
}

// What cannot be made says what a person can do about it, and is made once that is
// done.
func TestReportsInTrouble(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := newPress(b)
	order := func() string {
		id := b.post("full", "~/reports", someReport).want(202).text("data.report_id")
		p.begin(id)
		return id
	}
	empty := order() // the period has no entry
	p.finish(empty)
	if a := b.get("full", "~/reports/"+empty).want(200); a.number("data.summary.total_audit_entries") != 0 || a.text("data.status") != "generated" ||
		a.text("data.summary.overall_compliance_score_reason") == "" {
		t.Errorf("%s", a.body)
	}
	file := b.get("full", "~/reports/"+empty+"/download").want(200)
	if seals, err := sign.Verify(file.body, p.roots, nil); err != nil || len(seals) != 1 || len(seals[0].Problems) > 0 {
		t.Errorf("%+v %v", seals, err)
	}

	own := p.do.Notary
	down := httptest.NewServer(http.NotFoundHandler())
	down.Close()
	waiting := order()
	p.do.Notary = &activities.Notary{Identity: own.Identity, Stamp: &tsa.Authority{URL: down.URL, Wait: time.Second, Client: http.DefaultClient}}
	if err := p.run(p.do.FinishReport, p.start(waiting), nil); err == nil || !strings.Contains(err.Error(), "UNAVAILABLE") {
		t.Errorf("an authority that is down: %v", err) // and so it is tried again
	}
	if a := b.get("full", "~/reports/"+waiting).want(200); a.text("data.status") != "processing" {
		t.Errorf("%s", a.body)
	}
	old, err := sign.Development(b.clock.now().AddDate(-6, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	expired, err := sign.LoadPEM(old.Certificates, old.Key)
	if err != nil {
		t.Fatal(err)
	}
	p.do.Notary = &activities.Notary{Identity: expired}
	if err := p.run(p.do.FinishReport, p.start(waiting), nil); err == nil || !strings.Contains(err.Error(), "INVALID_STATE") {
		t.Errorf("a certificate whose time is over: %v", err)
	}
	p.do.Notary = nil
	if err := p.run(p.do.FinishReport, p.start(waiting), nil); err == nil || !strings.Contains(err.Error(), "SEALBOOK_REPORT_CERTIFICATE") {
		t.Errorf("no certificate: %v", err)
	}
	var status audit.ReportStatus
	p.must(p.do.EndReport, activities.EndReport{Start: p.start(waiting), Status: audit.ReportFailed, Reason: "there is no certificate"}, &status)
	if a := b.get("full", "~/reports/"+waiting).want(200); a.text("data.status") != "failed" || a.text("data.error") != "there is no certificate" {
		t.Errorf("%s", a.body)
	}
	p.do.Notary = own

	p.do.Mail = nil
	unsent := b.post("full", "~/reports", strings.Replace(someReport, "}}", `},"distribution":["a@example.com"]}`, 1)).want(202).text("data.report_id")
	p.begin(unsent)
	p.finish(unsent)
	p.distribute(unsent)
	if a := b.get("full", "~/reports/"+unsent+"/deliveries").want(200); a.text("data.0.state") != "refused" || a.number("data.0.attempts") != 0 || !strings.Contains(a.text("data.0.detail"), "SEALBOOK_MAIL_FROM") {
		t.Errorf("%s", a.body)
	}
	b.whole()
}

// TestReportWithATimeStamp: the authority proves when it was sealed, and a repeated
// seal, which would have another stamp, is not made.
func TestReportWithATimeStamp(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := newPress(b)
	authority := tsatest.NewAuthority(t)
	roots, err := tsa.ParseRoots(authority.Roots)
	if err != nil {
		t.Fatal(err)
	}
	p.do.Notary.Stamp = &tsa.Authority{URL: authority.URL, Roots: roots, Wait: 10 * time.Second, Client: http.DefaultClient}
	id := b.post("full", "~/reports", someReport).want(202).text("data.report_id")
	p.begin(id)
	p.finish(id)
	seals, err := sign.Verify(b.get("full", "~/reports/"+id+"/download").want(200).body, p.roots, roots)
	if err != nil || len(seals) != 1 || len(seals[0].Problems) > 0 || seals[0].TimestampTime.IsZero() {
		t.Fatalf("%+v %v", seals, err)
	}
	if a := b.get("full", "~/reports/"+id).want(200); a.text("data.digital_signature.timestamped_at") != audit.FormatTime(seals[0].TimestampTime) {
		t.Errorf("%s", a.body)
	}
}
