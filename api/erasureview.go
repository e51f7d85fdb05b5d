package api

import (
	"encoding/json"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// erasureBody is an erasure. Identifiers are there until it ends.
type erasureBody struct {
	ID             audit.ErasureID      `json:"erasure_id"`
	Status         audit.ErasureStatus  `json:"status"`
	Basis          string               `json:"basis"`
	Reason         string               `json:"reason"`
	Identifiers    []string             `json:"identifiers"` // null once it has ended
	RequestedBy    audit.Object         `json:"requested_by"`
	RequestedAt    string               `json:"requested_at"`
	DecideUntil    *string              `json:"decide_until"` // of one that waits for it
	DecidedBy      audit.Object         `json:"decided_by"`
	DecidedAt      *string              `json:"decided_at"`
	DecisionReason *string              `json:"decision_reason"`
	Plan           *audit.ErasureCounts `json:"plan"`   // null until it is counted
	Erased         *audit.ErasureCounts `json:"erased"` // so far
	CompletedAt    *string              `json:"completed_at"`
	Error          *string              `json:"error"`
	ScrubbedAt     *string              `json:"scrubbed_at"`
}

func erasureView(e *store.Erasure) *erasureBody {
	v := &erasureBody{
		ID: e.ID, Status: e.Status, Basis: e.Basis, Reason: e.Reason, RequestedBy: e.RequestedBy.V, RequestedAt: audit.FormatTime(e.CreatedAt),
		DecidedAt: formattedOrNil(e.DecidedAt), DecisionReason: e.DecisionReason, CompletedAt: formattedOrNil(e.CompletedAt), Error: e.Error,
		ScrubbedAt: formattedOrNil(e.ScrubbedAt),
	}
	if e.Identifiers != nil {
		v.Identifiers = e.Identifiers.V
	}
	if e.Status == audit.ErasureRequested {
		until := audit.FormatTime(e.CreatedAt.AddDate(0, 0, audit.ErasureWaitDays))
		v.DecideUntil = &until
	}
	if e.DecidedBy != nil {
		v.DecidedBy = e.DecidedBy.V
	}
	if e.Plan != nil {
		v.Plan = &e.Plan.V
	}
	if e.Status == audit.ErasureRunning || e.Status == audit.ErasureCompleted || e.Status == audit.ErasureFailed && e.DecidedAt != nil {
		v.Erased = &e.Counts.V
	}
	return v
}

// certificateBody is a certificate with what came after it.
type certificateBody struct {
	Certificate json.RawMessage `json:"certificate"`
	Digest      string          `json:"digest"`
	ScrubbedAt  *string         `json:"scrubbed_at"`
	ScrubReason string          `json:"scrub_reason,omitempty"` // why there is no time
}

func certificateView(e *store.Erasure) certificateBody {
	v := certificateBody{Certificate: *e.Certificate, Digest: *e.Digest, ScrubbedAt: formattedOrNil(e.ScrubbedAt)}
	if e.ScrubbedAt == nil {
		v.ScrubReason = "old versions of the rows lie in the database's files until an operator runs sealbook scrub"
	}
	return v
}
