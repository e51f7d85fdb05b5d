package audit

import "slices"

// Permission is a right that a credential grants.
type Permission string

// The permissions. ReadSensitive implies ReadBasic; nothing else implies
// anything. Admin, in particular, implies neither sensitive reading nor
// signing.
const (
	ReadBasic           Permission = "audit:read:basic"
	ReadSensitive       Permission = "audit:read:sensitive"
	Write               Permission = "audit:write"
	VerifyLedger        Permission = "audit:verify"
	ExportEvidence      Permission = "audit:export"
	ReadEvidence        Permission = "audit:evidence:read"
	WriteEvidence       Permission = "audit:evidence:write"
	ReadCompliance      Permission = "audit:compliance:read"
	WriteCompliance     Permission = "audit:compliance:write"
	ReadReports         Permission = "audit:reports:read"
	CreateReports       Permission = "audit:reports:create"
	SignReports         Permission = "audit:reports:sign"
	DistributeReports   Permission = "audit:reports:distribute"
	ReadInvestigations  Permission = "audit:investigations:read"
	WriteInvestigations Permission = "audit:investigations:write"
	CloseInvestigations Permission = "audit:investigations:close"
	ManageRetention     Permission = "audit:retention:manage"
	ManageLegalHolds    Permission = "audit:legal_hold:manage"
	ReadArchive         Permission = "audit:archive:read"
	ExecuteErasure      Permission = "audit:erasure:execute"
	ManageStreams       Permission = "audit:streams:manage"
	ManageKeys          Permission = "audit:keys:manage"
	Admin               Permission = "audit:admin"
)

// PermissionInfo says what a permission is for.
type PermissionInfo struct {
	Name        Permission
	Description string
	// Personal is set for what a person does in their own name: no API key can
	// hold it, whoever asks.
	Personal bool
	// Reveals is set for what shows content that audit:read:basic masks. Only
	// who holds it can grant it: an administrator who may not read must not be
	// able to make a key that may.
	Reveals bool
}

// Catalogue describes every permission, in the order in which they are listed.
var Catalogue = []PermissionInfo{
	{Name: ReadBasic, Description: "read entries; addresses, clients, e-mails, locations, old and new values and context are masked"},
	{Name: ReadSensitive, Description: "read entries in full, security events and critical entries included; implies audit:read:basic", Reveals: true},
	{Name: Write, Description: "append entries and register event types"},
	{Name: VerifyLedger, Description: "verify the ledger, and fetch checkpoints, tiles and proofs"},
	{Name: ExportEvidence, Description: "make, cancel and download evidence packages, which hold entries in full", Reveals: true},
	{Name: ReadEvidence, Description: "read and download evidence that was uploaded, and evidence by framework", Reveals: true},
	{Name: WriteEvidence, Description: "upload evidence"},
	{Name: ReadCompliance, Description: "read assessments, findings, violations and the history of scores"},
	{Name: WriteCompliance, Description: "assess, attest, and change findings and violations"},
	{Name: ReadReports, Description: "read and download reports"},
	{Name: CreateReports, Description: "create and cancel reports"},
	{Name: SignReports, Description: "sign reports by electronic signature; people only, never an API key", Personal: true},
	{Name: DistributeReports, Description: "send reports to recipients"},
	{Name: ReadInvestigations, Description: "read investigations and the entries that they collected", Reveals: true},
	{Name: WriteInvestigations, Description: "open investigations and work on them"},
	{Name: CloseInvestigations, Description: "close and reopen investigations"},
	{Name: ManageRetention, Description: "change how long entries are kept"},
	{Name: ManageLegalHolds, Description: "place and release legal holds"},
	{Name: ReadArchive, Description: "read archived entries and request their retrieval", Reveals: true},
	{Name: ExecuteErasure, Description: "ask for and approve that a person's data is erased from entries, where the proofs stay; people only, never an API key", Personal: true},
	{Name: ManageStreams, Description: "send entries on to other systems as they are appended", Reveals: true},
	{Name: ManageKeys, Description: "list, create, rotate and revoke API keys"},
	{Name: Admin, Description: "administer the organisation; with audit:keys:manage, grant what one does not hold oneself, as far as that reveals nothing"},
}

// Permissions lists what an API key may be given.
var Permissions = permissionsWhere(func(i PermissionInfo) bool { return !i.Personal })

func permissionsWhere(is func(PermissionInfo) bool) (out []Permission) {
	for _, i := range Catalogue {
		if is(i) {
			out = append(out, i.Name)
		}
	}
	return out
}

// Info returns what the catalogue says of p; ok is false for what is no
// permission.
func (p Permission) Info() (i PermissionInfo, ok bool) {
	at := slices.IndexFunc(Catalogue, func(i PermissionInfo) bool { return i.Name == p })
	if at < 0 {
		return i, false
	}
	return Catalogue[at], true
}
