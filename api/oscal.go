package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"github.com/google/uuid"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/control"
	"github.com/sealbook/sealbook/internal/store"
)

// oscalVersion is the version of OSCAL whose assessment-results model this is
// (NIST, https://pages.nist.gov/OSCAL/reference/).
const oscalVersion = "1.2.1"

// oscalNamespace is of our own properties: score, coverage and the like.
const oscalNamespace = "urn:sealbook:oscal"

// object is a JSON object of the model; absent members are left out.
type object = map[string]any

// oscal projects an assessment on OSCAL's assessment results: a result for each
// framework, an observation for each check, a finding for each requirement that was
// assessed. What was not is in no finding. Its ids follow from the assessment, so
// the same assessment is the same document.
type oscal struct {
	row   store.Assessment
	space uuid.UUID
	asOf  string
}

// oscalDocument makes the document of a completed assessment from its result.
func oscalDocument(row store.Assessment, text []byte) ([]byte, error) {
	var a control.Assessment
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, fmt.Errorf("read the result of %s: %w", row.ID, err)
	}
	o := &oscal{row: row, space: uuid.NewSHA1(uuid.NameSpaceURL, []byte("urn:sealbook:"+a.Ledger+":"+string(row.ID))), asOf: audit.FormatTime(a.Facts.AsOf)}
	plan := o.id("plan")
	results, catalogs := []object{}, []string{}
	for i := range a.Reports {
		results = append(results, o.result(&a, &a.Reports[i]))
		catalogs = append(catalogs, fmt.Sprintf("%s, version %d, %s", a.Reports[i].Edition, a.Reports[i].CatalogVersion, a.Reports[i].CatalogDigest))
	}
	if len(results) == 0 {
		return nil, audit.Errorf(audit.InvalidState, "%s is of no framework", row.ID)
	}
	return json.Marshal(object{"assessment-results": object{
		"uuid": o.id("results").String(),
		"metadata": object{
			"title": "Assessment " + string(row.ID), "last-modified": audit.FormatTime(*row.CompletedAt), "version": string(row.ID), "oscal-version": oscalVersion,
			"props":   []object{prop("sha256", row.Artifact.V.Digest), prop("ledger", a.Ledger), prop("root", a.Root), prop("entries", fmt.Sprintf("%d to %d", a.First, a.End-1))},
			"remarks": "Automated tests over a ledger are evidence for an assessor and no attestation.",
		},
		"import-ap": object{"href": "#" + plan.String()},
		"results":   results,
		"back-matter": object{"resources": []object{{
			"uuid": plan.String(), "title": "Control catalogues", "description": "The checks that were made: " + strings.Join(catalogs, "; ") + ".",
		}}},
	}})
}

func (o *oscal) id(name string) uuid.UUID { return uuid.NewSHA1(o.space, []byte(name)) }

func prop(name, value string) object {
	return object{"name": name, "ns": oscalNamespace, "value": oneLine(value)}
}

func (o *oscal) result(a *control.Assessment, r *control.Report) object {
	framework := string(r.Framework)
	var reviewed, observations, findings []object
	var missing []string
	for i := range r.Requirements {
		f := &r.Requirements[i]
		if f.Verdict == control.NotAssessed {
			missing = append(missing, f.Requirement)
			continue
		}
		reviewed = append(reviewed, object{"control-id": token(framework, f.Requirement)})
		related := []object{}
		for k := range f.Checks {
			observed := o.observation(framework, f, &f.Checks[k])
			observations = append(observations, observed)
			related = append(related, object{"observation-uuid": observed["uuid"]})
		}
		findings = append(findings, o.finding(framework, f, related))
	}
	props := []object{prop("status", string(r.Status)), prop("coverage-percent", fmt.Sprintf("%.1f", r.Coverage)), prop("score-floor", fmt.Sprintf("%.1f", r.Floor))}
	if r.Score != nil {
		props = append(props, prop("score", fmt.Sprintf("%.1f", *r.Score)))
	}
	selection := object{"description": "the requirements that could be assessed"}
	if len(reviewed) > 0 {
		selection["include-controls"] = reviewed
	}
	out := object{
		"uuid": o.id(framework).String(), "title": framework, "description": fmt.Sprintf("%s over %d entries", oneLine(r.Edition), r.Entries),
		"start": audit.FormatTime(r.Period.From), "end": audit.FormatTime(r.Period.Until.Add(-1)), "props": props,
		"reviewed-controls": object{"control-selections": []object{selection}},
	}
	if len(observations) > 0 {
		out["observations"], out["findings"] = observations, findings
	}
	if len(missing) > 0 {
		out["remarks"] = "Not assessed, for want of entries: " + strings.Join(missing, ", ") + "."
	}
	return out
}

func (o *oscal) observation(framework string, f *control.Finding, c *control.Result) object {
	said := fmt.Sprintf("%s: %d of %d passed, %d failed", c.Kind, c.Passed, c.Population, c.Failed)
	if c.Verdict == control.NotAssessed {
		said = c.Kind + ": not assessed: " + oneLine(c.Reason)
	}
	out := object{
		"uuid": o.id(framework + "/" + f.Requirement + "/" + c.Check).String(), "title": c.Check, "description": said, "methods": []string{"TEST"},
		"types": []string{"control-objective"}, "collected": o.asOf, "props": []object{prop("verdict", string(c.Verdict))},
	}
	evidence := []object{}
	for _, x := range c.Exceptions {
		if x.EntryID != "" {
			evidence = append(evidence, object{"href": "entries/" + x.EntryID, "description": oneLine(x.Why)})
		}
	}
	if len(evidence) > 0 {
		out["relevant-evidence"] = evidence
	}
	return out
}

func (o *oscal) finding(framework string, f *control.Finding, related []object) object {
	state, reason := "not-satisfied", "fail"
	switch f.Verdict {
	case control.Compliant:
		state, reason = "satisfied", "pass"
	case control.Partial:
		reason = "other" // it holds in part
	}
	return object{
		"uuid": o.id(framework + "/" + f.Requirement).String(), "title": oneLine(f.Requirement + " " + f.Title), "description": oneLine(f.Title),
		"props":                []object{prop("verdict", string(f.Verdict)), prop("severity", string(f.Severity))},
		"target":               object{"type": "objective-id", "target-id": token(framework, f.Requirement), "status": object{"state": state, "reason": reason}},
		"related-observations": related,
	}
}

// token makes an identifier of OSCAL's form, which begins with a letter and has no
// brackets: FDA_21CFR11_11.10.e.
func token(framework, requirement string) string {
	var b strings.Builder
	for _, r := range framework + "_" + requirement {
		switch {
		case r == '(':
			b.WriteRune('.')
		case r == ')':
		case unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._-", r):
			b.WriteRune(r)
		default:
			b.WriteRune('_')
		}
	}
	return b.String()
}

// oneLine is a text as the model's strings are: not empty, one line, no spaces
// around.
func oneLine(s string) string {
	if s = strings.Join(strings.Fields(s), " "); s == "" {
		return "-"
	}
	return s
}
