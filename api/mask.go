package api

import (
	"maps"

	"github.com/sealbook/sealbook/audit"
)

// masked stands where a caller without audit:read:sensitive may know that
// there is a value, and not which.
const masked = "[masked]"

// sensitiveKeys are masked wherever they stand in an entry.
var sensitiveKeys = map[string]bool{
	"ip_address": true, "source_ip": true, "user_agent": true, "email": true, "location": true, "session_id": true,
	"old_value": true, "new_value": true, "previous_status": true, "new_status": true, "attempted_username": true,
}

// mask returns what a caller without audit:read:sensitive may see of an entry:
// everything but addresses, clients, e-mails, locations, sessions, old and new
// values, and the whole context, in which emitters put anything.
func mask(e audit.Entry) audit.Entry {
	e.Actor = maskKeys(e.Actor)
	e.Resource = maskKeys(e.Resource)
	e.Repository = maskKeys(e.Repository)
	e.Action = maskKeys(e.Action)
	e.Details = maskKeys(e.Details)
	e.Context = maskAll(e.Context)
	request, known := e.Metadata["request_id"]
	e.Metadata = maskAll(e.Metadata)
	if known {
		e.Metadata["request_id"] = request
	}
	return e
}

func maskAll(o audit.Object) audit.Object {
	out := maps.Clone(o)
	for k := range out {
		out[k] = masked
	}
	return out
}

func maskKeys(o audit.Object) audit.Object {
	if o == nil {
		return nil
	}
	return maskValue(map[string]any(o)).(map[string]any)
}

func maskValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, child := range v {
			if sensitiveKeys[k] {
				out[k] = masked
			} else {
				out[k] = maskValue(child)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, child := range v {
			out[i] = maskValue(child)
		}
		return out
	}
	return v
}

// sensitive reports whether an entry's detail needs audit:read:sensitive: a
// security event, a critical entry, or one that cannot be believed when it
// says that it is neither.
func sensitive(e audit.Entry) bool {
	return e.Class == audit.ClassSecurity || e.Severity == audit.SeverityCritical || !e.Verified
}
