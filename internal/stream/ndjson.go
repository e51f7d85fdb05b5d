package stream

import "github.com/sealbook/sealbook/audit"

// line is an entry as receivers get it: the names of both documents' APIs,
// without what only a caller of the API can use. A key without a value is left
// out, but for the record's own.
type line struct {
	ID          string            `json:"id"`
	LogID       string            `json:"log_id"`
	Seq         int64             `json:"seq"`
	EventType   string            `json:"event_type"` // verbatim, such as config.changed
	Class       audit.EventClass  `json:"class"`
	Category    string            `json:"category,omitempty"`
	Severity    audit.Severity    `json:"severity,omitempty"`
	Description string            `json:"description,omitempty"`
	Timestamp   string            `json:"timestamp"`  // when it happened
	CreatedAt   string            `json:"created_at"` // when it was recorded
	Actor       audit.Object      `json:"actor,omitempty"`
	Resource    audit.Object      `json:"resource,omitempty"`
	Repository  audit.Object      `json:"repository,omitempty"`
	Action      audit.Object      `json:"action,omitempty"`
	Context     audit.Object      `json:"context,omitempty"`
	Details     audit.Object      `json:"details,omitempty"`
	Metadata    audit.Object      `json:"metadata,omitempty"`
	Frameworks  []audit.Framework `json:"frameworks,omitempty"`
	Hash        string            `json:"hash"`
	Previous    string            `json:"previous_hash"`
}

func lineOf(e *audit.Entry) *line {
	return &line{
		ID: e.EntryID(), LogID: e.LogID(), Seq: e.Seq,
		EventType: e.Type, Class: e.Class, Category: e.ShownCategory(), Severity: e.Severity, Description: e.Description,
		Timestamp: audit.FormatTime(e.Time()), CreatedAt: audit.FormatTime(e.RecordedAt),
		Actor: e.Actor, Resource: e.Resource, Repository: e.Repository, Action: e.Action,
		Context: e.Context, Details: e.Details, Metadata: e.Metadata, Frameworks: e.Frameworks,
		Hash: e.Hash, Previous: e.Previous,
	}
}
