package audit

import (
	"strings"
	"testing"
	"time"
)

func TestParsePeriod(t *testing.T) {
	t.Parallel()
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	// The end is inclusive by what it names: a day, a second, a millisecond.
	for to, until := range map[string]string{
		"2024-03-31":                   "2024-04-01T00:00:00Z",
		"2024-03-31T23:59:59Z":         "2024-04-01T00:00:00Z",
		"2024-03-31T23:59:59.5Z":       "2024-03-31T23:59:59.501Z",
		"2024-03-31T23:59:59.000001Z":  "2024-03-31T23:59:59.000002Z",
		"2024-03-31T23:59:59.0000019Z": "2024-03-31T23:59:59.000002Z",
		"2024-04-01T01:59:59+02:00":    "2024-04-01T00:00:00Z",
		"2024-01-01":                   "2024-01-02T00:00:00Z",
	} {
		p, err := ParsePeriod("2024-01-01", to)
		if err != nil || !p.Until.Equal(at(until)) || !p.From.Equal(at("2024-01-01T00:00:00Z")) {
			t.Errorf("to %s: %+v %v, want until %s", to, p, err, until)
		}
		if !p.Contains(p.Until.Add(-time.Microsecond)) || p.Contains(p.Until) || !p.Contains(p.From) || p.Contains(p.From.Add(-1)) {
			t.Errorf("to %s: the bounds of %+v are not half-open", to, p)
		}
	}
	if p, err := ParsePeriod("", ""); err != nil || !p.Contains(time.Time{}.Add(time.Hour)) {
		t.Errorf("an open period: %+v %v", p, err)
	}
	for _, bad := range [][2]string{{"2024-02-01", "2024-01-31"}, {"yesterday", ""}, {"", "2024-13-01"}, {"2024-01-01 00:00", ""}, {"0001-01-01", ""}, {"", "1969-12-31"}} {
		if p, err := ParsePeriod(bad[0], bad[1]); CodeOf(err) != InvalidParameter {
			t.Errorf("%v: %+v %v", bad, p, err)
		}
	}
}

func TestParseFramework(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]Framework{
		"soc2": SOC2, "SOC 2": SOC2, "fda_21cfr11": FDA21CFR11, "21 CFR Part 11": FDA21CFR11, "iso-27001": ISO27001, "GDPR": GDPR, "sox": SOX, "NIST_CSF": NISTCSF,
	} {
		if got, ok := ParseFramework(in); !ok || got != want {
			t.Errorf("%s: %s %v", in, got, ok)
		}
	}
	for _, f := range Frameworks {
		if got, ok := ParseFramework(string(f)); !ok || got != f {
			t.Errorf("%s is not its own name", f)
		}
	}
	for _, bad := range []string{"", "soc", "soc22", "hipaa"} {
		if got, ok := ParseFramework(bad); ok {
			t.Errorf("%q is %s", bad, got)
		}
	}
}

func goodRequest() ExportRequest {
	return ExportRequest{Format: FormatZIP, Framework: "soc2", AuditPeriod: AuditPeriod{"2024-01-01", "2024-03-31"}, Include: []Category{ScanResults}}
}

func TestExportRequestValidate(t *testing.T) {
	t.Parallel()
	r := goodRequest()
	if err := r.Validate(); err != nil || r.Framework != SOC2 {
		t.Errorf("%+v %v", r, err)
	}
	many := make([]string, MaxRepositories+1)
	for i := range many {
		many[i] = strings.Repeat("r", 1+i%200) + string(rune('a'+i/200))
	}
	for field, change := range map[string][]func(*ExportRequest){
		"/format":         {func(r *ExportRequest) { r.Format = "" }, func(r *ExportRequest) { r.Format = "pdf" }},
		"/framework":      {func(r *ExportRequest) { r.Framework = "" }, func(r *ExportRequest) { r.Framework = "x" }},
		"/audit_period":   {func(r *ExportRequest) { r.AuditPeriod.To = "" }, func(r *ExportRequest) { r.AuditPeriod.To = "2023-01-01" }},
		"/include":        {func(r *ExportRequest) { r.Include = nil }, func(r *ExportRequest) { r.Include = []Category{"x"} }, func(r *ExportRequest) { r.Include = []Category{ScanResults, ScanResults} }},
		"/repository_ids": {func(r *ExportRequest) { r.RepositoryIDs = many }, func(r *ExportRequest) { r.RepositoryIDs = []string{""} }, func(r *ExportRequest) { r.RepositoryIDs = []string{"a", "a"} }},
	} {
		for i, do := range change {
			r := goodRequest()
			do(&r)
			err, _ := r.Validate().(*Error)
			if err == nil || err.Code != ValidationFailed || len(err.Fields) != 1 || err.Fields[0].Field != field {
				t.Errorf("%s %d: %+v", field, i, err)
			}
		}
	}
}

