package api

import (
	"maps"
	"strings"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// entryBody is an entry as document B shows it. A key without a value is left
// out. log_id, seq, hash, previous_hash, details, withheld, schema and receipt
// are ours.
type entryBody struct {
	ID          string         `json:"id"`
	LogID       string         `json:"log_id"`
	Seq         int64          `json:"seq"`
	Timestamp   string         `json:"timestamp"`
	EventType   string         `json:"event_type,omitempty"` // the class
	Category    string         `json:"category,omitempty"`
	Severity    audit.Severity `json:"severity,omitempty"`
	Description string         `json:"description,omitempty"`
	Status      string         `json:"status"`
	User        audit.Object   `json:"user,omitempty"`
	Resource    audit.Object   `json:"resource,omitempty"`
	Action      audit.Object   `json:"action,omitempty"`
	Context     audit.Object   `json:"context,omitempty"`
	Details     audit.Object   `json:"details,omitempty"`
	Compliance  compliance     `json:"compliance"`
	Impact      audit.Object   `json:"impact_assessment,omitempty"`
	Retention   retention      `json:"retention"`
	Opened      *opened        `json:"investigation,omitempty"`
	Response    audit.Object   `json:"response_actions,omitempty"`
	CreatedAt   string         `json:"created_at"`
	Immutable   bool           `json:"immutable"`
	Checksum    string         `json:"checksum"`
	Hash        string         `json:"hash"`
	Previous    string         `json:"previous_hash"`
	Withheld    []string       `json:"withheld,omitempty"`
	Schema      string         `json:"schema,omitempty"`

	Receipt *ledger.Receipt `json:"receipt,omitempty"`
}

type compliance struct {
	Frameworks []audit.Framework `json:"frameworks,omitempty"`
	Signature  audit.Object      `json:"electronic_signature,omitempty"`
	Integrity  integrity         `json:"data_integrity"`
	Retention  string            `json:"retention_period"`
}

type integrity struct {
	Hash     string `json:"hash"`
	Evident  bool   `json:"tamper_evident"` // the row is chained: it has a place in the tree
	Verified bool   `json:"verified"`       // hashed again when it was read
}

type retention struct {
	Period      string          `json:"retention_period"`
	Requirement audit.Framework `json:"regulatory_requirement,omitempty"` // the framework that sets the period, unless a policy does
	ArchiveDate string          `json:"archive_date"`                     // the end of the period
	Immutable   bool            `json:"immutable"`
}

// entryView projects an entry to document B, under its organisation's retention
// policies and the legal holds that the caller may know of, with the investigation
// that it opened, if it did.
func entryView(e audit.Entry, policies audit.RetentionHistory, holds []ledger.Hold, investigation *opened) *entryBody {
	kept, by := policies.Of(&e)
	period, until := audit.KeptFrom(e.RecordedAt, kept)
	return &entryBody{
		ID: e.EntryID(), LogID: e.LogID(), Seq: e.Seq,
		Timestamp: audit.FormatTime(e.Time()), EventType: string(e.Class), Category: e.ShownCategory(), Severity: e.Severity,
		Description: e.Description, Status: statusOf(&e, holds),
		User: userOf(e), Resource: prefixed(e.Resource), Action: actionOf(e), Context: contextOf(e), Details: e.Details,
		Compliance: compliance{
			Frameworks: e.Frameworks, Signature: signatureOf(e), Retention: period,
			Integrity: integrity{Hash: e.Hash, Evident: e.Hash != "", Verified: e.Verified},
		},
		Impact:    e.Impact,
		Retention: retention{Period: period, Requirement: by, ArchiveDate: audit.FormatTime(until), Immutable: true},
		Opened:    investigation, Response: responseOf(e, investigation != nil), CreatedAt: audit.FormatTime(e.RecordedAt), Immutable: true,
		Checksum: e.Checksum, Hash: e.Hash, Previous: e.Previous, Withheld: e.Withheld,
		Schema: e.Schema,
	}
}

func userOf(e audit.Entry) audit.Object {
	out := audit.Object{}
	put(out, "user_id", e.Actor["id"])
	put(out, "username", first(e.Actor["name"], e.Actor["email"]))
	put(out, "role", e.Actor["role"])
	put(out, "department", e.Actor["department"])
	put(out, "session_id", first(e.Actor["session_id"], e.Metadata["session_id"]))
	return out
}

// prefixed gives type, id and name document B's names; the rest passes.
func prefixed(resource audit.Object) audit.Object {
	out := audit.Object{}
	for k, v := range resource {
		if k == "type" || k == "id" || k == "name" {
			k = "resource_" + k
		}
		out[k] = v
	}
	return out
}

// actionOf is what was submitted; what is missing follows from a dotted type
// and from document A's pair of states.
func actionOf(e audit.Entry) audit.Object {
	out := audit.Object{}
	maps.Copy(out, e.Action)
	if _, operation, dotted := strings.Cut(e.Type, "."); dotted && out["operation"] == nil {
		out["operation"] = operation
	}
	was, hadState := e.Details["previous_status"]
	is, hasState := e.Details["new_status"]
	if hadState && hasState && out["changes"] == nil {
		out["changes"] = []any{audit.Object{"field": "status", "old_value": was, "new_value": is}}
	}
	return out
}

// contextOf adds to the context what document A keeps beside it.
func contextOf(e audit.Entry) audit.Object {
	out := audit.Object{}
	for k, v := range e.Metadata {
		switch k {
		case "session_id": // shown as the user's
		case "ip_address":
			out["source_ip"] = v
		default:
			out[k] = v
		}
	}
	if len(e.Repository) > 0 {
		out["repository"] = e.Repository
	}
	maps.Copy(out, e.Context)
	return out
}

// signatureOf says whether policy demands a signature and what was claimed of
// one. Provided is what can be verified here, and nothing can: signatures are
// not stored yet.
func signatureOf(e audit.Entry) audit.Object {
	required := e.SignatureRequired()
	if !required && len(e.Signature) == 0 {
		return nil
	}
	out := audit.Object{"required": required, "provided": false}
	put(out, "signature_id", e.Signature["signature_id"])
	put(out, "signature_meaning", e.Signature["meaning"])
	return out
}

// responseOf repeats what the reporter attests, and counts only that. Opening
// an investigation escalates, and notifies nobody by itself.
func responseOf(e audit.Entry, investigated bool) audit.Object {
	if e.AutoResponse == nil {
		return nil
	}
	told := 0
	for _, who := range []string{"admin_notified", "security_team_alerted"} {
		if e.AutoResponse[who] == true {
			told++
		}
	}
	out := audit.Object{"notifications_sent": told, "escalation_triggered": investigated || e.AutoResponse["security_team_alerted"] == true}
	put(out, "ip_blocked", e.AutoResponse["ip_blocked"])
	return out
}

func put(o audit.Object, key string, value any) {
	if value != nil {
		o[key] = value
	}
}

func first(values ...any) any {
	for _, v := range values {
		if v != nil {
			return v
		}
	}
	return nil
}
