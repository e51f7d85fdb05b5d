package api_test

import (
	"fmt"
	"testing"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// TestResultsUnderConstraints: an auditor reads the assessments and reports that are
// about what was agreed on, and to them there are no others.
func TestResultsUnderConstraints(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.post("full", "~/entries", `{"event_type":"access.granted","timestamp":"2024-02-01T10:00:00Z","user_id":"u"}`).want(201)
	for name, c := range map[string]audit.Constraints{
		"soc2":     {Frameworks: []audit.Framework{audit.SOC2}},
		"quarter":  {From: "2024-01-01", To: "2024-03-31"},
		"both":     {Frameworks: []audit.Framework{audit.SOC2, audit.GDPR}, From: "2024-01-01", To: "2024-03-31"},
		"february": {From: "2024-02-01", To: "2024-02-29"},
		"systems":  {Repositories: []string{"r1"}},
	} {
		b.keys[name] = b.key("org_test", name, []audit.Permission{audit.ReadCompliance, audit.ReadReports, audit.ReadBasic}, func(k *store.Key) {
			k.Constraints = &store.JSON[audit.Constraints]{V: c}
		})
	}
	assessment := func(frameworks, to string) string {
		return b.post("full", "~/compliance/assessments", fmt.Sprintf(`{"from":"2024-01-01","to":%q,"frameworks":%s}`, to, frameworks)).want(202).text("data.assessment_id")
	}
	report := func(kind, framework, to string) string {
		return b.post("full", "~/reports", fmt.Sprintf(`{"report_type":%q%s,"period":{"start":"2024-01-01","end":%q},"format":"json","digital_signature":{"required":false}}`,
			kind, framework, to), "Prefer", "respond-async").want(202).text("data.report_id")
	}
	assessments := []string{
		assessment(`["SOC2"]`, "2024-03-31"), assessment(`["SOC2","SOX"]`, "2024-03-31"), assessment(`["SOC2"]`, "2024-04-30"),
	}
	reports := []string{
		report("compliance_summary", `,"framework":"soc2"`, "2024-03-31"), report("data_integrity", "", "2024-03-31"), report("compliance_summary", `,"framework":"soc2"`, "2024-04-30"),
	}
	gaps := []string{"SOC2_001", "SOX_001", "SOC2_002"}
	for i, f := range []audit.Framework{audit.SOC2, audit.SOX, audit.SOC2} {
		b.apply(store.ApplyAssessed(b.ledger, audit.AssessmentID(assessments[i]), store.Assessed{Gaps: []store.Gap{
			{Kind: audit.FindingGap, Framework: f, Requirement: fmt.Sprint("R", i), Title: "t", Severity: audit.SeverityLow, DetectedAt: b.clock.now()}}}, b.clock.now()))
	}
	for as, sees := range map[string][3]bool{
		"full": {true, true, true}, "soc2": {true, false, true}, "quarter": {true, true, false}, "both": {true, false, false}, "february": {}, "systems": {},
	} {
		n := 0
		for i, yes := range sees {
			status := 404
			if yes {
				n, status = n+1, 200
			}
			b.get(as, "~/compliance/assessments/"+assessments[i]).want(status)
			b.get(as, "~/reports/"+reports[i]).want(status)
			b.get(as, "~/compliance/findings/"+gaps[i]).want(status)
			if !yes {
				b.get(as, "~/compliance/assessments/"+assessments[i]+"/download").want(404)
				b.get(as, "~/reports/"+reports[i]+"/download").want(404)
				b.get(as, "~/reports/"+reports[i]+"/signature").want(404)
				b.post(as, "~/reports/"+reports[i]+"/download-links", "{}").want(404)
			}
		}
		for _, path := range []string{"~/compliance/assessments", "~/compliance/findings", "~/reports"} {
			a := b.get(as, path).want(200)
			if len(a.list("data")) != n || int(a.number("pagination.total")) != n {
				t.Errorf("%s sees %s, not %d", as, a.body, n)
			}
		}
		a := b.get(as, "~/retention").want(200)
		if oldest, _ := a.at("data.oldest_log"); (oldest != nil) != (as == "full") {
			t.Errorf("%s: %s", as, a.body)
		}
	}
	// What a later assessment says of a finding that it did not find is not what it shows.
	b.apply(store.ApplyAssessed(b.ledger, audit.AssessmentID(assessments[0]), store.Assessed{Passed: []store.Passed{{Framework: audit.SOC2, Requirement: "R2", SpanDays: 91}}}, b.clock.now()))
	b.get("full", "~/compliance/findings/SOC2_002").want(200)
	for _, as := range []string{"soc2", "quarter", "both"} {
		b.get(as, "~/compliance/findings/SOC2_002").want(404)
	}
	b.whole()
}
