package api_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/account"
	"github.com/sealbook/sealbook/ledger"
)

// awaiting makes a report that waits for the signature of a person.
func (p *press) awaiting(who *member, meaning string) (id string) {
	p.b.t.Helper()
	id = p.b.post("full", "~/reports", fmt.Sprintf(`{"report_type":"audit_trail","period":{"start":"2024-01-01","end":"2024-03-31"},
		"digital_signature":{"required":true,"signatory":%q,"signature_meaning":%q}}`, who.email, meaning), "Prefer", "wait=0").want(202).text("data.report_id")
	p.begin(id)
	return id
}

type attempt struct {
	nonce, digest, meaning, password, code string
}

func (m *member) challenge(id string) attempt {
	m.b.t.Helper()
	c := m.b.post(m.email, "~/reports/"+id+"/signature/challenge", "{}").want(201)
	m.b.clock.move(30 * time.Second) // for a code that was not used
	return attempt{c.text("data.nonce"), c.text("data.digest"), c.text("data.signature_meaning"), goodPassword, account.Code(m.secret, m.b.clock.now())}
}

func (m *member) sign(id string, a attempt) *answer {
	m.b.t.Helper()
	return m.b.post(m.email, "~/reports/"+id+"/signature", fmt.Sprintf(
		`{"nonce":%q,"digest":%q,"signature_meaning":%q,"password":%q,"code":%q,"intent":true,"comment":"read on paper"}`, a.nonce, a.digest, a.meaning, a.password, a.code))
}

