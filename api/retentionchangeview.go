package api

import (
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// retentionChangeBody is a policy that shortens something, with what became of it.
type retentionChangeBody struct {
	ID             audit.RetentionChangeID     `json:"change_id"`
	Status         audit.RetentionChangeStatus `json:"status"`
	BasedOn        int                         `json:"based_on"` // the version that it was held against
	Previous       audit.RetentionPolicy       `json:"previous"` // that version
	Policy         audit.RetentionPolicy       `json:"policy"`
	Shortens       []string                    `json:"shortens"`
	Reason         string                      `json:"reason"`
	RequestedBy    audit.Object                `json:"requested_by"`
	RequestedAt    string                      `json:"requested_at"`
	DecidedBy      audit.Object                `json:"decided_by"`
	DecidedAt      *string                     `json:"decided_at"`
	DecisionReason *string                     `json:"decision_reason"`
	Version        *int                        `json:"version"` // that the approval set
}

func retentionChangeView(v *store.RetentionChange) retentionChangeBody {
	b := retentionChangeBody{
		ID: v.ID, Status: v.Status, BasedOn: v.BasedOn, Previous: v.Previous.V, Policy: v.Policy.V, Shortens: orEmpty(v.Policy.V.Shortens(&v.Previous.V)),
		Reason: v.Reason, RequestedBy: v.RequestedBy.V, RequestedAt: audit.FormatTime(v.RequestedAt), DecidedAt: formattedOrNil(v.DecidedAt),
		DecisionReason: v.DecisionReason, Version: v.Version,
	}
	if v.DecidedBy != nil {
		b.DecidedBy = v.DecidedBy.V
	}
	return b
}
