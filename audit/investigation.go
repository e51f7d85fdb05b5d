package audit

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// InvestigationID names an investigation within its organisation.
type InvestigationID string

// InvestigationWorkflow is the registered name of the workflow that leads an
// investigation.
const InvestigationWorkflow = "Investigate"

// InvestigationStart is the workflow's input. It carries no name of a person.
type InvestigationStart struct {
	ID           InvestigationID `json:"id"`
	Ledger       int32           `json:"ledger"`
	Organisation OrganisationID  `json:"organisation"`
	Kind         string          `json:"kind"`
	Priority     Severity        `json:"priority"`
}

// DefaultInvestigator is whom an investigation is assigned to when nobody says
// otherwise.
const DefaultInvestigator = "security_team"

// InvestigationOrder is what an entry that requires an investigation opens:
// its kind, which stands in the id, and how urgent it is.
type InvestigationOrder struct {
	Kind       string
	Title      string // names no person
	Priority   Severity
	AssignedTo string
	At         time.Time // of the entry's own time; zero is when it is recorded
	Frameworks []Framework
}

// AutoScope is how long before the entry that opened it the scope of an
// investigation begins; it ends with that entry.
const AutoScope = 24 * time.Hour

// InvestigationOrder returns what to open for the event; ok is whether it asks
// for anything. The event is as urgent as it is severe.
func (e *Event) InvestigationOrder() (o InvestigationOrder, ok bool) {
	kind := strings.TrimSuffix(string(e.Class), "_event")
	what := e.Type
	if what == "" {
		what = string(e.Class)
	}
	o = InvestigationOrder{Kind: kind, Title: "Investigation of " + what, Priority: e.Severity, AssignedTo: DefaultInvestigator, Frameworks: e.Frameworks}
	if e.Timestamp != nil {
		o.At = *e.Timestamp
	}
	return o, e.RequiresInvestigation
}

// NewEntry is the place that an event of a submission is given, while the
// transaction that appends it runs.
type NewEntry struct {
	Index      int // of the event in its submission
	Seq        int64
	RecordedAt time.Time
}

// InvestigationRequest is what POST /investigations asks for.
type InvestigationRequest struct {
	Type         string             `json:"investigation_type"`
	Title        string             `json:"title"`
	Priority     Severity           `json:"priority"`
	Scope        InvestigationScope `json:"scope"`
	Trigger      *TriggerEvent      `json:"trigger_event,omitempty"`
	Investigator string             `json:"assigned_investigator,omitempty"` // by id or e-mail address
	Reviewer     string             `json:"assigned_reviewer,omitempty"`
	Frameworks   []Framework        `json:"compliance_frameworks,omitempty"`
	Analysis     *AutomatedAnalysis `json:"automated_analysis,omitempty"`
}

// InvestigationScope is what an investigation is about.
type InvestigationScope struct {
	Range      TimeRange `json:"time_range"`
	Systems    []string  `json:"affected_systems,omitempty"`
	Users      []string  `json:"potential_users,omitempty"`
	Categories []string  `json:"data_categories,omitempty"`
}

// TimeRange is from Start to End, both of them included.
type TimeRange struct {
	Start string `json:"start"`
	End   string `json:"end"`
}

// TriggerEvent is the entry that gave rise to an investigation.
type TriggerEvent struct {
	ID          string `json:"event_id"`
	Description string `json:"description,omitempty"`
}

// AutomatedAnalysis says which analyses run; those that nobody mentions do.
type AutomatedAnalysis struct {
	Patterns  *bool `json:"enable_pattern_detection,omitempty"`
	Behaviour *bool `json:"enable_user_behavior_analysis,omitempty"`
	DataFlow  *bool `json:"enable_data_flow_mapping,omitempty"`
}

// Wants reports whether an analysis is to run.
func (a *AutomatedAnalysis) Wants(n Analysis) bool {
	if a == nil {
		return true
	}
	for _, c := range []struct {
		name Analysis
		on   *bool
	}{{PatternDetection, a.Patterns}, {BehaviourAnalysis, a.Behaviour}, {DataFlowMapping, a.DataFlow}} {
		if c.name == n {
			return c.on == nil || *c.on
		}
	}
	return false
}

// Analysis is one of the automated analyses, by document B's name.
type Analysis string

// The analyses, in the order in which they are shown.
const (
	PatternDetection  Analysis = "pattern_detection"
	BehaviourAnalysis Analysis = "user_behavior_analysis"
	DataFlowMapping   Analysis = "data_flow_mapping"
)

// Analyses are all of them.
var Analyses = []Analysis{PatternDetection, BehaviourAnalysis, DataFlowMapping}

// Limits of an investigation.
const (
	MaxInvestigationTitle  = 256 // bytes, as below
	MaxInvestigationText   = 4_096
	MaxInvestigationScope  = 100 // values of a list
	MaxInvestigationPeriod = 366 * 24 * time.Hour
	MaxInvestigationNote   = 16_384
)

