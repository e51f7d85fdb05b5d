package audit

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// ErasureID names the erasure of a data subject; it is also its Temporal
// workflow's id.
type ErasureID string

// ErasureWorkflow is the registered name of the workflow that erases, and
// ErasureSignal of the signal that tells it that somebody has decided.
const (
	ErasureWorkflow = "EraseSubject"
	ErasureSignal   = "erasure_decided"
)

// ErasureStart is the workflow's input. It says nothing of the person.
type ErasureStart struct {
	ID           ErasureID      `json:"id"`
	Ledger       int32          `json:"ledger"`
	Organisation OrganisationID `json:"organisation"`
}

// ErasureStatus is where an erasure stands.
type ErasureStatus string

// The states. A requested erasure is counted and waits for a second person; an
// approved one is about to run. The last three are final.
const (
	ErasureRequested ErasureStatus = "requested"
	ErasureApproved  ErasureStatus = "approved"
	ErasureRunning   ErasureStatus = "running"
	ErasureCompleted ErasureStatus = "completed"
	ErasureDeclined  ErasureStatus = "declined"
	ErasureFailed    ErasureStatus = "failed"
)

// Final reports whether the erasure has ended.
func (s ErasureStatus) Final() bool {
	return s == ErasureCompleted || s == ErasureDeclined || s == ErasureFailed
}

// Limits of a request for erasure. An identifier that is too short would be found
// in what is about others.
const (
	MaxErasureIdentifiers = 20
	MinErasureIdentifier  = 3 // characters
	MaxErasureBasis       = 256
	MaxErasureReason      = 4_096
	// ErasureWaitDays is how long a request waits for a decision. The subject
	// has a right to an answer within a month (GDPR Art. 12(3)).
	ErasureWaitDays = 30
)

// ErasureRequest asks for the erasure of a person. Identifiers are their ids,
// e-mail addresses and names beside the subject's id.
type ErasureRequest struct {
	Reason      string   `json:"reason"`
	Basis       string   `json:"basis"` // reference of the request that it answers
	Identifiers []string `json:"identifiers"`
}

// Validate checks the request and takes the subject's id among the identifiers,
// each once. Returns ValidationFailed. Whether the texts name the subject, which
// they must not, is for who can match identifiers.
func (r *ErasureRequest) Validate(subject string) error {
	var bad []FieldError
	fail := func(field, code, format string, args ...any) {
		bad = append(bad, FieldError{Field: field, Code: code, Message: fmt.Sprintf(format, args...)})
	}
	if r.Reason = strings.TrimSpace(r.Reason); r.Reason == "" || len(r.Reason) > MaxErasureReason {
		fail("/reason", "length", "reason is required and has at most %d bytes", MaxErasureReason)
	}
	if r.Basis = strings.TrimSpace(r.Basis); r.Basis == "" || len(r.Basis) > MaxErasureBasis {
		fail("/basis", "length", "basis is required and has at most %d bytes", MaxErasureBasis)
	}
	if len(r.Identifiers) > MaxErasureIdentifiers {
		fail("/identifiers", "too_many", "at most %d identifiers", MaxErasureIdentifiers)
		r.Identifiers = r.Identifiers[:MaxErasureIdentifiers]
	}
	var all []string
	for i, name := range append([]string{subject}, r.Identifiers...) {
		name = strings.TrimSpace(name)
		if utf8.RuneCountInString(name) < MinErasureIdentifier || len(name) > MaxIdentifier {
			field := fmt.Sprintf("/identifiers/%d", i-1)
			if i == 0 {
				field = "id"
			}
			fail(field, "length", "an identifier has at least %d characters and at most %d bytes", MinErasureIdentifier, MaxIdentifier)
			continue
		}
		if !slices.ContainsFunc(all, func(known string) bool { return strings.EqualFold(known, name) }) {
			all = append(all, name)
		}
	}
	if bad != nil {
		return &Error{Code: ValidationFailed, Message: "the request for erasure is not valid", Fields: bad[:min(len(bad), MaxBadFields)]}
	}
	r.Identifiers = all
	return nil
}

// ErasureCounts say what an erasure took, or would take, by store.
type ErasureCounts struct {
	Entries     int64            `json:"entries"`          // of which something was erased
	Fields      int64            `json:"fields"`           // values and salts that went
	Held        int64            `json:"held_entries"`     // that a legal hold keeps
	SearchTexts int64            `json:"search_texts"`     // made anew, or removed
	Rollups     int64            `json:"rollups"`          // entries that are counted under other names now
	ExternalIDs int64            `json:"external_ids"`     // whose salt went
	Packages    map[string]int64 `json:"packages"`         // files, by kind
	HeldFiles   map[string]int64 `json:"held_packages"`    // that were left because they hold held entries
	People      int64            `json:"directory_people"` // closed accounts
	Kept        map[string]int64 `json:"not_erasable"`     // entries that name the subject in a field which is not personal, by path
	Mentions    map[string]int64 `json:"mentions"`         // rows of other tables that name the subject
	Delivered   int64            `json:"streams"`          // receivers that got the entries before
}

// Add sums what was counted part by part.
func (c *ErasureCounts) Add(d *ErasureCounts) {
	c.Entries += d.Entries
	c.Fields += d.Fields
	c.Held += d.Held
	c.SearchTexts += d.SearchTexts
	c.Rollups += d.Rollups
	c.ExternalIDs += d.ExternalIDs
	for path, n := range d.Kept {
		if c.Kept == nil {
			c.Kept = map[string]int64{}
		}
		c.Kept[path] += n
	}
}

// CertificateVersion stands in a certificate of erasure.
const CertificateVersion = "sealbook-erasure/v1"

// ErasureCertificate says what an erasure did, and what it did not reach. It names
// the people who decided by their ids, and the subject not at all.
type ErasureCertificate struct {
	Version      string        `json:"certificate"`
	ErasureID    ErasureID     `json:"erasure_id"`
	Organisation string        `json:"organisation"`
	Origin       string        `json:"origin"` // of the ledger
	Basis        string        `json:"basis"`
	Reason       string        `json:"reason"`
	RequestedBy  Object        `json:"requested_by"`
	RequestedAt  string        `json:"requested_at"`
	ApprovedBy   Object        `json:"approved_by"`
	ApprovedAt   string        `json:"approved_at"`
	CompletedAt  string        `json:"completed_at"`
	EndSeq       int64         `json:"end_seq"`    // entries below it were looked at
	Checkpoint   string        `json:"checkpoint"` // of the ledger, which the erasure did not change
	Counts       ErasureCounts `json:"counts"`
	NotReached   []NotReached  `json:"not_reached"`
	Software     string        `json:"software"`
}

// NotReached is something that may still hold what was erased, and why.
type NotReached struct {
	What  string `json:"what"`
	Count *int64 `json:"count"` // null when it cannot be counted
	Why   string `json:"why"`
	Until string `json:"until,omitempty"` // when it is gone by itself
}
