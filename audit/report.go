package audit

import (
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"
)

// ReportID names a report; it is also its Temporal workflow's id.
type ReportID string

// ReportType is what a report is about.
type ReportType string

// The types that can be asked for.
const (
	ComplianceSummaryReport ReportType = "compliance_summary" // what an assessment of one framework came to
	AuditTrailReport        ReportType = "audit_trail"        // every entry of the scope
	DataIntegrityReport     ReportType = "data_integrity"     // changes of records, and what verifying the ledger found
	AccessReviewReport      ReportType = "access_review"      // who signed in, and whose access was changed
	InvestigationReport     ReportType = "investigation"      // one case: its record, findings, decision and custody
)

// ReportTypes lists the valid values.
var ReportTypes = []ReportType{ComplianceSummaryReport, AuditTrailReport, DataIntegrityReport, AccessReviewReport, InvestigationReport}

// ReportFormat is what a report's file is.
type ReportFormat string

// The formats. Only a PDF is sealed, and only it can be signed.
const (
	ReportPDF  ReportFormat = "pdf"
	ReportJSON ReportFormat = "json"
	ReportCSV  ReportFormat = "csv"
)

// MediaType is what the format's files are sent as.
func (f ReportFormat) MediaType() string {
	switch f {
	case ReportPDF:
		return "application/pdf"
	case ReportCSV:
		return "text/csv; charset=utf-8"
	}
	return "application/json"
}

// Limits of a report.
const (
	MaxReportDays       = MaxAssessmentDays
	MaxReportScope      = 100 // systems, and people, that a scope names
	MaxRecipients       = 50
	MaxRecipientAddress = 254                 // bytes (RFC 5321, section 4.5.3.1.3, less the angle brackets)
	ReportDownloadLife  = 31 * 24 * time.Hour // of its links, from completion or from when they were made anew
	SignatureWait       = 30 * 24 * time.Hour // that each signatory has in turn, after which an unsigned report has failed

	SignatureLastReminder = 24 * time.Hour // before the end of it; another comes when half of it is over
	SignatureReminderGap  = time.Hour      // between being asked and a reminder, and between two reminders

	ChallengeLife       = 2 * time.Minute // of the nonce that one signature uses up
	MaxSignatureComment = 1_000           // bytes
	MaxCountersigners   = 9               // who sign after the first
)

// ReportRequest asks for a report. It is the request's body.
type ReportRequest struct {
	Type          ReportType        `json:"report_type"`
	Framework     Framework         `json:"framework,omitempty"`
	Investigation InvestigationID   `json:"investigation_id,omitempty"` // whose report it is, of a report of an investigation
	Period        ReportPeriod      `json:"period,omitzero"`
	Scope         *ReportScope      `json:"scope,omitempty"`
	Format        ReportFormat      `json:"format,omitempty"` // pdf when it is left out
	Signature     *SignatureRequest `json:"digital_signature,omitempty"`
	Distribution  []string          `json:"distribution,omitempty"` // e-mail addresses
}

// ReportPeriod is inclusive, by RFC 3339 times or dates.
type ReportPeriod struct {
	Start string `json:"start"`
	End   string `json:"end"`
}

// ReportScope narrows which entries a report counts and lists. The score of a
// framework is of the whole ledger all the same, and the report says so.
type ReportScope struct {
	Systems     []string    `json:"include_systems,omitempty"` // see [ReportScope.Covers]
	Users       ReportUsers `json:"include_users,omitzero"`
	Violations  *bool       `json:"include_violations,omitempty"`  // true when left out
	Remediation *bool       `json:"include_remediation,omitempty"` // likewise
}

// SignatureRequest says whether a person shall sign, who, and what they mean by it.
// Countersigners sign after them, each when the one before has.
type SignatureRequest struct {
	Required       bool             `json:"required"`
	Signatory      string           `json:"signatory,omitempty"` // a person of the directory, by id or e-mail address
	Meaning        SignatureMeaning `json:"signature_meaning,omitempty"`
	Countersigners []Countersigner  `json:"countersigners,omitempty"`
}

