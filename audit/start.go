package audit

// ExportStart is the input of an export's workflow. It identifies the job and
// carries what a person wants to read beside it in Temporal's UI; everything
// else is in the job's row. No personal data: workflow inputs are kept in
// histories that nobody can erase.
type ExportStart struct {
	ID           ExportID       `json:"id"`
	Ledger       int32          `json:"ledger"`
	Organisation OrganisationID `json:"organisation"`
	Framework    Framework      `json:"framework"`
	Period       string         `json:"period"` // "2024-01-01 to 2024-03-31"
	Format       Format         `json:"format"`
}

// ExportWorkflow is the registered name of the workflow that makes exports.
const ExportWorkflow = "ExportEvidence"

// VerificationStart is the input of a verification's workflow, under the same
// rules.
type VerificationStart struct {
	ID           VerificationID `json:"id"`
	Ledger       int32          `json:"ledger"`
	Organisation OrganisationID `json:"organisation"`
	Period       string         `json:"period"` // "2024-01-01 to 2024-03-31"
}

// VerificationWorkflow is the registered name of the workflow that verifies
// ledgers.
const VerificationWorkflow = "VerifyLedger"