func TestSigningAReport(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := newPress(b)
	officer := b.join("officer", audit.ComplianceOfficer)
	officer.signIn()
	id := p.awaiting(officer, "reviewed_and_approved")
	a := b.get("full", "~/reports/"+id).want(200)
	if a.text("data.status") != "pending_signature" || a.text("data.digital_signature.signatory") != officer.id || a.text("data.digital_signature.due_at") == "" {
		t.Errorf("%s", a.body)
	}
	if err := p.run(p.do.FinishReport, p.start(id), nil); err == nil {
		t.Error("a report is sealed without its signature")
	}
	document := b.get(officer.email, "~/reports/"+id+"/signature/document").want(200)
	digest := ledger.FormatHash(sha256.Sum256(document.body))
	if at := b.get("full", "~/reports/"+id+"/signature").want(200); at.text("data.digest") != digest || at.text("data.signatory.name") != "officer" {
		t.Errorf("%s", at.body)
	}
	signed := officer.sign(id, officer.challenge(id)).want(201)
	if signed.text("data.digest") != digest || signed.text("data.signatory.user_id") != officer.id || signed.text("data.signature_meaning") != "reviewed_and_approved" {
		t.Errorf("%s", signed.body)
	}
	var job activities.ReportJob
	p.must(p.do.ReportDecision, p.start(id), &job)
	if !job.Signed {
		t.Error("the workflow does not see the signature")
	}
	p.finish(id)
	a = b.get("full", "~/reports/"+id).want(200)
	if a.text("data.digital_signature.signature_timestamp") != signed.text("data.signed_at") || a.text("data.digital_signature.signature_id") != signed.text("data.signature_id") {
		t.Errorf("%s", a.body)
	}
	// 21 CFR 11.50: name, time and meaning are in what people read.
	pdf := filepath.Join(t.TempDir(), "report.pdf")
	if err := os.WriteFile(pdf, b.get("full", "~/reports/"+id+"/download").want(200).body, 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := exec.CommandContext(t.Context(), "pdftotext", "-layout", pdf, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.Parse(time.RFC3339, signed.text("data.signed_at"))
	if err != nil {
		t.Fatal(err)
	}
	page := strings.Join(strings.Fields(string(text)), " ")
	for _, want := range []string{"officer", "Reviewed and approved", at.UTC().Format("15:04:05"), signed.text("data.signature_id"), "read on paper"} {
		if !strings.Contains(page, want) {
			t.Errorf("the report does not show %q", want)
		}
	}
	if list := b.get("full", "~/signatures").want(200); list.text("data.0.signature_id") != signed.text("data.signature_id") {
		t.Errorf("%s", list.body)
	}
	b.get("full", "~/signatures/"+signed.text("data.signature_id")).want(200)
	if n := len(b.entriesOf(b.ledger, "audit.signature_executed")); n != 1 {
		t.Errorf("%d entries about the signature", n)
	}
	officer.sign(id, attempt{"n", "d", "m", "p", "c"}).want(409)
	b.whole()
}

// Each attempt that must fail is an entry, and the report goes on waiting.
func TestSigningThatFails(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := newPress(b)
	officer, other := b.join("officer", audit.ComplianceOfficer), b.join("other", audit.ComplianceOfficer)
	officer.signIn()
	other.signIn()
	id, second := p.awaiting(officer, "approval"), p.awaiting(officer, "approval")

	b.post(other.email, "~/reports/"+id+"/signature/challenge", "{}").want(403)
	b.post("full", "~/reports/"+id+"/signature/challenge", "{}").want(403) // an API key never signs
	c := officer.challenge(id)
	b.post(officer.email, "~/reports/"+id+"/signature", fmt.Sprintf(`{"nonce":%q,"digest":%q,"signature_meaning":"approval","password":"x","code":"y","intent":false}`, c.nonce, c.digest)).want(422)
	failed := 0
	for what, change := range map[string]func(*attempt){
		"another nonce":    func(a *attempt) { a.nonce += "x" },
		"another document": func(a *attempt) { a.digest = strings.Replace(a.digest, a.digest[10:12], "zz", 1) },
		"another meaning":  func(a *attempt) { a.meaning = "authorship" },
		"a late answer":    func(*attempt) { b.clock.move(audit.ChallengeLife) },
	} {
		a := officer.challenge(id)
		change(&a)
		if got := officer.sign(id, a); got.status != 409 {
			t.Errorf("%s: %d %s", what, got.status, got.body)
		}
		failed++
	}
	a := officer.challenge(id)
	officer.sign(second, a).want(409) // of another report
	session := officer.challenge(id)
	officer.signIn()
	officer.sign(id, session).want(409) // of another session
	failed += 2
	a = officer.challenge(id)
	a.password = "not the password"
	officer.sign(id, a).want(401)
	officer.sign(id, a).want(409) // the guess cost the challenge
	failed += 2
	a = officer.challenge(id)
	a.code = "000000"
	officer.sign(id, a).want(401)
	failed++
	officer.signIn()
	used := b.post(officer.email, "~/reports/"+id+"/signature/challenge", "{}").want(201)
	officer.sign(id, attempt{used.text("data.nonce"), used.text("data.digest"), "approval", goodPassword, officer.code()}).want(401) // the session began with it
	failed++
	if n := len(b.entriesOf(b.ledger, "audit.signature_failed")); n != failed {
		t.Errorf("%d entries about %d attempts that failed", n, failed)
	}
	if got := b.get("full", "~/reports/"+id).want(200); got.text("data.status") != "pending_signature" {
		t.Errorf("%s", got.body)
	}
	// Wrong components count as for signing in, and lock the account. There was one
	// since the session began.
	for range audit.MaxSignInFails - 1 {
		c := officer.challenge(id)
		c.password = "guess"
		if got := officer.sign(id, c); got.status != 401 {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	b.post(officer.email, "~/reports/"+id+"/signature/challenge", "{}").want(403)
	b.whole()
}

func TestDecliningAReport(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := newPress(b)
	officer := b.join("officer", audit.ComplianceOfficer)
	officer.signIn()
	id := p.awaiting(officer, "approval")
	b.post(officer.email, "~/reports/"+id+"/signature/decline", `{"reason":" "}`).want(422)
	a := b.post(officer.email, "~/reports/"+id+"/signature/decline", `{"reason":"the period is wrong"}`).want(200)
	if a.text("data.status") != "failed" || !strings.Contains(a.text("data.error"), "the period is wrong") {
		t.Errorf("%s", a.body)
	}
	b.post(officer.email, "~/reports/"+id+"/signature/challenge", "{}").want(409)
	var job activities.ReportJob
	p.must(p.do.ReportDecision, p.start(id), &job)
	if !job.Status.Final() || job.Signed {
		t.Errorf("%+v", job)
	}
	id = p.awaiting(officer, "approval")
	c := officer.challenge(id)
	b.send(request{method: "DELETE", path: "~/reports/" + id, as: "full"}).want(202)
	officer.sign(id, c).want(409) // a cancel that was asked for first wins
	b.whole()
}