// Countersigner is another person who shall sign, and what they mean by it.
type Countersigner struct {
	Signatory string           `json:"signatory"`
	Meaning   SignatureMeaning `json:"signature_meaning"`
}

// All are those who shall sign, in their order.
func (s *SignatureRequest) All() []Countersigner {
	return append([]Countersigner{{s.Signatory, s.Meaning}}, s.Countersigners...)
}

// SignatoryField is where the request names the one of a turn, from 1.
func SignatoryField(turn int) string {
	if turn == 1 {
		return "/digital_signature"
	}
	return fmt.Sprintf("/digital_signature/countersigners/%d", turn-2)
}

func (s *SignatureRequest) check(f ReportFormat, fail failing) {
	if s.Signatory != "" && f != ReportPDF {
		fail("/format", "conflict", "only a pdf can be signed")
	}
	if len(s.Countersigners) > MaxCountersigners {
		fail("/digital_signature/countersigners", "too_many", "at most %d people countersign", MaxCountersigners)
		return
	}
	for i, who := range s.All() {
		field := SignatoryField(i + 1)
		if who.Signatory == "" || len(who.Signatory) > MaxIdentifier {
			fail(field+"/signatory", "required", "signatory is required: who shall sign, by id or e-mail address")
		}
		if !slices.Contains(SignatureMeanings, who.Meaning) {
			fail(field+"/signature_meaning", "invalid", "signature_meaning is one of %s", list(SignatureMeanings))
		}
	}
}

// SignatureMeaning is what a signature says (21 CFR 11.50(a)(3)).
type SignatureMeaning string

// SignatureMeanings are the meanings that can be asked for. Only the first two
// can be said by whoever asked for the report: nobody approves their own work.
var SignatureMeanings = []SignatureMeaning{"authorship", "responsibility", "review", "verification", "approval", "reviewed_and_approved"}

// OwnWork reports whether the requester may sign with this meaning.
func (m SignatureMeaning) OwnWork() bool { return m == "authorship" || m == "responsibility" }

// Words is the meaning as a page says it.
func (m SignatureMeaning) Words() string {
	words := strings.ReplaceAll(string(m), "_", " ")
	if words == "" {
		return ""
	}
	return strings.ToUpper(words[:1]) + words[1:]
}

// MustSign reports whether the report waits for a person.
func (r *ReportRequest) MustSign() bool { return r.Signature != nil && r.Signature.Required }

// Shows says whether violations, and what was done about them, are in the report.
func (s *ReportScope) Shows() (violations, remediation bool) {
	yes := func(b *bool) bool { return b == nil || *b }
	if s == nil {
		return true, true
	}
	return yes(s.Violations), yes(s.Remediation)
}

// Normalise gives every value its canonical form. A period that has not ended by
// now ends now; that of a report of an investigation may be left out, and p is zero
// then. Returns ValidationFailed with every field that is wrong.
func (r *ReportRequest) Normalise(now time.Time) (p Period, err error) {
	var bad []FieldError
	fail := func(field, code, format string, args ...any) {
		bad = append(bad, FieldError{field, code, fmt.Sprintf(format, args...)})
	}
	switch {
	case r.Type == "":
		fail("/report_type", "required", "report_type is required: one of %s", list(ReportTypes))
	case !slices.Contains(ReportTypes, r.Type):
		fail("/report_type", "invalid", "report_type is one of %s", list(ReportTypes))
	}
	if r.Framework != "" {
		f, ok := ParseFramework(string(r.Framework))
		if !ok {
			fail("/framework", "invalid", "framework is one of SOC2, FDA_21CFR11, ISO_27001, GDPR, SOX, NIST_CSF")
		}
		r.Framework = f
	} else if r.Type == ComplianceSummaryReport {
		fail("/framework", "required", "a compliance_summary is of one framework")
	}
	if r.Format == "" {
		r.Format = ReportPDF
	}
	if !slices.Contains([]ReportFormat{ReportPDF, ReportJSON, ReportCSV}, r.Format) {
		fail("/format", "invalid", "format is one of pdf, json, csv")
	}
	if r.Type == InvestigationReport {
		r.checkCase(fail)
	} else if r.Investigation != "" {
		fail("/investigation_id", "conflict", "only a report of the type investigation is of one")
	}
	if r.Type != InvestigationReport || r.Period != (ReportPeriod{}) {
		p = r.checkPeriod(now, fail)
	}
	if r.Scope != nil {
		r.Scope.check(fail)
	}
	if r.MustSign() {
		r.Signature.check(r.Format, fail)
	} else if r.Signature != nil && len(r.Signature.Countersigners) > 0 {
		fail("/digital_signature/required", "conflict", "nobody countersigns what nobody signs: required must be true")
	}
	r.Distribution = recipients(r.Distribution, "/distribution", fail)
	if bad != nil {
		return p, &Error{Code: ValidationFailed, Message: "the report request is not valid", Fields: bad}
	}
	return p, nil
}

