package audit_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
)

func TestReportScope(t *testing.T) {
	t.Parallel()
	entry := func(change func(*audit.Event)) *audit.Entry {
		e := audit.Entry{Event: audit.Event{Type: "a.b", Actor: audit.Object{"id": "u1", "email": "U1@example.com"}}}
		change(&e.Event)
		return &e
	}
	systems, people := &audit.ReportScope{Systems: []string{"Production"}}, &audit.ReportScope{Users: audit.ReportUsers{"u1@example.com", "u2"}}
	for what, c := range map[string]struct {
		scope *audit.ReportScope
		entry *audit.Entry
		want  bool
	}{
		"no scope":               {nil, entry(func(*audit.Event) {}), true},
		"an empty scope":         {&audit.ReportScope{}, entry(func(*audit.Event) {}), true},
		"no system":              {systems, entry(func(*audit.Event) {}), false},
		"repository id":          {systems, entry(func(e *audit.Event) { e.Repository = audit.Object{"id": "production"} }), true},
		"repository name":        {systems, entry(func(e *audit.Event) { e.Repository = audit.Object{"id": "r1", "name": "PRODUCTION"} }), true},
		"parent machine":         {systems, entry(func(e *audit.Event) { e.Resource = audit.Object{"parent_machine": "production"} }), true},
		"system":                 {systems, entry(func(e *audit.Event) { e.Context = audit.Object{"system": "production"} }), true},
		"environment":            {systems, entry(func(e *audit.Event) { e.Context = audit.Object{"environment": "production"} }), true},
		"affected":               {systems, entry(func(e *audit.Event) { e.Impact = audit.Object{"affected_systems": []any{"x", "production"}} }), true},
		"a part of a name":       {systems, entry(func(e *audit.Event) { e.Context = audit.Object{"system": "production-2"} }), false},
		"another place":          {systems, entry(func(e *audit.Event) { e.Details = audit.Object{"system": "production"} }), false},
		"a person by address":    {people, entry(func(*audit.Event) {}), true},
		"a person by id":         {people, entry(func(e *audit.Event) { e.Actor = audit.Object{"id": "u2"} }), true},
		"another person":         {people, entry(func(e *audit.Event) { e.Actor = audit.Object{"id": "u3"} }), false},
		"nobody":                 {people, entry(func(e *audit.Event) { e.Actor = nil }), false},
		"a system, not a person": {&audit.ReportScope{Systems: systems.Systems, Users: people.Users}, entry(func(e *audit.Event) { e.Actor = nil; e.Context = audit.Object{"system": "production"} }), false},
	} {
		if got := c.scope.Covers(c.entry); got != c.want {
			t.Errorf("%s: %v", what, got)
		}
	}
}

func TestReportsListWhatTheyAreAbout(t *testing.T) {
	t.Parallel()
	entry := func(kind string, class audit.EventClass, severity audit.Severity) *audit.Entry {
		return &audit.Entry{Event: audit.Event{Type: kind, Class: class, Severity: severity}}
	}
	for _, c := range []struct {
		entry *audit.Entry
		in    []audit.ReportType
	}{
		{entry("scan.completed", audit.ClassSystem, audit.SeverityLow), nil},
		{entry("scan.completed", audit.ClassSystem, audit.SeverityCritical), []audit.ReportType{audit.ComplianceSummaryReport}},
		{entry("data_change", audit.ClassChange, audit.SeverityHigh), []audit.ReportType{audit.ComplianceSummaryReport, audit.DataIntegrityReport}},
		{entry("login", audit.ClassLogin, audit.SeverityLow), []audit.ReportType{audit.AccessReviewReport}},
		{entry("access.granted", audit.ClassSystem, audit.SeverityLow), []audit.ReportType{audit.AccessReviewReport}},
		{entry("role.changed", audit.ClassSystem, audit.SeverityLow), []audit.ReportType{audit.AccessReviewReport}},
		{entry("security_event", audit.ClassSecurity, audit.SeverityMedium), []audit.ReportType{audit.DataIntegrityReport, audit.AccessReviewReport}},
	} {
		want := map[audit.ReportType]bool{audit.AuditTrailReport: true}
		for _, k := range c.in {
			want[k] = true
		}
		for _, k := range audit.ReportTypes {
			if got := k.Lists(c.entry); got != want[k] {
				t.Errorf("%s lists %s of class %s and severity %s: %v", k, c.entry.Type, c.entry.Class, c.entry.Severity, got)
			}
		}
	}
}

func TestReportRequest(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	var r audit.ReportRequest
	text := `{"report_type":"access_review","framework":"iso 27001","period":{"start":"2026-03-01","end":"2026-03-31"},"scope":{"include_users":"all","include_violations":false},
		"distribution":["a@example.com","A@example.com","b@example.com"]}`
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	p, err := r.Normalise(now)
	if err != nil || !p.Until.Equal(now) || !p.From.Equal(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%v %v", p, err)
	}
	violations, remediation := r.Scope.Shows()
	if r.Framework != audit.ISO27001 || r.Format != audit.ReportPDF || len(r.Distribution) != 2 || violations || !remediation || r.MustSign() {
		t.Errorf("%+v", r)
	}
	// What is kept of a request reads as the same request.
	kept, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var again audit.ReportRequest
	if err := json.Unmarshal(kept, &again); err != nil {
		t.Fatal(err)
	}
	if q, err := again.Normalise(now); err != nil || q != p {
		t.Errorf("%s: %v %v", kept, q, err)
	}
	for _, m := range audit.SignatureMeanings {
		if m.OwnWork() != (m == "authorship" || m == "responsibility") || m.Words() == "" {
			t.Errorf("%s: %v %q", m, m.OwnWork(), m.Words())
		}
	}
}
