package stream

import (
	"strings"

	"github.com/sealbook/sealbook/audit"
)

// ocsfVersion is of the schema that the names below are from.
const ocsfVersion = "1.3.0"

// ocsfClass is a class of OCSF events that entries become.
type ocsfClass struct {
	category, class int
	name            string
}

// The classes.
var (
	detectionFinding = ocsfClass{2, 2004, "Detection Finding"}
	accountChange    = ocsfClass{3, 3001, "Account Change"}
	authentication   = ocsfClass{3, 3002, "Authentication"}
	entityManagement = ocsfClass{3, 3004, "Entity Management"}
	apiActivity      = ocsfClass{6, 6003, "API Activity"}
)

// ocsfEvent has the attributes of the base event and those of the five classes
// that an entry can fill. A class's own are left out of the others: validators
// refuse attributes that a class does not have.
type ocsfEvent struct {
	ActivityID   int            `json:"activity_id"`
	ActivityName string         `json:"activity_name"`
	CategoryUID  int            `json:"category_uid"`
	ClassUID     int            `json:"class_uid"`
	ClassName    string         `json:"class_name"`
	TypeUID      int            `json:"type_uid"`
	Time         int64          `json:"time"` // milliseconds since 1970
	SeverityID   int            `json:"severity_id"`
	Severity     string         `json:"severity"`
	Message      string         `json:"message"`
	Metadata     audit.Object   `json:"metadata"`
	Actor        audit.Object   `json:"actor"`
	SrcEndpoint  audit.Object   `json:"src_endpoint,omitempty"`
	HTTPRequest  audit.Object   `json:"http_request,omitempty"`
	User         audit.Object   `json:"user,omitempty"`      // Authentication, Account Change
	Service      audit.Object   `json:"service,omitempty"`   // Authentication
	Entity       audit.Object   `json:"entity,omitempty"`    // Entity Management
	API          audit.Object   `json:"api,omitempty"`       // API Activity
	Resources    []audit.Object `json:"resources,omitempty"` // API Activity, Detection Finding
	FindingInfo  audit.Object   `json:"finding_info,omitempty"`
	Evidences    []audit.Object `json:"evidences,omitempty"`
	Unmapped     audit.Object   `json:"unmapped"`
}

func ocsfOf(origin string, e *audit.Entry) *ocsfEvent {
	actor, moreActor := ocsfActor(e.Actor)
	resource, moreResource := ocsfResource(e.Resource)
	source := ocsfSource(e)
	out := &ocsfEvent{
		Time: e.Time().UnixMilli(), Message: e.Description, Actor: actor, SrcEndpoint: source,
		Metadata: ocsfMetadata(origin, e), Unmapped: ocsfUnmapped(e, moreActor, moreResource),
	}
	if out.Message == "" {
		out.Message = e.Type
	}
	out.SeverityID, out.Severity = ocsfSeverity(e.Severity)
	if agent := firstShown(e.Context["user_agent"], e.Metadata["user_agent"]); agent != "" {
		out.HTTPRequest = audit.Object{"user_agent": agent}
	}
	class := ocsfClassOf(e)
	out.CategoryUID, out.ClassUID, out.ClassName = class.category, class.class, class.name
	out.ActivityID, out.ActivityName = ocsfActivity(class, e)
	out.TypeUID = class.class*100 + out.ActivityID
	if class == entityManagement || class == detectionFinding {
		out.Metadata["profiles"] = []string{"host"} // which gives these classes their actor
	}
	switch class {
	case authentication:
		out.User, _ = actor["user"].(audit.Object)
		out.Service = named(e.Resource, e.Repository)
		putObject(out.Unmapped, "resource", e.Resource)
	case accountChange:
		out.User = ocsfGrantee(e)
		putObject(out.Unmapped, "resource", e.Resource)
	case entityManagement:
		out.Entity = named(e.Resource)
		if t, ok := resource["type"]; ok {
			out.Entity["type_id"], out.Entity["type"] = other, t
		}
	case detectionFinding:
		out.HTTPRequest, out.SrcEndpoint = nil, nil
		out.FindingInfo = audit.Object{"uid": e.EntryID(), "title": out.Message, "types": []string{e.Type}, "created_time": e.RecordedAt.UnixMilli()}
		evidence := audit.Object{"actor": actor}
		if source != nil {
			evidence["src_endpoint"] = source
		}
		out.Evidences = []audit.Object{evidence}
		out.Resources = listed(resource)
	case apiActivity:
		out.API = audit.Object{"operation": firstShown(e.Action["operation"], e.Type)}
		out.Resources = listed(resource)
		if source == nil { // the class wants one
			out.SrcEndpoint = audit.Object{"name": unknown}
		}
	}
	return out
}

func ocsfClassOf(e *audit.Entry) ocsfClass {
	if e.Type == "access.granted" || e.Type == "access.revoked" {
		return accountChange
	}
	switch e.Class {
	case audit.ClassLogin, audit.ClassLogout:
		return authentication
	case audit.ClassChange:
		return entityManagement
	case audit.ClassSecurity:
		return detectionFinding
	}
	return apiActivity
}

// What OCSF calls a value that is not known, and one that it has no number for.
const (
	unknown = "Unknown"
	other   = 99
)

// ocsfSeverity gives OCSF's number and name; an entry without a severity has
// none that is known.
func ocsfSeverity(s audit.Severity) (id int, name string) {
	switch s {
	case audit.SeverityLow:
		return 2, "Low"
	case audit.SeverityMedium:
		return 3, "Medium"
	case audit.SeverityHigh:
		return 4, "High"
	case audit.SeverityCritical:
		return 5, "Critical"
	}
	return 0, unknown
}

// verbs are the words for what OCSF counts as four activities, as they stand
// in types and operations.
var verbs = map[string]int{
	"create": 1, "created": 1, "add": 1, "added": 1, "insert": 1, "generate": 1, "generated": 1, "post": 1,
	"read": 2, "viewed": 2, "view": 2, "get": 2, "list": 2, "listed": 2, "search": 2, "searched": 2,
	"update": 3, "updated": 3, "change": 3, "changed": 3, "modify": 3, "modified": 3, "edit": 3, "edited": 3,
	"applied": 3, "resolved": 3, "put": 3, "patch": 3,
	"delete": 4, "deleted": 4, "remove": 4, "removed": 4,
}

// crud names the activities that Entity Management and API Activity share.
var crud = []string{unknown, "Create", "Read", "Update", "Delete"}

// ocsfActivity tells from the type, or else from what was submitted as the
// action, what was done.
func ocsfActivity(c ocsfClass, e *audit.Entry) (id int, name string) {
	switch {
	case c == authentication && e.Class == audit.ClassLogin:
		return 1, "Logon"
	case c == authentication:
		return 2, "Logoff"
	case c == accountChange && e.Type == "access.granted":
		return 7, "Attach Policy"
	case c == accountChange:
		return 8, "Detach Policy"
	case c == detectionFinding:
		return 1, "Create"
	}
	said := e.Action.String("operation")
	for _, word := range []string{e.Type[strings.LastIndexByte(e.Type, '.')+1:], said, e.Action.String("method")} {
		if id, ok := verbs[strings.ToLower(word)]; ok {
			return id, crud[id]
		}
	}
	if _, dotted, _ := strings.Cut(e.Type, "."); dotted != "" {
		return other, dotted
	}
	if said != "" {
		return other, said
	}
	return 0, unknown
}
