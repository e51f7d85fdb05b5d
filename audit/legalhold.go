package audit

// HoldScope is what a legal hold keeps; a list that is empty restricts nothing.
type HoldScope struct {
	Systems    []string    `json:"systems,omitempty"`
	Users      []string    `json:"users,omitempty"`
	Frameworks []Framework `json:"frameworks,omitempty"`
}

// Limits of a legal hold, in bytes.
const (
	MaxHoldMatter = 256
	MaxHoldReason = 4_096
)
