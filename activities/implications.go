package activities

import (
	"encoding/json"
	"slices"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/control"
	"github.com/sealbook/sealbook/internal/forensic"
	"github.com/sealbook/sealbook/internal/store"
)

// requirements are what findings of a concern may touch, by framework and by the
// ids of the catalogues, whose titles and sections are shown.
var requirements = map[forensic.Concern]map[audit.Framework][]string{
	forensic.SignIn: {audit.FDA21CFR11: {"11.300(d)"}, audit.SOC2: {"CC6.1-auth", "CC6.6"}, audit.ISO27001: {"A.8.5"}, audit.GDPR: {"Art.32-secure"}, audit.NISTCSF: {"PR.AA-03"}},
	forensic.Access: {audit.FDA21CFR11: {"11.10(d)"}, audit.SOC2: {"CC6.2-grant", "CC6.3-least"}, audit.ISO27001: {"A.5.18-grant", "A.8.2"}, audit.GDPR: {"Art.25"},
		audit.SOX: {"S404-AC1", "S404-AC4"}, audit.NISTCSF: {"PR.AA-05"}},
	forensic.Approval: {audit.FDA21CFR11: {"11.10(f)"}, audit.SOC2: {"CC6.3-sod", "CC8.1-approve"}, audit.ISO27001: {"A.5.3", "A.8.32"}, audit.SOX: {"S404-AC5", "S404-CM2"}, audit.NISTCSF: {"PR.AA-05"}},
	forensic.Trail: {audit.FDA21CFR11: {"11.10(e)-complete"}, audit.SOC2: {"CC7.2-log"}, audit.ISO27001: {"A.8.15"}, audit.GDPR: {"Art.5(2)"},
		audit.SOX: {"S802"}, audit.NISTCSF: {"PR.PS-04"}},
	forensic.Timeline: {audit.FDA21CFR11: {"11.10(e)-time"}, audit.SOC2: {"CC7.2-log"}, audit.ISO27001: {"A.8.17"}, audit.NISTCSF: {"PR.PS-04"}},
	forensic.Change:   {audit.FDA21CFR11: {"11.10(e)-prior", "11.10(f)"}, audit.SOC2: {"CC8.1-approve"}, audit.ISO27001: {"A.8.9", "A.8.32"}, audit.SOX: {"S404-CM1"}, audit.NISTCSF: {"PR.PS-01"}},
	forensic.Secrecy:  {audit.SOC2: {"CC6.7"}, audit.ISO27001: {"A.5.34"}, audit.GDPR: {"Art.5(1)(f)"}},
	forensic.Deletion: {audit.FDA21CFR11: {"11.10(c)"}, audit.ISO27001: {"A.5.33"}, audit.GDPR: {"Art.5(1)(f)"}, audit.SOX: {"S802"}},
	forensic.Conduct:  {audit.SOC2: {"CC7.2-triage"}, audit.ISO27001: {"A.8.16"}, audit.NISTCSF: {"DE.AE-02"}},
}

// concernOf is what a finding is about.
func concernOf(f *store.InvestigationFinding) forensic.Concern {
	var named struct {
		Detector string `json:"detector"`
	}
	if json.Unmarshal(f.Body.V, &named) != nil {
		return forensic.Conduct
	}
	return forensic.ConcernOf(named.Detector)
}

// implicationsOf says which requirements accepted findings may touch, of the
// frameworks that the investigation names, or of all: an order for people to look,
// and no verdict. The same findings give the same list.
func implicationsOf(row *store.Investigation, accepted []store.InvestigationFinding) (out store.Implications) {
	out = store.Implications{Frameworks: []audit.Framework{}, Violations: []store.PotentialViolation{}}
	catalogs, err := control.Shipped()
	if err != nil { // it is a fault of the program, which its tests find
		return out
	}
	for _, catalog := range catalogs {
		if named := row.Request.V.Frameworks; len(named) > 0 && !slices.Contains(named, catalog.Framework) {
			continue
		}
		for i := range catalog.Requirements {
			r := &catalog.Requirements[i]
			var touched []string
			severity := audit.SeverityLow
			for j := range accepted {
				if f := &accepted[j]; slices.Contains(requirements[concernOf(f)][catalog.Framework], r.ID) {
					touched = append(touched, f.ID)
					if slices.Index(audit.Severities, f.Severity) > slices.Index(audit.Severities, severity) {
						severity = f.Severity
					}
				}
			}
			if touched == nil {
				continue
			}
			out.Violations = append(out.Violations, store.PotentialViolation{
				Framework: catalog.Framework, Section: r.Criterion, Description: r.Title, Severity: severity, Findings: touched,
			})
			if !slices.Contains(out.Frameworks, catalog.Framework) {
				out.Frameworks = append(out.Frameworks, catalog.Framework)
			}
		}
	}
	return out
}
