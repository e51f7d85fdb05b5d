package control

import (
	"encoding/json"
	"maps"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/sealbook/sealbook/audit"
)

// view is an entry as expressions see it. Every documented field is there, with
// the zero value where the emitter gave none: a rule reads e.user.user_id != ”
// and cannot fail for want of a key.
type view map[string]any

// Defaults of what document B shows of an entry.
var (
	noUser     = audit.Object{"user_id": "", "username": "", "role": "", "department": "", "session_id": ""}
	noActor    = audit.Object{"type": "", "id": "", "name": "", "email": ""}
	noResource = audit.Object{"type": "", "id": "", "name": "", "parent_machine": ""}
	noRepo     = audit.Object{"id": "", "name": ""}
	noAction   = audit.Object{"operation": "", "method": "", "endpoint": "", "changes": []any{}}
	noContext  = audit.Object{"source_ip": "", "user_agent": "", "location": "", "approval_reference": "", "business_justification": ""}
	noChange   = audit.Object{"field": "", "old_value": nil, "new_value": nil, "change_reason": ""}
	noSigning  = audit.Object{"required": false, "provided": false, "signature_id": "", "meaning": ""}
	noResponse = audit.Object{"ip_blocked": false, "admin_notified": false, "security_team_alerted": false}
	noImpact   = audit.Object{"safety_impact": "", "operational_impact": "", "compliance_impact": "", "affected_systems": []any{}, "downstream_effects": []any{}}
)

// see projects an entry. No signature is provided yet: an entry names the id of one,
// and none is stored here that could be verified.
func see(e *audit.Entry) view {
	frameworks := make([]string, len(e.Frameworks))
	for i, f := range e.Frameworks {
		frameworks[i] = string(f)
	}
	user := maps.Clone(noUser)
	for key, from := range map[string]string{"user_id": "id", "username": "name", "role": "role", "department": "department", "session_id": "session_id"} {
		if v := e.Actor.String(from); v != "" {
			user[key] = v
		}
	}
	action := filled(e.Action, noAction)
	action["changes"] = changes(action["changes"])
	signature := filled(e.Signature, noSigning)
	signature["required"], signature["provided"] = e.SignatureRequired(), false
	return view{
		"names": []string{e.Type, e.ShownCategory()}, "response": filled(e.AutoResponse, noResponse),
		"seq": e.Seq, "id": e.EntryID(), "type": e.Type, "class": string(e.Class), "category": e.ShownCategory(), "severity": string(e.Severity),
		"description": e.Description, "timestamp": e.Time(), "created_at": e.RecordedAt, "frameworks": frameworks,
		"user": user, "actor": filled(e.Actor, noActor), "resource": filled(e.Resource, noResource), "repository": filled(e.Repository, noRepo),
		"action": action, "context": filled(e.Context, noContext), "details": filled(e.Details, nil), "metadata": filled(e.Metadata, nil),
		"impact": filled(e.Impact, noImpact), "signature": signature, "requires_investigation": e.RequiresInvestigation,
		"erased": len(e.Withheld) > 0,
	}
}

// filled is o with what it lacks.
func filled(o, defaults audit.Object) map[string]any {
	out := make(map[string]any, len(o)+len(defaults))
	maps.Copy(out, defaults)
	maps.Copy(out, o)
	return out
}

// changes gives each change its documented keys. What is no object is left as it
// is, and a rule about it fails.
func changes(v any) any {
	list, ok := v.([]any)
	if !ok {
		return []any{}
	}
	out := make([]any, len(list))
	for i, c := range list {
		out[i] = c
		if o, ok := object(c); ok {
			out[i] = filled(o, noChange)
		}
	}
	return out
}

func object(v any) (audit.Object, bool) {
	switch o := v.(type) {
	case audit.Object:
		return o, true
	case map[string]any:
		return o, true
	}
	return nil, false
}

// adapter gives CEL the numbers of an entry, which keep their form: whole ones
// are int, the others double.
type adapter struct{}

// NativeToValue implements types.Adapter.
func (a adapter) NativeToValue(v any) ref.Val {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return types.Int(n)
		}
		f, err := v.Float64()
		if err != nil {
			return types.NewErr("%s is no number that a rule can use", v)
		}
		return types.Double(f)
	case audit.Object:
		return types.NewStringInterfaceMap(a, v)
	case map[string]any:
		return types.NewStringInterfaceMap(a, v)
	case []any:
		return types.NewDynamicList(a, v)
	}
	return types.DefaultTypeAdapter.NativeToValue(v)
}
