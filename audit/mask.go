package audit

import "maps"

// Masked stands where a caller without [ReadSensitive] may know that there is
// a value, and not which.
const Masked = "[masked]"

// sensitiveKeys are masked wherever they stand in an entry.
var sensitiveKeys = map[string]bool{
	"ip_address": true, "source_ip": true, "user_agent": true, "email": true, "location": true, "session_id": true,
	"old_value": true, "new_value": true, "previous_status": true, "new_status": true, "attempted_username": true,
	"allowed_cidrs": true,
}

// Mask returns what a caller without [ReadSensitive] may see of an entry:
// everything but addresses, clients, e-mails, locations, sessions, old and new
// values, and the whole context, in which emitters put anything. What such a
// caller can search is made of the same.
func Mask(e Entry) Entry {
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

func maskAll(o Object) Object {
	out := maps.Clone(o)
	for k := range out {
		out[k] = Masked
	}
	return out
}

func maskKeys(o Object) Object {
	if o == nil {
		return nil
	}
	return maskValue(map[string]any(o)).(map[string]any)
}

func maskValue(v any) any {
	switch v := v.(type) {
	case Object:
		return maskValue(map[string]any(v))
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, child := range v {
			if sensitiveKeys[k] {
				out[k] = Masked
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
