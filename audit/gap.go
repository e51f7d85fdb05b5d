package audit

// GapKind says what a gap is.
type GapKind string

// A finding is a requirement that does not hold; a violation is what happened
// against a rule.
const (
	FindingGap   GapKind = "finding"
	ViolationGap GapKind = "violation"
)

// GapStatus is what has become of a gap.
type GapStatus string

// Findings end as closed, by assessments alone; violations end as resolved, by a
// person alone. An accepted one is known to somebody who answers for it.
const (
	GapOpen       GapStatus = "open"
	GapInProgress GapStatus = "in_progress"
	GapAccepted   GapStatus = "accepted"
	GapClosed     GapStatus = "closed"
	GapResolved   GapStatus = "resolved"
)

// Statuses are those that a gap of the kind can have.
func (k GapKind) Statuses() []GapStatus {
	if k == FindingGap {
		return []GapStatus{GapOpen, GapInProgress, GapAccepted, GapClosed}
	}
	return []GapStatus{GapOpen, GapInProgress, GapAccepted, GapResolved}
}

// Limits of what people write about a gap, in bytes.
const (
	MaxPlan      = 4_096
	MaxGapReason = 4_096
)
