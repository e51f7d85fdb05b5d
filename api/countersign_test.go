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
	"github.com/sealbook/sealbook/ledger"
)

// turns makes a report that waits for several signatures.
func (p *press) turns(as string, first *member, meaning string, then ...string) (id string) {
	p.b.t.Helper()
	var list []string
	for i := 0; i < len(then); i += 2 {
		list = append(list, fmt.Sprintf(`{"signatory":%q,"signature_meaning":%q}`, then[i], then[i+1]))
	}
	id = p.b.post(as, "~/reports", fmt.Sprintf(`{"report_type":"audit_trail","period":{"start":"2024-01-01","end":"2024-03-31"},
		"digital_signature":{"required":true,"signatory":%q,"signature_meaning":%q,"countersigners":[%s]}}`, first.email, meaning, strings.Join(list, ",")), "Prefer", "wait=0").
		want(202).text("data.report_id")
	p.begin(id)
	return id
}

func TestCountersigningAReport(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := newPress(b)
	author, reviewer, approver := b.join("author", audit.ComplianceOfficer), b.join("reviewer", audit.ComplianceOfficer), b.join("approver", audit.ComplianceOfficer)
	people, meanings := []*member{author, reviewer, approver}, []string{"authorship", "review", "reviewed_and_approved"}
	for _, m := range people {
		m.signIn()
	}
	id := p.turns("full", author, meanings[0], reviewer.email, meanings[1], approver.id, meanings[2])
	at := b.get("full", "~/reports/"+id+"/signature").want(200)
	digest := at.text("data.digest")
	if document := b.get(author.email, "~/reports/"+id+"/signature/document").want(200); ledger.FormatHash(sha256.Sum256(document.body)) != digest {
		t.Error("the digest is of another document")
	}
	var signatures []string
	for turn, m := range people {
		at := b.get("full", "~/reports/"+id+"/signature").want(200)
		if at.text("data.awaited_signatory.user_id") != m.id || at.text("data.digest") != digest || at.text(fmt.Sprintf("data.signatories.%d.signature_meaning", turn)) != meanings[turn] {
			t.Errorf("turn %d: %s", turn+1, at.body)
		}
		if due := audit.FormatTime(b.clock.now().Add(audit.SignatureWait - 25*time.Hour)); at.text("data.due_at") < due {
			t.Errorf("turn %d has until %s", turn+1, at.text("data.due_at"))
		}
		for i, other := range people {
			if i == turn {
				continue
			}
			before := len(b.entriesOf(b.ledger, "audit.signature_failed"))
			for _, path := range []string{"/signature/challenge", "/signature", "/signature/decline"} {
				a := b.post(other.email, "~/reports/"+id+path, "{}").want(409)
				if a.text("error.details.awaited_signatory") != m.id || !strings.Contains(a.text("error.message"), m.id) {
					t.Errorf("%s in turn %d: %s", other.email, turn+1, a.body)
				}
			}
			if n := len(b.entriesOf(b.ledger, "audit.signature_failed")) - before; n != 3 {
				t.Errorf("%d entries about 3 attempts out of turn", n)
			}
		}
		if err := p.run(p.do.FinishReport, p.start(id), nil); err == nil {
			t.Errorf("a report is sealed with %d of its signatures", turn)
		}
		signed := m.sign(id, m.challenge(id)).want(201)
		signed.has("data.digest", digest)
		signed.has("data.turn", turn+1)
		signed.has("data.signatories", 3)
		signatures = append(signatures, signed.text("data.signature_id"))
		var job activities.ReportJob
		p.must(p.do.ReportDecision, p.start(id), &job)
		if job.Signed != (turn == 2) || job.Signatures != turn+1 {
			t.Errorf("the workflow sees %+v", job)
		}
		if list := b.get("full", "~/signatures").want(200); turn < 2 && list.text("data.0.awaited_signatory") != people[turn+1].id {
			t.Errorf("%s", list.body)
		}
		b.get("full", "~/reports/"+id).want(200).has("data.digital_signature.signed", turn == 2)
		b.clock.move(24 * time.Hour)
		for _, again := range people { // sessions do not live that long
			again.signIn()
		}
	}
	author.sign(id, attempt{"n", "d", "m", "p", "c"}).want(409)
	p.finish(id)
	a := b.get("full", "~/reports/"+id).want(200)
	if a.text("data.digital_signature.signature_id") != signatures[0] || a.text("data.digital_signature.countersigners.1.signature_id") != signatures[2] {
		t.Errorf("%s", a.body)
	}
	page := p.text(id)
	for i, m := range people {
		g := b.get("full", "~/signatures/"+signatures[i]).want(200)
		at, err := time.Parse(time.RFC3339, g.text("data.signed_at"))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{m.id, at.UTC().Format("2006-01-02 15:04:05"), audit.SignatureMeaning(meanings[i]).Words(), signatures[i], fmt.Sprintf("Signature %d of 3", i+1)} {
			if !strings.Contains(page, want) {
				t.Errorf("the report does not show %q of signature %d", want, i+1)
			}
		}
	}
	for what, want := range map[string]int{"audit.signature_executed": 3, audit.TypeSignatureRequested: 3, audit.TypeReportGenerated: 1} {
		if n := len(b.entriesOf(b.ledger, what)); n != want {
			t.Errorf("%d entries %s", n, what)
		}
	}
	b.whole()
}

