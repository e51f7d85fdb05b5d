package audit

// VerificationID names a verification that runs as a job; it is also its
// Temporal workflow's id.
type VerificationID string

// VerificationRequest is the window to verify: it selects entries by the time
// of their events.
type VerificationRequest struct {
	From         string `json:"from"`
	To           string `json:"to"`
	RepositoryID string `json:"repository_id,omitempty"`
}

// Filter returns what the window selects. Returns ValidationFailed with every
// field that is wrong, or InvalidParameter when a bound cannot be read.
func (v *VerificationRequest) Filter() (f Filter, err error) {
	var bad []FieldError
	for _, bound := range []struct{ name, value string }{{"from", v.From}, {"to", v.To}} {
		if bound.value == "" {
			bad = append(bad, FieldError{Field: "/" + bound.name, Code: "required", Message: bound.name + " is required: a time or a date"})
		}
	}
	if len(v.RepositoryID) > MaxIdentifier {
		bad = append(bad, FieldError{Field: "/repository_id", Code: "length", Message: "repository_id has at most 256 bytes"})
	}
	if bad != nil {
		return f, &Error{Code: ValidationFailed, Message: "the verification is not valid", Fields: bad}
	}
	f.RepositoryID = v.RepositoryID
	f.Period, err = ParsePeriod(v.From, v.To)
	return f, err
}

// VerificationStatus is where a verification job stands.
type VerificationStatus string

// The states. Completed says that there is a result, whatever it is. The last
// three are final.
const (
	VerificationQueued     VerificationStatus = "queued"
	VerificationProcessing VerificationStatus = "processing"
	VerificationCompleted  VerificationStatus = "completed"
	VerificationFailed     VerificationStatus = "failed"
	VerificationCanceled   VerificationStatus = "canceled"
)

// Final reports whether the job has ended.
func (s VerificationStatus) Final() bool {
	return s != VerificationQueued && s != VerificationProcessing
}

// TypeLedgerVerified is the type of the entries that hold what a verification
// found, whoever asked for it and however it ran.
const TypeLedgerVerified = ReservedPrefix + "ledger_verified"
