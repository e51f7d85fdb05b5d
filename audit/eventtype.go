package audit

import (
	"strings"
)

// EventClass is the coarse type that document B enumerates.
type EventClass string

// The five classes.
const (
	ClassLogin    EventClass = "login"
	ClassLogout   EventClass = "logout"
	ClassChange   EventClass = "data_change"
	ClassSystem   EventClass = "system_event"
	ClassSecurity EventClass = "security_event"
)

// EventClasses lists the valid values.
var EventClasses = []EventClass{ClassLogin, ClassLogout, ClassChange, ClassSystem, ClassSecurity}

// EventType is a kind of event that an organisation may submit.
type EventType struct {
	Name        string     `json:"name"` // [a-z0-9._-]{1,64}
	Class       EventClass `json:"class"`
	Severity    Severity   `json:"severity"` // given to events that name none
	Description string     `json:"description,omitempty"`
}

// ReservedPrefix starts the types of Sealbook's own entries. Clients may read
// but never submit them, so that nobody can forge what the system did.
const ReservedPrefix = "audit."

// ValidEventTypeName reports whether s can stand in a record:
// [a-z0-9._-]{1,64}.
func ValidEventTypeName(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return 1 <= len(s) && len(s) <= 64
}

// BuiltinEventTypes are valid in every organisation: the five of document B
// and the ten of document A.
var BuiltinEventTypes = map[string]EventType{}

func init() {
	add := func(severity Severity, class EventClass, names ...string) {
		for _, n := range names {
			BuiltinEventTypes[n] = EventType{Name: n, Class: class, Severity: severity}
		}
	}
	for _, c := range EventClasses {
		add(SeverityLow, c, string(c))
	}
	add(SeverityLow, ClassSystem, "scan.started", "scan.completed")
	add(SeverityLow, ClassChange, "issue.updated", "issue.resolved", "fix.generated")
	add(SeverityMedium, ClassChange, "issue.created", "fix.applied", "config.changed")
	add(SeverityMedium, ClassSecurity, "access.granted", "access.revoked")
}

// ClassOf returns the class of a type that is not registered, by the family in
// its name: Sealbook's own entries and scans are system events, access is
// security, everything else is a change.
func ClassOf(eventType string) EventClass {
	family, _, _ := strings.Cut(eventType, ".")
	switch family {
	case "audit", "scan":
		return ClassSystem
	case "access":
		return ClassSecurity
	}
	return ClassChange
}
