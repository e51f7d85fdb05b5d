package audit

import (
	"fmt"
	"strings"
	"time"
)

// RetentionPolicy says how long an organisation keeps what; its JSON form is
// document A's.
type RetentionPolicy struct {
	AuditLogs       RetentionRule   `json:"audit_logs"`   // every entry but those of scans
	ScanResults     RetentionRule   `json:"scan_results"` // entries whose type starts with scan.
	EvidenceExports ExportRetention `json:"evidence_exports"`
}

// RetentionRule is of entries; both are in days from the time of recording.
type RetentionRule struct {
	RetentionDays    int `json:"retention_days"`
	ArchiveAfterDays int `json:"archive_after_days"`
}

// ExportRetention is of evidence packages, in days from their completion.
type ExportRetention struct {
	RetentionDays int `json:"retention_days"`
}

// DefaultRetention is in force until an organisation sets a policy: the
// numbers of document A.
var DefaultRetention = RetentionPolicy{
	AuditLogs: RetentionRule{2555, 365}, ScanResults: RetentionRule{730, 180}, EvidenceExports: ExportRetention{int(ExportArtifactLife / (24 * time.Hour))},
}

// Limits of a policy, in days.
const (
	MaxRetentionDays       = 36_500 // a hundred years
	MaxExportRetentionDays = 3_650
)

// RetentionFloor is the shortest period that entries of a framework are kept.
type RetentionFloor struct {
	Framework Framework `json:"framework"`
	Days      *int      `json:"retention_days"` // nil: the framework names no shortest period
	Basis     string    `json:"basis"`          // regulation, practice, product or none
	Source    string    `json:"source"`
}

func days(n int) *int { return &n }

// RetentionFloors lists every framework. Regulation is a number that a text
// names, practice one that auditors expect, product one that is ours because
// the text makes it depend on what is not known here.
var RetentionFloors = []RetentionFloor{
	{SOC2, days(730), "practice", "no period is prescribed; two years hold an audit period of twelve months and the year after it"},
	{FDA21CFR11, days(2555), "product", "21 CFR 11.10(e) asks for as long as the record that the trail is about, whose period (21 CFR 58.195, 211.180, 312.62, 812.140) is not known here"},
	{ISO27001, nil, "none", "ISO/IEC 27001 leaves the period to the organisation's own policy (A.5.33, A.8.15)"},
	{GDPR, nil, "none", "Article 5(1)(e) sets a limit and no shortest period: personal data is kept no longer than needed"},
	{SOX, days(2555), "regulation", "17 CFR 210.2-06, seven years; it binds accountants, and issuers keep their evidence as long by custom"},
	{NISTCSF, nil, "none", "the Cybersecurity Framework names no period"},
}

// FloorOf returns the shortest period of a framework in days; 0 when it names
// none.
func FloorOf(f Framework) int {
	for _, floor := range RetentionFloors {
		if floor.Framework == f && floor.Days != nil {
			return *floor.Days
		}
	}
	return 0
}

// Carried is a framework that entries in a ledger carry.
type Carried struct {
	Framework Framework
	Scan      bool // whether the entries are scan results
}

// Check returns what is wrong with the policy of a ledger whose entries carry
// these frameworks.
func (p *RetentionPolicy) Check(carried []Carried) (bad []FieldError) {
	fail := func(field, code, format string, args ...any) {
		bad = append(bad, FieldError{field, code, fmt.Sprintf(format, args...)})
	}
	for _, x := range []struct {
		field string
		rule  RetentionRule
		scan  bool
	}{{"/audit_logs", p.AuditLogs, false}, {"/scan_results", p.ScanResults, true}} {
		switch r := x.rule; {
		case r.RetentionDays < 1 || r.RetentionDays > MaxRetentionDays:
			fail(x.field+"/retention_days", "out_of_range", "retention_days is 1 to %d", MaxRetentionDays)
		case r.ArchiveAfterDays < 1 || r.ArchiveAfterDays > r.RetentionDays:
			fail(x.field+"/archive_after_days", "out_of_range", "archive_after_days is 1 to retention_days")
		}
		for _, c := range carried {
			if least := FloorOf(c.Framework); c.Scan == x.scan && x.rule.RetentionDays < least {
				fail(x.field+"/retention_days", "below_floor", "entries in the ledger carry %s, which are kept for at least %d days", c.Framework, least)
			}
		}
	}
	if n := p.EvidenceExports.RetentionDays; n < 1 || n > MaxExportRetentionDays {
		fail("/evidence_exports/retention_days", "out_of_range", "retention_days is 1 to %d", MaxExportRetentionDays)
	}
	return bad
}

// RetentionVersion is a policy from when it was set until the next one was.
type RetentionVersion struct {
	Version int // 0 is the default, which nobody set
	Policy  RetentionPolicy
	SetAt   time.Time
}

// RetentionHistory holds the versions that were set, oldest first.
type RetentionHistory []RetentionVersion

// Current returns the policy in force.
func (h RetentionHistory) Current() RetentionVersion {
	if len(h) == 0 {
		return RetentionVersion{Policy: DefaultRetention}
	}
	return h[len(h)-1]
}

// daysPerYear of a period that is named in years.
const daysPerYear = 365

// KeptFrom names a period in days and returns its end. Whole years are counted by
// the calendar, as document B's sample does: what is shown as the end of a promise
// and what acts on it are the same.
func KeptFrom(from time.Time, days int) (period string, until time.Time) {
	if years := days / daysPerYear; days%daysPerYear == 0 {
		return fmt.Sprintf("%d_years", years), from.AddDate(years, 0, 0)
	}
	return fmt.Sprintf("%d_days", days), from.AddDate(0, 0, days)
}

// Since returns the longest period that a policy promised that was set after a
// time, or 0: what was promised about an entry before is prolonged by it.
func (h RetentionHistory) Since(at time.Time) (days int) {
	for _, v := range h {
		if v.SetAt.After(at) {
			days = max(days, v.Policy.AuditLogs.RetentionDays, v.Policy.ScanResults.RetentionDays)
		}
	}
	return days
}

// Of returns how many days an entry is kept from its recording, and the
// framework that says so, or none when a policy does. Of all policies since the
// recording and of the entry's frameworks the longest period counts: what an
// entry was promised, no later policy takes away.
func (h RetentionHistory) Of(e *Entry) (kept int, by Framework) {
	take := func(p *RetentionPolicy) {
		rule := p.AuditLogs
		if strings.HasPrefix(e.Type, "scan.") {
			rule = p.ScanResults
		}
		kept = max(kept, rule.RetentionDays)
	}
	if len(h) == 0 || h[0].SetAt.After(e.RecordedAt) {
		take(&DefaultRetention)
	}
	for i := range h {
		if i == len(h)-1 || h[i+1].SetAt.After(e.RecordedAt) {
			take(&h[i].Policy)
		}
	}
	longest := 0
	for _, f := range e.Frameworks {
		if floor := FloorOf(f); floor >= kept && floor > longest {
			longest, by = floor, f
		}
	}
	return max(kept, longest), by
}