var slug = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// Normalise gives every value its canonical form. The scope may reach into the
// future; it holds what is recorded when it is fixed. Returns ValidationFailed
// with every field that is wrong.
func (r *InvestigationRequest) Normalise() (p Period, err error) {
	var bad []FieldError
	fail := func(field, code, format string, args ...any) {
		bad = append(bad, FieldError{field, code, fmt.Sprintf(format, args...)})
	}
	if !slug.MatchString(r.Type) {
		fail("/investigation_type", "invalid", "investigation_type is required: lower-case letters, digits and _, at most 64")
	}
	if r.Title = strings.TrimSpace(r.Title); r.Title == "" || len(r.Title) > MaxInvestigationTitle {
		fail("/title", "length", "title is required and has at most %d bytes", MaxInvestigationTitle)
	}
	if !slices.Contains(Severities, r.Priority) {
		fail("/priority", "invalid", "priority is one of %s", list(Severities))
	}
	p = r.Scope.check(fail)
	if t := r.Trigger; t != nil {
		if t.ID == "" || len(t.ID) > MaxIdentifier {
			fail("/trigger_event/event_id", "invalid", "event_id is required in trigger_event")
		}
		if len(t.Description) > MaxInvestigationText {
			fail("/trigger_event/description", "length", "it has at most %d bytes", MaxInvestigationText)
		}
	}
	for field, who := range map[string]string{"/assigned_investigator": r.Investigator, "/assigned_reviewer": r.Reviewer} {
		if len(who) > MaxIdentifier {
			fail(field, "length", "it has at most %d bytes", MaxIdentifier)
		}
	}
	seen := r.Frameworks[:0:0]
	for i, name := range r.Frameworks {
		f, ok := ParseFramework(string(name))
		if !ok {
			fail(fmt.Sprintf("/compliance_frameworks/%d", i), "invalid", "framework is one of SOC2, FDA_21CFR11, ISO_27001, GDPR, SOX, NIST_CSF")
		} else if !slices.Contains(seen, f) {
			seen = append(seen, f)
		}
	}
	r.Frameworks = seen
	if bad != nil {
		slices.SortFunc(bad, func(a, b FieldError) int { return strings.Compare(a.Field, b.Field) })
		return p, &Error{Code: ValidationFailed, Message: "the investigation is not valid", Fields: bad}
	}
	return p, nil
}

func (s *InvestigationScope) check(fail failing) (p Period) {
	start, startErr := time.Parse(time.RFC3339Nano, s.Range.Start)
	end, endErr := time.Parse(time.RFC3339Nano, s.Range.End)
	if startErr != nil || start.Year() < 1970 || start.Year() > 9998 {
		fail("/scope/time_range/start", "invalid", "start is required, an RFC 3339 time")
	}
	if endErr != nil || end.Year() < 1970 || end.Year() > 9998 {
		fail("/scope/time_range/end", "invalid", "end is required, an RFC 3339 time")
	}
	if startErr == nil && endErr == nil {
		p = Period{From: Instant(start), Until: Instant(end).Add(time.Microsecond)} // the end is part of it
		switch {
		case end.Before(start):
			fail("/scope/time_range", "reversed", "it ends before it starts")
		case end.Sub(start) > MaxInvestigationPeriod:
			fail("/scope/time_range", "too_long", "at most %d days", int(MaxInvestigationPeriod.Hours())/24)
		}
	}
	for _, l := range []struct {
		field  string
		values []string
	}{{"affected_systems", s.Systems}, {"potential_users", s.Users}, {"data_categories", s.Categories}} {
		if len(l.values) > MaxInvestigationScope {
			fail("/scope/"+l.field, "too_many", "at most %d values", MaxInvestigationScope)
		}
		for i, v := range l.values {
			if strings.TrimSpace(v) == "" || len(v) > MaxIdentifier {
				fail(fmt.Sprintf("/scope/%s/%d", l.field, i), "invalid", "it has 1 to %d bytes", MaxIdentifier)
			}
		}
	}
	return p
}

// Covers reports whether an entry is evidence of the scope: it is of one of the
// systems or of one of the users that it names. A scope that names neither covers
// all entries of its time.
func (s *InvestigationScope) Covers(e *Entry) bool {
	if len(s.Systems) == 0 && len(s.Users) == 0 {
		return true
	}
	if len(s.Users) > 0 && (names(s.Users, e.Actor.String("id"), e.Actor.String("email")) || e.Resource.String("type") == "user" && names(s.Users, e.Resource.String("id"))) {
		return true
	}
	of := ReportScope{Systems: s.Systems}
	return len(s.Systems) > 0 && (of.Covers(e) || names(s.Systems, e.Resource.String("id"), e.Resource.String("name")))
}

// Concerns reports whether somebody with one of these names, an id or an e-mail
// address, is under investigation.
func (s *InvestigationScope) Concerns(who ...string) bool { return names(s.Users, who...) }

// InvestigationEvent begins the types of the entries about investigations.
const InvestigationEvent = "audit.investigation_"

// TypeCustody is the type of the entries about handlings of evidence of an
// investigation.
const TypeCustody = "audit.evidence_custody"
