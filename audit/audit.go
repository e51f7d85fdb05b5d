// Package audit is the vocabulary of Sealbook: entries, actors, frameworks,
// exports, permissions and the one error type. It guards the meaning of these
// words: what a value may be is decided here, by pure functions, and nowhere
// else. Every other package imports it; it imports the standard library only.
package audit

import (
	"strings"
	"time"
)

// OrganisationID names a tenant. It comes from the caller's credential and
// never from a request.
type OrganisationID string

// Clock tells the time. Production wiring passes [SystemClock].
type Clock func() time.Time

// SystemClock is the machine's clock at the precision that Sealbook keeps.
func SystemClock() time.Time { return Instant(time.Now()) }

// Instant brings t to the one form that is hashed and stored: UTC, truncated
// to microseconds, which is what a Postgres timestamptz can hold. A finer
// time would be hashed as something that can never be read back.
func Instant(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// FormatTime renders t as the API does: RFC 3339, UTC, exactly three decimals.
func FormatTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// Severity of an entry, lowest first.
type Severity string

// The severities that document B enumerates.
const (
	SeverityLow      Severity = "low"
	SeverityMedium   Severity = "medium"
	SeverityHigh     Severity = "high"
	SeverityCritical Severity = "critical"
)

// Severities lists the valid values in rising order.
var Severities = []Severity{SeverityLow, SeverityMedium, SeverityHigh, SeverityCritical}

// Framework is a compliance framework's canonical name.
type Framework string

// The frameworks that Sealbook knows.
const (
	SOC2        Framework = "SOC2"
	FDA21CFR11  Framework = "FDA_21CFR11"
	ISO27001    Framework = "ISO_27001"
	GDPR        Framework = "GDPR"
	SOX         Framework = "SOX"
	NISTCSF     Framework = "NIST_CSF"
	noFramework Framework = ""
)

// Frameworks lists the canonical names.
var Frameworks = []Framework{SOC2, FDA21CFR11, ISO27001, GDPR, SOX, NISTCSF}

// separators are what spellings of a framework differ in. A replacer takes long
// to make, and one may be used at the same time by several.
var separators = strings.NewReplacer("_", "", "-", "", " ", "", ".", "")

// ParseFramework accepts a framework's name in any case, with or without its
// separators ("soc2", "iso-27001", "FDA 21 CFR 11"), and returns the canonical
// one.
func ParseFramework(s string) (Framework, bool) {
	switch separators.Replace(strings.ToLower(s)) {
	case "soc2":
		return SOC2, true
	case "fda21cfr11", "21cfr11", "fda21cfrpart11", "21cfrpart11", "part11":
		return FDA21CFR11, true
	case "iso27001":
		return ISO27001, true
	case "gdpr":
		return GDPR, true
	case "sox":
		return SOX, true
	case "nistcsf":
		return NISTCSF, true
	}
	return noFramework, false
}