// text is what a reader of the finished PDF can copy from it.
func (p *press) text(id string) string {
	p.b.t.Helper()
	pdf := filepath.Join(p.b.t.TempDir(), "report.pdf")
	if err := os.WriteFile(pdf, p.b.get("full", "~/reports/"+id+"/download").want(200).body, 0o600); err != nil {
		p.b.t.Fatal(err)
	}
	text, err := exec.CommandContext(p.b.t.Context(), "pdftotext", "-layout", pdf, "-").Output()
	if err != nil {
		p.b.t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(text)), " ")
}

func TestCountersignersThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one, two, viewer := b.join("one", audit.ComplianceOfficer), b.join("two", audit.ComplianceOfficer), b.join("viewer", audit.Viewer)
	one.signIn()
	request := func(required bool, then ...string) string {
		var list []string
		for i := 0; i < len(then); i += 2 {
			list = append(list, fmt.Sprintf(`{"signatory":%q,"signature_meaning":%q}`, then[i], then[i+1]))
		}
		return fmt.Sprintf(`{"report_type":"audit_trail","period":{"start":"2024-01-01","end":"2024-01-31"},
			"digital_signature":{"required":%t,"signatory":%q,"signature_meaning":"authorship","countersigners":[%s]}}`, required, one.email, strings.Join(list, ","))
	}
	for what, c := range map[string]struct{ body, field, code string }{
		"one who signs twice":     {request(true, one.id, "approval"), "/digital_signature/countersigners/0/signatory", "duplicate"},
		"one named twice":         {request(true, two.email, "review", two.id, "approval"), "/digital_signature/countersigners/1/signatory", "duplicate"},
		"nobody":                  {request(true, two.email, "review", "nobody@example.com", "approval"), "/digital_signature/countersigners/1/signatory", "unknown"},
		"one who may not":         {request(true, viewer.email, "approval"), "/digital_signature/countersigners/0/signatory", "invalid"},
		"no meaning":              {request(true, two.email, ""), "/digital_signature/countersigners/0/signature_meaning", "invalid"},
		"of a report without one": {request(false, two.email, "approval"), "/digital_signature/required", "conflict"},
		"too many":                {request(true, strings.Split(strings.Repeat(two.email+",approval,", 10)[:10*len(two.email+",approval,")-1], ",")...), "/digital_signature/countersigners", "too_many"},
	} {
		a := b.post("full", "~/reports", c.body).want(422)
		if a.text("error.details.fields.0.field") != c.field || a.text("error.details.fields.0.code") != c.code {
			t.Errorf("%s: %s", what, a.body)
		}
	}
	// The requester may say some things of their own report, in any turn, and others in none.
	if a := b.post(two.signIn(), "~/reports", request(true, two.email, "approval")).want(422); a.text("error.details.fields.0.code") != "conflict" {
		t.Errorf("%s", a.body)
	}
	b.post(two.email, "~/reports", request(true, two.email, "responsibility"), "Prefer", "respond-async").want(202)
}

// What one declines has failed; what was signed before stays signed.
func TestACountersignerDeclines(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := newPress(b)
	first, second, third := b.join("first", audit.ComplianceOfficer), b.join("second", audit.ComplianceOfficer), b.join("third", audit.ComplianceOfficer)
	first.signIn()
	second.signIn()
	third.signIn()
	id := p.turns("full", first, "authorship", second.email, "review", third.email, "approval")
	first.sign(id, first.challenge(id)).want(201)
	b.post(third.email, "~/reports/"+id+"/signature/decline", `{"reason":"early"}`).want(409)
	a := b.post(second.email, "~/reports/"+id+"/signature/decline", `{"reason":"the period is wrong"}`).want(200)
	a.has("data.status", "failed")
	a.has("data.digital_signature.signed", false)
	third.sign(id, attempt{"n", "d", "m", "p", "c"}).want(409)
	at := b.get("full", "~/reports/"+id+"/signature").want(200)
	at.has("data.awaited_signatory", nil)
	at.has("data.signatories.0.signature.signatory.user_id", first.id)
	at.has("data.signatories.1.signature", nil)
	// The time of the second begins when the first has signed, and ends.
	first.signIn()
	id = p.turns("full", first, "authorship", second.email, "review")
	b.clock.move(29 * 24 * time.Hour)
	first.signIn()
	second.signIn()
	first.sign(id, first.challenge(id)).want(201)
	b.clock.move(29 * 24 * time.Hour)
	second.signIn()
	c := second.challenge(id)
	b.clock.move(2 * 24 * time.Hour)
	second.signIn()
	second.sign(id, c).want(409)
	b.whole()
}
