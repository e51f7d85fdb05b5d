package report

import (
	"strconv"
	"strings"
	"time"
)

// records are those of the document without its entries.
func (d *Document) records() []record {
	b := &d.Basis
	whole := strconv.FormatInt
	list := terms("report",
		"report_id", d.ReportID, "revision", strconv.Itoa(d.Revision), "report_type", string(d.Type), "title", d.Title, "organisation", d.Organisation,
		"period_from", csvTime(d.Period.From), "period_until", csvTime(d.Period.Until), "scope", strings.Join(d.Scope, "; "),
		"generated_at", csvTime(d.GeneratedAt), "generated_by", d.GeneratedBy, "data_digest", d.Digest)
	list = append(list, terms("basis",
		"origin", b.Origin, "first_seq", whole(b.FirstSeq, 10), "last_seq", whole(b.LastSeq, 10), "head_hash", b.HeadHash,
		"catalog", b.Catalog, "catalog_version", b.CatalogVersion, "catalog_digest", b.CatalogDigest)...)
	for _, s := range d.Checked {
		list = append(list, record{kind: "checked", text: s})
	}
	for _, s := range d.Limits {
		list = append(list, record{kind: "limit", text: s})
	}
	if d.Case != nil {
		list = append(list, d.Case.records()...)
	}
	for i := range d.Frameworks {
		list = append(list, d.Frameworks[i].records()...)
	}
	list = append(list, findingRecords("finding", d.Findings)...)
	list = append(list, findingRecords("violation", d.Violations)...)
	for _, c := range d.EventsByType {
		list = append(list, record{kind: "event_type", id: c.Name, text: whole(c.Count, 10)})
	}
	for _, c := range d.Severities {
		list = append(list, record{kind: "severity", id: c.Name, text: whole(c.Count, 10)})
	}
	if d.Checkpoint != "" {
		list = append(list, record{kind: "checkpoint", text: d.Checkpoint})
	}
	for _, s := range d.Verification {
		list = append(list, record{kind: "verification", text: s})
	}
	for i := range d.Signatures {
		s, at := &d.Signatures[i], ""
		if !s.SignedAt.IsZero() {
			at = s.SignedAt.Format(time.RFC3339)
		}
		list = append(list, terms("signature", "signatory", s.Signatory, "meaning", s.Meaning, "signed_at", at, "identity", s.Identity)...)
	}
	return list
}

// terms makes a record of each term and the value that follows it.
func terms(kind string, list ...string) []record {
	var out []record
	for i := 0; i < len(list); i += 2 {
		if list[i+1] != "" {
			out = append(out, record{kind: kind, id: list[i], text: list[i+1]})
		}
	}
	return out
}

func (f *Framework) records() []record {
	name := string(f.Name)
	figure := func(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }
	list := []record{{kind: "framework", group: name, title: f.Edition, status: f.Status}}
	if f.Score != nil {
		list = append(list, record{kind: "framework", group: name, id: "score", text: figure(*f.Score)})
	}
	list = append(list,
		record{kind: "framework", group: name, id: "coverage", text: figure(f.Coverage)},
		record{kind: "framework", group: name, id: "floor", text: figure(f.Floor)})
	for _, p := range f.Trend {
		list = append(list, record{kind: "score", group: name, time: p.Time, text: figure(p.Score)})
	}
	for _, q := range f.Requirements {
		list = append(list, record{kind: "requirement", group: name, id: q.ID, title: q.Title, status: q.Status, severity: q.Severity, text: q.Numbers})
	}
	for _, u := range f.NotAssessed {
		list = append(list, record{kind: "not_assessed", group: name, id: u.ID, text: u.Reason})
	}
	return list
}

func findingRecords(kind string, findings []Finding) []record {
	list := make([]record, len(findings))
	for i, x := range findings {
		list[i] = record{kind: kind, group: x.Requirement, id: x.ID, title: x.Title, status: x.Status, severity: x.Severity, text: x.Description,
			entryIDs: x.EntryIDs, owner: x.Owner, due: x.Due, remediation: x.Remediation}
	}
	return list
}
