package audit

import (
	"strings"
	"time"
)

// InvestigationID names an investigation within its organisation.
type InvestigationID string

// InvestigationStatus is how far an investigation is.
type InvestigationStatus string

// InvestigationActive is the status of one that was opened and not yet ended.
const InvestigationActive InvestigationStatus = "active"

// DefaultInvestigator is whom an investigation is assigned to when nobody says
// otherwise.
const DefaultInvestigator = "security_team"

// InvestigationOrder is what an entry that requires an investigation opens:
// its kind, which stands in the id, and how urgent it is.
type InvestigationOrder struct {
	Kind       string
	Priority   Severity
	AssignedTo string
}

// InvestigationOrder returns what to open for the event; ok is whether it asks
// for anything. The event is as urgent as it is severe.
func (e *Event) InvestigationOrder() (o InvestigationOrder, ok bool) {
	kind := strings.TrimSuffix(string(e.Class), "_event")
	return InvestigationOrder{kind, e.Severity, DefaultInvestigator}, e.RequiresInvestigation
}

// NewEntry is the place that an event of a submission is given, while the
// transaction that appends it runs.
type NewEntry struct {
	Index      int // of the event in its submission
	Seq        int64
	RecordedAt time.Time
}
