package audit

import (
	"slices"
	"strings"
	"time"
)

// ExportID names an evidence export; it is also its Temporal workflow's id.
type ExportID string

// Format of an evidence export.
type Format string

// The formats that document A names.
const (
	FormatZIP  Format = "zip"
	FormatJSON Format = "json"
	FormatCSV  Format = "csv"
)

// Category is a selection of entries that an export can include.
type Category string

// The categories of document A, in the order in which packages list them.
const (
	ComplianceReports    Category = "compliance_reports"
	ScanResults          Category = "scan_results"
	IssueHistory         Category = "issue_history"
	FixRecords           Category = "fix_records"
	AccessLogs           Category = "access_logs"
	ConfigurationHistory Category = "configuration_history"
)

// Categories lists the valid values.
var Categories = []Category{ComplianceReports, ScanResults, IssueHistory, FixRecords, AccessLogs, ConfigurationHistory}

// CategoryOf places an entry by its type and class. Every entry has exactly
// one category or none, so that a population's counts add up.
func CategoryOf(eventType string, class EventClass) (Category, bool) {
	family, _, _ := strings.Cut(eventType, ".")
	switch {
	case family == "audit":
		return "", false // our own actions are evidence about us, selected by nothing here
	case family == "report":
		return ComplianceReports, true
	case family == "scan":
		return ScanResults, true
	case family == "issue":
		return IssueHistory, true
	case family == "fix":
		return FixRecords, true
	case family == "access", class == ClassLogin, class == ClassLogout, class == ClassSecurity:
		return AccessLogs, true
	case eventType == "config.changed", class == ClassChange:
		return ConfigurationHistory, true
	}
	return "", false
}

// ExportRequest asks for an evidence package. It is the request's body, the
// workflow's input and part of the package.
type ExportRequest struct {
	Format        Format      `json:"format"`
	Framework     Framework   `json:"framework"`
	AuditPeriod   AuditPeriod `json:"audit_period"`
	Include       []Category  `json:"include"`
	RepositoryIDs []string    `json:"repository_ids,omitempty"`
}

// AuditPeriod is a period by its inclusive dates, as the request gives them.
type AuditPeriod struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// MaxRepositories bounds repository_ids of one export.
const MaxRepositories = 1000

// Validate normalises the request in place and returns ValidationFailed with
// every field that is wrong.
func (r *ExportRequest) Validate() error {
	var bad []FieldError
	fail := func(field, code, message string) { bad = append(bad, FieldError{field, code, message}) }
	switch r.Format {
	case FormatZIP, FormatJSON, FormatCSV:
	case "":
		fail("/format", "required", "format is required: zip, json or csv")
	default:
		fail("/format", "invalid", "format is one of zip, json, csv")
	}
	if f, ok := ParseFramework(string(r.Framework)); ok {
		r.Framework = f
	} else {
		fail("/framework", "invalid", "framework is one of SOC2, FDA_21CFR11, ISO_27001, GDPR, SOX, NIST_CSF")
	}
	if r.AuditPeriod.From == "" || r.AuditPeriod.To == "" {
		fail("/audit_period", "required", "audit_period needs from and to")
	} else if _, err := ParsePeriod(r.AuditPeriod.From, r.AuditPeriod.To); err != nil {
		fail("/audit_period", "invalid", err.(*Error).Message)
	}
	if len(r.Include) == 0 {
		fail("/include", "required", "include names at least one category")
	}
	for i, c := range r.Include {
		if !slices.Contains(Categories, c) {
			fail("/include", "invalid", "unknown category "+string(c))
		} else if slices.Contains(r.Include[:i], c) {
			fail("/include", "duplicate", string(c)+" is named twice")
		}
	}
	if len(r.RepositoryIDs) > MaxRepositories {
		fail("/repository_ids", "too_many", "at most 1000 repositories")
	}
	for i, id := range r.RepositoryIDs {
		if id == "" || len(id) > MaxIdentifier {
			fail("/repository_ids", "invalid", "a repository id has 1 to 256 bytes")
		} else if slices.Contains(r.RepositoryIDs[:i], id) {
			fail("/repository_ids", "duplicate", id+" is named twice")
		}
	}
	if bad != nil {
		return &Error{Code: ValidationFailed, Message: "the export request is not valid", Fields: bad}
	}
	return nil
}

// Period returns the request's period; the request must be valid.
func (r *ExportRequest) Period() Period {
	p, _ := ParsePeriod(r.AuditPeriod.From, r.AuditPeriod.To)
	return p
}

// Selects reports whether the export shows e in full, and under which
// category. It is the filter whose outcome an auditor can recompute for every
// entry of the range: it looks at the event's type, class, time and
// repository and at nothing else.
func (r *ExportRequest) Selects(e Selectable) (Category, bool) {
	c, ok := CategoryOf(e.Type, e.Class)
	if !ok || !slices.Contains(r.Include, c) || !r.Period().Contains(e.Time) {
		return c, false
	}
	return c, len(r.RepositoryIDs) == 0 || slices.Contains(r.RepositoryIDs, e.RepositoryID)
}

// Selectable is what an export's filter tests of an entry.
type Selectable struct {
	Type         string
	Class        EventClass
	Time         time.Time
	RepositoryID string
}

// FilterFields are the payload fields that Selects reads, as JSON Pointers.
// A package discloses them for every entry of its range.
// The repository's id is a field of its own where it was declared personal.
var FilterFields = []string{"/class", "/repository", "/repository/id", "/timestamp"}

// ExportStatus is where an export stands.
type ExportStatus string

// The states. The last four are final, except that completed becomes expired.
const (
	ExportQueued     ExportStatus = "queued"
	ExportProcessing ExportStatus = "processing"
	ExportCompleted  ExportStatus = "completed"
	ExportFailed     ExportStatus = "failed"
	ExportCanceled   ExportStatus = "canceled"
	ExportExpired    ExportStatus = "expired"
)

// Final reports whether the export will not produce a package any more.
func (s ExportStatus) Final() bool { return s != ExportQueued && s != ExportProcessing }

// How long a download link and the package behind it last, from completion;
// the package, unless the organisation's retention policy says otherwise.
const (
	ExportLinkLife     = 7 * 24 * time.Hour
	ExportArtifactLife = 30 * 24 * time.Hour
)

// Artifact is a stored object by content.
type Artifact struct {
	Key    string `json:"key"`    // in the artifact store
	Digest string `json:"digest"` // "sha256:" and 64 hex digits
	Size   int64  `json:"size"`   // bytes
	Files  int    `json:"files"`  // files inside, for a package
}

// Progress is how far a running job is, as its workflow says. It is not kept:
// when the workflow cannot be asked, there is none.
type Progress struct {
	Stage string `json:"stage"`
	Done  int64  `json:"entries_done"`
	Total int64  `json:"entries_total"`
}
