package report

import (
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// Framework is what an assessment of a framework came to. The three figures
// belong together, in percent: a score without its coverage and floor says more
// than is known.
type Framework struct {
	Name         audit.Framework `json:"name"`
	Edition      string          `json:"edition"`
	Score        *float64        `json:"score"`    // 0 to 100, of what was assessed; nil: nothing was
	Coverage     float64         `json:"coverage"` // 0 to 100, of the requirements that were assessed
	Floor        float64         `json:"floor"`    // 0 to 100, the score if all that was not assessed had failed
	Status       string          `json:"status"`
	Trend        []Point         `json:"trend,omitempty"` // earlier scores, oldest first
	Requirements []Requirement   `json:"requirements,omitempty"`
	NotAssessed  []Unassessed    `json:"not_assessed,omitempty"`
}

// Point is an earlier score.
type Point struct {
	Time  time.Time `json:"time"`
	Score float64   `json:"score"` // 0 to 100
}

// Requirement is a line of a framework.
type Requirement struct {
	ID       string         `json:"id"`
	Title    string         `json:"title"`
	Severity audit.Severity `json:"severity"`
	Status   string         `json:"status"`
	Numbers  string         `json:"numbers,omitempty"` // in words: 118 of 120 entries pass
}

// Unassessed is a requirement that the data cannot speak about.
type Unassessed struct {
	ID     string `json:"id"`
	Reason string `json:"reason"`
}

// Finding is a finding or a violation.
type Finding struct {
	ID          string         `json:"id"`
	Title       string         `json:"title"`
	Description string         `json:"description,omitempty"`
	Requirement string         `json:"requirement,omitempty"`
	Severity    audit.Severity `json:"severity"`
	Status      string         `json:"status"`
	EntryIDs    []string       `json:"entry_ids,omitempty"`
	Owner       string         `json:"owner,omitempty"`
	Due         time.Time      `json:"due,omitzero"` // a day, in UTC
	Remediation string         `json:"remediation,omitempty"`
}

// frameworkLabel is a framework's name as its authors write it.
func frameworkLabel(f audit.Framework) string {
	switch f {
	case audit.FDA21CFR11:
		return "FDA 21 CFR Part 11"
	case audit.SOC2:
		return "SOC 2"
	case audit.ISO27001:
		return "ISO/IEC 27001"
	case audit.NISTCSF:
		return "NIST CSF"
	}
	return string(f)
}

// statusLabel makes words of a status or a severity: "non_compliant" is
// "Non-compliant".
func statusLabel(s string) string {
	if s == "non_compliant" {
		return "Non-compliant"
	}
	s = strings.ReplaceAll(s, "_", " ")
	if s != "" && s[0] >= 'a' && s[0] <= 'z' {
		return strings.ToUpper(s[:1]) + s[1:]
	}
	return s
}

// statusColour goes by the statuses of requirements and of frameworks, and by
// the severities; what it does not know is not coloured.
func statusColour(s string) colour {
	switch s {
	case "compliant", "resolved", "closed", "completed":
		return green
	case "partial", "partially_compliant", "insufficient_evidence", string(audit.SeverityMedium):
		return amber
	case "non_compliant", string(audit.SeverityHigh):
		return red
	case string(audit.SeverityCritical):
		return crimson
	case "not_assessed", string(audit.SeverityLow):
		return grey
	}
	return ink
}