// checkCase refuses what would make less of a case than it is: its report has its
// own scope and frameworks, and shows all that the record has.
func (r *ReportRequest) checkCase(fail failing) {
	if r.Investigation == "" {
		fail("/investigation_id", "required", "a report of an investigation is of one: investigation_id says which")
	} else if len(r.Investigation) > MaxIdentifier {
		fail("/investigation_id", "length", "it has at most %d bytes", MaxIdentifier)
	}
	if r.Framework != "" {
		fail("/framework", "conflict", "a report of an investigation has the frameworks of its case")
	}
	if violations, remediation := r.Scope.Shows(); r.Scope != nil && (len(r.Scope.Systems)+len(r.Scope.Users) > 0 || !violations || !remediation) {
		fail("/scope", "conflict", "a report of an investigation has the scope of its case, and leaves nothing of it out")
	}
}

func list[S ~string](values []S) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = string(v)
	}
	return strings.Join(texts, ", ")
}

type failing = func(field, code, format string, args ...any)

func (r *ReportRequest) checkPeriod(now time.Time, fail failing) Period {
	if r.Period.Start == "" || r.Period.End == "" {
		fail("/period", "required", "period needs start and end")
		return Period{}
	}
	p, err := ParsePeriod(r.Period.Start, r.Period.End)
	if err != nil {
		fail("/period", "invalid", "%s", err.(*Error).Message)
		return p
	}
	if p.Until.After(now) {
		p.Until = Instant(now)
	}
	switch {
	case !p.From.Before(p.Until):
		fail("/period/start", "out_of_range", "the period has not begun")
	case p.Until.Sub(p.From) > MaxReportDays*24*time.Hour:
		fail("/period/start", "out_of_range", "a period has at most %d days", MaxReportDays)
	}
	return p
}

// Recipients returns addresses in the form in which they are kept, each once, or
// ValidationFailed with every one that is wrong, by its place under a field.
func Recipients(addresses []string, field string) ([]string, error) {
	var bad []FieldError
	kept := recipients(addresses, field, func(at, code, format string, args ...any) {
		bad = append(bad, FieldError{at, code, fmt.Sprintf(format, args...)})
	})
	if bad != nil {
		return nil, &Error{Code: ValidationFailed, Message: "the recipients are not valid", Fields: bad}
	}
	return kept, nil
}

func recipients(addresses []string, field string, fail failing) (kept []string) {
	for i, text := range addresses {
		a, err := mail.ParseAddress(text)
		if err != nil || a.Name != "" || a.Address != strings.TrimSpace(text) || len(a.Address) > MaxRecipientAddress {
			fail(fmt.Sprintf("%s/%d", field, i), "invalid", "it is no e-mail address")
			continue
		}
		if !slices.ContainsFunc(kept, func(k string) bool { return strings.EqualFold(k, a.Address) }) {
			kept = append(kept, a.Address)
		}
	}
	if len(kept) > MaxRecipients {
		fail(field, "too_many", "at most %d recipients", MaxRecipients)
	}
	return kept
}

