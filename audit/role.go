package audit

import "slices"

// RoleName names a set of permissions.
type RoleName string

// The roles.
const (
	Viewer            RoleName = "viewer"
	Analyst           RoleName = "analyst"
	Auditor           RoleName = "auditor"
	Investigator      RoleName = "investigator"
	ComplianceOfficer RoleName = "compliance_officer"
	Ingest            RoleName = "ingest"
	Administrator     RoleName = "admin"
)

// Role is a named set of permissions. A credential that was made with a role
// holds the permissions that the role had then.
type Role struct {
	Name        RoleName
	Description string
	Permissions []Permission
	// Bounded roles are for people from outside: a credential holds one only
	// with constraints and an end.
	Bounded bool
}

// Roles lists the roles.
var Roles = []Role{
	{Name: Viewer, Description: "reads entries without their sensitive parts, compliance and reports",
		Permissions: []Permission{ReadBasic, ReadCompliance, ReadReports}},
	{Name: Analyst, Description: "reads everything about entries, compliance and reports, verifies, and makes packages and reports",
		Permissions: []Permission{ReadSensitive, VerifyLedger, ExportEvidence, ReadEvidence, ReadCompliance, ReadReports, CreateReports}},
	{Name: Auditor, Description: "reads and verifies what was agreed on, for as long as was agreed on, and changes nothing", Bounded: true,
		Permissions: []Permission{ReadSensitive, VerifyLedger, ExportEvidence, ReadEvidence, ReadCompliance, ReadReports}},
	{Name: Investigator, Description: "reads entries in full, runs investigations and has their reports made",
		Permissions: []Permission{ReadSensitive, VerifyLedger, ExportEvidence, ReadEvidence, WriteEvidence, ReadInvestigations, WriteInvestigations,
			CloseInvestigations, ReadArchive}},
	{Name: ComplianceOfficer, Description: "answers for compliance: assesses, reports, signs, keeps and holds",
		Permissions: []Permission{ReadSensitive, VerifyLedger, ExportEvidence, ReadEvidence, WriteEvidence, ReadCompliance, WriteCompliance, ReadReports,
			CreateReports, SignReports, DistributeReports, ReadInvestigations, WriteInvestigations, ManageRetention, ManageLegalHolds, ReadArchive}},
	{Name: Ingest, Description: "appends entries and reads nothing", Permissions: []Permission{Write}},
	{Name: Administrator, Description: "administers keys, retention, holds and erasure; reads entries without their sensitive parts and signs nothing",
		Permissions: []Permission{ReadBasic, VerifyLedger, ManageRetention, ManageLegalHolds, ExecuteErasure, ManageKeys, Admin}},
}

// RoleOf finds a role by its name.
func RoleOf(name RoleName) (r Role, ok bool) {
	at := slices.IndexFunc(Roles, func(r Role) bool { return r.Name == name })
	if at < 0 {
		return r, false
	}
	return Roles[at], true
}

// KeyPermissions are those of the role that an API key may hold.
func (r Role) KeyPermissions() []Permission {
	return slices.DeleteFunc(slices.Clone(r.Permissions), func(p Permission) bool { return !slices.Contains(Permissions, p) })
}
