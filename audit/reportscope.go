package audit

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// ReportUsers are the people whose entries a report is about; none are all. In
// JSON they are "all" or a list of ids and e-mail addresses.
type ReportUsers []string

// UnmarshalJSON implements json.Unmarshaler.
func (u *ReportUsers) UnmarshalJSON(text []byte) error {
	var all string
	if json.Unmarshal(text, &all) == nil {
		if all != "all" {
			return fmt.Errorf(`include_users is "all" or a list`)
		}
		*u = nil
		return nil
	}
	var some []string
	if err := json.Unmarshal(text, &some); err != nil {
		return fmt.Errorf(`include_users is "all" or a list of texts`)
	}
	*u = some
	return nil
}

// MarshalJSON implements json.Marshaler.
func (u ReportUsers) MarshalJSON() ([]byte, error) {
	if len(u) == 0 {
		return []byte(`"all"`), nil
	}
	return json.Marshal([]string(u))
}

// IsZero keeps an absent list absent.
func (u ReportUsers) IsZero() bool { return len(u) == 0 }

func (s *ReportScope) check(fail failing) {
	for field, values := range map[string][]string{"include_systems": s.Systems, "include_users": s.Users} {
		if len(values) > MaxReportScope {
			fail("/scope/"+field, "too_many", "at most %d values", MaxReportScope)
		}
		for i, v := range values {
			if strings.TrimSpace(v) == "" || len(v) > MaxIdentifier {
				fail(fmt.Sprintf("/scope/%s/%d", field, i), "invalid", "it has 1 to %d bytes", MaxIdentifier)
			}
		}
	}
}

// Covers reports whether an entry belongs to the scope. It is of a system that
// it names, in any case, as its repository, its resource's parent_machine, its
// context's system or environment, or among its impact's affected_systems; and of
// a person whose id or e-mail address its actor has.
func (s *ReportScope) Covers(e *Entry) bool {
	if s == nil {
		return true
	}
	if len(s.Users) > 0 && !names(s.Users, e.Actor.String("id"), e.Actor.String("email")) {
		return false
	}
	if len(s.Systems) == 0 {
		return true
	}
	if names(s.Systems, e.Repository.String("id"), e.Repository.String("name"), e.Resource.String("parent_machine"),
		e.Context.String("system"), e.Context.String("environment")) {
		return true
	}
	affected, _ := e.Impact["affected_systems"].([]any)
	return slices.ContainsFunc(affected, func(v any) bool {
		name, ok := v.(string)
		return ok && names(s.Systems, name)
	})
}

func names(wanted []string, values ...string) bool {
	return slices.ContainsFunc(values, func(v string) bool {
		return v != "" && slices.ContainsFunc(wanted, func(w string) bool { return strings.EqualFold(w, v) })
	})
}

// Lists reports whether a report of this type lists an entry, and not only counts
// it: a compliance summary lists what is severe, a report on data integrity the
// changes of records, an access review what was accessed and whose access was
// changed. A report of an investigation lists what its case names, whatever it is.
func (t ReportType) Lists(e *Entry) bool {
	switch t {
	case ComplianceSummaryReport:
		return e.Severity == SeverityHigh || e.Severity == SeverityCritical
	case DataIntegrityReport:
		return e.Class == ClassChange || e.Class == ClassSecurity
	case InvestigationReport:
		return false
	case AccessReviewReport:
		c, ok := CategoryOf(e.Type, e.Class)
		family, _, _ := strings.Cut(e.Type, ".")
		return ok && c == AccessLogs || family == "user" || family == "role" || family == "permission"
	}
	return true
}