func TestSelects(t *testing.T) {
	t.Parallel()
	r := goodRequest()
	r.RepositoryIDs = []string{"r1"}
	e := Selectable{Type: "scan.completed", Class: ClassSystem, Time: time.Date(2024, 3, 31, 23, 59, 59, 999999000, time.UTC), RepositoryID: "r1"}
	if c, ok := r.Selects(e); c != ScanResults || !ok {
		t.Error("a matching entry is not selected")
	}
	for name, change := range map[string]func(*Selectable){
		"type": func(e *Selectable) { e.Type = "issue.created" }, "own action": func(e *Selectable) { e.Type = "audit.scan" },
		"time": func(e *Selectable) { e.Time = e.Time.Add(time.Microsecond) }, "repository": func(e *Selectable) { e.RepositoryID = "" },
	} {
		other := e
		change(&other)
		if _, ok := r.Selects(other); ok {
			t.Errorf("another %s is selected", name)
		}
	}
}

// Every type has one category or none, and its class decides where the name
// does not.
func TestCategoryOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		eventType string
		class     EventClass
		want      Category
	}{
		{"scan.started", ClassSystem, ScanResults}, {"issue.updated", ClassChange, IssueHistory}, {"fix.applied", ClassChange, FixRecords},
		{"access.granted", ClassSecurity, AccessLogs}, {"login", ClassLogin, AccessLogs}, {"custom.thing", ClassSecurity, AccessLogs},
		{"config.changed", ClassChange, ConfigurationHistory}, {"data_change", ClassChange, ConfigurationHistory}, {"report.generated", ClassSystem, ComplianceReports},
		{"system_event", ClassSystem, ""}, {"audit.export", ClassSecurity, ""},
	} {
		if got, ok := CategoryOf(c.eventType, c.class); got != c.want || ok != (c.want != "") {
			t.Errorf("%s, %s: %q %v", c.eventType, c.class, got, ok)
		}
	}
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	sensitive := Principal{Permissions: []Permission{ReadSensitive}}
	if !sensitive.Can(ReadBasic) {
		t.Error("sensitive reading implies basic reading")
	}
	admin := Principal{Permissions: []Permission{Admin}}
	for _, p := range Permissions {
		if p != Admin && admin.Can(p) {
			t.Errorf("admin implies %s", p)
		}
	}
	err, _ := admin.Require(Write).(*Error)
	if err == nil || err.Code != Forbidden || err.Details["required_permission"] != Write {
		t.Errorf("%+v", err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	cause := Errorf(Unavailable, "away")
	err := Errorf(Tampered, "entry %d: %w", 7, cause)
	if CodeOf(err) != Tampered || err.Unwrap() != error(cause) || CodeOf(err.Unwrap()) != Unavailable {
		t.Errorf("%+v", err)
	}
	for code, permanent := range map[Code]bool{Internal: false, Unavailable: false, RateLimited: false, InProgress: false, Tampered: true, NotFound: true, InvalidState: true} {
		if Permanent(Errorf(code, "x")) != permanent {
			t.Errorf("%s: permanent is not %v", code, permanent)
		}
	}
}

func TestEntryIDs(t *testing.T) {
	t.Parallel()
	at := time.Date(2025, 8, 26, 23, 30, 0, 0, time.FixedZone("", -3600))
	for seq, want := range map[int64]string{0: "audit_entry_20250827_000000", 1: "audit_entry_20250827_000001", 10: "audit_entry_20250827_000010", 1234: "audit_entry_20250827_001234", 99999: "audit_entry_20250827_099999", 100000: "audit_entry_20250827_100000", 12345678: "audit_entry_20250827_12345678"} {
		if got := EntryID(seq, at); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
