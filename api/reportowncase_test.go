package api_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/sealbook/sealbook/audit"
)

// TestInvestigatorsHaveReportsOfTheirOwnCases made, and read these, and no other
// report: the role has no permission for reports.
func TestInvestigatorsHaveReportsOfTheirOwnCases(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	newDetectives(b)
	p := newPress(b)
	ines, rob, officer := b.join("ines", audit.Investigator), b.join("rob", audit.Investigator), b.join("olaf", audit.ComplianceOfficer)
	inv, rev, off := ines.signIn(), rob.signIn(), officer.signIn()
	id := b.post(inv, "~/investigations", fmt.Sprintf(someCase, b.crime())).want(201).text("data.investigation_id")
	others := b.post(off, "~/investigations", fmt.Sprintf(someCase, b.crime())).want(201).text("data.investigation_id")

	_, own := p.made(inv, id, "")
	_, foreign := p.made(off, others, "")
	plain := b.post(off, "~/reports", `{"report_type":"audit_trail","period":{"start":"2025-01-01","end":"2025-02-01"}}`, "Prefer", "wait=0").want(202).text("data.report_id")
	seen := func(as string, want ...string) {
		t.Helper()
		list := b.get(as, "~/reports").want(200)
		if got := list.list("data"); len(got) != len(want) {
			t.Errorf("%d reports, not %d: %s", len(got), len(want), list.body)
		}
		for _, id := range []string{own, foreign, plain} {
			status := 404
			for _, w := range want {
				if w == id {
					status = 200
				}
			}
			b.get(as, "~/reports/"+id).want(status)
			if id != plain {
				b.get(as, "~/reports/"+id+"/download").want(status)
			}
		}
	}
	seen(inv, own)
	seen(rev)
	seen(off, own, foreign, plain)
	b.post(inv, "~/reports/"+own+"/download-links", `{}`).want(201)
	b.post(inv, "~/reports/"+foreign+"/download-links", `{}`).want(404)

	b.post(rev, "~/reports", caseReport(id, "")).want(403).has("error.details.required_permission", "audit:reports:create")
	b.post(inv, "~/reports", `{"report_type":"audit_trail","period":{"start":"2025-01-01","end":"2025-02-01"}}`).want(403)
	b.post(inv, "~/reports", caseReport(id, `,"distribution":["a@example.com"]`)).want(403).has("error.details.required_permission", "audit:reports:distribute")
	for _, path := range []string{"/reports/" + own + "/deliveries", "/reports/" + own + "/signature", "/signatures"} {
		b.get(inv, "~"+path).want(403)
	}
	b.send(request{method: "DELETE", path: "~/reports/" + own, as: inv}).want(403)

	tag := b.get(inv, "~/investigations/"+id).want(200).header.Get("Etag")
	b.send(request{method: "PATCH", path: "~/investigations/" + id, as: inv, header: http.Header{"If-Match": {tag}}, body: []byte(`{"assigned_reviewer":"` + rob.id + `"}`)}).want(200)
	seen(rev, own)
	b.post(rev, "~/reports", caseReport(id, `,"format":"json"`), "Prefer", "wait=0").want(202)
}
