package api

import (
	"maps"

	"github.com/sealbook/sealbook/audit"
)

// logBody is an entry as document A shows it. A key without a value is left
// out. seq, verified and withheld are ours, and so is hash in a list.
type logBody struct {
	ID         string       `json:"id"`
	EventType  string       `json:"event_type,omitempty"`
	Actor      audit.Object `json:"actor,omitempty"`
	Resource   audit.Object `json:"resource,omitempty"`
	Repository audit.Object `json:"repository,omitempty"`
	Details    audit.Object `json:"details,omitempty"`
	IPAddress  any          `json:"ip_address,omitempty"`
	UserAgent  any          `json:"user_agent,omitempty"`
	Metadata   audit.Object `json:"metadata,omitempty"` // of a single entry only
	Timestamp  string       `json:"timestamp"`
	Hash       string       `json:"hash"`
	Previous   string       `json:"previous_hash,omitempty"` // likewise
	Seq        int64        `json:"seq"`
	Verified   bool         `json:"verified"`
	Withheld   []string     `json:"withheld,omitempty"`
}

// logView projects an entry to a row of document A's list.
func logView(e audit.Entry) *logBody {
	actor := audit.Object{}
	for _, k := range []string{"type", "id", "email", "name"} {
		put(actor, k, e.Actor[k])
	}
	return &logBody{
		ID: e.LogID(), EventType: e.Type, Actor: actor, Resource: e.Resource, Repository: e.Repository, Details: detailsOf(e),
		IPAddress: first(e.Metadata["ip_address"], e.Context["source_ip"]),
		UserAgent: first(e.Metadata["user_agent"], e.Context["user_agent"]),
		Timestamp: audit.FormatTime(e.Time()), Hash: e.Hash, Seq: e.Seq, Verified: e.Verified, Withheld: e.Withheld,
	}
}

// logDetail adds what document A shows of a single entry.
func logDetail(e audit.Entry) *logBody {
	v := logView(e)
	v.Previous = e.Previous
	v.Metadata = audit.Object{}
	maps.Copy(v.Metadata, e.Metadata)
	put(v.Metadata, "ip_address", v.IPAddress)
	put(v.Metadata, "user_agent", v.UserAgent)
	put(v.Metadata, "session_id", first(e.Metadata["session_id"], e.Actor["session_id"]))
	return v
}

// detailsOf adds document B's action, changes and description to the details,
// unless these have keys of the same names.
func detailsOf(e audit.Entry) audit.Object {
	out := audit.Object{}
	put(out, "description", textOrNil(e.Description))
	if len(e.Action) > 0 {
		what := maps.Clone(e.Action)
		put(out, "changes", what["changes"])
		delete(what, "changes")
		if len(what) > 0 {
			out["action"] = what
		}
	}
	maps.Copy(out, e.Details)
	return out
}

func textOrNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}