// ReportStatus is where a report stands.
type ReportStatus string

// The states. The last three are final.
const (
	ReportQueued     ReportStatus = "queued"
	ReportProcessing ReportStatus = "processing"
	ReportPending    ReportStatus = "pending_signature"
	ReportGenerated  ReportStatus = "generated"
	ReportFailed     ReportStatus = "failed" // also when the signatory declined
	ReportCanceled   ReportStatus = "canceled"
)

// ReportStatuses lists the valid values.
var ReportStatuses = []ReportStatus{ReportQueued, ReportProcessing, ReportPending, ReportGenerated, ReportFailed, ReportCanceled}

// Final reports whether the report has ended.
func (s ReportStatus) Final() bool {
	return s == ReportGenerated || s == ReportFailed || s == ReportCanceled
}

// ReportStart is the input of a report's workflow, under the rules of
// [ExportStart].
type ReportStart struct {
	ID           ReportID       `json:"id"`
	Ledger       int32          `json:"ledger"`
	Organisation OrganisationID `json:"organisation"`
	Type         ReportType     `json:"report_type"`
	Framework    Framework      `json:"framework,omitempty"`
	Period       string         `json:"period"` // "2024-01-01 to 2024-03-31"
	Format       ReportFormat   `json:"format"`
}

// ReportWorkflow is the registered name of the workflow that makes reports, and
// SignedSignal is the signal that tells it that the signatory has decided. It
// carries nothing: what was decided stands in the database.
const (
	ReportWorkflow = "PublishReport"
	SignedSignal   = "signatory_decided"
)

// DistributionID names one sending of a report to its recipients; it is also its
// Temporal workflow's id.
type DistributionID string

// DistributionStart is the input of a distribution's workflow. Addresses are not
// in it: they stand in the database.
type DistributionStart struct {
	ID           DistributionID `json:"id"`
	Report       ReportID       `json:"report_id"`
	Ledger       int32          `json:"ledger"`
	Organisation OrganisationID `json:"organisation"`
}

// DistributionWorkflow is the registered name of the workflow that sends reports,
// and DeliveredSignal is the signal that tells it that the provider said
// something of a delivery.
const (
	DistributionWorkflow = "DistributeReport"
	DeliveredSignal      = "delivery_reported"
)

// DeliveryState is where a mail to one recipient stands.
type DeliveryState string

// The states. Sending is written before the provider is asked: whoever finds it
// cannot know whether the mail went out, and does not send it again. Unknown says
// so for good: a person decides whether to send again.
const (
	DeliveryPending   DeliveryState = "pending"
	DeliverySending   DeliveryState = "sending"
	DeliveryAccepted  DeliveryState = "accepted" // by the provider
	DeliveryDelivered DeliveryState = "delivered"
	DeliveryBounced   DeliveryState = "bounced"
	DeliveryDropped   DeliveryState = "dropped" // the provider did not try
	DeliveryRefused   DeliveryState = "refused" // by the provider, or never handed over
	DeliveryUnknown   DeliveryState = "unknown"
)

// DeliveryStates lists them.
var DeliveryStates = []DeliveryState{
	DeliveryPending, DeliverySending, DeliveryAccepted, DeliveryDelivered, DeliveryBounced, DeliveryDropped, DeliveryRefused, DeliveryUnknown,
}

// Open reports whether the provider may still say what became of the mail.
func (s DeliveryState) Open() bool {
	return s == DeliveryPending || s == DeliverySending || s == DeliveryAccepted || s == DeliveryUnknown
}

// Types of the entries that the system makes about reports.
const (
	TypeSignatureRequested = ReservedPrefix + "signature_requested"
	TypeSignatureReminded  = ReservedPrefix + "signature_reminded" // a mail is on its way
	TypeSignatureNotified  = ReservedPrefix + "signature_notified" // what became of a mail to a signatory
	TypeReportGenerated    = ReservedPrefix + "report_generated"
	TypeReportDistributed  = ReservedPrefix + "report_distributed"
)
