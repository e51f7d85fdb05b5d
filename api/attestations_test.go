package api_test

import (
	"strings"
	"testing"

	"github.com/sealbook/sealbook/audit"
)

// TestOnlyPeopleAttest follows a person's word for what no entry can show to the
// control that it is for.
func TestOnlyPeopleAttest(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	cora := b.join("cora", audit.ComplianceOfficer).signIn()
	const statement = `{"framework":"iso_27001","requirement_id":"A.5.36","statement":"The policy was reviewed; no change was needed."}`
	b.post("full", "~/compliance/attestations", statement).want(403)
	for body, fields := range map[string]string{
		`{"framework":"iso27001","requirement_id":"A.5.3","statement":" ","date":"2999-01-01"}`:       "/requirement_id /statement /date",
		`{"framework":"pci","requirement_id":"A.5.36","statement":"x"}`:                               "/framework",
		`{"framework":"soc2","requirement_id":"A.5.36","statement":"x","date":"yesterday"}`:           "/requirement_id /date",
		`{"framework":"sox","requirement_id":"S302","statement":"` + strings.Repeat("x", 8193) + `"}`: "/statement",
	} {
		a := b.post(cora, "~/compliance/attestations", body).want(422)
		list, _ := a.at("error.details.fields")
		var got []string
		for _, f := range list.([]any) {
			got = append(got, f.(map[string]any)["field"].(string))
		}
		if strings.Join(got, " ") != fields {
			t.Errorf("%.100s: %v are wrong, not %s", body, got, fields)
		}
	}

	a := b.post(cora, "~/compliance/attestations", statement, "Idempotency-Key", "att1").want(201)
	if a.text("data.evidence.type") != "attestation" || a.text("data.evidence.criteria.0") != "A.5.36" || a.text("data.evidence.uploaded_by.name") == "" || a.text("data.valid_until") == "" {
		t.Errorf("%s", a.body)
	}
	again := b.post(cora, "~/compliance/attestations", statement, "Idempotency-Key", "att1").want(201)
	if again.text("data.evidence.id") != a.text("data.evidence.id") {
		t.Errorf("repeated, it is %s", again.body)
	}
	file := b.get("full", "~"+a.text("data.evidence.artifacts.0.url")).want(200)
	for _, want := range []string{"ISO_27001 A.5.36: Compliance with policies is reviewed\n", "attested by ", "The policy was reviewed; no change was needed."} {
		if !strings.Contains(string(file.body), want) {
			t.Errorf("the file does not say %q:\n%s", want, file.body)
		}
	}
	logged := b.get("full", "~/logs?event_type=audit.evidence_uploaded").want(200)
	if logged.text("data.0.details.requirement") != "A.5.36" || logged.text("data.0.details.sha256") != a.text("data.evidence.artifacts.0.sha256") {
		t.Errorf("%s", logged.body)
	}
	job := b.post("full", "~/compliance/assessments", `{"period":"last_30_days","frameworks":["iso_27001"]}`).want(202).text("data.assessment_id")
	b.complete(job, nil)
	shown := b.get("full", "~/evidence/iso_27001?criteria=A.5.36").want(200)
	if shown.text("data.control_results.results.0.verdict") != "compliant" {
		t.Errorf("%s", shown.body)
	}
}
