package audit

import "slices"

// HoldScope is what a legal hold keeps; a list that is empty restricts nothing.
type HoldScope struct {
	Systems    []string    `json:"systems,omitempty"`
	Users      []string    `json:"users,omitempty"`
	Frameworks []Framework `json:"frameworks,omitempty"`
}

// Covers reports whether a hold of this scope keeps an entry of its time: one of
// the frameworks, and of one of the systems or of the users that it names. Systems
// and users match as those of investigations do, because their holds are the same.
func (h *HoldScope) Covers(e *Entry) bool {
	if len(h.Frameworks) > 0 && !slices.ContainsFunc(e.Frameworks, func(f Framework) bool { return slices.Contains(h.Frameworks, f) }) {
		return false
	}
	of := InvestigationScope{Systems: h.Systems, Users: h.Users}
	return of.Covers(e)
}

// Limits of a legal hold, in bytes.
const (
	MaxHoldMatter = 256
	MaxHoldReason = 4_096
)
