package audit

// RetentionChangeID names a change of the retention policy that waits, or waited,
// for another person's decision.
type RetentionChangeID string

// RetentionChangeStatus is where such a change stands.
type RetentionChangeStatus string

// A change is pending until another person decides on it.
const (
	RetentionChangePending  RetentionChangeStatus = "pending"
	RetentionChangeApproved RetentionChangeStatus = "approved"
	RetentionChangeRefused  RetentionChangeStatus = "refused"
)

// RetentionChangeStatuses lists them.
var RetentionChangeStatuses = []RetentionChangeStatus{RetentionChangePending, RetentionChangeApproved, RetentionChangeRefused}

// MaxRetentionReason bounds why a policy is changed, and why a change is refused,
// in bytes.
const MaxRetentionReason = 4_096

// RetentionRequest is a whole policy, with why it is set.
type RetentionRequest struct {
	RetentionPolicy
	Reason string `json:"reason,omitempty"` // required when the policy shortens anything
}

// Shortens returns the members of a policy that keep something for fewer days
// than the one before does.
func (p *RetentionPolicy) Shortens(before *RetentionPolicy) (fields []string) {
	for _, x := range []struct {
		field    string
		now, was int
	}{
		{"/audit_logs/retention_days", p.AuditLogs.RetentionDays, before.AuditLogs.RetentionDays},
		{"/scan_results/retention_days", p.ScanResults.RetentionDays, before.ScanResults.RetentionDays},
		{"/evidence_exports/retention_days", p.EvidenceExports.RetentionDays, before.EvidenceExports.RetentionDays},
	} {
		if x.now < x.was {
			fields = append(fields, x.field)
		}
	}
	return fields
}
